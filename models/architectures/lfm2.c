// LFM2: a decoder most of whose layers have a short convolution with gates in attention's place.
//
//     B, C, x = W_in n;  mixed = C * conv(B * x)        conv: each column along the sequence, over the last few tokens
//
// and around it what Llama has: norms of heads where it attends, and gated feed-forward layers or experts (experts.h).
// Source: Liquid AI 2025, arXiv:2511.23404, section 2; names of tensors as in Transformers.
#include <math.h>

#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/experts.h"

// ---- config.json ----

// clang-format off
#define LFM2_DEFAULTS                                                               \
    .theta = 1000000, .norm_epsilon = 1e-5, .n_kv_heads = 8, .is_tied = true,       \
    .norm_key = "norm_eps", .activation_key = "hidden_act", .activation = "silu"
// clang-format on

static const DecoderDefaults defaults = {LFM2_DEFAULTS, .inner_key = "block_ff_dim"};

static const char conv_layer[] = "conv"; // in layer_types

// Two thirds of what the file says, times a factor, up to the next multiple: what a gated layer of as many weights has.
static Status read_inner(const Json *root, ModelConfig *c, Error *err)
{
    bool adjusts = true;
    double factor = 1;
    size_t multiple = 0;
    TRY(json_opt_bool(root, "block_auto_adjust_ff_dim", &adjusts, err));
    TRY(config_read_size_or(root, "block_multiple_of", 256, &multiple, err));
    TRY(json_opt_double(root, "block_ffn_dim_multiplier", 1e-3, 1e3, &factor, err));
    if (!adjusts) return STATUS_OK;
    const size_t n = (size_t)(2 * (double)c->intermediate_size / 3);
    c->intermediate_size = n;
    const Json *given = json_get(root, "block_ffn_dim_multiplier");
    if (!given || json_kind(given) != JSON_NULL) {
        const size_t wanted = (size_t)(factor * (double)n);
        c->intermediate_size = (wanted + multiple - 1) / multiple * multiple;
    }
    if (c->intermediate_size > 0) return STATUS_OK;
    return json_error(root, err, "intermediate_size and block_ffn_dim_multiplier leave no columns");
}

// Layers that attend, by their numbers; all where the file has no list.
static Status read_attending(const Json *list, bool *is_conv, size_t n_layers, Error *err)
{
    for (size_t i = 0; i < n_layers; i++) is_conv[i] = true;
    if (json_kind(list) != JSON_ARRAY) return json_error(list, err, "must be a list of layers");
    for (const Json *v = json_first(list); v; v = json_next(v)) {
        int64_t layer = 0;
        TRY(json_as_i64(v, 0, 1 << 24, &layer, err));
        if ((size_t)layer >= n_layers)
            return json_error(v, err, "there is no layer %lld: num_hidden_layers is %zu",
                              (long long)layer, n_layers);
        is_conv[layer] = false;
    }
    return STATUS_OK;
}

static Status read_layers(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool *is_conv = NULL;
    TRY(arena_take(arena, c->n_layers, sizeof *is_conv, "layers", &is_conv, err));
    c->conv.layers = is_conv;
    if (config_has(root, "full_attn_idxs") && !config_has(root, "layer_types"))
        return read_attending(json_get(root, "full_attn_idxs"), is_conv, c->n_layers, err);
    return decoder_read_conv_layers(root, conv_layer, c->n_layers, is_conv, err);
}

static Status read_mixers(Arena *arena, const Json *root, const DecoderDefaults *usual,
                          ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, usual, c, err));
    TRY(json_opt_bool(root, "tie_embedding", &c->output.is_tied, err));
    c->dropout.attention = 0;
    c->attention.has_head_norms = true;
    c->attention.head_norm = HEAD_NORM_RMS_LONG;
    TRY(decoder_read_taps(root, "conv_L_cache", 3, c, err));
    TRY(json_opt_bool(root, "conv_bias", &c->conv.has_bias, err));
    return read_layers(arena, root, c, err);
}

static void write_mixers(const ModelConfig *c, const DecoderDefaults *usual, JsonWriter *w)
{
    decoder_write(c, usual, w);
    json_member_bool(w, "tie_embedding", c->output.is_tied);
    json_member_u64(w, "conv_L_cache", c->conv.n_taps);
    json_member_bool(w, "conv_bias", c->conv.has_bias);
    decoder_write_pad(c, w);
    decoder_write_conv_layers(c, conv_layer, w);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(read_mixers(arena, root, &defaults, c, err));
    return read_inner(root, c, err);
}

// The width is told as it is, under both names.
static void write_config(const ModelConfig *c, JsonWriter *w)
{
    write_mixers(c, &defaults, w);
    json_member_u64(w, "block_ff_dim", c->intermediate_size);
    json_member_bool(w, "block_auto_adjust_ff_dim", false);
}

// ---- config.json with experts ----

static const ExpertNames moe_names = {.block = "feed_forward",
                                      .router = "gate",
                                      .gate = "w1",
                                      .up = "w3",
                                      .down = "w2",
                                      .correction = "expert_bias"};
static const ExpertKeys moe_keys = {.names = &moe_names,
                                    .count = "num_experts",
                                    .other_count = "num_local_experts",
                                    .n_experts = 32,
                                    .n_active = 4,
                                    .inner_size = "moe_intermediate_size",
                                    .usual_inner = 1792,
                                    .route = ROUTE_SIGMOID};

static const DecoderDefaults moe_defaults = {LFM2_DEFAULTS};

static Status moe_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    ExpertsConfig *e = &c->experts;
    bool *is_dense = NULL;
    int64_t n_dense = 2;
    TRY(read_mixers(arena, root, &moe_defaults, c, err));
    TRY(experts_read(root, &moe_keys, c, err));
    e->corrects = e->normalizes = true;
    e->floor = 1e-6f;
    TRY(json_opt_bool(root, "use_expert_bias", &e->corrects, err));
    TRY(json_opt_bool(root, "norm_topk_prob", &e->normalizes, err));
    TRY(config_read_float(root, "routed_scaling_factor", 1e-6, 1e6, 1, &e->weight_scale, err));
    TRY(json_opt_i64(root, "num_dense_layers", 0, 1 << 24, &n_dense, err));
    TRY(arena_take(arena, c->n_layers, sizeof *is_dense, "layers", &is_dense, err));
    for (size_t i = 0; i < c->n_layers; i++) is_dense[i] = i < (size_t)n_dense;
    e->is_dense = is_dense;
    return STATUS_OK;
}

static void moe_write(const ModelConfig *c, JsonWriter *w)
{
    size_t n_dense = 0;
    while (n_dense < c->n_layers && !experts_are_in(c, n_dense)) n_dense++;
    write_mixers(c, &moe_defaults, w);
    experts_write(c, &moe_keys, w);
    json_member_bool(w, "use_expert_bias", c->experts.corrects);
    json_member_bool(w, "norm_topk_prob", c->experts.normalizes);
    json_member_float(w, "routed_scaling_factor", c->experts.weight_scale);
    json_member_u64(w, "num_dense_layers", n_dense);
}

// ---- the model ----

static Value short_conv(Tape *t, const ModelConfig *c, size_t i, Value x)
{
    const size_t h = c->hidden_size;
    tape_prefix(t, "model.layers.%zu.conv.", i);
    const Value all = decoder_linear(t, x, "in_proj", 3 * h, c->conv.has_bias, ACTIVATION_NONE);
    const Value before = tape_columns(t, all, 0, h), behind = tape_columns(t, all, h, 2 * h);
    const Value gated = tape_gated(t, before, tape_columns(t, all, 2 * h, 3 * h), ACTIVATION_NONE);
    const Value y = tape_causal_conv(t, gated, "conv", c->conv.n_taps, c->conv.has_bias);
    const Value rows = decoder_rows(t, c, i, tape_gated(t, behind, y, ACTIVATION_NONE));
    return decoder_linear(t, rows, "out_proj", h, c->conv.has_bias, ACTIVATION_NONE);
}

static Value attention(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    static const char *const names[3] = {"q_proj", "k_proj", "v_proj"};
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, decoder_qkv(t, c, names), x);
    return decoder_linear(t, mixed, "out_proj", c->hidden_size, false, ACTIVATION_NONE);
}

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    const DensePart gates[] = {{"w1", c->intermediate_size}, {"w3", c->intermediate_size}};
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value n = decoder_norm(t, c, x, "operator_norm");
    const Value mixed = c->conv.layers[i] ? short_conv(t, c, i, n) : attention(t, c, i, ropes, n);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), mixed);

    tape_prefix(t, "model.layers.%zu.", i);
    const Value m = decoder_norm(t, c, a, "ffn_norm");
    if (experts_are_in(c, i)) return tape_add(t, a, experts_layer(t, c, i, m));
    tape_prefix(t, "model.layers.%zu.feed_forward.", i);
    const Dense gate_up = tape_dense_parts(t, gates, 2, c->hidden_size, DENSE_NO_BIAS);
    return tape_add(t, a,
                    decoder_linear(t, decoder_gate(t, c, gate_up, m), "w2", c->hidden_size, false,
                                   ACTIVATION_NONE));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "model.",
                                       .words = "embed_tokens",
                                       .last_norm = "embedding_norm",
                                       .norm = decoder_norm};
    decoder_record(t, c, &frame, block);
}

const Architecture architecture_lfm2 = {
    .model_type = "lfm2",
    .summary = "LFM2: short convolutions with gates among layers that attend",
    .classes = {{"Lfm2ForCausalLM", HEAD_CAUSAL_LM}, {"Lfm2Model", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};

const Architecture architecture_lfm2_moe = {
    .model_type = "lfm2_moe",
    .summary = "LFM2 MoE: LFM2 with experts",
    .classes = {{"Lfm2MoeForCausalLM", HEAD_CAUSAL_LM}, {"Lfm2MoeModel", HEAD_EMBEDDING}},
    .base_prefix = "model.",
    .read_config = moe_read,
    .write_config = moe_write,
    .record = record,
};
