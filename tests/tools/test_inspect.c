#include <criterion/criterion.h>
#include <stdio.h>

#include "base/file.h"
#include "program.h"
#include "tests/models/shards.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static const Slice labels[] = {SLICE_LIT("no"), SLICE_LIT("yes\x1b[31m")};

Test(inspect, tells_what_the_files_say)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    write_file(&arena, model, "README.md",
               "---\nlicense: \"apache-2.0\"\nbase_model: some/base\nlanguage:\n- en\n- de\n"
               "datasets: [one, two]\nmodel-index:\n  - name: x\n---\nlicense: not this\n");
    const Program text = RUN(&arena, NULL, "inspect", model);
    const Program json = RUN(&arena, NULL, "inspect", model, "--json");
    program_want(&text, 0);
    program_want(&json, 0);
    const Json *root = json_of(json.out), *parameters = json_get(root, "parameters");
    // 80 + 24 + 2 rows of 32, and a norm; two blocks; a pooler and a head of 2
    cr_expect_eq(number_of(parameters, "embedding"), 106 * 32 + 64);
    cr_expect_eq(number_of(parameters, "block"),
                 4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32);
    cr_expect_eq(number_of(parameters, "head"), 32 * 32 + 32 + 2 * 32 + 2);
    cr_expect_eq(number_of(parameters, "total"), number_of(parameters, "embedding") +
                                                     2 * number_of(parameters, "block") +
                                                     number_of(parameters, "head"));
    cr_expect_eq(number_of(root, "context_window"), 24);
    cr_expect(slice_eq_cstr(json_string(json_at(json_get(root, "licence"), 0)), "apache-2.0"));
    cr_expect_eq(json_len(json_get(root, "licence")), 1);
    cr_expect_eq(json_len(json_get(root, "language")), 2);
    cr_expect_eq(json_len(json_get(root, "datasets")), 2);
    cr_expect(slice_eq(json_string(json_at(json_get(root, "labels"), 1)), labels[1]));
    cr_expect(text_contains(text.out, "apache-2.0") && text_contains(text.out, "some/base"));
    cr_expect_eq(slice_find_byte(text.out, '\x1b'), SIZE_MAX, "a label drives the terminal");
    folder_remove(folder);
    arena_release(&arena);
}

// As Transformers' num_parameters.
Test(inspect, counts_parameters_as_transformers_does)
{
    static const struct {
        const char *name;
        double total;
    } cases[] = {{"tiny-marian", 60480},
                 {"tiny-bart", 61184},
                 {"tiny-gpt2", 41600},
                 {"tiny-llama3", 46752},
                 {"tiny-t5-relu", 54496}};
    Arena arena = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char relative[64];
        snprintf(relative, sizeof relative, "models/%s", cases[i].name);
        const char *model = shared_path(relative);
        if (!model) cr_skip_test("%s of the shared folder absent", relative);
        const Program program = RUN(&arena, NULL, "inspect", model, "--json");
        program_want(&program, 0);
        cr_expect_eq(number_of(json_get(json_of(program.out), "parameters"), "total"),
                     cases[i].total, "%s", cases[i].name);
    }
    arena_release(&arena);
}

// Of six experts a token meets two, and one that all meet; the first layer has none.
Test(inspect, counts_what_a_token_meets_of_experts)
{
    static const Slice text = SLICE_LIT(
        "{\"model_type\": \"qwen2_moe\", \"architectures\": [\"Qwen2MoeForCausalLM\"], "
        "\"vocab_size\": 50, \"hidden_size\": 32, \"num_hidden_layers\": 2, "
        "\"num_attention_heads\": 4, \"intermediate_size\": 64, \"max_position_embeddings\": 40, "
        "\"num_experts\": 6, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 16, "
        "\"shared_expert_intermediate_size\": 24, \"mlp_only_layers\": [0]}");
    Arena arena = {0};
    Error err = {0};
    JsonDocument *document = NULL;
    ModelConfig config;
    Model *model = NULL;
    const char *folder = folder_make();
    const ModelOptions options = {.seed = 7, .without_tokenizer = 1};
    cr_assert_eq(json_parse(SLICE("config"), text, JSON_STRICT, &document, &err), STATUS_OK);
    cr_assert_eq(model_config_parse(&arena, json_root(document), &config, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(model_create(&config, NULL, &options, &model, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(model_save(model, folder, &err), STATUS_OK, "%s", err.text);
    const Program json = RUN(&arena, NULL, "inspect", folder, "--json"),
                  people = RUN(&arena, NULL, "inspect", folder);
    program_want(&json, 0);
    program_want(&people, 0);
    const Json *root = json_of(json.out), *parameters = json_get(root, "parameters");
    const double expert = 3 * 32 * 16, shared = 3 * 32 * 24, dense = 3 * 32 * 64;
    const double attention = 3 * (32 * 32 + 32) + 32 * 32, router = (6 + 1) * 32;
    const double tables = 2 * 50 * 32, norms = 5 * 32;
    const double total = tables + norms + 2 * attention + dense + router + 6 * expert + shared;
    cr_expect_eq(number_of(parameters, "total"), total);
    cr_expect_eq(number_of(parameters, "active"), total - 4 * expert);
    cr_expect_eq(number_of(root, "n_experts"), 6);
    cr_expect_eq(number_of(root, "n_active_experts"), 2);
    cr_expect_eq(number_of(root, "flops_per_token"),
                 2 * (2 * 4 * 32 * 32 + dense + router + 2 * expert + shared + 50 * 32));
    cr_expect(text_contains(people.out, "6 of 16 in a layer, of which a token goes to 2"), "%s",
              people.out.ptr);
    model_close(&model);
    json_close(&document);
    folder_remove(folder);
    arena_release(&arena);
}

Test(inspect, tells_memory_for_what_is_asked)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    const char *small = folder_path(folder, "small.gguf");
    const Program quantized = RUN(&arena, NULL, "quantize", model, "--to", "q8_0", "-o", small);
    program_want(&quantized, 0);
    const Program itself = RUN(&arena, NULL, "quantize", small, "--to", "q4_0", "-o", small);
    program_want(&itself, 2);
    cr_expect(text_contains(itself.err, "small.gguf is the model that is read"), "%s",
              itself.err.ptr);
    const Program one =
        RUN(&arena, NULL, "inspect", small, "--json", "--batch", "1", "--length", "8");
    const Program many =
        RUN(&arena, NULL, "inspect", small, "--json", "--batch", "64", "--length", "24");
    program_want(&one, 0);
    program_want(&many, 0);
    const Json *less = json_get(json_of(one.out), "memory_bytes");
    const Json *more = json_get(json_of(many.out), "memory_bytes");
    cr_expect_eq(number_of(less, "length"), 8);
    cr_expect_lt(number_of(less, "predict"), number_of(more, "predict"));
    // 9 bits a number in matrices, not 32.
    cr_expect_lt(number_of(less, "weights"), 0.5 * number_of(less, "weights_f32"));
    cr_expect_gt(number_of(less, "tune"), 4 * number_of(less, "weights_f32"));
    const Program rounded =
        RUN(&arena, NULL, "inspect", model, "--json", "--compute", "bf16", "--mmap");
    program_want(&rounded, 2); // products of mapped weights are in f32
    const Program mapped = RUN(&arena, NULL, "inspect", small, "--json", "--mmap");
    program_want(&mapped, 0);
    cr_expect_leq(number_of(json_get(json_of(mapped.out), "memory_bytes"), "weights"),
                  number_of(less, "weights_f32"));
    const Program longer = RUN(&arena, NULL, "inspect", small, "--length", "25");
    program_want(&longer, 2);
    cr_expect(text_contains(longer.err, "24"), "%s", longer.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(inspect, lists_shards_and_a_copy_overwrites_none)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    const char *whole = folder_path(folder, "whole.gguf"), *set = folder_path(folder, "set");
    const Program made = RUN(&arena, NULL, "quantize", model, "--to", "f32", "-o", whole);
    program_want(&made, 0);
    cut_gguf(whole, set, "m", 3, false);
    const char *second = shard_path(set, "m", 2, 3), *third = shard_path(set, "m", 3, 3);
    const Program told = RUN(&arena, NULL, "inspect", third, "--json");
    program_want(&told, 0);
    const Json *files = json_get(json_of(told.out), "files");
    cr_assert_eq(json_len(files), 3);
    const Slice name = json_string(json_get(json_at(files, 1), "name"));
    cr_expect(slice_eq_cstr(name, "m-00002-of-00003.gguf"), SLICE_FMT, SLICE_ARG(name));
    const Program itself = RUN(&arena, NULL, "quantize", set, "--to", "q8_0", "-o", second);
    program_want(&itself, 2);
    cr_expect(text_contains(itself.err, "is the model that is read"), "%s", itself.err.ptr);
    folder_remove(folder);
    arena_release(&arena);
}

Test(inspect, refuses_models_that_are_broken)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *model = make_model(&arena, folder, HEAD_SEQUENCE, labels, 2);
    write_file(&arena, model, "config.json",
               "{\"model_type\": \"gpt9\", \"architectures\": [\"GPT9\"]}");
    const Program unknown = RUN(&arena, NULL, "inspect", model);
    program_want(&unknown, 2);
    cr_expect(text_contains(unknown.err, "gpt9") && text_contains(unknown.err, "config.json"), "%s",
              unknown.err.ptr);
    write_file(&arena, model, "model.safetensors", "\xff\xff\xff\xff\xff\xff\xff\x7f{}");
    const char *files[] = {"predict", "inspect"};
    for (size_t i = 0; i < 2; i++) {
        const Program hostile = RUN(&arena, "", files[i], model);
        program_want(&hostile, 2);
    }
    folder_remove(folder);
    arena_release(&arena);
}

// A folder of two models, one in the ways of BERT and one of GPT-2, whose tokenizer_config.json is another.
Test(inspect, a_tokenizer_that_is_not_as_its_file_says_is_spoken_of)
{
    static const struct {
        const char *model, *config, *says;
    } cases[] = {
        {"tiny-bert-mlm", "{\"tokenizer_class\": \"BertTokenizer\", \"do_lower_case\": true}",
         NULL},
        {"tiny-bert-mlm", "{\"do_lower_case\": false, \"tokenizer_class\": \"BertTokenizerFast\"}",
         "normalizer of BertTokenizer"},
        {"tiny-bert-mlm",
         "{\"tokenizer_class\": \"BertTokenizer\", \"tokenize_chinese_chars\": false}",
         "normalizer of BertTokenizer"},
        {"tiny-bert-mlm",
         "{\"tokenizer_class\": \"PreTrainedTokenizerFast\", \"do_lower_case\": false}", NULL},
        {"tiny-gpt2", "{\"tokenizer_class\": \"GPT2Tokenizer\", \"add_prefix_space\": true}",
         "pre_tokenizer of GPT2Tokenizer"},
        {"tiny-gpt2", "{\"tokenizer_class\": \"GPT2Tokenizer\", \"add_prefix_space\": false}",
         NULL},
    };
    static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Slice text = {0};
        Error err = {0};
        const char *folder = folder_make();
        shared_need(arena_printf(&arena, "models/%s", cases[i].model));
        for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
            const char *from =
                shared_path(arena_printf(&arena, "models/%s/%s", cases[i].model, files[k]));
            cr_assert_eq(file_read(&arena, from, 1 << 24, &text, &err), STATUS_OK, "%s", err.text);
            cr_assert_eq(file_write(arena_printf(&arena, "%s/%s", folder, files[k]), text, &err),
                         STATUS_OK, "%s", err.text);
        }
        write_file(&arena, folder, "tokenizer_config.json", cases[i].config);
        const Program p = RUN(&arena, "", "inspect", folder);
        program_want(&p, 0);
        cr_expect_eq(text_contains(p.err, "not those in tokenizer.json"), cases[i].says != NULL,
                     "case %zu: %s", i, p.err.ptr);
        cr_expect(!cases[i].says || text_contains(p.err, cases[i].says), "case %zu: %s", i,
                  p.err.ptr);
        folder_remove(folder);
        arena_release(&arena);
    }
}
