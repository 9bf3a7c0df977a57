// GPT-NeoX, and so Pythia: a decoder whose two layers of a block read the same hidden state, with rotations of a part of
// each head.
//
//     x_{i+1} = x_i + W_o attention(rope(W_q n), rope(W_k n), W_v n) + W_2 gelu(W_1 m),  n = LayerNorm(x_i)
//     m = LayerNorm(x_i), or without the parallel residual of what attention made of x_i
//
// Sources: Black et al. 2022, arXiv:2204.06745; Biderman et al. 2023, arXiv:2304.01373. Names of tensors as in Transformers; queries,
// keys and values are one tensor, head by head.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static const DecoderBlockNames names = {.blocks = "gpt_neox.layers.",
                                        .norms = {"input_layernorm", "post_attention_layernorm"},
                                        .attention = "attention.",
                                        .qkv = {"query_key_value"},
                                        .output = "dense",
                                        .feed_forward = "mlp.",
                                        .up = "dense_h_to_4h",
                                        .down = "dense_4h_to_h"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "gpt_neox.",
                                       .words = "embed_in",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "final_layer_norm",
                                       .output = "embed_out",
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

static const DecoderDefaults defaults = {.theta = 10000,
                                         .norm_epsilon = 1e-5,
                                         .rotary_part = 0.25,
                                         .norm_key = "layer_norm_eps",
                                         .theta_key = "rotary_emb_base",
                                         .rotary_part_key = "rotary_pct",
                                         .activation_key = "hidden_act",
                                         .activation = "gelu"};

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    TRY(decoder_read(arena, root, &defaults, c, err));
    TRY(config_read_float(root, "hidden_dropout", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(decoder_read_attention_bias(root, true, c, err));
    c->block.has_norm_bias = c->block.has_mlp_bias = c->block.is_parallel = true;
    c->dropout.embedding = c->dropout.hidden;
    return json_opt_bool(root, "use_parallel_residual", &c->block.is_parallel, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    decoder_write(c, &defaults, w);
    json_member_float(w, "hidden_dropout", c->dropout.hidden);
    json_member_bool(w, "attention_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "use_parallel_residual", c->block.is_parallel);
}

const Architecture architecture_gpt_neox = {
    .model_type = "gpt_neox",
    .summary = "GPT-NeoX and Pythia: parallel layers, heads that turn in part",
    .classes = {DECODER_CLASSES("GPTNeoX"), {"GPTNeoXForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "gpt_neox.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
