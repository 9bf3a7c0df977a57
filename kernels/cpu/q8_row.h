// kernels/cpu/q8_row.h: inside the products with weights in Q8_ROW (kernels/linear_low.h): their constants, and how 64 numbers become
// codes.
#ifndef ASSAY_KERNELS_CPU_Q8_ROW_H
#define ASSAY_KERNELS_CPU_Q8_ROW_H

#include <stdint.h>
#include <string.h>

#include "kernels/cpu/low_fast.h"
#include "kernels/cpu/vec.h"
#include "kernels/linear_low.h"

enum {
    BLOCK = LOW_WIDE_BLOCK,
    SHIFT_BITS = 7,
    SHIFT = 1 << SHIFT_BITS, // code = q + SHIFT
    LINE_BYTES = 64,         // of codes: four k of 16 outputs; a panel begins with a line of scales
    BLOCK_LINES = BLOCK / 4,
    EXPONENT = 23,       // where the exponent begins
    ABOVE_127 = 0x1ffff, // to the bits of 127 x 2^e this adds all that does not reach the exponent
    STEP_BIAS =
        127 + 6, // a number with this exponent is from 2^6 on, a code's largest power of two
    LEAST = STEP_BIAS + LOW_LEAST_EXPONENT,
    ODD = 256,           // above all exponents
    MOST_HALVINGS = 100, // what is smaller still adds nothing to the sum of a row
};

#define LOW_INLINE static inline __attribute__((always_inline))

// What 16 neighbours of a block tell of its largest number: in each lane the bits of the largest of four. Without their sign bits
// are in the order of magnitudes, with infinity and NaN above all numbers.
LOW_INLINE __m512i largest_of_fours(const float *x)
{
    const __m512i size = _mm512_set1_epi32(INT32_MAX);
    __m512i largest = _mm512_and_si512(_mm512_loadu_si512(x), size);
#pragma GCC unroll 3
    for (size_t v = 1; v < BLOCK / VEC_WIDTH; v++) {
        const __m512i bits = _mm512_loadu_si512(x + v * VEC_WIDTH);
        largest = _mm512_max_epi32(largest, _mm512_and_si512(bits, size));
    }
    return largest;
}

// The bits of the largest of 64 numbers.
LOW_INLINE int32_t largest_of_block(const float *x)
{
    return _mm512_reduce_max_epi32(largest_of_fours(x));
}

static inline float float_of_bits(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// Codes of a block, to the nearest, halves to even: four codes at 4 v + lane for vector v and the lane of 16 bytes that they come
// from.
LOW_INLINE __m512i round_block(const float *x, float inverse)
{
    const Vec step = vec_set1(inverse);
    __m512i q[4];
#pragma GCC unroll 4
    for (size_t v = 0; v < 4; v++)
        q[v] = _mm512_cvtps_epi32(vec_mul(vec_load(x + v * VEC_WIDTH), step));
    const __m512i low = _mm512_packs_epi32(q[0], q[1]), high = _mm512_packs_epi32(q[2], q[3]);
    return _mm512_packs_epi16(low, high);
}

LOW_INLINE int32_t sum_of_codes(__m512i codes)
{
    return _mm512_reduce_add_epi32(
        _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), codes));
}

// Fours of eight rows, 4 v + lane in each, to those of all rows for each of the 16 fours in order: two of them a vector.
LOW_INLINE void transpose_fours(const __m512i rows[8], __m512i fours[8])
{
    const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11),
                  second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    __m512i half[2][4]; // of rows 0 .. 3, and of rows 4 .. 7: four v of each lane
#pragma GCC unroll 2
    for (size_t h = 0; h < 2; h++) {
        const __m512i *r = rows + 4 * h;
        const __m512i low = _mm512_unpacklo_epi32(r[0], r[1]),
                      high = _mm512_unpackhi_epi32(r[0], r[1]);
        const __m512i low2 = _mm512_unpacklo_epi32(r[2], r[3]),
                      high2 = _mm512_unpackhi_epi32(r[2], r[3]);
        half[h][0] = _mm512_unpacklo_epi64(low, low2);
        half[h][1] = _mm512_unpackhi_epi64(low, low2);
        half[h][2] = _mm512_unpacklo_epi64(high, high2);
        half[h][3] = _mm512_unpackhi_epi64(high, high2);
    }
#pragma GCC unroll 4
    for (size_t v = 0; v < 4; v++) {
        fours[2 * v] = _mm512_permutex2var_epi64(half[0][v], first, half[1][v]);
        fours[2 * v + 1] = _mm512_permutex2var_epi64(half[0][v], second, half[1][v]);
    }
}

#endif
