// kernels/cpu/vec.h: sixteen floats at a time, the same sixteen on every machine.
//
// The fast CPU rows (kernels/cpu/*_fast.c) are written once over Vec and compiled twice: with AVX-512 a Vec is one zmm
// register, with AVX2 two ymm registers. Each function below is the same IEEE operation lane by lane in both builds, and
// reductions use one tree, so that the two builds give the same bits. Nothing here may be used outside of those files.
//
//   Vec      16 floats               vec_load, vec_set1, vec_add, vec_fma(a, b, c) = a * b + c with one rounding, ...
//   VecMask  16 booleans             from comparisons; vec_select(mask, yes, no)
//   VecI     16 32-bit integers      for Philox and for exponents
//
// vec_load_n and vec_store_n touch the first n <= 16 floats only; vec_load_n fills the rest with zeros.
#ifndef ASSAY_KERNELS_CPU_VEC_H
#define ASSAY_KERNELS_CPU_VEC_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { VEC_WIDTH = 16 };

// FAST(linear) is linear_avx512 or linear_avx2: the two builds live in one program.
#if defined(__AVX512F__)
#    define FAST(name) name##_avx512
#    include "kernels/cpu/vec_avx512.h"
#else
#    define FAST(name) name##_avx2
#    include "kernels/cpu/vec_avx2.h"
#endif

// Eight floats, for what comes in eights; one register in both builds.
typedef __m256 VecHalf;
enum { VEC_HALF = 8 };

static inline VecHalf vec_half_zero(void)
{
    return _mm256_setzero_ps();
}

static inline VecHalf vec_half_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void vec_half_store(float *p, VecHalf v)
{
    _mm256_storeu_ps(p, v);
}

static inline VecHalf vec_half_mul(VecHalf a, VecHalf b)
{
    return _mm256_mul_ps(a, b);
}

static inline VecHalf vec_half_set1(float x)
{
    return _mm256_set1_ps(x);
}

static inline VecHalf vec_half_fma(VecHalf a, VecHalf b, VecHalf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

// -a * b + c with one rounding.
static inline Vec vec_fnma(Vec a, Vec b, Vec c)
{
    return vec_fma(vec_neg(a), b, c);
}

static inline Vec vec_load_any(const float *p, size_t n)
{
    return n >= VEC_WIDTH ? vec_load(p) : vec_load_n(p, n);
}

static inline void vec_store_any(float *p, size_t n, Vec v)
{
    if (n >= VEC_WIDTH) {
        vec_store(p, v);
    } else {
        vec_store_n(p, n, v);
    }
}

#endif
