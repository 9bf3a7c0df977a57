// OP_LINEAR_I8 for weights in Q8_ROW, and OP_FEED_FORWARD_I8, with AMX, bit for bit as linear_q8_row_fast.c gives them. A block of
// 64 numbers of 16 rows against 16 outputs is one instruction, TDPBSSD, on codes of the weights whose shift is taken off once for
// all rows. Where sums are exact in any order (kernels/cpu/q8_tiles.h) blocks are added in the tile; else its integers go through L1, two
// blocks ahead of what scales and adds them: where VNNI begins with the bits of a float of the block's size, a conversion, which is
// exact, and an fmaf by a power of two, whose product is, give the same chain. On one thread of an Emerald Rapids, against VNNI:
// 512 x 2304 x 768 2.6 times as fast, 512 x 1152 x 384 2.2, 512 x 768 x 2048 1.8, two layers of 512 x 1536 x 384 1.9. Fetching a
// tile's outputs for writing before its products gained 1.4 of that: tiles that are stored wait behind stores without a line.
#include "base/size.h"
#include "kernels/cpu/amx.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/cpu/q8_tiles.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"

enum {
    LEAST_ROWS =
        17, // with fewer, whose time is that of reading weights, the row of VNNI is the faster one
    PASS_BLOCKS = 24, // of all panels that rows pass: 24 KiB of L1
    PANELS = 2,
    AHEAD = 2, // blocks of a chain that are multiplied before one is added
};
_Static_assert((int)BLOCK == (int)AMX_ROW_BYTES, "a block is as deep as a tile");

// ---- tiles ----

// Rows of a tile against one panel or two.
typedef struct Tile {
    Q8Tile x;
    size_t part, first_block, n_blocks; // of k
    const int8_t *weights;              // [panels, n_blocks, BLOCK_LINES, 16, 4]
    // Fetched meanwhile, for each block: lines of the panels that come next.
    const uint8_t *next;
    size_t n_next;
    float *sums; // [panels, AMX_ROWS, 16], where k is taken in several parts
    int is_first, is_last;
    const uint8_t *halves; // the outputs' scales
    size_t panel_bytes;    // between those of panels
    float *c;
    size_t c_row, n_rows, n_columns;
    const float *bias; // of the first column, or NULL
    int ends_in_gelu;
} Tile;

LOW_INLINE void fetch_next(const Tile *t, size_t b)
{
    const uint8_t *next = t->next + b * t->n_next * LINE_BYTES;
    for (size_t line = 0; line < t->n_next; line++)
        __builtin_prefetch(next + line * LINE_BYTES, 0, 2);
}

LOW_INLINE void begin_sums(const int rows, const Tile *t, size_t p, int are_zero, Vec sum[AMX_ROWS])
{
    const float *from = t->sums + p * AMX_ROWS * VEC_WIDTH;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
        sum[i] = are_zero ? vec_zero() : vec_load(from + (size_t)i * VEC_WIDTH);
}

LOW_INLINE void keep_sums(const int rows, const Vec sum[AMX_ROWS], float *to)
{
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) vec_store(to + (size_t)i * VEC_WIDTH, sum[i]);
}

// Panel p of a tile.
LOW_INLINE void end_tile(const int rows, const Tile *t, size_t p, const Vec sum[AMX_ROWS])
{
    const size_t column = p * VEC_WIDTH, n = t->n_columns - column;
    const uint8_t *halves = t->halves + p * t->panel_bytes;
    const Vec scale = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
    const Vec bias = t->bias ? vec_load_any(t->bias + column, n) : vec_zero();
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        if ((size_t)i >= t->n_rows) return;
        Vec y = vec_fma(vec_mul(sum[i], scale), vec_set1(t->x.scale[i]), bias);
        if (t->ends_in_gelu) y = vec_gelu_coarse(y);
        vec_store_any(t->c + (size_t)i * t->c_row + column, n, y);
    }
}

LOW_INLINE void leave_sums(const int rows, const Tile *t, size_t p, int are_whole,
                           const Vec sum[AMX_ROWS])
{
    if (are_whole)
        end_tile(rows, t, p, sum);
    else
        keep_sums(rows, sum, t->sums + p * AMX_ROWS * VEC_WIDTH);
}

// ---- a chain ----

// Block b: its codes in tile x and the weights in tile w, to tile `to` and from there to products. Names of tiles are digits in
// assembly.
#define MULTIPLY(to, x, w, b)                                               \
    do {                                                                    \
        _tile_zero(to);                                                     \
        _tile_loadd(x, codes + (size_t)(b)*row_bytes, AMX_ROW_BYTES);       \
        _tile_loadd(w, weights + (size_t)(b)*Q8_TILE_BYTES, AMX_ROW_BYTES); \
        _tile_dpbssd(to, x, w);                                             \
        _tile_stored(to, products[to], AMX_ROW_BYTES);                      \
    } while (0)

LOW_INLINE void add_block(const int rows, const int32_t *products, const float *unit,
                          Vec sum[AMX_ROWS])
{
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        const __m512i product = _mm512_load_si512(products + (size_t)i * VEC_WIDTH);
        sum[i] = vec_fma(_mm512_cvtepi32_ps(product), vec_set1(unit[i]), sum[i]);
    }
}

LOW_INLINE void chain_panel(const int rows, const Tile *t, size_t p)
{
    _Alignas(64) int32_t products[AHEAD][AMX_ROWS * VEC_WIDTH];
    const size_t n = t->n_blocks, row_bytes = (size_t)rows * AMX_ROW_BYTES;
    const int8_t *codes = t->x.codes + t->first_block * row_bytes,
                 *weights = t->weights + p * n * Q8_TILE_BYTES;
    const float *unit = t->x.unit + t->first_block * AMX_ROWS;
    Vec sum[AMX_ROWS];
    begin_sums(rows, t, p, t->is_first, sum);
    MULTIPLY(0, 4, 6, 0);
    if (n > 1) MULTIPLY(1, 5, 7, 1);
    for (size_t b = 0; b < n; b += AHEAD) {
        fetch_next(t, p * n + b);
        add_block(rows, products[0], unit + b * AMX_ROWS, sum);
        if (b + 2 < n) MULTIPLY(0, 4, 6, b + 2);
        if (b + 1 == n) break;
        fetch_next(t, p * n + b + 1);
        add_block(rows, products[1], unit + (b + 1) * AMX_ROWS, sum);
        if (b + 3 < n) MULTIPLY(1, 5, 7, b + 3);
    }
    leave_sums(rows, t, p, t->is_last, sum);
}

// ---- groups ----

// A step: its codes in tile a, against one panel to tile `to`, against the next to tile `to2`.
#define STEP(a, to, to2, s)                                                       \
    do {                                                                          \
        const int8_t *w = weights + ((s).block - t->first_block) * Q8_TILE_BYTES; \
        _tile_loadd(a, t->x.codes + (s).slot * row_bytes, AMX_ROW_BYTES);         \
        _tile_loadd(6, w, AMX_ROW_BYTES);                                         \
        _tile_dpbssd(to, a, 6);                                                   \
        if (panels == 1) break;                                                   \
        _tile_loadd(7, w + t->n_blocks * Q8_TILE_BYTES, AMX_ROW_BYTES);           \
        _tile_dpbssd(to2, a, 7);                                                  \
    } while (0)

// Sums of a group: even steps in tiles 0 and 1, of two panels, odd ones in tiles 2 and 3; so there are always some to add to that
// are ready.
LOW_INLINE void multiply_group(const int rows, const int panels, const Tile *t, Q8Group group,
                               int32_t products[4][AMX_ROWS * VEC_WIDTH])
{
    const size_t row_bytes = (size_t)rows * AMX_ROW_BYTES;
    const int8_t *weights = t->weights;
    const Q8Step *steps = t->x.steps;
    size_t s = group.begin;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (; s + 1 < group.end; s += 2) {
        STEP(4, 0, 1, steps[s]);
        STEP(5, 2, 3, steps[s + 1]);
    }
    if (s < group.end) STEP(4, 0, 1, steps[s]);
    _tile_stored(0, products[0], AMX_ROW_BYTES);
    _tile_stored(2, products[2], AMX_ROW_BYTES);
    if (panels == 1) return;
    _tile_stored(1, products[1], AMX_ROW_BYTES);
    _tile_stored(3, products[3], AMX_ROW_BYTES);
}

LOW_INLINE void add_group(const int rows, const int32_t *even, const int32_t *odd,
                          const float *unit, Vec sum[AMX_ROWS])
{
#pragma GCC unroll 16
    for (size_t i = 0; i < (size_t)rows; i++) {
        const __m512i product = _mm512_add_epi32(_mm512_load_si512(even + i * VEC_WIDTH),
                                                 _mm512_load_si512(odd + i * VEC_WIDTH));
        sum[i] = vec_fma(_mm512_cvtepi32_ps(product), vec_set1(unit[i]), sum[i]);
    }
}

LOW_INLINE void groups_body(const int rows, const int panels, const Tile *t)
{
    _Alignas(64) int32_t products[4][AMX_ROWS * VEC_WIDTH];
    const size_t first = t->x.parts[t->part], end = t->x.parts[t->part + 1];
    for (size_t b = 0; b < t->n_blocks * (size_t)panels; b++) fetch_next(t, b);
    for (size_t g = first; g < end; g++) {
        multiply_group(rows, panels, t, t->x.groups[g], products);
        for (size_t p = 0; p < (size_t)panels; p++) {
            Vec sum[AMX_ROWS];
            begin_sums(rows, t, p, t->is_first && g == first, sum);
            add_group(rows, products[p], products[p + 2], t->x.unit + g * AMX_ROWS, sum);
            leave_sums(rows, t, p, t->is_last && g + 1 == end, sum);
        }
    }
    for (size_t p = 0; first == end && p < (size_t)panels; p++) { // no code here is other than 0
        Vec sum[AMX_ROWS];
        begin_sums(rows, t, p, t->is_first, sum);
        leave_sums(rows, t, p, t->is_last, sum);
    }
}

LOW_INLINE void tile_body(const int rows, const int panels, const Tile *t, int is_chain)
{
    // Stores that wait for their lines would hold up those of products.
    for (size_t i = 0; t->is_last && i < t->n_rows; i++) {
        for (size_t p = 0; p < (size_t)panels; p++)
            __builtin_prefetch(t->c + i * t->c_row + p * VEC_WIDTH, 1);
    }
    if (!is_chain) {
        groups_body(rows, panels, t);
        return;
    }
    for (size_t p = 0; p < (size_t)panels; p++) chain_panel(rows, t, p);
}

typedef void TileFunction(const Tile *tile, int is_chain);

#define TILE(rows, panels)                                             \
    static void tile_##rows##x##panels(const Tile *tile, int is_chain) \
    {                                                                  \
        tile_body(rows, panels, tile, is_chain);                       \
    }
// clang-format off
TILE(12, 1) TILE(16, 1) TILE(12, 2) TILE(16, 2)

// Of 12 rows and of 16: from LEAST_ROWS on q8_cut_rows gives no others.
static TileFunction *const tiles[2][PANELS] = {{tile_12x1, tile_12x2}, {tile_16x1, tile_16x2}};
// clang-format on

// ---- products ----

typedef struct Product {
    const OpArgs *args; // of a layer, or of a block of its outputs
    size_t first;       // row of out0 where it begins
    const Q8Rows *x;
    int8_t *weights;       // [PASS_BLOCKS, Q8_TILE_BYTES] room
    float *sums;           // [PASS_BLOCKS, block_tiles, 16, 16] room
    size_t n_follow;       // panels behind the weight's last
    const Q8Rows *rounded; // where out0, a block, goes on as codes; or NULL
    size_t block;          // which of its blocks
} Product;

// Some panels' blocks of k that all rows pass.
typedef struct Pass {
    size_t panel, n_panels;       // of the weight
    size_t part, block, n_blocks; // of k
} Pass;

// The shift is taken off.
static void take_weights(const Product *product, const Pass *pass)
{
    const Tensor *w = &product->args->in[1];
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols),
                 n_bytes = pass->n_blocks * Q8_TILE_BYTES;
    const __m512i shift = _mm512_set1_epi8((char)SHIFT);
    int8_t *to = product->weights;
    for (size_t p = 0; p < pass->n_panels; p++, to += n_bytes) {
        const char *from = (const char *)w->data + (pass->panel + p) * panel_bytes + LINE_BYTES +
                           pass->block * Q8_TILE_BYTES;
        for (size_t at = 0; at < n_bytes; at += LINE_BYTES) {
            const __m512i codes = _mm512_loadu_si512(from + at);
            _mm512_store_si512(to + at, _mm512_xor_si512(codes, shift));
        }
    }
    AMX_WRITTEN();
}

static void run_tile(const Product *product, const Pass *pass, size_t t, size_t n_next)
{
    const OpArgs *args = product->args;
    const Q8Rows *x = product->x;
    const Tensor *w = &args->in[1], *y = &args->out[0];
    const float *bias = args->in[2].data;
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols),
                 from = product->first + t * x->tile_rows, n_rows = q8_rows_of_tile(x, t);
    const int ends_in_gelu = low_ends_in_gelu(args),
              is_last = pass->block + pass->n_blocks == x->n_blocks;
    const uint8_t *weights = (const uint8_t *)w->data + pass->panel * panel_bytes,
                  *next = weights + pass->n_panels * panel_bytes;
    const size_t before = x->n_tiles * pass->n_panels * pass->block;
    float *c = (float *)y->data + from * y->row_stride;
    const Q8Tile tile = q8_tile(x, t);
    for (size_t p = 0, take; p < pass->n_panels; p += take) {
        take = size_min(PANELS, pass->n_panels - p);
        const size_t column = (pass->panel + p) * VEC_WIDTH;
        const size_t share = (t * pass->n_panels + p) * pass->n_blocks + before;
        const Tile part = {
            .x = tile,
            .part = pass->part,
            .first_block = pass->block,
            .n_blocks = pass->n_blocks,
            .weights = product->weights + p * pass->n_blocks * Q8_TILE_BYTES,
            .next = next + share * n_next * LINE_BYTES,
            .n_next = n_next,
            .sums = product->sums + (t * pass->n_panels + p) * AMX_ROWS * VEC_WIDTH,
            .is_first = pass->block == 0,
            .is_last = is_last,
            .halves = weights + p * panel_bytes,
            .panel_bytes = panel_bytes,
            .c = c + column,
            .c_row = y->row_stride,
            .n_rows = n_rows,
            .n_columns = y->cols - column,
            .bias = bias ? bias + column : NULL,
            .ends_in_gelu = ends_in_gelu,
        };
        tiles[x->tile_rows == AMX_ROWS][take - 1](&part, tile.parts[x->n_parts] == 0);
    }
    const size_t column = pass->panel * VEC_WIDTH,
                 n_columns = size_min(pass->n_panels * VEC_WIDTH, y->cols - column);
    if (is_last && !ends_in_gelu) low_finish(args, from, n_rows, column, n_columns);
    if (is_last && product->rounded && column + n_columns == y->cols)
        q8_round_block(c, y->row_stride, t, product->block, product->rounded);
}

// A block of rows against all panels: the weights of some panels stay in L1 while the rows pass, which fetch those that come
// next, a share each.
static void run_block(const Product *product)
{
    const Q8Rows *x = product->x;
    const Tensor *y = &product->args->out[0];
    const size_t n_panels = size_round_up(y->cols, VEC_WIDTH) / VEC_WIDTH,
                 part = size_max(1, x->part_blocks), most = size_max(1, PASS_BLOCKS / part);
    for (size_t p = 0, take; p < n_panels; p += take) {
        take = size_min(most, n_panels - p);
        const size_t lines = p + 2 * take <= n_panels + product->n_follow ? BLOCK_LINES : 0;
        const size_t n_next = (lines + x->n_tiles - 1) / size_max(1, x->n_tiles);
        for (size_t i = 0; i < x->n_parts; i++) {
            const Pass pass = {p, take, i, i * part, size_min(part, x->n_blocks - i * part)};
            take_weights(product, &pass);
            for (size_t t = 0; t < x->n_tiles; t++) run_tile(product, &pass, t, n_next);
        }
    }
}

static size_t room_bytes(const Q8Cut *cut)
{
    return PASS_BLOCKS * (Q8_TILE_BYTES + cut->block_tiles * AMX_ROWS * VEC_WIDTH * sizeof(float));
}

static Product place_room(char *at)
{
    return (Product){.weights = (int8_t *)at,
                     .sums = (float *)(at + (size_t)PASS_BLOCKS * Q8_TILE_BYTES)};
}

Status linear_q8_row_amx(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    if (x->rows < LEAST_ROWS || w->cols == 0) return linear_q8_row_vnni(args, exec, err);
    const Q8Cut cut = q8_cut_rows(x->rows);
    const size_t room = room_bytes(&cut), size_bytes = room + q8_rows_bytes(&cut, w->cols);
    const size_t mark = exec_scratch_mark(exec), block_rows = cut.block_tiles * cut.tile_rows;
    char *at = exec_scratch(exec, size_bytes);
    if (!at) return error_set_memory(err, size_bytes, 1, "a product of bytes");
    Product product = place_room(at);
    Q8Rows rounded = q8_place_rows(at + room, &cut, w->cols);
    product.args = args;
    product.x = &rounded;
    q8_configure(cut.tile_rows);
    for (size_t first = 0; first < x->rows; first += block_rows) {
        q8_take_rows(&rounded, size_min(block_rows, x->rows - first));
        q8_round_rows(x, first, args->as.linear.scales_by_block, &rounded);
        product.first = first;
        run_block(&product);
    }
    _tile_release();
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- two layers ----

// The first layer of a block of rows: 64 outputs at a time, which become a block of the second layer's input.
static void run_inner(const OpArgs *args, const Product *room, float *outputs, const Q8Rows *inner)
{
    const Tensor *w = &args->in[1], *bias = &args->in[2];
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols);
    const size_t block_panels = BLOCK / VEC_WIDTH;
    OpArgs part = {.as.linear.activation = args->as.linear.activation};
    Product product = *room;
    product.args = &part;
    product.rounded = inner;
    part.out[0] = tensor_f32(outputs, inner->n_rows, BLOCK);
    for (size_t b = 0; b < inner->n_blocks; b++) {
        part.in[1] = *w;
        part.in[1].data = (char *)w->data + b * block_panels * panel_bytes;
        part.in[1].rows = BLOCK;
        if (bias->data) part.in[2] = tensor_columns(*bias, b * BLOCK, (b + 1) * BLOCK);
        product.n_follow = (inner->n_blocks - b - 1) * block_panels;
        product.block = b;
        run_block(&product);
    }
    for (size_t t = 0; t < inner->n_tiles; t++) q8_end_blocks(t, inner);
}

Status feed_forward_i8_amx(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[3];
    if (x->rows < LEAST_ROWS || x->cols == 0 || w->cols == 0)
        return feed_forward_i8_vnni(args, exec, err);
    const Q8Cut cut = q8_cut_rows(x->rows);
    const size_t k = args->in[1].cols, n_inner = w->cols, mark = exec_scratch_mark(exec),
                 block_rows = cut.block_tiles * cut.tile_rows, room = room_bytes(&cut),
                 of_x = q8_rows_bytes(&cut, k), of_inner = q8_rows_bytes(&cut, n_inner),
                 size_bytes = room + of_x + of_inner + block_rows * BLOCK * sizeof(float);
    char *at = exec_scratch(exec, size_bytes);
    if (!at) return error_set_memory(err, size_bytes, 1, "two products of bytes");
    Product product = place_room(at);
    Q8Rows rounded = q8_place_rows(at + room, &cut, k),
           inner = q8_place_rows(at + room + of_x, &cut, n_inner);
    float *outputs = (float *)(at + room + of_x + of_inner);
    OpArgs outer = {.out[0] = args->out[0]};
    outer.in[1] = *w;
    outer.in[2] = args->in[4];
    product.args = &outer;
    q8_configure(cut.tile_rows);
    for (size_t first = 0; first < x->rows; first += block_rows) {
        q8_take_rows(&rounded, size_min(block_rows, x->rows - first));
        q8_take_rows(&inner, rounded.n_rows);
        q8_round_rows(x, first, 0, &rounded);
        product.first = 0;
        product.x = &rounded;
        run_inner(args, &product, outputs, &inner);
        product.first = first;
        product.x = &inner;
        run_block(&product);
    }
    _tile_release();
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
