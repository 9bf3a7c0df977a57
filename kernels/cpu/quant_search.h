// kernels/cpu/quant_search.h: what the searches for blocks share.
//
// The searches are compiled for plain processors and for the two widths of vectors. What is tried is tried side by side, so
// that each sum goes over a part's numbers in their order: every build gives the same bits.
#ifndef ASSAY_KERNELS_CPU_QUANT_SEARCH_H
#define ASSAY_KERNELS_CPU_QUANT_SEARCH_H

#include <stddef.h>

#include "kernels/half.h"

#if defined(__AVX512F__)
#    define QUANT_BUILD(name) name##_avx512
#elif defined(__AVX2__)
#    define QUANT_BUILD(name) name##_avx2
#else
#    define QUANT_BUILD(name) name##_plain
#endif

// Inverse scales that are tried for a part, and scales or pairs of them for the integers about it.
enum { QUANT_TRIES = 32, QUANT_NEIGHBOURS = 16 };
// Numbers of a part at most.
enum { QUANT_MAX_PART = 32 };

// The integer nearest to v in [low, high].
static inline int quant_nearest(float v, int low, int high)
{
    if (!(v > (float)low)) return low;
    if (v >= (float)high) return high;
    return (int)(v + 0.5f - (float)low) + low; // what is cut off is not negative
}

// The same of v - low in [0, range], without a branch; v is finite.
static inline float quant_nearest_above(float v, float range)
{
    v = v > 0.0f ? v : 0.0f;
    v = v < range ? v : range;
    return (float)(int)(v + 0.5f);
}

static inline const float *quant_part(const float *x, size_t s, size_t size)
{
    return x + s * size;
}

// As f16 holds it.
static inline float quant_half(float x)
{
    return f32_from_f16(f16_from_f32(x));
}

#endif
