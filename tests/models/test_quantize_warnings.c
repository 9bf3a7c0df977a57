// What a quantised file's warnings name, of models that differ from one that has none in one thing alone. Each is what
// llama-cpp-python 0.3.36 did with the file: other logits, or none.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "models/formats/gguf.h"
#include "models/model.h"
#include "models/quantize.h"
#include "tests/models/model_support.h"
#include "tests/models/saved.h"
#include "tests/support/folder.h"

// The model of these members, quantised to F32; the report is the arena's.
static QuantizeReport quantize_made(const char *members, const char *folder, Arena *arena)
{
    Error err = {0};
    Model *model = NULL;
    ModelConfig config;
    QuantizeReport report;
    char text[1024];
    const ModelOptions options = {.seed = 5, .without_tokenizer = 1};
    const char *path = folder_path(folder, "model"), *out = folder_path(folder, "out.gguf");
    snprintf(text, sizeof text,
             "{\"vocab_size\": 19, \"hidden_size\": 32, \"num_attention_heads\": 4, "
             "\"num_key_value_heads\": 4, \"intermediate_size\": 24, \"num_hidden_layers\": 2, "
             "\"max_position_embeddings\": 64, \"eos_token_id\": 1, %s}",
             members);
    want_ok(parse_config(arena, text, &config, &err), &err);
    want_ok(model_create(&config, NULL, &options, &model, &err), &err);
    want_ok(model_save(model, path, &err), &err);
    model_close(&model);
    Pool *pool = open_pool(1);
    want_ok(
        model_quantize(path, quantize_format_of(TENSOR_F32), out, pool, NULL, arena, &report, &err),
        &err);
    pool_close(&pool);
    return report;
}

#define MADE(kind, name) "\"model_type\": \"" kind "\", \"architectures\": [\"" name "\"]"
#define FULL             "\"full_attention\""
#define LLAMA3                                                                                \
    ", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, " \
    "\"high_freq_factor\": 4, \"original_max_position_embeddings\": 16}"
#define YARN(fast, slow)                                                                 \
    ", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"beta_fast\": " #fast \
    ", \"beta_slow\": " #slow ", \"original_max_position_embeddings\": 200}"
#define EXPERTS ", \"num_experts\": 4, \"num_experts_per_tok\": 2"
#define MINIMAX                                \
    MADE("minimax_m2", "MiniMaxM2ForCausalLM") \
    ", \"head_dim\": 12, \"rotary_dim\": 8, \"num_local_experts\": 4, \"num_experts_per_tok\": 2"
#define LATENT                                                                             \
    ", \"q_lora_rank\": null, \"kv_lora_rank\": 12, \"qk_nope_head_dim\": 8, "             \
    "\"qk_rope_head_dim\": 4, \"v_head_dim\": 8, \"n_routed_experts\": 8, "                \
    "\"num_experts_per_tok\": 2, \"moe_intermediate_size\": 16, \"n_shared_experts\": 1, " \
    "\"first_k_dense_replace\": 1"

Test(quantize_warnings, name_what_llama_cpp_does_not_take)
{
    static const struct {
        const char *members, *unsaid, *unplaced;
    } cases[] = {
        {"\"model_type\": \"llama\"" LLAMA3, "", ""},
        {"\"model_type\": \"llama\", \"head_dim\": 12", "", ""},
        {"\"model_type\": \"qwen3\", \"head_dim\": 12", "", ""},
        {"\"model_type\": \"qwen3\", \"head_dim\": 8" LLAMA3, "",
         "has no place for tensor \"rope_freqs.weight\" in architecture qwen3"},
        {"\"model_type\": \"olmo2\"" LLAMA3, "",
         "has no place for tensor \"rope_freqs.weight\" in architecture olmo2"},
        {"\"model_type\": \"cohere2\", \"head_dim\": 12, \"sliding_window\": 4", "",
         "wants heads that fill hidden_size in architecture cohere2"},
        {"\"model_type\": \"nemotron\", \"architectures\": [\"NemotronForCausalLM\"], \"head_dim\": 12, \"tie_word_embeddings\": false",
         "", "wants heads that fill hidden_size in architecture nemotron"},
        {"\"model_type\": \"olmoe\", \"architectures\": [\"OlmoeForCausalLM\"], \"tie_word_embeddings\": false" EXPERTS,
         "", ""},
        {"\"model_type\": \"olmoe\", \"architectures\": [\"OlmoeForCausalLM\"], \"tie_word_embeddings\": true" EXPERTS,
         "", "wants a tensor \"output.weight\" in architecture olmoe"},
        {MINIMAX ", \"tie_word_embeddings\": true", "",
         "wants a tensor \"output.weight\" in architecture minimax-m2"},
        {"\"model_type\": \"phi3\", \"sliding_window\": 64", "", ""},
        {"\"model_type\": \"phi3\", \"sliding_window\": 6", "the window of each layer", ""},
        {"\"model_type\": \"mistral\", \"sliding_window\": 64", "", ""},
        {"\"model_type\": \"llama\", \"head_dim\": 16" YARN(32, 1), "", ""},
        {"\"model_type\": \"llama\", \"head_dim\": 16" YARN(4, 0.5), "the ramp of YaRN", ""},
        {MADE("lfm2", "Lfm2ForCausalLM") ", \"layer_types\": [" FULL ", \"conv\"]", "", ""},
        {MADE("lfm2", "Lfm2ForCausalLM") ", \"conv_bias\": true, \"layer_types\": [" FULL
                                         ", \"conv\"]",
         "",
         "has no place for tensor \"blk.1.shortconv.conv.bias\" and 2 more in architecture lfm2"},
        {"\"model_type\": \"deepseek_v2\"" LATENT, "", ""},
        {"\"model_type\": \"deepseek_v2\", \"rms_norm_eps\": 1e-3" LATENT,
         "the epsilon of norms within attention", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *folder = folder_make();
        const QuantizeReport report = quantize_made(cases[i].members, folder, &arena);
        cr_expect(slice_eq_cstr(report.unsaid, cases[i].unsaid), "%s: " SLICE_FMT, cases[i].members,
                  SLICE_ARG(report.unsaid));
        cr_expect(slice_eq_cstr(report.unplaced, cases[i].unplaced), "%s: " SLICE_FMT,
                  cases[i].members, SLICE_ARG(report.unplaced));
        arena_release(&arena);
        folder_remove(folder);
    }
}

// What the metadata alone tell of what is rare: without our config.json the same model, and llama.cpp's answers are the same too.
Test(quantize_warnings, rare_models_are_told_by_metadata_alone)
{
    static const char *const cases[] = {
        // 26 of 46 columns turn, a part that is no binary fraction
        MADE("nemotron",
             "NemotronForCausalLM") ", \"head_dim\": 46, \"partial_rotary_factor\": 0.566",
        // not scaled, as gpt-oss is where a config.json does not say
        MADE(
            "gpt_oss",
            "GptOssForCausalLM") ", \"rope_parameters\": {\"rope_type\": \"default\", "
                                 "\"rope_theta\": 500.0}, \"num_local_experts\": 3, \"num_experts_per_tok\": 1, "
                                 "\"head_dim\": 8, \"sliding_window\": 4",
        // windows of no layer, where a silent file would have them
        MADE("gemma3_text",
             "Gemma3ForCausalLM") ", \"sliding_window\": 4, \"head_dim\": 8, "
                                  "\"query_pre_attn_scalar\": 8, \"layer_types\": [" FULL ", " FULL
                                  "]",
        MADE("gemma2", "Gemma2ForCausalLM") ", \"sliding_window\": 4, \"head_dim\": 8, "
                                            "\"query_pre_attn_scalar\": 8, \"layer_types\": [" FULL
                                            ", " FULL "]",
        MADE("olmo3", "Olmo3ForCausalLM") ", \"sliding_window\": 4, \"layer_types\": [" FULL
                                          ", " FULL "]",
        MADE("olmo3", "Olmo3ForCausalLM") ", \"sliding_window\": 4, \"layer_types\": [" FULL
                                          ", \"sliding_attention\"]",
        // norms of all heads together, columns that do not turn, experts chosen by sigmoids
        MINIMAX,
        // biases of queries, keys and values alone under the name of Llama
        MADE("helium", "HeliumForCausalLM") ", \"attention_bias\": true, \"head_dim\": 8",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *folder = folder_make();
        const QuantizeReport report = quantize_made(cases[i], folder, &arena);
        const char *model = folder_path(folder, "model"), *own = folder_path(folder, "out.gguf"),
                   *other = folder_path(folder, "other.gguf");
        cr_expect_eq(report.unsaid.len, 0, "%s: " SLICE_FMT, cases[i], SLICE_ARG(report.unsaid));
        strip_gguf(own, other);
        cr_expect_lt(largest_difference(model, other), 2e-5f, "%s", cases[i]);
        arena_release(&arena);
        folder_remove(folder);
    }
}

// llama.cpp ends the process where all groups of experts are said to be used.
Test(quantize_warnings, groups_that_leave_nothing_out_are_not_told)
{
    static const struct {
        const char *members;
        bool is_told;
    } cases[] = {
        {"\"model_type\": \"deepseek_v3\", \"n_group\": 2, \"topk_group\": 2" LATENT, false},
        {"\"model_type\": \"deepseek_v3\", \"n_group\": 4, \"topk_group\": 2" LATENT, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const char *folder = folder_make();
        Error err = {0};
        Gguf file;
        const QuantizeReport report = quantize_made(cases[i].members, folder, &arena);
        cr_expect_eq(report.unsaid.len, 0, SLICE_FMT, SLICE_ARG(report.unsaid));
        want_ok(gguf_open(folder_path(folder, "out.gguf"), &file, &err), &err);
        cr_expect_eq(gguf_find(&file, "deepseek2.expert_group_count") != NULL, cases[i].is_told);
        gguf_close(&file);
        arena_release(&arena);
        folder_remove(folder);
    }
}
