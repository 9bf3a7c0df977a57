// GPT-2's row of the registry, and what of config.json it reads and writes.
#include "models/architecture.h"
#include "models/architectures/decoder_config.h"
#include "models/architectures/gpt2.h"
#include "models/config_read.h"

static Status gpt2_refuse_variants(const Json *root, Error *err)
{
    bool has_cross = false;
    TRY(json_opt_bool(root, "add_cross_attention", &has_cross, err));
    if (has_cross)
        return json_error(json_get(root, "add_cross_attention"), err, "only false is supported");
    return STATUS_OK;
}

static Status gpt2_read_sizes(const Json *root, ModelConfig *c, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, "n_embd", &c->hidden_size, err));
    TRY(config_read_size(root, "n_layer", &c->n_layers, err));
    TRY(config_read_size(root, "n_head", &c->n_heads, err));
    TRY(config_read_size(root, json_get(root, "n_positions") ? "n_positions" : "n_ctx",
                         &c->max_positions, err));
    TRY(config_read_size_or(root, "n_inner", 4 * c->hidden_size, &c->intermediate_size, err));
    return config_split_heads(root, "n_embd", c, err);
}

static Status gpt2_read(Arena *arena, const Json *root, ModelConfig *c, Error *err)
{
    bool is_scaled = true;
    (void)arena;
    TRY(gpt2_refuse_variants(root, err));
    TRY(gpt2_read_sizes(root, c, err));
    c->activation = ACTIVATION_GELU_TANH;
    if (json_get(root, "activation_function"))
        TRY(config_read_activation(root, "activation_function", &c->activation, err));
    TRY(config_read_float(root, "layer_norm_epsilon", 0, 1, 1e-5, &c->layer_norm_eps, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(config_read_float(root, "attn_pdrop", 0, 0.999, 0.1, &c->attention_dropout, err));
    TRY(config_read_float(root, "resid_pdrop", 0, 0.999, 0.1, &c->hidden_dropout, err));
    TRY(config_read_float(root, "embd_pdrop", 0, 0.999, 0.1, &c->embedding_dropout, err));
    TRY(decoder_read_tagger(root, c, err));
    TRY(json_opt_bool(root, "scale_attn_weights", &is_scaled, err));
    c->attention_scale = is_scaled ? 0.0f : 1.0f;
    TRY(json_opt_bool(root, "scale_attn_by_inverse_layer_idx", &c->scales_by_layer, err));
    c->is_tied = true;
    return json_opt_bool(root, "tie_word_embeddings", &c->is_tied, err);
}

static void gpt2_write(const ModelConfig *c, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, "n_embd", c->hidden_size);
    json_member_u64(w, "n_layer", c->n_layers);
    json_member_u64(w, "n_head", c->n_heads);
    json_member_u64(w, "n_positions", c->max_positions);
    json_member_u64(w, "n_inner", c->intermediate_size);
    json_member_float(w, "layer_norm_epsilon", c->layer_norm_eps);
    json_member_float(w, "initializer_range", c->initializer_range);
    json_member_float(w, "attn_pdrop", c->attention_dropout);
    json_member_float(w, "resid_pdrop", c->hidden_dropout);
    json_member_float(w, "embd_pdrop", c->embedding_dropout);
    json_member_cstr(w, "activation_function",
                     c->activation == ACTIVATION_GELU_TANH ? "gelu_new"
                                                           : config_activation_name(c->activation));
    json_member_bool(w, "scale_attn_weights", c->attention_scale != 1.0f);
    json_member_bool(w, "scale_attn_by_inverse_layer_idx", c->scales_by_layer);
    json_member_bool(w, "tie_word_embeddings", c->is_tied);
}

static void complete(ModelConfig *c)
{
    c->n_kv_heads = c->n_heads;
    c->head_dim = c->hidden_size / c->n_heads;
    c->activation = ACTIVATION_GELU_TANH;
    c->layer_norm_eps = 1e-5f;
    c->embedding_dropout = c->hidden_dropout;
    c->is_tied = true;
}

const Architecture architecture_gpt2 = {
    .model_type = "gpt2",
    .summary = "GPT-2: learned positions, norms before the layers",
    .classes = {{"GPT2LMHeadModel", HEAD_CAUSAL_LM},
                {"GPT2Model", HEAD_EMBEDDING},
                {"GPT2ForSequenceClassification", HEAD_SEQUENCE},
                {"GPT2ForTokenClassification", HEAD_TOKEN},
                {"GPT2ForQuestionAnswering", HEAD_SPAN}},
    .base_prefix = "transformer.",
    .classified = CLASSIFIED_LAST,
    .tagger = "classifier",
    .read_config = gpt2_read,
    .write_config = gpt2_write,
    .complete = complete,
    .record = gpt2_record,
};
