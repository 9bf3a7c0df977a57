#include "kernels/quant.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/machine.h"
#include "base/size.h"
#include "kernels/half.h"
#include "kernels/quant_internal.h"

bool quant_is_known(DType dtype)
{
    return dtype == DTYPE_F32 || dtype == DTYPE_F16 || dtype == DTYPE_BF16 ||
           dtype_block(dtype) > 1;
}

bool quant_row_bytes(DType dtype, size_t n, size_t *out)
{
    return n % dtype_block(dtype) == 0 && size_mul(n / dtype_block(dtype), dtype_size(dtype), out);
}

static uint16_t u16_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t u32_at(const uint8_t *bytes)
{
    return u16_at(bytes) | (uint32_t)u16_at(bytes + 2) << 16;
}

static float half_at(const uint8_t *bytes)
{
    return f32_from_f16(u16_at(bytes));
}

// ---- taking blocks apart ----

// 32 numbers of 4 bits and, in `fifth`, one more.
static void unpack_nibbles(const uint8_t *bytes, uint32_t fifth, int shift, int8_t *q)
{
    for (int j = 0; j < 16; j++) {
        q[j] = (int8_t)((bytes[j] & 15) + (int)((fifth >> j & 1) << 4) - shift);
        q[j + 16] = (int8_t)((bytes[j] >> 4) + (int)((fifth >> (j + 16) & 1) << 4) - shift);
    }
}

const int8_t quant_iq4_levels[QUANT_LEVELS] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

// Doubled, so that they are whole numbers.
const int8_t quant_mxfp4_levels[QUANT_LEVELS] = {0, 1,  2,  3,  4,  6,  8,  12,
                                                 0, -1, -2, -3, -4, -6, -8, -12};

// Half of what the exponent says: levels are doubled.
float quant_mxfp4_scale(uint8_t exponent)
{
    return ldexpf(1.0f, exponent - 128);
}

// What codes are more than the integers that they stand for.
static int code_shift(DType dtype)
{
    return dtype == DTYPE_Q6_K ? 32 : dtype == DTYPE_Q3_K ? 4 : 0;
}

static void unpack_256(DType dtype, const uint8_t *block, QuantBlock *out)
{
    int8_t scale[QUANT_MAX_PARTS], minimum[QUANT_MAX_PARTS] = {0};
    uint8_t codes[QUANT_MAX_BLOCK];
    const uint8_t *halves = block + quant_half_place(dtype);
    const float d = half_at(halves), m = out->is_shifted ? half_at(halves + 2) : 0.0f;
    const int shift = code_shift(dtype);
    quant_get_scales(dtype, block, scale, minimum);
    for (size_t s = 0; s < out->n / out->part; s++) {
        out->scale[s] = d * (float)scale[s];
        out->offset[s] = -(m * (float)minimum[s]);
    }
    quant_get_codes(dtype, block, codes);
    for (size_t i = 0; i < QUANT_MAX_BLOCK; i++) out->q[i] = (int8_t)(codes[i] - shift);
}

const int8_t *quant_levels(DType dtype)
{
    if (dtype == DTYPE_MXFP4) return quant_mxfp4_levels;
    return dtype == DTYPE_IQ4_NL || dtype == DTYPE_IQ4_XS ? quant_iq4_levels : NULL;
}

static bool has_offset(DType dtype)
{
    return dtype == DTYPE_Q4_1 || dtype == DTYPE_Q5_1 || dtype == DTYPE_Q4_K ||
           dtype == DTYPE_Q5_K || dtype == DTYPE_Q2_K;
}

static size_t part_of(DType dtype)
{
    if (dtype == DTYPE_Q6_K || dtype == DTYPE_Q3_K || dtype == DTYPE_Q2_K) return 16;
    return dtype == DTYPE_Q8_ROW ? 64 : 32;
}

void quant_unpack(DType dtype, const void *block, QuantBlock *out)
{
    const uint8_t *b = block;
    out->n = dtype_block(dtype);
    out->part = part_of(dtype);
    out->is_shifted = has_offset(dtype);
    out->levels = quant_levels(dtype);
    if (dtype == DTYPE_MXFP4) {
        out->scale[0] = quant_mxfp4_scale(b[0]);
        unpack_nibbles(b + 1, 0, 0, out->q);
        return;
    }
    if (out->n <= 64) {
        out->scale[0] = half_at(b);
        if (out->is_shifted) out->offset[0] = half_at(b + 2);
    }
    if (dtype == DTYPE_Q8_0 || dtype == DTYPE_Q8_ROW)
        memcpy(out->q, b + 2, out->n);
    else if (dtype == DTYPE_Q4_0 || dtype == DTYPE_IQ4_NL)
        unpack_nibbles(b + 2, 0, dtype == DTYPE_Q4_0 ? 8 : 0, out->q);
    else if (dtype == DTYPE_Q4_1)
        unpack_nibbles(b + 4, 0, 0, out->q);
    else if (dtype == DTYPE_Q5_0)
        unpack_nibbles(b + 6, u32_at(b + 2), 16, out->q);
    else if (dtype == DTYPE_Q5_1)
        unpack_nibbles(b + 8, u32_at(b + 4), 0, out->q);
    else
        unpack_256(dtype, b, out);
}

void quant_decode(DType dtype, size_t n, const void *blocks, float *out)
{
    const uint8_t *from = blocks;
    if (dtype == DTYPE_F32) {
        if (n > 0) memcpy(out, blocks, n * sizeof *out);
    } else if (dtype == DTYPE_F16) {
        for (size_t i = 0; i < n; i++) out[i] = half_at(from + 2 * i);
    } else if (dtype == DTYPE_BF16) {
        for (size_t i = 0; i < n; i++) out[i] = f32_from_bf16(u16_at(from + 2 * i));
    } else {
        QuantBlock b = {0};
        for (size_t i = 0; i < n; i += b.n, from += dtype_size(dtype)) {
            quant_unpack(dtype, from, &b);
            for (size_t j = 0; b.levels && j < b.n; j++) b.q[j] = b.levels[b.q[j]];
            for (size_t j = 0; j < b.n; j++) {
                const float x = b.scale[j / b.part] * (float)b.q[j];
                out[i + j] = b.is_shifted ? x + b.offset[j / b.part] : x;
            }
        }
    }
}

// ---- encoding: formats of 32 ----

static void put_u16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

void quant_put_half(uint8_t *bytes, float value)
{
    put_u16(bytes, f16_from_f32(value));
}

void quant_put_nibbles(const uint8_t q[32], uint8_t *h, uint8_t *bytes)
{
    for (int j = 0; j < 16; j++) bytes[j] = (uint8_t)((q[j] & 15) | (q[j + 16] & 15) << 4);
    if (!h) return;
    memset(h, 0, 4);
    for (int j = 0; j < 32; j++) h[j / 8] = (uint8_t)(h[j / 8] | (q[j] >> 4) << (j % 8));
}

static float inverse(float d)
{
    return d == 0.0f || isinf(1.0f / d) ? 0.0f : 1.0f / d;
}

static uint8_t clip(float x, int top)
{
    return (uint8_t)(x > (float)top ? top : (int)x); // x is not negative
}

// Q4_0 (half = 8) and Q5_0 (16): the number of largest magnitude becomes -half exactly.
static void encode_signed(const float *x, int half, uint8_t *block, uint8_t *h, uint8_t *bytes)
{
    float largest = 0.0f;
    uint8_t q[32];
    for (int j = 0; j < 32; j++) {
        if (fabsf(x[j]) > fabsf(largest)) largest = x[j];
    }
    const float d = largest / (float)-half, id = inverse(d);
    for (int j = 0; j < 32; j++) q[j] = clip(x[j] * id + ((float)half + 0.5f), 2 * half - 1);
    quant_put_half(block, d);
    quant_put_nibbles(q, h, bytes);
}

// Q4_1 (top = 15) and Q5_1 (31).
static void encode_shifted(const float *x, int top, uint8_t *block, uint8_t *h, uint8_t *bytes)
{
    float low = x[0], high = x[0];
    uint8_t q[32];
    for (int j = 1; j < 32; j++) {
        if (x[j] < low) low = x[j];
        if (x[j] > high) high = x[j];
    }
    const float d = (high - low) / (float)top, id = inverse(d);
    for (int j = 0; j < 32; j++) q[j] = clip((x[j] - low) * id + 0.5f, top);
    quant_put_half(block, d);
    quant_put_half(block + 2, low);
    quant_put_nibbles(q, h, bytes);
}

static void encode_q8_0(const float *x, uint8_t *block)
{
    float largest = 0.0f;
    for (int j = 0; j < 32; j++) largest = fmaxf(largest, fabsf(x[j]));
    const float d = largest / 127.0f, id = inverse(d);
    quant_put_half(block, d);
    for (int j = 0; j < 32; j++) {
        // Ties away from zero, as roundf.
        block[2 + j] = (uint8_t)(int8_t)roundf(x[j] * id);
    }
}

static void encode_q8_row(size_t n, const float *x, uint8_t *block)
{
    enum { N = 64 };
    const float whole = 0x1.8p23f; // added and taken off, it leaves the nearest whole number
    float largest = 0.0f;
    for (size_t j = 0; j < n; j++) largest = fabsf(x[j]) > largest ? fabsf(x[j]) : largest;
    const float d = largest / 127.0f, id = inverse(d);
    for (size_t i = 0; i < n; i += N, x += N, block += 2 + N) {
        quant_put_half(block, d);
        for (int j = 0; j < N; j++) block[2 + j] = (uint8_t)(int8_t)(x[j] * id + whole - whole);
    }
}

// The largest number comes to 4 to 8 times the scale; a code is the nearest one, the first of two.
static void encode_mxfp4(const float *x, uint8_t *block)
{
    float largest = 0.0f;
    uint8_t q[32];
    for (int j = 0; j < 32; j++) largest = fmaxf(largest, fabsf(x[j]));
    const float e = largest > 0.0f ? floorf(log2f(largest)) + 125 : 0;
    block[0] = (uint8_t)(e > 0.0f ? e : 0.0f);
    const float d = quant_mxfp4_scale(block[0]);
    for (int j = 0; j < 32; j++) {
        float least = INFINITY;
        for (uint8_t code = 0; code < 16; code++) {
            const float miss = fabsf(d * (float)quant_mxfp4_levels[code] - x[j]);
            if (miss < least) {
                least = miss;
                q[j] = code;
            }
        }
    }
    quant_put_nibbles(q, NULL, block + 1);
}

static QuantSearch *search_of(DType dtype)
{
#if defined(__x86_64__)
    const unsigned features = machine_cpu_features();
    if (features & CPU_AVX512)
        return has_offset(dtype) ? quant_search_shifted_avx512 : quant_search_signed_avx512;
    if (features & CPU_AVX2)
        return has_offset(dtype) ? quant_search_shifted_avx2 : quant_search_signed_avx2;
#endif
    return has_offset(dtype) ? quant_search_shifted_plain : quant_search_signed_plain;
}

static void encode_block(DType dtype, const float *x, uint8_t *b)
{
    if (dtype == DTYPE_Q8_0)
        encode_q8_0(x, b);
    else if (dtype == DTYPE_Q4_0)
        encode_signed(x, 8, b, NULL, b + 2);
    else if (dtype == DTYPE_Q5_0)
        encode_signed(x, 16, b, b + 2, b + 6);
    else if (dtype == DTYPE_Q4_1)
        encode_shifted(x, 15, b, NULL, b + 4);
    else if (dtype == DTYPE_Q5_1)
        encode_shifted(x, 31, b, b + 4, b + 8);
    else if (dtype == DTYPE_MXFP4)
        encode_mxfp4(x, b);
    else
        search_of(dtype)(dtype, x, b);
}

void quant_encode(DType dtype, size_t n, const float *x, void *blocks)
{
    assert(quant_is_known(dtype) && n % dtype_block(dtype) == 0);
    uint8_t *to = blocks;
    if (dtype == DTYPE_F32) {
        if (n > 0) memcpy(to, x, n * sizeof *x);
        return;
    }
    if (dtype == DTYPE_Q8_ROW) {
        encode_q8_row(n, x, to);
        return;
    }
    const size_t step = dtype_block(dtype), size = dtype_size(dtype);
    for (size_t i = 0; dtype == DTYPE_BF16 && i < n; i++) put_u16(to + 2 * i, bf16_from_f32(x[i]));
    for (size_t i = 0; dtype == DTYPE_F16 && i < n; i++) quant_put_half(to + 2 * i, x[i]);
    for (size_t i = 0; step > 1 && i < n; i += step, to += size) encode_block(dtype, x + i, to);
}
