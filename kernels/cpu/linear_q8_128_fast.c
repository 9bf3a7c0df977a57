// OP_LINEAR_I8 for weights in Q8_128, with AVX-512 VNNI. Against linear_i8_fast.c: a step of an output's chain comes after 32
// products of four bytes instead of 8, so that little is left beside them; both inputs have scales for 128 numbers. On one
// thread of a Zen 4, 512 x 2304 x 768: 1.3 times as fast as Q8_0.
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
    LINE_BYTES = 64, // of codes: four k of 16 outputs; a block begins with a line of scales
    BLOCK_LINES = 1 + BLOCK / 4,
};

#define LOW_INLINE static inline __attribute__((always_inline))

// x rounded: of each row K codes, and for each block what goes with them.
typedef struct Rounded {
    int8_t *codes;  // [rows, k]
    float *scale;   // [rows, n_blocks]
    int32_t *begin; // [rows, n_blocks] -SHIFT * sum q
    size_t k, n_blocks;
} Rounded;

// ---- rounding ----

// Bits without their sign are in the order of magnitudes, with infinity and NaN above all numbers.
LOW_INLINE int32_t largest_of_block(const float *x)
{
    const __m512i size = _mm512_set1_epi32(INT32_MAX);
    __m512i largest = _mm512_and_si512(_mm512_loadu_si512(x), size);
#pragma GCC unroll 7
    for (size_t v = 1; v < BLOCK / VEC_WIDTH; v++) {
        const __m512i bits = _mm512_loadu_si512(x + v * VEC_WIDTH);
        largest = _mm512_max_epi32(largest, _mm512_and_si512(bits, size));
    }
    return _mm512_reduce_max_epi32(largest);
}

// Codes of a line's 64 numbers, to the nearest, halves to even.
LOW_INLINE __m512i round_line(const float *x, Vec inverse)
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

LOW_INLINE void round_block(const float *x, int8_t *codes, float *scale, int32_t *begin)
{
    const int32_t bits = largest_of_block(x);
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    const int is_odd = bits >= 0x7f800000, is_zero = largest < LOW_TINY;
    const Vec inverse = vec_set1(is_zero || is_odd ? 0.0f : 127.0f / largest);
    __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 2
    for (size_t k = 0; k < BLOCK; k += LINE_BYTES) {
        const __m512i q = round_line(x + k, inverse);
        _mm512_storeu_si512(codes + k, q);
        sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), q);
    }
    *scale = is_odd ? NAN : is_zero ? 0.0f : largest / 127.0f;
    *begin = is_odd ? 0 : -SHIFT * _mm512_reduce_add_epi32(sum);
}

static void round_rows(const Tensor *x, size_t first, size_t n, const Rounded *to)
{
    for (size_t i = 0; i < n; i++) {
        const float *row = (const float *)x->data + (first + i) * x->row_stride;
        for (size_t b = 0; b < to->n_blocks; b++) {
            const size_t at = i * to->n_blocks + b;
            round_block(row + b * BLOCK, to->codes + i * to->k + b * BLOCK, &to->scale[at],
                        &to->begin[at]);
        }
    }
}

// ---- tiles ----

typedef struct Tile {
    const int8_t *codes; // of the first row
    const float *scale;
    const int32_t *begin;
    size_t k, n_blocks;
    const uint8_t *weights; // of the first panel
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
LOW_INLINE void block_step(const int rows, const int panels, const Tile *t, size_t index,
                           Vec sum[ROWS][WIDE])
{
    const uint8_t *weights = t->weights + index * BLOCK_LINES * LINE_BYTES;
    const int8_t *codes = t->codes + index * BLOCK;
    __m512i acc[ROWS][WIDE];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++)
            acc[i][p] = _mm512_set1_epi32(t->begin[(size_t)i * t->n_blocks + index]);
    }
#pragma GCC unroll 4
    for (size_t g = 0; g < BLOCK / 4; g++) {
        __m512i w[WIDE];
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++)
            w[p] = _mm512_loadu_si512(weights + (size_t)p * t->panel_bytes + (g + 1) * LINE_BYTES);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, codes + (size_t)i * t->k + g * 4, sizeof four);
            const __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 4
            for (int p = 0; p < panels; p++) add_products(&acc[i][p], w[p], x);
        }
    }
    Vec scale[WIDE];
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        const uint8_t *halves = weights + (size_t)p * t->panel_bytes;
        scale[p] = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        const Vec d = vec_set1(t->scale[(size_t)i * t->n_blocks + index]);
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) {
            const Vec products = _mm512_cvtepi32_ps(acc[i][p]);
            sum[i][p] = vec_fma(products, vec_mul(scale[p], d), sum[i][p]);
        }
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
    const uint8_t *next = t->next;
    for (size_t b = 0; b < t->n_blocks; b++) {
        for (size_t line = 0; line < t->n_next; line++, next += LINE_BYTES)
            __builtin_prefetch(next, 0, 3);
        block_step(rows, panels, t, b, sum);
    }
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        const size_t n = p + 1 < panels ? VEC_WIDTH : t->n_last, column = (size_t)p * VEC_WIDTH;
        const Vec bias = t->bias ? vec_load_any(t->bias + column, n) : vec_zero();
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            Vec y = t->bias ? vec_add(sum[i][p], bias) : sum[i][p];
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
static void run_block(const OpArgs *args, size_t first, size_t n_rows, const Rounded *x)
{
    const Tensor *w = &args->in[1], *y = &args->out[0];
    const float *bias = args->in[2].data;
    const int ends_in_gelu = low_ends_in_gelu(args);
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols);
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
                .scale = x->scale + from * x->n_blocks,
                .begin = x->begin + from * x->n_blocks,
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

Status linear_q8_128_vnni(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    const size_t n_rows = size_min(x->rows, BLOCK_ROWS);
    Rounded to = {.k = w->cols, .n_blocks = w->cols / BLOCK};
    const size_t codes = n_rows * to.k, scales = n_rows * to.n_blocks * sizeof(float),
                 total = codes + 2 * scales;
    const size_t mark = exec_scratch_mark(exec);
    char *at = exec_scratch(exec, total);
    if (!at) return error_set_memory(err, total, 1, "a product of bytes");
    to.codes = (int8_t *)at;
    to.scale = (float *)(at + codes);
    to.begin = (int32_t *)(at + codes + scales);
    for (size_t first = 0; first < x->rows; first += BLOCK_ROWS) {
        const size_t n = size_min(BLOCK_ROWS, x->rows - first);
        round_rows(x, first, n, &to);
        run_block(args, first, n, &to);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
