// GLM 4 and its kind: Llama whose neighbouring columns turn together, half of each head, with gate and up projection in one tensor.
// The later GLM 4 (0414) norms what its layers add as well.
//
//     a_i = x_i + norm(W_o attention(rope(W_q n), rope(W_k n), W_v n)),  n = RMSNorm(x_i)
//     x_{i+1} = a_i + norm(W_down (silu(W_gate m) * W_up m)),  m = RMSNorm(a_i);  norm is none, or later an RMSNorm
//
// Sources: GLM Team 2024, arXiv:2406.12793, section 2; Transformers' modeling_glm4. Names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static const DecoderBlockNames first = {
    DECODER_LLAMA_LAYERS, .norms = {"input_layernorm", "post_attention_layernorm"},
    .qkv = {"q_proj", "k_proj", "v_proj"}, .stacked_gate_up = "gate_up_proj"};
static const DecoderBlockNames later = {
    DECODER_LLAMA_LAYERS, .norms = {"input_layernorm", "post_attention_layernorm"},
    .behind = {"post_self_attn_layernorm", "post_mlp_layernorm"},
    .qkv = {"q_proj", "k_proj", "v_proj"}, .stacked_gate_up = "gate_up_proj"};

static void record_first(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &first};
    decoder_record(t, c, &frame, NULL);
}

static void record_later(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_norm, .names = &later};
    decoder_record(t, c, &frame, NULL);
}

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1.5625e-7,
                                         .head_dim = 128,
                                         .rotary_part = 0.5,
                                         .activation_key = "hidden_act",
                                         .activation = "silu"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    c->rotary.in_pairs = c->attention.has_qkv_bias = true;
    return json_opt_bool(root, "attention_bias", &c->attention.has_qkv_bias, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    decoder_write_pad(c, w);
}

const Architecture architecture_glm = {
    .model_type = "glm",
    .summary = "GLM 4: Llama with rotations of neighbouring columns of half of each head",
    .classes = {DECODER_CLASSES("Glm")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record_first,
};

const Architecture architecture_glm4 = {
    .model_type = "glm4",
    .summary = "GLM 4 0414 and Z1: GLM 4 with norms on both sides of its layers",
    .classes = {DECODER_CLASSES("Glm4")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record_later,
};
