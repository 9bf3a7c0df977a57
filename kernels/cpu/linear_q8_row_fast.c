// OP_LINEAR_I8 for weights in Q8_ROW, with AVX-512 VNNI. Scales of blocks are halvings of their row's, so that what a block adds
// needs no multiplication: an accumulator starts as the bits of 1.5 x 2^(23 - halvings), which the products of bytes, added as
// integers, turn into that float plus their sum, scaled; it is taken off and the rest added, by units that have nothing else to
// do here. One multiplication and one fmaf end an output. On one thread of a Zen 4, 512 x 2304 x 768: 1.05 times as fast as with
// a scale for each 128 numbers of both sides and an fmaf for each; 16 x 2304 x 768 1.06.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"

enum {
    ROWS = 6,
    PANELS = 2,
    WIDE = 4,
    WIDE_ROWS = 3,
    BLOCK_ROWS = 192,
    BLOCK = LOW_WIDE_BLOCK,
    SHIFT = 128,     // code = q + SHIFT
    LINE_BYTES = 64, // of codes: four k of 16 outputs; a panel begins with a line of scales
    BLOCK_LINES = BLOCK / 4,
    UNIT =
        0x4b400000, // bits of 1.5 x 2^23: the last place of such a float is 1, and 2^22 either way leave it so
    EXPONENT = 23, // where the exponent begins
};
_Static_assert(BLOCK *SHIFT * 127 < 1 << 22, "a block's sum leaves the exponent");

#define LOW_INLINE static inline __attribute__((always_inline))

// x rounded: of each row K codes and a scale; of each block what its sums start from, and what of that is no sum.
typedef struct Rounded {
    int8_t *codes;  // [rows, k]
    float *scale;   // [rows]
    float *unit;    // [n_blocks, rows] 1.5 x 2^(23 - halvings)
    int32_t *begin; // [n_blocks, rows] the bits of unit, less SHIFT * sum q
    size_t n_rows, k, n_blocks;
} Rounded;

// ---- rounding ----

// Bits without their sign are in the order of magnitudes, with infinity and NaN above all numbers.
LOW_INLINE int32_t largest_of_block(const float *x)
{
    const __m512i size = _mm512_set1_epi32(INT32_MAX);
    __m512i largest = _mm512_and_si512(_mm512_loadu_si512(x), size);
#pragma GCC unroll 3
    for (size_t v = 1; v < BLOCK / VEC_WIDTH; v++) {
        const __m512i bits = _mm512_loadu_si512(x + v * VEC_WIDTH);
        largest = _mm512_max_epi32(largest, _mm512_and_si512(bits, size));
    }
    return _mm512_reduce_max_epi32(largest);
}

static float float_of_bits(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// Codes of a block's 64 numbers, to the nearest, halves to even.
LOW_INLINE __m512i round_block(const float *x, Vec inverse)
{
    // Packing works within lanes of 16 bytes: four codes of each of the four vectors, a vector's codes four lanes apart.
    const __m512i in_order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i q[4];
#pragma GCC unroll 4
    for (size_t v = 0; v < 4; v++)
        q[v] = _mm512_cvtps_epi32(vec_mul(vec_load(x + v * VEC_WIDTH), inverse));
    const __m512i low = _mm512_packs_epi32(q[0], q[1]), high = _mm512_packs_epi32(q[2], q[3]);
    return _mm512_permutexvar_epi32(in_order, _mm512_packs_epi16(low, high));
}

static void round_row(const float *x, size_t i, const Rounded *to)
{
    int32_t *begin = to->begin + i, row_bits = 0;
    for (size_t b = 0; b < to->n_blocks; b++) {
        const int32_t bits = largest_of_block(x + b * BLOCK);
        begin[b * to->n_rows] = bits;
        if (bits > row_bits) row_bits = bits;
    }
    const float largest = float_of_bits(row_bits);
    const int is_odd = row_bits >= 0x7f800000, is_zero = largest < LOW_TINY;
    const float inverse = is_zero || is_odd ? 0.0f : 127.0f / largest;
    to->scale[i] = is_odd ? NAN : is_zero ? 0.0f : largest / 127.0f;
    for (size_t b = 0; b < to->n_blocks; b++) {
        // Exponents differ by the halvings, or by one more where the block's mantissa is the larger.
        const int32_t apart = (row_bits - begin[b * to->n_rows]) >> EXPONENT;
        const int32_t halvings = apart < LOW_MOST_HALVINGS ? apart : LOW_MOST_HALVINGS;
        const int32_t unit = UNIT - (halvings << EXPONENT);
        const Vec step = vec_set1(inverse * (float)(1 << halvings));
        const __m512i q = round_block(x + b * BLOCK, step);
        const __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), q);
        _mm512_storeu_si512(to->codes + i * to->k + b * BLOCK, q);
        to->unit[b * to->n_rows + i] = float_of_bits(unit);
        begin[b * to->n_rows] = unit - SHIFT * _mm512_reduce_add_epi32(sums);
    }
}

static void round_rows(const Tensor *x, size_t first, const Rounded *to)
{
    for (size_t i = 0; i < to->n_rows; i++)
        round_row((const float *)x->data + (first + i) * x->row_stride, i, to);
}

// ---- tiles ----

typedef struct Tile {
    const int8_t *codes; // of the first row
    const float *scale, *unit;
    const int32_t *begin;
    size_t n_rows, k, n_blocks; // n_rows: between blocks of unit and begin
    const uint8_t *weights;     // of the first panel
    size_t panel_bytes;
    // Fetched meanwhile, for each block: lines of the panels that come next.
    const uint8_t *next;
    size_t n_next;
    float *c;
    size_t c_row, n_last;
    const float *bias; // of the first column, or NULL
    int ends_in_gelu;
} Tile;

// _mm512_dpbusd_epi32, which gcc 12 turns into three instructions, two of them copies.
LOW_INLINE void add_products(__m512i *sums, __m512i weights, __m512i x)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*sums) : "v"(weights), "v"(x));
}

// The products of one block: sums of integers, then one step of every output's chain.
LOW_INLINE void block_step(const int rows, const int panels, const uint8_t *weights,
                           size_t panel_bytes, const int8_t *codes, size_t row_bytes,
                           const int32_t *begin, const float *unit, Vec sum[ROWS][WIDE])
{
    __m512i acc[ROWS][WIDE];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) acc[i][p] = _mm512_set1_epi32(begin[i]);
    }
#pragma GCC unroll 16
    for (size_t g = 0; g < BLOCK_LINES; g++) {
        __m512i w[WIDE];
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++)
            w[p] = _mm512_loadu_si512(weights + (size_t)p * panel_bytes + g * LINE_BYTES);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, codes + (size_t)i * row_bytes + g * 4, sizeof four);
            const __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 4
            for (int p = 0; p < panels; p++) add_products(&acc[i][p], w[p], x);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        const Vec no_sum = vec_set1(unit[i]);
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++)
            sum[i][p] = vec_add(sum[i][p], vec_sub(_mm512_castsi512_ps(acc[i][p]), no_sum));
    }
}

LOW_INLINE void tile_body(const int rows, const int panels, const Tile *t)
{
    Vec sum[ROWS][WIDE];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) {
            sum[i][p] = vec_zero();
            __builtin_prefetch(t->c + (size_t)i * t->c_row + (size_t)p * VEC_WIDTH, 1);
        }
    }
    const size_t panel_bytes = t->panel_bytes, row_bytes = t->k, n_rows = t->n_rows;
    const uint8_t *next = t->next, *weights = t->weights + LINE_BYTES;
    const int8_t *codes = t->codes;
    const int32_t *begin = t->begin;
    const float *unit = t->unit;
    for (size_t b = 0; b < t->n_blocks; b++) {
        for (size_t line = 0; line < t->n_next; line++, next += LINE_BYTES)
            __builtin_prefetch(next, 0, 3);
        block_step(rows, panels, weights, panel_bytes, codes, row_bytes, begin, unit, sum);
        weights += (size_t)BLOCK_LINES * LINE_BYTES;
        codes += BLOCK;
        begin += n_rows;
        unit += n_rows;
    }
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        const size_t n = p + 1 < panels ? VEC_WIDTH : t->n_last, column = (size_t)p * VEC_WIDTH;
        const uint8_t *halves = t->weights + (size_t)p * t->panel_bytes;
        const Vec scale = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
        const Vec bias = t->bias ? vec_load_any(t->bias + column, n) : vec_zero();
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            Vec y = vec_fma(vec_mul(sum[i][p], scale), vec_set1(t->scale[i]), bias);
            if (t->ends_in_gelu) y = vec_gelu_coarse(y);
            vec_store_any(t->c + (size_t)i * t->c_row + column, n, y);
        }
    }
}

typedef void TileFunction(const Tile *tile);

#define TILE(rows, panels)                               \
    static void tile_##rows##x##panels(const Tile *tile) \
    {                                                    \
        tile_body(rows, panels, tile);                   \
    }
#define TILES(rows) TILE(rows, 1) TILE(rows, 2)
// clang-format off
TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
TILE(1, 4) TILE(2, 4) TILE(3, 4)

static TileFunction *const tiles[ROWS][3] = {
    {tile_1x1, tile_1x2, tile_1x4}, {tile_2x1, tile_2x2, tile_2x4}, {tile_3x1, tile_3x2, tile_3x4},
    {tile_4x1, tile_4x2, NULL},     {tile_5x1, tile_5x2, NULL},     {tile_6x1, tile_6x2, NULL}};
// clang-format on

// ---- the product ----

// A block of rows against all panels: the weights of some panels stay in L1 while the rows pass, which fetch those that come
// next, a share each.
static void run_block(const OpArgs *args, size_t first, const Rounded *x)
{
    const Tensor *w = &args->in[1], *y = &args->out[0];
    const float *bias = args->in[2].data;
    const int ends_in_gelu = low_ends_in_gelu(args);
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols), n_rows = x->n_rows;
    const size_t n_panels = size_round_up(y->cols, VEC_WIDTH) / VEC_WIDTH;
    const size_t n_tiles = (n_rows + ROWS - 1) / ROWS, most = n_rows <= WIDE_ROWS ? WIDE : PANELS;
    for (size_t p = 0, take; p < n_panels; p += take) {
        take = n_panels - p >= most ? most : n_panels - p >= PANELS ? PANELS : 1;
        const size_t column = p * VEC_WIDTH, columns = size_min(take * VEC_WIDTH, y->cols - column);
        const uint8_t *weights = (const uint8_t *)w->data + p * panel_bytes;
        const size_t n_next =
            p + 2 * take > n_panels ? 0 : (take * BLOCK_LINES + n_tiles - 1) / n_tiles;
        for (size_t t = 0; t < n_tiles; t++) {
            const size_t from = n_rows * t / n_tiles, n = n_rows * (t + 1) / n_tiles - from;
            const Tile tile = {
                .codes = x->codes + from * x->k,
                .scale = x->scale + from,
                .unit = x->unit + from,
                .begin = x->begin + from,
                .n_rows = n_rows,
                .k = x->k,
                .n_blocks = x->n_blocks,
                .weights = weights,
                .panel_bytes = panel_bytes,
                .next = weights + take * panel_bytes + t * n_next * x->n_blocks * LINE_BYTES,
                .n_next = n_next,
                .c = (float *)y->data + (first + from) * y->row_stride + column,
                .c_row = y->row_stride,
                .n_last = columns - (take - 1) * VEC_WIDTH,
                .bias = bias ? bias + column : NULL,
                .ends_in_gelu = ends_in_gelu,
            };
            tiles[n - 1][take == WIDE ? 2 : take - 1](&tile);
            if (!ends_in_gelu) low_finish(args, first + from, n, column, columns);
        }
    }
}

Status linear_q8_row_vnni(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    const size_t most = size_min(x->rows, BLOCK_ROWS);
    Rounded to = {.k = w->cols, .n_blocks = w->cols / BLOCK};
    const size_t codes = size_round_up(most * to.k, LINE_BYTES), blocks = most * to.n_blocks * 4,
                 total = codes + 2 * blocks + most * sizeof(float);
    const size_t mark = exec_scratch_mark(exec);
    char *at = exec_scratch(exec, total);
    if (!at) return error_set_memory(err, total, 1, "a product of bytes");
    to.codes = (int8_t *)at;
    to.unit = (float *)(at + codes);
    to.begin = (int32_t *)(at + codes + blocks);
    to.scale = (float *)(at + codes + 2 * blocks);
    for (size_t first = 0; first < x->rows; first += BLOCK_ROWS) {
        to.n_rows = size_min(BLOCK_ROWS, x->rows - first);
        round_rows(x, first, &to);
        run_block(args, first, &to);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
