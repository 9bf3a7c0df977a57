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

#define LAYERS                                                                        \
    DECODER_LLAMA_LAYERS, .norms = {"input_layernorm", "pre_feedforward_layernorm"},  \
                          .qkv = {"q_proj", "k_proj", "v_proj"}, .gate = "gate_proj", \
                          .up = "up_proj"

void gemma_record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {
        LAYERS, .behind = {"post_attention_layernorm", "post_feedforward_layernorm"}};
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &names};
    decoder_record(t, c, &frame, NULL);
}

// Without the norms behind the layers.
void vaultgemma_record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {LAYERS};
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &names};
    decoder_record(t, c, &frame, NULL);
}
