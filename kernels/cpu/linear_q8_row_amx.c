// OP_LINEAR_I8 for weights in Q8_ROW, and OP_FEED_FORWARD_I8, with AMX, bit for bit as linear_q8_row_fast.c gives them. A block of
// 64 numbers of 16 rows against 16 outputs is one instruction, TDPBSUD, on panels as they lie: what their codes are shifted by is
// taken off at the end. Blocks of different scales are added as integers where that gives the chain's bits (kernels/cpu/q8_tiles.h):
// their low codes in two tiles, of two panels, their high ones in two more, so that each tile that is loaded is used twice. Else a
// block's integers go through L1 to what scales and adds them: where VNNI begins with the bits of a float of the block's size, a
// conversion, which is exact, and an fmaf by a power of two, whose product is, give the same chain.
// On one thread of an Emerald Rapids, against VNNI: 24 x 768 x 768 1.2 times as fast, 64 and 112 x 768 x 768 1.4 and 1.55, two layers of
// 112 x 3072 x 768 1.5. Panels are read as they lie since taking their shift off first cost more than few rows' products.
// Of 1,024 rows of MiniLM, where blocks have many scales, a chain for all tiles took 7 % less time.
// Without gain: storing a tile of a chain a block later; outputs stored past the caches (a model's next operation waits for them).
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
    // With fewer, and two layers of them, tiles are no faster than the row of VNNI.
    LEAST_ROWS = 19,
    LEAST_ROWS_OF_TWO = 25,
    PANELS = 2,
    AHEAD = 2, // blocks of a chain that are multiplied before one is added
    TILE_SUMS = AMX_ROWS * VEC_WIDTH,
};
_Static_assert((int)BLOCK == (int)AMX_ROW_BYTES, "a block is as deep as a tile");

// ---- tiles ----

// What is done with the sums of a tile while the next one is worked on: the vector units have nothing else to do then.
typedef struct Finish {
    int32_t sums[2 * PANELS][TILE_SUMS];   // low ones of each panel, then high ones
    int high_bits;                         // what high sums are shifted by
    size_t panels, n_rows, n_columns, row; // row: the next
    Vec weight_scale[PANELS], bias[PANELS];
    const float *unit, *scale; // [AMX_ROWS]
    const int32_t *total;
    float *c;
    size_t c_row;
    int ends_in_gelu;
} Finish;

// Rows of a tile against one panel or two.
typedef struct Tile {
    Q8Tile x;
    size_t row_bytes, n_blocks; // row_bytes: of a block's low or high codes
    const uint8_t *weights;     // [n_blocks, BLOCK_LINES, 16, 4] of the first panel
    size_t panel_bytes;
    // Fetched meanwhile, for each block: lines of the panels that come next.
    const uint8_t *next;
    size_t n_next;
} Tile;

LOW_INLINE void finish_row(Finish *f)
{
    const size_t i = f->row++;
    const __m512i total = _mm512_set1_epi32(f->total[i]);
    const Vec unit = vec_set1(f->unit[i]), scale = vec_set1(f->scale[i]);
    for (size_t p = 0; p < f->panels; p++) {
        const __m512i low = _mm512_load_si512(f->sums[p] + i * VEC_WIDTH),
                      high = _mm512_load_si512(f->sums[PANELS + p] + i * VEC_WIDTH);
        const __m512i shifted = _mm512_sll_epi32(high, _mm_cvtsi32_si128(f->high_bits));
        const __m512i whole = _mm512_sub_epi32(_mm512_add_epi32(low, shifted), total);
        const Vec sum = vec_mul(_mm512_cvtepi32_ps(whole), unit);
        Vec y = vec_fma(vec_mul(sum, f->weight_scale[p]), scale, f->bias[p]);
        if (f->ends_in_gelu) y = vec_gelu_coarse(y);
        vec_store_any(f->c + i * f->c_row + p * VEC_WIDTH, f->n_columns - p * VEC_WIDTH, y);
    }
}

LOW_INLINE void finish_rows(Finish *f, size_t n)
{
    for (; n > 0 && f->row < f->n_rows; n--) finish_row(f);
}

// Beside each block: rows of the tile before, and lines of what comes next.
typedef struct Beside {
    Finish *before;
    size_t each; // rows a block
    const uint8_t *next;
    size_t n_next;
} Beside;

LOW_INLINE void work_beside(Beside *b)
{
    for (size_t line = 0; line < b->n_next; line++, b->next += LINE_BYTES)
        __builtin_prefetch(b->next, 0, 2);
    finish_rows(b->before, b->each);
}

// Codes in tile a, against the first panel to tile `to`, against the second to tile `to2`. Names of tiles are digits in assembly.
#define LOAD_WEIGHTS(b)                                                    \
    do {                                                                   \
        const uint8_t *w = t->weights + (size_t)(b)*Q8_TILE_BYTES;         \
        _tile_loadd(6, w, AMX_ROW_BYTES);                                  \
        if (panels > 1) _tile_loadd(7, w + t->panel_bytes, AMX_ROW_BYTES); \
    } while (0)
#define MULTIPLY(a, codes, to, to2)              \
    do {                                         \
        _tile_loadd(a, codes, AMX_ROW_BYTES);    \
        _tile_dpbsud(to, a, 6);                  \
        if (panels > 1) _tile_dpbsud(to2, a, 7); \
    } while (0)

// Products with alternating tiles of sums wait for none of the last.
LOW_INLINE void multiply_lone(const int panels, const Tile *t, Beside *beside, size_t from)
{
    const size_t n = t->x.order->n_lone, block_bytes = 2 * t->row_bytes;
    size_t s = from;
    for (; s + 1 < n; s += 2) {
        const size_t b = t->x.lone[s], b2 = t->x.lone[s + 1];
        LOAD_WEIGHTS(b);
        MULTIPLY(4, t->x.codes + b * block_bytes, 0, 1);
        work_beside(beside);
        LOAD_WEIGHTS(b2);
        MULTIPLY(5, t->x.codes + b2 * block_bytes, 2, 3);
        work_beside(beside);
    }
    if (s == n) return;
    LOAD_WEIGHTS(t->x.lone[s]);
    MULTIPLY(4, t->x.codes + t->x.lone[s] * block_bytes, 0, 1);
}

// The sums of a tile as integers; those of the one before it are finished meanwhile.
LOW_INLINE void sums_body(const int panels, const Tile *t, Finish *before, Finish *now)
{
    const size_t block_bytes = 2 * t->row_bytes, n_both = t->x.order->n_both,
                 n = n_both + t->x.order->n_lone;
    Beside beside = {before, n > 0 ? (AMX_ROWS + n - 1) / n : 0, t->next, t->n_next};
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t s = 0; s < n_both; s++) {
        const size_t b = t->x.both[s];
        const int8_t *codes = t->x.codes + b * block_bytes;
        LOAD_WEIGHTS(b);
        MULTIPLY(4, codes, 0, 1);
        MULTIPLY(5, codes + t->row_bytes, 2, 3);
        work_beside(&beside);
    }
    now->high_bits = n_both > 0 ? Q8_HIGH_BITS : 0;
    if (n_both > 0) {
        for (size_t s = 0; s < t->x.order->n_lone; s++) {
            const size_t b = t->x.lone[s];
            LOAD_WEIGHTS(b);
            MULTIPLY(4, t->x.codes + b * block_bytes, 0, 1);
            work_beside(&beside);
        }
    } else {
        multiply_lone(panels, t, &beside, 0);
    }
    _tile_stored(0, now->sums[0], AMX_ROW_BYTES);
    _tile_stored(2, now->sums[PANELS], AMX_ROW_BYTES);
    if (panels > 1) _tile_stored(1, now->sums[1], AMX_ROW_BYTES);
    if (panels > 1) _tile_stored(3, now->sums[PANELS + 1], AMX_ROW_BYTES);
    finish_rows(before, AMX_ROWS);
}

static void sums_of_one(const Tile *tile, Finish *before, Finish *now)
{
    sums_body(1, tile, before, now);
}

static void sums_of_two(const Tile *tile, Finish *before, Finish *now)
{
    sums_body(2, tile, before, now);
}

// ---- a chain ----

typedef struct ChainBlock {
    int32_t low[TILE_SUMS], high[TILE_SUMS];
} ChainBlock;

static void multiply_block(const Tile *t, size_t b, ChainBlock *to)
{
    const int8_t *codes = t->x.codes + 2 * b * t->row_bytes;
    _tile_loadd(6, t->weights + b * Q8_TILE_BYTES, AMX_ROW_BYTES);
    _tile_loadd(4, codes, AMX_ROW_BYTES);
    _tile_zero(0);
    _tile_dpbsud(0, 4, 6);
    _tile_stored(0, to->low, AMX_ROW_BYTES);
    if (!t->x.has_high[b]) return;
    _tile_loadd(5, codes + t->row_bytes, AMX_ROW_BYTES);
    _tile_zero(1);
    _tile_dpbsud(1, 5, 6);
    _tile_stored(1, to->high, AMX_ROW_BYTES);
}

LOW_INLINE void add_block(const Tile *t, size_t b, const ChainBlock *products, Vec sum[AMX_ROWS])
{
    const int32_t *shift = t->x.sum + b * AMX_ROWS;
    const float *unit = t->x.unit + b * AMX_ROWS;
    const int has_high = t->x.has_high[b];
#pragma GCC unroll 16
    for (size_t i = 0; i < AMX_ROWS; i++) {
        __m512i product = _mm512_load_si512(products->low + i * VEC_WIDTH);
        if (has_high) {
            const __m512i high = _mm512_load_si512(products->high + i * VEC_WIDTH);
            product = _mm512_add_epi32(product, _mm512_slli_epi32(high, Q8_HIGH_BITS));
        }
        product = _mm512_sub_epi32(product, _mm512_set1_epi32(shift[i]));
        sum[i] = vec_fma(_mm512_cvtepi32_ps(product), vec_set1(unit[i]), sum[i]);
    }
}

// Rows of a tile against its first panel, of which the Finish tells all but the sums.
static void chain_panel(const Tile *t, const Finish *f, size_t p)
{
    _Alignas(64) ChainBlock products[AHEAD] = {0};
    Vec sum[AMX_ROWS];
#pragma GCC unroll 16
    for (size_t i = 0; i < AMX_ROWS; i++) sum[i] = vec_zero();
    for (size_t b = 0; b < t->n_blocks && b < AHEAD; b++) multiply_block(t, b, &products[b]);
    for (size_t b = 0; b < t->n_blocks; b++) {
        add_block(t, b, &products[b % AHEAD], sum);
        if (b + AHEAD < t->n_blocks) multiply_block(t, b + AHEAD, &products[b % AHEAD]);
    }
    const size_t column = p * VEC_WIDTH;
#pragma GCC unroll 16
    for (size_t i = 0; i < AMX_ROWS; i++) {
        if (i >= f->n_rows) break;
        const Vec scale = vec_set1(f->scale[i]);
        Vec y = vec_fma(vec_mul(sum[i], f->weight_scale[p]), scale, f->bias[p]);
        if (f->ends_in_gelu) y = vec_gelu_coarse(y);
        vec_store_any(f->c + i * f->c_row + column, f->n_columns - column, y);
    }
}

static void chain_tile(Tile t, const Finish *f)
{
    for (size_t p = 0; p < f->panels; p++, t.weights += t.panel_bytes) chain_panel(&t, f, p);
}

// ---- products ----

typedef struct Product {
    const OpArgs *args; // of a layer, or of a block of its outputs
    size_t first;       // row of out0 where it begins
    const Q8Rows *x;
    size_t n_follow;  // panels behind the weight's last
    Finish finish[2]; // of the tile before and of this one, in turn
    int turn;         // whose the next tile's is
} Product;

// Some panels that all rows pass.
typedef struct Pass {
    size_t panel, n_panels;
    float norm;    // the largest of their outputs'
    size_t n_next; // lines fetched for each block
} Pass;

static void finish_before(Product *p)
{
    finish_rows(&p->finish[!p->turn], AMX_ROWS);
}

static Vec load_halves(const uint8_t *at)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at));
}

static void set_finish(const Product *product, const Pass *pass, size_t t, const Q8Tile *x,
                       Finish *f)
{
    const OpArgs *args = product->args;
    const Tensor *w = &args->in[1], *y = &args->out[0];
    const float *bias = args->in[2].data;
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols),
                 column = pass->panel * VEC_WIDTH;
    const uint8_t *head = (const uint8_t *)w->data + pass->panel * panel_bytes;
    f->panels = pass->n_panels;
    f->n_rows = q8_rows_of_tile(product->x, t);
    f->n_columns = y->cols - column;
    f->row = 0;
    f->unit = x->unit;
    f->scale = x->scale;
    f->total = x->total;
    f->c = (float *)y->data + (product->first + t * product->x->tile_rows) * y->row_stride + column;
    f->c_row = y->row_stride;
    f->ends_in_gelu = low_ends_in_gelu(args);
    for (size_t p = 0; p < pass->n_panels; p++, head += panel_bytes) {
        const size_t at = p * VEC_WIDTH;
        f->weight_scale[p] = load_halves(head);
        f->bias[p] = bias ? vec_load_any(bias + column + at, f->n_columns - at) : vec_zero();
    }
}

// Stores that wait for their lines would hold up those of sums.
static void fetch_outputs(const Finish *f)
{
    for (size_t i = 0; i < f->n_rows; i++) {
        for (size_t p = 0; p < f->panels; p++)
            __builtin_prefetch(f->c + i * f->c_row + p * VEC_WIDTH, 1);
    }
}

static void run_tile(Product *product, const Pass *pass, size_t t)
{
    const Q8Rows *x = product->x;
    const Tensor *w = &product->args->in[1];
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols);
    const uint8_t *panel = (const uint8_t *)w->data + pass->panel * panel_bytes;
    Finish *now = &product->finish[product->turn], *before = &product->finish[!product->turn];
    const Tile tile = {
        .x = q8_tile(x, t),
        .row_bytes = x->tile_rows * BLOCK,
        .n_blocks = x->n_blocks,
        .weights = panel + LINE_BYTES,
        .panel_bytes = panel_bytes,
        .next = panel + pass->n_panels * panel_bytes + t * x->n_blocks * pass->n_next * LINE_BYTES,
        .n_next = pass->n_next,
    };
    set_finish(product, pass, t, &tile.x, now);
    fetch_outputs(now);
    AMX_WRITTEN();
    // A little below 2^24, where integers end in f32, for what the norms were rounded.
    if (!(tile.x.order->norm * pass->norm < 0x1.ffp23f)) {
        chain_tile(tile, now);
        now->row = now->n_rows;
        return;
    }
    if (pass->n_panels > 1)
        sums_of_two(&tile, before, now);
    else
        sums_of_one(&tile, before, now);
    product->turn = !product->turn;
}

static float largest_norm(const Product *product, const Pass *pass)
{
    const Tensor *w = &product->args->in[1];
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols);
    const uint8_t *head = (const uint8_t *)w->data + pass->panel * panel_bytes;
    Vec norm = vec_zero();
    for (size_t p = 0; p < pass->n_panels; p++, head += panel_bytes)
        norm = _mm512_max_ps(norm, load_halves(head + LINE_BYTES / 2));
    return vec_reduce_max(norm);
}

// A block of rows against all panels, two at a time; rows fetch those that come next, a share each.
static void run_block(Product *product)
{
    const OpArgs *args = product->args;
    const Q8Rows *x = product->x;
    const Tensor *y = &args->out[0];
    const int ends_in_gelu = low_ends_in_gelu(args);
    const size_t n_panels = size_round_up(y->cols, VEC_WIDTH) / VEC_WIDTH;
    for (size_t p = 0, take; p < n_panels; p += take) {
        take = size_min(PANELS, n_panels - p);
        const size_t lines = p + 2 * take <= n_panels + product->n_follow ? take * BLOCK_LINES : 0;
        Pass pass = {p, take, 0, (lines + x->n_tiles - 1) / size_max(1, x->n_tiles)};
        pass.norm = largest_norm(product, &pass);
        for (size_t t = 0; t < x->n_tiles; t++) run_tile(product, &pass, t);
        if (ends_in_gelu) continue;
        const size_t column = p * VEC_WIDTH;
        if (args->as.linear.activation != ACTIVATION_NONE || args->out[1].data) {
            finish_before(product);
            low_finish(args, product->first, x->n_rows, column,
                       size_min(take * VEC_WIDTH, y->cols - column));
        }
    }
    finish_before(product);
}

Status linear_q8_row_amx(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    if (x->rows < LEAST_ROWS || w->cols == 0) return linear_q8_row_vnni(args, exec, err);
    const Q8Cut cut = q8_cut_rows(x->rows, w->cols, w->rows * w->cols);
    const size_t size_bytes = q8_rows_bytes(&cut, w->cols);
    const size_t mark = exec_scratch_mark(exec), block_rows = cut.block_tiles * cut.tile_rows;
    char *at = exec_scratch(exec, size_bytes);
    if (!at) return error_set_memory(err, size_bytes, 1, "a product of bytes");
    Q8Rows rounded = q8_place_rows(at, &cut, w->cols);
    Product product = {.args = args, .x = &rounded};
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
static void run_inner(const OpArgs *args, Product *product, float *outputs, const Q8Rows *inner)
{
    const Tensor *w = &args->in[1], *bias = &args->in[2];
    const size_t panel_bytes = pack_stored_panel_bytes(w->dtype, w->cols);
    const size_t block_panels = BLOCK / VEC_WIDTH;
    OpArgs part = {.as.linear.activation = args->as.linear.activation};
    product->args = &part;
    part.out[0] = tensor_f32(outputs, inner->n_rows, BLOCK);
    for (size_t b = 0; b < inner->n_blocks; b++) {
        part.in[1] = *w;
        part.in[1].data = (char *)w->data + b * block_panels * panel_bytes;
        part.in[1].rows = BLOCK;
        if (bias->data) part.in[2] = tensor_columns(*bias, b * BLOCK, (b + 1) * BLOCK);
        product->n_follow = (inner->n_blocks - b - 1) * block_panels;
        run_block(product);
        for (size_t t = 0; t < inner->n_tiles; t++)
            q8_round_block(outputs + t * inner->tile_rows * BLOCK, BLOCK, t, b, inner);
    }
    for (size_t t = 0; t < inner->n_tiles; t++) q8_end_blocks(t, inner);
    product->n_follow = 0;
    product->args = NULL; // part ends here
}

Status feed_forward_i8_amx(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[3];
    if (x->rows < LEAST_ROWS_OF_TWO || x->cols == 0 || w->cols == 0)
        return feed_forward_i8_vnni(args, exec, err);
    const size_t k = args->in[1].cols, n_inner = w->cols, mark = exec_scratch_mark(exec);
    const Q8Cut cut = q8_cut_rows(x->rows, k + n_inner, n_inner * (k + w->rows));
    const size_t block_rows = cut.block_tiles * cut.tile_rows, of_x = q8_rows_bytes(&cut, k),
                 of_inner = q8_rows_bytes(&cut, n_inner),
                 size_bytes = of_x + of_inner + block_rows * BLOCK * sizeof(float);
    char *at = exec_scratch(exec, size_bytes);
    if (!at) return error_set_memory(err, size_bytes, 1, "two products of bytes");
    Q8Rows rounded = q8_place_rows(at, &cut, k), inner = q8_place_rows(at + of_x, &cut, n_inner);
    float *outputs = (float *)(at + of_x + of_inner);
    OpArgs outer = {.out[0] = args->out[0]};
    outer.in[1] = *w;
    outer.in[2] = args->in[4];
    Product product = {0};
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
        product.args = &outer;
        run_block(&product);
    }
    _tile_release();
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
