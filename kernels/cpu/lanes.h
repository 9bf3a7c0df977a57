// kernels/cpu/lanes.h: sixteen vectors of integers reduced side by side, for the files *_amx.c.
#ifndef ASSAY_KERNELS_CPU_LANES_H
#define ASSAY_KERNELS_CPU_LANES_H

#include <immintrin.h>
#include <stddef.h>

#define LANES_INLINE static inline __attribute__((always_inline))

LANES_INLINE __m512i lanes_even_or_odd(__m512i a, __m512i b, int is_odd)
{
    const __m512 x = _mm512_castsi512_ps(a), y = _mm512_castsi512_ps(b);
    return _mm512_castps_si512(is_odd ? _mm512_shuffle_ps(x, y, 0xdd)
                                      : _mm512_shuffle_ps(x, y, 0x88));
}

LANES_INLINE __m512i lanes_join(int is_sum, __m512i a, __m512i b)
{
    return is_sum ? _mm512_add_epi32(a, b) : _mm512_max_epi32(a, b);
}

// Lane j: the sum of the lanes of v[j], or the largest of them.
LANES_INLINE __m512i lanes_reduce_each(const int is_sum, const __m512i v[16])
{
    __m512i u[4];
#pragma GCC unroll 4
    for (size_t e = 0; e < 4; e++) {
        __m512i t[2];
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; h++) {
            const __m512i x = v[8 * h + e], y = v[8 * h + 4 + e];
            t[h] = lanes_join(is_sum, _mm512_shuffle_i64x2(x, y, 0x44),
                              _mm512_shuffle_i64x2(x, y, 0xee));
        }
        u[e] = lanes_join(is_sum, _mm512_shuffle_i64x2(t[0], t[1], 0x88),
                          _mm512_shuffle_i64x2(t[0], t[1], 0xdd));
    }
    const __m512i a =
        lanes_join(is_sum, _mm512_unpacklo_epi64(u[0], u[1]), _mm512_unpackhi_epi64(u[0], u[1]));
    const __m512i b =
        lanes_join(is_sum, _mm512_unpacklo_epi64(u[2], u[3]), _mm512_unpackhi_epi64(u[2], u[3]));
    return lanes_join(is_sum, lanes_even_or_odd(a, b, 0), lanes_even_or_odd(a, b, 1));
}

#endif
