#include "models/architectures/gpt_config.h"

static Status read_sizes(const Json *root, const GptMembers *m, ModelConfig *c, Error *err)
{
    const char *older = m->max_positions_before;
    const bool is_older = older && !json_get(root, m->max_positions) && json_get(root, older);
    TRY(config_read_size(root, "vocab_size", &c->vocab_size, err));
    TRY(config_read_size(root, m->hidden_size, &c->hidden_size, err));
    TRY(config_read_size(root, m->n_layers, &c->n_layers, err));
    TRY(config_read_size(root, m->n_heads, &c->n_heads, err));
    TRY(config_read_size(root, is_older ? older : m->max_positions, &c->max_positions, err));
    TRY(config_read_size_or(root, m->intermediate_size, 4 * c->hidden_size, &c->intermediate_size,
                            err));
    return config_split_heads(root, m->hidden_size, c, err);
}

Status gpt_read(const Json *root, const GptMembers *m, ModelConfig *c, Error *err)
{
    TRY(config_want_bool(root, "add_cross_attention", false, err));
    TRY(read_sizes(root, m, c, err));
    c->activation = ACTIVATION_GELU_TANH;
    if (config_has(root, "activation_function"))
        TRY(config_read_activation(root, "activation_function", &c->activation, err));
    TRY(config_read_float(root, "layer_norm_epsilon", 0, 1, 1e-5, &c->layer_norm_eps, err));
    TRY(config_read_float(root, "initializer_range", 0, 100, 0.02, &c->initializer_range, err));
    TRY(config_read_float(root, m->attention_dropout, 0, 0.999, m->dropout, &c->dropout.attention,
                          err));
    TRY(config_read_float(root, m->hidden_dropout, 0, 0.999, m->dropout, &c->dropout.hidden, err));
    TRY(config_read_float(root, m->embedding_dropout, 0, 0.999, m->dropout, &c->dropout.embedding,
                          err));
    c->output.is_tied = m->is_tied;
    return json_opt_bool(root, "tie_word_embeddings", &c->output.is_tied, err);
}

Status gpt_read_scaling(const Json *root, ModelConfig *c, Error *err)
{
    bool is_scaled = true;
    TRY(json_opt_bool(root, "scale_attn_weights", &is_scaled, err));
    c->attention.scale = is_scaled ? 0.0f : 1.0f;
    return STATUS_OK;
}

void gpt_write(const ModelConfig *c, const GptMembers *m, JsonWriter *w)
{
    json_member_u64(w, "vocab_size", c->vocab_size);
    json_member_u64(w, m->hidden_size, c->hidden_size);
    json_member_u64(w, m->n_layers, c->n_layers);
    json_member_u64(w, m->n_heads, c->n_heads);
    json_member_u64(w, m->max_positions, c->max_positions);
    json_member_u64(w, m->intermediate_size, c->intermediate_size);
    json_member_float(w, "layer_norm_epsilon", c->layer_norm_eps);
    json_member_float(w, "initializer_range", c->initializer_range);
    json_member_float(w, m->attention_dropout, c->dropout.attention);
    json_member_float(w, m->hidden_dropout, c->dropout.hidden);
    json_member_float(w, m->embedding_dropout, c->dropout.embedding);
    json_member_cstr(w, "activation_function",
                     c->activation == ACTIVATION_GELU_TANH ? m->gelu
                                                           : config_activation_name(c->activation));
    json_member_bool(w, "tie_word_embeddings", c->output.is_tied);
}
