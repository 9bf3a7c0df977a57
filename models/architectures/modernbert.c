// ModernBERT: an encoder of pre-norm blocks with rotary positions, gated feed-forward layers and, in most blocks, attention
// to near tokens alone.
//
//     x_0 = LayerNorm(word[ids])
//     a_i = x_i + W_o attention(rope(W_qkv LayerNorm(x_i)))            block 0 leaves this norm out
//     x_{i+1} = a_i + W_2 (gelu(u) * g),  (u, g) = W_1 LayerNorm(a_i)
//     h = LayerNorm(x_n)
//
// Sources: Warner et al. 2024, arXiv:2412.13663; Su et al. 2021, arXiv:2104.09864; names of tensors as in Transformers'
// modeling_modernbert.
#include "models/architectures/modernbert.h"

#include <math.h>

typedef struct Ropes {
    RopeId global, local;
} Ropes;

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out, bool has_bias)
{
    const DensePart part = {name, n_out};
    return tape_dense_parts(t, &part, 1, n_in, has_bias ? 0 : DENSE_NO_BIAS);
}

static Value norm(Tape *t, const ModelConfig *c, Value x, const char *name)
{
    return c->block.has_norm_bias ? tape_layer_norm(t, x, name, c->layer_norm_eps)
                                  : tape_layer_norm_unbiased(t, x, name, c->layer_norm_eps);
}

static RopeId angles(Tape *t, const ModelConfig *c, double theta)
{
    enum { MOST_PAIRS = 4096 };
    float frequencies[MOST_PAIRS];
    const size_t n_dims = c->hidden_size / c->n_heads, n_pairs = n_dims / 2;
    if (n_dims % 2 != 0 || n_pairs > MOST_PAIRS) {
        tape_fail(t, STATUS_INVALID, "a head's size must be even and at most 8192");
        return 0;
    }
    for (size_t i = 0; i < n_pairs; i++)
        frequencies[i] = (float)(1.0 / pow(theta, 2.0 * (double)i / (double)n_dims));
    return tape_rope_angles(
        t, &(TapeRope){.n_dims = n_dims, .frequencies = frequencies, .scale = 1.0f});
}

// Whether the head reads one token of each sequence.
static bool reads_one_token(const ModelConfig *c)
{
    return (c->head == HEAD_EMBEDDING && c->embedding.pool != POOL_MEAN) ||
           (c->head == HEAD_SEQUENCE && c->classifies_first) ||
           (c->head == HEAD_MASKED_LM && c->one_token);
}

// Whether block i is the last and only that token is computed behind its keys and values. A part of the fused layer begins at
// a panel, so the queries must fill whole ones.
static bool is_cut(const ModelConfig *c, size_t i)
{
    return reads_one_token(c) && i + 1 == c->n_layers && c->hidden_size % PANEL_WIDTH == 0;
}

// What the last norm gave of that token; x has no other rows where the last block left them out.
static Value one_token(Tape *t, const ModelConfig *c, Value x)
{
    return c->n_layers > 0 && is_cut(c, c->n_layers - 1) ? x : tape_output_rows(t, x);
}

static Value attention(Tape *t, const ModelConfig *c, const Ropes *ropes, size_t i, Value x)
{
    const size_t h = c->hidden_size, head_dim = h / c->n_heads;
    const RopeId rope = c->modernbert.is_global[i] ? ropes->global : ropes->local;
    const TapeAttention how = {.n_heads = c->n_heads,
                               .n_kv_heads = c->n_heads,
                               .head_dim = head_dim,
                               .scale = 1.0f / sqrtf((float)head_dim),
                               .window =
                                   c->modernbert.is_global[i] ? 0 : c->modernbert.local_reach + 1,
                               .dropout = c->dropout.attention};
    const Dense qkv = dense(t, "attn.Wqkv", h, 3 * h, c->modernbert.has_attention_bias);
    Value q, k, v;
    if (is_cut(c, i)) {
        const Value kv = tape_linear_part(t, x, qkv, h, 3 * h, ACTIVATION_NONE);
        q = tape_linear_part(t, tape_output_rows(t, x), qkv, 0, h, ACTIVATION_NONE);
        k = tape_columns(t, kv, 0, h);
        v = tape_columns(t, kv, h, 2 * h);
    } else {
        const Value all = tape_linear(t, x, qkv, ACTIVATION_NONE);
        q = tape_columns(t, all, 0, h);
        k = tape_columns(t, all, h, 2 * h);
        v = tape_columns(t, all, 2 * h, 3 * h);
    }
    q = tape_rope(t, q, head_dim, rope);
    k = tape_rope(t, k, head_dim, rope);
    const Value mixed = tape_attention(t, q, k, v, &how);
    const Value out = tape_linear(
        t, mixed, dense(t, "attn.Wo", h, h, c->modernbert.has_attention_bias), ACTIVATION_NONE);
    return tape_dropout(t, out, c->dropout.attention);
}

static Value feed_forward(Tape *t, const ModelConfig *c, Value x)
{
    const size_t h = c->hidden_size, inner = c->intermediate_size;
    const Value both = tape_linear(
        t, x, dense(t, "mlp.Wi", h, 2 * inner, c->modernbert.has_mlp_bias), ACTIVATION_NONE);
    const Value gated = tape_gated(t, tape_columns(t, both, 0, inner),
                                   tape_columns(t, both, inner, 2 * inner), c->activation);
    return tape_linear(t, tape_dropout(t, gated, c->dropout.mlp),
                       dense(t, "mlp.Wo", inner, h, c->modernbert.has_mlp_bias), ACTIVATION_NONE);
}

// The hidden states after the last norm; *word receives the token table.
static Value encoder(Tape *t, const ModelConfig *c, ParamId *word)
{
    const bool is_tied = c->head == HEAD_MASKED_LM && !c->output.is_own;
    const Ropes ropes = {angles(t, c, c->modernbert.global_theta),
                         angles(t, c, c->modernbert.local_theta)};
    tape_group(t, 0);
    tape_prefix(t, "model.embeddings.");
    *word = is_tied ? tape_tied_table(t, "tok_embeddings", c->vocab_size, c->hidden_size, c->pad_id)
                    : tape_table(t, "tok_embeddings", c->vocab_size, c->hidden_size, c->pad_id);
    Value x = tape_embedding(t, *word, PARAM_NONE, PARAM_NONE);
    x = tape_dropout(t, norm(t, c, x, "norm"), c->dropout.embedding);
    tape_hidden(t, x);
    for (size_t i = 0; i < c->n_layers; i++) {
        tape_group(t, 1 + i);
        tape_prefix(t, "model.layers.%zu.", i);
        const Value normed = i == 0 ? x : norm(t, c, x, "attn_norm");
        const Value mixed = attention(t, c, &ropes, i, normed);
        const Value a = tape_add(t, is_cut(c, i) ? tape_output_rows(t, x) : x, mixed);
        x = tape_add(t, a, feed_forward(t, c, norm(t, c, a, "mlp_norm")));
        if (i + 1 < c->n_layers) tape_hidden(t, x);
    }
    tape_prefix(t, "model.");
    x = norm(t, c, x, "final_norm");
    if (c->n_layers > 0) tape_hidden(t, x);
    return x;
}

// What every head but the embedding begins with.
static Value head_layer(Tape *t, const ModelConfig *c, Value x)
{
    const Value inner = tape_linear(
        t, x, dense(t, "head.dense", c->hidden_size, c->hidden_size, c->modernbert.has_head_bias),
        c->modernbert.head_activation);
    return norm(t, c, inner, "head.norm");
}

static Value classifier(Tape *t, const ModelConfig *c, Value x)
{
    const Value inner = tape_dropout(t, head_layer(t, c, x), c->dropout.classifier);
    return tape_linear(t, inner, dense(t, "classifier", c->hidden_size, c->n_labels, true),
                       ACTIVATION_NONE);
}

static Value head(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "%s", "");
    switch (c->head) {
    case HEAD_EMBEDDING:
        return reads_one_token(c) ? one_token(t, c, x) : tape_mean_pool(t, x);
    case HEAD_SEQUENCE:
        return classifier(t, c, reads_one_token(c) ? one_token(t, c, x) : tape_mean_pool(t, x));
    case HEAD_TOKEN:
    case HEAD_SPAN:
        return classifier(t, c, x);
    case HEAD_MASKED_LM:
        x = head_layer(t, c, reads_one_token(c) ? one_token(t, c, x) : x);
        if (c->output.is_own)
            return tape_linear(
                t, x,
                dense(t, "decoder", c->hidden_size, c->vocab_size, c->modernbert.has_decoder_bias),
                ACTIVATION_NONE);
        return tape_linear_tied(t, x, word,
                                c->modernbert.has_decoder_bias
                                    ? tape_vector(t, "decoder.bias", c->vocab_size, INIT_ZERO)
                                    : PARAM_NONE);
    case HEAD_CAUSAL_LM: // not among its classes
    case HEAD_SEQ2SEQ:
    case HEAD_COUNT:
        break;
    }
    return x;
}

void modernbert_record(Tape *t, const ModelConfig *c)
{
    ParamId word = 0;
    const Value x = encoder(t, c, &word);
    tape_output(t, head(t, c, word, x));
}
