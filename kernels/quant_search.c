// Encoding into blocks of 256 by search. For each part a range of inverse scales is tried, each refined by least squares for
// the integers that it gives; then, with the block's scales fixed in f16, the neighbours of each part's 6- or 8-bit scale are
// tried by the error that they leave; last the block's scales are fitted anew to the integers, while that helps. Against
// rounding between the extremes the mean squared error of normal numbers falls by 17 to 21 %.
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/quant_internal.h"

enum { BLOCK = 256, LANES = 8, K_PARTS = 8, K_PART = 32, Q6_PARTS = 16, Q6_PART = 16 };

// The integer nearest to v in [low, high].
static int nearest(float v, int low, int high)
{
    if (!(v > (float)low)) return low;
    if (v >= (float)high) return high;
    return (int)(v + 0.5f - (float)low) + low; // what is cut off is not negative
}

static const float *part_of(const float *x, int s, int size)
{
    return x + (ptrdiff_t)s * size;
}

// Squared error of n numbers (a multiple of LANES) as scale q - minimum with the best q in [low, high].
static float part_error(const float *x, int n, float scale, float minimum, int low, int high)
{
    const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
    float lanes[LANES] = {0}, sum = 0;
    for (int i = 0; i < n; i += LANES) {
        for (int j = 0; j < LANES; j++) {
            float v = (x[i + j] + minimum) * inverse - (float)low;
            v = v > 0.0f ? v : 0.0f;
            v = v < (float)(high - low) ? v : (float)(high - low);
            const float q = (float)(int)(v + 0.5f) + (float)low;
            const float miss = scale * q - minimum - x[i + j];
            lanes[j] += miss * miss;
        }
    }
    for (int j = 0; j < LANES; j++) sum += lanes[j];
    return sum;
}

// ---- Q4_K, Q5_K: scale q - minimum ----

typedef struct Fit {
    float scale, minimum;
    float error;
} Fit;

// The least-squares scale and minimum (not below 0) for the integers that an inverse scale gives.
static Fit fit_part(const float *x, float low, float inverse, int top)
{
    float sx = 0, sq = 0, sqq = 0, sxq = 0;
    for (int j = 0; j < K_PART; j++) {
        const float q = (float)nearest((x[j] - low) * inverse, 0, top);
        sx += x[j];
        sq += q;
        sqq += q * q;
        sxq += x[j] * q;
    }
    Fit fit = {0};
    const float determinant = (float)K_PART * sqq - sq * sq;
    if (determinant > 0.0f) {
        fit.scale = ((float)K_PART * sxq - sx * sq) / determinant;
        fit.minimum = -(sqq * sx - sq * sxq) / determinant;
    }
    if (determinant <= 0.0f || fit.minimum < 0.0f) {
        fit.minimum = 0.0f;
        fit.scale = sqq > 0.0f ? sxq / sqq : 0.0f;
    }
    if (fit.scale < 0.0f) fit.scale = 0.0f;
    fit.error = part_error(x, K_PART, fit.scale, fit.minimum, 0, top);
    return fit;
}

static Fit search_part(const float *x, int top)
{
    float low = 0.0f, high = x[0];
    for (int j = 0; j < K_PART; j++) {
        if (x[j] < low) low = x[j];
        if (x[j] > high) high = x[j];
    }
    const float range = high - low;
    if (!(range > FLT_MIN)) return (Fit){.minimum = -low};
    Fit best = {.scale = range / (float)top, .minimum = -low};
    best.error = part_error(x, K_PART, best.scale, best.minimum, 0, top);
    for (int step = -12; step <= 12; step++) {
        const Fit fit = fit_part(x, low, ((float)top + 0.1f * (float)step) / range, top);
        if (fit.error < best.error) best = fit;
    }
    return best;
}

// A block's scales: x = (d a) q - m b.
typedef struct KBlock {
    float d, m; // as f16 holds them
    uint8_t a[K_PARTS], b[K_PARTS];
    int top;
} KBlock;

static float half(float x)
{
    return f32_from_f16(f16_from_f32(x));
}

static float k_error(const float *x, const KBlock *k)
{
    float sum = 0;
    for (int s = 0; s < K_PARTS; s++) {
        sum += part_error(part_of(x, s, K_PART), K_PART, k->d * (float)k->a[s],
                          k->m * (float)k->b[s], 0, k->top);
    }
    return sum;
}

// The pair of 6-bit integers about (scale, minimum) that leaves the least error.
static void choose_pair(const float *x, const Fit *fit, KBlock *k, int s)
{
    const int a0 = k->d > 0.0f ? nearest(fit->scale / k->d, 0, 63) : 0;
    const int b0 = k->m > 0.0f ? nearest(fit->minimum / k->m, 0, 63) : 0;
    float least = FLT_MAX;
    for (int a = a0 - 1; a <= a0 + 1; a++) {
        for (int b = b0 - 1; b <= b0 + 1; b++) {
            if (a < 0 || a > 63 || b < 0 || b > 63) continue;
            const float error = part_error(x, K_PART, k->d * (float)a, k->m * (float)b, 0, k->top);
            if (error >= least) continue;
            least = error;
            k->a[s] = (uint8_t)a;
            k->b[s] = (uint8_t)b;
        }
    }
}

// d and m anew by least squares, the integers as they are.
static KBlock refit(const float *x, const KBlock *k)
{
    double uu = 0, uv = 0, vv = 0, ux = 0, vx = 0;
    for (int i = 0; i < BLOCK; i++) {
        const int s = i / K_PART;
        const float scale = k->d * (float)k->a[s], minimum = k->m * (float)k->b[s];
        const int q = scale > 0.0f ? nearest((x[i] + minimum) / scale, 0, k->top) : 0;
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
        out.d = half((float)((ux * vv - vx * uv) / determinant));
        out.m = half((float)((vx * uu - ux * uv) / determinant));
    } else if (uu > 0) {
        out.d = half((float)(ux / uu));
    }
    return out.d >= 0.0f && out.m >= 0.0f && isfinite(out.d) && isfinite(out.m) ? out : *k;
}

static void put_k(DType dtype, const float *x, const KBlock *k, uint8_t *block)
{
    memset(block, 0, dtype_size(dtype));
    uint8_t *fifth = dtype == DTYPE_Q5_K ? block + 16 : NULL;
    uint8_t *nibbles = block + (fifth ? 48 : 16);
    quant_put_half(block, k->d);
    quant_put_half(block + 2, k->m);
    quant_pack_scales(k->a, k->b, block + 4);
    for (int i = 0; i < BLOCK; i++) {
        const int s = i / K_PART, j = i % K_PART;
        const float scale = k->d * (float)k->a[s], minimum = k->m * (float)k->b[s];
        const int q = scale > 0.0f ? nearest((x[i] + minimum) * (1.0f / scale), 0, k->top) : 0;
        uint8_t *byte = &nibbles[s / 2 * 32 + j];
        *byte = (uint8_t)(*byte | (q & 15) << (s % 2 * 4));
        if (fifth) fifth[j] = (uint8_t)(fifth[j] | (q >> 4) << s);
    }
}

void quant_search_k(DType dtype, const float *x, uint8_t *block)
{
    KBlock k = {.top = dtype == DTYPE_Q5_K ? 31 : 15};
    Fit fits[K_PARTS];
    float scale = 0, minimum = 0;
    for (int s = 0; s < K_PARTS; s++) {
        fits[s] = search_part(part_of(x, s, K_PART), k.top);
        scale = fmaxf(scale, fits[s].scale);
        minimum = fmaxf(minimum, fits[s].minimum);
    }
    k.d = half(scale / 63.0f);
    k.m = half(minimum / 63.0f);
    for (int s = 0; s < K_PARTS; s++) choose_pair(part_of(x, s, K_PART), &fits[s], &k, s);
    float error = k_error(x, &k);
    for (int round = 0; round < 2; round++) {
        KBlock other = refit(x, &k);
        for (int s = 0; s < K_PARTS; s++) choose_pair(part_of(x, s, K_PART), &fits[s], &other, s);
        const float left = k_error(x, &other);
        if (!(left < error)) break;
        error = left;
        k = other;
    }
    put_k(dtype, x, &k, block);
}

// ---- Q6_K: scale (q - 32), q - 32 in [-32, 31] ----

static float search_scale(const float *x)
{
    float largest = 0.0f;
    for (int j = 0; j < Q6_PART; j++) {
        if (fabsf(x[j]) > fabsf(largest)) largest = x[j];
    }
    if (!(fabsf(largest) > FLT_MIN)) return 0.0f;
    float best = largest / -32.0f;
    float least = part_error(x, Q6_PART, best, 0.0f, -32, 31);
    for (int step = -12; step <= 12; step++) {
        const float inverse = -(32.0f + 0.1f * (float)step) / largest;
        float qq = 0, xq = 0;
        for (int j = 0; j < Q6_PART; j++) {
            const float q = (float)nearest(x[j] * inverse, -32, 31);
            qq += q * q;
            xq += x[j] * q;
        }
        if (!(qq > 0.0f)) continue;
        const float error = part_error(x, Q6_PART, xq / qq, 0.0f, -32, 31);
        if (error >= least) continue;
        least = error;
        best = xq / qq;
    }
    return best;
}

// The 8-bit scale about `scale` that leaves the least error.
static int8_t choose_scale(const float *x, float scale, float d)
{
    const int a0 = nearest(scale / d, -128, 127);
    float least = FLT_MAX;
    int best = 0;
    for (int a = a0 - 2; a <= a0 + 2; a++) {
        if (a < -128 || a > 127) continue;
        const float error = part_error(x, Q6_PART, d * (float)a, 0.0f, -32, 31);
        if (error >= least) continue;
        least = error;
        best = a;
    }
    return (int8_t)best;
}

void quant_search_q6_k(const float *x, uint8_t *block)
{
    float scales[Q6_PARTS], largest = 0.0f;
    uint8_t *low = block, *high = block + 128, *parts = block + 192;
    memset(block, 0, dtype_size(DTYPE_Q6_K));
    for (int s = 0; s < Q6_PARTS; s++) {
        scales[s] = search_scale(part_of(x, s, Q6_PART));
        if (fabsf(scales[s]) > fabsf(largest)) largest = scales[s];
    }
    const float d = half(largest / -128.0f);
    if (d == 0.0f || !isfinite(d)) return;
    quant_put_half(block + 208, d);
    for (int s = 0; s < Q6_PARTS; s++) {
        const int8_t a = choose_scale(part_of(x, s, Q6_PART), scales[s], d);
        const float scale = d * (float)a;
        parts[s] = (uint8_t)a;
        for (int j = 0; j < Q6_PART; j++) {
            const int i = s * Q6_PART + j, h = i / 128, e = i % 128;
            const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
            const int q = nearest(x[i] * inverse, -32, 31) + 32;
            uint8_t *byte = &low[h * 64 + e % 64], *upper = &high[h * 32 + e % 32];
            *byte = (uint8_t)(*byte | (q & 15) << (e < 64 ? 0 : 4));
            *upper = (uint8_t)(*upper | (q >> 4) << (2 * (e / 32)));
        }
    }
}
