// Rows rounded to int8 for tiles of AMX (kernels/cpu/q8_tiles.h). Maxima, sums and scales of a tile's 16 rows are found side by side.
#include "kernels/cpu/q8_tiles.h"

#include <math.h>

#include "kernels/cpu/lanes.h"

enum {
    CLASSES = 6, // of units within a row that are added as integers
    MOST_SIZE =
        ((1 << 24) - 1) / 127, // sums of so many codes, in the finest unit, are exact in f32
    // Cycles, about, of one product, of what ends a group, and of a block of a chain.
    STEP_COST = 20,
    GROUP_COST = 50,
    CHAIN_COST = 60,
};

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

// Block b of n rows, each multiplied by its step first: codes and their sizes.
static void store_codes(const float *x, size_t x_row, size_t n, Vec steps, size_t tile_rows,
                        size_t b, const Q8Tile *to)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    int8_t *codes = to->codes + b * tile_rows * BLOCK;
    __m512i sizes[AMX_ROWS] = {0};
    float step[AMX_ROWS];
    vec_store(step, steps);
#pragma GCC unroll 16
    for (size_t i = 0; i < AMX_ROWS; i++) {
        if (i >= n) continue;
        const __m512i fours = round_block(x + i * x_row, step[i]);
        sizes[i] = _mm512_dpbusd_epi32(sizes[i], _mm512_abs_epi8(fours), _mm512_set1_epi8(1));
        _mm512_store_si512(codes + i * BLOCK, _mm512_permutexvar_epi32(order, fours));
    }
    _mm512_store_si512(to->size + b * AMX_ROWS, lanes_reduce_each(1, sizes));
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

// ---- groups ----

// The finest unit of each row, of the blocks that add something to it.
static __m512i finest_of(const Q8Tile *tile, size_t n_blocks)
{
    __m512i finest = _mm512_setzero_si512();
    for (size_t at = 0; at < n_blocks * AMX_ROWS; at += AMX_ROWS) {
        const __m512i size = _mm512_load_si512(tile->size + at);
        finest = _mm512_mask_max_epi32(finest, _mm512_test_epi32_mask(size, size), finest,
                                       _mm512_load_si512(tile->halvings + at));
    }
    return finest;
}

// Of which classes a block has rows: bit c for those whose unit is 2^c times their finest; CLASSES and above in bit CLASSES.
LOW_INLINE unsigned classes_of(const Q8Tile *tile, size_t b, __m512i finest, __m512i *size)
{
    const __m512i sizes = _mm512_load_si512(tile->size + b * AMX_ROWS);
    const __m512i apart =
        _mm512_sub_epi32(finest, _mm512_load_si512(tile->halvings + b * AMX_ROWS));
    const __mmask16 adds = _mm512_test_epi32_mask(sizes, sizes);
    const __m512i class = _mm512_min_epi32(apart, _mm512_set1_epi32(CLASSES));
    *size = _mm512_maskz_sllv_epi32(adds, sizes, class);
    return (unsigned)_mm512_reduce_or_epi32(
        _mm512_maskz_sllv_epi32(adds, _mm512_set1_epi32(1), class));
}

// Whether the sums of a tile are exact in any order, and cheaper as groups.
static int are_groups(const Q8Tile *tile, const Q8Rows *x, __m512i finest)
{
    __m512i total = _mm512_setzero_si512();
    size_t n_steps = 0, n_groups = 0;
    unsigned all = 0;
    if (x->n_blocks > UINT16_MAX / 2) return 0;
    for (size_t b = 0; b < x->n_blocks; b++) {
        if (b % x->part_blocks == 0) all = 0;
        __m512i size;
        const unsigned classes = classes_of(tile, b, finest, &size);
        n_steps += (size_t)__builtin_popcount(classes);
        n_groups += (size_t)__builtin_popcount(classes & ~all);
        all |= classes;
        total = _mm512_add_epi32(total, size);
        if (classes >> CLASSES || _mm512_cmpgt_epi32_mask(total, _mm512_set1_epi32(MOST_SIZE)))
            return 0;
    }
    return n_groups <= x->n_blocks && n_steps <= 2 * x->n_blocks &&
           n_steps * STEP_COST + n_groups * GROUP_COST < x->n_blocks * CHAIN_COST;
}

// Rows of a slot that are not in the mask become zeros of another one.
static void copy_rows(const Q8Tile *tile, size_t tile_rows, size_t from, size_t to, unsigned mask)
{
    const int8_t *codes = tile->codes + from * tile_rows * BLOCK;
    int8_t *out = tile->codes + to * tile_rows * BLOCK;
    for (size_t i = 0; i < tile_rows; i++, codes += BLOCK, out += BLOCK, mask >>= 1) {
        const __mmask16 keep = mask & 1 ? 0xffff : 0;
        _mm512_store_si512(out, _mm512_maskz_loadu_epi32(keep, codes));
    }
}

// The steps of one class in one part; slots from *n_slots on are free.
static size_t take_class(const Q8Tile *tile, const Q8Rows *x, size_t part, int class,
                         __m512i finest, size_t step, size_t *n_slots)
{
    const size_t end = size_min(x->n_blocks, (part + 1) * x->part_blocks);
    for (size_t b = part * x->part_blocks; b < end; b++) {
        __m512i size;
        const unsigned classes = classes_of(tile, b, finest, &size);
        if (!(classes >> class & 1)) continue;
        const __m512i apart =
            _mm512_sub_epi32(finest, _mm512_load_si512(tile->halvings + b * AMX_ROWS));
        const __mmask16 own = _mm512_cmpeq_epi32_mask(apart, _mm512_set1_epi32(class));
        // The last class of a block may have its place.
        const size_t slot = classes >> (class + 1) ? (*n_slots)++ : b;
        if (classes & (classes - 1)) copy_rows(tile, x->tile_rows, b, slot, own);
        tile->steps[step++] = (Q8Step){(uint16_t)slot, (uint16_t)b};
    }
    return step;
}

static void group_tile(const Q8Tile *tile, const Q8Rows *x)
{
    const __m512i finest = finest_of(tile, x->n_blocks);
    tile->parts[x->n_parts] = 0;
    if (!are_groups(tile, x, finest)) {
        for (size_t at = 0; at < x->n_blocks * AMX_ROWS; at += AMX_ROWS)
            vec_store(tile->unit + at, unit_of(_mm512_load_si512(tile->halvings + at)));
        return;
    }
    size_t step = 0, group = 0, n_slots = x->n_blocks;
    for (size_t part = 0; part < x->n_parts; part++) {
        tile->parts[part] = (uint16_t)group;
        for (int class = 0; class < CLASSES; class ++) {
            const size_t begin = step;
            step = take_class(tile, x, part, class, finest, step, &n_slots);
            if (step == begin) continue;
            tile->groups[group] = (Q8Group){(uint16_t)begin, (uint16_t)step};
            const __m512i halvings = _mm512_sub_epi32(finest, _mm512_set1_epi32(class));
            vec_store(tile->unit + group++ * AMX_ROWS, unit_of(halvings));
        }
    }
    tile->parts[x->n_parts] = (uint16_t)group;
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
    group_tile(&tile, to);
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
    group_tile(&tile, to);
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

Q8Cut q8_cut_rows(size_t n_rows)
{
    const size_t n_tiles = (n_rows + AMX_ROWS - 1) / AMX_ROWS;
    const size_t n_blocks = (n_tiles * AMX_ROWS + Q8_BLOCK_ROWS - 1) / Q8_BLOCK_ROWS;
    return (Q8Cut){.tile_rows = size_round_up((n_rows + n_tiles - 1) / n_tiles, 4),
                   .block_tiles = (n_tiles + n_blocks - 1) / n_blocks};
}

static size_t parts_of(size_t n_blocks)
{
    return (n_blocks + Q8_MOST_BLOCKS - 1) / Q8_MOST_BLOCKS;
}

// Each begins on a line.
static size_t lanes_bytes(size_t n_blocks)
{
    return n_blocks * AMX_ROWS * sizeof(float);
}

static size_t tile_bytes(size_t tile_rows, size_t n_blocks)
{
    const size_t lists = 2 * n_blocks * sizeof(Q8Step) + n_blocks * sizeof(Q8Group) +
                         (parts_of(n_blocks) + 1) * sizeof(uint16_t);
    return 2 * n_blocks * tile_rows * BLOCK + 3 * lanes_bytes(n_blocks) + lanes_bytes(1) +
           size_round_up(lists, LINE_BYTES);
}

size_t q8_rows_bytes(const Q8Cut *cut, size_t k)
{
    return cut->block_tiles * tile_bytes(cut->tile_rows, k / BLOCK);
}

Q8Rows q8_place_rows(char *at, const Q8Cut *cut, size_t k)
{
    const size_t n_blocks = k / BLOCK, n_parts = parts_of(n_blocks);
    return (Q8Rows){.at = at,
                    .tile_bytes = tile_bytes(cut->tile_rows, n_blocks),
                    .tile_rows = cut->tile_rows,
                    .n_blocks = n_blocks,
                    .n_parts = n_parts,
                    .part_blocks = n_parts ? (n_blocks + n_parts - 1) / n_parts : 1};
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
    tile.size = (int32_t *)(at + lanes);
    tile.unit = (float *)(at + 2 * lanes);
    tile.scale = (float *)(at + 3 * lanes);
    tile.steps = (Q8Step *)(at + 3 * lanes + lanes_bytes(1));
    tile.groups = (Q8Group *)(tile.steps + 2 * n);
    tile.parts = (uint16_t *)(tile.groups + n);
    return tile;
}

void q8_configure(size_t tile_rows)
{
    AmxConfig config = {0};
    for (int i = 0; i < 6; i++) amx_shape(&config, i, tile_rows, AMX_ROW_BYTES);
    for (int i = 6; i < AMX_TILES; i++) amx_shape(&config, i, BLOCK_LINES, AMX_ROW_BYTES);
    amx_configure(&config);
}
