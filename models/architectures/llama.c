// Llama and its kind: a decoder of pre-norm blocks with rotary positions and a gated layer.
//
//     a_i = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n),  n = RMSNorm(x_i)
//     x_{i+1} = a_i + W_down (silu(W_gate m) * W_up m),  m = RMSNorm(a_i)
//
// Sources: Touvron et al. 2023, arXiv:2302.13971; Mistral's window: Jiang et al. 2023, arXiv:2310.06825; Qwen2's biases: Yang
// et al. 2024, arXiv:2407.10671; Qwen3's norms of heads: Yang et al. 2025, arXiv:2505.09388; Phi-3: Abdin et al. 2024,
// arXiv:2404.14219; Mixtral and others that have experts in the gated layer's place: experts.h; SmolLM3's layers without rotation:
// Yang et al. 2025, arXiv:2501.18795. Names of tensors as in Transformers.
#include "models/architectures/llama.h"

#include "models/architectures/decoder.h"

static const DecoderBlockNames parted = {
    DECODER_LLAMA_LAYERS, .norms = {"input_layernorm", "post_attention_layernorm"},
    .qkv = {"q_proj", "k_proj", "v_proj"}, .gate = "gate_proj", .up = "up_proj"};
static const DecoderBlockNames stacked = {
    DECODER_LLAMA_LAYERS, .norms = {"input_layernorm", "post_attention_layernorm"},
    .stacked_qkv = "qkv_proj", .stacked_gate_up = "gate_up_proj"};

void llama_record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &parted};
    decoder_record(t, c, &frame, NULL);
}

void phi3_record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm,
                                       .names = &stacked};
    decoder_record(t, c, &frame, NULL);
}
