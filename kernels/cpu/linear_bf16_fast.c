// OP_LINEAR_BF16 with AVX-512 BF16. Against the reference: two products an output and instruction, added in f32 as the
// instruction adds them, pairs of k in ascending order; x is rounded once. On one thread of a Zen 4, 512 x 2304 x 768: about
// twice as fast as the products in f32.
#include "base/size.h"
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/low_tile.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"

// Up to STREAM_ROWS rows read weights from memory as one stream, a panel at a time (see gemm_fast.c).
enum { ROWS = BF16_ROWS, PANELS = BF16_PANELS, STREAM_ROWS = 3, BLOCK_ROWS = 192 };

#define LOW_INLINE static inline __attribute__((always_inline))

LOW_INLINE void tile_body(int rows, int panels, const Bf16Tile *t)
{
    __m512 sum[ROWS][PANELS];
    const size_t n_pairs = t->n_pairs, row_pairs = t->row_pairs;
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++) {
            const float *from = t->c + (size_t)i * t->c_row + (size_t)p * VEC_WIDTH;
            const size_t n = p + 1 < panels ? VEC_WIDTH : t->n_last;
            sum[i][p] = t->accumulate ? vec_load_any(from, n) : vec_zero();
        }
    }
    const uint32_t *b = t->weights, *a = t->pairs;
    for (size_t k = 0; k < n_pairs; k++, b += VEC_WIDTH) {
        if (rows > PANELS && t->next) __builtin_prefetch(t->next + k * VEC_WIDTH, 0, 2);
        __m512bh w[PANELS];
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++)
            w[p] = (__m512bh)_mm512_loadu_si512(b + (size_t)p * t->panel_pairs);
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            const __m512bh x = (__m512bh)_mm512_set1_epi32((int32_t)a[(size_t)i * row_pairs + k]);
#pragma GCC unroll 2
            for (int p = 0; p < panels; p++) sum[i][p] = _mm512_dpbf16_ps(sum[i][p], w[p], x);
        }
    }
#pragma GCC unroll 2
    for (int p = 0; p < panels; p++) {
        const size_t n = p + 1 < panels ? VEC_WIDTH : t->n_last, column = (size_t)p * VEC_WIDTH;
        const Vec bias = t->bias ? vec_load_any(t->bias + column, n) : vec_zero();
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            Vec y = t->bias ? vec_add(sum[i][p], bias) : sum[i][p];
            if (t->ends_in_gelu) y = vec_gelu_coarse(y);
            vec_store_any(t->c + (size_t)i * t->c_row + column, n, y);
        }
    }
}

typedef void TileFunction(const Bf16Tile *tile);

#define TILE(rows, panels)                                   \
    static void tile_##rows##x##panels(const Bf16Tile *tile) \
    {                                                        \
        tile_body(rows, panels, tile);                       \
    }
#define TILES(rows) TILE(rows, 1) TILE(rows, 2)
#define ROW_OF(rows)                     \
    {                                    \
        tile_##rows##x1, tile_##rows##x2 \
    }
// clang-format off
TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
TILES(7) TILES(8) TILES(9) TILES(10) TILES(11) TILES(12)

static TileFunction *const tiles[ROWS][PANELS] = {
    ROW_OF(1), ROW_OF(2), ROW_OF(3), ROW_OF(4), ROW_OF(5), ROW_OF(6),
    ROW_OF(7), ROW_OF(8), ROW_OF(9), ROW_OF(10), ROW_OF(11), ROW_OF(12)};
// clang-format on

void bf16_tile_avx512(size_t rows, size_t panels, const Bf16Tile *tile)
{
    tiles[rows - 1][panels - 1](tile);
}

static void round_rows(const Tensor *x, size_t first, size_t n, size_t n_pairs, uint32_t *pairs)
{
    for (size_t i = 0; i < n; i++) {
        const float *row = (const float *)x->data + (first + i) * x->row_stride;
        bf16_round_row(x->cols, row, pairs + i * n_pairs);
    }
}

static void run_block(const OpArgs *args, size_t first, size_t n_rows, const uint32_t *pairs)
{
    const Tensor *w = &args->in[1], *y = &args->out[0];
    const float *bias = args->in[2].data;
    const int ends_in_gelu = low_ends_in_gelu(args);
    const size_t n_pairs = (w->cols + 1) / 2, panel = n_pairs * VEC_WIDTH;
    const size_t n_panels = size_round_up(y->cols, VEC_WIDTH) / VEC_WIDTH;
    const size_t n_tiles = (n_rows + ROWS - 1) / ROWS, most = n_rows <= STREAM_ROWS ? 1 : PANELS;
    for (size_t p = 0, take; p < n_panels; p += take) {
        take = size_min(most, n_panels - p);
        const size_t column = p * VEC_WIDTH, columns = size_min(take * VEC_WIDTH, y->cols - column);
        const uint32_t *weights = (const uint32_t *)w->data + p * panel;
        for (size_t t = 0; t < n_tiles; t++) {
            const size_t from = n_rows * t / n_tiles, n = n_rows * (t + 1) / n_tiles - from;
            const Bf16Tile tile = {
                .pairs = pairs + from * n_pairs,
                .row_pairs = n_pairs,
                .n_pairs = n_pairs,
                .weights = weights,
                .panel_pairs = panel,
                // The first tiles fetch the panels that come next, one each.
                .next = n_tiles > 1 && t < take && p + 2 * take <= n_panels
                            ? weights + (take + t) * panel
                            : NULL,
                .c = (float *)y->data + (first + from) * y->row_stride + column,
                .c_row = y->row_stride,
                .n_last = columns - (take - 1) * VEC_WIDTH,
                .bias = bias ? bias + column : NULL,
                .ends_in_gelu = ends_in_gelu,
            };
            tiles[n - 1][take - 1](&tile);
            if (!ends_in_gelu) low_finish(args, first + from, n, column, columns);
        }
    }
}

Status linear_bf16_avx512(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1];
    const size_t n_pairs = (w->cols + 1) / 2, n_rows = size_min(x->rows, BLOCK_ROWS);
    const size_t mark = exec_scratch_mark(exec), size_bytes = n_rows * n_pairs * 4;
    uint32_t *pairs = exec_scratch(exec, size_bytes);
    if (!pairs) return error_set_memory(err, size_bytes, 1, "a product in bf16");
    for (size_t first = 0; first < x->rows; first += BLOCK_ROWS) {
        const size_t n = size_min(BLOCK_ROWS, x->rows - first);
        round_rows(x, first, n, n_pairs, pairs);
        run_block(args, first, n, pairs);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
