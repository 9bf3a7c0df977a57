// BERT: an encoder of post-norm blocks.
//
//     x_0 = LayerNorm(word[ids] + position[0..] + type[type_ids])
//     a_i = LayerNorm(x_i + W_o attention(W_q x_i, W_k x_i, W_v x_i))
//     x_{i+1} = LayerNorm(a_i + W_2 gelu(W_1 a_i))
//
// Source: Devlin, Chang, Lee & Toutanova 2019, arXiv:1810.04805; names of tensors as in Transformers' modeling_bert.
#include "models/architectures/bert.h"

#include <math.h>

#include "models/tape.h"

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

void bert_record(Tape *t, const ModelConfig *c)
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
