// config.json of models: reading never crashes; what it accepts is written and read again to the same sizes, and a model that small
// is made with random weights and answers. Each input is read as it stands, and without "model_type" as those of some architectures.
#include <stdlib.h>

#include "models/architecture.h"
#include "models/model.h"
#include "tests/fuzz/fuzz.h"

// Members of all architectures beside each other: each reads its own, and passes over the rest.
#define SIZES                                                                                    \
    "\"vocab_size\": 9, \"hidden_size\": 8, \"d_model\": 8, \"n_embd\": 8, \"dim\": 8, "         \
    "\"num_hidden_layers\": 2, \"num_layers\": 2, \"n_layer\": 2, \"n_layers\": 2, "             \
    "\"encoder_layers\": 1, \"decoder_layers\": 2, \"num_attention_heads\": 2, \"num_heads\": "  \
    "2, \"n_head\": 2, \"n_heads\": 2, \"attention_heads\": 2, \"encoder_attention_heads\": 2, " \
    "\"decoder_attention_heads\": 2, \"intermediate_size\": 8, \"hidden_dim\": 8, \"n_inner\": " \
    "8, \"ffn_dim\": 8, \"d_ff\": 8, \"d_kv\": 4, \"encoder_ffn_dim\": 8, \"decoder_ffn_dim\": " \
    "8, \"max_position_embeddings\": 12, \"n_positions\": 12, \"max_seq_len\": 12, "             \
    "\"type_vocab_size\": 2, \"pad_token_id\": 0, \"eos_token_id\": 1, \"bos_token_id\": 2, "    \
    "\"decoder_start_token_id\": 0"

const Slice fuzz_seeds[] = {
    SLICE_LIT(
        "{\"architectures\":[\"BertForSequenceClassification\"],\"model_type\":\"bert\",\"vocab_size\":420,\"hidden_size\":32,"
        "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"intermediate_size\":64,\"max_position_embeddings\":64,"
        "\"type_vocab_size\":2,\"id2label\":{\"0\":\"no\",\"1\":\"yes\"},\"pad_token_id\":0}"),
    SLICE_LIT(
        "{\"architectures\":[\"BertForMaskedLM\"],\"vocab_size\":9,\"hidden_size\":4,\"num_hidden_layers\":1,\"hidden_act\":\"gelu_new\","
        "\"num_attention_heads\":2,\"intermediate_size\":8,\"max_position_embeddings\":5,\"type_vocab_size\":1,\"layer_norm_eps\":1e-5}"),
    SLICE_LIT("{\"model_type\":\"bert\",\"num_labels\":3}"),
    SLICE_LIT("{" SIZES ", \"rotary_dim\": 4, \"word_embed_proj_dim\": 8, \"rotary_pct\": 0.5}"),
    SLICE_LIT(
        "{" SIZES
        ", \"num_key_value_heads\": 1, \"head_dim\": 4, \"sliding_window\": 4, \"layer_types\": "
        "[\"sliding_attention\", \"full_attention\"], \"tie_word_embeddings\": true, \"rope_parameters\": {\"rope_type\": "
        "\"yarn\", \"factor\": 2.0, \"rope_theta\": 100.0, \"original_max_position_embeddings\": 6, \"partial_rotary_factor\": "
        "0.5}}"),
    SLICE_LIT(
        "{" SIZES
        ", \"num_experts\": 4, \"num_local_experts\": 4, \"n_routed_experts\": 4, \"num_experts_per_tok\": 2, "
        "\"n_shared_experts\": 1, \"moe_intermediate_size\": 4, \"shared_expert_intermediate_size\": 4, \"n_group\": 2, "
        "\"topk_group\": 1, \"first_k_dense_replace\": 1, \"norm_topk_prob\": true, \"q_lora_rank\": 4, \"kv_lora_rank\": 4, "
        "\"qk_nope_head_dim\": 4, \"qk_rope_head_dim\": 2, \"v_head_dim\": 4, \"routed_scaling_factor\": 2.5}"),
    SLICE_LIT(
        "{" SIZES
        ", \"layer_types\": [\"linear_attention\", \"full_attention\"], \"linear_conv_kernel_dim\": 2, "
        "\"linear_key_head_dim\": 4, \"linear_value_head_dim\": 4, \"linear_num_key_heads\": 1, \"linear_num_value_heads\": 2, "
        "\"conv_L_cache\": 3, \"head_dim\": 4, \"num_kv_shared_layers\": 1, \"hidden_size_per_layer_input\": 2, "
        "\"vocab_size_per_layer_input\": 9, \"rope_parameters\": {\"full_attention\": {\"rope_theta\": 100.0, \"rope_type\": "
        "\"proportional\", \"partial_rotary_factor\": 0.5}, \"sliding_attention\": {\"rope_theta\": 10.0}}}"),
    SLICE_LIT(
        "{" SIZES
        ", \"embedding_size\": 4, \"num_hidden_groups\": 1, \"inner_group_num\": 2, \"position_buckets\": 4, "
        "\"max_relative_positions\": 8, \"relative_attention\": true, \"pos_att_type\": \"c2p|p2c\", "
        "\"relative_attention_num_buckets\": 4, \"local_attention\": 4, \"global_attn_every_n_layers\": 2, "
        "\"attention_types\": [[[\"global\", \"local\"], 1]], \"window_size\": 4, \"scale_embedding\": true}"),
};
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static Status parse(Arena *arena, Slice text, ModelConfig *out, Buffer *rewritten, Error *err)
{
    JsonDocument *document = NULL;
    TRY(json_parse(SLICE("config.json"), text, JSON_STRICT, &document, err));
    Status s = model_config_parse(arena, json_root(document), out, err);
    if (s == STATUS_OK && rewritten)
        s = model_config_write(out, json_root(document), rewritten, err);
    json_close(&document);
    return s;
}

// ---- a model of such a config ----

static void predict(Model *model)
{
    static const int32_t ids[] = {0, 0, 0};
    const bool has_targets = model_config(model)->decoder.n_layers > 0;
    const TokenSequence input = {.ids = ids,
                                 .n_tokens = 3,
                                 .target_ids = has_targets ? ids : NULL,
                                 .n_targets = has_targets ? 2 : 0};
    static Pool *pool;
    Error err = {0};
    if (!pool && pool_open(1, &pool, &err) != STATUS_OK) abort();
    if (model_check_inputs(model, &input, 1, &err) != STATUS_OK) return; // positions too few
    const size_t n = model_output_rows(model, &input, 1) * model_output_width(model);
    float *logits = malloc((n + 1) * sizeof *logits);
    if (!logits) abort();
    const Status s = model_predict(model, pool, &input, 1, NULL, logits, &err);
    if (s != STATUS_OK && err.text[0] == '\0') abort();
    free(logits);
}

static void make_model(const ModelConfig *config)
{
    enum { SMALL = 1 << 20, SHORT = 64 };
    Error err = {0};
    Model *model = NULL;
    ModelOptions options = {.without_tokenizer = 1, .only_looked_at = 1};
    if (config->n_layers > SHORT || config->decoder.n_layers > SHORT) return;
    Status s = model_create(config, NULL, &options, &model, &err);
    const bool is_small = s == STATUS_OK && model_size(model).f32_bytes < SMALL;
    model_close(&model);
    options.only_looked_at = 0;
    if (is_small) s = model_create(config, NULL, &options, &model, &err);
    if (s != STATUS_OK && err.text[0] == '\0') abort();
    if (model) predict(model);
    model_close(&model);
}

// ---- one document ----

static void read_config(Slice bytes)
{
    Arena arena = {0};
    Buffer text = {0};
    Error err = {0};
    ModelConfig config, again;
    const Status s = parse(&arena, bytes, &config, &text, &err);
    if (s != STATUS_OK && err.text[0] == '\0') abort();
    if (s == STATUS_OK) {
        if (parse(&arena, buffer_slice(&text), &again, NULL, &err) != STATUS_OK) abort();
        if (again.head != config.head || again.hidden_size != config.hidden_size ||
            again.n_labels != config.n_labels)
            abort();
        make_model(&config);
    }
    buffer_release(&text);
    arena_release(&arena);
}

static void read_as(const Architecture *architecture, const char *class, Slice members)
{
    Buffer text = {0};
    buffer_printf(&text, "{\"model_type\":\"%s\",\"architectures\":[\"%s\"],",
                  architecture->model_type, class);
    buffer_append(&text, members);
    read_config(buffer_slice(&text));
    buffer_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TURNS = 5 };
    const Slice text = {(const char *)data, size};
    read_config(text);
    if (size < 2 || data[0] != '{' || slice_find(text, SLICE("\"model_type\"")) != SIZE_MAX)
        return 0;
    // Architectures and their classes take turns: all of them would make a run of a few inputs.
    for (size_t i = size % TURNS; i < architectures_count; i += TURNS) {
        const Architecture *architecture = architectures_all[i];
        size_t n = 1;
        while (n < ARCHITECTURE_MAX_CLASSES && architecture->classes[n].name) n++;
        read_as(architecture, architecture->classes[size / TURNS % n].name,
                slice_sub(text, 1, size));
    }
    return 0;
}
