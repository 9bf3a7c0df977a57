// OP_LINEAR_I8 for weights in Q8_ROW, and OP_FEED_FORWARD_I8, with AVX-512 VNNI. Scales of blocks are halvings of their row's, so
// that what a block adds needs no multiplication: an accumulator starts as the bits of 1.5 x 2^(23 - halvings), which the products
// of bytes, added as integers, turn into that float plus their sum, scaled; it is taken off and the rest added, by units that have
// nothing else to do here. One multiplication and one fmaf end an output. On one thread of a Zen 4, 512 x 2304 x 768: 1.05 times
// as fast as with a scale for each 128 numbers of both sides and an fmaf for each; 16 x 2304 x 768 1.06.
// Codes of a tile's rows lie side by side, four of each, so that a tile of seven rows reads one stream of them: 768 x 2304 x 768
// 1.015 times as fast as six rows that each have their own.
// Two layers take some rows at a time, and 64 numbers between them: in L2 lie those of all rows, then codes, and nothing else is
// written. 768 x 3072 x 768: 1.03 times as fast as the two products were before, of which 0.01 are the tiles.
// Without gain: maxima and sums of eight rows reduced together; rounding a row between two blocks of the next tile.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/cpu/q8_row.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"

enum {
    ROWS = 7,
    PANELS = 2,
    WIDE = 4,
    WIDE_ROWS = 3,
    BLOCK_ROWS = 196,
    UNIT =
        0x4b400000, // bits of 1.5 x 2^23: the last place of such a float is 1, and 2^22 either way leave it so
};
_Static_assert(BLOCK *SHIFT * 127 < 1 << 22, "a block's sum leaves the exponent");

// Rows rounded: codes and a scale of each; of each block what its sums start from, and what of that is no sum.
typedef struct Rounded {
    int8_t *codes; // of each tile of n rows, which begins at its first row times k: [k / 4, n, 4]
    float *scale;  // [rows]
    int32_t *
        unit; // [n_blocks, stride] the bits of 1.5 x 2^(23 - halvings); before, what they follow from
    int32_t *begin;                     // [n_blocks, stride] those bits, less SHIFT * sum q
    size_t n_rows, stride, k, n_blocks; // stride: whole vectors
} Rounded;

// ---- rounding ----

// Block b of a tile of n rows, of which `from` is the first.
static void store_codes(const __m512i rows[8], size_t from, size_t n, size_t b, const Rounded *to)
{
    __m512i fours[8];
    int32_t *codes = (int32_t *)(to->codes + from * to->k) + b * BLOCK / 4 * n;
    transpose_fours(rows, fours);
    // A store of four rows or more may write what the next one overwrites, but for the last two.
    const __mmask8 own = (__mmask8)((1 << n) - 1);
#pragma GCC unroll 8
    for (size_t pair = 0; pair < 8; pair++, codes += 2 * n) {
        const __m256i even = _mm512_castsi512_si256(fours[pair]),
                      odd = _mm512_extracti64x4_epi64(fours[pair], 1);
        if (n >= 4 && pair < 7) {
            _mm256_storeu_si256((__m256i *)codes, even);
            _mm256_storeu_si256((__m256i *)(codes + n), odd);
        } else {
            _mm256_mask_storeu_epi32(codes, own, even);
            _mm256_mask_storeu_epi32(codes + n, own, odd);
        }
    }
}

// Block b of a tile by itself: its exponent goes to unit and the sum of its codes to begin. Exponents count from that of the
// smallest numbers of f32, so that 2^(exponent - STEP_BIAS) is what a code stands for; from ODD on something is infinite or no
// number.
static void round_tile_block(const float *x, size_t x_row, size_t from, size_t n, size_t b,
                             const Rounded *to)
{
    __m512i rows[8] = {0};
    int32_t *exponent = to->unit + b * to->stride + from, *sum = to->begin + b * to->stride + from;
    for (size_t i = 0; i < n; i++) {
        const int32_t largest = largest_of_block(x + i * x_row);
        // One more than the exponent of 2^k where the mantissa is above that of 127.
        const int32_t above = (int32_t)(((uint32_t)largest + ABOVE_127) >> EXPONENT);
        exponent[i] = largest > LOW_LARGEST_BITS ? ODD : above > LEAST ? above : LEAST;
        const float inverse = float_of_bits((STEP_BIAS + 127 - exponent[i]) * (1 << EXPONENT));
        rows[i] = round_block(x + i * x_row, inverse);
        sum[i] = sum_of_codes(rows[i]);
    }
    store_codes(rows, from, n, b, to);
}

// What follows from the exponents of all blocks of a row.
static void end_blocks(const Rounded *to)
{
    const __m512i most = _mm512_set1_epi32(MOST_HALVINGS), plain = _mm512_set1_epi32(UNIT);
    for (size_t i = 0; i < to->n_rows; i += VEC_WIDTH) {
        __m512i largest = _mm512_setzero_si512();
        for (size_t b = 0; b < to->n_blocks; b++)
            largest = _mm512_max_epi32(largest, _mm512_loadu_si512(to->unit + b * to->stride + i));
        for (size_t b = 0; b < to->n_blocks; b++) {
            int32_t *unit = to->unit + b * to->stride + i, *begin = to->begin + b * to->stride + i;
            const __m512i apart = _mm512_sub_epi32(largest, _mm512_loadu_si512(unit));
            const __m512i halvings = _mm512_slli_epi32(_mm512_min_epi32(apart, most), EXPONENT);
            const __m512i bits = _mm512_sub_epi32(plain, halvings);
            const __m512i sums = _mm512_slli_epi32(_mm512_loadu_si512(begin), SHIFT_BITS);
            _mm512_storeu_si512(unit, bits);
            _mm512_storeu_si512(begin, _mm512_sub_epi32(bits, sums));
        }
        const __m512i scale = _mm512_slli_epi32(
            _mm512_sub_epi32(largest, _mm512_set1_epi32(STEP_BIAS - 127)), EXPONENT);
        const __mmask16 is_odd = _mm512_cmpge_epi32_mask(largest, _mm512_set1_epi32(ODD));
        vec_store(to->scale + i,
                  _mm512_mask_mov_ps(_mm512_castsi512_ps(scale), is_odd, vec_set1(NAN)));
    }
}

static size_t n_tiles_of(size_t n_rows)
{
    return (n_rows + ROWS - 1) / ROWS;
}

// Tiles have much the same number of rows.
static size_t tile_begin(size_t n_rows, size_t t)
{
    return n_rows * t / n_tiles_of(n_rows);
}

// The rows of a tile, each with one scale, of which those of its blocks are halvings.
static void round_tile(const float *x, size_t x_row, size_t from, size_t n, const Rounded *to)
{
    int32_t *unit = to->unit + from, *begin = to->begin + from, row_bits[ROWS] = {0};
    float inverse[ROWS];
    for (size_t i = 0; i < n; i++) {
        for (size_t b = 0; b < to->n_blocks; b++) {
            const int32_t bits = largest_of_block(x + i * x_row + b * BLOCK);
            unit[b * to->stride + i] = bits;
            if (bits > row_bits[i]) row_bits[i] = bits;
        }
        const float largest = float_of_bits(row_bits[i]);
        const int is_odd = row_bits[i] > LOW_LARGEST_BITS, is_zero = largest < LOW_TINY;
        inverse[i] = is_zero || is_odd ? 0.0f : 127.0f / largest;
        to->scale[from + i] = is_odd ? NAN : is_zero ? 0.0f : largest / 127.0f;
    }
    for (size_t b = 0; b < to->n_blocks; b++, unit += to->stride, begin += to->stride) {
        __m512i rows[8] = {0};
        for (size_t i = 0; i < n; i++) {
            // Exponents differ by the halvings, or by one more where the block's mantissa is the larger.
            const int32_t apart = (row_bits[i] - unit[i]) >> EXPONENT;
            const int32_t halvings = apart < LOW_MOST_HALVINGS ? apart : LOW_MOST_HALVINGS;
            rows[i] = round_block(x + i * x_row + b * BLOCK, inverse[i] * (float)(1 << halvings));
            unit[i] = UNIT - (halvings << EXPONENT);
            begin[i] = unit[i] - SHIFT * sum_of_codes(rows[i]);
        }
        store_codes(rows, from, n, b, to);
    }
}

static void round_rows(const Tensor *x, size_t first, int scales_by_block, const Rounded *to)
{
    for (size_t t = 0; t < n_tiles_of(to->n_rows); t++) {
        const size_t from = tile_begin(to->n_rows, t), n = tile_begin(to->n_rows, t + 1) - from;
        const float *rows = (const float *)x->data + (first + from) * x->row_stride;
        if (!scales_by_block) round_tile(rows, x->row_stride, from, n, to);
        for (size_t b = 0; scales_by_block && b < to->n_blocks; b++)
            round_tile_block(rows + b * BLOCK, x->row_stride, from, n, b, to);
    }
    if (scales_by_block) end_blocks(to);
}

static size_t rounded_bytes(size_t n_rows, size_t k)
{
    const size_t stride = size_round_up(n_rows, VEC_WIDTH);
    return size_round_up(n_rows * k, LINE_BYTES) + stride * (2 * (k / BLOCK) + 1) * sizeof(int32_t);
}

// Room for so many rows of k numbers, which begins at `at`.
static Rounded place_rounded(char *at, size_t most_rows, size_t k)
{
    const size_t stride = size_round_up(most_rows, VEC_WIDTH), n_blocks = k / BLOCK;
    const size_t codes = size_round_up(most_rows * k, LINE_BYTES),
                 blocks = stride * n_blocks * sizeof(int32_t);
    return (Rounded){.codes = (int8_t *)at,
                     .unit = (int32_t *)(at + codes),
                     .begin = (int32_t *)(at + codes + blocks),
                     .scale = (float *)(at + codes + 2 * blocks),
                     .stride = stride,
                     .k = k,
                     .n_blocks = n_blocks};
}

// ---- tiles ----

typedef struct Tile {
    const int8_t *codes; // [k / 4, rows, 4]
    const float *scale;
    const int32_t *unit, *begin;
    size_t stride, n_blocks; // stride: between blocks of unit and begin
    const uint8_t *weights;  // of the first panel
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

// The products of one block: sums of integers, then one step of every output's chain. What comes next is fetched between them: lines
// that are asked for all at once wait for each other, and the products for them (a BERT-base of 16 tokens took 1.06 times as long on
// an Emerald Rapids).
LOW_INLINE void block_step(const int rows, const int panels, const uint8_t *weights,
                           size_t panel_bytes, const int8_t *codes, const int32_t *begin,
                           const int32_t *unit, const uint8_t *next, size_t n_next,
                           Vec sum[ROWS][WIDE])
{
    __m512i acc[ROWS][WIDE];
#pragma GCC unroll 7
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) acc[i][p] = _mm512_set1_epi32(begin[i]);
    }
#pragma GCC unroll 16
    for (size_t g = 0; g < BLOCK_LINES; g++) {
        __m512i w[WIDE];
        for (size_t line = g; line < n_next; line += BLOCK_LINES)
            __builtin_prefetch(next + line * LINE_BYTES, 0, 3);
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++)
            w[p] = _mm512_loadu_si512(weights + (size_t)p * panel_bytes + g * LINE_BYTES);
#pragma GCC unroll 7
        for (int i = 0; i < rows; i++) {
            int32_t four;
            memcpy(&four, codes + (g * (size_t)rows + (size_t)i) * 4, sizeof four);
            const __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 4
            for (int p = 0; p < panels; p++) add_products(&acc[i][p], w[p], x);
        }
    }
#pragma GCC unroll 7
    for (int i = 0; i < rows; i++) {
        const Vec no_sum = _mm512_castsi512_ps(_mm512_set1_epi32(unit[i]));
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++)
            sum[i][p] = vec_add(sum[i][p], vec_sub(_mm512_castsi512_ps(acc[i][p]), no_sum));
    }
}

LOW_INLINE void tile_body(const int rows, const int panels, const Tile *t)
{
    Vec sum[ROWS][WIDE];
#pragma GCC unroll 7
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) {
            sum[i][p] = vec_zero();
            __builtin_prefetch(t->c + (size_t)i * t->c_row + (size_t)p * VEC_WIDTH, 1);
        }
    }
    const size_t panel_bytes = t->panel_bytes, stride = t->stride;
    const uint8_t *next = t->next, *weights = t->weights + LINE_BYTES;
    const int8_t *codes = t->codes;
    const int32_t *begin = t->begin, *unit = t->unit;
    for (size_t b = 0; b < t->n_blocks; b++) {
        block_step(rows, panels, weights, panel_bytes, codes, begin, unit, next, t->n_next, sum);
        next += t->n_next * LINE_BYTES;
        weights += (size_t)BLOCK_LINES * LINE_BYTES;
        codes += (size_t)rows * BLOCK;
        begin += stride;
        unit += stride;
    }
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        const size_t n = p + 1 < panels ? VEC_WIDTH : t->n_last, column = (size_t)p * VEC_WIDTH;
        const uint8_t *halves = t->weights + (size_t)p * t->panel_bytes;
        const Vec scale = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
        const Vec bias = t->bias ? vec_load_any(t->bias + column, n) : vec_zero();
#pragma GCC unroll 7
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
TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6) TILES(7)
TILE(1, 4) TILE(2, 4) TILE(3, 4)

static TileFunction *const tiles[ROWS][3] = {
    {tile_1x1, tile_1x2, tile_1x4}, {tile_2x1, tile_2x2, tile_2x4}, {tile_3x1, tile_3x2, tile_3x4},
    {tile_4x1, tile_4x2, NULL},     {tile_5x1, tile_5x2, NULL},     {tile_6x1, tile_6x2, NULL},
    {tile_7x1, tile_7x2, NULL}};
// clang-format on

// ---- products ----

typedef struct Product {
    const OpArgs *args; // of a layer, or of a block of its outputs
    size_t first;       // row of out0 where it begins
    const Rounded *x;
    size_t n_follow;        // panels behind the weight's last
    const Rounded *rounded; // where out0, a block, goes on as codes; or NULL
    size_t block;           // which of its blocks
} Product;

// A block of rows against all panels: the weights of some panels stay in L1 while the rows pass, which fetch those that come
// next, a share each.
static void run_block(const Product *product)
{
    const OpArgs *args = product->args;
    const Rounded *x = product->x;
    const Tensor *w = &args->in[1], *y = &args->out[0];
    const float *bias = args->in[2].data;
    const int ends_in_gelu = low_ends_in_gelu(args);
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols), n_rows = x->n_rows;
    const size_t n_panels = size_round_up(y->cols, VEC_WIDTH) / VEC_WIDTH;
    const size_t n_tiles = n_tiles_of(n_rows), most = n_rows <= WIDE_ROWS ? WIDE : PANELS;
    for (size_t p = 0, take; p < n_panels; p += take) {
        take = n_panels - p >= most ? most : n_panels - p >= PANELS ? PANELS : 1;
        const size_t column = p * VEC_WIDTH, columns = size_min(take * VEC_WIDTH, y->cols - column);
        const uint8_t *weights = (const uint8_t *)w->data + p * panel_bytes;
        const size_t n_next = p + 2 * take > n_panels + product->n_follow
                                  ? 0
                                  : (take * BLOCK_LINES + n_tiles - 1) / n_tiles;
        for (size_t t = 0; t < n_tiles; t++) {
            const size_t from = tile_begin(n_rows, t), n = tile_begin(n_rows, t + 1) - from;
            float *c = (float *)y->data + (product->first + from) * y->row_stride;
            const Tile tile = {
                .codes = x->codes + from * x->k,
                .scale = x->scale + from,
                .unit = x->unit + from,
                .begin = x->begin + from,
                .stride = x->stride,
                .n_blocks = x->n_blocks,
                .weights = weights,
                .panel_bytes = panel_bytes,
                .next = weights + take * panel_bytes + t * n_next * x->n_blocks * LINE_BYTES,
                .n_next = n_next,
                .c = c + column,
                .c_row = y->row_stride,
                .n_last = columns - (take - 1) * VEC_WIDTH,
                .bias = bias ? bias + column : NULL,
                .ends_in_gelu = ends_in_gelu,
            };
            tiles[n - 1][take == WIDE ? 2 : take - 1](&tile);
            if (!ends_in_gelu) low_finish(args, product->first + from, n, column, columns);
            if (!product->rounded || p + take < n_panels) continue;
            round_tile_block(c, y->row_stride, from, n, product->block, product->rounded);
        }
    }
}

Status linear_q8_row_vnni(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    const size_t most = size_min(x->rows, BLOCK_ROWS), size_bytes = rounded_bytes(most, w->cols);
    const size_t mark = exec_scratch_mark(exec);
    char *at = exec_scratch(exec, size_bytes);
    if (!at) return error_set_memory(err, size_bytes, 1, "a product of bytes");
    Rounded rounded = place_rounded(at, most, w->cols);
    for (size_t first = 0; first < x->rows; first += BLOCK_ROWS) {
        rounded.n_rows = size_min(BLOCK_ROWS, x->rows - first);
        round_rows(x, first, args->as.linear.scales_by_block, &rounded);
        run_block(&(Product){.args = args, .first = first, .x = &rounded});
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- two layers ----

// The first layer of a block of rows: 64 outputs at a time, which become a block of the second layer's input.
static void run_inner(const OpArgs *args, const Rounded *x, float *outputs, const Rounded *inner)
{
    const Tensor *w = &args->in[1], *bias = &args->in[2];
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols);
    const size_t block_panels = BLOCK / VEC_WIDTH;
    OpArgs part = {.as.linear.activation = args->as.linear.activation};
    part.out[0] = tensor_f32(outputs, x->n_rows, BLOCK);
    for (size_t b = 0; b < inner->n_blocks; b++) {
        part.in[1] = *w;
        part.in[1].data = (char *)w->data + b * block_panels * panel_bytes;
        part.in[1].rows = BLOCK;
        if (bias->data) part.in[2] = tensor_columns(*bias, b * BLOCK, (b + 1) * BLOCK);
        run_block(&(Product){.args = &part,
                             .x = x,
                             .n_follow = (inner->n_blocks - b - 1) * block_panels,
                             .rounded = inner,
                             .block = b});
    }
    end_blocks(inner);
}

Status feed_forward_i8_vnni(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[3];
    const size_t most = size_min(x->rows, BLOCK_ROWS), k = args->in[1].cols, n_inner = w->cols;
    const size_t of_x = size_round_up(rounded_bytes(most, k), LINE_BYTES),
                 of_inner = size_round_up(rounded_bytes(most, n_inner), LINE_BYTES),
                 size_bytes = of_x + of_inner + most * BLOCK * sizeof(float);
    const size_t mark = exec_scratch_mark(exec);
    char *at = exec_scratch(exec, size_bytes);
    if (!at) return error_set_memory(err, size_bytes, 1, "two products of bytes");
    Rounded rounded = place_rounded(at, most, k), inner = place_rounded(at + of_x, most, n_inner);
    OpArgs outer = {.out[0] = args->out[0]};
    outer.in[1] = *w;
    outer.in[2] = args->in[4];
    for (size_t first = 0; first < x->rows; first += BLOCK_ROWS) {
        rounded.n_rows = inner.n_rows = size_min(BLOCK_ROWS, x->rows - first);
        round_rows(x, first, 0, &rounded);
        run_inner(args, &rounded, (float *)(at + of_x + of_inner), &inner);
        run_block(&(Product){.args = &outer, .first = first, .x = &inner});
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
