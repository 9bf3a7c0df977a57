// base/size.h: arithmetic on sizes that reports overflow instead of wrapping.
#ifndef ASSAY_BASE_SIZE_H
#define ASSAY_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

static inline bool size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

// n rounded up to a multiple of step (step >= 1); SIZE_MAX where that overflows.
static inline size_t size_round_up(size_t n, size_t step)
{
    size_t sum;
    if (!size_add(n, step - 1, &sum)) return (size_t)-1;
    return sum / step * step;
}

#endif
