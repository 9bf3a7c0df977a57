// kernels/cpu/vec_stored.h: sixteen stored weights (kernels/pack.h) at a time as floats, for stored_fast.c.
//
// Every function takes its dtype as a constant and is inlined, so that what a format does not have costs nothing. The numbers
// are, bit for bit, those of unpack_stored_row: scale * q, then + offset, each rounded.
#ifndef ASSAY_KERNELS_CPU_VEC_STORED_H
#define ASSAY_KERNELS_CPU_VEC_STORED_H

#include "kernels/cpu/vec_codes.h"
#include "kernels/quant.h"

// ---- formats ----

// X of every format in blocks that a file may have.
// clang-format moves this list each time it is run.
// clang-format off
#define STORED_FOR_EACH_BLOCKED(X)                                        \
    X(DTYPE_Q8_0) X(DTYPE_Q4_0) X(DTYPE_Q4_1) X(DTYPE_Q5_0)               \
    X(DTYPE_Q5_1) X(DTYPE_Q4_K) X(DTYPE_Q5_K) X(DTYPE_Q6_K)               \
    X(DTYPE_Q2_K) X(DTYPE_Q3_K) X(DTYPE_IQ4_NL) X(DTYPE_IQ4_XS)           \
    X(DTYPE_MXFP4)
// clang-format on

STORED_INLINE int stored_is_half(DType dtype)
{
    return dtype == DTYPE_F16 || dtype == DTYPE_BF16;
}

STORED_INLINE int stored_is_k(DType dtype)
{
    return dtype == DTYPE_Q4_K || dtype == DTYPE_Q5_K;
}

// An offset of each part is taken off.
STORED_INLINE int stored_has_minimum(DType dtype)
{
    return stored_is_k(dtype) || dtype == DTYPE_Q2_K;
}

STORED_INLINE int stored_has_offset(DType dtype)
{
    return dtype == DTYPE_Q4_1 || dtype == DTYPE_Q5_1 || stored_has_minimum(dtype);
}

// Each part has a scale of either sign.
STORED_INLINE int stored_has_signed(DType dtype)
{
    return dtype == DTYPE_Q6_K || dtype == DTYPE_Q3_K || dtype == DTYPE_IQ4_XS;
}

// The highest bit of a code, worth so much, stands by itself; 0: it does not.
STORED_INLINE int stored_lone_bit(DType dtype)
{
    if (dtype == DTYPE_Q3_K) return 4;
    return dtype == DTYPE_Q5_0 || dtype == DTYPE_Q5_1 || dtype == DTYPE_Q5_K ? 16 : 0;
}

// Codes of two bits, or all but the highest of three.
STORED_INLINE int stored_has_pairs(DType dtype)
{
    return dtype == DTYPE_Q2_K || dtype == DTYPE_Q3_K;
}

STORED_INLINE int stored_has_levels(DType dtype)
{
    return dtype == DTYPE_IQ4_NL || dtype == DTYPE_IQ4_XS || dtype == DTYPE_MXFP4;
}

STORED_INLINE const int8_t *stored_levels(DType dtype)
{
    return dtype == DTYPE_MXFP4 ? quant_mxfp4_levels : quant_iq4_levels;
}

STORED_INLINE int stored_has_bytes(DType dtype)
{
    return dtype == DTYPE_Q8_0 || dtype == DTYPE_Q8_ROW;
}

STORED_INLINE int stored_has_nibbles(DType dtype)
{
    return !stored_is_half(dtype) && !stored_has_bytes(dtype) && !stored_has_pairs(dtype);
}

// Numbers of k of a block, and of a part of it; 16-bit formats have parts of any length. To Q8_ROW, which has one scale a
// row, all of a row is one block.
STORED_INLINE size_t stored_block(DType dtype)
{
    if (dtype == DTYPE_Q8_ROW) return (size_t)1 << 31;
    return stored_has_minimum(dtype) || stored_has_signed(dtype) ? 256 : 32;
}

STORED_INLINE size_t stored_part(DType dtype)
{
    return dtype == DTYPE_Q6_K || stored_has_pairs(dtype) ? 16 : 32;
}

STORED_INLINE size_t stored_head_bytes(DType dtype)
{
    if (stored_is_half(dtype) || dtype == DTYPE_MXFP4) return 0;
    return stored_has_offset(dtype) || dtype == DTYPE_Q8_ROW ? 64 : 32;
}

STORED_INLINE size_t stored_part_bytes(DType dtype)
{
    if (stored_is_half(dtype)) return 1024;
    if (stored_has_bytes(dtype)) return 512;
    if (dtype == DTYPE_Q6_K) return 16 + 128 + 64;
    if (stored_has_pairs(dtype)) return dtype == DTYPE_Q3_K ? 16 + 32 + 64 : 16 + 64;
    if (stored_is_k(dtype)) return (size_t)32 + (stored_lone_bit(dtype) ? 64 : 0) + 256;
    const int has_scales = stored_has_signed(dtype) || dtype == DTYPE_MXFP4;
    return (size_t)(has_scales ? 16 : 0) + (stored_lone_bit(dtype) ? 64 : 0) + 256;
}

STORED_INLINE size_t stored_block_bytes(DType dtype)
{
    return stored_head_bytes(dtype) +
           stored_block(dtype) / stored_part(dtype) * stored_part_bytes(dtype);
}

// d and m of a block of 16 outputs.
typedef struct StoredHead {
    Vec d, m;
} StoredHead;

STORED_INLINE StoredHead stored_head_of(DType dtype, const uint8_t *block)
{
    const int has_d = stored_head_bytes(dtype) > 0;
    return (StoredHead){has_d ? stored_halves(block) : vec_zero(),
                        stored_has_offset(dtype) ? stored_halves(block + 32) : vec_zero()};
}

// A part of a panel ready to be read: sixteen scales and offsets (of formats with minima: what is taken off), and where the codes stand.
typedef struct StoredPart {
    Vec scale, offset;
    const uint8_t *codes, *lone, *upper;
} StoredPart;

// 2^(e - 128) of 16 exponents: in place, or below 2 the subnormal numbers 2^-128 and 2^-127.
STORED_INLINE Vec stored_powers(const uint8_t *p)
{
    const StoredCodes e = stored_bytes(p);
    const StoredCodes small = stored_left(stored_smaller(e, stored_all(1)), 21);
    const StoredCodes subnormal = stored_less(small, -0x200000);
    return stored_as_bits(stored_larger(stored_left(stored_less(e, 1), 23), subnormal));
}

STORED_INLINE StoredPart stored_part_with(DType dtype, StoredHead head, const uint8_t *block,
                                          size_t index)
{
    const uint8_t *at = block + stored_head_bytes(dtype) + index * stored_part_bytes(dtype);
    StoredPart part = {.scale = head.d, .offset = head.m};
    if (dtype == DTYPE_MXFP4) {
        part.scale = stored_powers(at);
        at += 16;
    }
    if (stored_is_k(dtype)) {
        part.scale = vec_mul(part.scale, stored_float(stored_bytes(at)));
        part.offset = vec_mul(part.offset, stored_float(stored_bytes(at + 16)));
        at += 32;
    }
    if (dtype == DTYPE_Q2_K) {
        const StoredCodes both = stored_bytes(at);
        part.scale = vec_mul(part.scale, stored_float(stored_and(both, 15)));
        part.offset = vec_mul(part.offset, stored_float(stored_right(both, 4)));
        at += 16;
    }
    if (stored_has_signed(dtype)) {
        part.scale = vec_mul(part.scale, stored_float(stored_signed(at)));
        at += 16;
    }
    part.lone = at;
    part.codes = stored_lone_bit(dtype) ? at + 2 * stored_part(dtype) : at;
    part.upper = part.codes + 128;
    return part;
}

// The same with its offset as what is added.
STORED_INLINE StoredPart stored_part_of(DType dtype, const uint8_t *block, size_t index)
{
    StoredPart part = stored_part_with(dtype, stored_head_of(dtype, block), block, index);
    if (stored_has_minimum(dtype)) part.offset = vec_neg(part.offset);
    return part;
}

// Scale times code has at most 17 + 5 digits where an offset is added (Q4_K, Q5_K: 11 of d, 6 of the part's scale; Q2_K has fewer), so that it is
// exact, and the one rounding of a fused sum is that of the sum alone.
STORED_INLINE Vec stored_scaled(DType dtype, const StoredPart *part, Vec q)
{
    if (!stored_has_offset(dtype)) return vec_mul(part->scale, q);
    return stored_has_minimum(dtype) ? vec_fms(part->scale, q, part->offset)
                                     : vec_fma(part->scale, q, part->offset);
}

STORED_INLINE int stored_has_plain_nibbles(DType dtype)
{
    return dtype == DTYPE_Q4_0 || dtype == DTYPE_Q4_1 || dtype == DTYPE_Q4_K ||
           stored_has_levels(dtype);
}

// What stored_group gives = q + shift.
STORED_INLINE int stored_shift(DType dtype)
{
    if (stored_has_bytes(dtype) || stored_has_levels(dtype)) return 128;
    if (dtype == DTYPE_Q6_K) return 32;
    if (dtype == DTYPE_Q3_K) return 4;
    return dtype == DTYPE_Q5_0 ? 16 : dtype == DTYPE_Q4_0 ? 8 : 0;
}

// Codes of k = 4 group .. 4 group + 3 of the part: a byte each, those of an output side by side. Of Q6_K the upper two bits of
// a byte are anything.
STORED_INLINE StoredCodes stored_group_any(DType dtype, const StoredPart *part, size_t group)
{
    if (stored_has_bytes(dtype)) return stored_load(part->codes + group * 64);
    const int lone = stored_lone_bit(dtype);
    if (stored_has_pairs(dtype)) {
        const StoredCodes all = stored_load(part->codes);
        const StoredCodes pair = stored_and(stored_right(all, 2 * (int)group), 0x03030303);
        return lone ? stored_add_lone(pair, part->lone + group * 8, lone) : pair;
    }
    const StoredCodes both = stored_load(part->codes + group / 2 * 64);
    const StoredCodes low = group % 2 ? stored_right(both, 4) : both;
    if (dtype == DTYPE_Q6_K) {
        const StoredCodes upper = stored_load(part->upper);
        const int left = 4 - 2 * (int)group;
        return stored_choose(0x0f0f0f0f, low,
                             left > 0   ? stored_left(upper, left)
                             : left < 0 ? stored_right(upper, -left)
                                        : upper);
    }
    const StoredCodes q = stored_and(low, 0x0f0f0f0f);
    if (stored_has_levels(dtype)) return stored_look_up(q, stored_levels(dtype));
    return lone ? stored_add_lone(q, part->lone + group * 8, lone) : q;
}

STORED_INLINE StoredCodes stored_group(DType dtype, const StoredPart *part, size_t group)
{
    const StoredCodes q = stored_group_any(dtype, part, group);
    return dtype == DTYPE_Q6_K ? stored_and(q, 0x3f3f3f3f) : q;
}

// Codes of four neighbouring k of a part, where an f32 has room for them. Not of 16-bit formats.
typedef struct StoredFour {
    StoredCodes first, second; // k = 0 and 1; k = 2 and 3
} StoredFour;

STORED_INLINE StoredFour stored_four(DType dtype, const StoredPart *part, size_t group)
{
    const StoredCodes codes = stored_has_plain_nibbles(dtype)
                                  ? stored_load(part->codes + group / 2 * 64)
                                  : stored_group_any(dtype, part, group);
    return (StoredFour){codes, stored_right(codes, 16)};
}

// The byte at `bit` as a number. Below a power of two with units of 2^-bit it stands where 1, 2, 4, ... are, so that taking off
// the power leaves it: a logical operation and a sum, where masking, subtracting and converting are three. Where an offset is
// added it goes another way: a Zen 4 is slow where logical operations and multiplications with three sources each meet.
STORED_INLINE Vec stored_code(DType dtype, StoredCodes x, int bit)
{
    const int mask = dtype == DTYPE_Q6_K ? 63 : 255;
    const Vec code = stored_among(x, mask << bit, (127 + 23 - bit) << 23);
    return vec_sub(code, vec_set1((float)((1 << (23 - bit)) + stored_shift(dtype))));
}

// Weight k of the part, of 16 outputs; four: the codes of group k / 4.
STORED_INLINE Vec stored_weight(DType dtype, const StoredPart *part, const StoredFour *four,
                                size_t k)
{
    if (dtype == DTYPE_F16) return stored_halves(part->codes + k * 32);
    if (dtype == DTYPE_BF16) {
        const StoredCodes pair = stored_load(part->codes + k / 2 * 64);
        return stored_as_bits(k % 2 ? stored_and(pair, (int)0xffff0000) : stored_left(pair, 16));
    }
    const int bit = (int)(k % 4 * 8 + k / 4 % 2 * 4);
    if (stored_has_levels(dtype)) {
        const StoredCodes code = stored_right(four->first, bit);
        return stored_scaled(dtype, part, stored_level(code, stored_levels(dtype)));
    }
    if (stored_has_plain_nibbles(dtype))
        return stored_scaled(dtype, part, stored_nibble(four->first, bit, stored_shift(dtype)));
    if (stored_has_offset(dtype))
        return stored_scaled(dtype, part, stored_byte(four->first, (int)(k % 4)));
    const StoredCodes codes = k % 4 < 2 ? four->first : four->second;
    return stored_scaled(dtype, part, stored_code(dtype, codes, (int)(k % 2) * 8));
}

#endif
