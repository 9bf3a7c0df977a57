// BERT: an encoder of post-norm blocks.
//
//     x_0 = LayerNorm(word[ids] + position[0..] + type[type_ids])
//     a_i = LayerNorm(x_i + W_o attention(W_q x_i, W_k x_i, W_v x_i))
//     x_{i+1} = LayerNorm(a_i + W_2 gelu(W_1 a_i))
//
// Source: Devlin, Chang, Lee & Toutanova 2019, arXiv:1810.04805; names of tensors as in Transformers' modeling_bert.
#include <math.h>

#include "models/architecture.h"
#include "models/config_read.h"

static Status refuse_variants(const Json *root, ModelHead head, Error *err)
{
    Slice positions = SLICE("absolute");
    bool is_decoder = false, is_tied = true;
    TRY(json_opt_string(root, "position_embedding_type", &positions, err));
    if (!slice_eq_cstr(positions, "absolute")) {
        return json_error(json_get(root, "position_embedding_type"), err,
                          "only \"absolute\" is supported");
    }
    TRY(json_opt_bool(root, "is_decoder", &is_decoder, err));
    if (is_decoder)
        return json_error(json_get(root, "is_decoder"), err, "BERT as a decoder is not supported");
    TRY(json_opt_bool(root, "tie_word_embeddings", &is_tied, err));
    if (!is_tied && head == HEAD_MASKED_LM) {
        return json_error(json_get(root, "tie_word_embeddings"), err,
                          "a masked LM whose output layer is not its embedding is not supported");
    }
    return STATUS_OK;
}

static Status read_sizes(const Json *root, ModelConfig *config, Error *err)
{
    TRY(config_read_size(root, "vocab_size", &config->vocab_size, err));
    TRY(config_read_size(root, "hidden_size", &config->hidden_size, err));
    TRY(config_read_size(root, "num_hidden_layers", &config->n_layers, err));
    TRY(config_read_size(root, "num_attention_heads", &config->n_heads, err));
    TRY(config_read_size(root, "intermediate_size", &config->intermediate_size, err));
    TRY(config_read_size(root, "max_position_embeddings", &config->max_positions, err));
    return config_read_size(root, "type_vocab_size", &config->type_vocab_size, err);
}

static Status bert_read_config(Arena *arena, const Json *root, ModelConfig *config, Error *err)
{
    (void)arena;
    TRY(refuse_variants(root, config->head, err));
    TRY(read_sizes(root, config, err));
    TRY(config_read_float(root, "layer_norm_eps", 0.0, 1.0, 1e-12, &config->layer_norm_eps, err));
    TRY(config_read_float(root, "hidden_dropout_prob", 0.0, 0.999, 0.1, &config->hidden_dropout,
                          err));
    TRY(config_read_float(root, "attention_probs_dropout_prob", 0.0, 0.999, 0.1,
                          &config->attention_dropout, err));
    TRY(config_read_float(root, "classifier_dropout", 0.0, 0.999, -1.0, &config->classifier_dropout,
                          err));
    TRY(config_read_float(root, "initializer_range", 0.0, 100.0, 0.02, &config->initializer_range,
                          err));
    return config_read_activation(root, "hidden_act", &config->activation, err);
}

static void bert_write_config(const ModelConfig *config, JsonWriter *w)
{
    config_put_size(w, "vocab_size", config->vocab_size);
    config_put_size(w, "hidden_size", config->hidden_size);
    config_put_size(w, "num_hidden_layers", config->n_layers);
    config_put_size(w, "num_attention_heads", config->n_heads);
    config_put_size(w, "intermediate_size", config->intermediate_size);
    config_put_size(w, "max_position_embeddings", config->max_positions);
    config_put_size(w, "type_vocab_size", config->type_vocab_size);
    config_put_float(w, "layer_norm_eps", config->layer_norm_eps);
    config_put_float(w, "hidden_dropout_prob", config->hidden_dropout);
    config_put_float(w, "attention_probs_dropout_prob", config->attention_dropout);
    if (config->classifier_dropout >= 0)
        config_put_float(w, "classifier_dropout", config->classifier_dropout);
    config_put_float(w, "initializer_range", config->initializer_range);
    json_put_key(w, "hidden_act");
    json_put_cstr(w, config_activation_name(config->activation));
    json_put_key(w, "position_embedding_type");
    json_put_cstr(w, "absolute");
}

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out)
{
    return tape_dense(t, &name, 1, n_in, n_out);
}

static Value bert_embeddings(Tape *t, const ModelConfig *c, ParamId *word)
{
    tape_group(t, 0);
    tape_prefix(t, "bert.embeddings.");
    *word = tape_table(t, "word_embeddings", c->vocab_size, c->hidden_size, c->pad_id);
    const ParamId position =
        tape_table(t, "position_embeddings", c->max_positions, c->hidden_size, -1);
    const ParamId type =
        tape_table(t, "token_type_embeddings", c->type_vocab_size, c->hidden_size, -1);
    const Value sum = tape_embedding(t, *word, position, type);
    return tape_dropout(t, tape_layer_norm(t, sum, "LayerNorm", c->layer_norm_eps),
                        c->hidden_dropout);
}

// Block i. Where only the first tokens of its output are read, queries and all that follows are computed for them alone;
// keys and values are always those of every token.
static Value bert_block(Tape *t, const ModelConfig *c, size_t i, Value x, bool first_tokens_only)
{
    static const char *const qkv_names[] = {"query", "key", "value"};
    const size_t h = c->hidden_size, head_dim = h / c->n_heads;
    tape_group(t, 1 + i);

    tape_prefix(t, "bert.encoder.layer.%zu.attention.self.", i);
    const Dense qkv = tape_dense(t, qkv_names, 3, h, 3 * h);
    const TapeAttention attention = {.n_heads = c->n_heads,
                                     .n_kv_heads = c->n_heads,
                                     .head_dim = head_dim,
                                     .scale = 1.0f / sqrtf((float)head_dim),
                                     .dropout = c->attention_dropout};
    Value q, k, v, residual = x;
    if (first_tokens_only) {
        residual = tape_first_tokens(t, x);
        q = tape_linear_part(t, residual, qkv, 0, h, ACTIVATION_NONE);
        const Value kv = tape_linear_part(t, x, qkv, h, 3 * h, ACTIVATION_NONE);
        k = tape_columns(t, kv, 0, h);
        v = tape_columns(t, kv, h, 2 * h);
    } else {
        const Value all = tape_linear(t, x, qkv, ACTIVATION_NONE);
        q = tape_columns(t, all, 0, h);
        k = tape_columns(t, all, h, 2 * h);
        v = tape_columns(t, all, 2 * h, 3 * h);
    }
    const Value mixed = tape_attention(t, q, k, v, &attention);

    tape_prefix(t, "bert.encoder.layer.%zu.attention.output.", i);
    const Value out = tape_linear(t, mixed, dense(t, "dense", h, h), ACTIVATION_NONE);
    const Value a = tape_layer_norm_residual(t, tape_dropout(t, out, c->hidden_dropout), residual,
                                             "LayerNorm", c->layer_norm_eps);

    tape_prefix(t, "bert.encoder.layer.%zu.", i);
    const Value inner =
        tape_linear(t, a, dense(t, "intermediate.dense", h, c->intermediate_size), c->activation);
    const Value outer =
        tape_linear(t, inner, dense(t, "output.dense", c->intermediate_size, h), ACTIVATION_NONE);
    return tape_layer_norm_residual(t, tape_dropout(t, outer, c->hidden_dropout), a,
                                    "output.LayerNorm", c->layer_norm_eps);
}

// x: hidden states, of the first tokens alone where the head reads no others.
static Value bert_head(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    const size_t h = c->hidden_size;
    const float p = c->classifier_dropout >= 0 ? c->classifier_dropout : c->hidden_dropout;
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    switch (c->head) {
    case HEAD_EMBEDDING:
        return tape_mean_pool(t, x);
    case HEAD_SEQUENCE: {
        const Value pooled =
            tape_linear(t, x, dense(t, "bert.pooler.dense", h, h), ACTIVATION_TANH);
        return tape_linear(t, tape_dropout(t, pooled, p), dense(t, "classifier", h, c->n_labels),
                           ACTIVATION_NONE);
    }
    case HEAD_TOKEN:
        return tape_linear(t, tape_dropout(t, x, p), dense(t, "classifier", h, c->n_labels),
                           ACTIVATION_NONE);
    case HEAD_SPAN:
        return tape_linear(t, x, dense(t, "qa_outputs", h, 2), ACTIVATION_NONE);
    case HEAD_MASKED_LM: {
        tape_prefix(t, "cls.predictions.");
        const Value inner = tape_linear(t, x, dense(t, "transform.dense", h, h), c->activation);
        const Value normed = tape_layer_norm(t, inner, "transform.LayerNorm", c->layer_norm_eps);
        return tape_linear_tied(t, normed, word, tape_vector(t, "bias", c->vocab_size, INIT_ZERO));
    }
    case HEAD_COUNT:
        break;
    }
    return x;
}

static void bert_record(Tape *t, const ModelConfig *c)
{
    ParamId word = 0;
    // A part of the fused layer begins at a panel, which hidden sizes that are no multiple of its width do not allow.
    const bool pooled = c->head == HEAD_SEQUENCE;
    const bool can_split = c->hidden_size % PANEL_WIDTH == 0;
    Value x = bert_embeddings(t, c, &word);
    tape_hidden(t, x);
    for (size_t i = 0; i < c->n_layers; i++) {
        x = bert_block(t, c, i, x, pooled && can_split && i + 1 == c->n_layers);
        tape_hidden(t, x);
    }
    if (pooled && !(can_split && c->n_layers > 0)) x = tape_first_tokens(t, x);
    tape_output(t, bert_head(t, c, word, x));
}

const Architecture architecture_bert = {
    .model_type = "bert",
    .summary =
        "BERT encoders (MiniLM, BGE, E5 among them): sequence, token, span and masked-LM heads, embeddings",
    .classes = {{"BertForSequenceClassification", HEAD_SEQUENCE},
                {"BertForTokenClassification", HEAD_TOKEN},
                {"BertForQuestionAnswering", HEAD_SPAN},
                {"BertForMaskedLM", HEAD_MASKED_LM},
                {"BertForPreTraining", HEAD_MASKED_LM},
                {"BertModel", HEAD_EMBEDDING}},
    .base_prefix = "bert.",
    .read_config = bert_read_config,
    .write_config = bert_write_config,
    .record = bert_record,
};
