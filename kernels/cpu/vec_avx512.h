// kernels/cpu/vec_avx512.h: Vec as one zmm register. Included by vec.h alone; the contract is there.
#ifndef ASSAY_KERNELS_CPU_VEC_AVX512_H
#define ASSAY_KERNELS_CPU_VEC_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m512 Vec;
typedef __m512i VecI;
typedef __mmask16 VecMask;

static inline VecMask vec_mask_first(size_t n)
{
    return (VecMask)((1u << n) - 1u);
}

static inline Vec vec_zero(void)
{
    return _mm512_setzero_ps();
}

static inline Vec vec_set1(float x)
{
    return _mm512_set1_ps(x);
}

static inline Vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void vec_store(float *p, Vec v)
{
    _mm512_storeu_ps(p, v);
}

// Past the caches, to an address of a whole vector; vec_fence before another thread may read it.
static inline void vec_stream(float *p, Vec v)
{
    _mm512_stream_ps(p, v);
}

// Lanes 0 .. 7 and 8 .. 15 apart.
static inline void vec_store_halves(float *low, float *high, Vec v)
{
    _mm256_storeu_ps(low, _mm512_castps512_ps256(v));
    _mm256_storeu_ps(high, _mm512_extractf32x8_ps(v, 1));
}

static inline void vec_fence(void)
{
    _mm_sfence();
}

static inline Vec vec_load_n(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(vec_mask_first(n), p);
}

static inline void vec_store_n(float *p, size_t n, Vec v)
{
    _mm512_mask_storeu_ps(p, vec_mask_first(n), v);
}

// v with zeros from lane n <= 16 on.
static inline Vec vec_first(Vec v, size_t n)
{
    return _mm512_maskz_mov_ps(vec_mask_first(n), v);
}

static inline Vec vec_add(Vec a, Vec b)
{
    return _mm512_add_ps(a, b);
}

static inline Vec vec_sub(Vec a, Vec b)
{
    return _mm512_sub_ps(a, b);
}

static inline Vec vec_mul(Vec a, Vec b)
{
    return _mm512_mul_ps(a, b);
}

static inline Vec vec_div(Vec a, Vec b)
{
    return _mm512_div_ps(a, b);
}

static inline Vec vec_sqrt(Vec a)
{
    return _mm512_sqrt_ps(a);
}

static inline Vec vec_fma(Vec a, Vec b, Vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

// a * b - c, rounded once.
static inline Vec vec_fms(Vec a, Vec b, Vec c)
{
    return _mm512_fmsub_ps(a, b, c);
}

// The second operand where either is NaN, as in the instruction.
static inline Vec vec_max(Vec a, Vec b)
{
    return _mm512_max_ps(a, b);
}

static inline Vec vec_min(Vec a, Vec b)
{
    return _mm512_min_ps(a, b);
}

static inline Vec vec_neg(Vec a)
{
    return _mm512_castsi512_ps(
        _mm512_xor_si512(_mm512_castps_si512(a), _mm512_set1_epi32(INT32_MIN)));
}

static inline Vec vec_abs(Vec a)
{
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(INT32_MAX)));
}

// |magnitude| with the sign bit of sign.
static inline Vec vec_copysign(Vec magnitude, Vec sign)
{
    const __m512i bit = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(
        _mm512_or_si512(_mm512_andnot_si512(bit, _mm512_castps_si512(magnitude)),
                        _mm512_and_si512(bit, _mm512_castps_si512(sign))));
}

static inline VecMask vec_lt(Vec a, Vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static inline Vec vec_select(VecMask mask, Vec yes, Vec no)
{
    return _mm512_mask_blend_ps(mask, no, yes);
}

// To the nearest integer, halves to even.
static inline Vec vec_round(Vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

// a * 2^n with one rounding; n integral, |n| <= 252.
static inline Vec vec_scale2(Vec a, Vec n)
{
    return _mm512_scalef_ps(a, n);
}

// Lane j + lane j+8, then 4, 2, 1: the one tree of every reduction over a row.
static inline float vec_reduce_add(Vec v)
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline float vec_reduce_max(Vec v)
{
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

// rows[i] lane j becomes rows[j] lane i.
static inline void vec_transpose(Vec rows[16])
{
    __m512 t[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        const __m512d a = _mm512_castps_pd(t[i]), b = _mm512_castps_pd(t[i + 1]);
        const __m512d c = _mm512_castps_pd(t[i + 2]), d = _mm512_castps_pd(t[i + 3]);
        rows[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        rows[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        rows[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        rows[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        rows[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        rows[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
        rows[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        rows[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

static inline VecI veci_set1(uint32_t x)
{
    return _mm512_set1_epi32((int32_t)x);
}

static inline VecI veci_load(const uint32_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline VecI veci_add(VecI a, VecI b)
{
    return _mm512_add_epi32(a, b);
}

static inline VecI veci_xor3(VecI a, VecI b, VecI c)
{
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

// Pairs of neighbouring lanes as 64-bit numbers: the product of the even lanes, and a shift of the odd ones into their place.
static inline VecI veci_mul_even(VecI a, VecI b)
{
    return _mm512_mul_epu32(a, b);
}

static inline VecI veci_odd_to_even(VecI a)
{
    return _mm512_srli_epi64(a, 32);
}

// The even lanes of `even`, and those of `odd` in the odd lanes.
static inline VecI veci_merge(VecI even, VecI odd)
{
    return _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
}

// a < b as unsigned numbers.
static inline VecMask veci_lt(VecI a, VecI b)
{
    return _mm512_cmplt_epu32_mask(a, b);
}

#endif
