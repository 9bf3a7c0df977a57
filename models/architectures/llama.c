// Llama and its kind: a decoder of pre-norm blocks with rotary positions and a gated layer.
//
//     a_i = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n),  n = RMSNorm(x_i)
//     x_{i+1} = a_i + W_down (silu(W_gate m) * W_up m),  m = RMSNorm(a_i)
//
// Sources: Touvron et al. 2023, arXiv:2302.13971; Mistral's window: Jiang et al. 2023, arXiv:2310.06825; Qwen2's biases: Yang
// et al. 2024, arXiv:2407.10671; Qwen3's norms of heads: Yang et al. 2025, arXiv:2505.09388; Phi-3: Abdin et al. 2024,
// arXiv:2404.14219; Mixtral and others that have experts in the gated layer's place: experts.h; SmolLM3's layers without rotation: Yang et al. 2025, arXiv:2501.18795. Names of tensors as in Transformers.
#include "models/architectures/llama.h"

#include "models/architectures/decoder.h"
#include "models/architectures/experts.h"

static unsigned bias_flag(bool has_bias)
{
    return has_bias ? 0 : DENSE_NO_BIAS;
}

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out, bool has_bias)
{
    const DensePart part = {name, n_out};
    return tape_dense_parts(t, &part, 1, n_in, bias_flag(has_bias));
}

// Queries, keys and values; Phi-3's checkpoints have them as one tensor, in this order.
static Dense qkv_layer(Tape *t, const ModelConfig *c, bool is_stacked)
{
    const size_t n_q = c->n_heads * c->head_dim, n_kv = c->n_kv_heads * c->head_dim;
    const DensePart parts[] = {{"q_proj", n_q}, {"k_proj", n_kv}, {"v_proj", n_kv}};
    if (is_stacked) return dense(t, "qkv_proj", c->hidden_size, n_q + 2 * n_kv, c->has_qkv_bias);
    return tape_dense_parts(t, parts, 3, c->hidden_size, bias_flag(c->has_qkv_bias));
}

static Dense gate_up_layer(Tape *t, const ModelConfig *c, bool is_stacked)
{
    const size_t n = c->intermediate_size;
    const DensePart parts[] = {{"gate_proj", n}, {"up_proj", n}};
    if (is_stacked) return dense(t, "gate_up_proj", c->hidden_size, 2 * n, c->has_mlp_bias);
    return tape_dense_parts(t, parts, 2, c->hidden_size, bias_flag(c->has_mlp_bias));
}

// What a layer adds to the hidden state: Granite's times a factor.
static Value added(Tape *t, const ModelConfig *c, Value x, Value out)
{
    const Value y = tape_dropout(t, out, c->hidden_dropout);
    const bool is_scaled = c->residual_scale > 0 && c->residual_scale != 1.0f;
    return tape_add(t, x, is_scaled ? tape_scale(t, y, c->residual_scale) : y);
}

static Value feed_forward(Tape *t, const ModelConfig *c, size_t i, bool is_stacked, Value m)
{
    if (experts_are_in(c, i)) return experts_layer(t, c, i, m);
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    const Value inner = decoder_gate(t, c, gate_up_layer(t, c, is_stacked), m);
    return tape_linear(t, inner,
                       dense(t, "down_proj", c->intermediate_size, c->hidden_size, c->has_mlp_bias),
                       ACTIVATION_NONE);
}

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, bool is_stacked,
                   Value x)
{
    const size_t h = c->hidden_size, n_q = c->n_heads * c->head_dim;
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value n = decoder_norm(t, c, x, "input_layernorm");
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, qkv_layer(t, c, is_stacked), n);
    const Value out =
        tape_linear(t, mixed, dense(t, "o_proj", n_q, h, c->has_output_bias), ACTIVATION_NONE);
    const Value a = added(t, c, decoder_rows(t, c, i, x), out);

    tape_prefix(t, "model.layers.%zu.", i);
    const Value m = decoder_norm(t, c, a, "post_attention_layernorm");
    return added(t, c, a, feed_forward(t, c, i, is_stacked, m));
}

static Value parted_block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    return block(t, c, i, ropes, false, x);
}

static Value stacked_block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    return block(t, c, i, ropes, true, x);
}

static const DecoderFrame frame = {
    .prefix = "model.", .words = "embed_tokens", .norm = decoder_norm, .last_norm = "norm"};

void llama_record(Tape *t, const ModelConfig *c)
{
    decoder_record(t, c, &frame, parted_block);
}

void phi3_record(Tape *t, const ModelConfig *c)
{
    decoder_record(t, c, &frame, stacked_block);
}
