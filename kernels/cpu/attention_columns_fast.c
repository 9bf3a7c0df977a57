// Attention to keys that lie by column (AttentionArgs.keys_by_column). A lane is a head: a vector has one column of a key for
// eight heads, so that scores are their chains without a key being turned, and the softmax of all heads goes from key to key
// at once. Steps and their order are those of attention_fast.c, and so are the bits.
#include <string.h>

#include "kernels/attention.h"
#include "kernels/cpu/attention_fast.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/exec.h"

#define COLUMNS_INLINE static inline __attribute__((always_inline))

// QUERIES that read keys together; CHAINS of a block of heads at once, enough for the latency of their additions.
enum { QUERIES = 4, CHAINS = 8, MOST_HEADS = ATTENTION_COLUMNS_MOST_HEADS };

// Up to QUERIES queries of a sequence, and a tile of its keys. Numbers of each head stand in whole vectors: twice, where the
// heads are VEC_HALF.
typedef struct Columns {
    const AttentionArgs *as;
    size_t n_queries, n_keys;
    int is_first, is_last; // of the tiles
    int has_sinks;
    const float *keys[ATTENTION_KEYS + CHAINS], *values[ATTENTION_KEYS + CHAINS];
    float *q[QUERIES];      // [head_dim, n_heads]
    float *scores[QUERIES]; // [n_keys, n_heads], up to a whole vector
    float *y[QUERIES];      // [n_heads, head_dim]
    float max[QUERIES][MOST_HEADS], sum[QUERIES][MOST_HEADS], carry[QUERIES][MOST_HEADS];
} Columns;

// ---- scores ----

// A row of queries by column. Two blocks of 16 columns of eight heads are turned together.
static void order_query(size_t n_heads, size_t head_dim, const float *from, float *to)
{
    const size_t whole = head_dim - head_dim % ((size_t)2 * VEC_WIDTH);
    for (size_t h = 0; h < n_heads; h += VEC_HALF) {
        for (size_t d = 0; d < whole; d += (size_t)2 * VEC_WIDTH) {
            Vec block[VEC_WIDTH];
#pragma GCC unroll 8
            for (size_t i = 0; i < VEC_HALF; i++) {
                const float *row = from + (h + i) * head_dim + d;
                block[i] = vec_load(row);
                block[VEC_HALF + i] = vec_load(row + VEC_WIDTH);
            }
            vec_transpose(block);
            float *first = to + d * n_heads + h, *second = first + VEC_WIDTH * n_heads;
#pragma GCC unroll 16
            for (size_t i = 0; i < VEC_WIDTH; i++)
                vec_store_halves(first + i * n_heads, second + i * n_heads, block[i]);
        }
    }
    for (size_t d = whole; d < head_dim; d++) {
        for (size_t h = 0; h < n_heads; h++) to[d * n_heads + h] = from[h * head_dim + d];
    }
}

// Asks for a line of each key's values: the machine cannot guess where rows of pages lie.
COLUMNS_INLINE void fetch_values(const int n_keys, const Columns *t, size_t j, size_t column)
{
#pragma GCC unroll 8
    for (int k = 0; k < n_keys; k++) __builtin_prefetch(t->values[j + (size_t)k] + column, 0, 2);
}

// Scores of heads h .. h + 7 for keys j .. j + n_keys - 1, of which some may lie behind the tile's last.
COLUMNS_INLINE void score_block(const int n_queries, const int n_keys, const Columns *t, size_t h,
                                size_t j)
{
    const size_t n_heads = t->as->n_heads, n = t->as->head_dim * n_heads;
    const float *key[CHAINS], *q[QUERIES];
    VecHalf sum[QUERIES][CHAINS];
#pragma GCC unroll 8
    for (int k = 0; k < n_keys; k++) key[k] = t->keys[j + (size_t)k] + h;
#pragma GCC unroll 4
    for (int i = 0; i < n_queries; i++) {
        q[i] = t->q[i] + h;
#pragma GCC unroll 8
        for (int k = 0; k < n_keys; k++) sum[i][k] = vec_half_zero();
    }
    for (size_t at = 0; at < n; at += n_heads) {
        VecHalf column[CHAINS];
        if (at % ((size_t)2 * n_heads) == 0) fetch_values(n_keys, t, j, at + 2 * h);
#pragma GCC unroll 8
        for (int k = 0; k < n_keys; k++) column[k] = vec_half_load(key[k] + at);
#pragma GCC unroll 4
        for (int i = 0; i < n_queries; i++) {
            const VecHalf x = vec_half_load(q[i] + at);
#pragma GCC unroll 8
            for (int k = 0; k < n_keys; k++) sum[i][k] = vec_half_fma(x, column[k], sum[i][k]);
        }
    }
    const VecHalf scale = vec_half_set1(t->as->scale);
#pragma GCC unroll 4
    for (int i = 0; i < n_queries; i++) {
        float *to = t->scores[i] + j * n_heads + h;
#pragma GCC unroll 8
        for (int k = 0; k < n_keys; k++)
            vec_half_store(to + (size_t)k * n_heads, vec_half_mul(sum[i][k], scale));
    }
}

COLUMNS_INLINE void score_keys(const int n_queries, const int n_keys, const Columns *t)
{
    for (size_t h = 0; h < t->as->n_heads; h += VEC_HALF) {
        for (size_t j = 0; j < t->n_keys; j += (size_t)n_keys)
            score_block(n_queries, n_keys, t, h, j);
    }
}

static void score_tile(const Columns *t)
{
    switch (t->n_queries) {
    case 1:
        score_keys(1, CHAINS, t);
        return;
    case 2:
        score_keys(2, CHAINS / 2, t);
        return;
    case 3:
        score_keys(3, CHAINS / 4, t);
        return;
    case 4:
        score_keys(4, CHAINS / 4, t);
    }
}

// ---- softmax ----

// Keys that a query does not see, and the rest of the last vector, count nothing.
static void mask_scores(const AttentionHead *h, size_t query, size_t j0, size_t n_keys,
                        float *scores)
{
    const AttentionArgs *as = h->as;
    const size_t n_heads = as->n_heads, n = n_keys * n_heads;
    for (size_t i = n; i < size_round_up(n, VEC_WIDTH); i++) scores[i] = -INFINITY;
    if (!as->is_causal && as->window == 0) return;
    const int64_t position = attention_position(&as->queries, h->q_begin, query);
    for (size_t j = 0; j < n_keys; j++) {
        if (attention_sees(h, position, attention_position(&as->keys, h->k_begin, j0 + j)))
            continue;
        for (size_t head = 0; head < n_heads; head++) scores[j * n_heads + head] = -INFINITY;
    }
}

// The largest score of each head joins max; returns in shift what is taken from scores.
static void largest_scores(size_t n_heads, size_t n, const float *scores, float *max, float *shift)
{
    const size_t period = size_max(n_heads, VEC_WIDTH);
    const Vec lowest = vec_set1(-INFINITY);
    for (size_t h = 0; h < period; h += VEC_WIDTH) {
        float both[VEC_WIDTH];
        Vec largest = lowest;
        for (size_t t = h; t < n; t += period) largest = vec_max(largest, vec_load(scores + t));
        if (n_heads < VEC_WIDTH) { // even keys and odd ones
            vec_store(both, largest);
            for (size_t i = 0; i < VEC_HALF; i++) {
                const float other = both[VEC_HALF + i];
                both[i] = both[VEC_HALF + i] = other > both[i] ? other : both[i];
            }
            largest = vec_load(both);
        }
        const Vec old = vec_load(max + h);
        const Vec new = vec_select(vec_lt(old, largest), largest, old);
        vec_store(max + h, new);
        vec_store(shift + h, vec_select(vec_lt(lowest, new), new, vec_zero()));
    }
}

// The sum of each head's weights: key j in lane j mod 16, then the tree.
static void add_weights(size_t n_heads, size_t n, const float *weights, float *sum)
{
    float lanes[VEC_WIDTH * MOST_HEADS];
    const size_t all = VEC_WIDTH * n_heads;
    for (size_t t = 0; t < all; t += VEC_WIDTH)
        vec_store(lanes + t, t < n ? vec_load(weights + t) : vec_zero());
    for (size_t t = all; t < n; t += VEC_WIDTH) {
        float *to = lanes + t % all;
        vec_store(to, vec_add(vec_load(to), vec_load(weights + t)));
    }
    for (size_t half = all / 2; half >= n_heads; half /= 2) {
        for (size_t t = 0; t < half; t += VEC_WIDTH) {
            const size_t left = half - t;
            vec_store_any(
                lanes + t, left,
                vec_add(vec_load_any(lanes + t, left), vec_load_any(lanes + half + t, left)));
        }
    }
    for (size_t h = 0; h < n_heads; h += VEC_HALF)
        vec_half_store(sum + h, vec_half_load(lanes + h));
}

// As softmax_step of attention_fast.c, for all heads of a query.
static void weigh_keys(Columns *t, size_t query)
{
    const size_t n_heads = t->as->n_heads, n = size_round_up(t->n_keys * n_heads, VEC_WIDTH);
    const size_t period = size_max(n_heads, VEC_WIDTH);
    float *scores = t->scores[query], *max = t->max[query];
    float before[MOST_HEADS], shift[MOST_HEADS], tile_sum[MOST_HEADS];
    memcpy(before, max, period * sizeof *before);
    largest_scores(n_heads, n, scores, max, shift);
    for (size_t h = 0; h < period; h += VEC_WIDTH) {
        const Vec less = vec_load(shift + h);
        for (size_t i = h; i < n; i += period)
            vec_store(scores + i, vec_exp_softmax(vec_sub(vec_load(scores + i), less)));
    }
    add_weights(n_heads, n, scores, tile_sum);
    const int goes_on = !t->is_first || t->has_sinks;
    for (size_t h = 0; h < period && goes_on; h += VEC_WIDTH)
        vec_store(t->carry[query] + h,
                  vec_exp_softmax(vec_sub(vec_load(before + h), vec_load(shift + h))));
    for (size_t h = 0; h < n_heads; h++) {
        const float old = goes_on ? t->sum[query][h] * t->carry[query][h] : 0.0f;
        t->sum[query][h] = old + tile_sum[h];
    }
}

// ---- values ----

// Columns [d, d + 16 n_vectors) of one head's y; of the last vector n_last count.
COLUMNS_INLINE void add_columns(const int n_queries, const int n_vectors, const Columns *t,
                                size_t head, size_t d, size_t n_last)
{
    const size_t n_heads = t->as->n_heads, column = head * t->as->head_dim + d;
    Vec sum[QUERIES][4];
#pragma GCC unroll 4
    for (int i = 0; i < n_queries; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++) {
            const size_t n = v + 1 < n_vectors ? VEC_WIDTH : n_last;
            const float *from = t->y[i] + column + (size_t)v * VEC_WIDTH;
            sum[i][v] = t->is_first ? vec_zero()
                                    : vec_mul(vec_load_any(from, n), vec_set1(t->carry[i][head]));
        }
    }
    for (size_t j = 0; j < t->n_keys; j++) {
        const float *row = t->values[j] + column;
        Vec value[4];
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++) {
            const size_t n = v + 1 < n_vectors ? VEC_WIDTH : n_last;
            value[v] = vec_load_any(row + (size_t)v * VEC_WIDTH, n);
        }
#pragma GCC unroll 4
        for (int i = 0; i < n_queries; i++) {
            const Vec weight = vec_set1(t->scores[i][j * n_heads + head]);
#pragma GCC unroll 4
            for (int v = 0; v < n_vectors; v++) sum[i][v] = vec_fma(weight, value[v], sum[i][v]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < n_queries; i++) {
        const Vec all = vec_set1(t->sum[i][head]);
        const int sees_any = t->sum[i][head] != 0.0f; // as in attention_fast.c
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++) {
            const size_t n = v + 1 < n_vectors ? VEC_WIDTH : n_last;
            Vec y = sum[i][v];
            if (t->is_last) y = sees_any ? vec_div(y, all) : vec_zero();
            vec_store_any(t->y[i] + column + (size_t)v * VEC_WIDTH, n, y);
        }
    }
}

COLUMNS_INLINE void add_values(const int n_queries, const Columns *t)
{
    const size_t head_dim = t->as->head_dim;
    for (size_t head = 0; head < t->as->n_heads; head++) {
        size_t d = 0;
        for (; d + (size_t)4 * VEC_WIDTH <= head_dim; d += (size_t)4 * VEC_WIDTH)
            add_columns(n_queries, 4, t, head, d, VEC_WIDTH);
        for (; d + (size_t)2 * VEC_WIDTH <= head_dim; d += (size_t)2 * VEC_WIDTH)
            add_columns(n_queries, 2, t, head, d, VEC_WIDTH);
        for (; d < head_dim; d += VEC_WIDTH)
            add_columns(n_queries, 1, t, head, d, size_min(VEC_WIDTH, head_dim - d));
    }
}

static void add_tile(const Columns *t)
{
    switch (t->n_queries) {
    case 1:
        add_values(1, t);
        return;
    case 2:
        add_values(2, t);
        return;
    case 3:
        add_values(3, t);
        return;
    case 4:
        add_values(4, t);
    }
}

// ---- a sequence ----

// Where rows [j0, j0 + n) of a sequence begin.
static void list_rows(const AttentionArgs *as, const float *const *pages, size_t j0, size_t n,
                      const float **rows)
{
    const size_t stride = as->n_heads * as->head_dim;
    size_t page = j0 / as->page_rows, row = j0 % as->page_rows;
    for (size_t j = 0; j < n; j++) {
        rows[j] = pages[page] + row * stride;
        if (++row < as->page_rows) continue;
        row = 0;
        page++;
    }
}

static void list_tile(const AttentionHead *h, size_t j0, Columns *t)
{
    const AttentionArgs *as = h->as;
    const size_t first_page = h->sequence * as->max_pages;
    t->n_keys = size_min(ATTENTION_KEYS, h->n_keys - j0);
    t->is_first = j0 == 0;
    t->is_last = j0 + t->n_keys == h->n_keys;
    list_rows(as, as->key_pages + first_page, j0, t->n_keys, t->keys);
    list_rows(as, as->value_pages + first_page, j0, t->n_keys, t->values);
    for (size_t i = 0; i < CHAINS; i++) { // behind the last one, read and not used
        t->keys[t->n_keys + i] = t->keys[t->n_keys - 1];
        t->values[t->n_keys + i] = t->values[t->n_keys - 1];
    }
}

// Queries i0 .. i0 + t->n_queries - 1 of a sequence.
static void attend(const OpArgs *args, const AttentionHead *h, size_t i0, Columns *t)
{
    const AttentionArgs *as = h->as;
    const Tensor *q = &args->in[0], *y = &args->out[0];
    for (size_t i = 0; i < t->n_queries; i++) {
        const size_t row = h->q_begin + i0 + i;
        order_query(as->n_heads, as->head_dim, (const float *)q->data + row * q->row_stride,
                    t->q[i]);
        t->y[i] = (float *)y->data + row * y->row_stride;
        // Twice, where the heads are VEC_HALF.
        for (size_t head = 0; head < size_max(as->n_heads, VEC_WIDTH); head += as->n_heads)
            attention_begin(args, 0, as->n_heads, 1, 1.0f, t->max[i] + head, t->sum[i] + head);
        if (h->n_keys == 0) memset(t->y[i], 0, as->n_heads * as->head_dim * sizeof(float));
    }
    for (size_t j0 = 0; j0 < h->n_keys; j0 += ATTENTION_KEYS) {
        list_tile(h, j0, t);
        score_tile(t);
        for (size_t i = 0; i < t->n_queries; i++) {
            mask_scores(h, i0 + i, j0, t->n_keys, t->scores[i]);
            weigh_keys(t, i);
        }
        add_tile(t);
    }
}

Status FAST(attention_columns)(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    if (!attention_takes_columns(as) || args->out[1].data)
        return error_set(err, STATUS_INTERNAL, "attention: keys by column of %zu heads",
                         as->n_heads);
    const size_t mark = exec_scratch_mark(exec), width = as->n_heads * as->head_dim;
    const size_t n_scores = (ATTENTION_KEYS + CHAINS) * as->n_heads;
    float *at = exec_scratch(exec, QUERIES * (width + n_scores) * sizeof *at);
    if (!at) return error_set_memory(err, width + n_scores, QUERIES * sizeof *at, "attention");
    Columns tile;
    tile.as = as;
    tile.has_sinks = args->in[4].data != NULL;
    for (size_t i = 0; i < QUERIES; i++) {
        tile.q[i] = at + i * width;
        tile.scores[i] = at + QUERIES * width + i * n_scores;
    }
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        const AttentionHead h = attention_head(as, NULL, s, 0);
        for (size_t i0 = 0; i0 < h.n_queries; i0 += QUERIES) {
            tile.n_queries = size_min(QUERIES, h.n_queries - i0);
            attend(args, &h, i0, &tile);
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
