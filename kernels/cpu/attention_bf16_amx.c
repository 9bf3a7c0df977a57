// OP_ATTENTION_BF16 with AMX: scores and weighted values of 32 queries at a time as products of tiles; all else is that of
// attention_bf16_fast.c. What values give is added to y by tiles of keys. Against the row with AVX-512 BF16, on one thread of an
// Emerald Rapids beside other work: 1.2 times as fast for sequences of 16 with heads of 32, 2.2 for 128; with heads of 64 3.2 for 128
// and for 512, with heads of 128 4.5 for 384. What is left is the softmax.
#include "base/size.h"
#include "kernels/cpu/amx.h"
#include "kernels/cpu/attention_bf16.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/cpu/vec.h"

enum { TILE_PAIRS = 16, ROWS = 2 * AMX_ROWS, COLUMNS = 2 * VEC_WIDTH };

#define LOW_INLINE static inline __attribute__((always_inline))

// Registers: 0 .. 3 sums, of rows and panels 00, 01, 10, 11; 4, 5 rows; 6, 7 panels.
LOW_INLINE void tile_body(int rows, int panels, const Bf16Tile *t, float *c, size_t c_row)
{
    const size_t a_bytes = t->row_pairs * sizeof *t->pairs, c_bytes = c_row * sizeof *c;
    const uint32_t *a = t->pairs, *b = t->weights;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t k = 0; k < t->n_pairs;
         k += TILE_PAIRS, a += TILE_PAIRS, b += (size_t)TILE_PAIRS * VEC_WIDTH) {
        _tile_loadd(6, b, AMX_ROW_BYTES);
        _tile_loadd(4, a, a_bytes);
        _tile_dpbf16ps(0, 4, 6);
        if (panels > 1) {
            _tile_loadd(7, b + t->panel_pairs, AMX_ROW_BYTES);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (rows > 1) {
            _tile_loadd(5, a + AMX_ROWS * t->row_pairs, a_bytes);
            _tile_dpbf16ps(2, 5, 6);
            if (panels > 1) _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, c, c_bytes);
    if (panels > 1) _tile_stored(1, c + VEC_WIDTH, c_bytes);
    if (rows > 1) _tile_stored(2, c + AMX_ROWS * c_row, c_bytes);
    if (rows > 1 && panels > 1) _tile_stored(3, c + AMX_ROWS * c_row + VEC_WIDTH, c_bytes);
}

static void multiply_tile(size_t n_rows, size_t panels, const Bf16Tile *t, float *c, size_t c_row)
{
    if (n_rows > AMX_ROWS)
        panels > 1 ? tile_body(2, 2, t, c, c_row) : tile_body(2, 1, t, c, c_row);
    else
        panels > 1 ? tile_body(1, 2, t, c, c_row) : tile_body(1, 1, t, c, c_row);
}

// Whole tiles, rows beyond the last and all.
static void multiply_scores(size_t n_rows, size_t n_columns, size_t panel_pairs, Bf16Tile tile)
{
    const uint32_t *weights = tile.weights;
    AMX_WRITTEN();
    tile.panel_pairs = panel_pairs;
    for (size_t column = 0; column < n_columns; column += COLUMNS) {
        tile.weights = weights + column / VEC_WIDTH * panel_pairs;
        multiply_tile(n_rows, n_columns - column > VEC_WIDTH ? 2 : 1, &tile, tile.c + column,
                      tile.c_row);
    }
}

static void multiply_values(size_t n_rows, size_t n_columns, size_t panel_pairs, Bf16Tile tile)
{
    float sums[ROWS][COLUMNS];
    const uint32_t *weights = tile.weights;
    AMX_WRITTEN();
    tile.panel_pairs = panel_pairs;
    for (size_t column = 0; column < n_columns; column += COLUMNS) {
        tile.weights = weights + column / VEC_WIDTH * panel_pairs;
        multiply_tile(n_rows, n_columns - column > VEC_WIDTH ? 2 : 1, &tile, &sums[0][0], COLUMNS);
        const size_t n = size_min(n_columns - column, COLUMNS);
        for (size_t i = 0; i < n_rows; i++) {
            float *c = tile.c + i * tile.c_row + column;
            for (size_t j = 0; j < n; j += VEC_WIDTH) {
                Vec sum = vec_load(sums[i] + j);
                if (tile.accumulate) sum = vec_add(vec_load_any(c + j, n - j), sum);
                vec_store_any(c + j, n - j, sum);
            }
        }
    }
}

Status attention_bf16_amx(const OpArgs *args, Exec *exec, Error *err)
{
    static const AttentionProducts products = {
        .rows = ROWS, .step = TILE_PAIRS, .scores = multiply_scores, .values = multiply_values};
    AmxConfig config = {0};
    for (int tile = 0; tile < AMX_TILES; tile++) amx_shape(&config, tile, AMX_ROWS, AMX_ROW_BYTES);
    amx_configure(&config);
    const Status s = attention_bf16_run(args, &products, exec, err);
    _tile_release();
    return s;
}
