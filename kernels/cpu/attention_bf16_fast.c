// OP_ATTENTION_BF16 with AVX-512 BF16. Keys and values of a head are rounded once, into panels of pairs as the weights of
// OP_LINEAR_BF16 have them: pairs of columns of 16 keys, pairs of keys of 16 columns. Twelve queries at a time then take scores,
// softmax and the product with the values, so that all they touch lies in L1 and L2. Tiles of keys are those of
// attention_fast.h. The next head's rows are fetched while those of this one are finished, a row at a time (in bursts they hold up
// the tiles). exp is a short polynomial, for what is rounded to eight bits. Against the f32 row, on one thread of a Zen 4,
// 512 rows in sequences of 128: 2.1 times as fast with heads of 64.
#include "kernels/cpu/attention_bf16.h"
#include "kernels/cpu/attention_fast.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/exec.h"

// Scratch of one call; pairs of bf16 where it says so.
typedef struct Buffers {
    const AttentionProducts *products;
    size_t n_pairs;              // of columns, filled up
    uint32_t *keys, *values;     // the tile's panels, of pairs
    uint32_t *queries, *weights; // rows of pairs, as many as are taken at a time
    float *scores;               // the same, of ATTENTION_KEYS
    float *max, *sum;            // of every query of a sequence, [group, n_queries]; max in base 2
} Buffers;

enum { WEIGHT_PAIRS = ATTENTION_KEYS / 2 };

static size_t pairs_of(size_t n)
{
    return (n + 1) / 2;
}

static Status take_buffers(const AttentionArgs *as, const AttentionProducts *products, Exec *exec,
                           Buffers *out, Error *err)
{
    const size_t at_a_time = products->rows;
    size_t longest = 0;
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        const int32_t *offsets = as->queries.offsets + s;
        longest = size_max(longest, (size_t)(offsets[1] - offsets[0]));
    }
    const size_t n_pairs = size_round_up(pairs_of(as->head_dim), VEC_WIDTH);
    const size_t keys = n_pairs * ATTENTION_KEYS, rows = at_a_time * n_pairs;
    const size_t values = size_round_up(as->head_dim, VEC_WIDTH) * WEIGHT_PAIRS;
    const size_t weights = at_a_time * WEIGHT_PAIRS, scores = 2 * weights;
    const size_t statistics = as->n_heads / as->n_kv_heads * longest;
    const size_t n_rounded = keys + values + rows + weights, n_plain = scores + 2 * statistics;
    uint32_t *at = exec_scratch(exec, n_rounded * sizeof *at);
    float *numbers = exec_scratch(exec, n_plain * sizeof *numbers);
    if (!at || !numbers) return error_set_memory(err, n_rounded + n_plain, sizeof *at, "attention");
    *out = (Buffers){.products = products,
                     .n_pairs = size_round_up(pairs_of(as->head_dim), products->step),
                     .keys = at,
                     .values = at + keys,
                     .queries = at + keys + values,
                     .weights = at + keys + values + rows,
                     .scores = numbers,
                     .max = numbers + scores,
                     .sum = numbers + scores + statistics};
    return STATUS_OK;
}

// ---- panels ----

static const float *row_at(const AttentionHead *h, const Tensor *tensor, size_t j)
{
    return (const float *)tensor->data + (h->k_begin + j) * tensor->row_stride +
           h->kv_head * h->as->head_dim;
}

// Keys [j0, j0 + n): [panel of 16 keys][pair of columns][key].
static void pack_keys(const Tensor *keys, const AttentionHead *h, size_t j0, size_t n,
                      size_t n_pairs, uint32_t *to)
{
    const size_t head_dim = h->as->head_dim;
    for (size_t j = 0; j < n; j += VEC_WIDTH, to += n_pairs * VEC_WIDTH) {
        for (size_t pair = 0; pair < n_pairs; pair += VEC_WIDTH) {
            Vec block[VEC_WIDTH];
            for (size_t i = 0; i < VEC_WIDTH; i++) {
                block[i] = j + i < n ? (Vec)bf16_round_pairs(row_at(h, keys, j0 + j + i) + 2 * pair,
                                                             head_dim - 2 * pair)
                                     : vec_zero();
            }
            vec_transpose(block);
            for (size_t i = 0; i < size_min(VEC_WIDTH, n_pairs - pair); i++)
                _mm512_storeu_ps(to + (pair + i) * VEC_WIDTH, block[i]);
        }
    }
}

// Values [j0, j0 + n): [panel of 16 columns][pair of keys][column], n_pairs of keys.
static void pack_values(const Tensor *values, const AttentionHead *h, size_t j0, size_t n,
                        size_t n_pairs, uint32_t *to)
{
    static const uint16_t in_pairs[] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                        21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                        11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i order = _mm512_loadu_si512(in_pairs);
    const size_t head_dim = h->as->head_dim, panel = n_pairs * VEC_WIDTH;
    for (size_t j = 0; j < n; j += 2, to += VEC_WIDTH) {
        const float *low = row_at(h, values, j0 + j), *high = low + values->row_stride;
        for (size_t d = 0; d < head_dim; d += VEC_WIDTH) {
            const Vec odd = j + 1 < n ? vec_load_any(high + d, head_dim - d) : vec_zero();
            const __m512i both =
                (__m512i)_mm512_cvtne2ps_pbh(odd, vec_load_any(low + d, head_dim - d));
            _mm512_storeu_si512(to + d / VEC_WIDTH * panel, _mm512_permutexvar_epi16(order, both));
        }
    }
    const size_t n_filled = n_pairs - pairs_of(n);
    for (size_t d = 0; d < head_dim; d += VEC_WIDTH, to += panel)
        memset(to, 0, n_filled * VEC_WIDTH * sizeof *to);
}

// ---- what comes next ----

// Keys and values of the tile after this one, to be fetched meanwhile, a share with each block of queries: a head's numbers
// lie in pieces far apart, which the processor does not foresee.
typedef struct Next {
    size_t row, n_rows, column; // none: 0 rows
} Next;

// The tile after keys [j0, ..): of the head, else of the next head, else of the next sequence.
static Next next_tile(const OpArgs *args, const AttentionHead *h, size_t j0)
{
    const size_t head_dim = h->as->head_dim, end = h->k_begin + h->n_keys;
    const size_t following = j0 + ATTENTION_KEYS;
    if (following < h->n_keys)
        return (Next){.row = h->k_begin + following,
                      .n_rows = size_min(ATTENTION_KEYS, h->n_keys - following),
                      .column = h->kv_head * head_dim};
    if (h->kv_head + 1 < h->as->n_kv_heads)
        return (Next){.row = h->k_begin,
                      .n_rows = size_min(ATTENTION_KEYS, h->n_keys),
                      .column = (h->kv_head + 1) * head_dim};
    return (Next){.row = end, .n_rows = size_min(ATTENTION_KEYS, args->in[1].rows - end)};
}

static void fetch_row(const Tensor *tensor, size_t row, size_t column, size_t n_columns)
{
    const float *from = (const float *)tensor->data + row * tensor->row_stride + column;
    for (size_t d = 0; d < n_columns; d += VEC_WIDTH) __builtin_prefetch(from + d, 0, 2);
}

// While row i of the queries is finished: row i of the keys and values, and of the next head's queries.
static void fetch_next(const OpArgs *args, const AttentionHead *h, const Next *next, size_t i)
{
    const size_t head_dim = h->as->head_dim;
    if (i < next->n_rows) {
        fetch_row(&args->in[1], next->row + i, next->column, head_dim);
        fetch_row(&args->in[2], next->row + i, next->column, head_dim);
    }
    if (h->head + 1 < h->as->n_heads)
        fetch_row(&args->in[0], h->q_begin + i, (h->head + 1) * head_dim, head_dim);
}

// ---- softmax ----

static const float log2_e = 0x1.715476p+0f;

static void scale_row(size_t n, float factor, float *row)
{
    for (size_t d = 0; d < n; d += VEC_WIDTH) {
        vec_store_any(row + d, n - d, vec_mul(vec_load_any(row + d, n - d), vec_set1(factor)));
    }
}

// A row of n scores, a multiple of 16, becomes 2^(factor score - max) in pairs; max, sum and what y has so far go over to the
// new maximum. y is NULL at the first tile.
static inline void weigh_row(size_t n, float factor, const float *scores, uint32_t *weights,
                             float *max, float *sum, size_t head_dim, float *y)
{
    const Vec scale = vec_set1(factor);
    Vec largest = vec_mul(vec_load(scores), scale);
    for (size_t j = VEC_WIDTH; j < n; j += VEC_WIDTH)
        largest = vec_max(largest, vec_mul(vec_load(scores + j), scale));
    const float tile_max = vec_reduce_max(largest), old_max = *max;
    const float new_max = tile_max > old_max ? tile_max : old_max;
    // Of a row that sees nothing yet, 0.
    const Vec shift = vec_set1(new_max == -INFINITY ? 0.0f : -new_max);
    Vec total = vec_zero();
    for (size_t j = 0; j < n; j += (size_t)2 * VEC_WIDTH) {
        const int is_pair = j + VEC_WIDTH < n;
        const Vec low = vec_exp2_coarse(vec_fma(vec_load(scores + j), scale, shift));
        Vec high = vec_zero();
        if (is_pair)
            high = vec_exp2_coarse(vec_fma(vec_load(scores + j + VEC_WIDTH), scale, shift));
        total = vec_add(total, vec_add(low, high));
        _mm512_storeu_si512(weights + j / 2, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
    if (new_max != old_max && old_max != -INFINITY) { // of a tile before, or of a sink
        float carry[VEC_WIDTH];
        vec_store(carry, vec_exp2_coarse(vec_set1(old_max - new_max)));
        *sum *= carry[0];
        if (y) scale_row(head_dim, carry[0], y);
    }
    *sum += vec_reduce_add(total);
    *max = new_max;
}

// Scores of query i for keys [j0, j0 + n) become weights of their values. y is NULL at the first tile.
static void finish_row(const AttentionHead *h, size_t i, size_t j0, size_t n, float *scores,
                       uint32_t *weights, float *max, float *sum, float *y)
{
    const AttentionArgs *as = h->as;
    const size_t padded = size_round_up(n, VEC_WIDTH);
    const int is_plain = attention_is_plain(as, padded);
    if (is_plain) {
        for (size_t j = n; j < padded; j++) scores[j] = -INFINITY;
    } else {
        attention_finish_scores(h, i, j0, n, scores);
    }
    weigh_row(padded, is_plain ? as->scale * log2_e : log2_e, scores, weights, max, sum,
              as->head_dim, y);
}

// ---- tiles ----

static void multiply_avx512(size_t n_rows, size_t n_columns, size_t panel_pairs, Bf16Tile tile)
{
    const uint32_t *weights = tile.weights;
    float *c = tile.c;
    for (size_t column = 0; column < n_columns; column += (size_t)BF16_PANELS * VEC_WIDTH) {
        const size_t left = n_columns - column, panels = left > VEC_WIDTH ? BF16_PANELS : 1;
        tile.weights = weights + column / VEC_WIDTH * panel_pairs;
        tile.panel_pairs = panel_pairs;
        tile.c = c + column;
        tile.n_last = size_min(left - (panels - 1) * VEC_WIDTH, VEC_WIDTH);
        bf16_tile_avx512(n_rows, panels, &tile);
    }
}

// Queries [i0, i0 + n_rows), as many as are taken at a time, against one packed tile of keys: their first one, or one after it.
static void attend_rows(const OpArgs *args, const AttentionHead *h, size_t i0, size_t n_rows,
                        size_t j0, int is_first, const Next *next, const Buffers *b, float *max,
                        float *sum)
{
    const size_t n_keys = size_min(ATTENTION_KEYS, h->n_keys - j0);
    const size_t head_dim = h->as->head_dim, n_pairs = b->n_pairs;
    const size_t key_pairs = size_round_up(pairs_of(n_keys), b->products->step);
    const Tensor *q = &args->in[0], *y = &args->out[0];
    const size_t column = h->head * head_dim, row = h->q_begin + i0;
    float *out = (float *)y->data + row * y->row_stride + column;
    for (size_t i = 0; i < n_rows; i++) {
        const float *from = (const float *)q->data + (row + i) * q->row_stride + column;
        for (size_t d = 0; d < head_dim; d += VEC_WIDTH)
            __builtin_prefetch(out + i * y->row_stride + d, 1);
        bf16_round_row(head_dim, from, b->queries + i * n_pairs);
        for (size_t pair = pairs_of(head_dim); pair < n_pairs; pair++)
            b->queries[i * n_pairs + pair] = 0;
    }
    // Scores beyond the last key, up to a whole vector, are those of zeros.
    b->products->scores(n_rows, size_round_up(n_keys, VEC_WIDTH), n_pairs * VEC_WIDTH,
                        (Bf16Tile){.pairs = b->queries,
                                   .row_pairs = n_pairs,
                                   .n_pairs = n_pairs,
                                   .weights = b->keys,
                                   .c = b->scores,
                                   .c_row = ATTENTION_KEYS});
    for (size_t i = 0; i < n_rows; i++) {
        fetch_next(args, h, next, i0 + i);
        finish_row(h, i0 + i, j0, n_keys, b->scores + i * ATTENTION_KEYS,
                   b->weights + i * WEIGHT_PAIRS, &max[i0 + i], &sum[i0 + i],
                   is_first ? NULL : out + i * y->row_stride);
    }
    b->products->values(n_rows, head_dim, key_pairs * VEC_WIDTH,
                        (Bf16Tile){.pairs = b->weights,
                                   .row_pairs = WEIGHT_PAIRS,
                                   .n_pairs = key_pairs,
                                   .weights = b->values,
                                   .c = out,
                                   .c_row = y->row_stride,
                                   .accumulate = !is_first});
}

// All queries of a head that have one packed tile of keys among theirs, in rows of much the same number.
static void attend_tile(const OpArgs *args, const AttentionHead *h, size_t j0, const Buffers *b,
                        float *max, float *sum)
{
    const size_t n = h->n_queries, most = b->products->rows, n_tiles = (n + most - 1) / most;
    const Next next = next_tile(args, h, j0);
    for (size_t t = 0; t < n_tiles; t++) {
        const size_t i0 = n * t / n_tiles, n_rows = n * (t + 1) / n_tiles - i0;
        const AttentionReach tiles = attention_tiles(h, i0, n_rows);
        if (j0 < tiles.first || j0 >= tiles.end) continue;
        attend_rows(args, h, i0, n_rows, j0, j0 == tiles.first, &next, b, max, sum);
    }
}

static void finish_rows(const OpArgs *args, const AttentionHead *h, const float *sum)
{
    const Tensor *y = &args->out[0];
    const size_t head_dim = h->as->head_dim;
    for (size_t i = 0; i < h->n_queries; i++) {
        float *out = (float *)y->data + (h->q_begin + i) * y->row_stride + h->head * head_dim;
        // The largest score alone adds 1; NaN goes through.
        const int sees_any = sum[i] != 0.0f && h->n_keys > 0;
        const float factor = sees_any ? 1.0f / sum[i] : 0.0f;
        for (size_t d = 0; d < head_dim; d += VEC_WIDTH) {
            const size_t n = head_dim - d;
            const Vec mean = vec_mul(vec_load_any(out + d, n), vec_set1(factor));
            vec_store_any(out + d, n, sees_any ? mean : vec_zero());
        }
    }
}

// All query heads of one key head.
static void attend_group(const OpArgs *args, size_t sequence, size_t kv_head, const Buffers *b)
{
    const AttentionArgs *as = &args->as.attention;
    const size_t group = as->n_heads / as->n_kv_heads;
    AttentionHead h = attention_head(as, &args->in[3], sequence, kv_head * group);
    const size_t n_queries = h.n_queries;
    attention_begin(args, kv_head * group, (kv_head + 1) * group, n_queries, log2_e, b->max,
                    b->sum);
    const AttentionReach tiles = attention_tiles(&h, 0, n_queries);
    for (size_t j0 = tiles.first; j0 < tiles.end; j0 += ATTENTION_KEYS) {
        const size_t n_keys = size_min(ATTENTION_KEYS, h.n_keys - j0);
        pack_keys(&args->in[1], &h, j0, n_keys, b->n_pairs, b->keys);
        pack_values(&args->in[2], &h, j0, n_keys,
                    size_round_up(pairs_of(n_keys), b->products->step), b->values);
        for (size_t member = 0; member < group; member++) {
            h.head = kv_head * group + member;
            attend_tile(args, &h, j0, b, b->max + member * n_queries, b->sum + member * n_queries);
        }
    }
    for (size_t member = 0; member < group; member++) {
        h.head = kv_head * group + member;
        finish_rows(args, &h, b->sum + member * n_queries);
    }
}

Status attention_bf16_run(const OpArgs *args, const AttentionProducts *products, Exec *exec,
                          Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const size_t mark = exec_scratch_mark(exec);
    Buffers buffers = {0};
    TRY(take_buffers(as, products, exec, &buffers, err));
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        if (as->queries.offsets[s] == as->queries.offsets[s + 1]) continue;
        for (size_t head = 0; head < as->n_kv_heads; head++) attend_group(args, s, head, &buffers);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

Status attention_bf16_avx512(const OpArgs *args, Exec *exec, Error *err)
{
    static const AttentionProducts products = {
        .rows = BF16_ROWS, .step = 1, .scores = multiply_avx512, .values = multiply_avx512};
    return attention_bf16_run(args, &products, exec, err);
}
