// Encoding by search into blocks without an offset: x = (d a) q, q one of some integers of either sign. For each part a range
// of inverse scales is tried, each refined by least squares for the integers that it gives; then, with the block's scale fixed
// in f16, the neighbours of each part's own scale are tried by the error that they leave; last the block's scale is fitted anew
// to the integers, while that helps.
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/quant_internal.h"
#include "kernels/quant_search.h"

enum { LANES = QUANT_LANES };

// A block and its format.
typedef struct SBlock {
    float d; // as f16 holds it
    int8_t a[QUANT_MAX_PARTS];
    size_t n_parts, part;
    int low, high;              // least and largest q
    int low_scale, high_scale;  // least and largest a
    float step;                 // between inverse scales, as a share of the middle one
    int n_steps;                // to either side of it
    const int8_t *levels;       // all q; NULL: every integer of [low, high]
    float middle[QUANT_LEVELS]; // of neighbouring levels; the last is infinite
} SBlock;

// ---- the nearest q ----

// Of LANES numbers. Levels are summed over all borders: without a branch, so that numbers go side by side.
static void nearest_q(const SBlock *b, const float *v, float *q)
{
    const float low = (float)b->low, range = (float)(b->high - b->low);
    if (b->levels) {
        for (int j = 0; j < LANES; j++) q[j] = low;
        for (int i = 0; i + 1 < QUANT_LEVELS; i++) {
            const float more = (float)(b->levels[i + 1] - b->levels[i]), border = b->middle[i];
            for (int j = 0; j < LANES; j++) q[j] += v[j] > border ? more : 0.0f;
        }
        return;
    }
    for (int j = 0; j < LANES; j++) {
        float place = v[j] - low;
        place = place > 0.0f ? place : 0.0f;
        place = place < range ? place : range;
        q[j] = (float)(int)(place + 0.5f) + low;
    }
}

static uint8_t code_of(const SBlock *b, float v)
{
    int code = 0;
    if (!b->levels) return (uint8_t)(quant_nearest(v, b->low, b->high) - b->low);
    while (v > b->middle[code]) code++;
    return (uint8_t)code;
}

static float sum_lanes(const float *lanes)
{
    float sum = 0;
    for (int j = 0; j < LANES; j++) sum += lanes[j];
    return sum;
}

static float part_error(const SBlock *b, const float *x, float scale)
{
    const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
    float lanes[LANES] = {0}, v[LANES], q[LANES];
    for (size_t i = 0; i < b->part; i += LANES) {
        for (size_t j = 0; j < LANES; j++) v[j] = x[i + j] * inverse;
        nearest_q(b, v, q);
        for (size_t j = 0; j < LANES; j++) {
            const float miss = scale * q[j] - x[i + j];
            lanes[j] += miss * miss;
        }
    }
    return sum_lanes(lanes);
}

// ---- a part's scale ----

// The least-squares scale for the integers that an inverse scale gives, and how much of the part's squares it explains.
typedef struct Fit {
    float scale, explained;
} Fit;

static Fit fit_scale(const SBlock *b, const float *x, float inverse)
{
    float squares[LANES] = {0}, products[LANES] = {0}, v[LANES], q[LANES];
    for (size_t i = 0; i < b->part; i += LANES) {
        for (size_t j = 0; j < LANES; j++) v[j] = x[i + j] * inverse;
        nearest_q(b, v, q);
        for (size_t j = 0; j < LANES; j++) {
            squares[j] += q[j] * q[j];
            products[j] += x[i + j] * q[j];
        }
    }
    const float qq = sum_lanes(squares), xq = sum_lanes(products);
    return qq > 0.0f ? (Fit){xq / qq, xq * (xq / qq)} : (Fit){0};
}

// The number of largest magnitude becomes about `end`, low or high.
static void search_end(const SBlock *b, const float *x, float largest, int end, Fit *best)
{
    for (int step = -b->n_steps; step <= b->n_steps; step++) {
        const float inverse = (float)end * (1.0f + b->step * (float)step) / largest;
        const Fit fit = fit_scale(b, x, inverse);
        if (fit.explained > best->explained) *best = fit;
    }
}

static float search_scale(const SBlock *b, const float *x)
{
    float largest = 0.0f;
    for (size_t j = 0; j < b->part; j++) {
        if (fabsf(x[j]) > fabsf(largest)) largest = x[j];
    }
    if (!(fabsf(largest) > FLT_MIN)) return 0.0f;
    Fit best = {.scale = largest / (float)b->low};
    search_end(b, x, largest, b->low, &best);
    // The levels at the other end are as far apart.
    if (b->levels) search_end(b, x, largest, b->high, &best);
    return best.scale;
}

// ---- the block's scale ----

// The integers about each part's scale that leave the least error; their sum of errors.
static float choose_scales(SBlock *b, const float *x, const float *scales)
{
    float sum = 0;
    for (size_t s = 0; s < b->n_parts; s++) {
        const float *part = quant_part(x, s, b->part);
        const int a0 = quant_nearest(scales[s] / b->d, b->low_scale, b->high_scale);
        float least = FLT_MAX;
        for (int a = a0 - 2; a <= a0 + 2; a++) {
            if (a < b->low_scale || a > b->high_scale) continue;
            const float error = part_error(b, part, b->d * (float)a);
            if (error >= least) continue;
            least = error;
            b->a[s] = (int8_t)a;
        }
        sum += least;
    }
    return sum;
}

// d anew by least squares, the integers as they are.
static float refit(const SBlock *b, const float *x)
{
    double uu = 0, ux = 0;
    float v[LANES], q[LANES];
    for (size_t i = 0; i < b->n_parts * b->part; i += LANES) {
        const size_t part = i / b->part;
        const float a = (float)b->a[part], scale = b->d * a,
                    inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
        for (size_t j = 0; j < LANES; j++) v[j] = x[i + j] * inverse;
        nearest_q(b, v, q);
        for (size_t j = 0; j < LANES; j++) {
            const double u = (double)a * (double)q[j];
            uu += u * u;
            ux += u * (double)x[i + j];
        }
    }
    const float d = uu > 0 ? quant_half((float)(ux / uu)) : b->d;
    return d != 0.0f && isfinite(d) ? d : b->d;
}

static SBlock block_of(DType dtype)
{
    SBlock b = {.n_parts = 16,
                .part = 16,
                .low = -32,
                .high = 31,
                .low_scale = -128,
                .high_scale = 127,
                .step = 0.1f / 32,
                .n_steps = 12,
                .levels = quant_levels(dtype)};
    if (dtype == DTYPE_Q3_K) {
        b.low = -4;
        b.high = 3;
        b.step = 0.1f / 4;
    }
    if (b.levels) {
        b.part = 32;
        b.n_parts = dtype == DTYPE_IQ4_XS ? 8 : 1;
        b.low = -127;
        b.high = 113;
        b.step = 2.0f / 127;
        b.n_steps = 6;
        for (int i = 0; i + 1 < QUANT_LEVELS; i++)
            b.middle[i] = 0.5f * (float)(b.levels[i] + b.levels[i + 1]);
        b.middle[QUANT_LEVELS - 1] = INFINITY;
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
        const size_t part = i / b->part;
        const float scale = b->d * (float)b->a[part];
        codes[i] = code_of(b, scale != 0.0f ? x[i] * (1.0f / scale) : 0.0f);
    }
    quant_put_half(block + quant_half_place(dtype), b->d);
    if (b->n_parts == 1) {
        quant_put_nibbles(codes, NULL, block + 2);
        return;
    }
    quant_put_scales(dtype, b->a, b->a, block);
    quant_put_codes(dtype, codes, block);
}

void quant_search_signed(DType dtype, const float *x, uint8_t *block)
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
