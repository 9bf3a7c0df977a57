// OP_LINEAR_I8 with AMX, bit for bit as linear_i8_fast.c gives it. Codes of 16 outputs are taken out of a panel once for all rows
// of a block, with their shift off; then 16 rows against them are one instruction a part of a block, and what is left is to scale
// each sum and add it to its chain. Sums go through memory, some parts ahead of what scales them, across tiles of rows.
// On one thread of an Emerald Rapids, by CPU time, 512 x 2304 x 768 against the row of VNNI: Q8_0, Q4_0 and
// Q4_K 1.6 times as fast, Q5_0, IQ4_XS and MXFP4 1.9, Q5_K 1.8, Q4_1 1.5; with parts of 16 Q6_K and Q3_K 1.3, Q2_K 1.05.
// A part takes about 40 cycles where 16 rows, 16 outputs and 32 numbers are 8,192 products: storing a tile takes 16 of them, in which
// little else begins. So two tiles of eight rows are slower than one of 16, a store right behind its products costs ten cycles
// more, and products of the same codes as bf16, which give sums as floats, gain nothing though they need a third less arithmetic.
#include "base/size.h"
#include "kernels/cpu/amx.h"
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/i8_tiles.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/cpu/vec_stored.h"
#include "kernels/exec.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"

enum {
    CHUNK = 768,           // k: what a panel of so many codes takes stays in L1
    BLOCK_BYTES = 3 << 18, // of codes of x, which stay in L2
    AHEAD = 4,             // parts that are multiplied before one is scaled; even
    RING = 8,
    GROUP_BYTES = 64,
    LINE_BYTES = 64,
    PAIR = 2 * LOW_BLOCK, // numbers of a row that are rounded together
};

#define AMX_INLINE static inline __attribute__((always_inline))

// The tile of rows of that number.
static I8Rows tile_of(const I8Rows *x, size_t tile)
{
    I8Rows t = *x;
    t.codes += tile * x->n_blocks * AMX_ROWS * LOW_BLOCK;
    t.scale += tile * x->n_blocks * AMX_ROWS;
    t.sum += tile * x->n_parts * AMX_ROWS;
    return t;
}

// ---- tiles ----

// A chunk of k of a panel against all tiles of a block of rows.
typedef struct Chunk {
    I8Rows x; // of the first tile and the chunk
    I8Weights w;
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
        amx_shape(&config, odd, AMX_ROWS, AMX_ROW_BYTES);
        amx_shape(&config, 2 + 2 * odd, AMX_ROWS, part);
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

typedef int32_t Products[AMX_ROWS][VEC_WIDTH];

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
                     : part < LOW_BLOCK ? (size_t)AMX_ROWS * LOW_BLOCK - part
                                        : AMX_ROWS * part;
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
                         Vec sum[AMX_ROWS])
{
    const Vec w_scale = vec_load(weight_scale);
    const Vec offset = has_offset ? vec_load(weight_offset) : vec_zero();
#pragma GCC unroll 16
    for (int i = 0; i < AMX_ROWS; i++) {
        const Vec product = _mm512_cvtepi32_ps(_mm512_load_si512(products[i]));
        sum[i] = vec_fma(product, vec_mul(w_scale, vec_set1(scale[i])), sum[i]);
        if (has_offset) sum[i] = vec_fma(offset, vec_set1(sums[i]), sum[i]);
    }
}

AMX_INLINE void begin_sums(const Chunk *t, const float *c, size_t n_rows, Vec sum[AMX_ROWS])
{
#pragma GCC unroll 16
    for (size_t i = 0; i < AMX_ROWS; i++) sum[i] = vec_zero();
    if (!t->reload) return;
#pragma GCC unroll 16
    for (size_t i = 0; i < AMX_ROWS; i++)
        if (i < n_rows) sum[i] = vec_load_any(c + i * t->c_row, t->n_columns);
}

AMX_INLINE void end_sums(const Chunk *t, float *c, size_t n_rows, Vec sum[AMX_ROWS])
{
    const VecMask columns = (VecMask)((1U << t->n_columns) - 1);
    if (t->bias) {
        const Vec bias = vec_load_any(t->bias, t->n_columns);
#pragma GCC unroll 16
        for (size_t i = 0; i < AMX_ROWS; i++) sum[i] = vec_add(sum[i], bias);
    }
    if (n_rows == AMX_ROWS) {
#pragma GCC unroll 16
        for (size_t i = 0; i < AMX_ROWS; i++)
            _mm512_mask_storeu_ps(c + i * t->c_row, columns, sum[i]);
        return;
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < AMX_ROWS; i++)
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
                     .skip = (t->x.n_blocks - n_blocks) * AMX_ROWS * LOW_BLOCK};
    for (size_t p = 0; p < AHEAD; p += 2) {
        multiply(part, 0, t, &cursor, ring);
        multiply(part, 1, t, &cursor, ring);
    }
    size_t at = 0;
    for (size_t tile = 0; tile < t->n_tiles; tile++) {
        const size_t n_rows = size_min(AMX_ROWS, t->n_rows - tile * AMX_ROWS);
        const float *scale = t->x.scale + tile * t->x.n_blocks * AMX_ROWS;
        const float *sums = t->x.sum + tile * t->x.n_parts * AMX_ROWS;
        const float *w_scale = t->w.scale, *w_offset = t->w.offset;
        float *c = t->c + tile * AMX_ROWS * t->c_row;
        Vec sum[AMX_ROWS];
        begin_sums(t, c, n_rows, sum);
        for (size_t p = 0; p < n_parts; p += 2, at += 2) {
            for (size_t line = 0; line < t->n_next; line++, next += LINE_BYTES)
                __builtin_prefetch(next, 0, 2);
#pragma GCC unroll 2
            for (size_t i = 0; i < 2; i++) {
                if (cursor.at <= t->n_tiles * n_parts) multiply(part, (int)i, t, &cursor, ring);
                add_part(has_offset, scale, sums, w_scale, w_offset, ring[(at + i) % RING], sum);
                if (part == LOW_BLOCK || i == 1) scale += AMX_ROWS;
                w_scale += PANEL_WIDTH;
                if (has_offset) w_offset += PANEL_WIDTH, sums += AMX_ROWS;
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
    I8Rows x;
    I8Weights w;
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
    const size_t n_tiles = (product->n_rows + AMX_ROWS - 1) / AMX_ROWS, n_parts = n_k / part;
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
    chunk.x.codes += k * AMX_ROWS;
    chunk.x.scale += k / LOW_BLOCK * AMX_ROWS;
    if (product->has_offset) chunk.x.sum += k / part * AMX_ROWS;
    i8_take_weights(w->dtype, blocks, n_k, &product->w);
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
    for (size_t row = 0; row < product->n_rows; row += AMX_ROWS) {
        const I8Rows tile = tile_of(&product->x, row / AMX_ROWS);
        i8_round_tile(&product->args->in[0], product->first + row,
                      size_min(AMX_ROWS, product->n_rows - row), product->part, product->has_offset,
                      &tile);
    }
}

// Scratch: what a block of rows is rounded to, and a chunk of panels.
static size_t place(Product *product, size_t n_rows, char *at)
{
    const size_t k = product->args->in[1].cols, chunk = size_min(CHUNK, k), part = product->part;
    I8Rows *x = &product->x;
    *x = (I8Rows){.n_blocks = k / LOW_BLOCK, .n_parts = product->has_offset ? k / part : 0};
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
    return 4 * n_rows >= 3 * size_round_up(n_rows, AMX_ROWS);
}

Status linear_i8_amx(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    if (w->dtype == DTYPE_Q8_ROW) return linear_q8_row_amx(args, exec, err);
    if (w->cols % PAIR != 0 || w->cols == 0 || !is_worth(x->rows))
        return linear_i8_vnni(args, exec, err);
    Product product = {
        .args = args, .part = stored_part(w->dtype), .has_offset = stored_has_offset(w->dtype)};
    const size_t fit = size_max(BLOCK_BYTES / w->cols / AMX_ROWS, 1) * AMX_ROWS;
    const size_t most = size_min(size_round_up(x->rows, AMX_ROWS), fit);
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
