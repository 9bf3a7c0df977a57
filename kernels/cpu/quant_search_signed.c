// Encoding by search into blocks without an offset: x = (d a) q, q one of some integers of either sign. For each part a range
// of inverse scales is tried, each refined by least squares for the integers that it gives; then, with the block's scale fixed
// in f16, the neighbours of each part's own scale are tried by the error that they leave; last the block's scale is fitted anew
// to the integers, while that helps.
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/cpu/quant_search.h"
#include "kernels/quant_internal.h"

#define INLINE static inline __attribute__((always_inline))

enum { TRIES = QUANT_TRIES, NEIGHBOURS = QUANT_NEIGHBOURS };

// A block and its format.
typedef struct SBlock {
    float d; // as f16 holds it
    int8_t a[QUANT_MAX_PARTS];
    size_t n_parts, part;
    int low, high;             // least and largest q
    int low_scale, high_scale; // least and largest a
    float step;                // between inverse scales, as a share of the middle one
    bool has_levels;           // else every integer of [low, high]
    float level_step[QUANT_LEVELS], middle[QUANT_LEVELS]; // from a level to the next, and between
} SBlock;

// ---- the nearest q ----

// Levels are summed over all borders: without a branch, so that numbers go side by side. has_levels: the block's, a constant
// where this is used.
INLINE float nearest_q(const SBlock *b, bool has_levels, float v)
{
    const float low = (float)b->low, range = (float)(b->high - b->low);
    if (!has_levels) return quant_nearest_above(v - low, range) + low;
    float q = low;
#pragma GCC unroll 16
    for (size_t i = 0; i + 1 < QUANT_LEVELS; i++) {
        const float more = b->level_step[i], border = b->middle[i];
        q += v > border ? more : 0.0f;
    }
    return q;
}

static uint8_t code_of(const SBlock *b, float v)
{
    int code = 0;
    if (!b->has_levels) return (uint8_t)(quant_nearest(v, b->low, b->high) - b->low);
    while (code + 1 < QUANT_LEVELS && v > b->middle[code]) code++;
    return (uint8_t)code;
}

// ---- a part's scale ----

// The inverse scales that are tried: the number of largest magnitude becomes about `low`, or with levels, which are as far
// apart at the other end, half of them about `high`.
static void list_tries(const SBlock *b, float largest, float *inverse)
{
    for (int t = 0; t < TRIES; t++) {
        const int n = b->has_levels ? TRIES / 2 : TRIES, middle = n / 2, at = t % n - middle;
        inverse[t] = (float)(t < n ? b->low : b->high) * (1.0f + b->step * (float)at) / largest;
    }
}

// For each try: sums of the squares of the integers that it gives, and of their products with the part.
INLINE void sum_tries(const SBlock *b, bool has_levels, const float *x, const float *inverse,
                      float *qq, float *xq)
{
    for (size_t i = 0; i < b->part; i++) {
        const float v = x[i];
        for (size_t t = 0; t < TRIES; t++) {
            const float q = nearest_q(b, has_levels, v * inverse[t]);
            qq[t] += q * q;
            xq[t] += v * q;
        }
    }
}

// The least-squares scale for the integers that an inverse scale gives, of those tried the one that explains the most of the
// part's squares.
static float search_scale(const SBlock *b, const float *x)
{
    float largest = 0.0f;
    for (size_t j = 0; j < b->part; j++) {
        if (fabsf(x[j]) > fabsf(largest)) largest = x[j];
    }
    if (!(fabsf(largest) > FLT_MIN)) return 0.0f;
    float inverse[TRIES], qq[TRIES] = {0}, xq[TRIES] = {0};
    list_tries(b, largest, inverse);
    if (b->has_levels)
        sum_tries(b, true, x, inverse, qq, xq);
    else
        sum_tries(b, false, x, inverse, qq, xq);
    float scale = largest / (float)b->low, explained = 0.0f;
    for (size_t t = 0; t < TRIES; t++) {
        if (!(qq[t] > 0.0f) || !(xq[t] * (xq[t] / qq[t]) > explained)) continue;
        scale = xq[t] / qq[t];
        explained = xq[t] * scale;
    }
    return scale;
}

// ---- the block's scale ----

INLINE void sum_errors_body(const SBlock *b, bool has_levels, const float *x, const float *scale,
                            const float *inverse, float *error)
{
    for (size_t i = 0; i < b->part; i++) {
        const float v = x[i];
        for (size_t t = 0; t < NEIGHBOURS; t++) {
            const float miss = scale[t] * nearest_q(b, has_levels, v * inverse[t]) - v;
            error[t] += miss * miss;
        }
    }
}

// Squared errors of a part under d times each of the integers a.
static void sum_errors(const SBlock *b, const float *x, const float *a, float *error)
{
    float scale[NEIGHBOURS], inverse[NEIGHBOURS];
    for (size_t t = 0; t < NEIGHBOURS; t++) {
        scale[t] = b->d * a[t];
        inverse[t] = scale[t] != 0.0f ? 1.0f / (scale[t] != 0.0f ? scale[t] : 1.0f) : 0.0f;
        error[t] = 0.0f;
    }
    if (b->has_levels)
        sum_errors_body(b, true, x, scale, inverse, error);
    else
        sum_errors_body(b, false, x, scale, inverse, error);
}

// The integers about each part's scale that leave the least error; their sum of errors.
static float choose_scales(SBlock *b, const float *x, const float *scales)
{
    float sum = 0;
    for (size_t s = 0; s < b->n_parts; s++) {
        const int a0 = quant_nearest(scales[s] / b->d, b->low_scale, b->high_scale);
        const int first = a0 - NEIGHBOURS / 2;
        float a[NEIGHBOURS], error[NEIGHBOURS], least = INFINITY;
        for (int t = 0; t < NEIGHBOURS; t++) a[t] = (float)(first + t);
        sum_errors(b, quant_part(x, s, b->part), a, error);
        b->a[s] = (int8_t)a0;
        for (int t = 0; t < NEIGHBOURS; t++) {
            if (a[t] < (float)b->low_scale || a[t] > (float)b->high_scale) continue;
            if (!(error[t] < least)) continue;
            least = error[t];
            b->a[s] = (int8_t)a[t];
        }
        sum += least;
    }
    return sum;
}

// What a part's numbers are multiplied by to be integers; 0 where its scale is.
static float inverse_of(const SBlock *b, size_t s)
{
    const float scale = b->d * (float)b->a[s];
    return scale != 0.0f ? 1.0f / scale : 0.0f;
}

// A part's q under the block's scale.
static void take_part(const SBlock *b, const float *x, size_t s, float *q)
{
    const float inverse = inverse_of(b, s);
    for (size_t j = 0; j < b->part; j++)
        q[j] = b->has_levels ? nearest_q(b, true, x[j] * inverse)
                             : nearest_q(b, false, x[j] * inverse);
}

// d anew by least squares, the integers as they are.
static float refit(const SBlock *b, const float *x)
{
    double uu = 0, ux = 0;
    for (size_t s = 0; s < b->n_parts; s++) {
        const float *part = quant_part(x, s, b->part);
        float q[QUANT_MAX_PART], qq = 0, xq = 0;
        take_part(b, part, s, q);
        for (size_t j = 0; j < b->part; j++) {
            qq += q[j] * q[j];
            xq += part[j] * q[j];
        }
        uu += (double)b->a[s] * (double)b->a[s] * (double)qq;
        ux += (double)b->a[s] * (double)xq;
    }
    const float d = uu > 0 ? quant_half((float)(ux / uu)) : b->d;
    return d != 0.0f && isfinite(d) ? d : b->d;
}

static SBlock block_of(DType dtype)
{
    const int8_t *levels = quant_levels(dtype);
    SBlock b = {.n_parts = 16,
                .part = 16,
                .low = -32,
                .high = 31,
                .low_scale = -128,
                .high_scale = 127,
                .step = 0.08f / 32,
                .has_levels = levels != NULL};
    if (dtype == DTYPE_Q3_K) {
        b.low = -4;
        b.high = 3;
        b.step = 0.08f / 4;
    }
    if (levels) {
        b.part = 32;
        b.n_parts = dtype == DTYPE_IQ4_XS ? 8 : 1;
        b.low = -127;
        b.high = 113;
        b.step = 2.0f / 127;
        for (int i = 0; i + 1 < QUANT_LEVELS; i++) {
            b.level_step[i] = (float)(levels[i + 1] - levels[i]);
            b.middle[i] = 0.5f * (float)(levels[i] + levels[i + 1]);
        }
    }
    if (dtype == DTYPE_Q3_K || dtype == DTYPE_IQ4_XS) {
        b.low_scale = -32;
        b.high_scale = 31;
    }
    if (dtype == DTYPE_IQ4_NL) b.low_scale = b.high_scale = 1;
    return b;
}

static void put_block(DType dtype, const float *x, const SBlock *b, uint8_t *block)
{
    uint8_t codes[QUANT_MAX_BLOCK];
    for (size_t i = 0; i < b->n_parts * b->part; i++) {
        const float inverse = inverse_of(b, i / b->part);
        codes[i] = code_of(b, inverse != 0.0f ? x[i] * inverse : 0.0f); // a NaN is no code
    }
    quant_put_half(block + quant_half_place(dtype), b->d);
    if (b->n_parts == 1) {
        quant_put_nibbles(codes, NULL, block + 2);
        return;
    }
    quant_put_scales(dtype, b->a, b->a, block);
    quant_put_codes(dtype, codes, block);
}

void QUANT_BUILD(quant_search_signed)(DType dtype, const float *x, uint8_t *block)
{
    SBlock b = block_of(dtype);
    float scales[QUANT_MAX_PARTS], largest = 0.0f;
    memset(block, 0, dtype_size(dtype));
    for (size_t s = 0; s < b.n_parts; s++) {
        scales[s] = search_scale(&b, quant_part(x, s, b.part));
        if (fabsf(scales[s]) > fabsf(largest)) largest = scales[s];
    }
    b.d = quant_half(largest / (float)b.low_scale);
    if (b.d == 0.0f || !isfinite(b.d)) return;
    float error = choose_scales(&b, x, scales);
    for (int round = 0; round < 2; round++) {
        SBlock other = b;
        other.d = refit(&b, x);
        const float left = choose_scales(&other, x, scales);
        if (!(left < error)) break;
        error = left;
        b = other;
    }
    put_block(dtype, x, &b, block);
}
