// Attention: for each sequence and key head, tiles of keys and values are packed once; then blocks of queries take scores, softmax and
// the product with the values while all of it is in cache. No score matrix beyond a block of a tile exists. A few queries read
// keys and values where they lie (attention_few_fast.c, attention_pages_fast.c).
#include "kernels/cpu/attention_fast.h"

#include <string.h>

#include "kernels/cpu/attention_pages.h"
#include "kernels/cpu/attention_rows.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/cpu/vec_dropout.h"
#include "kernels/exec.h"

enum { FETCH_AHEAD = 2 * VEC_WIDTH }; // keys: memory answers while two panels are packed
enum { FEW_PASSES = 2 };              // over keys as they lie cost less than packing

// Scratch of one call.
typedef struct Buffers {
    float *keys, *values; // the tile's panels
    float *gathered;      // a panel's keys, where pages end within it; NULL without a page table
    float *scores;        // [ATTENTION_QUERIES, ATTENTION_KEYS]
    float *scratch;       // of the score product
    float *max,
        *sum; // of every query of a sequence, [group, n_queries]; where they are few, of all heads
    AttentionFew few;
    size_t listed_sequence, listed_head, listed_tile; // whose rows `few` has
} Buffers;

static Status take_buffers(const AttentionArgs *as, Exec *exec, Buffers *out, Error *err)
{
    const size_t panels = size_round_up(as->head_dim, VEC_WIDTH) * ATTENTION_KEYS;
    const size_t rows = as->key_pages ? VEC_WIDTH * as->head_dim : 0;
    const size_t scores = (size_t)ATTENTION_QUERIES * ATTENTION_KEYS;
    const size_t statistics = size_max(as->n_heads / as->n_kv_heads * ragged_longest(&as->queries),
                                       as->n_kv_heads * FEW_PASSES * ATTENTION_FEW);
    const size_t product = attention_scratch(as->head_dim);
    const size_t total = 2 * panels + rows + scores + product + 2 * statistics;
    float *at = exec_scratch(exec, total * sizeof *at);
    if (!at) return error_set_memory(err, total, sizeof *at, "attention");
    out->keys = at;
    out->values = at + panels;
    out->scores = at + 2 * panels;
    out->gathered = NULL;
    out->listed_sequence = SIZE_MAX;
    out->scratch = out->scores + scores;
    at = out->scratch + product;
    if (rows > 0) {
        out->gathered = at;
        at += rows;
    }
    out->max = at;
    out->sum = at + statistics;
    return STATUS_OK;
}

// ---- keys and values where they lie ----

// Keys or values of a sequence that lie `stride` apart.
typedef struct Run {
    const float *first;
    size_t stride, n;
} Run;

// The rows from j on, at most n of them: of the tensor, or of the page that holds row j.
static Run rows_at(const AttentionHead *h, const Tensor *tensor, const float *const *pages,
                   size_t j, size_t n)
{
    const AttentionArgs *as = h->as;
    const size_t column = h->kv_head * as->head_dim;
    if (!pages) {
        const float *first = (const float *)tensor->data + (h->k_begin + j) * tensor->row_stride;
        return (Run){first + column, tensor->row_stride, n};
    }
    const size_t page = j / as->page_rows, row = j - page * as->page_rows;
    const float *at = pages[h->sequence * as->max_pages + page];
    const size_t stride = as->n_kv_heads * as->head_dim;
    return (Run){at + column + row * stride, stride, size_min(n, as->page_rows - row)};
}

// Asks for the rows of a panel ahead of their turn: those of one head are far apart in a page, so that the machine cannot guess
// which come next.
static void fetch_rows(const AttentionHead *h, const Tensor *tensor, const float *const *pages,
                       size_t j)
{
    if (!pages || j >= h->n_keys) return;
    const Run run = rows_at(h, tensor, pages, j, size_min(VEC_WIDTH, h->n_keys - j));
    for (size_t i = 0; i < run.n; i++) {
        const float *row = run.first + i * run.stride;
        for (size_t d = 0; d < h->as->head_dim; d += VEC_WIDTH) __builtin_prefetch(row + d, 0, 2);
    }
}

// The keys of one panel: where they lie, as a rule, or gathered where pages end within them.
static Run panel_keys(const OpArgs *args, const AttentionHead *h, size_t j, size_t n,
                      float *gathered)
{
    const size_t head_dim = h->as->head_dim;
    const Run run = rows_at(h, &args->in[1], h->as->key_pages, j, n);
    if (run.n == n || !gathered) return run;
    for (size_t i = 0; i < n; i++) {
        const Run one = rows_at(h, &args->in[1], h->as->key_pages, j + i, 1);
        memcpy(gathered + i * head_dim, one.first, head_dim * sizeof *gathered);
    }
    return (Run){gathered, head_dim, n};
}

// Keys [j0, j0 + n) into panels.
static void pack_keys(const OpArgs *args, const AttentionHead *h, size_t j0, size_t n,
                      const Buffers *b)
{
    const size_t head_dim = h->as->head_dim;
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        const Run run = panel_keys(args, h, j0 + j, size_min(VEC_WIDTH, n - j), b->gathered);
        const GemmProblem keys = {.n = run.n,
                                  .k = head_dim,
                                  .b = run.first,
                                  .b_stride = run.stride,
                                  .b_side = GEMM_TRANSPOSED};
        fetch_rows(h, &args->in[1], h->as->key_pages, j0 + j + FETCH_AHEAD);
        fetch_rows(h, &args->in[2], h->as->value_pages, j0 + j);
        FAST(gemm_pack)(&keys, b->keys + j * head_dim);
    }
}

// Values [j0, j0 + n) into panels of 16 columns.
static void pack_values(const OpArgs *args, const AttentionHead *h, size_t j0, size_t n,
                        const Buffers *b)
{
    const AttentionArgs *as = h->as;
    for (size_t j = 0; j < n;) {
        const Run run = rows_at(h, &args->in[2], as->value_pages, j0 + j, n - j);
        for (size_t d = 0; d < as->head_dim; d += VEC_WIDTH) {
            float *to = b->values + d * n + j * VEC_WIDTH;
            for (size_t i = 0; i < run.n; i++) {
                const float *from = run.first + i * run.stride + d;
                vec_store(to + i * VEC_WIDTH, vec_load_any(from, as->head_dim - d));
            }
        }
        j += run.n;
    }
}

// ---- tiles ----

// One block of queries against one packed tile of keys: their first one, or one after it.
static void attend_block(const OpArgs *args, const AttentionHead *h, size_t i0, size_t n_rows,
                         size_t j0, int is_first, const Buffers *b, float *max, float *sum)
{
    const size_t n_keys = size_min(ATTENTION_KEYS, h->n_keys - j0);
    const AttentionArgs *as = h->as;
    const Tensor *q = &args->in[0], *y = &args->out[0];
    const size_t column = h->head * as->head_dim, row = h->q_begin + i0;
    float *out = (float *)y->data + row * y->row_stride + column;
    const GemmProblem scores = {
        .m = n_rows,
        .n = n_keys,
        .k = as->head_dim,
        .a = (const float *)q->data + row * q->row_stride + column,
        .a_stride = q->row_stride,
        .b = b->keys,
        .b_stride = VEC_WIDTH * as->head_dim,
        .b_side = GEMM_PANELS,
        .c = b->scores,
        .c_row = ATTENTION_KEYS,
        .c_panel = VEC_WIDTH,
    };
    FAST(gemm_run)(&scores, b->scratch);
    for (size_t i = 0; i < n_rows; i++) {
        attention_finish_row(h, i0 + i, j0, n_keys, b->scores + i * ATTENTION_KEYS, &max[i0 + i],
                             &sum[i0 + i], is_first ? NULL : out + i * y->row_stride);
    }
    const GemmProblem products = {
        .m = n_rows,
        .n = as->head_dim,
        .k = n_keys,
        .a = b->scores,
        .a_stride = ATTENTION_KEYS,
        .b = b->values,
        .b_stride = VEC_WIDTH * n_keys,
        .b_side = GEMM_PANELS,
        .c = out,
        .c_row = y->row_stride,
        .c_panel = VEC_WIDTH,
        .accumulate = !is_first,
    };
    FAST(gemm_run)(&products, b->scratch);
}

// Where rows [j0, j0 + n) of keys or values begin; the last vector is filled up.
static void list_rows(const AttentionHead *h, const Tensor *tensor, const float *const *pages,
                      size_t j0, size_t n, const float **rows)
{
    for (size_t j = 0; j < n;) {
        const Run run = rows_at(h, tensor, pages, j0 + j, n - j);
        for (size_t i = 0; i < run.n; i++) rows[j++] = run.first + i * run.stride;
    }
    for (size_t j = n; j < size_round_up(n, VEC_WIDTH); j++) rows[j] = rows[n - 1];
}

// The rows of a tile into b->few. The heads of a sequence come in turn, and have them side by side.
static void list_tile(const OpArgs *args, const AttentionHead *h, size_t j0, int is_first,
                      Buffers *b)
{
    AttentionFew *t = &b->few;
    const size_t n_keys = size_min(ATTENTION_KEYS, h->n_keys - j0);
    if (b->listed_sequence == h->sequence && b->listed_tile == j0) {
        const size_t columns = (h->kv_head - b->listed_head) * t->head_dim;
        for (size_t j = 0; j < size_round_up(n_keys, VEC_WIDTH); j++) {
            t->keys[j] += columns;
            t->values[j] += columns;
        }
    } else {
        t->head_dim = h->as->head_dim;
        t->n_keys = n_keys;
        t->accumulate = !is_first;
        list_rows(h, &args->in[1], h->as->key_pages, j0, n_keys, t->keys);
        list_rows(h, &args->in[2], h->as->value_pages, j0, n_keys, t->values);
    }
    b->listed_sequence = h->sequence;
    b->listed_tile = j0;
    b->listed_head = h->kv_head;
}

// Queries [first, first + n_rows) of the key head's, counted head by head, against one tile of keys.
static void attend_few(const OpArgs *args, AttentionHead h, size_t first, size_t n_rows, size_t j0,
                       Buffers *b)
{
    AttentionFew *tile = &b->few;
    const size_t group = h.as->n_heads / h.as->n_kv_heads, head_dim = h.as->head_dim;
    const Tensor *q = &args->in[0], *y = &args->out[0];
    size_t query[ATTENTION_FEW], head[ATTENTION_FEW];
    for (size_t r = 0; r < n_rows; r++) {
        query[r] = (first + r) % h.n_queries;
        head[r] = h.kv_head * group + (first + r) / h.n_queries;
        const size_t row = h.q_begin + query[r], column = head[r] * head_dim;
        tile->q[r] = (const float *)q->data + row * q->row_stride + column;
        tile->y[r] = (float *)y->data + row * y->row_stride + column;
    }
    FAST(attention_few_scores)(n_rows, tile);
    for (size_t r = 0; r < n_rows; r++) {
        h.head = head[r];
        attention_finish_row(&h, query[r], j0, tile->n_keys, tile->scores + r * ATTENTION_KEYS,
                             &b->max[first + r], &b->sum[first + r],
                             tile->accumulate ? tile->y[r] : NULL);
    }
    FAST(attention_few_values)(n_rows, tile);
}

// All query heads of one key head, where they are few rows: a pass over the tile for each ATTENTION_FEW.
static void attend_tile_few(const OpArgs *args, const AttentionHead *h, size_t n_rows, size_t j0,
                            int is_first, Buffers *b)
{
    const size_t n_passes = (n_rows + ATTENTION_FEW - 1) / ATTENTION_FEW;
    b->few.scores = b->scores;
    list_tile(args, h, j0, is_first, b);
    for (size_t p = 0; p < n_passes; p++) {
        const size_t first = n_rows * p / n_passes, end = n_rows * (p + 1) / n_passes;
        attend_few(args, *h, first, end - first, j0, b);
    }
}

// The same where they are many: the tile is packed, and blocks of queries pass it whose tiles it is among.
static void attend_tile(const OpArgs *args, AttentionHead h, size_t j0, const Buffers *b)
{
    const size_t group = h.as->n_heads / h.as->n_kv_heads, n_queries = h.n_queries;
    const size_t n_keys = size_min(ATTENTION_KEYS, h.n_keys - j0);
    if (h.as->pages_by_head) {
        FAST(attention_pages_pack)(&h, j0, n_keys, b->keys, b->values);
    } else {
        pack_keys(args, &h, j0, n_keys, b);
        pack_values(args, &h, j0, n_keys, b);
    }
    for (size_t i0 = 0; i0 < n_queries; i0 += ATTENTION_QUERIES) {
        const size_t n_rows = size_min(ATTENTION_QUERIES, n_queries - i0);
        const AttentionReach tiles = attention_tiles(&h, i0, n_rows);
        if (j0 < tiles.first || j0 >= tiles.end) continue;
        for (size_t member = 0; member < group; member++) {
            h.head = h.kv_head * group + member;
            attend_block(args, &h, i0, n_rows, j0, j0 == tiles.first, b,
                         b->max + member * n_queries, b->sum + member * n_queries);
        }
    }
}

static void finish_group(const OpArgs *args, AttentionHead h, const float *max, const float *sum)
{
    const size_t group = h.as->n_heads / h.as->n_kv_heads;
    for (size_t member = 0; member < group; member++) {
        h.head = h.kv_head * group + member;
        attention_finish_rows(args, &h, max + member * h.n_queries, sum + member * h.n_queries);
    }
}

// All heads of one sequence where queries are few: tile by tile, since what lies behind a head's keys is the next head's.
static void attend_sequence_few(const OpArgs *args, AttentionHead h, Buffers *b)
{
    const AttentionArgs *as = h.as;
    const size_t group = as->n_heads / as->n_kv_heads, n_rows = group * h.n_queries;
    const AttentionReach tiles = attention_tiles(&h, 0, h.n_queries);
    float *const max = b->max, *const sum = b->sum;
    attention_begin(args, 0, as->n_heads, h.n_queries, 1.0f, max, sum);
    for (size_t j0 = tiles.first; j0 < tiles.end; j0 += ATTENTION_KEYS) {
        for (h.kv_head = 0; h.kv_head < as->n_kv_heads; h.kv_head++) {
            b->max = max + h.kv_head * n_rows;
            b->sum = sum + h.kv_head * n_rows;
            attend_tile_few(args, &h, n_rows, j0, j0 == tiles.first, b);
        }
    }
    for (h.kv_head = 0; h.kv_head < as->n_kv_heads; h.kv_head++)
        finish_group(args, h, max + h.kv_head * n_rows, sum + h.kv_head * n_rows);
    b->max = max;
    b->sum = sum;
}

static Status attend_sequence(const OpArgs *args, size_t sequence, Buffers *b, Exec *exec,
                              Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const size_t group = as->n_heads / as->n_kv_heads;
    AttentionHead h = attention_head(as, &args->in[3], sequence, 0);
    if (group * h.n_queries <= (size_t)FEW_PASSES * ATTENTION_FEW) {
        if (as->pages_by_head) return FAST(attention_pages_few)(args, &h, exec, err);
        attend_sequence_few(args, h, b);
        return STATUS_OK;
    }
    const AttentionReach tiles = attention_tiles(&h, 0, h.n_queries);
    const size_t mark = exec_scratch_mark(exec);
    int64_t first_distance = 0;
    float *biases = NULL;
    const size_t n = attention_count_distances(&h, &first_distance);
    if (n > 0) biases = exec_scratch(exec, group * n * sizeof *biases);
    if (n > 0 && !biases) return error_set_memory(err, group * n, sizeof *biases, "attention");
    for (h.kv_head = 0; h.kv_head < as->n_kv_heads; h.kv_head++) {
        attention_begin(args, h.kv_head * group, (h.kv_head + 1) * group, h.n_queries, 1.0f, b->max,
                        b->sum);
        if (n > 0) attention_list_distances(&h, first_distance, n, biases);
        for (size_t j0 = tiles.first; j0 < tiles.end; j0 += ATTENTION_KEYS)
            attend_tile(args, h, j0, b);
        finish_group(args, h, b->max, b->sum);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

Status FAST(attention)(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    if (as->keys_by_column) return FAST(attention_columns)(args, exec, err);
    const size_t mark = exec_scratch_mark(exec);
    Buffers buffers;
    TRY(take_buffers(as, exec, &buffers, err));
    Status status = STATUS_OK;
    for (size_t s = 0; s < as->queries.n_sequences && status == STATUS_OK; s++)
        status = attend_sequence(args, s, &buffers, exec, err);
    exec_scratch_release(exec, mark);
    return status;
}
