// Rows rounded to int8 for tiles of AMX (kernels/cpu/q8_tiles.h). Maxima, sums and scales of a tile's 16 rows are found side by side.
#include "kernels/cpu/q8_tiles.h"

#include <math.h>

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/low_fast.h"

enum { MOST_CLASS = 7 }; // of units, from a row's finest, whose codes two bytes hold

// ---- rounding ----

// The bits of the largest number of each row's block; rows from n on, which are not there, count as zeros.
LOW_INLINE __m512i largest_of_rows(const float *x, size_t x_row, size_t n)
{
    __m512i fours[16];
    if (n == AMX_ROWS) {
#pragma GCC unroll 16
        for (size_t i = 0; i < AMX_ROWS; i++) fours[i] = largest_of_fours(x + i * x_row);
        return lanes_reduce_each(0, fours);
    }
    int32_t largest[AMX_ROWS] = {0};
    for (size_t i = 0; i < n; i++) largest[i] = largest_of_block(x + i * x_row);
    return _mm512_loadu_si512(largest);
}

// Block b of n rows, each multiplied by its step first: codes, their sums and those of their squares.
static void store_codes(const float *x, size_t x_row, size_t n, Vec steps, size_t tile_rows,
                        size_t b, const Q8Tile *to)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    int8_t *codes = to->codes + 2 * b * tile_rows * BLOCK;
    __m512i sums[AMX_ROWS] = {0}, squares[AMX_ROWS] = {0};
    float step[AMX_ROWS];
    vec_store(step, steps);
#pragma GCC unroll 16
    for (size_t i = 0; i < AMX_ROWS; i++) {
        if (i >= n) continue;
        const __m512i fours = round_block(x + i * x_row, step[i]);
        const __m512i sizes = _mm512_abs_epi8(fours);
        sums[i] = _mm512_dpbusd_epi32(sums[i], _mm512_set1_epi8(1), fours);
        squares[i] = _mm512_dpbusd_epi32(squares[i], sizes, sizes);
        _mm512_store_si512(codes + i * BLOCK, _mm512_permutexvar_epi32(order, fours));
    }
    _mm512_store_si512(to->sum + b * AMX_ROWS, lanes_reduce_each(1, sums));
    _mm512_store_si512(to->square + b * AMX_ROWS, lanes_reduce_each(1, squares));
}

// 2^-halvings of each lane.
LOW_INLINE Vec unit_of(__m512i halvings)
{
    const __m512i biased = _mm512_sub_epi32(_mm512_set1_epi32(127), halvings);
    return _mm512_castsi512_ps(_mm512_slli_epi32(biased, EXPONENT));
}

// Exponents count from that of the smallest numbers of f32, so that 2^(exponent - STEP_BIAS) is what a code stands for; from ODD on
// something is infinite or no number.
void q8_round_block(const float *x, size_t x_row, size_t t, size_t b, const Q8Rows *to)
{
    const Q8Tile tile = q8_tile(to, t);
    const size_t n = q8_rows_of_tile(to, t);
    const __m512i largest = largest_of_rows(x, x_row, n);
    // One more than the exponent of 2^k where the mantissa is above that of 127.
    const __m512i above =
        _mm512_srli_epi32(_mm512_add_epi32(largest, _mm512_set1_epi32(ABOVE_127)), EXPONENT);
    const __mmask16 is_odd = _mm512_cmpgt_epi32_mask(largest, _mm512_set1_epi32(LOW_LARGEST_BITS));
    const __m512i exponent = _mm512_mask_mov_epi32(
        _mm512_max_epi32(above, _mm512_set1_epi32(LEAST)), is_odd, _mm512_set1_epi32(ODD));
    _mm512_store_si512(tile.halvings + b * AMX_ROWS, exponent);
    const Vec step = unit_of(_mm512_sub_epi32(exponent, _mm512_set1_epi32(STEP_BIAS)));
    store_codes(x, x_row, n, step, to->tile_rows, b, &tile);
}

// ---- high and low ----

// The finest unit of each row, of the blocks that add something to it.
static __m512i finest_of(const Q8Tile *tile, size_t n_blocks)
{
    __m512i finest = _mm512_setzero_si512();
    for (size_t at = 0; at < n_blocks * AMX_ROWS; at += AMX_ROWS) {
        const __m512i square = _mm512_load_si512(tile->square + at);
        finest = _mm512_mask_max_epi32(finest, _mm512_test_epi32_mask(square, square), finest,
                                       _mm512_load_si512(tile->halvings + at));
    }
    return finest;
}

// The class of a block's unit, which is 2^class times the finest; 0 where it adds nothing.
LOW_INLINE __m512i class_of(const Q8Tile *tile, size_t b, __m512i finest)
{
    const __m512i square = _mm512_load_si512(tile->square + b * AMX_ROWS);
    return _mm512_maskz_sub_epi32(_mm512_test_epi32_mask(square, square), finest,
                                  _mm512_load_si512(tile->halvings + b * AMX_ROWS));
}

// The largest |v| of a row; infinity where a class is above MOST_CLASS.
static float norm_of(const Q8Tile *tile, size_t n_blocks, __m512i finest)
{
    __m512i most = _mm512_setzero_si512();
    Vec norm = vec_zero();
    if (n_blocks > UINT16_MAX) return INFINITY;
    for (size_t b = 0; b < n_blocks; b++) {
        const __m512i class = class_of(tile, b, finest);
        const __m512i doublings = _mm512_slli_epi32(class, 1);
        const Vec square = _mm512_cvtepi32_ps(_mm512_load_si512(tile->square + b * AMX_ROWS));
        most = _mm512_max_epi32(most, class);
        norm = vec_fma(square, unit_of(_mm512_sub_epi32(_mm512_setzero_si512(), doublings)), norm);
    }
    return _mm512_reduce_max_epi32(most) > MOST_CLASS ? INFINITY : sqrtf(vec_reduce_max(norm));
}

// Codes of a row's block times 2^class, class from 1 to MOST_CLASS: their low seven bits, and what is above. Shifts of 16 bits let
// bits of one byte into the other, which masks take away.
LOW_INLINE void split_row(int32_t class, int8_t *low, int8_t *high)
{
    const int left = (int)class, right = Q8_HIGH_BITS - left, sign = 0x80 >> right;
    const __m512i q = _mm512_load_si512(low);
    const __m512i up = _mm512_sll_epi16(q, _mm_cvtsi32_si128(left)),
                  down = _mm512_srl_epi16(q, _mm_cvtsi32_si128(right));
    const __m512i signs = _mm512_set1_epi8((char)sign);
    // (x & mask) ^ sign - sign: the sign of what is left of a byte fills it.
    const __m512i masked = _mm512_and_si512(down, _mm512_set1_epi8((char)(0xff >> right)));
    _mm512_store_si512(low, _mm512_and_si512(up, _mm512_set1_epi8((char)(0x7f & 0xff << left))));
    _mm512_store_si512(high, _mm512_sub_epi8(_mm512_xor_si512(masked, signs), signs));
}

// Block b with its rows' classes; whether it has high codes.
static int split_block(const Q8Tile *tile, size_t tile_rows, size_t b, __m512i classes)
{
    int8_t *low = tile->codes + 2 * b * tile_rows * BLOCK, *high = low + tile_rows * BLOCK;
    int32_t class[AMX_ROWS];
    if (!_mm512_test_epi32_mask(classes, classes)) return 0;
    _mm512_storeu_si512(class, classes);
    for (size_t i = 0; i < tile_rows; i++, low += BLOCK, high += BLOCK) {
        if (class[i] > 0)
            split_row(class[i], low, high);
        else
            _mm512_store_si512(high, _mm512_setzero_si512());
    }
    return 1;
}

// All blocks in the finest unit, or each in its own where the tile is a chain.
static void split_tile(const Q8Tile *tile, const Q8Rows *x)
{
    const __m512i finest = finest_of(tile, x->n_blocks);
    const Q8Tile *t = tile;
    Q8Order order = {.norm = norm_of(tile, x->n_blocks, finest)};
    const int is_chain = isinf(order.norm);
    __m512i total = _mm512_setzero_si512();
    for (size_t b = 0, at = 0; b < x->n_blocks; b++, at += AMX_ROWS) {
        const __m512i class = is_chain ? _mm512_setzero_si512() : class_of(t, b, finest),
                      square = _mm512_load_si512(t->square + at);
        const __m512i doublings = _mm512_add_epi32(class, _mm512_set1_epi32(SHIFT_BITS));
        const __m512i sum = _mm512_sllv_epi32(_mm512_load_si512(t->sum + at), doublings);
        const __m512i halvings = is_chain ? _mm512_load_si512(t->halvings + at) : finest;
        total = _mm512_add_epi32(total, sum);
        _mm512_store_si512(t->sum + at, sum);
        vec_store(t->unit + at, unit_of(halvings));
        t->has_high[b] = (uint8_t)split_block(t, x->tile_rows, b, class);
        if (is_chain) continue;
        if (t->has_high[b])
            t->both[order.n_both++] = (uint16_t)b;
        else if (_mm512_test_epi32_mask(square, square))
            t->lone[order.n_lone++] = (uint16_t)b;
    }
    _mm512_store_si512(t->total, total);
    *t->order = order;
}

// ---- rows ----

void q8_end_blocks(size_t t, const Q8Rows *to)
{
    const Q8Tile tile = q8_tile(to, t);
    __m512i largest = _mm512_setzero_si512();
    for (size_t b = 0; b < to->n_blocks; b++)
        largest = _mm512_max_epi32(largest, _mm512_load_si512(tile.halvings + b * AMX_ROWS));
    const __m512i most = _mm512_set1_epi32(MOST_HALVINGS);
    for (size_t b = 0; b < to->n_blocks; b++) {
        int32_t *halvings = tile.halvings + b * AMX_ROWS;
        const __m512i apart = _mm512_sub_epi32(largest, _mm512_load_si512(halvings));
        _mm512_store_si512(halvings, _mm512_min_epi32(apart, most));
    }
    const Vec scale = unit_of(_mm512_sub_epi32(_mm512_set1_epi32(STEP_BIAS), largest));
    const __mmask16 is_odd = _mm512_cmpge_epi32_mask(largest, _mm512_set1_epi32(ODD));
    vec_store(tile.scale, _mm512_mask_mov_ps(scale, is_odd, vec_set1(NAN)));
    split_tile(&tile, to);
}

// A tile's rows, each with one scale, of which those of its blocks are halvings.
static void round_tile(const float *x, size_t x_row, size_t t, const Q8Rows *to)
{
    const Q8Tile tile = q8_tile(to, t);
    const size_t n = q8_rows_of_tile(to, t);
    __m512i row = _mm512_setzero_si512();
    for (size_t b = 0; b < to->n_blocks; b++) {
        const __m512i block = largest_of_rows(x + b * BLOCK, x_row, n);
        _mm512_store_si512(tile.halvings + b * AMX_ROWS, block);
        row = _mm512_max_epi32(row, block);
    }
    const Vec largest = _mm512_castsi512_ps(row), of_codes = vec_set1(127.0f);
    const __mmask16 is_odd = _mm512_cmpgt_epi32_mask(row, _mm512_set1_epi32(LOW_LARGEST_BITS));
    const __mmask16 is_plain =
        _mm512_cmp_ps_mask(largest, vec_set1(LOW_TINY), _CMP_GE_OQ) & (__mmask16)~is_odd;
    const Vec inverse = _mm512_maskz_div_ps(is_plain, of_codes, largest);
    const Vec scale = _mm512_maskz_div_ps(is_plain, largest, of_codes);
    vec_store(tile.scale, _mm512_mask_mov_ps(scale, is_odd, vec_set1(NAN)));
    for (size_t b = 0; b < to->n_blocks; b++) {
        // Exponents differ by the halvings, or by one more where the block's mantissa is the larger.
        int32_t *bits = tile.halvings + b * AMX_ROWS;
        const __m512i apart =
            _mm512_srai_epi32(_mm512_sub_epi32(row, _mm512_load_si512(bits)), EXPONENT);
        const __m512i halvings = _mm512_min_epi32(apart, _mm512_set1_epi32(LOW_MOST_HALVINGS));
        const Vec more = unit_of(_mm512_sub_epi32(_mm512_setzero_si512(), halvings));
        _mm512_store_si512(bits, halvings);
        store_codes(x + b * BLOCK, x_row, n, vec_mul(inverse, more), to->tile_rows, b, &tile);
    }
    split_tile(&tile, to);
}

void q8_round_rows(const Tensor *x, size_t first, int scales_by_block, const Q8Rows *to)
{
    for (size_t t = 0; t < to->n_tiles; t++) {
        const float *rows = (const float *)x->data + (first + t * to->tile_rows) * x->row_stride;
        if (!scales_by_block) {
            round_tile(rows, x->row_stride, t, to);
            continue;
        }
        for (size_t b = 0; b < to->n_blocks; b++)
            q8_round_block(rows + b * BLOCK, x->row_stride, t, b, to);
        q8_end_blocks(t, to);
    }
}

// ---- room ----

// Each begins on a line.
static size_t lanes_bytes(size_t n_blocks)
{
    return n_blocks * AMX_ROWS * sizeof(float);
}

static size_t tile_bytes(size_t tile_rows, size_t n_blocks)
{
    const size_t lists = sizeof(Q8Order) + n_blocks * (2 * sizeof(uint16_t) + 1);
    return 2 * n_blocks * tile_rows * BLOCK + 4 * lanes_bytes(n_blocks) + 2 * lanes_bytes(1) +
           size_round_up(lists, LINE_BYTES);
}

Q8Cut q8_cut_rows(size_t n_rows, size_t k, size_t weight_bytes)
{
    const size_t block_bytes =
        weight_bytes <= LOW_FEW_WEIGHT_BYTES ? Q8_BLOCK_BYTES / 2 : Q8_BLOCK_BYTES;
    const size_t n_tiles = (n_rows + AMX_ROWS - 1) / AMX_ROWS,
                 most = size_max(block_bytes / ((size_t)2 * AMX_ROWS * size_max(k, 1)), 2),
                 n_blocks = (n_tiles + most - 1) / most;
    return (Q8Cut){.tile_rows = size_round_up((n_rows + n_tiles - 1) / n_tiles, 4),
                   .block_tiles = (n_tiles + n_blocks - 1) / n_blocks};
}

size_t q8_rows_bytes(const Q8Cut *cut, size_t k)
{
    return cut->block_tiles * tile_bytes(cut->tile_rows, k / BLOCK);
}

Q8Rows q8_place_rows(char *at, const Q8Cut *cut, size_t k)
{
    return (Q8Rows){.at = at,
                    .tile_bytes = tile_bytes(cut->tile_rows, k / BLOCK),
                    .tile_rows = cut->tile_rows,
                    .n_blocks = k / BLOCK};
}

void q8_take_rows(Q8Rows *x, size_t n_rows)
{
    x->n_rows = n_rows;
    x->n_tiles = (n_rows + x->tile_rows - 1) / x->tile_rows;
}

Q8Tile q8_tile(const Q8Rows *x, size_t t)
{
    char *at = x->at + t * x->tile_bytes;
    const size_t n = x->n_blocks, lanes = lanes_bytes(n);
    Q8Tile tile = {.codes = (int8_t *)at};
    at += 2 * n * x->tile_rows * BLOCK;
    tile.halvings = (int32_t *)at;
    tile.sum = (int32_t *)(at + lanes);
    tile.square = (int32_t *)(at + 2 * lanes);
    tile.unit = (float *)(at + 3 * lanes);
    at += 4 * lanes;
    tile.scale = (float *)at;
    tile.total = (int32_t *)(at + lanes_bytes(1));
    tile.order = (Q8Order *)(at + 2 * lanes_bytes(1));
    tile.both = (uint16_t *)(tile.order + 1);
    tile.lone = tile.both + n;
    tile.has_high = (uint8_t *)(tile.lone + n);
    return tile;
}

void q8_configure(size_t tile_rows)
{
    AmxConfig config = {0};
    for (int i = 0; i < 6; i++) amx_shape(&config, i, tile_rows, AMX_ROW_BYTES);
    for (int i = 6; i < AMX_TILES; i++) amx_shape(&config, i, BLOCK_LINES, AMX_ROW_BYTES);
    amx_configure(&config);
}
