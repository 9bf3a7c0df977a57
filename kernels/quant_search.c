// Encoding by search into blocks of 256 whose parts have a scale and a minimum. For each part a range of inverse scales is
// tried, each refined by least squares for the integers that it gives; then, with the block's scales fixed in f16, the
// neighbours of each part's own scale are tried by the error that they leave; last the block's scales are fitted anew to the
// integers, while that helps. Against rounding between the extremes the mean squared error of normal numbers falls by 17 to
// 21 % (Q4_K, Q5_K).
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/quant_internal.h"
#include "kernels/quant_search.h"

enum { BLOCK = QUANT_MAX_BLOCK, LANES = QUANT_LANES };

// A block's scales: x = (d a) q - m b.
typedef struct KBlock {
    float d, m; // as f16 holds them
    int8_t a[QUANT_MAX_PARTS], b[QUANT_MAX_PARTS];
    size_t n_parts, part;
    int top, top_scale; // largest code, largest a and b
} KBlock;

// Squared error of a part as scale q - minimum with the best q in [0, top].
static float part_error(const KBlock *k, const float *x, float scale, float minimum)
{
    const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f, top = (float)k->top;
    float lanes[LANES] = {0}, sum = 0;
    for (size_t i = 0; i < k->part; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            float v = (x[i + j] + minimum) * inverse;
            v = v > 0.0f ? v : 0.0f;
            v = v < top ? v : top;
            const float miss = scale * (float)(int)(v + 0.5f) - minimum - x[i + j];
            lanes[j] += miss * miss;
        }
    }
    for (size_t j = 0; j < LANES; j++) sum += lanes[j];
    return sum;
}

typedef struct Fit {
    float scale, minimum;
    float error;
} Fit;

// The least-squares scale and minimum (not below 0) for the integers that an inverse scale gives.
static Fit fit_part(const KBlock *k, const float *x, float low, float inverse)
{
    float sx = 0, sq = 0, sqq = 0, sxq = 0;
    for (size_t j = 0; j < k->part; j++) {
        const float q = (float)quant_nearest((x[j] - low) * inverse, 0, k->top);
        sx += x[j];
        sq += q;
        sqq += q * q;
        sxq += x[j] * q;
    }
    Fit fit = {0};
    const float determinant = (float)k->part * sqq - sq * sq;
    if (determinant > 0.0f) {
        fit.scale = ((float)k->part * sxq - sx * sq) / determinant;
        fit.minimum = -(sqq * sx - sq * sxq) / determinant;
    }
    if (determinant <= 0.0f || fit.minimum < 0.0f) {
        fit.minimum = 0.0f;
        fit.scale = sqq > 0.0f ? sxq / sqq : 0.0f;
    }
    if (fit.scale < 0.0f) fit.scale = 0.0f;
    fit.error = part_error(k, x, fit.scale, fit.minimum);
    return fit;
}

static Fit search_part(const KBlock *k, const float *x)
{
    float low = 0.0f, high = x[0];
    for (size_t j = 0; j < k->part; j++) {
        if (x[j] < low) low = x[j];
        if (x[j] > high) high = x[j];
    }
    const float range = high - low, top = (float)k->top;
    if (!(range > FLT_MIN)) return (Fit){.minimum = -low};
    Fit best = {.scale = range / top, .minimum = -low};
    best.error = part_error(k, x, best.scale, best.minimum);
    for (int step = -12; step <= 12; step++) {
        const Fit fit = fit_part(k, x, low, (top + 0.1f * (float)step) / range);
        if (fit.error < best.error) best = fit;
    }
    return best;
}

static float k_error(const float *x, const KBlock *k)
{
    float sum = 0;
    for (size_t s = 0; s < k->n_parts; s++)
        sum +=
            part_error(k, quant_part(x, s, k->part), k->d * (float)k->a[s], k->m * (float)k->b[s]);
    return sum;
}

// The pair of integers about (scale, minimum) that leaves the least error.
static void choose_pair(const float *x, const Fit *fit, KBlock *k, size_t s)
{
    const int most = k->top_scale;
    const int a0 = k->d > 0.0f ? quant_nearest(fit->scale / k->d, 0, most) : 0;
    const int b0 = k->m > 0.0f ? quant_nearest(fit->minimum / k->m, 0, most) : 0;
    float least = FLT_MAX;
    for (int a = a0 - 1; a <= a0 + 1; a++) {
        for (int b = b0 - 1; b <= b0 + 1; b++) {
            if (a < 0 || a > most || b < 0 || b > most) continue;
            const float error = part_error(k, x, k->d * (float)a, k->m * (float)b);
            if (error >= least) continue;
            least = error;
            k->a[s] = (int8_t)a;
            k->b[s] = (int8_t)b;
        }
    }
}

static void choose_pairs(const float *x, const Fit *fits, KBlock *k)
{
    for (size_t s = 0; s < k->n_parts; s++) choose_pair(quant_part(x, s, k->part), &fits[s], k, s);
}

// d and m anew by least squares, the integers as they are.
static KBlock refit(const float *x, const KBlock *k)
{
    double uu = 0, uv = 0, vv = 0, ux = 0, vx = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        const size_t s = i / k->part;
        const float scale = k->d * (float)k->a[s], minimum = k->m * (float)k->b[s];
        const int q = scale > 0.0f ? quant_nearest((x[i] + minimum) / scale, 0, k->top) : 0;
        const double u = (double)(k->a[s] * q), v = -(double)k->b[s];
        uu += u * u;
        uv += u * v;
        vv += v * v;
        ux += u * (double)x[i];
        vx += v * (double)x[i];
    }
    KBlock out = *k;
    const double determinant = uu * vv - uv * uv;
    if (determinant > 0) {
        out.d = quant_half((float)((ux * vv - vx * uv) / determinant));
        out.m = quant_half((float)((vx * uu - ux * uv) / determinant));
    } else if (uu > 0) {
        out.d = quant_half((float)(ux / uu));
    }
    return out.d >= 0.0f && out.m >= 0.0f && isfinite(out.d) && isfinite(out.m) ? out : *k;
}

static void put_k(DType dtype, const float *x, const KBlock *k, uint8_t *block)
{
    uint8_t codes[BLOCK], *halves = block + quant_half_place(dtype);
    for (size_t i = 0; i < BLOCK; i++) {
        const size_t s = i / k->part;
        const float scale = k->d * (float)k->a[s], minimum = k->m * (float)k->b[s];
        const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
        codes[i] = (uint8_t)quant_nearest((x[i] + minimum) * inverse, 0, k->top);
    }
    memset(block, 0, dtype_size(dtype));
    quant_put_half(halves, k->d);
    quant_put_half(halves + 2, k->m);
    quant_put_scales(dtype, k->a, k->b, block);
    quant_put_codes(dtype, codes, block);
}

void quant_search_shifted(DType dtype, const float *x, uint8_t *block)
{
    KBlock k = {.n_parts = 8, .part = 32, .top = dtype == DTYPE_Q5_K ? 31 : 15, .top_scale = 63};
    if (dtype == DTYPE_Q2_K) k = (KBlock){.n_parts = 16, .part = 16, .top = 3, .top_scale = 15};
    Fit fits[QUANT_MAX_PARTS];
    float scale = 0, minimum = 0;
    for (size_t s = 0; s < k.n_parts; s++) {
        fits[s] = search_part(&k, quant_part(x, s, k.part));
        scale = fmaxf(scale, fits[s].scale);
        minimum = fmaxf(minimum, fits[s].minimum);
    }
    k.d = quant_half(scale / (float)k.top_scale);
    k.m = quant_half(minimum / (float)k.top_scale);
    choose_pairs(x, fits, &k);
    float error = k_error(x, &k);
    for (int round = 0; round < 2; round++) {
        KBlock other = refit(x, &k);
        choose_pairs(x, fits, &other);
        const float left = k_error(x, &other);
        if (!(left < error)) break;
        error = left;
        k = other;
    }
    put_k(dtype, x, &k, block);
}
