// Phi 1, 1.5 and 2: a decoder whose two layers of a block read the same normed state, with rotations of a part of each head and
// a bias everywhere.
//
//     x_{i+1} = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n) + W_2 gelu(W_1 n),  n = LayerNorm(x_i)
//
// Source: Li et al. 2023, arXiv:2309.05463, section 2.1; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static const DecoderBlockNames names = {.blocks = "model.layers.",
                                        .norms = {"input_layernorm"},
                                        .attention = "self_attn.",
                                        .qkv = {"q_proj", "k_proj", "v_proj"},
                                        .output = "dense",
                                        .feed_forward = "mlp.",
                                        .up = "fc1",
                                        .down = "fc2"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "model.",
                                       .words = "embed_tokens",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "final_layernorm",
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1e-5,
                                         .rotary_part = 0.5,
                                         .norm_key = "layer_norm_eps",
                                         .activation_key = "hidden_act",
                                         .activation = "gelu_new"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(json_opt_bool(root, "qk_layernorm", &c->attention.has_head_norms, err));
    c->attention.head_norm = HEAD_NORM_LAYER;
    TRY(config_read_float(root, "resid_pdrop", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(config_read_float(root, "embd_pdrop", 0, 0.999, 0, &c->dropout.embedding, err));
    c->block.has_norm_bias = c->attention.has_qkv_bias = c->attention.has_output_bias = true;
    c->block.has_mlp_bias = c->output.has_bias = true;
    return STATUS_OK;
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_bool(w, "qk_layernorm", c->attention.has_head_norms);
    json_member_float(w, "resid_pdrop", c->dropout.hidden);
    json_member_float(w, "embd_pdrop", c->dropout.embedding);
}

const Architecture architecture_phi = {
    .model_type = "phi",
    .summary = "Phi 1, 1.5 and 2: parallel layers, heads that turn in part",
    .classes = {DECODER_CLASSES("Phi")},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
