// MPT: a decoder without positions but for what ALiBi adds to scores, and without biases.
//
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = norm(x_i)
//     x_{i+1} = a_i + W_2 gelu(W_1 norm(a_i));  norm is LayerNorm without a bias
//
// Source: MosaicML NLP Team 2023, "Introducing MPT-7B"; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/architectures/decoder_config.h"

static void record(Tape *t, const ModelConfig *c)
{
    static const DecoderBlockNames names = {.blocks = "transformer.blocks.",
                                            .norms = {"norm_1", "norm_2"},
                                            .attention = "attn.",
                                            .stacked_qkv = "Wqkv",
                                            .output = "out_proj",
                                            .feed_forward = "ffn.",
                                            .up = "up_proj",
                                            .down = "down_proj"};
    static const DecoderFrame frame = {.prefix = "transformer.",
                                       .words = "wte",
                                       .norm = decoder_layer_norm,
                                       .last_norm = "norm_f",
                                       .names = &names};
    decoder_record(t, c, &frame, NULL);
}

// ---- config.json ----

// What the models' first code has beside what is here, and Transformers passes over; each would change the numbers.
static Status refuse_variants(const Json *root, const Json *attention, Error *err)
{
    TRY(config_want_bool(root, "no_bias", true, err));
    TRY(config_want_null(root, "logit_scale", err));
    TRY(config_want_number(root, "expansion_ratio", 4, err));
    if (!attention) return STATUS_OK;
    TRY(config_want_bool(attention, "alibi", true, err));
    TRY(config_want_bool(attention, "qk_ln", false, err));
    TRY(config_want_bool(attention, "prefix_lm", false, err));
    TRY(config_want_bool(attention, "attn_uses_sequence_id", false, err));
    TRY(config_want_string(attention, "attn_type", "multihead_attention", err));
    return config_want_number(attention, "alibi_bias_max", 8, err);
}

static Status read_sizes(const Json *root, ModelConfig *c, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "d_model", &c->hidden_size, err));
    TRY(config_read_size(root, "n_layers", &c->n_layers, err));
    TRY(config_read_size(root, "n_heads", &c->n_heads, err));
    TRY(config_read_size(root, "max_seq_len", &c->max_positions, err));
    c->intermediate_size = 4 * c->hidden_size;
    return config_split_heads(root, "d_model", c, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    const Json *attention = NULL;
    (void)arena;
    TRY(json_opt_kind(root, "attn_config", JSON_OBJECT, &attention, err));
    TRY(refuse_variants(root, attention, err));
    TRY(read_sizes(root, c, err));
    c->activation = ACTIVATION_GELU;
    c->attention.alibi_scale = 1.0f;
    c->output.is_tied = true;
    TRY(config_read_float(root, "layer_norm_epsilon", 0, 1, 1e-5, &c->layer_norm_eps, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(decoder_read_tagger(root, c, err));
    TRY(json_opt_bool(root, "tie_word_embeddings", &c->output.is_tied, err));
    if (!attention) return STATUS_OK;
    TRY(decoder_read_cap(attention, c, err));
    TRY(config_read_float(attention, "softmax_scale", 1e-9, 1e9, 0, &c->attention.scale, err));
    // Of what both layers add too.
    TRY(config_read_float(attention, "attn_pdrop", 0, 0.999, 0, &c->dropout.attention, err));
    c->dropout.hidden = c->dropout.attention;
    return STATUS_OK;
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "d_model", c->hidden_size);
    json_member_u64(w, "n_layers", c->n_layers);
    json_member_u64(w, "n_heads", c->n_heads);
    json_member_u64(w, "max_seq_len", c->max_positions);
    json_member_float(w, "layer_norm_epsilon", c->layer_norm_eps);
    json_member_float(w, "initializer_range", c->initializer_range);
    json_member_bool(w, "tie_word_embeddings", c->output.is_tied);
    json_put_key(w, "attn_config");
    json_begin_object(w);
    if (c->attention.scale > 0) json_member_float(w, "softmax_scale", c->attention.scale);
    json_member_float(w, "attn_pdrop", c->dropout.attention);
    decoder_write_cap(c, w);
    json_end_object(w);
}

const Architecture architecture_mpt = {
    .model_type = "mpt",
    .summary = "MPT: ALiBi for positions, no biases",
    .classes = {DECODER_CLASSES("Mpt"), {"MptForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
