// kernels/quant_search.h: what the searches for blocks share.
#ifndef ASSAY_KERNELS_QUANT_SEARCH_H
#define ASSAY_KERNELS_QUANT_SEARCH_H

#include <stddef.h>

#include "kernels/half.h"

// Numbers that are worked on side by side; parts are multiples of it.
enum { QUANT_LANES = 8 };

// The integer nearest to v in [low, high].
static inline int quant_nearest(float v, int low, int high)
{
    if (!(v > (float)low)) return low;
    if (v >= (float)high) return high;
    return (int)(v + 0.5f - (float)low) + low; // what is cut off is not negative
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
