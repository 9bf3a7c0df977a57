#include "models/architectures/post_norm.h"

#include <math.h>

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out)
{
    return tape_dense(t, &name, 1, n_in, n_out);
}

static Value embeddings(Tape *t, const ModelConfig *c, const PostNormNames *names, ParamId *word)
{
    const size_t h = c->hidden_size, n_positions = c->first_position + c->max_positions;
    tape_group(t, 0);
    tape_prefix(t, "%s", names->embeddings);
    *word = tape_table(t, "word_embeddings", c->vocab_size, h, c->pad_id);
    const ParamId position = tape_table(t, "position_embeddings", n_positions, h,
                                        c->positions_skip_pads ? c->pad_id : -1);
    const ParamId type = names->has_types
                             ? tape_table(t, "token_type_embeddings", c->type_vocab_size, h, -1)
                             : PARAM_NONE;
    const Value sum = tape_embedding(t, *word, position, type);
    return tape_dropout(t, tape_layer_norm(t, sum, "LayerNorm", c->layer_norm_eps),
                        c->hidden_dropout);
}

// Block i. Where only one token of each sequence is read of its output, queries and all that follows are computed for them
// alone; keys and values are always those of every token.
static Value block(Tape *t, const ModelConfig *c, const PostNormNames *names, size_t i, Value x,
                   bool chosen_only)
{
    const size_t h = c->hidden_size, head_dim = h / c->n_heads;
    const TapeAttention attention = {.n_heads = c->n_heads,
                                     .n_kv_heads = c->n_heads,
                                     .head_dim = head_dim,
                                     .scale = 1.0f / sqrtf((float)head_dim),
                                     .dropout = c->attention_dropout};
    tape_group(t, 1 + i);
    tape_prefix(t, "%s%zu.", names->blocks, i);

    const Dense qkv = tape_dense(t, names->qkv, 3, h, 3 * h);
    Value q, k, v, residual = x;
    if (chosen_only) {
        residual = tape_chosen_tokens(t, x);
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

    Value out = tape_linear(t, mixed, dense(t, names->attention_output, h, h), ACTIVATION_NONE);
    if (names->drops_attention_output) out = tape_dropout(t, out, c->hidden_dropout);
    const Value a =
        tape_layer_norm_residual(t, out, residual, names->attention_norm, c->layer_norm_eps);

    const Value inner =
        tape_linear(t, a, dense(t, names->inner, h, c->intermediate_size), c->activation);
    const Value outer =
        tape_linear(t, inner, dense(t, names->outer, c->intermediate_size, h), ACTIVATION_NONE);
    return tape_layer_norm_residual(t, tape_dropout(t, outer, c->hidden_dropout), a,
                                    names->output_norm, c->layer_norm_eps);
}

// Whether the head reads one token of each sequence.
static bool reads_one_token(const ModelConfig *c)
{
    return c->head == HEAD_SEQUENCE || (c->head == HEAD_MASKED_LM && c->one_token) ||
           (c->head == HEAD_EMBEDDING && c->pool != POOL_MEAN);
}

Value post_norm_encoder(Tape *t, const ModelConfig *c, const PostNormNames *names, ParamId *word)
{
    // A part of the fused layer begins at a panel, which hidden sizes that are no multiple of its width do not allow.
    const bool one_token = reads_one_token(c), can_split = c->hidden_size % PANEL_WIDTH == 0;
    Value x = embeddings(t, c, names, word);
    tape_hidden(t, x);
    for (size_t i = 0; i < c->n_layers; i++) {
        x = block(t, c, names, i, x, one_token && can_split && i + 1 == c->n_layers);
        tape_hidden(t, x);
    }
    if (one_token && !(can_split && c->n_layers > 0)) x = tape_chosen_tokens(t, x);
    return x;
}

void post_norm_begin_head(Tape *t, const ModelConfig *c)
{
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
}

Value post_norm_dense(Tape *t, const char *name, Value x, size_t n_out, Activation activation)
{
    return tape_linear(t, x, dense(t, name, value_cols(x), n_out), activation);
}

Value post_norm_vocabulary(Tape *t, const ModelConfig *c, const PostNormNames *names, ParamId word,
                           Value x)
{
    tape_prefix(t, "%s", "");
    if (!c->has_own_output)
        return tape_linear_tied(t, x, word,
                                tape_vector(t, names->bias[0], c->vocab_size, INIT_ZERO));
    const Dense output = dense(t, names->output, c->hidden_size, c->vocab_size);
    // Before Transformers 5 the layer's bias was the one that stands beside it, and files have that alone.
    tape_aliases(t, output.bias, names->bias);
    return tape_linear(t, x, output, ACTIVATION_NONE);
}

Value post_norm_pool(Tape *t, const ModelConfig *c, Value x)
{
    return c->pool == POOL_MEAN ? tape_mean_pool(t, x) : x;
}

float post_norm_head_dropout(const ModelConfig *c)
{
    return c->classifier_dropout >= 0 ? c->classifier_dropout : c->hidden_dropout;
}
