// OPT: a decoder with learned positions, whose norms stand before the layers or, in its 350m, behind the residuals.
//
//     x_0 = W_in word[ids] + position[2..]
//     a_i = x_i + W_o attention(W_q n, W_k n, W_v n),  n = LayerNorm(x_i)
//     x_{i+1} = a_i + W_2 relu(W_1 LayerNorm(a_i))
//
// W_in, and W_out before the output layer, are there where word vectors have another width than hidden states. Source: Zhang et
// al. 2022, arXiv:2205.01068; names of tensors as in Transformers.
#include "models/architecture.h"
#include "models/architectures/decoder.h"
#include "models/config_read.h"

enum { FIRST_POSITION = 2 }; // rows of the table before the first position's
static const float NORM_EPSILON = 1e-5f;

static Value norm_before(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    return c->block.is_post_norm ? x : decoder_layer_norm(t, c, x, name);
}

static Value norm_after(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    return c->block.is_post_norm ? decoder_layer_norm(t, c, x, name) : x;
}

static Value block(Tape *t, const ModelConfig *c, size_t i, Value x)
{
    static const char *const names[3] = {"q_proj", "k_proj", "v_proj"};
    const size_t h = c->hidden_size;
    tape_group(t, 1 + i);
    tape_prefix(t, "model.decoder.layers.%zu.", i);
    const Value n = norm_before(t, c, x, "self_attn_layer_norm");
    tape_prefix(t, "model.decoder.layers.%zu.self_attn.", i);
    const Value mixed = decoder_attention(t, c, i, (DecoderRopes){0}, decoder_qkv(t, c, names), n);
    const Value out =
        decoder_linear(t, mixed, "out_proj", h, c->attention.has_output_bias, ACTIVATION_NONE);
    tape_prefix(t, "model.decoder.layers.%zu.", i);
    const Value sum =
        tape_add(t, decoder_rows(t, c, i, x), tape_dropout(t, out, c->dropout.hidden));
    const Value a = norm_after(t, c, sum, "self_attn_layer_norm");

    const Value m = norm_before(t, c, a, "final_layer_norm");
    const Value inner =
        decoder_linear(t, m, "fc1", c->intermediate_size, c->block.has_mlp_bias, c->activation);
    const Value outer = decoder_linear(t, inner, "fc2", h, c->block.has_mlp_bias, ACTIVATION_NONE);
    return norm_after(t, c, tape_add(t, a, tape_dropout(t, outer, c->dropout.hidden)),
                      "final_layer_norm");
}

static void record(Tape *t, const ModelConfig *c)
{
    const size_t h = c->hidden_size;
    ParamId table = 0;
    tape_prefix(t, "%s", "model.decoder.");
    Value x = decoder_embedding(t, c, "embed_tokens", &table);
    if (c->embedding_dims > 0) x = decoder_linear(t, x, "project_in", h, false, ACTIVATION_NONE);
    const ParamId positions =
        tape_table(t, "embed_positions", c->max_positions + FIRST_POSITION, h, -1);
    x = tape_add(t, x, tape_positions(t, positions, FIRST_POSITION));
    for (size_t i = 0; i < c->n_layers; i++) {
        tape_hidden(t, x);
        x = block(t, c, i, x);
    }
    tape_prefix(t, "%s", "model.decoder.");
    tape_group(t, 1 + c->n_layers);
    x = norm_before(t, c, x, "final_layer_norm");
    if (c->embedding_dims > 0)
        x = decoder_linear(t, x, "project_out", c->embedding_dims, false, ACTIVATION_NONE);
    decoder_output(t, c, table, "lm_head", x);
}

// Norms without weights, or without the last one, are of no released model.
static Status refuse_variants(const Json *root, Error *err)
{
    TRY(config_want_bool(root, "layer_norm_elementwise_affine", true, err));
    return config_want_bool(root, "_remove_final_layer_norm", false, err);
}

static Status read_sizes(const Json *root, ModelConfig *c, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "hidden_size", &c->hidden_size, err));
    TRY(config_read_size(root, "num_hidden_layers", &c->n_layers, err));
    TRY(config_read_size(root, "num_attention_heads", &c->n_heads, err));
    TRY(config_read_size(root, "ffn_dim", &c->intermediate_size, err));
    TRY(config_read_size(root, "max_position_embeddings", &c->max_positions, err));
    TRY(config_read_size_or(root, "word_embed_proj_dim", 0, &c->embedding_dims, err));
    if (c->embedding_dims == c->hidden_size) c->embedding_dims = 0;
    return config_split_heads(root, "hidden_size", c, err);
}

static Status read_config(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool has_bias = true, norms_before = true;
    (void)arena;
    TRY(refuse_variants(root, err));
    TRY(read_sizes(root, c, err));
    c->activation = ACTIVATION_RELU;
    if (config_has(root, "activation_function"))
        TRY(config_read_activation(root, "activation_function", &c->activation, err));
    TRY(config_read_float(root, "dropout", 0, 0.999, 0.1, &c->dropout.hidden, err));
    TRY(config_read_float(root, "attention_dropout", 0, 0.999, 0, &c->dropout.attention, err));
    TRY(config_read_float(root, "init_std", 0, 100, 0.02, &c->initializer_range, err));
    TRY(json_opt_bool(root, "enable_bias", &has_bias, err));
    TRY(json_opt_bool(root, "do_layer_norm_before", &norms_before, err));
    c->attention.has_qkv_bias = c->attention.has_output_bias = c->block.has_mlp_bias = has_bias;
    c->block.is_post_norm = !norms_before;
    c->block.has_norm_bias = c->output.is_tied = true;
    c->layer_norm_eps = NORM_EPSILON;
    c->pad_id = json_get(root, "pad_token_id") ? -1 : 1; // null says that there is none
    return json_opt_bool(root, "tie_word_embeddings", &c->output.is_tied, err);
}

static void write_config(const ModelConfig *c, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "hidden_size", c->hidden_size);
    json_member_u64(w, "num_hidden_layers", c->n_layers);
    json_member_u64(w, "num_attention_heads", c->n_heads);
    json_member_u64(w, "ffn_dim", c->intermediate_size);
    json_member_u64(w, "max_position_embeddings", c->max_positions);
    json_member_u64(w, "word_embed_proj_dim",
                    c->embedding_dims > 0 ? c->embedding_dims : c->hidden_size);
    json_member_cstr(w, "activation_function", config_activation_name(c->activation));
    json_member_float(w, "dropout", c->dropout.hidden);
    json_member_float(w, "attention_dropout", c->dropout.attention);
    json_member_float(w, "init_std", c->initializer_range);
    json_member_bool(w, "enable_bias", c->attention.has_qkv_bias);
    json_member_bool(w, "do_layer_norm_before", !c->block.is_post_norm);
    json_member_bool(w, "tie_word_embeddings", c->output.is_tied);
}

const Architecture architecture_opt = {
    .model_type = "opt",
    .summary = "OPT: learned positions, norms before or behind",
    .classes = {{"OPTForCausalLM", HEAD_CAUSAL_LM},
                {"OPTModel", HEAD_EMBEDDING},
                {"OPTForSequenceClassification", HEAD_SEQUENCE},
                {"OPTForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "model.",
    .classified = CLASSIFIED_LAST,
    .read_config = read_config,
    .write_config = write_config,
    .record = record,
};
