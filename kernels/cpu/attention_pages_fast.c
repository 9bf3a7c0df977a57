// Attention over pages that are whole for each head (AttentionArgs.pages_by_head): a cache of keys and values.
//
// A few queries are bound by memory, which is read in the order in which it lies: of a tile the keys of all heads page by page,
// then their values. That is what the machine's own prefetching follows, and where a tile's pages lie side by side
// (models/generation/cache.c) one row a key head reads 27 to 29 GB/s on a Zen 4 that reads 30 in a plain loop; pages 1 MiB apart
// had 16 to 20. Asking for lines ahead made it slower (14 to 20: a core waits for 24 lines at most, its prefetcher for more),
// and so did two heads side by side; while scores are made into weights, asking for the first values is worth a little. Chains,
// tiles and sums are those of attention_fast.h, and so are the bits. Numbers of 16 bits are read as the f32 that they are.
#include <string.h>

#include "kernels/cpu/attention_pages.h"
#include "kernels/cpu/attention_rows.h"
#include "kernels/cpu/vec_codes.h"
#include "kernels/exec.h"

enum { PAGES_A_TILE = ATTENTION_KEYS / PANEL_WIDTH, LINE_BYTES = 64 };

// ---- numbers of a page ----

ATTENTION_INLINE size_t number_bytes(DType dtype)
{
    return dtype == DTYPE_F32 ? sizeof(float) : sizeof(uint16_t);
}

ATTENTION_INLINE Vec load_numbers(DType dtype, const char *p)
{
    if (dtype == DTYPE_F16) return stored_halves((const uint8_t *)p);
    if (dtype == DTYPE_BF16) return stored_bf16((const uint8_t *)p);
    return vec_load((const float *)(const void *)p);
}

// The first n, the rest zeros.
ATTENTION_INLINE Vec load_some(DType dtype, const char *p, size_t n)
{
    uint16_t whole[VEC_WIDTH] = {0};
    if (n >= VEC_WIDTH) return load_numbers(dtype, p);
    if (dtype == DTYPE_F32) return vec_load_n((const float *)(const void *)p, n);
    memcpy(whole, p, n * sizeof *whole);
    return load_numbers(dtype, (const char *)whole);
}

// ---- a sequence ----

typedef struct Pages {
    const OpArgs *args;
    AttentionHead h;      // of the sequence
    size_t group, n_rows; // rows of queries that share a key head: those of each head of its group
    float *scores;        // [n_kv_heads * n_rows, ATTENTION_KEYS]
    float *max, *sum;     // [n_kv_heads * n_rows]
} Pages;

// What a page has of one head: a panel of keys, or rows of values.
static const char *piece_of(const AttentionHead *h, const float *const *pages, size_t page,
                            size_t head)
{
    const AttentionArgs *as = h->as;
    const size_t bytes = as->head_dim * PANEL_WIDTH * number_bytes(as->pages_dtype);
    const float *first = pages[h->sequence * as->max_pages + page];
    return (const char *)(const void *)first + (as->first_kv_head + head) * bytes;
}

// Row r of those that share a key head: its query.
static const float *query_of(const Pages *p, size_t kv_head, size_t r)
{
    const AttentionArgs *as = p->h.as;
    const Tensor *q = &p->args->in[0];
    const size_t head = kv_head * p->group + r / p->h.n_queries;
    const size_t row = p->h.q_begin + r % p->h.n_queries;
    return (const float *)q->data + row * q->row_stride + head * as->head_dim;
}

static float *answer_of(const Pages *p, size_t kv_head, size_t r)
{
    const AttentionArgs *as = p->h.as;
    const Tensor *y = &p->args->out[0];
    const size_t head = kv_head * p->group + r / p->h.n_queries;
    const size_t row = p->h.q_begin + r % p->h.n_queries;
    return (float *)y->data + row * y->row_stride + head * as->head_dim;
}

// ---- scores ----

// A panel of keys for n_rows queries.
ATTENTION_INLINE void score_piece(const DType dtype, const int n_rows, size_t head_dim,
                                  const float *const *q, const char *keys, float *const *scores)
{
    const size_t bytes = PANEL_WIDTH * number_bytes(dtype);
    Vec sum[ATTENTION_FEW];
#pragma GCC unroll 6
    for (int r = 0; r < n_rows; r++) sum[r] = vec_zero();
    for (size_t d = 0; d < head_dim; d++) {
        const Vec panel = load_numbers(dtype, keys + d * bytes);
#pragma GCC unroll 6
        for (int r = 0; r < n_rows; r++) sum[r] = vec_fma(vec_set1(q[r][d]), panel, sum[r]);
    }
#pragma GCC unroll 6
    for (int r = 0; r < n_rows; r++) vec_store(scores[r], sum[r]);
}

#define FOR_EACH_COUNT(X, dtype) \
    X(dtype, 1) X(dtype, 2) X(dtype, 3) X(dtype, 4) X(dtype, 5) X(dtype, 6)
#define SCORE(dtype, n)                                   \
    case n:                                               \
        score_piece(dtype, n, head_dim, q, keys, scores); \
        return;

typedef void Score(size_t n_rows, size_t head_dim, const float *const *q, const char *keys,
                   float *const *scores);

static void score_f32(size_t n_rows, size_t head_dim, const float *const *q, const char *keys,
                      float *const *scores)
{
    switch (n_rows) {
        FOR_EACH_COUNT(SCORE, DTYPE_F32)
    }
}

static void score_f16(size_t n_rows, size_t head_dim, const float *const *q, const char *keys,
                      float *const *scores)
{
    switch (n_rows) {
        FOR_EACH_COUNT(SCORE, DTYPE_F16)
    }
}

static void score_bf16(size_t n_rows, size_t head_dim, const float *const *q, const char *keys,
                       float *const *scores)
{
    switch (n_rows) {
        FOR_EACH_COUNT(SCORE, DTYPE_BF16)
    }
}

static Score *score_of(DType dtype)
{
    return dtype == DTYPE_F16 ? score_f16 : dtype == DTYPE_BF16 ? score_bf16 : score_f32;
}

// Keys of one page, the tile's from `column` on, of one head.
static void score_head(Pages *p, Score *score, size_t page, size_t head, size_t column)
{
    const size_t n_passes = (p->n_rows + ATTENTION_FEW - 1) / ATTENTION_FEW;
    const char *keys = piece_of(&p->h, p->h.as->key_pages, page, head);
    for (size_t pass = 0; pass < n_passes; pass++) {
        const float *q[ATTENTION_FEW];
        float *scores[ATTENTION_FEW];
        const size_t first = p->n_rows * pass / n_passes;
        const size_t n = p->n_rows * (pass + 1) / n_passes - first;
        for (size_t r = 0; r < n; r++) {
            q[r] = query_of(p, head, first + r);
            scores[r] = p->scores + (head * p->n_rows + first + r) * ATTENTION_KEYS + column;
        }
        score(n, p->h.as->head_dim, q, keys, scores);
    }
}

static void score_tile(Pages *p, size_t tile, size_t tile_end)
{
    Score *const score = score_of(p->h.as->pages_dtype);
    for (size_t page = tile; page < tile_end; page++) {
        for (size_t head = 0; head < p->h.as->n_kv_heads; head++)
            score_head(p, score, page, head, (page - tile) * PANEL_WIDTH);
    }
}

// ---- values ----

typedef struct Weighing {
    size_t head_dim, n_keys;
    const char *values; // n_keys rows
    const float *weights[ATTENTION_FEW];
    float *y[ATTENTION_FEW];
    int accumulate; // y goes on from what it is
} Weighing;

// Columns [d, d + 16 n_vectors) of y; of the last vector n_last count.
ATTENTION_INLINE void weigh_columns(const DType dtype, const int n_rows, const int n_vectors,
                                    const Weighing *w, size_t d, size_t n_last)
{
    const size_t bytes = VEC_WIDTH * number_bytes(dtype), row = w->head_dim * number_bytes(dtype);
    AttentionSums sum;
    attention_begin_sums(n_rows, n_vectors, w->y, d, n_last, w->accumulate, sum);
    size_t at = d * number_bytes(dtype);
    for (size_t j = 0; j < w->n_keys; j++, at += row) {
        Vec value[4];
#pragma GCC unroll 4
        for (int v = 0; v < n_vectors; v++) {
            const size_t n = v + 1 < n_vectors ? VEC_WIDTH : n_last;
            value[v] = load_some(dtype, w->values + at + (size_t)v * bytes, n);
        }
#pragma GCC unroll 6
        for (int r = 0; r < n_rows; r++) {
            const Vec weight = vec_set1(w->weights[r][j]);
#pragma GCC unroll 4
            for (int v = 0; v < n_vectors; v++) sum[r][v] = vec_fma(weight, value[v], sum[r][v]);
        }
    }
    attention_store_sums(n_rows, n_vectors, w->y, d, n_last, sum);
}

ATTENTION_INLINE void weigh_piece(const DType dtype, const int n_rows, const Weighing *w)
{
    const size_t head_dim = w->head_dim;
    size_t d = 0;
    for (; d + (size_t)4 * VEC_WIDTH <= head_dim; d += (size_t)4 * VEC_WIDTH)
        weigh_columns(dtype, n_rows, 4, w, d, VEC_WIDTH);
    for (; d + (size_t)2 * VEC_WIDTH <= head_dim; d += (size_t)2 * VEC_WIDTH)
        weigh_columns(dtype, n_rows, 2, w, d, VEC_WIDTH);
    for (; d < head_dim; d += VEC_WIDTH)
        weigh_columns(dtype, n_rows, 1, w, d, size_min(VEC_WIDTH, head_dim - d));
}

#define WEIGH(dtype, n)           \
    case n:                       \
        weigh_piece(dtype, n, w); \
        return;

typedef void Weigh(size_t n_rows, const Weighing *w);

static void weigh_f32(size_t n_rows, const Weighing *w)
{
    switch (n_rows) {
        FOR_EACH_COUNT(WEIGH, DTYPE_F32)
    }
}

static void weigh_f16(size_t n_rows, const Weighing *w)
{
    switch (n_rows) {
        FOR_EACH_COUNT(WEIGH, DTYPE_F16)
    }
}

static void weigh_bf16(size_t n_rows, const Weighing *w)
{
    switch (n_rows) {
        FOR_EACH_COUNT(WEIGH, DTYPE_BF16)
    }
}

static Weigh *weigh_of(DType dtype)
{
    return dtype == DTYPE_F16 ? weigh_f16 : dtype == DTYPE_BF16 ? weigh_bf16 : weigh_f32;
}

// Values of page `page`, the tile's keys from `column` on, of one head.
static void weigh_head(Pages *p, Weigh *weigh, size_t page, size_t head, size_t column,
                       int accumulate)
{
    const AttentionArgs *as = p->h.as;
    const size_t n_passes = (p->n_rows + ATTENTION_FEW - 1) / ATTENTION_FEW;
    Weighing w = {.head_dim = as->head_dim,
                  .n_keys = size_min(PANEL_WIDTH, p->h.n_keys - page * PANEL_WIDTH),
                  .values = piece_of(&p->h, as->value_pages, page, head),
                  .accumulate = accumulate};
    for (size_t pass = 0; pass < n_passes; pass++) {
        const size_t first = p->n_rows * pass / n_passes;
        const size_t n = p->n_rows * (pass + 1) / n_passes - first;
        for (size_t r = 0; r < n; r++) {
            w.weights[r] = p->scores + (head * p->n_rows + first + r) * ATTENTION_KEYS + column;
            w.y[r] = answer_of(p, head, first + r);
        }
        weigh(n, &w);
    }
}

static void weigh_tile(Pages *p, size_t tile, size_t tile_end, int is_first)
{
    const AttentionArgs *as = p->h.as;
    Weigh *const weigh = weigh_of(as->pages_dtype);
    for (size_t page = tile; page < tile_end; page++) {
        for (size_t head = 0; head < as->n_kv_heads; head++)
            weigh_head(p, weigh, page, head, (page - tile) * PANEL_WIDTH, page > tile || !is_first);
    }
}

// ---- all of it ----

// Asks for a share of what a page has of values, one of so many.
static void fetch_share(const Pages *p, size_t page, size_t share, size_t n_shares)
{
    const AttentionArgs *as = p->h.as;
    const size_t bytes =
        as->n_kv_heads * as->head_dim * PANEL_WIDTH * number_bytes(as->pages_dtype);
    const size_t n_lines = bytes / LINE_BYTES, end = n_lines * (share + 1) / n_shares;
    const char *values = piece_of(&p->h, as->value_pages, page, 0);
    for (size_t i = n_lines * share / n_shares; i < end; i++)
        __builtin_prefetch(values + i * LINE_BYTES, 0, 2);
}

static void finish_tile(Pages *p, size_t tile, int is_first)
{
    const size_t j0 = tile * PANEL_WIDTH, n_keys = size_min(ATTENTION_KEYS, p->h.n_keys - j0);
    AttentionHead h = p->h;
    for (h.kv_head = 0; h.kv_head < h.as->n_kv_heads; h.kv_head++) {
        for (size_t r = 0; r < p->n_rows; r++) {
            const size_t at = h.kv_head * p->n_rows + r;
            fetch_share(p, tile, at, h.as->n_kv_heads * p->n_rows);
            h.head = h.kv_head * p->group + r / h.n_queries;
            attention_finish_row(&h, r % h.n_queries, j0, n_keys, p->scores + at * ATTENTION_KEYS,
                                 &p->max[at], &p->sum[at],
                                 is_first ? NULL : answer_of(p, h.kv_head, r));
        }
    }
}

static void attend(Pages *p)
{
    const AttentionReach tiles = attention_tiles(&p->h, 0, p->h.n_queries);
    const size_t first = tiles.first / PANEL_WIDTH,
                 end = (tiles.end + PANEL_WIDTH - 1) / PANEL_WIDTH;
    for (size_t tile = first; tile < end; tile += PAGES_A_TILE) {
        const size_t tile_end = size_min(tile + PAGES_A_TILE, end);
        score_tile(p, tile, tile_end);
        finish_tile(p, tile, tile == first);
        weigh_tile(p, tile, tile_end, tile == first);
    }
}

Status FAST(attention_pages_few)(const OpArgs *args, const AttentionHead *head, Exec *exec,
                                 Error *err)
{
    const AttentionArgs *as = head->as;
    const size_t mark = exec_scratch_mark(exec), n = as->n_heads * head->n_queries;
    float *at = exec_scratch(exec, n * (ATTENTION_KEYS + 2) * sizeof *at);
    if (!at) return error_set_memory(err, n, (ATTENTION_KEYS + 2) * sizeof *at, "attention");
    Pages pages = {.args = args,
                   .h = *head,
                   .group = as->n_heads / as->n_kv_heads,
                   .scores = at,
                   .max = at + n * ATTENTION_KEYS,
                   .sum = at + n * (ATTENTION_KEYS + 1)};
    pages.n_rows = pages.group * head->n_queries;
    attention_begin(args, 0, as->n_heads, head->n_queries, 1.0f, pages.max, pages.sum);
    attend(&pages);
    for (size_t h = 0; h < as->n_heads; h++) {
        pages.h.head = h;
        attention_finish_rows(args, &pages.h, pages.max + h * head->n_queries,
                              pages.sum + h * head->n_queries);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- many queries: a tile is packed ----

ATTENTION_INLINE void pack_pages(const DType dtype, const AttentionHead *h, size_t j0, size_t n,
                                 float *keys, float *values)
{
    const size_t head_dim = h->as->head_dim, bytes = VEC_WIDTH * number_bytes(dtype);
    for (size_t j = 0; j < n; j += PANEL_WIDTH) {
        const size_t page = (j0 + j) / PANEL_WIDTH, n_rows = size_min(PANEL_WIDTH, n - j);
        const size_t next = j + PANEL_WIDTH < n ? page + 1 : page;
        const char *key = piece_of(h, h->as->key_pages, page, h->kv_head);
        const char *value = piece_of(h, h->as->value_pages, page, h->kv_head);
        const char *next_key = piece_of(h, h->as->key_pages, next, h->kv_head);
        const char *next_value = piece_of(h, h->as->value_pages, next, h->kv_head);
        for (size_t d = 0; d < head_dim; d++) {
            __builtin_prefetch(next_key + d * bytes, 0, 2);
            __builtin_prefetch(next_value + d * bytes, 0, 2);
            vec_store(keys + j * head_dim + d * VEC_WIDTH, load_numbers(dtype, key + d * bytes));
        }
        for (size_t i = 0; i < n_rows; i++) {
            const char *row = value + i * head_dim * number_bytes(dtype);
            for (size_t d = 0; d < head_dim; d += VEC_WIDTH)
                vec_store(values + d * n + (j + i) * VEC_WIDTH,
                          load_some(dtype, row + d * number_bytes(dtype), head_dim - d));
        }
    }
}

void FAST(attention_pages_pack)(const AttentionHead *h, size_t j0, size_t n, float *keys,
                                float *values)
{
    switch (h->as->pages_dtype) {
    case DTYPE_F16:
        pack_pages(DTYPE_F16, h, j0, n, keys, values);
        return;
    case DTYPE_BF16:
        pack_pages(DTYPE_BF16, h, j0, n, keys, values);
        return;
    default:
        pack_pages(DTYPE_F32, h, j0, n, keys, values);
    }
}
