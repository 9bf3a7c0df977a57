#include "kernels/cpu/attention_fast.h"
#include "kernels/cpu/attention_rows.h"
#include "kernels/cpu/fast.h"

// ---- scores ----

// 16 keys are turned in registers, 16 columns at a time, so that a lane has a key's whole chain.
ATTENTION_INLINE void score_panel(const int n_rows, const float *const *q, const float *const *keys,
                                  size_t head_dim, float *scores)
{
    Vec sum[ATTENTION_FEW];
#pragma GCC unroll 6
    for (int r = 0; r < n_rows; r++) sum[r] = vec_zero();
    for (size_t d = 0; d < head_dim; d += VEC_WIDTH) {
        const size_t n = head_dim - d;
        Vec block[VEC_WIDTH];
#pragma GCC unroll 16
        for (size_t j = 0; j < VEC_WIDTH; j++) block[j] = vec_load_any(keys[j] + d, n);
        vec_transpose(block);
        if (n < VEC_WIDTH) {
            for (size_t s = 0; s < n; s++) {
                for (int r = 0; r < n_rows; r++)
                    sum[r] = vec_fma(vec_set1(q[r][d + s]), block[s], sum[r]);
            }
            break;
        }
#pragma GCC unroll 16
        for (size_t s = 0; s < VEC_WIDTH; s++) {
#pragma GCC unroll 6
            for (int r = 0; r < n_rows; r++)
                sum[r] = vec_fma(vec_set1(q[r][d + s]), block[s], sum[r]);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < n_rows; r++) vec_store(scores + (size_t)r * ATTENTION_KEYS, sum[r]);
}

// Rows of one head are far apart where they lie, so that the machine cannot guess which come next.
static void fetch(size_t n, const float *const *rows, size_t column, size_t head_dim)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t d = 0; d < head_dim; d += VEC_WIDTH)
            __builtin_prefetch(rows[j] + column + d, 0, 2);
    }
}

ATTENTION_INLINE void score_rows(const int n_rows, const AttentionFew *t)
{
    enum { AHEAD = 2 * VEC_WIDTH }; // memory answers while two panels are worked on
    const size_t n_keys = t->n_keys, padded = size_round_up(n_keys, VEC_WIDTH);
    for (size_t j = 0; j < n_keys; j += VEC_WIDTH) {
        // After the last panels the first ones of the next head, which lies beside this one (after the last head of all nobody
        // reads them).
        const int is_here = j + AHEAD < n_keys;
        const size_t next = is_here ? j + AHEAD : j + AHEAD - size_max(padded, AHEAD);
        fetch(size_min(VEC_WIDTH, n_keys - next), t->keys + next, is_here ? 0 : t->head_dim,
              t->head_dim);
        fetch(size_min(VEC_WIDTH, n_keys - j), t->values + j, 0, t->head_dim);
        score_panel(n_rows, t->q, t->keys + j, t->head_dim, t->scores + j);
    }
}

// ---- values ----

// Columns [d, d + 16 n_vectors) of y; of the last vector n_last count.
ATTENTION_INLINE void weigh_columns(const int n_rows, const int n_vectors, const AttentionFew *t,
                                    size_t d, size_t n_last)
{
    AttentionSums sum;
    attention_begin_sums(n_rows, n_vectors, t->y, d, n_last, t->accumulate, sum);
    for (size_t j = 0; j < t->n_keys; j++) {
        const float *row = t->values[j] + d;
        Vec value[4];
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++) {
            const size_t n = v + 1 < n_vectors ? VEC_WIDTH : n_last;
            value[v] = vec_load_any(row + (size_t)v * VEC_WIDTH, n);
        }
#pragma GCC unroll 6
        for (int r = 0; r < n_rows; r++) {
            const Vec weight = vec_set1(t->scores[(size_t)r * ATTENTION_KEYS + j]);
#pragma GCC unroll 4
            for (int v = 0; v < n_vectors; v++) sum[r][v] = vec_fma(weight, value[v], sum[r][v]);
        }
    }
    attention_store_sums(n_rows, n_vectors, t->y, d, n_last, sum);
}

ATTENTION_INLINE void weigh_rows(const int n_rows, const AttentionFew *t)
{
    size_t d = 0;
    for (; d + (size_t)4 * VEC_WIDTH <= t->head_dim; d += (size_t)4 * VEC_WIDTH)
        weigh_columns(n_rows, 4, t, d, VEC_WIDTH);
    for (; d + (size_t)2 * VEC_WIDTH <= t->head_dim; d += (size_t)2 * VEC_WIDTH)
        weigh_columns(n_rows, 2, t, d, VEC_WIDTH);
    for (; d < t->head_dim; d += VEC_WIDTH)
        weigh_columns(n_rows, 1, t, d, size_min(VEC_WIDTH, t->head_dim - d));
}

#define FOR_EACH_COUNT(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define SCORE(n)             \
    case n:                  \
        score_rows(n, tile); \
        return;
#define WEIGH(n)             \
    case n:                  \
        weigh_rows(n, tile); \
        return;

void FAST(attention_few_scores)(size_t n_rows, const AttentionFew *tile)
{
    switch (n_rows) {
        FOR_EACH_COUNT(SCORE)
    }
}

void FAST(attention_few_values)(size_t n_rows, const AttentionFew *tile)
{
    switch (n_rows) {
        FOR_EACH_COUNT(WEIGH)
    }
}
