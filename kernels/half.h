// kernels/half.h: 16-bit floats, both kinds, to and from f32.
//
// To f32 both are exact. From f32 both round to nearest, ties to even; what is too large becomes infinity, NaN stays NaN
// (quiet). IEEE 754-2008 binary16 (5 bits of exponent, subnormal numbers included); bfloat16 is the upper half of an f32.
#ifndef ASSAY_KERNELS_HALF_H
#define ASSAY_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float f32_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float f32_from_bf16(uint16_t bits)
{
    return f32_from_bits((uint32_t)bits << 16);
}

static inline uint16_t bf16_from_f32(float value)
{
    const uint32_t bits = f32_bits(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static inline float f32_from_f16(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t exponent = (half >> 10) & 0x1fu;
    const uint32_t fraction = half & 0x3ffu;
    if (exponent == 0x1f) return f32_from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) {
        const float magnitude = (float)fraction * 0x1p-24f; // exact: fraction has 10 bits
        return sign ? -magnitude : magnitude;
    }
    return f32_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

// Without branches, so that the compiler takes several numbers at a time.
static inline uint16_t f16_from_f32(float value)
{
    const uint32_t bits = f32_bits(value), sign = bits >> 16 & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    // Below 2^-14 a binary16 counts units of 2^-24, which are what an f32 in [0.5, 1) counts too.
    const uint32_t tiny = f32_bits(f32_from_bits(magnitude) + 0.5f) - 0x3f000000u;
    // May carry into infinity, as it should.
    const uint32_t usual = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13;
    const uint32_t nan = 0x7e00u | (magnitude >> 13 & 0x3ffu);
    const uint32_t huge = magnitude > 0x7f800000u ? nan : 0x7c00u; // 65536 and more
    const uint32_t finite = magnitude < 0x38800000u ? tiny : usual;
    return (uint16_t)(sign | (magnitude >= 0x47800000u ? huge : finite));
}

#endif
