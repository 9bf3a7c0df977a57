// DeBERTa v2 and v3: BERT's post-norm blocks with disentangled attention (kernels/disentangled.h): scores are of contents, of a
// query's content and the key's relative position, and of a key's content and the query's. Positions are rows of one table, by
// buckets of distances, which every block projects anew.
//
//     PQ = W_q' P,  PK = W_k' P,  P = (LayerNorm) rel_embeddings;   W' those of contents, or their own
//     score[i][j] = (q[i] . k[j] + q[i] . PK[m] + k[j] . PQ[m]) / sqrt(parts * head_dim),  m = bucket(i - j) + buckets
//
// Sources: He, Liu, Gao & Chen 2021, arXiv:2006.03654; He, Gao & Chen 2023, arXiv:2111.09543; names of tensors as in
// Transformers' modeling_deberta_v2.
#include "models/architectures/deberta.h"

#include <math.h>

#include "models/architectures/encoder.h"

static const EncoderNames output_names = {.output = "cls.predictions.decoder",
                                          .bias = {"cls.predictions.bias"}};

static Dense dense(Tape *t, const char *name, size_t n_in, size_t n_out)
{
    return tape_dense(t, &name, 1, n_in, n_out);
}

// ---- relative positions ----

// The bucket of a distance query - key: exact for near ones, by its logarithm up to max_distance, in the floats of
// Transformers, whose rounding decides at the borders.
static int64_t bucket_of(const DebertaConfig *d, int64_t distance)
{
    const int64_t mid = (int64_t)d->n_buckets / 2, far = distance < 0 ? -distance : distance;
    if (d->n_buckets == 0 || far <= mid) return distance;
    const float whole = (float)log((double)((float)((double)(d->max_distance - 1) / (double)mid)));
    const float part = (float)log((double)((float)far / (float)mid));
    const int64_t bucket = (int64_t)(ceilf(part / whole * (float)(mid - 1)) + (float)mid);
    return distance < 0 ? -bucket : bucket;
}

static size_t n_buckets(const ModelConfig *c)
{
    return c->deberta.n_buckets ? c->deberta.n_buckets : c->deberta.max_distance;
}

// Rows of the table for distances key - query from -reach to reach.
static int32_t *list_buckets(Tape *t, const ModelConfig *c, int32_t reach)
{
    const int64_t span = (int64_t)n_buckets(c);
    int32_t *buckets = ARENA_NEW(t->arena, int32_t, 2 * (size_t)reach + 1);
    if (!buckets) {
        tape_fail(t, STATUS_MEMORY, "relative positions");
        return NULL;
    }
    for (int32_t i = -reach; i <= reach; i++) {
        const int64_t row = bucket_of(&c->deberta, -(int64_t)i) + span;
        buckets[i + reach] = (int32_t)(row < 0 ? 0 : row < 2 * span ? row : 2 * span - 1);
    }
    return buckets;
}

static Value relative_positions(Tape *t, const ModelConfig *c)
{
    const size_t furthest =
        c->deberta.max_distance > n_buckets(c) ? c->deberta.max_distance : n_buckets(c);
    const size_t reach = furthest < c->max_positions ? furthest : c->max_positions;
    tape_prefix(t, "deberta.encoder.");
    const ParamId table = tape_table(t, "rel_embeddings", 2 * n_buckets(c), c->hidden_size, -1);
    const Value rows =
        tape_relative_rows(t, table, list_buckets(t, c, (int32_t)reach), (int32_t)reach);
    if (!c->deberta.norms_positions) return rows;
    return tape_layer_norm(t, rows, "LayerNorm", c->layer_norm_eps);
}

// ---- blocks ----

static Value embeddings(Tape *t, const ModelConfig *c, ParamId *word)
{
    const size_t width = c->embedding_size;
    const DensePart widening = {"embed_proj", c->hidden_size};
    ParamId position = PARAM_NONE, type = PARAM_NONE;
    tape_group(t, 0);
    tape_prefix(t, "deberta.embeddings.");
    *word = tape_table(t, "word_embeddings", c->vocab_size, width, c->pad_id);
    if (c->deberta.has_absolute_positions)
        position = tape_table(t, "position_embeddings", c->max_positions, width, -1);
    if (c->type_vocab_size > 0)
        type = tape_table(t, "token_type_embeddings", c->type_vocab_size, width, -1);
    Value x = tape_embedding(t, *word, position, type);
    if (width != c->hidden_size)
        x = tape_linear(t, x, tape_dense_parts(t, &widening, 1, width, DENSE_NO_BIAS),
                        ACTIVATION_NONE);
    return tape_dropout(t, tape_layer_norm(t, x, "LayerNorm", c->layer_norm_eps),
                        c->dropout.hidden);
}

// Attention of queries x, which may be of single tokens, over all tokens; positions: NULL without.
static Value attention(Tape *t, const ModelConfig *c, Value x, Value all, const Value *positions)
{
    const size_t h = c->hidden_size, head_dim = h / c->n_heads;
    const DebertaConfig *d = &c->deberta;
    const TapeAttention how = {.n_heads = c->n_heads,
                               .n_kv_heads = c->n_heads,
                               .head_dim = head_dim,
                               .scale = 1.0f / sqrtf((float)(head_dim * d->n_score_parts)),
                               .dropout = c->dropout.attention};
    const Dense query = dense(t, "query_proj", h, h), key = dense(t, "key_proj", h, h);
    const Value q = tape_linear(t, x, query, ACTIVATION_NONE);
    const Value k = tape_linear(t, all, key, ACTIVATION_NONE);
    const Value v = tape_linear(t, all, dense(t, "value_proj", h, h), ACTIVATION_NONE);
    if (!positions) return tape_attention(t, q, k, v, &how);
    const Value p = tape_dropout(t, *positions, c->dropout.hidden);
    Value pq = {0}, pk = {0};
    if (d->has_position_keys)
        pk = tape_linear(t, p, d->shares_projections ? key : dense(t, "pos_key_proj", h, h),
                         ACTIVATION_NONE);
    if (d->has_position_queries)
        pq = tape_linear(t, p, d->shares_projections ? query : dense(t, "pos_query_proj", h, h),
                         ACTIVATION_NONE);
    return tape_disentangled(t, q, k, v, d->has_position_queries ? &pq : NULL,
                             d->has_position_keys ? &pk : NULL, &how);
}

static Value block(Tape *t, const ModelConfig *c, size_t i, Value x, const Value *positions,
                   bool chosen_only)
{
    const size_t h = c->hidden_size;
    const Value residual = chosen_only ? tape_chosen_tokens(t, x) : x;
    tape_group(t, 1 + i);
    tape_prefix(t, "deberta.encoder.layer.%zu.attention.self.", i);
    const Value mixed = attention(t, c, residual, x, positions);
    tape_prefix(t, "deberta.encoder.layer.%zu.", i);
    const Value out =
        tape_linear(t, mixed, dense(t, "attention.output.dense", h, h), ACTIVATION_NONE);
    const Value a = tape_layer_norm_residual(t, tape_dropout(t, out, c->dropout.hidden), residual,
                                             "attention.output.LayerNorm", c->layer_norm_eps);
    const Value inner =
        tape_linear(t, a, dense(t, "intermediate.dense", h, c->intermediate_size), c->activation);
    const Value outer =
        tape_linear(t, inner, dense(t, "output.dense", c->intermediate_size, h), ACTIVATION_NONE);
    return tape_layer_norm_residual(t, tape_dropout(t, outer, c->dropout.hidden), a,
                                    "output.LayerNorm", c->layer_norm_eps);
}

// The last block's output has one row a sequence where the head reads no others.
static Value encoder(Tape *t, const ModelConfig *c, ParamId *word)
{
    const bool one_token = encoder_reads_one_token(c);
    Value x = embeddings(t, c, word), positions = {0};
    if (c->deberta.is_relative) positions = relative_positions(t, c);
    tape_hidden(t, x);
    for (size_t i = 0; i < c->n_layers; i++) {
        x = block(t, c, i, x, c->deberta.is_relative ? &positions : NULL,
                  one_token && i + 1 == c->n_layers);
        tape_hidden(t, x);
    }
    return x;
}

// ---- heads ----

// The newer masked LM, tied whatever the file says.
static Value newer_lm(Tape *t, const ModelConfig *c, ParamId word, Value x)
{
    tape_group(t, 1 + c->n_layers);
    tape_prefix(t, "lm_predictions.lm_head.");
    const Value inner =
        tape_linear(t, x, dense(t, "dense", c->hidden_size, c->embedding_size), c->activation);
    const Value normed = tape_layer_norm(t, inner, "LayerNorm", c->layer_norm_eps);
    return tape_linear_tied(t, normed, word, tape_vector(t, "bias", c->vocab_size, INIT_ZERO));
}

void deberta_record(Tape *t, const ModelConfig *c)
{
    const EncoderHead head = {.pooler = "pooler.dense",
                              .pooler_activation = c->deberta.pooler_activation,
                              .pooler_dropout = &c->deberta.pooler_dropout,
                              .classifier = "classifier",
                              .classifier_dropout = encoder_head_dropout(c),
                              .token_dropout = c->dropout.hidden,
                              .transform = "cls.predictions.transform.dense",
                              .transform_norm = "cls.predictions.transform.LayerNorm",
                              .transform_activation = c->activation};
    ParamId word = 0;
    const Value x = encoder(t, c, &word);
    const bool is_newer = c->head == HEAD_MASKED_LM && !c->deberta.is_legacy;
    tape_output(t, is_newer ? newer_lm(t, c, word, x)
                            : encoder_head(t, c, &output_names, &head, word, x));
}
