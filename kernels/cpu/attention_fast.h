// kernels/cpu/attention_fast.h: what the forward and the backward pass of the fast attention share: one head of one
// sequence, its mask, and the order of its sums.
//
// Keys come in tiles of ATTENTION_KEYS, counted from the sequence's first key, whatever the queries; queries in blocks of
// ATTENTION_QUERIES. A row of scores is finished tile by tile (online softmax: Milakov & Gimelshein 2018,
// arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135), so a row's bits depend on its sequence alone.
#ifndef ASSAY_KERNELS_CPU_ATTENTION_FAST_H
#define ASSAY_KERNELS_CPU_ATTENTION_FAST_H

#include <math.h>

#include "base/size.h"
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_dropout.h"
#include "kernels/op.h"

// Keys and values of a tile with 32 or 64 columns stay in L1 or L2 while the queries pass; a multiple of 64, for dropout.
enum { ATTENTION_KEYS = 128, ATTENTION_QUERIES = 84 };

typedef struct AttentionHead {
    const AttentionArgs *as;
    const Tensor *bias; // table of relative biases
    size_t sequence, head, kv_head;
    size_t q_begin, n_queries; // rows of the batch
    size_t k_begin, n_keys;
    // [group, n_distances] biases of the key head's heads for the distances from first_distance on; NULL where each is looked up.
    const float *distances;
    int64_t first_distance;
    size_t n_distances;
    DropoutStream dropout;
} AttentionHead;

// A tile of keys for a few rows of queries, of whatever heads share the keys: nothing is packed, and rows of keys and values may
// lie anywhere. The chains are those of gemm_fast.h.
enum { ATTENTION_FEW = 6 };

typedef struct AttentionFew {
    size_t head_dim, n_keys;
    const float *keys[ATTENTION_KEYS],
        *values[ATTENTION_KEYS]; // keys up to a whole vector are some row
    const float *q[ATTENTION_FEW];
    float *y[ATTENTION_FEW];
    float *scores;  // [ATTENTION_FEW, ATTENTION_KEYS]
    int accumulate; // y goes on from what it is
} AttentionFew;

// scores = q keys^T, up to a whole vector of keys, and y (+)= scores values. n_rows is 1 .. ATTENTION_FEW.
void attention_few_scores_avx2(size_t n_rows, const AttentionFew *tile);
void attention_few_scores_avx512(size_t n_rows, const AttentionFew *tile);
void attention_few_values_avx2(size_t n_rows, const AttentionFew *tile);
void attention_few_values_avx512(size_t n_rows, const AttentionFew *tile);

static inline AttentionHead attention_head(const AttentionArgs *as, const Tensor *bias,
                                           size_t sequence, size_t head)
{
    const int32_t *q = as->queries.offsets + sequence, *k = as->keys.offsets + sequence;
    AttentionHead h = {
        .as = as,
        .bias = bias,
        .sequence = sequence,
        .head = head,
        .kv_head = head / (as->n_heads / as->n_kv_heads),
        .q_begin = (size_t)q[0],
        .n_queries = (size_t)(q[1] - q[0]),
        .k_begin = (size_t)k[0],
        .n_keys = (size_t)(k[1] - k[0]),
    };
    if (as->dropout.p > 0.0f) h.dropout = dropout_stream(&as->dropout);
    return h;
}

// Rows of heads [first, end) begin as if they had met their head's sink (in4): the largest score so far, of a value of zeros;
// without one, nothing. unit: of max, in which scores are counted.
static inline void attention_begin(const OpArgs *args, size_t first, size_t end, size_t n_queries,
                                   float unit, float *max, float *sum)
{
    const float *sinks = args->in[4].data;
    for (size_t head = first; head < end; head++) {
        const float sink = sinks ? sinks[head] * unit : -INFINITY;
        for (size_t i = 0; i < n_queries; i++) {
            *max++ = sink;
            *sum++ = sink == -INFINITY ? 0.0f : 1.0f;
        }
    }
}

// Scratch that any score product may need, whatever the stride of its rows: a stride of 0 is the worst to the cache.
static inline size_t attention_scratch(size_t head_dim)
{
    const GemmProblem worst = {
        .m = ATTENTION_QUERIES, .n = ATTENTION_KEYS, .k = head_dim, .b_side = GEMM_PANELS};
    return size_round_up(FAST(gemm_scratch)(&worst), VEC_WIDTH);
}

static inline int64_t attention_position(const Ragged *batch, size_t begin, size_t row)
{
    return batch->positions ? batch->positions[begin + row] : (int64_t)row;
}

static inline int attention_sees(const AttentionHead *h, int64_t query, int64_t key)
{
    if (h->as->is_causal && key > query) return 0;
    return h->as->window == 0 ||
           (uint64_t)(query > key ? query - key : key - query) < h->as->window;
}

// Whether scores need nothing but the scale: every query sees every key, and keys fill whole vectors.
static inline int attention_is_plain(const AttentionArgs *as, size_t n_keys)
{
    return n_keys % VEC_WIDTH == 0 && as->soft_cap <= 0.0f && !as->relative_bucket &&
           !as->is_causal && as->window == 0;
}

static inline float attention_bias(const AttentionHead *h, size_t head, int64_t distance)
{
    const float *bias = (const float *)h->bias->data + head * h->bias->row_stride;
    const int64_t reach = h->as->relative_reach;
    distance = distance < -reach ? -reach : distance > reach ? reach : distance;
    return bias[h->as->relative_bucket[distance + reach]];
}

static inline void attention_add_bias(const AttentionHead *h, int64_t query, size_t j0, size_t n,
                                      float *scores)
{
    if (h->distances) {
        const size_t member = h->head % (h->as->n_heads / h->as->n_kv_heads);
        const float *bias = h->distances + member * h->n_distances +
                            (size_t)((int64_t)j0 - query - h->first_distance);
        for (size_t j = 0; j < n; j += VEC_WIDTH) {
            const Vec sum = vec_add(vec_load_any(scores + j, n - j), vec_load_any(bias + j, n - j));
            vec_store_any(scores + j, n - j, sum);
        }
        return;
    }
    for (size_t j = 0; j < n; j++) {
        const int64_t key = attention_position(&h->as->keys, h->k_begin, j0 + j);
        scores[j] += attention_bias(h, h->head, key - query);
    }
}

// The lowest and the highest position of queries [i0, i0 + n_rows), of which there is one at least.
static inline void attention_span(const AttentionHead *h, size_t i0, size_t n_rows, int64_t *lowest,
                                  int64_t *highest)
{
    const Ragged *queries = &h->as->queries;
    *lowest = *highest = attention_position(queries, h->q_begin, i0);
    if (!queries->positions) *highest += (int64_t)n_rows - 1;
    for (size_t i = i0 + 1; queries->positions && i < i0 + n_rows; i++) {
        const int64_t position = attention_position(queries, h->q_begin, i);
        *lowest = position < *lowest ? position : *lowest;
        *highest = position > *highest ? position : *highest;
    }
}

// Distances of a sequence's keys, which stand in their natural places, to its queries; 0 where biases are better looked up one
// by one: without any, for keys in other places, and for few queries.
static inline size_t attention_count_distances(const AttentionHead *h, int64_t *first)
{
    enum { FEW_QUERIES = 4 };
    const AttentionArgs *as = h->as;
    if (!as->relative_bucket || as->keys.positions || h->n_queries <= FEW_QUERIES) return 0;
    int64_t lowest, highest;
    attention_span(h, 0, h->n_queries, &lowest, &highest);
    const size_t n_places = (size_t)(highest - lowest) + h->n_keys;
    *first = -highest;
    return n_places <= h->n_queries * h->n_keys ? n_places : 0;
}

// The biases of a key head's heads by distance; to [group, n].
static inline void attention_list_distances(AttentionHead *h, int64_t first, size_t n, float *to)
{
    const size_t group = h->as->n_heads / h->as->n_kv_heads;
    for (size_t member = 0; member < group; member++) {
        for (size_t i = 0; i < n; i++)
            to[member * n + i] = attention_bias(h, h->kv_head * group + member, first + (int64_t)i);
    }
    h->distances = to;
    h->first_distance = first;
    h->n_distances = n;
}

// Keys [first, end) in their natural places that a query sees; end may lie beyond the last key.
typedef struct AttentionReach {
    size_t first, end;
} AttentionReach;

static inline AttentionReach attention_reach(const AttentionArgs *as, int64_t lowest,
                                             int64_t highest)
{
    const int64_t window =
        as->window > 0 && as->window < INT32_MAX ? (int64_t)as->window : (int64_t)INT32_MAX + 1;
    const int64_t first = lowest - window + 1, end = highest + (as->is_causal ? 1 : window);
    return (AttentionReach){first > 0 ? (size_t)first : 0, end > 0 ? (size_t)end : 0};
}

// -infinity for the keys that the query does not see.
static inline void attention_mask(const AttentionHead *h, int64_t query, size_t j0, size_t n,
                                  float *scores)
{
    const AttentionArgs *as = h->as;
    if (!as->keys.positions) {
        const AttentionReach seen = attention_reach(as, query, query);
        const size_t first = seen.first > j0 ? size_min(seen.first - j0, n) : 0;
        for (size_t j = 0; j < first; j++) scores[j] = -INFINITY;
        for (size_t j = seen.end > j0 ? seen.end - j0 : 0; j < n; j++) scores[j] = -INFINITY;
        return;
    }
    for (size_t j = 0; j < n; j++) {
        const int64_t key = attention_position(&as->keys, h->k_begin, j0 + j);
        if (!attention_sees(h, query, key)) scores[j] = -INFINITY;
    }
}

// Scores of query i for keys [j0, j0 + n), scaled, capped and biased; what it does not see becomes -infinity, and so does
// the rest of the last vector.
static inline void attention_finish_scores(const AttentionHead *h, size_t i, size_t j0, size_t n,
                                           float *scores)
{
    const AttentionArgs *as = h->as;
    const Vec scale = vec_set1(as->scale);
    const size_t padded = size_round_up(n, VEC_WIDTH);
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        vec_store(scores + j, vec_mul(vec_load_any(scores + j, n - j), scale));
    }
    for (size_t j = n; j < padded; j++) scores[j] = -INFINITY;
    const int64_t query = attention_position(&as->queries, h->q_begin, i);
    if (as->soft_cap > 0.0f) {
        const Vec cap = vec_set1(as->soft_cap);
        for (size_t j = 0; j < n; j += VEC_WIDTH) {
            const Vec t = vec_tanh(vec_div(vec_load_any(scores + j, n - j), cap));
            vec_store_any(scores + j, n - j, vec_mul(cap, t));
        }
    }
    if (as->relative_bucket) attention_add_bias(h, query, j0, n, scores);
    if (as->is_causal || as->window > 0) attention_mask(h, query, j0, n, scores);
}

// The tiles of keys that some query of rows [i0, i0 + n_rows) sees: from the one that begins at `first` to the one before `end`.
// There is one at least, which begins y.
static inline AttentionReach attention_tiles(const AttentionHead *h, size_t i0, size_t n_rows)
{
    const AttentionArgs *as = h->as;
    const int sees_all = !as->is_causal && as->window == 0;
    if (sees_all || as->keys.positions || h->n_keys == 0 || n_rows == 0)
        return (AttentionReach){0, h->n_keys};
    int64_t lowest, highest;
    attention_span(h, i0, n_rows, &lowest, &highest);
    AttentionReach seen = attention_reach(as, lowest, highest);
    seen.first = size_min(seen.first, h->n_keys - 1) / ATTENTION_KEYS * ATTENTION_KEYS;
    seen.end = size_min(size_max(seen.end, seen.first + 1), h->n_keys);
    return seen;
}

// a[j] and b[j] times keep / (1 - p) for query i and keys [j0, j0 + n); j0 is a multiple of 64, and both have room for
// whole groups of 64. b may be a, which is then changed once.
static inline void attention_dropout(const AttentionHead *h, size_t i, size_t j0, size_t n,
                                     float *a, float *b)
{
    const uint32_t row = (uint32_t)(i * h->as->n_heads + h->head);
    const uint64_t key = h->as->queries.sequence_keys[h->sequence];
    const float scale = h->dropout.scale;
    for (size_t j = 0; j < n; j += DROPOUT_GROUP) {
        VecMask drop[4];
        vec_dropout_masks(&h->dropout, key, row, (uint32_t)(j0 + j), drop);
        for (size_t v = 0; v < 4; v++) {
            const size_t at = j + v * VEC_WIDTH;
            vec_store(a + at, vec_drop(drop[v], scale, vec_load(a + at)));
            if (b != a) vec_store(b + at, vec_drop(drop[v], scale, vec_load(b + at)));
        }
    }
}

#endif
