// StarCoder 2: a decoder of pre-norm blocks with rotary positions, shared key heads and a window.
//
//     a_i = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 LayerNorm(a_i))
//
// Source: Lozhkov et al. 2024, arXiv:2402.19173, section 5.1; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static const DecoderBlockNames names = {.blocks = "model.layers.",
                                        .norms = {"input_layernorm", "post_attention_layernorm"},
                                        .attention = "self_attn.",
                                        .qkv = {"q_proj", "k_proj", "v_proj"},
                                        .output = "o_proj",
                                        .feed_forward = "mlp.",
                                        .up = "c_fc",
                                        .down = "c_proj"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {DECODER_LLAMA_FRAME, .norm = decoder_layer_norm,
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1e-5,
                                         .is_tied = true,
                                         .norm_key = "norm_epsilon",
                                         .activation_key = "hidden_act",
                                         .activation = "gelu_pytorch_tanh"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool has_bias = true;
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(json_opt_bool(root, "use_bias", &has_bias, err));
    TRY(config_read_float(root, "residual_dropout", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(config_read_float(root, "embedding_dropout", 0, 0.999, 0, &c->dropout.embedding, err));
    c->attention.has_qkv_bias = c->attention.has_output_bias = c->block.has_mlp_bias = has_bias;
    c->block.has_norm_bias = true;
    return decoder_read_window(root, c, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "use_bias", c->attention.has_qkv_bias);
    json_member_float(w, "residual_dropout", c->dropout.hidden);
    json_member_float(w, "embedding_dropout", c->dropout.embedding);
}

const Architecture architecture_starcoder2 = {
    .model_type = "starcoder2",
    .summary = "StarCoder 2: LayerNorms, biases, rotations and a window",
    .classes = {DECODER_CLASSES("Starcoder2")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
