// kernels/cpu/vec_codes.h: sixteen 32-bit integers in a register, and parts of them as floats, for vec_stored.h.
#ifndef ASSAY_KERNELS_CPU_VEC_CODES_H
#define ASSAY_KERNELS_CPU_VEC_CODES_H

#include <string.h>

#include "kernels/cpu/vec.h"

// A sanitizer would look into every instance of every tile, which took minutes to compile: there all formats share the code.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define STORED_INLINE static inline
#else
#    define STORED_INLINE static inline __attribute__((always_inline))
#endif

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

// Bytes, with `more` added where the byte's bit is set.
STORED_INLINE StoredCodes stored_add_lone(StoredCodes x, const uint8_t *bits, int more)
{
    __mmask64 mask;
    memcpy(&mask, bits, sizeof mask);
    return _mm512_mask_add_epi8(x, mask, x, _mm512_set1_epi8((char)more));
}

STORED_INLINE Vec stored_float(StoredCodes x)
{
    return _mm512_cvtepi32_ps(x);
}

STORED_INLINE Vec stored_as_bits(StoredCodes x)
{
    return _mm512_castsi512_ps(x);
}

// The bits of a that are in mask, and the others of b.
STORED_INLINE StoredCodes stored_choose(int mask, StoredCodes a, StoredCodes b)
{
    enum { SECOND_WHERE_FIRST_ELSE_THIRD = 0xca };
    return _mm512_ternarylogic_epi32(_mm512_set1_epi32(mask), a, b, SECOND_WHERE_FIRST_ELSE_THIRD);
}

// The bits of x that are in mask, among those of a power of two.
STORED_INLINE Vec stored_among(StoredCodes x, int mask, int power)
{
    enum { FIRST_AND_SECOND_OR_THIRD = 0xea };
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
        x, _mm512_set1_epi32(mask), _mm512_set1_epi32(power), FIRST_AND_SECOND_OR_THIRD));
}

// Bits bit .. bit + 3 as a number: a look-up, which heeds the low 4 bits of an index alone.
STORED_INLINE Vec stored_nibble(StoredCodes x, int bit, int shift)
{
    const __m512i codes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const Vec table = _mm512_cvtepi32_ps(_mm512_sub_epi32(codes, _mm512_set1_epi32(shift)));
    return _mm512_permutexvar_ps(bit ? stored_right(x, bit) : x, table);
}

// Byte j of each integer as a number.
STORED_INLINE Vec stored_byte(StoredCodes x, int j)
{
    const __m512i one = _mm512_broadcast_i32x4(
        _mm_setr_epi32(j - 256, j + 4 - 256, j + 8 - 256, j + 12 - 256)); // other bytes: none
    return _mm512_cvtepi32_ps(_mm512_shuffle_epi8(x, one));
}

// What the low 4 bits of each stand for in a list, as floats.
STORED_INLINE Vec stored_level(StoredCodes x, const int8_t *levels)
{
    const __m512i all = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)levels));
    return _mm512_permutexvar_ps(x, _mm512_cvtepi32_ps(all));
}

// The same of bytes of 0 .. 15, 128 more each.
STORED_INLINE StoredCodes stored_look_up(StoredCodes x, const int8_t *levels)
{
    const __m512i all = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)levels));
    return _mm512_shuffle_epi8(_mm512_xor_si512(all, _mm512_set1_epi8(-128)), x);
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

STORED_INLINE Vec stored_bf16(const uint8_t *p)
{
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
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

// 32 bytes, `more` where the bit of `bits` is set.
STORED_INLINE __m256i stored_lone(const uint8_t *bits, int more)
{
    int32_t four;
    memcpy(&four, bits, sizeof four);
    const __m256i each =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32(four), each);
    const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
    return _mm256_and_si256(is_set, _mm256_set1_epi8((char)more));
}

STORED_INLINE StoredCodes stored_add_lone(StoredCodes x, const uint8_t *bits, int more)
{
    return (StoredCodes){_mm256_add_epi8(x.lo, stored_lone(bits, more)),
                         _mm256_add_epi8(x.hi, stored_lone(bits + 4, more))};
}

STORED_INLINE Vec stored_float(StoredCodes x)
{
    return (Vec){_mm256_cvtepi32_ps(x.lo), _mm256_cvtepi32_ps(x.hi)};
}

STORED_INLINE StoredCodes stored_choose(int mask, StoredCodes a, StoredCodes b)
{
    return stored_or(stored_and(a, mask), stored_and(b, ~mask));
}

STORED_INLINE Vec stored_among(StoredCodes x, int mask, int power)
{
    const __m256i p = _mm256_set1_epi32(power);
    const StoredCodes bits = stored_and(x, mask);
    return (Vec){_mm256_castsi256_ps(_mm256_or_si256(bits.lo, p)),
                 _mm256_castsi256_ps(_mm256_or_si256(bits.hi, p))};
}

STORED_INLINE Vec stored_nibble(StoredCodes x, int bit, int shift)
{
    const int at = bit % 16; // among the digits of an f32
    const Vec code = stored_among(bit < 16 ? x : stored_right(x, 16), 15 << at, (150 - at) << 23);
    return vec_sub(code, vec_set1((float)((1 << (23 - at)) + shift)));
}

STORED_INLINE Vec stored_byte(StoredCodes x, int j)
{
    return stored_float(stored_and(stored_right(x, 8 * j), 255));
}

// One byte of each is looked up; the others ask for nothing.
STORED_INLINE Vec stored_level(StoredCodes x, const int8_t *levels)
{
    const __m256i nothing = _mm256_set1_epi32((int)0x80808000);
    const __m256i all = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)levels));
    StoredCodes q = stored_and(x, 15);
    q.lo = _mm256_shuffle_epi8(all, _mm256_or_si256(q.lo, nothing));
    q.hi = _mm256_shuffle_epi8(all, _mm256_or_si256(q.hi, nothing));
    q.lo = _mm256_srai_epi32(_mm256_slli_epi32(q.lo, 24), 24);
    q.hi = _mm256_srai_epi32(_mm256_slli_epi32(q.hi, 24), 24);
    return stored_float(q);
}

STORED_INLINE StoredCodes stored_look_up(StoredCodes x, const int8_t *levels)
{
    const __m256i all = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)levels));
    const __m256i more = _mm256_xor_si256(all, _mm256_set1_epi8(-128));
    return (StoredCodes){_mm256_shuffle_epi8(more, x.lo), _mm256_shuffle_epi8(more, x.hi)};
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

STORED_INLINE Vec stored_bf16(const uint8_t *p)
{
    const __m256i low = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    const __m256i high = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p + 16)));
    return (Vec){_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)),
                 _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};
}
#endif

#endif
