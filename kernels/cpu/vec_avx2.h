// kernels/cpu/vec_avx2.h: Vec as two ymm registers. Included by vec.h alone; the contract is there.
#ifndef ASSAY_KERNELS_CPU_VEC_AVX2_H
#define ASSAY_KERNELS_CPU_VEC_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Vec {
    __m256 lo, hi; // lanes 0..7 and 8..15
} Vec;

typedef struct VecI {
    __m256i lo, hi;
} VecI;

typedef struct VecMask {
    __m256 lo, hi; // all bits of a lane set or none
} VecMask;

// Starting 8 - n lanes before the zeros gives n lanes of ones.
static const int32_t VEC_LANE_MASK[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

static inline __m256i vec_half_mask(size_t n)
{
    return _mm256_loadu_si256((const __m256i *)(VEC_LANE_MASK + (8 - n)));
}

static inline VecMask vec_mask_first(size_t n)
{
    const size_t n_lo = n < 8 ? n : 8;
    return (VecMask){_mm256_castsi256_ps(vec_half_mask(n_lo)),
                     _mm256_castsi256_ps(vec_half_mask(n - n_lo))};
}

static inline Vec vec_zero(void)
{
    return (Vec){_mm256_setzero_ps(), _mm256_setzero_ps()};
}

static inline Vec vec_set1(float x)
{
    const __m256 v = _mm256_set1_ps(x);
    return (Vec){v, v};
}

static inline Vec vec_load(const float *p)
{
    return (Vec){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}

static inline void vec_store(float *p, Vec v)
{
    _mm256_storeu_ps(p, v.lo);
    _mm256_storeu_ps(p + 8, v.hi);
}

// Past the caches, to an address of a whole vector; vec_fence before another thread may read it.
static inline void vec_stream(float *p, Vec v)
{
    _mm256_stream_ps(p, v.lo);
    _mm256_stream_ps(p + 8, v.hi);
}

// Lanes 0 .. 7 and 8 .. 15 apart.
static inline void vec_store_halves(float *low, float *high, Vec v)
{
    _mm256_storeu_ps(low, v.lo);
    _mm256_storeu_ps(high, v.hi);
}

static inline void vec_fence(void)
{
    _mm_sfence();
}

static inline Vec vec_load_n(const float *p, size_t n)
{
    const size_t n_lo = n < 8 ? n : 8;
    const size_t n_hi = n - n_lo;
    Vec v = {_mm256_maskload_ps(p, vec_half_mask(n_lo)), _mm256_setzero_ps()};
    if (n_hi > 0) v.hi = _mm256_maskload_ps(p + 8, vec_half_mask(n_hi));
    return v;
}

static inline void vec_store_n(float *p, size_t n, Vec v)
{
    const size_t n_lo = n < 8 ? n : 8;
    const size_t n_hi = n - n_lo;
    _mm256_maskstore_ps(p, vec_half_mask(n_lo), v.lo);
    if (n_hi > 0) _mm256_maskstore_ps(p + 8, vec_half_mask(n_hi), v.hi);
}

// v with zeros from lane n <= 16 on.
static inline Vec vec_first(Vec v, size_t n)
{
    const VecMask mask = vec_mask_first(n);
    return (Vec){_mm256_and_ps(v.lo, mask.lo), _mm256_and_ps(v.hi, mask.hi)};
}

static inline Vec vec_add(Vec a, Vec b)
{
    return (Vec){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}

static inline Vec vec_sub(Vec a, Vec b)
{
    return (Vec){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}

static inline Vec vec_mul(Vec a, Vec b)
{
    return (Vec){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}

static inline Vec vec_div(Vec a, Vec b)
{
    return (Vec){_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}

static inline Vec vec_sqrt(Vec a)
{
    return (Vec){_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)};
}

static inline Vec vec_fma(Vec a, Vec b, Vec c)
{
    return (Vec){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}

// a * b - c, rounded once.
static inline Vec vec_fms(Vec a, Vec b, Vec c)
{
    return (Vec){_mm256_fmsub_ps(a.lo, b.lo, c.lo), _mm256_fmsub_ps(a.hi, b.hi, c.hi)};
}

// The second operand where either is NaN, as in the instruction.
static inline Vec vec_max(Vec a, Vec b)
{
    return (Vec){_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}

static inline Vec vec_min(Vec a, Vec b)
{
    return (Vec){_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}

static inline Vec vec_neg(Vec a)
{
    const __m256 bit = _mm256_set1_ps(-0.0f);
    return (Vec){_mm256_xor_ps(a.lo, bit), _mm256_xor_ps(a.hi, bit)};
}

static inline Vec vec_abs(Vec a)
{
    const __m256 bit = _mm256_set1_ps(-0.0f);
    return (Vec){_mm256_andnot_ps(bit, a.lo), _mm256_andnot_ps(bit, a.hi)};
}

// |magnitude| with the sign bit of sign.
static inline Vec vec_copysign(Vec magnitude, Vec sign)
{
    const __m256 bit = _mm256_set1_ps(-0.0f);
    return (Vec){
        _mm256_or_ps(_mm256_andnot_ps(bit, magnitude.lo), _mm256_and_ps(bit, sign.lo)),
        _mm256_or_ps(_mm256_andnot_ps(bit, magnitude.hi), _mm256_and_ps(bit, sign.hi)),
    };
}

static inline VecMask vec_lt(Vec a, Vec b)
{
    return (VecMask){_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
}

static inline Vec vec_select(VecMask mask, Vec yes, Vec no)
{
    return (Vec){_mm256_blendv_ps(no.lo, yes.lo, mask.lo),
                 _mm256_blendv_ps(no.hi, yes.hi, mask.hi)};
}

// To the nearest integer, halves to even.
static inline Vec vec_round(Vec a)
{
    enum { MODE = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC };
    return (Vec){_mm256_round_ps(a.lo, MODE), _mm256_round_ps(a.hi, MODE)};
}

// a * 2^n in two exact-or-final steps: the first factor is half of n, so that it cannot leave the normal range, and only
// the second product rounds.
static inline __m256 vec_scale2_half(__m256 a, __m256 n)
{
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i first = _mm256_srai_epi32(whole, 1);
    const __m256i second = _mm256_sub_epi32(whole, first);
    const __m256i bias = _mm256_set1_epi32(127);
    const __m256 two_first =
        _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(first, bias), 23));
    const __m256 two_second =
        _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(second, bias), 23));
    return _mm256_mul_ps(_mm256_mul_ps(a, two_first), two_second);
}

// a * 2^n with one rounding; a in (1/4, 4) or NaN, n integral, |n| <= 252.
static inline Vec vec_scale2(Vec a, Vec n)
{
    return (Vec){vec_scale2_half(a.lo, n.lo), vec_scale2_half(a.hi, n.hi)};
}

// Lane j + lane j+8, then 4, 2, 1: the one tree of every reduction over a row.
static inline float vec_reduce_add(Vec v)
{
    const __m256 eight = _mm256_add_ps(v.lo, v.hi);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline float vec_reduce_max(Vec v)
{
    const __m256 eight = _mm256_max_ps(v.lo, v.hi);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline void vec_transpose_8x8(__m256 r[8])
{
    __m256 t[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) r[i] = t[i];
}

// rows[i] lane j becomes rows[j] lane i.
static inline void vec_transpose(Vec rows[16])
{
    __m256 a[8], b[8], c[8], d[8]; // quarters: upper left, upper right, lower left, lower right
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        a[i] = rows[i].lo;
        b[i] = rows[i].hi;
        c[i] = rows[i + 8].lo;
        d[i] = rows[i + 8].hi;
    }
    vec_transpose_8x8(a);
    vec_transpose_8x8(b);
    vec_transpose_8x8(c);
    vec_transpose_8x8(d);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        rows[i] = (Vec){a[i], c[i]};
        rows[i + 8] = (Vec){b[i], d[i]};
    }
}

static inline VecI veci_set1(uint32_t x)
{
    const __m256i v = _mm256_set1_epi32((int32_t)x);
    return (VecI){v, v};
}

static inline VecI veci_load(const uint32_t *p)
{
    return (VecI){_mm256_loadu_si256((const __m256i *)p),
                  _mm256_loadu_si256((const __m256i *)(p + 8))};
}

static inline VecI veci_add(VecI a, VecI b)
{
    return (VecI){_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}

static inline VecI veci_xor3(VecI a, VecI b, VecI c)
{
    return (VecI){_mm256_xor_si256(_mm256_xor_si256(a.lo, b.lo), c.lo),
                  _mm256_xor_si256(_mm256_xor_si256(a.hi, b.hi), c.hi)};
}

// Pairs of neighbouring lanes as 64-bit numbers: the product of the even lanes, and a shift of the odd ones into their place.
static inline VecI veci_mul_even(VecI a, VecI b)
{
    return (VecI){_mm256_mul_epu32(a.lo, b.lo), _mm256_mul_epu32(a.hi, b.hi)};
}

static inline VecI veci_odd_to_even(VecI a)
{
    return (VecI){_mm256_srli_epi64(a.lo, 32), _mm256_srli_epi64(a.hi, 32)};
}

// The even lanes of `even`, and those of `odd` in the odd lanes.
static inline VecI veci_merge(VecI even, VecI odd)
{
    return (VecI){_mm256_blend_epi32(even.lo, _mm256_slli_epi64(odd.lo, 32), 0xaa),
                  _mm256_blend_epi32(even.hi, _mm256_slli_epi64(odd.hi, 32), 0xaa)};
}

static inline __m256 veci_lt_half(__m256i a, __m256i b)
{
    const __m256i bit = _mm256_set1_epi32(INT32_MIN); // unsigned order through the signed compare
    return _mm256_castsi256_ps(
        _mm256_cmpgt_epi32(_mm256_xor_si256(b, bit), _mm256_xor_si256(a, bit)));
}

// a < b as unsigned numbers.
static inline VecMask veci_lt(VecI a, VecI b)
{
    return (VecMask){veci_lt_half(a.lo, b.lo), veci_lt_half(a.hi, b.hi)};
}

#endif
