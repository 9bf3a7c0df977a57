// OP_LINEAR_BF16 with AMX: tiles of 32 rows by 32 outputs in four registers, two tiles of rows against two of weights at a time.
// A panel of weights (kernels/pack.h) is a column of tiles as it lies; rows are rounded into tiles of 1 KiB. Against the reference:
// the order of sums of kernels/linear_low.h. While a tile is added up, the vector units finish the one before it (bias, GELU,
// stores), and what both need next is fetched. Against the row with AVX-512 BF16, on one thread of an Emerald Rapids beside other
// work: 5 to 10 times as fast at 512 and 768 rows of BERT-base and MiniLM, 3 to 6 at 16 rows, 1.16 at one row, which waits for memory.
#include "base/size.h"
#include "kernels/cpu/amx.h"
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"

// Registers: 0 .. 3 sums, of rows and panels 00, 01, 10, 11; 4, 5 rows; 6, 7 panels.
enum {
    TILE_PAIRS = 16,                    // pairs of k in a row of a tile
    TILE_WORDS = AMX_ROWS * TILE_PAIRS, // of a tile
    ROWS = 2 * AMX_ROWS,
    COLUMNS = 2 * VEC_WIDTH,
    BLOCK_BYTES = 1 << 20, // of rounded rows, that panels pass: they stay in L2
};

// What is done with the sums of a tile while the next one is worked on: the vector units have nothing else to do then.
typedef struct Finish {
    float sums[ROWS][COLUMNS];
    float *c;
    size_t c_row, n_rows, n_columns, row; // row: the next
    const float *bias;
    int ends_in_gelu;
} Finish;

typedef struct Tile {
    const uint32_t *rows;              // [row tile][k][TILE_WORDS]
    size_t row_words;                  // between row tiles
    const uint32_t *weights, *last[2]; // last: of each panel the tile that k does not fill, or NULL
    size_t panel_words, n_k;           // n_k: whole tiles
    const uint32_t *next;              // fetched meanwhile, n_lines lines of it; NULL for nothing
    size_t n_lines;
} Tile;

#define LOW_INLINE static inline __attribute__((always_inline))

LOW_INLINE void finish_row(Finish *f)
{
    const size_t i = f->row++;
    for (size_t j = 0; j < f->n_columns; j += VEC_WIDTH) {
        const size_t n = f->n_columns - j;
        Vec y = vec_load(f->sums[i] + j);
        if (f->bias) y = vec_add(y, vec_load_any(f->bias + j, n));
        if (f->ends_in_gelu) y = vec_gelu_coarse(y);
        vec_store_any(f->c + i * f->c_row + j, n, y);
    }
}

LOW_INLINE void finish_rows(Finish *f, size_t n)
{
    for (; n > 0 && f->row < f->n_rows; n--) finish_row(f);
}

LOW_INLINE void multiply_step(int rows, int panels, const uint32_t *a, size_t row_words,
                              const uint32_t *b0, const uint32_t *b1)
{
    _tile_loadd(6, b0, AMX_ROW_BYTES);
    _tile_loadd(4, a, AMX_ROW_BYTES);
    _tile_dpbf16ps(0, 4, 6);
    if (panels > 1) {
        _tile_loadd(7, b1, AMX_ROW_BYTES);
        _tile_dpbf16ps(1, 4, 7);
    }
    if (rows > 1) {
        _tile_loadd(5, a + row_words, AMX_ROW_BYTES);
        _tile_dpbf16ps(2, 5, 6);
        if (panels > 1) _tile_dpbf16ps(3, 5, 7);
    }
}

// Where rows [i, i + n) of sums go: fetched, so that storing them need not wait.
LOW_INLINE void fetch_rows(const Finish *f, size_t i, size_t n)
{
    for (const size_t end = size_min(i + n, f->n_rows); i < end; i++) {
        const float *c = f->c + i * f->c_row;
        __builtin_prefetch(c, 1);
        __builtin_prefetch(c + f->n_columns - 1, 1);
    }
}

// The sums of a tile; those of the one before it are finished meanwhile.
LOW_INLINE void tile_body(int rows, int panels, const Tile *t, Finish *before, Finish *now)
{
    const size_t n_k = t->n_k, each = n_k > 0 ? (ROWS + n_k - 1) / n_k : 0;
    const size_t lines = n_k > 0 ? (t->n_lines + n_k - 1) / n_k : 0;
    const uint32_t *a = t->rows, *b = t->weights, *next = t->next;
    const uint32_t *end = next ? next + t->n_lines * TILE_PAIRS : NULL;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t k = 0; k < n_k; k++, a += TILE_WORDS, b += TILE_WORDS) {
        multiply_step(rows, panels, a, t->row_words, b, b + t->panel_words);
        for (size_t i = 0; i < lines && next < end; i++, next += TILE_PAIRS)
            __builtin_prefetch(next, 0, 2);
        finish_rows(before, each);
        fetch_rows(now, k * each, each);
    }
    if (t->last[0]) multiply_step(rows, panels, a, t->row_words, t->last[0], t->last[1]);
    _tile_stored(0, &now->sums[0][0], COLUMNS * sizeof(float));
    if (panels > 1) _tile_stored(1, &now->sums[0][VEC_WIDTH], COLUMNS * sizeof(float));
    if (rows > 1) _tile_stored(2, &now->sums[AMX_ROWS][0], COLUMNS * sizeof(float));
    if (rows > 1 && panels > 1)
        _tile_stored(3, &now->sums[AMX_ROWS][VEC_WIDTH], COLUMNS * sizeof(float));
    finish_rows(before, ROWS);
}

typedef void TileFunction(const Tile *tile, Finish *before, Finish *now);

#define TILE(rows, panels)                                                            \
    static void tile_##rows##x##panels(const Tile *tile, Finish *before, Finish *now) \
    {                                                                                 \
        tile_body(rows, panels, tile, before, now);                                   \
    }
TILE(1, 1)
TILE(1, 2)
TILE(2, 1)
TILE(2, 2)

static TileFunction *const tiles[2][2] = {{tile_1x1, tile_1x2}, {tile_2x1, tile_2x2}};

// ---- rows ----

// Rounded rows of a block, in tiles.
typedef struct Rounded {
    uint32_t *tiles;     // [row tile][k][TILE_WORDS]
    size_t n_k, n_tiles; // tiles of k, the last one filled up with zeros, and of rows
} Rounded;

static void round_rows(const Tensor *x, size_t first, size_t n, const Rounded *to)
{
    const size_t row_words = to->n_k * TILE_WORDS;
    for (size_t i = 0; i < to->n_tiles * AMX_ROWS; i++) {
        uint32_t *tile = to->tiles + i / AMX_ROWS * row_words + i % AMX_ROWS * TILE_PAIRS;
        const float *row = (const float *)x->data + (first + i) * x->row_stride;
        for (size_t k = 0; k < to->n_k; k++, tile += TILE_WORDS) {
            const size_t at = k * 2 * TILE_PAIRS;
            _mm512_storeu_si512(tile, i < n ? bf16_round_pairs(row + at, x->cols - at)
                                            : _mm512_setzero_si512());
        }
    }
}

// ---- a block of rows against all panels ----

typedef struct Product {
    const OpArgs *args;
    size_t first, n_rows; // rows of x and y
    Rounded x;
    size_t n_pairs, panel_words, n_panels;
    Finish finish[2]; // of the tile before and of this one, in turn
    int turn;         // whose the next tile's is
} Product;

static void set_shapes(size_t n_rows)
{
    AmxConfig config = {0};
    const size_t low = n_rows > AMX_ROWS ? AMX_ROWS : n_rows;
    const size_t high = n_rows > ROWS ? AMX_ROWS : n_rows > AMX_ROWS ? n_rows - AMX_ROWS : low;
    amx_shape(&config, 0, low, AMX_ROW_BYTES);
    amx_shape(&config, 1, low, AMX_ROW_BYTES);
    amx_shape(&config, 2, high, AMX_ROW_BYTES);
    amx_shape(&config, 3, high, AMX_ROW_BYTES);
    amx_shape(&config, 4, low, AMX_ROW_BYTES);
    amx_shape(&config, 5, high, AMX_ROW_BYTES);
    amx_shape(&config, 6, AMX_ROWS, AMX_ROW_BYTES);
    amx_shape(&config, 7, AMX_ROWS, AMX_ROW_BYTES);
    amx_configure(&config);
}

// What is left of a panel where k does not fill its last tile, and zeros.
static void copy_last(const Product *p, const uint32_t *panel, uint32_t *to)
{
    const size_t whole = p->n_pairs / TILE_PAIRS * TILE_WORDS;
    const size_t left = p->panel_words - whole;
    memcpy(to, panel + whole, left * sizeof *to);
    memset(to + left, 0, (TILE_WORDS - left) * sizeof *to);
}

// Sums of row tiles [i, i + rows) that wait in the other Finish go out while those here are added up.
static void run_tile(Product *p, size_t rows, size_t i, size_t panels, size_t column,
                     const Tile *tile)
{
    const OpArgs *args = p->args;
    const Tensor *y = &args->out[0];
    const float *bias = args->in[2].data;
    Finish *now = &p->finish[p->turn], *before = &p->finish[!p->turn];
    const size_t row = p->first + i * AMX_ROWS;
    now->c = (float *)y->data + row * y->row_stride + column;
    now->c_row = y->row_stride;
    now->n_rows = size_min(p->n_rows - i * AMX_ROWS, rows * AMX_ROWS);
    now->n_columns = size_min(panels * VEC_WIDTH, y->cols - column);
    now->row = 0;
    now->bias = bias ? bias + column : NULL;
    now->ends_in_gelu = low_ends_in_gelu(args);
    AMX_WRITTEN();
    tiles[rows - 1][panels - 1](tile, before, now);
    p->turn = !p->turn;
}

// Whether low_finish has something to do.
static int has_more(const OpArgs *args)
{
    const int activates = args->as.linear.activation != ACTIVATION_NONE;
    return args->out[1].data || (activates && !low_ends_in_gelu(args));
}

static void run_panels(Product *p, size_t first, size_t panels)
{
    const Tensor *w = &p->args->in[1];
    uint32_t last[2][TILE_WORDS];
    const size_t column = first * VEC_WIDTH, n_pairs_of_tiles = (p->x.n_tiles + 1) / 2;
    const uint32_t *weights = (const uint32_t *)w->data + first * p->panel_words;
    const int is_cut = p->n_pairs % TILE_PAIRS != 0;
    for (size_t i = 0; is_cut && i < panels; i++)
        copy_last(p, weights + i * p->panel_words, last[i]);
    const size_t following = size_min(2, p->n_panels - first - panels);
    const size_t lines = following * p->n_pairs; // of the panels that come next
    for (size_t i = 0; i < n_pairs_of_tiles; i++) {
        const size_t from = lines * i / n_pairs_of_tiles, to = lines * (i + 1) / n_pairs_of_tiles;
        const Tile tile = {
            .rows = p->x.tiles + 2 * i * p->x.n_k * TILE_WORDS,
            .row_words = p->x.n_k * TILE_WORDS,
            .weights = weights,
            .last = {is_cut ? last[0] : NULL, is_cut ? last[1] : NULL},
            .panel_words = p->panel_words,
            .n_k = p->n_pairs / TILE_PAIRS,
            .next = lines > 0 ? weights + panels * p->panel_words + from * TILE_PAIRS : NULL,
            .n_lines = to - from,
        };
        run_tile(p, size_min(2, p->x.n_tiles - 2 * i), 2 * i, panels, column, &tile);
    }
    if (has_more(p->args)) {
        const size_t columns = size_min(panels * VEC_WIDTH, p->args->out[0].cols - column);
        finish_rows(&p->finish[!p->turn], ROWS);
        low_finish(p->args, p->first, p->n_rows, column, columns);
    }
}

static void run_block(Product *p)
{
    set_shapes(p->n_rows);
    for (size_t first = 0; first < p->n_panels; first += 2)
        run_panels(p, first, size_min(2, p->n_panels - first));
    finish_rows(&p->finish[!p->turn], ROWS);
}

// Rows of a block, whole tiles: few enough that they stay in L2, and blocks of much the same number. Where all weights stay there
// too, more blocks of half the size cost nothing, and take less memory.
static size_t block_rows(size_t n_rows, size_t row_bytes, size_t weight_bytes)
{
    const size_t block_bytes = weight_bytes <= LOW_FEW_WEIGHT_BYTES ? BLOCK_BYTES / 2 : BLOCK_BYTES;
    const size_t most = size_max(block_bytes / size_max(row_bytes, 1) / ROWS, 1) * ROWS;
    const size_t n_blocks = size_max((n_rows + most - 1) / most, 1);
    return size_round_up((n_rows + n_blocks - 1) / n_blocks, n_rows > ROWS ? ROWS : AMX_ROWS);
}

Status linear_bf16_amx(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    const size_t n_pairs = (w->cols + 1) / 2, n_k = (n_pairs + TILE_PAIRS - 1) / TILE_PAIRS;
    const size_t row_bytes = n_k * AMX_ROW_BYTES,
                 most = block_rows(x->rows, row_bytes, w->rows * n_pairs * sizeof(uint32_t));
    const size_t mark = exec_scratch_mark(exec);
    uint32_t *pairs = exec_scratch(exec, most * row_bytes);
    if (!pairs) return error_set_memory(err, most, row_bytes, "a product in bf16");
    for (size_t first = 0; first < x->rows; first += most) {
        const size_t n = size_min(most, x->rows - first);
        Product p = {
            .args = args,
            .first = first,
            .n_rows = n,
            .x = {.tiles = pairs, .n_k = n_k, .n_tiles = (n + AMX_ROWS - 1) / AMX_ROWS},
            .n_pairs = n_pairs,
            .panel_words = n_pairs * VEC_WIDTH,
            .n_panels = size_round_up(args->out[0].cols, VEC_WIDTH) / VEC_WIDTH,
        };
        round_rows(x, first, n, &p.x);
        run_block(&p);
    }
    _tile_release();
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
