// BLOOM: a decoder without positions but for what ALiBi adds to scores, with a norm on its embeddings.
//
//     x_0 = LayerNorm(word[ids])
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 m),  m = LayerNorm(a_i)
//
// Where the config says so residuals go on from n and m instead. Source: Le Scao et al. 2022, arXiv:2211.05100, section 3.2; names
// of tensors as in Transformers; queries, keys and values are one tensor, head by head.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static const DecoderBlockNames names = {.blocks = "transformer.h.",
                                        .norms = {"input_layernorm", "post_attention_layernorm"},
                                        .attention = "self_attention.",
                                        .qkv = {"query_key_value"},
                                        .output = "dense",
                                        .feed_forward = "mlp.",
                                        .up = "dense_h_to_4h",
                                        .down = "dense_4h_to_h"};

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderFrame frame = {.prefix = "transformer.",
                                       .words = "word_embeddings",
                                       .words_norm = "word_embeddings_layernorm",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "ln_f",
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

// A size under the first of its names that is there.
static Status read_either(const Json *root, const char *name, const char *other, size_t *out,
                          Error *err)
{
    return config_read_size(root, json_get(root, name) ? name : other, out, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    (void)arena;
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(read_either(root, "n_embed", "hidden_size", &c->hidden_size, err));
    TRY(read_either(root, "num_hidden_layers", "n_layer", &c->n_layers, err));
    TRY(read_either(root, "num_attention_heads", "n_head", &c->n_heads, err));
    c->max_positions = 2048; // ALiBi knows no end; this is what released models were trained on
    if (json_get(root, "seq_length"))
        TRY(config_read_size(root, "seq_length", &c->max_positions, err));
    TRY(config_split_heads(root, "hidden_size", c, err));
    c->intermediate_size = 4 * c->hidden_size;
    c->activation = ACTIVATION_GELU_TANH;
    c->attention.alibi_scale = 1.0f;
    c->block.has_norm_bias = c->attention.has_qkv_bias = c->attention.has_output_bias =
        c->block.has_mlp_bias = true;
    c->output.is_tied = true;
    TRY(config_read_float(root, "layer_norm_epsilon", 0, 1, 1e-5, &c->layer_norm_eps, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(config_read_float(root, "hidden_dropout", 0, 0.999, 0, &c->dropout.hidden, err));
    TRY(config_read_float(root, "attention_dropout", 0, 0.999, 0, &c->dropout.attention, err));
    TRY(decoder_read_tagger(root, c, err));
    TRY(json_opt_bool(root, "apply_residual_connection_post_layernorm", &c->block.is_post_norm,
                      err));
    return json_opt_bool(root, "tie_word_embeddings", &c->output.is_tied, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "hidden_size", c->hidden_size);
    json_member_u64(w, "n_layer", c->n_layers);
    json_member_u64(w, "n_head", c->n_heads);
    json_member_u64(w, "seq_length", c->max_positions);
    json_member_float(w, "layer_norm_epsilon", c->layer_norm_eps);
    json_member_float(w, "initializer_range", c->initializer_range);
    json_member_float(w, "hidden_dropout", c->dropout.hidden);
    json_member_float(w, "attention_dropout", c->dropout.attention);
    json_member_bool(w, "apply_residual_connection_post_layernorm", c->block.is_post_norm);
    json_member_bool(w, "tie_word_embeddings", c->output.is_tied);
}

const Architecture architecture_bloom = {
    .model_type = "bloom",
    .summary = "BLOOM: ALiBi for positions, a norm on embeddings",
    .classes = {DECODER_CLASSES("Bloom"), {"BloomForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
