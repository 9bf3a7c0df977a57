// Models written with fewer bits, and files of other writers.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/checkpoint.h"
#include "models/gguf/gguf_model.h"
#include "models/quantize.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static Status quantize(const char *model, TensorType to, const char *out, QuantizeReport *report,
                       Arena *arena, Error *err)
{
    Pool *pool = open_pool(2);
    const Status s =
        model_quantize(model, quantize_format_of(to), out, pool, NULL, arena, report, err);
    pool_close(&pool);
    return s;
}

Test(quantize, leaves_nothing_where_it_is_stopped)
{
    Error err = {0};
    Arena arena = {0};
    QuantizeReport report = {0};
    Slice *names = NULL;
    size_t n = 0;
    const char *folder = folder_make(), *model = save_small(folder, HEAD_SEQUENCE, 3);
    const char *out = folder_path(folder, "out/q.gguf");
    atomic_int cancel = 1;
    Pool *pool = open_pool(1);
    want_ok(file_make_directories(folder_path(folder, "out"), &err), &err);
    cr_expect_eq(model_quantize(model, quantize_format_of(TENSOR_F16), out, pool, &cancel, &arena,
                                &report, &err),
                 STATUS_CANCELLED);
    want_ok(file_list(&arena, folder_path(folder, "out"), &names, &n, &err), &err);
    cr_expect_eq(n, 0, "%zu files are left", n);
    pool_close(&pool);
    arena_release(&arena);
    folder_remove(folder);
}

Test(quantize, f32_keeps_every_bit)
{
    static const ModelHead heads[] = {HEAD_EMBEDDING, HEAD_SEQUENCE, HEAD_SPAN, HEAD_MASKED_LM};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const char *folder = folder_make();
        const char *model = save_small(folder, heads[i], heads[i] == HEAD_SEQUENCE ? 3 : 0);
        const char *out = folder_path(folder, "f32.gguf");
        must_quantize(model, TENSOR_F32, out);
        cr_expect_eq(largest_difference(model, out), 0.0f, "%s", model_head_name(heads[i]));
        // And back.
        Error err = {0};
        Model *again = open_kept(out, AS_NUMBERS);
        const char *back = folder_path(folder, "back");
        want_ok(model_save(again, back, &err), &err);
        model_close(&again);
        cr_expect_eq(largest_difference(model, back), 0.0f, "%s", model_head_name(heads[i]));
        folder_remove(folder);
    }
}

// Matrices of more than the megabyte that is written at once: as they are, their heads' rows in pairs, their columns as rows.
Test(quantize, goes_through_large_matrices_some_rows_at_a_time)
{
    static const char *const configs[] = {
        "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], "
        "\"vocab_size\": 2000, \"hidden_size\": 640, \"intermediate_size\": 672, "
        "\"num_hidden_layers\": 1, \"num_attention_heads\": 10, "
        "\"max_position_embeddings\": 16, \"tie_word_embeddings\": true}",
        "{\"model_type\": \"gpt2\", \"architectures\": [\"GPT2LMHeadModel\"], "
        "\"vocab_size\": 64, \"n_embd\": 320, \"n_layer\": 1, \"n_head\": 5, "
        "\"n_positions\": 16}",
    };
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        Arena arena = {0};
        Error err = {0};
        Model *model = NULL, *again = NULL;
        ModelConfig config;
        const ModelOptions options = {.without_tokenizer = 1};
        const char *folder = folder_make(), *path = folder_path(folder, "model"),
                   *out = folder_path(folder, "f32.gguf");
        want_ok(parse_config(&arena, configs[i], &config, &err), &err);
        want_ok(model_create(&config, NULL, &options, &model, &err), &err);
        want_ok(model_save(model, path, &err), &err);
        must_quantize(path, TENSOR_F32, out);
        want_ok(model_open(out, &options, &again, &err), &err);
        for (size_t t = 0; t < model_n_tensors(model); t++) {
            size_t rows, cols;
            const Slice name = model_tensor_name(model, t);
            want_ok(model_tensor_shape(model, name, &rows, &cols, &err), &err);
            float *one = calloc(rows * cols, sizeof *one),
                  *other = calloc(rows * cols, sizeof *one);
            want_ok(model_tensor_read(model, name, one, &err), &err);
            want_ok(model_tensor_read(again, name, other, &err), &err);
            cr_expect(memcmp(one, other, rows * cols * sizeof *one) == 0, SLICE_FMT,
                      SLICE_ARG(name));
            free(one);
            free(other);
        }
        model_close(&model);
        model_close(&again);
        arena_release(&arena);
        folder_remove(folder);
    }
}

Test(quantize, fewer_bits_lose_more)
{
    static const TensorType types[] = {TENSOR_F32,  TENSOR_F16,  TENSOR_BF16, TENSOR_Q8_0,
                                       TENSOR_Q5_1, TENSOR_Q4_1, TENSOR_Q4_0};
    const char *folder = folder_make();
    const char *model = save_small(folder, HEAD_SEQUENCE, 3);
    double before = 0;
    uint64_t bytes = UINT64_MAX;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        Arena arena = {0};
        Error err = {0};
        QuantizeReport report;
        const char *out = folder_path(folder, "q.gguf");
        want_ok(quantize(model, types[i], out, &report, &arena, &err), &err);
        cr_expect(i == 0 || report.error > before, "%s: %g", tensor_type_name(types[i]),
                  report.error);
        cr_expect(report.bytes_after <= bytes, "%s", tensor_type_name(types[i]));
        cr_expect_lt(largest_difference(model, out), 0.02f, "%s", tensor_type_name(types[i]));
        before = report.error;
        bytes = report.bytes_after;
        arena_release(&arena);
    }
    folder_remove(folder);
}

Test(quantize, tells_each_tensor_and_takes_the_next_format_that_fits)
{
    Arena arena = {0};
    Error err = {0};
    QuantizeReport report;
    const char *folder = folder_make();
    const char *model = save_small(folder, HEAD_SEQUENCE, 3);
    want_ok(quantize(model, TENSOR_Q4_K, folder_path(folder, "q.gguf"), &report, &arena, &err),
            &err);
    size_t n_matrices = 0;
    for (size_t i = 0; i < report.n_tensors; i++) {
        const QuantizedTensor *t = &report.tensors[i];
        const bool is_table = slice_eq_cstr(t->name, "position_embd.weight") ||
                              slice_eq_cstr(t->name, "token_types.weight");
        const bool is_plain = t->n_dims < 2 || is_table;
        cr_expect_eq(t->to, is_plain ? TENSOR_F32 : TENSOR_Q5_0, SLICE_FMT, SLICE_ARG(t->name));
        n_matrices += !is_plain;
    }
    cr_expect_gt(n_matrices, 12);
    arena_release(&arena);
    folder_remove(folder);
}

Test(quantize, reads_its_files_as_those_of_others)
{
    const char *folder = folder_make();
    const char *model = save_small(folder, HEAD_EMBEDDING, 0);
    const char *own = folder_path(folder, "own.gguf");
    must_quantize(model, TENSOR_F32, own);
    const char *other = folder_path(folder, "other.gguf");
    strip_gguf(own, other);
    cr_expect_eq(largest_difference(model, other), 0.0f);
    // A GGUF file quantised again keeps its metadata.
    const char *again = folder_path(folder, "again.gguf");
    must_quantize(other, TENSOR_F32, again);
    cr_expect_eq(largest_difference(model, again), 0.0f);
    folder_remove(folder);
}

Test(quantize, every_tiny_model_through_gguf_and_through_a_foreign_reading)
{
    static const char *const names[] = {
        "tiny-bert-qa",        "tiny-bert-mlm",
        "tiny-bert-seqcls",    "tiny-gpt2",
        "tiny-gpt2-fp16",      "tiny-llama2",
        "tiny-llama3",         "tiny-llama-linear-bf16",
        "tiny-qwen2",          "tiny-qwen3",
        "tiny-gemma2",         "tiny-gemma3",
        "tiny-phi3",           "tiny-mistral",
        "stories260K",         "tiny-roberta-mlm",
        "tiny-roberta-seqcls", "tiny-distilbert-seqcls",
    };
    size_t n_seen = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char relative[128];
        ModelConfig config;
        Arena arena = {0};
        Error err = {0};
        snprintf(relative, sizeof relative, "models/%s", names[i]);
        const char *shared = shared_need(relative);
        char model[1024];
        snprintf(model, sizeof model, "%s", shared);
        const bool is_known = checkpoint_config(&arena, model, &config, &err) == STATUS_OK;
        const bool is_foreign =
            is_known && strncmp(names[i], "tiny-bert", 9) != 0 &&
            // Heads that have no place there.
            strcmp(names[i], "tiny-roberta-mlm") != 0 &&
            strcmp(names[i], "tiny-distilbert-seqcls") != 0 &&
            // What such files cannot say: Mistral's window; a scale of queries that is not the
            // one of Gemma's released sizes.
            strcmp(names[i], "tiny-mistral") != 0 && strncmp(names[i], "tiny-gemma", 10) != 0;
        arena_release(&arena);
        if (!is_known) continue; // an architecture that this build does not have
        n_seen++;
        const char *folder = folder_make(), *own = folder_path(folder, "own.gguf");
        must_quantize(model, TENSOR_F32, own);
        // Norms of 1 + w, which GGUF stores as such, are rounded once more.
        const float allowed = strncmp(names[i], "tiny-gemma", 10) == 0 ? 2e-5f : 0.0f;
        cr_expect_leq(largest_difference(model, own), allowed, "%s", names[i]);
        if (is_foreign) {
            const char *other = folder_path(folder, "other.gguf");
            strip_gguf(own, other);
            // Factors of rotations are rounded once more too.
            cr_expect_lt(largest_difference(model, other), 2e-5f, "%s", names[i]);
        }
        folder_remove(folder);
    }
    cr_expect_geq(n_seen, 3);
}

static const char *save_rotated(const char *folder, const char *architecture, size_t rotary_dims,
                                const RopeConfig *rope)
{
    Error err = {0};
    Model *model = NULL;
    const char *path = folder_path(folder, "rotated");
    const ModelConfig config = {.architecture = architecture_find(slice_from_cstr(architecture)),
                                .head = HEAD_CAUSAL_LM,
                                .vocab_size = 40,
                                .n_labels = 40,
                                .hidden_size = 32,
                                .n_layers = 2,
                                .n_heads = 4,
                                .n_kv_heads = 2,
                                .head_dim = 8,
                                .rotary = {.dims = rotary_dims, .rope = *rope},
                                .attention = {.has_qkv_bias = strcmp(architecture, "qwen2") == 0},
                                .intermediate_size = 48,
                                .max_positions = 64,
                                .pad_id = -1,
                                .bos_id = -1,
                                .layer_norm_eps = 1e-5f,
                                .activation = ACTIVATION_SILU,
                                .initializer_range = 0.3f};
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    return path;
}

// Phi-4-mini turns three quarters of a head's columns; Qwen's long contexts are YaRN's.
Test(quantize, rotations_go_through_a_foreign_reading)
{
    static const float brief[] = {1.0f, 1.25f, 1.5f}, stretched[] = {2.0f, 3.0f, 4.5f};
    const struct {
        const char *architecture;
        size_t rotary_dims;
        RopeConfig rope;
    } cases[] = {
        {"phi3", 6, {.theta = 500}},
        {"phi3",
         6,
         {.kind = ROPE_LONGROPE,
          .theta = 500,
          .original_positions = 8,
          .short_factors = brief,
          .long_factors = stretched}},
        {"llama",
         8,
         {.kind = ROPE_YARN,
          .theta = 500,
          .factor = 4,
          .original_positions = 16,
          .beta_fast = 32,
          .beta_slow = 1}},
        {"qwen2",
         8,
         {.kind = ROPE_YARN,
          .theta = 500,
          .factor = 2,
          .original_positions = 32,
          .attention_factor = 1.5,
          .beta_fast = 16,
          .beta_slow = 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = folder_make(), *own = folder_path(folder, "own.gguf"),
                   *other = folder_path(folder, "other.gguf");
        const char *model =
            save_rotated(folder, cases[i].architecture, cases[i].rotary_dims, &cases[i].rope);
        must_quantize(model, TENSOR_F32, own);
        cr_expect_eq(largest_difference(model, own), 0.0f, "case %zu", i);
        strip_gguf(own, other);
        cr_expect_lt(largest_difference(model, other), 2e-5f, "case %zu", i);
        folder_remove(folder);
    }
}
// stories260K in six formats by another writer, against Transformers on the numbers that the files hold.
Test(quantize, files_of_another_writer_give_the_reference_logits)
{
    static const char *const kinds[] = {"f32", "f16", "bf16", "q8_0", "q5_1", "q4_0"};
    Error err = {0};
    Safetensors golden;
    const char *path = shared_need("goldens/models/stories260K/gguf.safetensors");
    want_ok(safetensors_open(path, &golden, &err), &err);
    JsonDocument *document = NULL;
    want_ok(json_load(shared_path("goldens/models/stories260K/gguf.json"), JSON_STRICT, &document,
                      &err),
            &err);
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof *kinds; i++) {
        const char *kind = kinds[i / 2];
        char relative[128];
        int32_t ids[64];
        size_t n = 0;
        const Json *file = json_get(json_get(json_root(document), "files"), kind);
        for (const Json *v = json_first(json_get(file, "ids")); v; v = json_next(v))
            ids[n++] = (int32_t)json_double(v);
        snprintf(relative, sizeof relative, "models/stories260K/stories260K-%s.gguf", kind);
        Model *model = open_kept(shared_path(relative), i % 2 == 0 ? AS_NUMBERS : AS_STORED);
        const TokenSequence input = {.ids = ids, .n_tokens = n};
        const size_t size = model_output_rows(model, &input, 1) * model_output_width(model);
        const SafeTensor *want = want_tensor(&golden, "%s.logits", kind);
        cr_assert_eq(size, want->n_elements);
        float *expected = tensor_floats(want), *logits = calloc(size, sizeof *logits), worst = 0;
        Pool *pool = open_pool(1);
        want_ok(model_predict(model, pool, &input, 1, NULL, logits, &err), &err);
        for (size_t j = 0; j < size; j++) worst = fmaxf(worst, fabsf(logits[j] - expected[j]));
        cr_expect_lt(worst, 1e-4f, "%s: %g", kind, (double)worst);
        pool_close(&pool);
        model_close(&model);
        free(expected);
        free(logits);
    }
    json_close(&document);
    safetensors_close(&golden);
}

Test(quantize, opens_the_tokenizer_that_another_program_wrote_into_its_file)
{
    Error err = {0};
    Model *model = NULL;
    Arena arena = {0};
    Encoding encoding = {0};
    const char *path = shared_need("models/stories260K/stories260K-q8_0.gguf");
    want_ok(model_open(path, NULL, &model, &err), &err);
    cr_assert_not_null(model_tokenizer(model));
    want_ok(tokenizer_encode(model_tokenizer(model), SLICE("Once upon"), NULL, NULL, &arena,
                             &encoding, &err),
            &err);
    const int32_t expected[] = {1, 403, 407}; // as tokenizer.json beside the file has it
    cr_expect_arr_eq(encoding.ids, expected, sizeof expected);
    arena_release(&arena);
    model_close(&model);
}

Test(quantize, refuses_numbers_that_are_not_finite)
{
    Arena arena = {0};
    Error err = {0};
    QuantizeReport report;
    const char *folder = folder_make();
    Model *model = small_model(HEAD_SEQUENCE, 3, 5);
    float values[3 * 32] = {0};
    values[40] = NAN;
    want_ok(model_tensor_write(model, SLICE("classifier.weight"), values, &err), &err);
    const char *path = folder_path(folder, "model"), *out = folder_path(folder, "q.gguf");
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    cr_assert_eq(quantize(path, TENSOR_Q8_0, out, &report, &arena, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "cls.output.weight") && strstr(err.text, "number 40"), "%s",
              err.text);
    cr_expect_not(file_exists(out));
    arena_release(&arena);
    folder_remove(folder);
}

static void copy_file(Arena *arena, const char *from, const char *folder, const char *name)
{
    Error err = {0};
    Slice bytes = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/%s", from, name);
    want_ok(file_read(arena, path, SIZE_MAX, &bytes, &err), &err);
    want_ok(file_write(folder_path(folder, name), bytes, &err), &err);
}

// No file is made of weights that would not open with their config.json.
Test(quantize, refuses_weights_that_are_not_those_of_the_config)
{
    Arena arena = {0};
    Error err = {0};
    QuantizeReport report;
    const char *folder = folder_make();
    for (size_t n_labels = 2; n_labels <= 3; n_labels++) {
        Model *model = small_model(HEAD_SEQUENCE, n_labels, 5);
        const char *path = folder_path(folder, n_labels == 2 ? "two" : "three");
        want_ok(model_save(model, path, &err), &err);
        model_close(&model);
    }
    copy_file(&arena, folder_path(folder, "two"), folder_path(folder, "three"), "config.json");
    const char *out = folder_path(folder, "q.gguf");
    cr_assert_eq(quantize(folder_path(folder, "three"), TENSOR_Q8_0, out, &report, &arena, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "classifier.weight") && strstr(err.text, "[3, 32]"), "%s", err.text);
    cr_expect_not(file_exists(out));
    arena_release(&arena);
    folder_remove(folder);
}

// Documents that travel in a file are named with it where they are broken.
Test(quantize, names_the_broken_document_of_a_file)
{
    static const char *const keys[] = {GGUF_KEY_GENERATION, GGUF_KEY_TOKENIZER};
    const char *source = shared_need("models/tiny-llama3");
    for (size_t i = 0; i < 2; i++) {
        enum { BEFORE_TEXT = 4 + 8 }; // the type and the length
        Arena arena = {0};
        Error err = {0};
        QuantizeReport report;
        Slice bytes = {0};
        Model *model = NULL;
        const char *folder = folder_make();
        const char *out = folder_path(folder, "q.gguf");
        want_ok(quantize(source, TENSOR_F16, out, &report, &arena, &err), &err);
        want_ok(file_read(&arena, out, SIZE_MAX, &bytes, &err), &err);
        char *broken = arena_alloc(&arena, bytes.len, 1);
        memcpy(broken, bytes.ptr, bytes.len);
        const size_t at = slice_find(bytes, slice_from_cstr(keys[i]));
        cr_assert_neq(at, SIZE_MAX);
        broken[at + strlen(keys[i]) + BEFORE_TEXT] = 'x';
        want_ok(file_write(out, (Slice){broken, bytes.len}, &err), &err);
        cr_assert_eq(model_open(out, NULL, &model, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, out) && strstr(err.text, keys[i]), "%s", err.text);
        arena_release(&arena);
        folder_remove(folder);
    }
}

// What tokenizer.ggml.* of a file says: what llama.cpp reads (llama-cpp-python 0.3.36 has the same ids).
static void want_same_ids(const Tokenizer *folder, const char *gguf, const char *what)
{
    static const char *const texts[] = {"hello world",
                                        "  two  spaces  and trailing ",
                                        "\u00dcn\u00efc\u00f6d\u00e9 \ufb01 \u2460",
                                        "\u65e5\u672c\u8a9e",
                                        "tabs\tand\nlines",
                                        "",
                                        "x",
                                        "</s> <extra_id_3> a",
                                        "1234 $%^&*() \u2026"};
    Arena arena = {0};
    Error err = {0};
    Tokenizer *t = NULL;
    want_ok(tokenizer_open_file(gguf, &t, &err), &err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Encoding want = {0}, found = {0};
        const Slice text = slice_from_cstr(texts[i]);
        want_ok(tokenizer_encode(folder, text, NULL, NULL, &arena, &want, &err), &err);
        want_ok(tokenizer_encode(t, text, NULL, NULL, &arena, &found, &err), &err);
        cr_expect(want.n_tokens == found.n_tokens &&
                      memcmp(want.ids, found.ids, want.n_tokens * sizeof *want.ids) == 0,
                  "%s: \"%s\"", what, texts[i]);
    }
    tokenizer_close(&t);
    arena_release(&arena);
}

Test(quantize, carries_tokenizers_of_every_file_that_folders_have)
{
    static const struct {
        const char *model, *tokenizer;
    } cases[] = {{"tiny-t5-relu", "tokenizer.json"},
                 {"tiny-t5-relu", "spiece.model"},
                 {"tiny-bert-tokcls", "tokenizer.json"}, // whose case counts
                 {"tiny-roberta-seqcls", "tokenizer.json"},
                 {"tiny-llama2", "tokenizer.model"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        QuantizeReport report;
        Tokenizer *t = NULL;
        char relative[128], folder[512], out[600];
        snprintf(relative, sizeof relative, "models/%s", cases[i].model);
        const char *from = arena_printf(&arena, "%s", shared_need(relative));
        snprintf(folder, sizeof folder, "%s", folder_make());
        snprintf(out, sizeof out, "%s/out.gguf", folder);
        copy_file(&arena, from, folder, "config.json");
        copy_file(&arena, from, folder, "model.safetensors");
        copy_file(&arena, from, folder, "tokenizer_config.json");
        copy_file(&arena, from, folder, cases[i].tokenizer);
        want_ok(tokenizer_open(folder, &t, &err), &err);
        want_ok(quantize(folder, TENSOR_F32, out, &report, &arena, &err), &err);
        want_same_ids(t, out, cases[i].tokenizer);
        tokenizer_close(&t);
        folder_remove(folder);
        arena_release(&arena);
    }
}

// llama.cpp opens no file named so whose vocabulary is not Phi-3's (tried with llama-cpp-python 0.3.36).
Test(quantize, names_a_model_phi3_only_where_its_vocabulary_is_that)
{
    Error err = {0};
    Gguf file = {0};
    Slice name = {0};
    const char *model = shared_need("models/tiny-phi3"), *folder = folder_make();
    const char *out = folder_path(folder, "out.gguf");
    must_quantize(model, TENSOR_F32, out);
    want_ok(gguf_open(out, &file, &err), &err);
    want_ok(gguf_get_string(&file, "general.name", &name, NULL, &err), &err);
    cr_expect(slice_eq(name, SLICE("tiny-phi 3")), SLICE_FMT, SLICE_ARG(name));
    gguf_close(&file);
    folder_remove(folder);
}

// What llama.cpp made of these files (llama-cpp-python 0.3.36): the same logits where nothing is left unsaid.
Test(quantize, says_what_other_programs_are_not_told)
{
    static const struct {
        const char *model, *unsaid;
    } cases[] = {{"tiny-mistral", "the window of each layer"},
                 {"tiny-gemma2", "how attention is scaled"},
                 {"tiny-gemma3", "how attention is scaled"},
                 {"tiny-gpt2", ""},
                 {"tiny-bert-seqcls", ""},
                 {"tiny-roberta-seqcls", ""},
                 {"tiny-t5-relu", "the scale of logits, \"relative_attention_max_distance\""},
                 {"tiny-t5-gated-gelu", "\"relative_attention_max_distance\""},
                 {"tiny-modernbert-seqcls", ""},
                 {"tiny-llama2", ""},
                 {"tiny-llama3", ""},
                 {"tiny-phi3", ""},
                 {"tiny-qwen3", ""},
                 {"tiny-llama-linear-bf16", ""}};
    const char *folder = folder_make();
    const char *out = folder_path(folder, "out.gguf");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        QuantizeReport report;
        char relative[128];
        snprintf(relative, sizeof relative, "models/%s", cases[i].model);
        want_ok(quantize(shared_need(relative), TENSOR_F16, out, &report, &arena, &err), &err);
        cr_expect(slice_eq_cstr(report.unsaid, cases[i].unsaid), "%s: \"" SLICE_FMT "\"",
                  cases[i].model, SLICE_ARG(report.unsaid));
        arena_release(&arena);
    }
    folder_remove(folder);
}

// What llama.cpp puts in front of a BERT's text is bos_token_id; where that is missing 101.
static void want_same_first_token(const char *path)
{
    Gguf file;
    Error err = {0};
    int64_t cls = -1, bos = -2;
    bool found = false;
    want_ok(gguf_open(path, &file, &err), &err);
    want_ok(gguf_get_int(&file, "tokenizer.ggml.cls_token_id", 0, 1 << 20, &cls, &found, &err),
            &err);
    if (found)
        want_ok(gguf_get_int(&file, "tokenizer.ggml.bos_token_id", 0, 1 << 20, &bos, NULL, &err),
                &err);
    if (found) cr_expect_eq(cls, bos);
    gguf_close(&file);
}

// BERT's, RoBERTa's and ModernBERT's classes are told by their names; without our config.json they are found by these.
Test(quantize, classes_of_texts_are_told)
{
    static const struct {
        const char *path;
        size_t n_labels;
    } models[] = {{"models/tiny-bert-seqcls", 3},
                  {"models/tiny-roberta-seqcls", 2},
                  {"models/tiny-modernbert-seqcls", 2}};
    const char *folder = folder_make();
    const char *own = folder_path(folder, "own.gguf"), *other = folder_path(folder, "other.gguf");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        const char *path = shared_need(models[i].path);
        Arena arena = {0};
        Error err = {0};
        ModelConfig config;
        must_quantize(path, TENSOR_F32, own);
        strip_gguf(own, other);
        want_same_first_token(own);
        want_ok(checkpoint_config(&arena, other, &config, &err), &err);
        cr_expect_eq(config.head, HEAD_SEQUENCE);
        cr_expect_eq(config.n_labels, models[i].n_labels);
        cr_expect_lt(largest_difference(path, other), 1e-5f, "%s", models[i].path);
        arena_release(&arena);
    }
    folder_remove(folder);
}

// A Llama of 17 blocks, which the rules of mixtures tell apart.
static const char *save_deep(const char *folder)
{
    Arena arena = {0};
    Error err = {0};
    Model *model = NULL;
    ModelConfig config;
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    const char *path = folder_path(folder, "deep");
    want_ok(
        parse_config(
            &arena,
            "{\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], "
            "\"vocab_size\": 16, \"hidden_size\": 256, \"intermediate_size\": 256, "
            "\"num_hidden_layers\": 17, \"num_attention_heads\": 8, \"num_key_value_heads\": 2, "
            "\"max_position_embeddings\": 16}",
            &config, &err),
        &err);
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    arena_release(&arena);
    return path;
}

// Blocks by the type of one tensor in each: a digit of its name a block ("6" of Q6_K), IQ4 as "i".
static void kinds_of(const QuantizeReport *report, const char *rest, char out[32])
{
    for (size_t i = 0; i < 17; i++) {
        char name[64];
        out[i] = '?';
        out[i + 1] = '\0';
        snprintf(name, sizeof name, "blk.%zu.%s.weight", i, rest);
        for (size_t t = 0; t < report->n_tensors; t++) {
            const char *type = tensor_type_name(report->tensors[t].to);
            if (slice_eq_cstr(report->tensors[t].name, name))
                out[i] = *(type[0] == 'I' ? "i" : type + 1);
        }
    }
}

// What llama_model_quantize of llama-cpp-python 0.3.36 makes of the same model.
Test(quantize, mixtures_keep_better_what_llama_cpp_does)
{
    static const struct {
        const char *format, *values, *output, *down, *logits;
    } cases[] = {
        {"q2_k", "44444444444444444", "33333333333333333", "33333333333333333", "Q6_K"},
        {"q3_k_s", "33333333333333333", "33333333333333333", "33333333333333333", "Q6_K"},
        {"q3_k_m", "55444444444444444", "44444444444444444", "54444444444444444", "Q6_K"},
        {"q3_k_l", "55555555555555555", "55555555555555555", "55555555555555555", "Q6_K"},
        {"q4_k", "44444444444444444", "44444444444444444", "44444444444444444", "Q6_K"},
        {"q4_k_s", "55554444444444444", "44444444444444444", "55444444444444444", "Q6_K"},
        {"q4_k_m", "66446446446446666", "44444444444444444", "66446446446446666", "Q6_K"},
        {"q5_k_m", "66556556556556666", "55555555555555555", "66556556556556666", "Q6_K"},
        {"iq4_xs", "55555555555555555", "iiiiiiiiiiiiiiiii", "55iiiiiiiiiiiiiii", "Q6_K"},
        {"q8_0", "88888888888888888", "88888888888888888", "88888888888888888", "Q8_0"},
    };
    const char *folder = folder_make(), *model = save_deep(folder);
    Pool *pool = open_pool(2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Error err = {0};
        QuantizeReport report;
        char kinds[32];
        const QuantizeFormat *format = quantize_format_find(slice_from_cstr(cases[i].format));
        want_ok(model_quantize(model, format, folder_path(folder, "q.gguf"), pool, NULL, &arena,
                               &report, &err),
                &err);
        kinds_of(&report, "attn_v", kinds);
        cr_expect_str_eq(kinds, cases[i].values, "%s: %s", cases[i].format, kinds);
        kinds_of(&report, "attn_output", kinds);
        cr_expect_str_eq(kinds, cases[i].output, "%s: %s", cases[i].format, kinds);
        kinds_of(&report, "ffn_down", kinds);
        cr_expect_str_eq(kinds, cases[i].down, "%s: %s", cases[i].format, kinds);
        for (size_t t = 0; t < report.n_tensors; t++) {
            if (slice_eq_cstr(report.tensors[t].name, "output.weight"))
                cr_expect_str_eq(tensor_type_name(report.tensors[t].to), cases[i].logits);
        }
        arena_release(&arena);
    }
    pool_close(&pool);
    folder_remove(folder);
    cr_expect_null(quantize_format_find(SLICE("q7_k")));
}
