// Qwen 3.5: three layers of four keep a matrix of a text in keys' and values' place, which learns by the gated delta rule.
//
//     q, k, v = conv(W_qkv n);  y = delta_rule(q, k, v, W_b n, W_a n, A, c)      conv: each column over the last few tokens
//     mixed = W_out (RMSNorm(y) * silu(W_z n))                                     normed head by head
//
// The fourth attends: queries have a gate beside them, sigmoid(g) * attention, and a part of each head turns. Norms of the hidden
// states and of heads multiply by 1 + w, that of y by w. Source: Qwen Team 2025, Qwen3-Next (the same layers); Yang et al. 2024,
// arXiv:2412.06464; names of tensors as in Transformers.
#include <math.h>

#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

// ---- config.json ----

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1e-6,
                                         .head_dim = 256,
                                         .n_kv_heads = 4,
                                         .rotary_part = 0.25,
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};

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
    c->is_conv = is_conv;
    return decoder_read_conv_layers(root, conv_layer, c->n_layers, is_conv, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(decoder_read_attention_bias(root, false, c, err));
    c->norm_weight_offset = 1;
    c->has_head_norms = true;
    TRY(read_delta(root, c, err));
    return read_layers(arena, root, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->has_qkv_bias);
    json_member_u64(w, "linear_conv_kernel_dim", c->n_taps);
    json_member_u64(w, "linear_num_key_heads", c->delta.n_key_heads);
    json_member_u64(w, "linear_num_value_heads", c->delta.n_heads);
    json_member_u64(w, "linear_key_head_dim", c->delta.key_dim);
    json_member_u64(w, "linear_value_head_dim", c->delta.value_dim);
    decoder_write_conv_layers(c, conv_layer, w);
}

// ---- the model ----

static Value delta_layer(Tape *t, const ModelConfig *c, size_t i, Value x)
{
    const DeltaConfig *d = &c->delta;
    const size_t n_q = d->n_key_heads * d->key_dim, n_v = d->n_heads * d->value_dim;
    const size_t n_qkv = 2 * n_q + n_v, n_gates = 2 * d->n_heads;
    const DensePart parts[] = {{"in_proj_qkv", n_qkv},
                               {"in_proj_z", n_v},
                               {"in_proj_b", d->n_heads},
                               {"in_proj_a", d->n_heads}};
    tape_prefix(t, "model.layers.%zu.linear_attn.", i);
    const Value all = tape_linear(
        t, x, tape_dense_parts(t, parts, 4, c->hidden_size, DENSE_NO_BIAS), ACTIVATION_NONE);
    const Value z = tape_columns(t, all, n_qkv, n_qkv + n_v),
                gates = tape_columns(t, all, n_qkv + n_v, n_qkv + n_v + n_gates);
    const Value qkv =
        tape_causal_conv(t, tape_columns(t, all, 0, n_qkv), "conv1d", c->n_taps, false);
    const DeltaArgs args = {.n_heads = d->n_heads,
                            .n_key_heads = d->n_key_heads,
                            .key_dim = d->key_dim,
                            .value_dim = d->value_dim};
    const Value y =
        tape_delta_rule(t, tape_columns(t, qkv, 0, n_q), tape_columns(t, qkv, n_q, 2 * n_q),
                        tape_columns(t, qkv, 2 * n_q, n_qkv), gates, &args);
    const Value normed = tape_rms_norm(t, y, "norm", d->value_dim, c->layer_norm_eps, 0.0f);
    const Value rows = decoder_rows(t, c, i, tape_gated(t, z, normed, ACTIVATION_SILU));
    return decoder_linear(t, rows, "out_proj", c->hidden_size, false, ACTIVATION_NONE);
}

// sigmoid(gate) * x = x / 2 + tanh(gate / 2) x / 2
static Value gated(Tape *t, Value gate, Value x)
{
    const Value share = tape_gated(t, tape_scale(t, gate, 0.5f), x, ACTIVATION_TANH);
    return tape_scale(t, tape_add(t, share, x), 0.5f);
}

// Of each head `width` columns of queries, then as many of its gate: the first or the second.
static Value half_of(Tape *t, const ModelConfig *c, Value both, size_t begin)
{
    const HeadsArgs half = {.n_heads = c->n_heads, .parts = {{.begin = begin, .n = c->head_dim}}};
    return tape_heads(t, &both, 1, c->head_dim, &half);
}

static Value prepared(Tape *t, const ModelConfig *c, DecoderRopes ropes, Value x, const char *norm)
{
    const Value normed =
        tape_rms_norm(t, x, norm, c->head_dim, c->layer_norm_eps, c->norm_weight_offset);
    return tape_rope(t, normed, c->head_dim, ropes.global);
}

static Value attention(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    const size_t n_q = c->n_heads * c->head_dim, n_kv = c->n_kv_heads * c->head_dim;
    const unsigned flags = c->has_qkv_bias ? 0 : DENSE_NO_BIAS;
    const DensePart keys_values[] = {{"k_proj", n_kv}, {"v_proj", n_kv}};
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value both = decoder_linear(t, decoder_rows(t, c, i, x), "q_proj", 2 * n_q,
                                      c->has_qkv_bias, ACTIVATION_NONE);
    const Value kv = tape_linear(t, x, tape_dense_parts(t, keys_values, 2, c->hidden_size, flags),
                                 ACTIVATION_NONE);
    const Value q = prepared(t, c, ropes, half_of(t, c, both, 0), "q_norm");
    const Value k = prepared(t, c, ropes, tape_columns(t, kv, 0, n_kv), "k_norm");
    const TapeAttention as = {.n_heads = c->n_heads,
                              .n_kv_heads = c->n_kv_heads,
                              .head_dim = c->head_dim,
                              .scale = 1.0f / sqrtf((float)c->head_dim),
                              .is_causal = true,
                              .dropout = c->attention_dropout,
                              .is_cached = true};
    const Value mixed = tape_attention(t, q, k, tape_columns(t, kv, n_kv, 2 * n_kv), &as);
    return decoder_linear(t, gated(t, half_of(t, c, both, c->head_dim), mixed), "o_proj",
                          c->hidden_size, c->has_output_bias, ACTIVATION_NONE);
}

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value n = decoder_norm(t, c, x, "input_layernorm");
    const Value mixed = c->is_conv[i] ? delta_layer(t, c, i, n) : attention(t, c, i, ropes, n);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), mixed);

    tape_prefix(t, "model.layers.%zu.", i);
    const Value m = decoder_norm(t, c, a, "post_attention_layernorm");
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    return tape_add(t, a, decoder_gated_layer(t, c, c->intermediate_size, m));
}

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm};
    decoder_record(t, c, &frame, block);
}

const Architecture architecture_qwen3_5_text = {
    .model_type = "qwen3_5_text",
    .summary = "Qwen 3.5: layers with the gated delta rule among those that attend",
    .classes = {{"Qwen3_5ForCausalLM", HEAD_CAUSAL_LM},
                {"Qwen3_5TextModel", HEAD_EMBEDDING},
                {"Qwen3_5TextForSequenceClassification", HEAD_SEQUENCE}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
