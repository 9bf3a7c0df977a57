// Rows rounded to int8 for tiles of AMX, and weights in blocks as codes (kernels/cpu/i8_tiles.h). Maxima and scales of eight rows are
// found side by side.
#include "kernels/cpu/i8_tiles.h"

#include <float.h>
#include <math.h>

#include "base/size.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/vec_stored.h"
#include "kernels/linear_low.h"

enum {
    SIDE = 8, // rows that are rounded side by side
    GROUP_BYTES = 64,
};

#define AMX_INLINE static inline __attribute__((always_inline))

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
            _mm_storeu_ps(to + AMX_ROWS, _mm512_extractf32x4_ps(product, 2));
            continue;
        }
        _mm_storeu_ps(to + AMX_ROWS, _mm512_extractf32x4_ps(product, 1));
        _mm_storeu_ps(to + (ptrdiff_t)2 * AMX_ROWS, _mm512_extractf32x4_ps(product, 2));
        _mm_storeu_ps(to + (ptrdiff_t)3 * AMX_ROWS, _mm512_extractf32x4_ps(product, 3));
    }
}

// Blocks b and b + 1 of some rows.
AMX_INLINE void round_blocks(const float *const rows[SIDE], size_t b, size_t part, int has_sums,
                             const I8Rows *to)
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
    const __mmask16 is_odd = _mm512_cmpgt_epi32_mask(bits, _mm512_set1_epi32(LOW_LARGEST_BITS));
    const __mmask16 counts = _mm512_cmp_ps_mask(number, vec_set1(LOW_TINY), _CMP_GE_OQ);
    const Vec scale =
        _mm512_mask_mov_ps(_mm512_maskz_div_ps(counts, number, most), is_odd, vec_set1(NAN));
    float step[2 * SIDE];
    vec_store(step, _mm512_maskz_div_ps(counts & (__mmask16)~is_odd, most, number));
    vec_store_halves(to->scale + b * AMX_ROWS, to->scale + (b + 1) * AMX_ROWS, scale);
#pragma GCC unroll 8
    for (size_t i = 0; i < SIDE; i++) {
        const __m512i q = round_pair(rows[i] + k, step[i], step[SIDE + i]);
        __m256i *codes = (__m256i *)(to->codes + (b * AMX_ROWS + i) * LOW_BLOCK);
        _mm256_storeu_si256(codes, _mm512_castsi512_si256(q));
        _mm256_storeu_si256(codes + AMX_ROWS, _mm512_extracti64x4_epi64(q, 1));
        sums[i] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), q);
    }
    if (has_sums) store_sums(part, sums, scale, to->sum + b * (LOW_BLOCK / part) * AMX_ROWS);
}

void i8_round_tile(const Tensor *x, size_t first, size_t n, size_t part, int has_sums,
                   const I8Rows *to)
{
    for (size_t side = 0; side < AMX_ROWS; side += SIDE) {
        const float *rows[SIDE];
        I8Rows at = *to;
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
STORED_INLINE void take_body(DType dtype, const uint8_t *blocks, size_t n_k, const I8Weights *to)
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

typedef void TakeFunction(const uint8_t *blocks, size_t n_k, const I8Weights *to);

// clang-format moves this list each time it is run.
// clang-format off
#define TAKE(kind)                                                              \
    static void take_##kind(const uint8_t *blocks, size_t n_k, const I8Weights *to) \
    {                                                                           \
        take_body(kind, blocks, n_k, to);                                       \
    }
#define TAKE_ENTRY(kind) [kind] = take_##kind,
// clang-format on
STORED_FOR_EACH_BLOCKED(TAKE)

static TakeFunction *const takes[DTYPE_COUNT] = {STORED_FOR_EACH_BLOCKED(TAKE_ENTRY)};

void i8_take_weights(DType dtype, const uint8_t *blocks, size_t n_k, const I8Weights *to)
{
    takes[dtype](blocks, n_k, to);
}
