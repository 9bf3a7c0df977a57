#include "kernels/cpu/stored_fast.h"

#include "base/size.h"
#include "kernels/cpu/vec_stored.h"

// One instance of `body` for each format, chosen at run time.
// clang-format moves this list each time it is run.
// clang-format off
#define FOR_EACH_DTYPE(X)                                                 \
    X(DTYPE_F16) X(DTYPE_BF16) X(DTYPE_Q8_0) X(DTYPE_Q4_0) X(DTYPE_Q4_1)  \
    X(DTYPE_Q5_0) X(DTYPE_Q5_1) X(DTYPE_Q4_K) X(DTYPE_Q5_K) X(DTYPE_Q6_K) \
    X(DTYPE_Q8_ROW) X(DTYPE_MXFP4)
// clang-format on

// ---- unpacking ----

STORED_INLINE void unpack_body(DType dtype, const uint8_t *panel, size_t k0, size_t n_k, float *to)
{
    const size_t block = stored_block(dtype), part = stored_part(dtype);
    for (size_t k = k0; k < k0 + n_k; k += part) {
        const StoredPart from =
            stored_part_of(dtype, panel + k / block * stored_block_bytes(dtype), k % block / part);
        const size_t n = size_min(part, k0 + n_k - k);
        for (size_t j = 0; j < n; j += 4, to += (size_t)4 * VEC_WIDTH) {
#pragma GCC unroll 4
            for (size_t i = 0; i < 4; i++) {
                // Ends that are no multiple of 4 are those of 16-bit formats.
                if (j + i < n) vec_store(to + i * VEC_WIDTH, stored_weight(dtype, &from, j + i));
            }
        }
        to -= (4 - n % 4) % 4 * VEC_WIDTH;
    }
}

void FAST(stored_unpack)(DType dtype, const void *panel, size_t k0, size_t n_k, float *to)
{
#define UNPACK(kind) \
    if (dtype == (kind)) unpack_body(kind, panel, k0, n_k, to);
    FOR_EACH_DTYPE(UNPACK)
#undef UNPACK
}

// ---- few rows ----

// Step k of a part.
STORED_INLINE void step_body(DType dtype, int rows, int panels, const StoredPart *part, size_t k,
                             const float *a, size_t a_stride, Vec acc[STORED_MAX_ROWS][STORED_WIDE])
{
    Vec w[STORED_WIDE];
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) w[p] = stored_weight(dtype, &part[p], k);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
        const Vec x = vec_set1(a[(size_t)i * a_stride + k]);
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) acc[i][p] = vec_fma(x, w[p], acc[i][p]);
    }
}

// The chain over one part: a step at a time, each weight used for all rows while it is in a register.
STORED_INLINE void part_body(DType dtype, int rows, int panels, const StoredPart *part, size_t n,
                             const float *a, size_t a_stride, Vec acc[STORED_MAX_ROWS][STORED_WIDE])
{
    for (size_t j = 0; j + 4 <= n; j += 4) {
#pragma GCC unroll 4
        for (size_t s = 0; s < 4; s++)
            step_body(dtype, rows, panels, part, j + s, a, a_stride, acc);
    }
    for (size_t j = n / 4 * 4; j < n; j++)
        step_body(dtype, rows, panels, part, j, a, a_stride, acc);
}

STORED_INLINE void store_tile(const StoredTile *t, int rows, int panels,
                              Vec acc[STORED_MAX_ROWS][STORED_WIDE])
{
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        const size_t n = p + 1 < panels ? VEC_WIDTH : t->n_last;
        const Vec bias = t->bias ? vec_load_any(t->bias + (size_t)p * VEC_WIDTH, n) : vec_zero();
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++) {
            const Vec sum = t->bias ? vec_add(acc[i][p], bias) : acc[i][p];
            vec_store_any(t->c + (size_t)i * t->c_row + (size_t)p * VEC_WIDTH, n, sum);
        }
    }
}

STORED_INLINE void tile_body(DType dtype, int rows, int panels, const StoredTile *t)
{
    const size_t block = stored_block(dtype), part = stored_part(dtype);
    const uint8_t *b = t->b;
    Vec acc[STORED_MAX_ROWS][STORED_WIDE];
    for (int i = 0; i < rows; i++) {
        for (int p = 0; p < panels; p++) acc[i][p] = vec_zero();
    }
    for (size_t k = 0; k < t->n_k; k += block, b += stored_block_bytes(dtype)) {
        for (size_t s = 0; s < block / part && k + s * part < t->n_k; s++) {
            StoredPart parts[STORED_WIDE];
#pragma GCC unroll 4
            for (int p = 0; p < panels; p++)
                parts[p] = stored_part_of(dtype, b + (size_t)p * t->b_panel, s);
            const size_t at = k + s * part;
            // A length that the compiler knows, but at the end.
            if (at + part <= t->n_k)
                part_body(dtype, rows, panels, parts, part, t->a + at, t->a_stride, acc);
            else if (stored_is_half(dtype))
                part_body(dtype, rows, panels, parts, t->n_k - at, t->a + at, t->a_stride, acc);
        }
    }
    store_tile(t, rows, panels, acc);
}

typedef void TileFunction(const StoredTile *tile);

#define TILE(kind, rows, panels)                                        \
    static void tile_##kind##_##rows##x##panels(const StoredTile *tile) \
    {                                                                   \
        tile_body(kind, rows, panels, tile);                            \
    }
// clang-format off
#define TILES(kind)                                                     \
    TILE(kind, 1, 1) TILE(kind, 2, 1) TILE(kind, 3, 1) TILE(kind, 4, 1) \
    TILE(kind, 1, 4) TILE(kind, 2, 4) TILE(kind, 3, 4) TILE(kind, 4, 4)
// clang-format on
FOR_EACH_DTYPE(TILES)

void FAST(stored_tile)(DType dtype, size_t rows, size_t panels, const StoredTile *tile)
{
#define ENTRY(kind)                                   \
    [kind] = {{tile_##kind##_1x1, tile_##kind##_1x4}, \
              {tile_##kind##_2x1, tile_##kind##_2x4}, \
              {tile_##kind##_3x1, tile_##kind##_3x4}, \
              {tile_##kind##_4x1, tile_##kind##_4x4}},
    static TileFunction *const functions[DTYPE_COUNT][STORED_MAX_ROWS][2] = {FOR_EACH_DTYPE(ENTRY)};
#undef ENTRY
    functions[dtype][rows - 1][panels > 1](tile);
}
