// The rows of the registry that have layers with the gated delta rule: Qwen 3.5, with experts too, and Qwen3-Next.
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"
#include "models/architectures/qwen3_5.h"

// ---- what all have ----

// clang-format off
#define QWEN3_5_DEFAULTS                                                                     \
    .theta = 10000, .norm_epsilon = 1e-6, .head_dim = 256, .rotary_part = 0.25,              \
    .activation_key = "hidden_act", .activation = "silu"
// clang-format on

static Status read_delta(const Json *root, ModelConfig *c, Error *err)
{
    DeltaConfig *d = &c->delta;
    TRY(decoder_read_taps(root, "linear_conv_kernel_dim", 4, c, err));
    TRY(config_read_size_or(root, "linear_num_key_heads", 16, &d->n_key_heads, err));
    TRY(config_read_size_or(root, "linear_num_value_heads", 32, &d->n_heads, err));
    TRY(config_read_size_or(root, "linear_key_head_dim", 128, &d->key_dim, err));
    TRY(config_read_size_or(root, "linear_value_head_dim", 128, &d->value_dim, err));
    if (d->n_heads % d->n_key_heads != 0)
        return json_error(root, err,
                          "linear_num_value_heads %zu is no multiple of linear_num_key_heads %zu",
                          d->n_heads, d->n_key_heads);
    // A matrix a head, of every layer, for each text.
    if (d->n_heads > 4096 || d->key_dim > 4096 || d->value_dim > 4096)
        return json_error(root, err, "heads of linear attention are at most 4096 of 4096 columns");
    return STATUS_OK;
}

static const char conv_layer[] = "linear_attention"; // in layer_types

static Status read_layers(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool *is_conv = NULL;
    size_t period = 0;
    TRY(config_read_size_or(root, "full_attention_interval", 4, &period, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_conv, "layers", &is_conv, err));
    for (size_t i = 0; i < c->n_layers; i++) is_conv[i] = (i + 1) % period != 0;
    c->conv.layers = is_conv;
    return decoder_read_conv_layers(root, conv_layer, c->n_layers, is_conv, err);
}

static Status read_mixers(Arena *arena, const Json *root, const DecoderDefaults *usual,
                          ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, usual, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->norm_weight_offset = 1;
    c->attention.has_head_norms = true;
    TRY(read_delta(root, c, err));
    return read_layers(arena, root, c, err);
}

static void write_mixers(const ModelConfig *c, const DecoderDefaults *usual, JsonWriter *w)
{
    decoder_write(c, usual, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_u64(w, "linear_conv_kernel_dim", c->conv.n_taps);
    json_member_u64(w, "linear_num_key_heads", c->delta.n_key_heads);
    json_member_u64(w, "linear_num_value_heads", c->delta.n_heads);
    json_member_u64(w, "linear_key_head_dim", c->delta.key_dim);
    json_member_u64(w, "linear_value_head_dim", c->delta.value_dim);
    decoder_write_conv_layers(c, conv_layer, w);
}

// ---- Qwen 3.5 ----

static const DecoderDefaults dense_defaults = {QWEN3_5_DEFAULTS, .n_kv_heads = 4};

static Status dense_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    return read_mixers(arena, root, &dense_defaults, c, err);
}

static void dense_write(const ModelConfig *c, JsonWriter *w)
{
    write_mixers(c, &dense_defaults, w);
}

const Architecture architecture_qwen3_5_text = {
    .model_type = "qwen3_5_text",
    .summary = "Qwen 3.5: layers with the gated delta rule among those that attend",
    .classes = {{"Qwen3_5ForCausalLM", HEAD_CAUSAL_LM},
                {"Qwen3_5TextModel", HEAD_EMBEDDING},
                {"Qwen3_5TextForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = dense_read,
    .write_config = dense_write,
    .record = qwen3_5_record,
};

// ---- with experts: one of them of every token, by a weight of its own ----

static const ExpertKeys moe_keys = {.names = &experts_of_mlp,
                                    .count = "num_experts",
                                    .other_count = "num_local_experts",
                                    .n_experts = 256,
                                    .n_active = 8,
                                    .inner_size = "moe_intermediate_size",
                                    .usual_inner = 512,
                                    .route = ROUTE_SOFTMAX_TOP};
static const DecoderDefaults moe_defaults = {QWEN3_5_DEFAULTS, .n_kv_heads = 2,
                                             .inner_key = "moe_intermediate_size"};

static Status read_shared(const Json *root, ModelConfig *c, Error *err)
{
    return config_read_size_or(root, "shared_expert_intermediate_size", 512,
                               &c->experts.shared_size, err);
}

static Status moe_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(read_mixers(arena, root, &moe_defaults, c, err));
    TRY(experts_read(root, &moe_keys, c, err));
    return read_shared(root, c, err);
}

static void moe_write(const ModelConfig *c, JsonWriter *w)
{
    write_mixers(c, &moe_defaults, w);
    experts_write(c, &moe_keys, w);
    json_member_u64(w, "shared_expert_intermediate_size", c->experts.shared_size);
}

const Architecture architecture_qwen3_5_moe_text = {
    .model_type = "qwen3_5_moe_text",
    .summary = "Qwen 3.5 MoE: Qwen 3.5 with experts, one of them of every token",
    .classes = {{"Qwen3_5MoeForCausalLM", HEAD_CAUSAL_LM}, {"Qwen3_5MoeTextModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = moe_read,
    .write_config = moe_write,
    .record = qwen3_5_record,
};

// ---- Qwen3-Next ----

static const ExpertKeys next_keys = {.names = &experts_of_mlp,
                                     .count = "num_experts",
                                     .other_count = "num_local_experts",
                                     .n_experts = 512,
                                     .n_active = 10,
                                     .inner_size = "moe_intermediate_size",
                                     .usual_inner = 512,
                                     .route = ROUTE_SOFTMAX_TOP,
                                     .normalizes = "norm_topk_prob"};
static const DecoderDefaults next_defaults = {QWEN3_5_DEFAULTS, .n_kv_heads = 2};

static Status next_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(read_mixers(arena, root, &next_defaults, c, err));
    c->delta.is_stacked = true;
    TRY(experts_read(root, &next_keys, c, err));
    TRY(experts_read_dense(arena, root, c, err));
    return read_shared(root, c, err);
}

static void next_write(const ModelConfig *c, JsonWriter *w)
{
    write_mixers(c, &next_defaults, w);
    experts_write(c, &next_keys, w);
    experts_write_dense(c, w);
    json_member_u64(w, "shared_expert_intermediate_size", c->experts.shared_size);
}

const Architecture architecture_qwen3_next = {
    .model_type = "qwen3_next",
    .summary = "Qwen3-Next: experts, and layers with the gated delta rule beside attention",
    .classes = {DECODER_CLASSES("Qwen3Next"),
                {"Qwen3NextForQuestionAnswering", HEAD_SPAN, "transformer."}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = next_read,
    .write_config = next_write,
    .record = qwen3_5_record,
};
