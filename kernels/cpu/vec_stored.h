// kernels/cpu/vec_stored.h: sixteen stored weights (kernels/pack.h) at a time as floats, for stored_fast.c.
//
// Every function takes its dtype as a constant and is inlined, so that what a format does not have costs nothing. The numbers
// are, bit for bit, those of unpack_stored_row: scale * q, then + offset, each rounded.
#ifndef ASSAY_KERNELS_CPU_VEC_STORED_H
#define ASSAY_KERNELS_CPU_VEC_STORED_H

#include <string.h>

#include "kernels/cpu/vec.h"
#include "kernels/tensor.h"

#define STORED_INLINE static inline __attribute__((always_inline))

// ---- sixteen integers as floats ----

#if defined(__AVX512F__)
typedef __m512i StoredCodes; // sixteen 32-bit integers

STORED_INLINE StoredCodes stored_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

STORED_INLINE StoredCodes stored_bytes(const uint8_t *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

STORED_INLINE StoredCodes stored_signed(const uint8_t *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}

STORED_INLINE StoredCodes stored_and(StoredCodes x, int mask)
{
    return _mm512_and_si512(x, _mm512_set1_epi32(mask));
}

STORED_INLINE StoredCodes stored_or(StoredCodes a, StoredCodes b)
{
    return _mm512_or_si512(a, b);
}

STORED_INLINE StoredCodes stored_right(StoredCodes x, int bits)
{
    return _mm512_srli_epi32(x, (unsigned)bits);
}

STORED_INLINE StoredCodes stored_left(StoredCodes x, int bits)
{
    return _mm512_slli_epi32(x, (unsigned)bits);
}

STORED_INLINE StoredCodes stored_less(StoredCodes x, int n)
{
    return _mm512_sub_epi32(x, _mm512_set1_epi32(n));
}

// Bytes, with 16 added where the byte's bit is set.
STORED_INLINE StoredCodes stored_add_fifth(StoredCodes x, const uint8_t *bits)
{
    __mmask64 mask;
    memcpy(&mask, bits, sizeof mask);
    return _mm512_mask_add_epi8(x, mask, x, _mm512_set1_epi8(16));
}

STORED_INLINE Vec stored_float(StoredCodes x)
{
    return _mm512_cvtepi32_ps(x);
}

STORED_INLINE Vec stored_as_bits(StoredCodes x)
{
    return _mm512_castsi512_ps(x);
}

// Codes of 4 bits, less `shift`, as floats: one look-up, which heeds the low 4 bits alone, in place of masking, subtracting and
// converting.
STORED_INLINE Vec stored_nibble(StoredCodes x, int shift)
{
    const __m512i codes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const Vec table = _mm512_cvtepi32_ps(_mm512_sub_epi32(codes, _mm512_set1_epi32(shift)));
    return _mm512_permutexvar_ps(x, table);
}

// Codes of MXFP4, doubled, as floats: the low 4 bits of each.
STORED_INLINE Vec stored_fp4(StoredCodes x)
{
    return _mm512_permutexvar_ps(
        x, _mm512_setr_ps(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12));
}

// Bytes of 0 .. 15, each by its place in a table.
STORED_INLINE StoredCodes stored_look_up(StoredCodes x, __m128i table)
{
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), x);
}

STORED_INLINE StoredCodes stored_larger(StoredCodes a, StoredCodes b)
{
    return _mm512_max_epi32(a, b);
}

STORED_INLINE StoredCodes stored_smaller(StoredCodes a, StoredCodes b)
{
    return _mm512_min_epi32(a, b);
}

STORED_INLINE StoredCodes stored_all(int x)
{
    return _mm512_set1_epi32(x);
}

STORED_INLINE Vec stored_halves(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
#else
typedef struct StoredCodes {
    __m256i lo, hi;
} StoredCodes;

STORED_INLINE StoredCodes stored_load(const uint8_t *p)
{
    return (StoredCodes){_mm256_loadu_si256((const __m256i *)p),
                         _mm256_loadu_si256((const __m256i *)(p + 32))};
}

STORED_INLINE StoredCodes stored_bytes(const uint8_t *p)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)p);
    return (StoredCodes){_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8))};
}

STORED_INLINE StoredCodes stored_signed(const uint8_t *p)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)p);
    return (StoredCodes){_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8))};
}

STORED_INLINE StoredCodes stored_and(StoredCodes x, int mask)
{
    const __m256i m = _mm256_set1_epi32(mask);
    return (StoredCodes){_mm256_and_si256(x.lo, m), _mm256_and_si256(x.hi, m)};
}

STORED_INLINE StoredCodes stored_or(StoredCodes a, StoredCodes b)
{
    return (StoredCodes){_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}

STORED_INLINE StoredCodes stored_right(StoredCodes x, int bits)
{
    return (StoredCodes){_mm256_srli_epi32(x.lo, bits), _mm256_srli_epi32(x.hi, bits)};
}

STORED_INLINE StoredCodes stored_left(StoredCodes x, int bits)
{
    return (StoredCodes){_mm256_slli_epi32(x.lo, bits), _mm256_slli_epi32(x.hi, bits)};
}

STORED_INLINE StoredCodes stored_less(StoredCodes x, int n)
{
    const __m256i m = _mm256_set1_epi32(n);
    return (StoredCodes){_mm256_sub_epi32(x.lo, m), _mm256_sub_epi32(x.hi, m)};
}

// 32 bytes, 16 where the bit of `bits` is set.
STORED_INLINE __m256i stored_fifths(const uint8_t *bits)
{
    int32_t four;
    memcpy(&four, bits, sizeof four);
    const __m256i each =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32(four), each);
    const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
    return _mm256_and_si256(is_set, _mm256_set1_epi8(16));
}

STORED_INLINE StoredCodes stored_add_fifth(StoredCodes x, const uint8_t *bits)
{
    return (StoredCodes){_mm256_add_epi8(x.lo, stored_fifths(bits)),
                         _mm256_add_epi8(x.hi, stored_fifths(bits + 4))};
}

STORED_INLINE Vec stored_float(StoredCodes x)
{
    return (Vec){_mm256_cvtepi32_ps(x.lo), _mm256_cvtepi32_ps(x.hi)};
}

STORED_INLINE Vec stored_nibble(StoredCodes x, int shift)
{
    return stored_float(stored_less(stored_and(x, 15), shift));
}

STORED_INLINE StoredCodes stored_look_up(StoredCodes x, __m128i table)
{
    const __m256i both = _mm256_broadcastsi128_si256(table);
    return (StoredCodes){_mm256_shuffle_epi8(both, x.lo), _mm256_shuffle_epi8(both, x.hi)};
}

STORED_INLINE StoredCodes stored_larger(StoredCodes a, StoredCodes b)
{
    return (StoredCodes){_mm256_max_epi32(a.lo, b.lo), _mm256_max_epi32(a.hi, b.hi)};
}

STORED_INLINE StoredCodes stored_smaller(StoredCodes a, StoredCodes b)
{
    return (StoredCodes){_mm256_min_epi32(a.lo, b.lo), _mm256_min_epi32(a.hi, b.hi)};
}

STORED_INLINE StoredCodes stored_all(int x)
{
    return (StoredCodes){_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}

STORED_INLINE Vec stored_fp4(StoredCodes x)
{
    // 12 above what the codes stand for: a byte without a sign.
    const __m128i above = _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0);
    return stored_float(stored_less(stored_and(stored_look_up(stored_and(x, 15), above), 255), 12));
}

STORED_INLINE Vec stored_as_bits(StoredCodes x)
{
    return (Vec){_mm256_castsi256_ps(x.lo), _mm256_castsi256_ps(x.hi)};
}

// Without F16C, which AVX2 does not promise: exponent and fraction in place, times 2^112 (exact, subnormal numbers included),
// infinity and NaN by their exponent, the sign last.
STORED_INLINE __m256 stored_half(__m256i x)
{
    const __m256i magnitude = _mm256_slli_epi32(_mm256_and_si256(x, _mm256_set1_epi32(0x7fff)), 13);
    const __m256i sign = _mm256_slli_epi32(_mm256_and_si256(x, _mm256_set1_epi32(0x8000)), 16);
    const __m256i is_huge = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x0f7fffff));
    const __m256 value = _mm256_mul_ps(_mm256_castsi256_ps(magnitude), _mm256_set1_ps(0x1p112f));
    const __m256i huge = _mm256_or_si256(magnitude, _mm256_set1_epi32(0x7f800000));
    const __m256i bits = _mm256_blendv_epi8(_mm256_castps_si256(value), huge, is_huge);
    return _mm256_castsi256_ps(_mm256_or_si256(bits, sign));
}

STORED_INLINE Vec stored_halves(const uint8_t *p)
{
    return (Vec){stored_half(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p))),
                 stored_half(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p + 16))))};
}
#endif

// ---- formats ----

STORED_INLINE int stored_is_half(DType dtype)
{
    return dtype == DTYPE_F16 || dtype == DTYPE_BF16;
}

STORED_INLINE int stored_is_k(DType dtype)
{
    return dtype == DTYPE_Q4_K || dtype == DTYPE_Q5_K;
}

STORED_INLINE int stored_has_offset(DType dtype)
{
    return dtype == DTYPE_Q4_1 || dtype == DTYPE_Q5_1 || stored_is_k(dtype);
}

STORED_INLINE int stored_has_fifth(DType dtype)
{
    return dtype == DTYPE_Q5_0 || dtype == DTYPE_Q5_1 || dtype == DTYPE_Q5_K;
}

STORED_INLINE int stored_has_bytes(DType dtype)
{
    return dtype == DTYPE_Q8_0 || dtype == DTYPE_Q8_ROW;
}

STORED_INLINE int stored_has_nibbles(DType dtype)
{
    return !stored_is_half(dtype) && !stored_has_bytes(dtype);
}

// Numbers of k of a block, and of a part of it; 16-bit formats have parts of any length. To Q8_ROW, which has one scale a
// row, all of a row is one block.
STORED_INLINE size_t stored_block(DType dtype)
{
    if (dtype == DTYPE_Q8_ROW) return (size_t)1 << 31;
    return stored_is_k(dtype) || dtype == DTYPE_Q6_K ? 256 : 32;
}

STORED_INLINE size_t stored_part(DType dtype)
{
    return dtype == DTYPE_Q6_K ? 16 : 32;
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
    if (dtype == DTYPE_MXFP4) return 16 + 256;
    return (size_t)(stored_is_k(dtype) ? 32 : 0) + (size_t)(stored_has_fifth(dtype) ? 64 : 0) + 256;
}

STORED_INLINE size_t stored_block_bytes(DType dtype)
{
    return stored_head_bytes(dtype) +
           stored_block(dtype) / stored_part(dtype) * stored_part_bytes(dtype);
}

// A part of a panel ready to be read: sixteen scales and offsets, and where the codes stand.
typedef struct StoredPart {
    Vec scale, offset;
    const uint8_t *codes, *fifth, *upper;
} StoredPart;

// 2^(e - 128) of 16 exponents: in place, or below 2 the subnormal numbers 2^-128 and 2^-127.
STORED_INLINE Vec stored_powers(const uint8_t *p)
{
    const StoredCodes e = stored_bytes(p);
    const StoredCodes small = stored_left(stored_smaller(e, stored_all(1)), 21);
    const StoredCodes subnormal = stored_less(small, -0x200000);
    return stored_as_bits(stored_larger(stored_left(stored_less(e, 1), 23), subnormal));
}

STORED_INLINE StoredPart stored_part_of(DType dtype, const uint8_t *block, size_t index)
{
    const uint8_t *at = block + stored_head_bytes(dtype) + index * stored_part_bytes(dtype);
    StoredPart part = {.scale = vec_zero(), .offset = vec_zero()};
    if (dtype == DTYPE_MXFP4) {
        part.scale = stored_powers(at);
        at += 16;
    } else if (!stored_is_half(dtype)) {
        part.scale = stored_halves(block);
    }
    if (stored_has_offset(dtype)) part.offset = stored_halves(block + 32);
    if (stored_is_k(dtype)) {
        part.scale = vec_mul(part.scale, stored_float(stored_bytes(at)));
        part.offset = vec_neg(vec_mul(part.offset, stored_float(stored_bytes(at + 16))));
        at += 32;
    }
    if (dtype == DTYPE_Q6_K) {
        part.scale = vec_mul(part.scale, stored_float(stored_signed(at)));
        at += 16;
    }
    part.fifth = at;
    part.codes = stored_has_fifth(dtype) ? at + 64 : at;
    part.upper = part.codes + 128;
    return part;
}

STORED_INLINE Vec stored_scaled(DType dtype, const StoredPart *part, Vec q)
{
    const Vec x = vec_mul(part->scale, q);
    return stored_has_offset(dtype) ? vec_add(x, part->offset) : x;
}

STORED_INLINE int stored_has_plain_nibbles(DType dtype)
{
    return dtype == DTYPE_Q4_0 || dtype == DTYPE_Q4_1 || dtype == DTYPE_Q4_K ||
           dtype == DTYPE_MXFP4;
}

// code = q + shift.
STORED_INLINE int stored_shift(DType dtype)
{
    if (stored_has_bytes(dtype)) return 128;
    if (dtype == DTYPE_Q6_K) return 32;
    if (dtype == DTYPE_MXFP4) return 12;
    return dtype == DTYPE_Q5_0 ? 16 : dtype == DTYPE_Q4_0 ? 8 : 0;
}

// Codes of k = 4 group .. 4 group + 3 of the part: a byte each, those of an output side by side.
STORED_INLINE StoredCodes stored_group(DType dtype, const StoredPart *part, size_t group)
{
    if (stored_has_bytes(dtype)) return stored_load(part->codes + group * 64);
    const StoredCodes both = stored_load(part->codes + group / 2 * 64);
    StoredCodes q = stored_and(group % 2 ? stored_right(both, 4) : both, 0x0f0f0f0f);
    if (dtype == DTYPE_MXFP4)
        q = stored_look_up(
            q, _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    if (stored_has_fifth(dtype)) q = stored_add_fifth(q, part->fifth + group * 8);
    if (dtype == DTYPE_Q6_K) {
        const StoredCodes upper = stored_load(part->upper);
        const StoredCodes two = group < 2 ? stored_left(upper, 4 - 2 * (int)group)
                                          : stored_right(upper, 2 * (int)group - 4);
        q = stored_or(q, stored_and(two, 0x30303030));
    }
    return q;
}

// Weight k of the part, of 16 outputs.
STORED_INLINE Vec stored_weight(DType dtype, const StoredPart *part, size_t k)
{
    if (dtype == DTYPE_F16) return stored_halves(part->codes + k * 32);
    if (dtype == DTYPE_BF16) {
        const StoredCodes pair = stored_load(part->codes + k / 2 * 64);
        return stored_as_bits(k % 2 ? stored_and(pair, (int)0xffff0000) : stored_left(pair, 16));
    }
    const int bits = (int)(k % 4) * 8;
    if (stored_has_plain_nibbles(dtype)) {
        const StoredCodes both = stored_load(part->codes + k / 8 * 64);
        const StoredCodes low = stored_right(both, bits + (int)(k / 4 % 2) * 4);
        if (dtype == DTYPE_MXFP4) return stored_scaled(dtype, part, stored_fp4(low));
        return stored_scaled(dtype, part, stored_nibble(low, stored_shift(dtype)));
    }
    StoredCodes q = stored_right(stored_group(dtype, part, k / 4), bits);
    if (bits < 24) q = stored_and(q, 255);
    return stored_scaled(dtype, part, stored_float(stored_less(q, stored_shift(dtype))));
}

#endif
