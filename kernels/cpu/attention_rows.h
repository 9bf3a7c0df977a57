// kernels/cpu/attention_rows.h: from scores of a tile of keys to weights of its values, and from their sums to the answer, a row
// at a time: what the fast forward passes in f32 share.
#ifndef ASSAY_KERNELS_CPU_ATTENTION_ROWS_H
#define ASSAY_KERNELS_CPU_ATTENTION_ROWS_H

#include "kernels/cpu/attention_fast.h"

#define ATTENTION_INLINE static inline __attribute__((always_inline))

// Columns [d, d + 16 n_vectors) of y for a few rows, as sums in registers: they begin as zeros, or go on from what y is. Of the
// last vector n_last columns count.
typedef Vec AttentionSums[ATTENTION_FEW][4];

ATTENTION_INLINE void attention_begin_sums(const int n_rows, const int n_vectors, float *const *y,
                                           size_t d, size_t n_last, int accumulate,
                                           AttentionSums sum)
{
#pragma GCC unroll 6
    for (int r = 0; r < n_rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++) {
            const float *from = y[r] + d + (size_t)v * VEC_WIDTH;
            const size_t n = v + 1 < n_vectors ? VEC_WIDTH : n_last;
            sum[r][v] = accumulate ? vec_load_any(from, n) : vec_zero();
        }
    }
}

ATTENTION_INLINE void attention_store_sums(const int n_rows, const int n_vectors, float *const *y,
                                           size_t d, size_t n_last, AttentionSums sum)
{
#pragma GCC unroll 6
    for (int r = 0; r < n_rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++) {
            const size_t n = v + 1 < n_vectors ? VEC_WIDTH : n_last;
            vec_store_any(y[r] + d + (size_t)v * VEC_WIDTH, n, sum[r][v]);
        }
    }
}

static inline void attention_scale_row(size_t n, float factor, float *row)
{
    for (size_t d = 0; d < n; d += VEC_WIDTH) {
        vec_store_any(row + d, n - d, vec_mul(vec_load_any(row + d, n - d), vec_set1(factor)));
    }
}

// Turns a row of scores, times `factor`, into exp(score - max), and carries max, sum and y over to the new maximum. n is a
// multiple of 16.
static inline void attention_softmax_step(size_t n, float factor, float *scores, float *max,
                                          float *sum, size_t head_dim, float *y)
{
    const Vec scale = vec_set1(factor);
    Vec largest = vec_mul(vec_load(scores), scale);
    for (size_t j = VEC_WIDTH; j < n; j += VEC_WIDTH) {
        largest = vec_max(largest, vec_mul(vec_load(scores + j), scale));
    }
    const float tile_max = vec_reduce_max(largest);
    const float new_max = tile_max > *max ? tile_max : *max;
    const Vec shift =
        vec_set1(new_max == -INFINITY ? 0.0f : new_max); // a row that sees nothing yet
    Vec total = vec_zero();
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        const Vec score = vec_mul(vec_load(scores + j), scale);
        const Vec p = vec_exp_softmax(vec_sub(score, shift));
        vec_store(scores + j, p);
        total = vec_add(total, p);
    }
    const float tile_sum = vec_reduce_add(total);
    if (new_max != *max && *max != -INFINITY) { // of a tile before, or of a sink
        float carry[VEC_WIDTH];
        vec_store(carry, vec_exp_softmax(vec_sub(vec_set1(*max), shift)));
        *sum *= carry[0];
        if (y) attention_scale_row(head_dim, carry[0], y);
    }
    *sum += tile_sum;
    *max = new_max;
}

// Whether query i sees all of a tile of whole vectors, so that its scores need nothing but the scale.
static inline int attention_is_plain_row(const AttentionHead *h, size_t i, size_t j0, size_t n_keys)
{
    const AttentionArgs *as = h->as;
    if (attention_is_plain(as, n_keys)) return 1;
    if (n_keys % VEC_WIDTH != 0 || as->soft_cap > 0.0f || as->relative_bucket || as->keys.positions)
        return 0;
    const int64_t query = attention_position(&as->queries, h->q_begin, i);
    const AttentionReach seen = attention_reach(as, query, query);
    return seen.first <= j0 && seen.end >= j0 + n_keys;
}

// Scores of query i for one tile become weights of its values. y is NULL at the first tile.
static inline void attention_finish_row(const AttentionHead *h, size_t i, size_t j0, size_t n_keys,
                                        float *p, float *max, float *sum, float *y)
{
    const AttentionArgs *as = h->as;
    const int is_plain = attention_is_plain_row(h, i, j0, n_keys);
    if (!is_plain) attention_finish_scores(h, i, j0, n_keys, p);
    attention_softmax_step(size_round_up(n_keys, VEC_WIDTH), is_plain ? as->scale : 1.0f, p, max,
                           sum, as->head_dim, y);
    if (as->dropout.p > 0.0f) attention_dropout(h, i, j0, n_keys, p, p);
}

// y / sum, and the log-sum-exp.
static inline void attention_finish_rows(const OpArgs *args, const AttentionHead *h,
                                         const float *max, const float *sum)
{
    const Tensor *y = &args->out[0], *log_sum_exp = &args->out[1];
    const size_t head_dim = h->as->head_dim;
    for (size_t i = 0; i < h->n_queries; i++) {
        const size_t row = h->q_begin + i;
        float *out = (float *)y->data + row * y->row_stride + h->head * head_dim;
        const int has_sum = sum[i] != 0.0f; // the largest score alone adds 1; NaN goes through
        const int sees_any = has_sum && h->n_keys > 0;
        for (size_t d = 0; d < head_dim; d += VEC_WIDTH) {
            const size_t n = head_dim - d;
            const Vec mean = vec_div(vec_load_any(out + d, n), vec_set1(sum[i]));
            vec_store_any(out + d, n, sees_any ? mean : vec_zero());
        }
        if (log_sum_exp->data) {
            float *to = (float *)log_sum_exp->data + row * log_sum_exp->row_stride + h->head;
            *to = has_sum ? max[i] + logf(sum[i]) : -INFINITY;
        }
    }
}

#endif
