// Where scales and codes stand in blocks of 256.
#include <assert.h>

#include "kernels/quant_internal.h"

// A stretch of `bytes` bytes has the bits of bytes * 8 / width numbers: those of number e are in byte e % bytes, from bit
// width * (e / bytes) on. A block has as many stretches as its numbers want, one after the other.
typedef struct Plane {
    size_t at, bytes;
    int width;
} Plane;

// Bits of codes: the lower ones, and what stands above them (width 0: nothing).
static const struct {
    Plane low, high;
    size_t half;
} layouts[DTYPE_COUNT] = {
    [DTYPE_Q4_K] = {.low = {16, 32, 4}},
    [DTYPE_Q5_K] = {.low = {48, 32, 4}, .high = {16, 32, 1}},
    [DTYPE_Q6_K] = {.low = {0, 64, 4}, .high = {128, 32, 2}, .half = 208},
    [DTYPE_Q3_K] = {.low = {32, 32, 2}, .high = {0, 32, 1}, .half = 108},
    [DTYPE_Q2_K] = {.low = {16, 32, 2}, .half = 80},
    [DTYPE_IQ4_XS] = {.low = {8, 16, 4}},
};

size_t quant_half_place(DType dtype)
{
    return layouts[dtype].half;
}

// ---- codes ----

static void get_plane(const Plane *plane, const uint8_t *block, int shift, uint8_t *codes)
{
    const int mask = (1 << plane->width) - 1;
    const uint8_t *from = block + plane->at;
    for (size_t i = 0; i < QUANT_MAX_BLOCK; from += plane->bytes) {
        for (int bit = 0; bit < 8; bit += plane->width, i += plane->bytes) {
            for (size_t j = 0; j < plane->bytes; j++)
                codes[i + j] = (uint8_t)(codes[i + j] | (from[j] >> bit & mask) << shift);
        }
    }
}

static void put_plane(const Plane *plane, const uint8_t *codes, int shift, uint8_t *block)
{
    const int mask = (1 << plane->width) - 1;
    uint8_t *to = block + plane->at;
    for (size_t i = 0; i < QUANT_MAX_BLOCK; to += plane->bytes) {
        for (int bit = 0; bit < 8; bit += plane->width, i += plane->bytes) {
            for (size_t j = 0; j < plane->bytes; j++)
                to[j] = (uint8_t)(to[j] | (codes[i + j] >> shift & mask) << bit);
        }
    }
}

void quant_get_codes(DType dtype, const uint8_t *block, uint8_t codes[QUANT_MAX_BLOCK])
{
    const Plane *low = &layouts[dtype].low, *high = &layouts[dtype].high;
    assert(low->width > 0);
    for (size_t i = 0; i < QUANT_MAX_BLOCK; i++) codes[i] = 0;
    get_plane(low, block, 0, codes);
    if (high->width > 0) get_plane(high, block, low->width, codes);
}

void quant_put_codes(DType dtype, const uint8_t codes[QUANT_MAX_BLOCK], uint8_t *block)
{
    const Plane *low = &layouts[dtype].low, *high = &layouts[dtype].high;
    assert(low->width > 0);
    put_plane(low, codes, 0, block);
    if (high->width > 0) put_plane(high, codes, low->width, block);
}

// ---- scales ----

// Eight scales and minima of 6 bits in 12 bytes: those of parts 0 to 3 in the low 6 bits of bytes 0 to 7; of parts 4 to 7
// the low 4 bits in bytes 8 to 11, the upper 2 above those of parts 0 to 3.
static void get_pairs(const uint8_t *bytes, int8_t *scale, int8_t *minimum)
{
    for (int s = 0; s < 4; s++) {
        scale[s] = (int8_t)(bytes[s] & 63);
        minimum[s] = (int8_t)(bytes[s + 4] & 63);
        scale[s + 4] = (int8_t)((bytes[s + 8] & 15) | (bytes[s] >> 6) << 4);
        minimum[s + 4] = (int8_t)((bytes[s + 8] >> 4) | (bytes[s + 4] >> 6) << 4);
    }
}

static void put_pairs(const int8_t *scale, const int8_t *minimum, uint8_t *bytes)
{
    for (int s = 0; s < 4; s++) {
        bytes[s] = (uint8_t)(scale[s] | (scale[s + 4] >> 4) << 6);
        bytes[s + 4] = (uint8_t)(minimum[s] | (minimum[s + 4] >> 4) << 6);
        bytes[s + 8] = (uint8_t)((scale[s + 4] & 15) | (minimum[s + 4] & 15) << 4);
    }
}

// Sixteen scales of 6 bits, 32 more than they are: the lower four of part s in half s / 8 of byte s % 8, the upper two in byte
// 8 + s % 4 from bit 2 (s / 4) on.
static void get_sixteen(const uint8_t *bytes, int8_t *scale)
{
    for (int s = 0; s < 16; s++) {
        const int low = bytes[s % 8] >> (s / 8 * 4) & 15,
                  high = bytes[8 + s % 4] >> (s / 4 * 2) & 3;
        scale[s] = (int8_t)((low | high << 4) - 32);
    }
}

static void put_sixteen(const int8_t *scale, uint8_t *bytes)
{
    for (int s = 0; s < 16; s++) {
        const int stored = scale[s] + 32;
        bytes[s % 8] = (uint8_t)(bytes[s % 8] | (stored & 15) << (s / 8 * 4));
        bytes[8 + s % 4] = (uint8_t)(bytes[8 + s % 4] | (stored >> 4) << (s / 4 * 2));
    }
}

// Eight of the same: the upper two bits in the 16 from byte 2 on, the lower four in the nibbles from byte 4 on.
static void get_eight(const uint8_t *block, int8_t *scale)
{
    for (int s = 0; s < 8; s++) {
        const int low = block[4 + s / 2] >> (s % 2 * 4) & 15,
                  high = block[2 + s / 4] >> (s % 4 * 2) & 3;
        scale[s] = (int8_t)((low | high << 4) - 32);
    }
}

static void put_eight(const int8_t *scale, uint8_t *block)
{
    for (int s = 0; s < 8; s++) {
        const int stored = scale[s] + 32;
        block[4 + s / 2] = (uint8_t)(block[4 + s / 2] | (stored & 15) << (s % 2 * 4));
        block[2 + s / 4] = (uint8_t)(block[2 + s / 4] | (stored >> 4) << (s % 4 * 2));
    }
}

enum { Q6_SCALES = 192, Q3_SCALES = 96, Q2_PARTS = 16 };

void quant_get_scales(DType dtype, const uint8_t *block, int8_t scale[QUANT_MAX_PARTS],
                      int8_t minimum[QUANT_MAX_PARTS])
{
    if (dtype == DTYPE_Q4_K || dtype == DTYPE_Q5_K) get_pairs(block + 4, scale, minimum);
    if (dtype == DTYPE_Q3_K) get_sixteen(block + Q3_SCALES, scale);
    if (dtype == DTYPE_IQ4_XS) get_eight(block, scale);
    for (int s = 0; dtype == DTYPE_Q6_K && s < QUANT_MAX_PARTS; s++)
        scale[s] = (int8_t)block[Q6_SCALES + s];
    for (int s = 0; dtype == DTYPE_Q2_K && s < Q2_PARTS; s++) {
        scale[s] = (int8_t)(block[s] & 15);
        minimum[s] = (int8_t)(block[s] >> 4);
    }
}

void quant_put_scales(DType dtype, const int8_t scale[QUANT_MAX_PARTS],
                      const int8_t minimum[QUANT_MAX_PARTS], uint8_t *block)
{
    if (dtype == DTYPE_Q4_K || dtype == DTYPE_Q5_K) put_pairs(scale, minimum, block + 4);
    if (dtype == DTYPE_Q3_K) put_sixteen(scale, block + Q3_SCALES);
    if (dtype == DTYPE_IQ4_XS) put_eight(scale, block);
    for (int s = 0; dtype == DTYPE_Q6_K && s < QUANT_MAX_PARTS; s++)
        block[Q6_SCALES + s] = (uint8_t)scale[s];
    for (int s = 0; dtype == DTYPE_Q2_K && s < Q2_PARTS; s++)
        block[s] = (uint8_t)(scale[s] | minimum[s] << 4);
}
