// Qwen 3.5 and Qwen3-Next: three layers of four keep a matrix of a text in keys' and values' place, which learns by the gated delta rule.
//
//     q, k, v = conv(W_qkv n);  y = delta_rule(q, k, v, W_b n, W_a n, A, c)      conv: each column over the last few tokens
//     mixed = W_out (RMSNorm(y) * silu(W_z n))                                     normed head by head
//
// The fourth attends: queries have a gate beside them, sigmoid(g) * attention, and a part of each head turns. Norms of the hidden
// states and of heads multiply by 1 + w, that of y by w. In the place of the gated layer may stand experts (experts.h). Source: Qwen
// Team 2025, Qwen3-Next; Yang et al. 2024, arXiv:2412.06464; names of tensors as in Transformers.
#include <math.h>

#include "models/architectures/decoder.h"
#include "models/architectures/experts.h"
#include "models/architectures/qwen3_5.h"

// All that x is multiplied by: queries, keys, values, z, and of each head what it learns and what it keeps.
static Dense parted(Tape *t, const ModelConfig *c, size_t n_qkv, size_t n_v)
{
    const DensePart parts[] = {{"in_proj_qkv", n_qkv},
                               {"in_proj_z", n_v},
                               {"in_proj_b", c->delta.n_heads},
                               {"in_proj_a", c->delta.n_heads}};
    return tape_dense_parts(t, parts, 4, c->hidden_size, DENSE_NO_BIAS);
}

// The same in two tensors, which have it key head by key head (Qwen3-Next).
static Dense stacked(Tape *t, const ModelConfig *c, size_t n_qkv, size_t n_v)
{
    const DeltaConfig *d = &c->delta;
    const size_t each = d->n_heads / d->n_key_heads, n = each * d->value_dim;
    const DensePart parts[] = {{"in_proj_qkvz", n_qkv + n_v}, {"in_proj_ba", 2 * d->n_heads}};
    const RowOrder orders[] = {
        {.head_dim = 2 * d->key_dim + 2 * n, .parts = {d->key_dim, d->key_dim, n, n}},
        {.head_dim = 2 * each, .parts = {each, each}}};
    const Dense dense = tape_dense_parts(t, parts, 2, c->hidden_size, DENSE_NO_BIAS);
    for (size_t i = 0; i < 2; i++) tape_row_order(t, dense, i, orders[i]);
    return dense;
}

static Value delta_layer(Tape *t, const ModelConfig *c, size_t i, Value x)
{
    const DeltaConfig *d = &c->delta;
    const size_t n_q = d->n_key_heads * d->key_dim, n_v = d->n_heads * d->value_dim;
    const size_t n_qkv = 2 * n_q + n_v, n_gates = 2 * d->n_heads;
    tape_prefix(t, "model.layers.%zu.linear_attn.", i);
    const Dense in = d->is_stacked ? stacked(t, c, n_qkv, n_v) : parted(t, c, n_qkv, n_v);
    const Value all = tape_linear(t, x, in, ACTIVATION_NONE);
    const Value z = tape_columns(t, all, n_qkv, n_qkv + n_v),
                gates = tape_columns(t, all, n_qkv + n_v, n_qkv + n_v + n_gates);
    const Value qkv =
        tape_causal_conv(t, tape_columns(t, all, 0, n_qkv), "conv1d", c->conv.n_taps, false);
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
    const unsigned flags = c->attention.has_qkv_bias ? 0 : DENSE_NO_BIAS;
    const DensePart keys_values[] = {{"k_proj", n_kv}, {"v_proj", n_kv}};
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value both = decoder_linear(t, decoder_rows(t, c, i, x), "q_proj", 2 * n_q,
                                      c->attention.has_qkv_bias, ACTIVATION_NONE);
    const Value kv = tape_linear(t, x, tape_dense_parts(t, keys_values, 2, c->hidden_size, flags),
                                 ACTIVATION_NONE);
    const Value q = prepared(t, c, ropes, half_of(t, c, both, 0), "q_norm");
    const Value k = prepared(t, c, ropes, tape_columns(t, kv, 0, n_kv), "k_norm");
    const TapeAttention as = {.n_heads = c->n_heads,
                              .n_kv_heads = c->n_kv_heads,
                              .head_dim = c->head_dim,
                              .scale = 1.0f / sqrtf((float)c->head_dim),
                              .is_causal = true,
                              .dropout = c->dropout.attention,
                              .is_cached = true};
    const Value mixed = tape_attention(t, q, k, tape_columns(t, kv, n_kv, 2 * n_kv), &as);
    return decoder_linear(t, gated(t, half_of(t, c, both, c->head_dim), mixed), "o_proj",
                          c->hidden_size, c->attention.has_output_bias, ACTIVATION_NONE);
}

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value n = decoder_norm(t, c, x, "input_layernorm");
    const Value mixed = c->conv.layers[i] ? delta_layer(t, c, i, n) : attention(t, c, i, ropes, n);
    const Value a = tape_add(t, decoder_rows(t, c, i, x), mixed);

    tape_prefix(t, "model.layers.%zu.", i);
    const Value m = decoder_norm(t, c, a, "post_attention_layernorm");
    if (experts_are_in(c, i)) return tape_add(t, a, experts_layer(t, c, i, m));
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    return tape_add(t, a, decoder_gated_layer(t, c, c->intermediate_size, m));
}

void qwen3_5_record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm};
    decoder_record(t, c, &frame, block);
}
