#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/half.h"
#include "kernels/pack.h"
#include "kernels/quant.h"
#include "kernels/quant_internal.h"

enum { W = PANEL_WIDTH, GROUP_BYTES = 4 * W };

// What a block of a format is made of.
typedef struct Shape {
    size_t block;     // numbers of k; BF16 goes in pairs
    size_t part;      // of one scale
    int n_halves;     // 16-bit values for the block: d, or d and m
    int n_scales;     // bytes for each part: scale, or scale and minimum
    int bits;         // of a code; 16 for F16 and BF16
    int code_shift;   // code = q + code_shift
    size_t part_size; // bytes of a part in a panel, scales included
} Shape;

static Shape shape_of(DType dtype)
{
    const int is_shifted = dtype == DTYPE_Q4_1 || dtype == DTYPE_Q5_1;
    switch (dtype) {
    case DTYPE_F16:
        return (Shape){1, 1, 0, 0, 16, 0, (size_t)2 * W};
    case DTYPE_BF16:
        return (Shape){2, 2, 0, 0, 16, 0, (size_t)4 * W};
    case DTYPE_Q8_0:
        return (Shape){32, 32, 1, 0, 8, 128, (size_t)32 * W};
    case DTYPE_Q8_ROW:
        return (Shape){64, 32, 0, 0, 8, 128, (size_t)32 * W};
    case DTYPE_Q4_0:
    case DTYPE_Q4_1:
        return (Shape){32, 32, 1 + is_shifted, 0, 4, is_shifted ? 0 : 8, (size_t)16 * W};
    case DTYPE_Q5_0:
    case DTYPE_Q5_1:
        return (Shape){32, 32, 1 + is_shifted, 0, 5, is_shifted ? 0 : 16, (size_t)20 * W};
    case DTYPE_Q4_K:
        return (Shape){256, 32, 2, 2, 4, 0, (size_t)18 * W};
    case DTYPE_Q5_K:
        return (Shape){256, 32, 2, 2, 5, 0, (size_t)22 * W};
    case DTYPE_Q6_K:
        return (Shape){256, 16, 1, 1, 6, 32, (size_t)13 * W};
    case DTYPE_Q3_K:
        return (Shape){256, 16, 1, 1, 3, 4, (size_t)7 * W};
    case DTYPE_Q2_K:
        return (Shape){256, 16, 2, 1, 2, 0, (size_t)5 * W};
    case DTYPE_IQ4_NL:
        return (Shape){32, 32, 1, 0, 4, 0, (size_t)16 * W};
    case DTYPE_IQ4_XS:
        return (Shape){256, 32, 1, 1, 4, 0, (size_t)17 * W};
    case DTYPE_MXFP4:
        return (Shape){32, 32, 0, 1, 4, 0, (size_t)17 * W};
    case DTYPE_F32:
    case DTYPE_F64:
    case DTYPE_I32:
    case DTYPE_I64:
    case DTYPE_I8:
    case DTYPE_U8:
    case DTYPE_COUNT:
        break;
    }
    return (Shape){0};
}

// Bytes before the parts of a block.
static size_t head_bytes(const Shape *s)
{
    return (size_t)s->n_halves * 2 * W;
}

// Bytes before the first block: scales of whole rows, filled up to a cache line.
static size_t panel_head_bytes(DType dtype)
{
    return dtype == DTYPE_Q8_ROW ? (size_t)4 * W : 0;
}

static size_t block_bytes(const Shape *s)
{
    assert(s->part > 0); // of a dtype that is known
    return head_bytes(s) + s->block / s->part * s->part_size;
}

int pack_stored_is_known(DType dtype)
{
    return shape_of(dtype).block > 0;
}

size_t pack_stored_panel_bytes(DType dtype, size_t k)
{
    const Shape s = shape_of(dtype);
    assert(s.block > 0);
    return panel_head_bytes(dtype) + size_round_up(k, s.block) / s.block * block_bytes(&s);
}

size_t pack_stored_bytes(DType dtype, size_t n, size_t k)
{
    return size_round_up(n, W) / W * pack_stored_panel_bytes(dtype, k);
}

// ---- packing ----

// Byte of number k in a group of 64: four k of 16 outputs.
static size_t byte_of(size_t lane, size_t k)
{
    return lane * 4 + k % 4;
}

// Four codes, a byte each, and what is done to all of them at once. (A code at a time, loading a model took twice as long.)
static uint32_t load_four(const uint8_t *codes)
{
    uint32_t four;
    memcpy(&four, codes, sizeof four);
    return four;
}

static void store_four(uint8_t *to, uint32_t four)
{
    memcpy(to, &four, sizeof four);
}

// Whether the highest bit of each code stands by itself: the fifth, or the third.
static int has_lone_bit(const Shape *s)
{
    return s->bits == 5 || s->bits == 3;
}

// Bytes of a part before its codes: scales, and lone bits.
static size_t codes_place(const Shape *s)
{
    return (size_t)s->n_scales * W + (has_lone_bit(s) ? s->part * 2 : 0);
}

// Bit `bit` of four codes, k ascending from the lowest.
static uint8_t lone_bits(const uint8_t *codes, int bit)
{
    return (uint8_t)((codes[0] >> bit & 1) | (codes[1] >> bit & 1) << 1 |
                     (codes[2] >> bit & 1) << 2 | (codes[3] >> bit & 1) << 3);
}

// Two bits of each code of a part of 16, from bit `bit` on.
static uint32_t bit_pairs(const uint8_t *codes, int bit)
{
    uint32_t pairs = 0;
    for (size_t g = 0; g < 4; g++)
        pairs |= (load_four(codes + 4 * g) >> bit & 0x03030303U) << (2 * g);
    return pairs;
}

// Codes of eight k at a time, from bit `bit` of a byte on.
static void put_nibbles(const uint8_t *bytes, size_t n_groups, int bit, uint8_t *to)
{
    for (size_t g = 0; g < n_groups; g++, bytes += 8, to += GROUP_BYTES) {
        const uint32_t low = load_four(bytes) >> bit & 0x0f0f0f0fU,
                       high = load_four(bytes + 4) >> bit & 0x0f0f0f0fU;
        store_four(to, low | high << 4);
    }
}

// Formats whose codes are bytes, or nibbles and no more, go from their place in the block to that in the panel.
static int goes_straight(const Shape *s)
{
    return s->bits == 8 || s->bits == 4;
}

// Part p of such a block: its nibbles are the lower and then the upper ones of 16 bytes, or (Q4_K) one half of 32.
static void put_straight(DType dtype, const Shape *s, const uint8_t *block, size_t p, uint8_t *to)
{
    const uint8_t *bytes = block + dtype_size(dtype) - s->block * (size_t)s->bits / 8;
    if (s->bits == 8) {
        for (size_t g = 0; g < s->part / 4; g++) // q + 128
            store_four(to + g * GROUP_BYTES, load_four(bytes + p * s->part + 4 * g) ^ 0x80808080U);
    } else if (dtype == DTYPE_Q4_K) {
        put_nibbles(bytes + p / 2 * 32, 4, (int)(p % 2) * 4, to);
    } else {
        put_nibbles(bytes + p * 16, 2, 0, to);
        put_nibbles(bytes + p * 16, 2, 4, to + (ptrdiff_t)2 * GROUP_BYTES);
    }
}

// Codes of one part and output, and the bits of a code above the low four.
static void put_codes(const Shape *s, const uint8_t *codes, size_t lane, uint8_t *part)
{
    uint8_t *lone = part + (size_t)s->n_scales * W, *nibbles = part + codes_place(s);
    const size_t at = byte_of(lane, 0);
    for (size_t g = 0; has_lone_bit(s) && g < s->part / 4; g++) {
        uint8_t *bits = &lone[g * 8 + at / 8];
        *bits = (uint8_t)(*bits | lone_bits(codes + 4 * g, s->bits - 1) << (at % 8));
    }
    if (s->bits <= 3) {
        store_four(nibbles + at, bit_pairs(codes, 0));
        return;
    }
    put_nibbles(codes, s->part / 8, 0, nibbles + at);
    if (s->bits == 6) store_four(nibbles + s->part / 2 * W + at, bit_pairs(codes, 4));
}

// Codes of a block of a format that is taken apart first.
static void take_codes(DType dtype, const Shape *s, const uint8_t *block, uint8_t *codes)
{
    QuantBlock taken;
    if (s->block == QUANT_MAX_BLOCK) {
        quant_get_codes(dtype, block, codes);
        return;
    }
    quant_unpack(dtype, block, &taken);
    for (size_t i = 0; i < s->block; i++) codes[i] = (uint8_t)(taken.q[i] + s->code_shift);
}

static void pack_block(DType dtype, const Shape *s, const uint8_t *block, size_t lane, uint8_t *to)
{
    uint8_t codes[QUANT_MAX_BLOCK];
    int8_t scale[QUANT_MAX_PARTS], minimum[QUANT_MAX_PARTS] = {0};
    const uint8_t *halves = block + quant_half_place(dtype);
    for (int h = 0; h < s->n_halves; h++)
        memcpy(to + (size_t)h * 2 * W + 2 * lane, halves + (ptrdiff_t)h * 2, 2);
    scale[0] = (int8_t)block[0]; // MXFP4's exponent
    if (s->block == QUANT_MAX_BLOCK) quant_get_scales(dtype, block, scale, minimum);
    if (!goes_straight(s)) take_codes(dtype, s, block, codes);
    uint8_t *part = to + head_bytes(s);
    for (size_t p = 0; p < s->block / s->part; p++, part += s->part_size) {
        // Q2_K's scale and minimum share a byte.
        const int shared = s->n_scales == 1 ? minimum[p] << 4 : 0;
        if (s->n_scales > 0) part[lane] = (uint8_t)(scale[p] | shared);
        if (s->n_scales > 1) part[W + lane] = (uint8_t)minimum[p];
        if (goes_straight(s))
            put_straight(dtype, s, block, p, part + codes_place(s) + byte_of(lane, 0));
        else
            put_codes(s, codes + p * s->part, lane, part);
    }
}

// Where number k of a 16-bit format stands.
static size_t half_place(const Shape *s, size_t lane, size_t k)
{
    return k / s->block * block_bytes(s) + (lane * s->block + k % s->block) * 2;
}

// Numbers of 16 bits, single or in pairs, of all rows for one k after the other: a panel is written from end to end.
static void pack_halves(const Shape *s, const void *const rows[PANEL_WIDTH], size_t k, uint8_t *to)
{
    const size_t n_pairs = s->block == 2 ? k / 2 : 0, n_single = s->block == 1 ? k : 0;
    for (size_t i = 0; i < n_pairs; i++, to += (size_t)4 * W) {
        for (size_t lane = 0; lane < W; lane++)
            if (rows[lane]) memcpy(to + 4 * lane, (const uint8_t *)rows[lane] + 4 * i, 4);
    }
    for (size_t i = 0; i < n_single; i++, to += (size_t)2 * W) {
        for (size_t lane = 0; lane < W; lane++)
            if (rows[lane]) memcpy(to + 2 * lane, (const uint8_t *)rows[lane] + 2 * i, 2);
    }
    for (size_t lane = 0; s->block == 2 && k % 2 == 1 && lane < W; lane++)
        if (rows[lane]) memcpy(to + 4 * lane, (const uint8_t *)rows[lane] + 2 * (k - 1), 2);
}

// The length of a row's codes as a vector, in f16, rounded up.
static uint16_t norm_of_codes(const uint8_t *row, size_t k)
{
    const size_t block = dtype_block(DTYPE_Q8_ROW), stored = dtype_size(DTYPE_Q8_ROW);
    double square = 0;
    for (size_t b = 0; b < k / block; b++, row += stored) {
        for (size_t j = 0; j < block; j++) {
            const double q = (int8_t)row[2 + j];
            square += q * q;
        }
    }
    const double norm = sqrt(square);
    const uint16_t half = f16_from_f32((float)norm);
    // Positive halves are in the order of their bits; the one after the largest is infinity.
    return (uint16_t)(half + ((double)f32_from_f16(half) < norm));
}

void pack_stored_panel(DType dtype, const void *const rows[PANEL_WIDTH], size_t k, void *panel)
{
    const Shape s = shape_of(dtype);
    const size_t step = block_bytes(&s), stored = dtype_size(dtype);
    memset(panel, 0, pack_stored_panel_bytes(dtype, k));
    if (s.bits == 16) {
        pack_halves(&s, rows, k, panel);
        return;
    }
    uint8_t *blocks = (uint8_t *)panel + panel_head_bytes(dtype);
    for (size_t lane = 0; lane < W; lane++) {
        if (!rows[lane] || k == 0) continue;
        if (dtype == DTYPE_Q8_ROW) {
            const uint16_t norm = norm_of_codes(rows[lane], k);
            memcpy((uint8_t *)panel + 2 * lane, rows[lane], 2);
            memcpy((uint8_t *)panel + 2 * (W + lane), &norm, sizeof norm);
        }
        for (size_t b = 0; b < k / s.block; b++)
            pack_block(dtype, &s, (const uint8_t *)rows[lane] + b * stored, lane,
                       blocks + b * step);
    }
}

// ---- unpacking ----

static float half_at(const uint8_t *bytes)
{
    uint16_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return f32_from_f16(bits);
}

static int code_at(const Shape *s, const uint8_t *part, size_t lane, size_t k)
{
    const uint8_t *lone = part + (size_t)s->n_scales * W, *nibbles = part + codes_place(s);
    const size_t at = byte_of(lane, k);
    if (s->bits == 8) return nibbles[k / 4 * GROUP_BYTES + at] - s->code_shift;
    int code = s->bits <= 3 ? nibbles[at] >> (k / 4 * 2) & 3
                            : nibbles[k / 8 * GROUP_BYTES + at] >> (k / 4 % 2 * 4) & 15;
    if (has_lone_bit(s)) code |= (lone[k / 4 * 8 + at / 8] >> (at % 8) & 1) << (s->bits - 1);
    if (s->bits == 6) code |= (nibbles[s->part / 2 * W + at] >> (k / 4 * 2) & 3) << 4;
    return code - s->code_shift;
}

// head: the block, or what stands before all of them.
static void unpack_block(DType dtype, const Shape *s, const uint8_t *head, const uint8_t *block,
                         size_t lane, float *out)
{
    const float d =
        dtype == DTYPE_MXFP4 ? quant_mxfp4_scale(block[lane]) : half_at(head + 2 * lane);
    const float m = s->n_halves > 1 ? half_at(head + (size_t)2 * W + 2 * lane) : 0.0f;
    const uint8_t *part = block + head_bytes(s);
    const int8_t *levels = quant_levels(dtype);
    for (size_t p = 0; p < s->block / s->part; p++, part += s->part_size) {
        float scale = d, offset = m;
        if (s->n_scales == 1 && s->n_halves == 1) scale = d * (float)(int8_t)part[lane];
        if (s->n_scales == 1 && s->n_halves == 2) {
            scale = d * (float)(part[lane] & 15);
            offset = -(m * (float)(part[lane] >> 4));
        }
        if (s->n_scales > 1) {
            scale = d * (float)part[lane];
            offset = -(m * (float)part[W + lane]);
        }
        for (size_t k = 0; k < s->part; k++) {
            const int code = code_at(s, part, lane, k);
            const float x = scale * (float)(levels ? levels[code] : code);
            out[p * s->part + k] = s->n_halves > 1 ? x + offset : x;
        }
    }
}

void unpack_stored_row(DType dtype, const void *panel, size_t lane, size_t k, float *out)
{
    const Shape s = shape_of(dtype);
    const size_t step = block_bytes(&s);
    const uint8_t *from = panel, *blocks = from + panel_head_bytes(dtype);
    if (s.bits == 16) {
        for (size_t i = 0; i < k; i++) {
            uint16_t bits;
            memcpy(&bits, from + half_place(&s, lane, i), sizeof bits);
            out[i] = dtype == DTYPE_F16 ? f32_from_f16(bits) : f32_from_bf16(bits);
        }
        return;
    }
    for (size_t b = 0; b < k / s.block; b++, blocks += step)
        unpack_block(dtype, &s, dtype == DTYPE_Q8_ROW ? from : blocks, blocks, lane,
                     out + b * s.block);
}

void unpack_tensor_row(const Tensor *tensor, size_t n, float *out)
{
    const char *data = tensor->data;
    if (tensor->layout == LAYOUT_PANELS) {
        const size_t panel = pack_stored_panel_bytes(tensor->dtype, tensor->cols);
        unpack_stored_row(tensor->dtype, data + n / W * panel, n % W, tensor->cols, out);
        return;
    }
    const size_t row = tensor->cols / dtype_block(tensor->dtype) * dtype_size(tensor->dtype);
    quant_decode(tensor->dtype, tensor->cols, data + n * row, out);
}
