// OP_LINEAR_I8 with AMX, bit for bit as linear_i8_fast.c gives it. Codes of 16 outputs are taken out of a panel once for all rows
// of a block, with their shift off; then 16 rows against them are one instruction a part of a block, and what is left is to scale
// each sum and add it to its chain. Sums go through memory, some parts ahead of what scales them, across tiles of rows.
// On one thread of an Emerald Rapids, by CPU time, 512 x 2304 x 768 against the row of VNNI: Q8_0, Q4_0 and
// Q4_K 1.6 times as fast, Q5_0, IQ4_XS and MXFP4 1.9, Q5_K 1.8, Q4_1 1.5; with parts of 16 Q6_K and Q3_K 1.3, Q2_K 1.05.
// A part takes about 40 cycles where 16 rows, 16 outputs and 32 numbers are 8,192 products: storing a tile takes 16 of them, in which
// little else begins. So two tiles of eight rows are slower than one of 16, a store right behind its products costs ten cycles
// more, and products of the same codes as bf16, which give sums as floats, gain nothing though they need a third less arithmetic.
#include <float.h>
#include <math.h>

#include "base/size.h"
#include "kernels/cpu/amx.h"
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/cpu/vec_stored.h"
#include "kernels/exec.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"

enum {
    ROWS = 16,
    SIDE = 8,              // rows that are rounded side by side
    CHUNK = 768,           // k: what a panel of so many codes takes stays in L1
    BLOCK_BYTES = 3 << 18, // of codes of x, which stay in L2
    AHEAD = 4,             // parts that are multiplied before one is scaled; even
    RING = 8,
    GROUP_BYTES = 64,
    LINE_BYTES = 64,
    LARGEST_NUMBER = 0x7f7fffff, // its bits
    PAIR = 2 * LOW_BLOCK,        // numbers of a row that are rounded together
};

#define AMX_INLINE static inline __attribute__((always_inline))

// x rounded, in tiles of ROWS rows: of each its blocks, of a block all rows side by side. Where rows end within a tile, the last
// stands in for those that it lacks.
typedef struct Rounded {
    int8_t *codes; // [n_tiles, n_blocks, ROWS, LOW_BLOCK]
    float *scale;  // [n_tiles, n_blocks, ROWS]
    float *sum;    // [n_tiles, n_parts, ROWS] scale * sum q, where the format has an offset
    size_t n_blocks, n_parts; // n_parts: with sums
} Rounded;

// Part of a panel, taken out.
typedef struct Taken {
    int8_t *codes;         // [n_parts, part / 4, 16, 4] q
    float *scale, *offset; // [n_parts, 16]
} Taken;

// ---- rounding ----

// Lane 4 h + i: the sum of lanes 4 h .. 4 h + 3 of v[i].
AMX_INLINE __m512i sums_of_fours(const __m512i v[4])
{
    const __m512i a =
        _mm512_add_epi32(_mm512_unpacklo_epi64(v[0], v[1]), _mm512_unpackhi_epi64(v[0], v[1]));
    const __m512i b =
        _mm512_add_epi32(_mm512_unpacklo_epi64(v[2], v[3]), _mm512_unpackhi_epi64(v[2], v[3]));
    return _mm512_add_epi32(lanes_even_or_odd(a, b, 0), lanes_even_or_odd(a, b, 1));
}

// 64 numbers as codes in their order: of either block by its own step.
AMX_INLINE __m512i round_pair(const float *x, float step, float second_step)
{
    const __m512i in_order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const Vec a = vec_set1(step), b = vec_set1(second_step);
    const __m512i first_half =
        _mm512_packs_epi32(_mm512_cvtps_epi32(vec_mul(vec_load(x), a)),
                           _mm512_cvtps_epi32(vec_mul(vec_load(x + VEC_WIDTH), a)));
    const __m512i second_half =
        _mm512_packs_epi32(_mm512_cvtps_epi32(vec_mul(vec_load(x + LOW_BLOCK), b)),
                           _mm512_cvtps_epi32(vec_mul(vec_load(x + LOW_BLOCK + VEC_WIDTH), b)));
    return _mm512_permutexvar_epi32(in_order, _mm512_packs_epi16(first_half, second_half));
}

// What goes with an offset: for each part and row scale * sum q. sums[i]: of fours of row i.
AMX_INLINE void store_sums(size_t part, const __m512i sums[SIDE], Vec scale, float *to)
{
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++, to += 4) {
        const __m512i rows = _mm512_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11);
        const __m512i lanes = _mm512_add_epi32(rows, _mm512_set1_epi32(4 * h));
        __m512i sum = sums_of_fours(sums + (ptrdiff_t)4 * h);
        if (part == LOW_BLOCK) sum = _mm512_add_epi32(sum, _mm512_shuffle_i64x2(sum, sum, 0xb1));
        const Vec product = vec_mul(_mm512_permutexvar_ps(lanes, scale), _mm512_cvtepi32_ps(sum));
        _mm_storeu_ps(to, _mm512_castps512_ps128(product));
        if (part == LOW_BLOCK) {
            _mm_storeu_ps(to + ROWS, _mm512_extractf32x4_ps(product, 2));
            continue;
        }
        _mm_storeu_ps(to + ROWS, _mm512_extractf32x4_ps(product, 1));
        _mm_storeu_ps(to + (ptrdiff_t)2 * ROWS, _mm512_extractf32x4_ps(product, 2));
        _mm_storeu_ps(to + (ptrdiff_t)3 * ROWS, _mm512_extractf32x4_ps(product, 3));
    }
}

// Blocks b and b + 1 of some rows.
AMX_INLINE void round_blocks(const float *const rows[SIDE], size_t b, size_t part, int has_sums,
                             const Rounded *to)
{
    const size_t k = b * LOW_BLOCK;
    const __m512i size = _mm512_set1_epi32(INT32_MAX);
    __m512i largest[2 * SIDE], sums[SIDE];
#pragma GCC unroll 8
    for (size_t i = 0; i < SIDE; i++) {
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; h++) {
            const float *x = rows[i] + k + h * LOW_BLOCK;
            largest[h * SIDE + i] =
                _mm512_max_epi32(_mm512_and_si512(_mm512_loadu_si512(x), size),
                                 _mm512_and_si512(_mm512_loadu_si512(x + VEC_WIDTH), size));
        }
    }
    const __m512i bits = lanes_reduce_each(0, largest);
    const Vec number = _mm512_castsi512_ps(bits), most = vec_set1(127.0f);
    const __mmask16 is_odd = _mm512_cmpgt_epi32_mask(bits, _mm512_set1_epi32(LARGEST_NUMBER));
    const __mmask16 counts = _mm512_cmp_ps_mask(number, vec_set1(LOW_TINY), _CMP_GE_OQ);
    const Vec scale =
        _mm512_mask_mov_ps(_mm512_maskz_div_ps(counts, number, most), is_odd, vec_set1(NAN));
    float step[2 * SIDE];
    vec_store(step, _mm512_maskz_div_ps(counts & (__mmask16)~is_odd, most, number));
    vec_store_halves(to->scale + b * ROWS, to->scale + (b + 1) * ROWS, scale);
#pragma GCC unroll 8
    for (size_t i = 0; i < SIDE; i++) {
        const __m512i q = round_pair(rows[i] + k, step[i], step[SIDE + i]);
        __m256i *codes = (__m256i *)(to->codes + (b * ROWS + i) * LOW_BLOCK);
        _mm256_storeu_si256(codes, _mm512_castsi512_si256(q));
        _mm256_storeu_si256(codes + ROWS, _mm512_extracti64x4_epi64(q, 1));
        sums[i] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), q);
    }
    if (has_sums) store_sums(part, sums, scale, to->sum + b * (LOW_BLOCK / part) * ROWS);
}

// The tile of rows of that number.
static Rounded tile_of(const Rounded *x, size_t tile)
{
    Rounded t = *x;
    t.codes += tile * x->n_blocks * ROWS * LOW_BLOCK;
    t.scale += tile * x->n_blocks * ROWS;
    t.sum += tile * x->n_parts * ROWS;
    return t;
}

static void round_tile(const Tensor *x, size_t first, size_t n, size_t part, int has_sums,
                       const Rounded *to)
{
    for (size_t side = 0; side < ROWS; side += SIDE) {
        const float *rows[SIDE];
        Rounded at = *to;
        at.codes += side * LOW_BLOCK;
        at.scale += side;
        at.sum += side;
        for (size_t i = 0; i < SIDE; i++)
            rows[i] = (const float *)x->data + (first + size_min(side + i, n - 1)) * x->row_stride;
        for (size_t b = 0; b < to->n_blocks; b += 2) round_blocks(rows, b, part, has_sums, &at);
    }
}

// ---- weights ----

// n_k numbers of k of a panel.
STORED_INLINE void take_body(DType dtype, const uint8_t *blocks, size_t n_k, const Taken *to)
{
    const size_t length = stored_part(dtype), parts = stored_block(dtype) / length;
    const __m512i shift = _mm512_set1_epi8((char)stored_shift(dtype));
    int8_t *codes = to->codes;
    float *scale = to->scale, *offset = to->offset;
    for (size_t k = 0; k < n_k; k += stored_block(dtype), blocks += stored_block_bytes(dtype)) {
        for (size_t s = 0; s < parts; s++) {
            const StoredPart part = stored_part_of(dtype, blocks, s);
            vec_store(scale, part.scale);
            if (stored_has_offset(dtype)) vec_store(offset, part.offset);
#pragma GCC unroll 8
            for (size_t g = 0; g < length / 4; g++, codes += GROUP_BYTES)
                _mm512_storeu_si512(codes, _mm512_sub_epi8(stored_group(dtype, &part, g), shift));
            scale += PANEL_WIDTH;
            offset += PANEL_WIDTH;
        }
    }
}

typedef void TakeFunction(const uint8_t *blocks, size_t n_k, const Taken *to);

// clang-format moves these lists each time it is run.
// clang-format off
#define FOR_EACH_DTYPE(X)                                            \
    X(DTYPE_Q8_0) X(DTYPE_Q4_0) X(DTYPE_Q4_1) X(DTYPE_Q5_0)          \
    X(DTYPE_Q5_1) X(DTYPE_Q4_K) X(DTYPE_Q5_K) X(DTYPE_Q6_K)          \
    X(DTYPE_Q2_K) X(DTYPE_Q3_K) X(DTYPE_IQ4_NL) X(DTYPE_IQ4_XS)      \
    X(DTYPE_MXFP4)
#define TAKE(kind)                                                              \
    static void take_##kind(const uint8_t *blocks, size_t n_k, const Taken *to) \
    {                                                                           \
        take_body(kind, blocks, n_k, to);                                       \
    }
#define TAKE_ENTRY(kind) [kind] = take_##kind,
// clang-format on
FOR_EACH_DTYPE(TAKE)

static TakeFunction *const takes[DTYPE_COUNT] = {FOR_EACH_DTYPE(TAKE_ENTRY)};

// ---- tiles ----

// A chunk of k of a panel against all tiles of a block of rows.
typedef struct Chunk {
    Rounded x; // of the first tile and the chunk
    Taken w;
    size_t n_tiles, n_parts; // n_parts is even
    // Fetched meanwhile, for each two parts: lines of the panel that comes next.
    const uint8_t *next;
    size_t n_next;
    float *c;
    size_t c_row, n_rows, n_columns;
    int reload;        // sums go on from c
    const float *bias; // added after the last part, or NULL
} Chunk;

// Tiles of sums, rows and panels, for even and for odd parts: 0, 2, 3 and 1, 4, 5.
static void configure(size_t part)
{
    AmxConfig config = {0};
    for (int odd = 0; odd < 2; odd++) {
        amx_shape(&config, odd, ROWS, AMX_ROW_BYTES);
        amx_shape(&config, 2 + 2 * odd, ROWS, part);
        amx_shape(&config, 3 + 2 * odd, part / 4, AMX_ROW_BYTES);
    }
    amx_configure(&config);
}

// Which part is multiplied next.
typedef struct Cursor {
    const int8_t *codes, *weights;
    size_t part, left; // of the tile; in all
    size_t skip;       // bytes between the chunk's end in one tile and its begin in the next
    size_t at;         // parts so far
} Cursor;

typedef int32_t Products[ROWS][VEC_WIDTH];

// Begins the products of a part, and stores those of the part before it: a store that waits for its own products holds up the
// next ones.
AMX_INLINE void multiply(const size_t part, const int is_odd, const Chunk *t, Cursor *cursor,
                         Products ring[RING])
{
    const int8_t *codes = cursor->codes, *weights = cursor->weights;
    int32_t *before = ring[(cursor->at + RING - 1) % RING][0];
    const int is_there = cursor->left > 0;
    if (is_odd) {
        if (is_there) {
            _tile_loadd(4, codes, LOW_BLOCK);
            _tile_loadd(5, weights, GROUP_BYTES);
            _tile_zero(1);
            _tile_dpbssd(1, 4, 5);
        }
        _tile_stored(0, before, LINE_BYTES);
    } else {
        if (is_there) {
            _tile_loadd(2, codes, LOW_BLOCK);
            _tile_loadd(3, weights, GROUP_BYTES);
            _tile_zero(0);
            _tile_dpbssd(0, 2, 3);
        }
        if (cursor->at > 0) _tile_stored(1, before, LINE_BYTES);
    }
    const int by_half = part < LOW_BLOCK && !is_odd;
    cursor->codes += by_half            ? part
                     : part < LOW_BLOCK ? (size_t)ROWS * LOW_BLOCK - part
                                        : ROWS * part;
    cursor->weights += part * PANEL_WIDTH;
    cursor->at++;
    cursor->left -= (size_t)is_there;
    if (is_odd && (cursor->part += 2) == t->n_parts) {
        cursor->part = 0;
        cursor->codes += cursor->skip;
        cursor->weights = t->w.codes;
    }
}

// One step of every output's chain.
AMX_INLINE void add_part(const int has_offset, const float *scale, const float *sums,
                         const float *weight_scale, const float *weight_offset, Products products,
                         Vec sum[ROWS])
{
    const Vec w_scale = vec_load(weight_scale);
    const Vec offset = has_offset ? vec_load(weight_offset) : vec_zero();
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
        const Vec product = _mm512_cvtepi32_ps(_mm512_load_si512(products[i]));
        sum[i] = vec_fma(product, vec_mul(w_scale, vec_set1(scale[i])), sum[i]);
        if (has_offset) sum[i] = vec_fma(offset, vec_set1(sums[i]), sum[i]);
    }
}

AMX_INLINE void begin_sums(const Chunk *t, const float *c, size_t n_rows, Vec sum[ROWS])
{
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++) sum[i] = vec_zero();
    if (!t->reload) return;
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++)
        if (i < n_rows) sum[i] = vec_load_any(c + i * t->c_row, t->n_columns);
}

AMX_INLINE void end_sums(const Chunk *t, float *c, size_t n_rows, Vec sum[ROWS])
{
    const VecMask columns = (VecMask)((1U << t->n_columns) - 1);
    if (t->bias) {
        const Vec bias = vec_load_any(t->bias, t->n_columns);
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++) sum[i] = vec_add(sum[i], bias);
    }
    if (n_rows == ROWS) {
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++) _mm512_mask_storeu_ps(c + i * t->c_row, columns, sum[i]);
        return;
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++)
        if (i < n_rows) _mm512_mask_storeu_ps(c + i * t->c_row, columns, sum[i]);
}

AMX_INLINE void chunk_body(const size_t part, const int has_offset, const Chunk *t)
{
    _Alignas(64) Products ring[RING];
    const size_t n_parts = t->n_parts, n_blocks = n_parts * part / LOW_BLOCK;
    const uint8_t *next = t->next;
    Cursor cursor = {.codes = t->x.codes,
                     .weights = t->w.codes,
                     .left = t->n_tiles * n_parts,
                     .skip = (t->x.n_blocks - n_blocks) * ROWS * LOW_BLOCK};
    for (size_t p = 0; p < AHEAD; p += 2) {
        multiply(part, 0, t, &cursor, ring);
        multiply(part, 1, t, &cursor, ring);
    }
    size_t at = 0;
    for (size_t tile = 0; tile < t->n_tiles; tile++) {
        const size_t n_rows = size_min(ROWS, t->n_rows - tile * ROWS);
        const float *scale = t->x.scale + tile * t->x.n_blocks * ROWS;
        const float *sums = t->x.sum + tile * t->x.n_parts * ROWS;
        const float *w_scale = t->w.scale, *w_offset = t->w.offset;
        float *c = t->c + tile * ROWS * t->c_row;
        Vec sum[ROWS];
        begin_sums(t, c, n_rows, sum);
        for (size_t p = 0; p < n_parts; p += 2, at += 2) {
            for (size_t line = 0; line < t->n_next; line++, next += LINE_BYTES)
                __builtin_prefetch(next, 0, 2);
#pragma GCC unroll 2
            for (size_t i = 0; i < 2; i++) {
                if (cursor.at <= t->n_tiles * n_parts) multiply(part, (int)i, t, &cursor, ring);
                add_part(has_offset, scale, sums, w_scale, w_offset, ring[(at + i) % RING], sum);
                if (part == LOW_BLOCK || i == 1) scale += ROWS;
                w_scale += PANEL_WIDTH;
                if (has_offset) w_offset += PANEL_WIDTH, sums += ROWS;
            }
        }
        end_sums(t, c, n_rows, sum);
    }
}

typedef void ChunkFunction(const Chunk *chunk);

#define CHUNK_OF(part, offset)                              \
    static void chunk_##part##_##offset(const Chunk *chunk) \
    {                                                       \
        chunk_body(part, offset, chunk);                    \
    }
CHUNK_OF(16, 0)
CHUNK_OF(16, 1)
CHUNK_OF(32, 0)
CHUNK_OF(32, 1)

// By the length of a part, and whether there are offsets.
static ChunkFunction *const chunks[2][2] = {{chunk_16_0, chunk_16_1}, {chunk_32_0, chunk_32_1}};

// ---- the product ----

typedef struct Product {
    const OpArgs *args;
    size_t first, n_rows; // rows of the block
    size_t part;
    int has_offset;
    Rounded x;
    Taken w;
} Product;

// Numbers [k, k + n_k) of a panel against all rows of the block, which fetch the codes that come next, a share each.
static void run_chunk(const Product *product, size_t panel, size_t k, size_t n_k)
{
    const OpArgs *args = product->args;
    const Tensor *w = &args->in[1], *y = &args->out[0];
    const float *bias = args->in[2].data;
    const int ends = k + n_k == w->cols;
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols), part = product->part;
    const size_t column = panel * PANEL_WIDTH, columns = size_min(PANEL_WIDTH, y->cols - column);
    const uint8_t *blocks =
        (const uint8_t *)w->data + panel * panel_bytes + pack_stored_panel_bytes(w->dtype, k);
    const size_t n_tiles = (product->n_rows + ROWS - 1) / ROWS, n_parts = n_k / part;
    const size_t share = size_max(n_tiles * n_parts / 2, 1) * LINE_BYTES;
    const int is_last = column + PANEL_WIDTH >= y->cols;
    Chunk chunk = {
        .x = product->x,
        .w = product->w,
        .n_tiles = n_tiles,
        .n_parts = n_parts,
        .next = blocks + panel_bytes,
        .n_next = is_last ? 0 : (pack_stored_panel_bytes(w->dtype, n_k) + share - 1) / share,
        .c = (float *)y->data + product->first * y->row_stride + column,
        .c_row = y->row_stride,
        .n_rows = product->n_rows,
        .n_columns = columns,
        .reload = k > 0,
        .bias = bias && ends ? bias + column : NULL,
    };
    chunk.x.codes += k * ROWS;
    chunk.x.scale += k / LOW_BLOCK * ROWS;
    if (product->has_offset) chunk.x.sum += k / part * ROWS;
    takes[w->dtype](blocks, n_k, &product->w);
    AMX_WRITTEN();
    chunks[part == LOW_BLOCK][product->has_offset](&chunk);
    if (ends) low_finish(args, product->first, product->n_rows, column, columns);
}

static void run_block(const Product *product)
{
    const Tensor *w = &product->args->in[1];
    for (size_t p = 0; p * PANEL_WIDTH < w->rows; p++) {
        for (size_t k = 0; k < w->cols; k += CHUNK)
            run_chunk(product, p, k, size_min(CHUNK, w->cols - k));
    }
}

static void round_block_rows(const Product *product)
{
    for (size_t row = 0; row < product->n_rows; row += ROWS) {
        const Rounded tile = tile_of(&product->x, row / ROWS);
        round_tile(&product->args->in[0], product->first + row,
                   size_min(ROWS, product->n_rows - row), product->part, product->has_offset,
                   &tile);
    }
}

// Scratch: what a block of rows is rounded to, and a chunk of panels.
static size_t place(Product *product, size_t n_rows, char *at)
{
    const size_t k = product->args->in[1].cols, chunk = size_min(CHUNK, k), part = product->part;
    Rounded *x = &product->x;
    *x = (Rounded){.n_blocks = k / LOW_BLOCK, .n_parts = product->has_offset ? k / part : 0};
    const size_t codes = n_rows * k, scales = n_rows * x->n_blocks * sizeof(float),
                 sums = n_rows * x->n_parts * sizeof(float);
    const size_t w_codes = PANEL_WIDTH * chunk,
                 w_scales = PANEL_WIDTH * (chunk / part) * sizeof(float);
    if (at) {
        x->codes = (int8_t *)at;
        x->scale = (float *)(at + codes);
        x->sum = (float *)(at + codes + scales);
        at += codes + scales + sums;
        at += (64 - (uintptr_t)at % 64) % 64;
        product->w.codes = (int8_t *)at;
        product->w.scale = (float *)(at + w_codes);
        product->w.offset = (float *)(at + w_codes + w_scales);
    }
    return codes + scales + sums + 64 + w_codes + 2 * w_scales;
}

// Tiles take as long with few rows: filled by less than three quarters they are no faster than the row of VNNI.
static int is_worth(size_t n_rows)
{
    return 4 * n_rows >= 3 * size_round_up(n_rows, ROWS);
}

Status linear_i8_amx(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    if (w->dtype == DTYPE_Q8_ROW) return linear_q8_row_amx(args, exec, err);
    if (w->cols % PAIR != 0 || w->cols == 0 || !is_worth(x->rows))
        return linear_i8_vnni(args, exec, err);
    Product product = {
        .args = args, .part = stored_part(w->dtype), .has_offset = stored_has_offset(w->dtype)};
    const size_t fit = size_max(BLOCK_BYTES / w->cols / ROWS, 1) * ROWS;
    const size_t most = size_min(size_round_up(x->rows, ROWS), fit);
    const size_t total = place(&product, most, NULL), mark = exec_scratch_mark(exec);
    char *at = exec_scratch(exec, total);
    if (!at) return error_set_memory(err, total, 1, "a product of bytes");
    place(&product, most, at);
    configure(product.part);
    for (size_t first = 0; first < x->rows; first += most) {
        product.first = first;
        product.n_rows = size_min(most, x->rows - first);
        round_block_rows(&product);
        run_block(&product);
    }
    _tile_release();
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
