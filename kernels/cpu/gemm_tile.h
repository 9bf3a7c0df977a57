// kernels/cpu/gemm_tile.h: the micro-kernels of gemm_fast.c: rows x panels of c in registers.
//
// The bodies are one always-inlined function with constant rows and panels; gemm_tile_find picks an instance. Every
// instance computes the same chains, so the choice shows in no bit.
#ifndef ASSAY_KERNELS_CPU_GEMM_TILE_H
#define ASSAY_KERNELS_CPU_GEMM_TILE_H

#include "kernels/cpu/vec.h"

typedef struct GemmTile {
    const float *a;
    size_t a_stride; // between rows; for packed a, floats between steps of k
    const float *b;
    size_t b_panel; // floats between panels of b; within a panel step k is at 16 * k
    float *c;
    size_t c_row, c_panel;
    size_t n_last; // columns of the last panel, 1 .. 16
    size_t n_k;
    const float *bias; // added after the last step, or NULL
    const float *
        next_b; // a panel of the b that comes next, fetched into the cache meanwhile, a line a step; never NULL
    int reload;  // start from c
    int streams; // c goes past the caches: whole panels, at addresses of whole vectors
} GemmTile;

#if defined(__AVX512F__)
enum { TILE_ROWS = 14, TILE_PANELS = 2, TILE_MAX_PANELS = 8 };
// The widest tile that fits in registers: (rows x panels, see TILE_LIST).
static const unsigned char TILE_WIDE[TILE_ROWS + 1] = {0, 8, 8, 6, 6, 4, 4, 3, 3, 2, 2, 2, 2, 2, 2};
#else
enum { TILE_ROWS = 6, TILE_PANELS = 1, TILE_MAX_PANELS = 4 };
static const unsigned char TILE_WIDE[TILE_ROWS + 1] = {0, 4, 3, 2, 1, 1, 1};
#endif

// Up to so many rows read b as one stream, a panel at a time (see few_panels), and fetch it so many floats ahead: an Emerald
// Rapids by itself fetches less than it could, and 438 MB of weights took 1.18 times as long.
enum { TILE_STREAM_ROWS = 4, TILE_AHEAD = 1536 };

typedef void (*GemmTileFunction)(const GemmTile *tile);

// Rows 0, 1, 2 from each of five pointers: base + {0, 1, 2} * stride are addressing modes, so that 14 rows take six
// integer registers.
#define TILE_A(i) a[(i) / 3][(size_t)((i) % 3) * stride]

// The row after this one. The compiler may not see through it: it would work out the addresses of all rows ahead of the loop
// over k, and keep them in memory.
static inline __attribute__((always_inline)) float *tile_next_row(float *row, size_t stride)
{
    row += stride;
    __asm__("" : "+r"(row));
    return row;
}

// Loops that are unrolled away, in one function: taken apart, gcc 12 makes a sixth more instructions of them.
static inline __attribute__((always_inline)) void
// NOLINTNEXTLINE(readability-function-cognitive-complexity): see above
gemm_tile_body(const GemmTile *t, const int rows, const int panels, const int a_is_packed)
{
    Vec acc[TILE_ROWS][TILE_MAX_PANELS];
    const size_t stride = t->a_stride, n_last = t->n_last, c_row = t->c_row, c_panel = t->c_panel;
    float *c = t->c;
    // Each question is asked once a tile: asked row by row, the answers cost a hundred cycles between two tiles.
    if (t->reload) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++, c = tile_next_row(c, c_row)) {
#pragma GCC unroll 8
            for (int p = 0; p < panels; p++) {
                const float *from = c + (size_t)p * c_panel;
                acc[i][p] = p + 1 < panels ? vec_load(from) : vec_load_any(from, n_last);
            }
        }
    } else {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
            for (int p = 0; p < panels; p++) acc[i][p] = vec_zero();
        }
    }
    // Asked for now, so that it is there when the stores come.
    if (!t->streams && !t->reload) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++, c = tile_next_row(c, c_row)) {
            __builtin_prefetch(c, 1);
            if (panels > 1) __builtin_prefetch(c + c_panel, 1);
        }
    }
    const float *a[5], *b[3];
    for (int g = 0; g < 5; g++) a[g] = t->a + (a_is_packed ? 0 : (size_t)(3 * g) * stride);
    for (int g = 0; g < 3; g++) b[g] = t->b + (size_t)(3 * g) * t->b_panel;
    // Tall tiles have time to fetch what comes after them; short ones do not.
    const int is_tall = panels <= TILE_PANELS && rows > TILE_ROWS / 2;
    const int is_stream = panels == 1 && rows <= TILE_STREAM_ROWS && !is_tall;
    const float *const next_b = t->next_b;
    for (size_t k = 0; k < t->n_k; k++) {
        Vec bk[TILE_MAX_PANELS];
        if (is_tall) __builtin_prefetch(next_b + k * VEC_WIDTH, 0, 2);
        if (is_stream) __builtin_prefetch(b[0] + TILE_AHEAD, 0, 2);
#pragma GCC unroll 8
        for (int p = 0; p < panels; p++) {
            const float *from = b[p / 3] + (size_t)(p % 3) * t->b_panel;
            bk[p] = vec_load(from);
        }
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            const Vec x = vec_set1(a_is_packed ? a[0][i] : TILE_A(i));
#pragma GCC unroll 8
            for (int p = 0; p < panels; p++) acc[i][p] = vec_fma(x, bk[p], acc[i][p]);
        }
#pragma GCC unroll 5
        for (int g = 0; g < 5; g++) a[g] += a_is_packed ? stride : 1;
#pragma GCC unroll 3
        for (int g = 0; g < 3; g++) b[g] += VEC_WIDTH;
    }
    if (t->bias != NULL) {
#pragma GCC unroll 8
        for (int p = 0; p < panels; p++) {
            const float *from = t->bias + (size_t)p * VEC_WIDTH;
            const Vec bias = p + 1 < panels ? vec_load(from) : vec_load_any(from, n_last);
#pragma GCC unroll 14
            for (int i = 0; i < rows; i++) acc[i][p] = vec_add(acc[i][p], bias);
        }
    }
    c = t->c;
    if (t->streams) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++, c = tile_next_row(c, c_row)) {
#pragma GCC unroll 8
            for (int p = 0; p < panels; p++) vec_stream(c + (size_t)p * c_panel, acc[i][p]);
        }
        return;
    }
    if (n_last >= VEC_WIDTH) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++, c = tile_next_row(c, c_row)) {
#pragma GCC unroll 8
            for (int p = 0; p < panels; p++) vec_store(c + (size_t)p * c_panel, acc[i][p]);
        }
        return;
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, c = tile_next_row(c, c_row)) {
#pragma GCC unroll 8
        for (int p = 0; p < panels; p++) {
            float *to = c + (size_t)p * c_panel;
            if (p + 1 < panels) {
                vec_store(to, acc[i][p]);
            } else {
                vec_store_n(to, n_last, acc[i][p]);
            }
        }
    }
}

#undef TILE_A

#define TILE_FUNCTION(rows, panels)                                 \
    static void tile_##rows##x##panels(const GemmTile *tile)        \
    {                                                               \
        gemm_tile_body(tile, rows, panels, 0);                      \
    }                                                               \
    static void tile_packed_##rows##x##panels(const GemmTile *tile) \
    {                                                               \
        gemm_tile_body(tile, rows, panels, 1);                      \
    }
#define TILE_ENTRY(rows, panels) \
    [rows][panels] = {tile_##rows##x##panels, tile_packed_##rows##x##panels},

// clang-format moves this list each time it is run.
// clang-format off
#if defined(__AVX512F__)
#    define TILE_LIST(X)                                             \
        X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(7, 1)      \
        X(8, 1) X(9, 1) X(10, 1) X(11, 1) X(12, 1) X(13, 1) X(14, 1) \
        X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(5, 2) X(6, 2) X(7, 2)      \
        X(8, 2) X(9, 2) X(10, 2) X(11, 2) X(12, 2) X(13, 2) X(14, 2) \
        X(1, 8) X(2, 8) X(3, 6) X(4, 6) X(5, 4) X(6, 4) X(7, 3)      \
        X(8, 3)
#else
#    define TILE_LIST(X) X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(1, 4) X(2, 3) X(3, 2)
#endif
// clang-format on

TILE_LIST(TILE_FUNCTION)

// rows 1 .. TILE_ROWS; panels 1, TILE_PANELS or TILE_WIDE[rows].
static inline GemmTileFunction gemm_tile_find(size_t rows, size_t panels, int a_is_packed)
{
    static const GemmTileFunction functions[TILE_ROWS + 1][TILE_MAX_PANELS + 1][2] = {
        TILE_LIST(TILE_ENTRY)};
    return functions[rows][panels][a_is_packed];
}

#undef TILE_FUNCTION
#undef TILE_ENTRY
#undef TILE_LIST

#endif
