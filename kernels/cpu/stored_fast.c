#include "kernels/cpu/stored_fast.h"

#include "base/size.h"
#include "kernels/cpu/vec_stored.h"

// One instance of `body` for each format, chosen at run time.
#define FOR_EACH_DTYPE(X) X(DTYPE_F16) X(DTYPE_BF16) STORED_FOR_EACH_BLOCKED(X)

// The block of a panel that step k is in, and which part of it begins there.
STORED_INLINE const uint8_t *block_at(DType dtype, const uint8_t *panel, size_t k)
{
    return panel + k / stored_block(dtype) * stored_block_bytes(dtype);
}

STORED_INLINE size_t part_at(DType dtype, size_t k)
{
    return k % stored_block(dtype) / stored_part(dtype);
}

STORED_INLINE void take_four(DType dtype, int panels, const StoredPart *part, size_t group,
                             StoredFour *four)
{
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        if (!stored_is_half(dtype)) four[p] = stored_four(dtype, &part[p], group);
    }
}

// Steps that are written out one by one, so that the place of each code is known.
STORED_INLINE size_t steps_written_out(DType dtype)
{
    return stored_part(dtype) == 16 ? 16 : 8;
}

// ---- unpacking ----

STORED_INLINE void unpack_body(DType dtype, const uint8_t *panel, size_t k0, size_t n_k, float *to)
{
    const size_t part = stored_part(dtype), steps = steps_written_out(dtype);
    for (size_t k = k0; k < k0 + n_k; k += part) {
        const uint8_t *block = block_at(dtype, panel, k);
        const StoredPart from =
            stored_part_with(dtype, stored_head_of(dtype, block), block, part_at(dtype, k));
        const size_t n = size_min(part, k0 + n_k - k);
        StoredFour four;
        size_t j = 0;
        for (; j + steps <= n; j += steps, to += steps * VEC_WIDTH) {
#pragma GCC unroll 16
            for (size_t s = 0; s < steps; s++) {
                if (s % 4 == 0) take_four(dtype, 1, &from, (j + s) / 4, &four);
                vec_store(to + s * VEC_WIDTH, stored_weight(dtype, &from, &four, j + s));
            }
        }
        for (; stored_is_half(dtype) && j < n; j++, to += VEC_WIDTH)
            vec_store(to, stored_weight(dtype, &from, &four, j));
    }
}

void FAST(stored_unpack)(DType dtype, const void *panel, size_t k0, size_t n_k, float *to)
{
#define UNPACK(kind) \
    if (dtype == (kind)) unpack_body(kind, panel, k0, n_k, to);
    FOR_EACH_DTYPE(UNPACK)
    UNPACK(DTYPE_Q8_ROW)
#undef UNPACK
}

// ---- few rows ----

typedef Vec StoredSums[STORED_MAX_ROWS][STORED_WIDE];

// Where a tile reads and writes at a step: rows 0, 1, 2 from each of three pointers are addressing modes.
typedef struct StoredPlace {
    const float *a[3];
    size_t stride;
    float *unpacked; // or NULL
    size_t panel;    // floats between panels there
} StoredPlace;

STORED_INLINE void advance(StoredPlace *place, size_t n)
{
    for (int g = 0; g < 3; g++) place->a[g] += n;
    if (place->unpacked) place->unpacked += n * VEC_WIDTH;
}

// Tiles of few rows have each multiplication broadcast its x: a register for all panels takes an instruction of its own, and one
// row of Q4_K 7 % longer. The compiler may not see that it is the same x.
enum { STORED_BROADCAST_ROWS = 2 };

// Step s from the place on, which is k of the part.
STORED_INLINE void step_body(DType dtype, int rows, int panels, const StoredPart *part,
                             const StoredFour *four, size_t k, const StoredPlace *at, size_t s,
                             StoredSums acc)
{
    Vec w[STORED_WIDE];
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) w[p] = stored_weight(dtype, &part[p], &four[p], k);
    if (rows >= STORED_UNPACK_ROWS && at->unpacked) {
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++)
            vec_store(at->unpacked + (size_t)p * at->panel + s * VEC_WIDTH, w[p]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
        const float *x = at->a[i / 3] + (size_t)(i % 3) * at->stride + s;
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) {
            acc[i][p] = vec_fma(vec_set1(*x), w[p], acc[i][p]);
            if (rows <= STORED_BROADCAST_ROWS) __asm__("" : "+r"(x));
        }
    }
}

// The chain over n steps of one part: each weight used for all rows while it is in a register.
STORED_INLINE void part_body(DType dtype, int rows, int panels, const StoredPart *part, size_t n,
                             StoredPlace *at, StoredSums acc)
{
    const size_t steps = steps_written_out(dtype);
    StoredFour four[STORED_WIDE];
    size_t j = 0;
    for (; j + steps <= n; j += steps) {
#pragma GCC unroll 16
        for (size_t s = 0; s < steps; s++) {
            if (s % 4 == 0) take_four(dtype, panels, part, (j + s) / 4, four);
            step_body(dtype, rows, panels, part, four, j + s, at, s, acc);
        }
        advance(at, steps);
    }
    for (; stored_is_half(dtype) && j < n; j++) {
        step_body(dtype, rows, panels, part, four, j, at, 0, acc);
        advance(at, 1);
    }
}

// Columns of panel p that count.
STORED_INLINE size_t columns_of(const StoredTile *t, size_t p)
{
    return p + 1 < t->n_panels ? VEC_WIDTH : p + 1 == t->n_panels ? t->n_last : 0;
}

STORED_INLINE void begin_tile(const StoredTile *t, int rows, int panels, StoredSums acc)
{
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        const size_t n = t->reload ? columns_of(t, (size_t)p) : 0;
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            const float *from = t->c + (size_t)i * t->c_row + (size_t)p * VEC_WIDTH;
            acc[i][p] = n > 0 ? vec_load_n(from, n) : vec_zero();
        }
    }
}

STORED_INLINE void store_tile(const StoredTile *t, int rows, int panels, StoredSums acc)
{
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        const size_t n = columns_of(t, (size_t)p);
        if (n == 0) return;
        if (t->bias) {
            const Vec bias = vec_load_n(t->bias + (size_t)p * VEC_WIDTH, n);
#pragma GCC unroll 8
            for (int i = 0; i < rows; i++) acc[i][p] = vec_add(acc[i][p], bias);
        }
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++)
            vec_store_n(t->c + (size_t)i * t->c_row + (size_t)p * VEC_WIDTH, n, acc[i][p]);
    }
}

STORED_INLINE void fetch_next(const StoredTile *t, int panels, size_t k)
{
    enum { LINE_BYTES = 64 };
    const char *next = t->next + k / STORED_STEP * t->n_next * LINE_BYTES;
    for (size_t line = 0; line < t->n_next; line++, next += LINE_BYTES) {
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) __builtin_prefetch(next + (size_t)p * t->b_panel, 0, 2);
    }
}

// Panels that are missing are the last one again, and are not stored.
STORED_INLINE void tile_body(DType dtype, int rows, int panels, const StoredTile *t)
{
    const size_t part = stored_part(dtype), end = t->k0 + t->n_k;
    StoredPlace at = {.stride = t->a_stride, .unpacked = t->unpacked, .panel = t->n_k * VEC_WIDTH};
    const uint8_t *from[STORED_WIDE];
    StoredHead heads[STORED_WIDE];
    StoredSums acc;
    for (size_t g = 0; g < 3; g++) at.a[g] = t->a + 3 * g * t->a_stride;
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++) {
        from[p] = (const uint8_t *)t->b + size_min((size_t)p, t->n_panels - 1) * t->b_panel;
        heads[p] = stored_head_of(dtype, block_at(dtype, from[p], t->k0));
    }
    begin_tile(t, rows, panels, acc);
    for (size_t k = t->k0; k < end; k += part) {
        StoredPart parts[STORED_WIDE];
        const size_t index = part_at(dtype, k);
        if (k % STORED_STEP == 0) fetch_next(t, panels, k);
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) {
            const uint8_t *block = block_at(dtype, from[p], k);
            if (index == 0) heads[p] = stored_head_of(dtype, block);
            parts[p] = stored_part_with(dtype, heads[p], block, index);
        }
        // A length that the compiler knows, but at the end.
        if (k + part <= end)
            part_body(dtype, rows, panels, parts, part, &at, acc);
        else if (stored_is_half(dtype))
            part_body(dtype, rows, panels, parts, end - k, &at, acc);
    }
    store_tile(t, rows, panels, acc);
}

typedef void TileFunction(const StoredTile *tile);

// Rows, and the panels of their wide tile: what fits in registers beside the weights as they are unpacked.
// clang-format off
#if defined(__AVX512F__)
#    define FOR_EACH_HEIGHT(X, kind)                                    \
        X(kind, 1, 4) X(kind, 2, 4) X(kind, 3, 4) X(kind, 4, 4)         \
        X(kind, 5, 2) X(kind, 6, 2) X(kind, 7, 2) X(kind, 8, 2)
#else
#    define FOR_EACH_HEIGHT(X, kind)                                    \
        X(kind, 1, 4) X(kind, 2, 2) X(kind, 3, 1) X(kind, 4, 1)
#endif
// clang-format on
#define TILE(kind, rows, panels)                             \
    static void tile_##kind##_##rows(const StoredTile *tile) \
    {                                                        \
        tile_body(kind, rows, panels, tile);                 \
    }
#define TILES(kind) FOR_EACH_HEIGHT(TILE, kind)
FOR_EACH_DTYPE(TILES)

size_t FAST(stored_wide)(size_t rows)
{
#define WIDE(kind, rows, panels) [rows] = (panels),
    static const unsigned char wide[] = {FOR_EACH_HEIGHT(WIDE, )};
#undef WIDE
    return wide[rows];
}

void FAST(stored_tile)(DType dtype, size_t rows, const StoredTile *tile)
{
#define HEIGHT(kind, rows, panels) [rows] = tile_##kind##_##rows,
#define ENTRY(kind)                [kind] = {FOR_EACH_HEIGHT(HEIGHT, kind)},
    static TileFunction *const functions[DTYPE_COUNT][STORED_MAX_ROWS + 1] = {
        FOR_EACH_DTYPE(ENTRY)};
#undef ENTRY
#undef HEIGHT
    functions[dtype][rows](tile);
}
