// Gemma 2 and 3: decoders whose sublayers are normed before and after, with local and global layers in turn.
//
//     x_0 = sqrt(hidden_size) * word[ids]
//     a_i = x_i + RMSNorm(W_o attention(rope(norm(W_q n)), rope(norm(W_k n)), W_v n)),  n = RMSNorm(x_i)
//     x_{i+1} = a_i + RMSNorm(W_down (gelu(W_gate m) * W_up m)),  m = RMSNorm(a_i)
//
// Norms multiply by 1 + weight. Gemma 2 caps scores and logits and has no norms of heads; Gemma 3 has these, and another base
// of rotation for its local layers. Sources: Gemma Team 2024, arXiv:2408.00118; 2025, arXiv:2503.19786.
#include "models/architectures/gemma.h"

#include "models/architectures/decoder.h"

static Value block(Tape *t, const ModelConfig *c, size_t i, DecoderRopes ropes, Value x)
{
    const size_t h = c->hidden_size, n = c->intermediate_size;
    static const char *const heads[] = {"q_proj", "k_proj", "v_proj"};
    const DensePart gates[] = {{"gate_proj", n}, {"up_proj", n}};
    tape_group(t, 1 + i);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value before = decoder_norm(t, c, x, "input_layernorm");
    tape_prefix(t, "model.layers.%zu.self_attn.", i);
    const Value mixed = decoder_attention(t, c, i, ropes, decoder_qkv(t, c, heads), before);
    const Value out = decoder_linear(t, mixed, "o_proj", h, c->has_output_bias, ACTIVATION_NONE);
    tape_prefix(t, "model.layers.%zu.", i);
    const Value a =
        tape_add(t, decoder_rows(t, c, i, x), decoder_norm(t, c, out, "post_attention_layernorm"));

    const Value m = decoder_norm(t, c, a, "pre_feedforward_layernorm");
    tape_prefix(t, "model.layers.%zu.mlp.", i);
    const Value inner = decoder_gate(t, c, tape_dense_parts(t, gates, 2, h, DENSE_NO_BIAS), m);
    const Value outer = decoder_linear(t, inner, "down_proj", h, false, ACTIVATION_NONE);
    tape_prefix(t, "model.layers.%zu.", i);
    return tape_add(t, a, decoder_norm(t, c, outer, "post_feedforward_layernorm"));
}

void gemma_record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm};
    decoder_record(t, c, &frame, block);
}
