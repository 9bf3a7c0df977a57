#include "base/ascii_words.h"

#include <stdint.h>
#include <string.h>

#include "base/ascii_words_internal.h"

#ifdef __x86_64__
#    include <immintrin.h>
#endif

// Bit i is of byte i.
typedef struct Block {
    uint64_t alphanumerics;
    uint64_t others; // not of ASCII
} Block;

// n bytes, at most 64, in lower case and zeros behind them; and which they are.
typedef Block BlockReader(const char *bytes, size_t n, char *lower);

// The lowest bit's place; 63 of no bits.
static inline size_t lowest_of(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
}

// A word begins where a bit is set and the one before it is not, and ends where it is the other way round: both are bits
// too, and the n-th end is that of the n-th beginning. A word may go on in the next block; blanks behind the text end the
// last one.
__attribute__((always_inline)) static inline size_t
words_by(BlockReader *read, Slice text, char *lower, Slice *words, bool *is_ascii)
{
    uint64_t before = 0, others = 0; // before: 1 where the byte before the block is of a word
    const char *begin = lower;       // of the next word to end
    size_t n = 0;
    for (size_t i = 0; i <= text.len; i += ASCII_BLOCK_BYTES) {
        const size_t left = text.len - i,
                     here = left < ASCII_BLOCK_BYTES ? left : ASCII_BLOCK_BYTES;
        const Block b = read(text.ptr + i, here, lower + i);
        const uint64_t shifted = b.alphanumerics << 1 | before;
        uint64_t begins = b.alphanumerics & ~shifted, ends = ~b.alphanumerics & shifted;
        if (before == 0) {
            begin = lower + i + lowest_of(begins);
            begins &= begins - 1;
        }
        for (; ends != 0; ends &= ends - 1) {
            const char *end = lower + i + __builtin_ctzll(ends);
            words[n++] = (Slice){begin, (size_t)(end - begin)};
            begin = lower + i + lowest_of(begins);
            begins &= begins - 1;
        }
        before = b.alphanumerics >> 63;
        others |= b.others;
    }
    *is_ascii = others == 0;
    return n;
}

static inline Block read_plain(const char *bytes, size_t n, char *lower)
{
    Block out = {0};
    memset(lower, 0, ASCII_BLOCK_BYTES);
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        const unsigned char low = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        const uint64_t is_inside = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9');
        out.alphanumerics |= is_inside << i;
        out.others |= (uint64_t)(c >> 7) << i;
        lower[i] = (char)low;
    }
    return out;
}

static size_t words_plain(Slice text, char *lower, Slice *words, bool *is_ascii)
{
    return words_by(read_plain, text, lower, words, is_ascii);
}

static bool always(void)
{
    return true;
}

#ifdef __x86_64__

// All ones in each byte from first to first + n - 1.
static inline __m128i among_16(__m128i bytes, char first, char n)
{
    const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8((char)(n - 1))), above);
}

// SSE2, which every x86-64 has.
static inline Block read_sse2(const char *bytes, size_t n, char *lower)
{
    Block out = {0};
    char tail[ASCII_BLOCK_BYTES] = {0};
    if (n < ASCII_BLOCK_BYTES) {
        if (n > 0) memcpy(tail, bytes, n);
        bytes = tail;
    }
    for (unsigned i = 0; i < ASCII_BLOCK_BYTES; i += 16) {
        const __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(bytes + i));
        const __m128i capital = _mm_and_si128(among_16(c, 'A', 26), _mm_set1_epi8(0x20));
        const __m128i low = _mm_or_si128(c, capital);
        const __m128i inside = _mm_or_si128(among_16(low, 'a', 26), among_16(low, '0', 10));
        _mm_storeu_si128((__m128i *)(void *)(lower + i), low);
        out.alphanumerics |= (uint64_t)(uint32_t)_mm_movemask_epi8(inside) << i;
        out.others |= (uint64_t)(uint32_t)_mm_movemask_epi8(c) << i;
    }
    return out;
}

static size_t words_sse2(Slice text, char *lower, Slice *words, bool *is_ascii)
{
    return words_by(read_sse2, text, lower, words, is_ascii);
}

#    define WIDE __attribute__((target("avx512f,avx512bw,bmi")))

WIDE static inline uint64_t among_64(__m512i bytes, char first, char n)
{
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(first)),
                                  _mm512_set1_epi8(n));
}

WIDE static inline Block read_avx512(const char *bytes, size_t n, char *lower)
{
    const uint64_t here = n == ASCII_BLOCK_BYTES ? UINT64_MAX : (UINT64_C(1) << n) - 1;
    const __m512i c = _mm512_maskz_loadu_epi8(here, bytes);
    const __m512i low = _mm512_mask_add_epi8(c, among_64(c, 'A', 26), c, _mm512_set1_epi8(0x20));
    _mm512_storeu_si512(lower, low);
    return (Block){among_64(low, 'a', 26) | among_64(low, '0', 10), _mm512_movepi8_mask(c)};
}

WIDE static size_t words_avx512(Slice text, char *lower, Slice *words, bool *is_ascii)
{
    return words_by(read_avx512, text, lower, words, is_ascii);
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi");
}

#endif

const AsciiWordsWay ascii_words_ways[] = {
#ifdef __x86_64__
    {"avx512", words_avx512, has_avx512},
    {"sse2", words_sse2, always},
#endif
    {"plain", words_plain, always},
};
const size_t ascii_words_ways_count = sizeof ascii_words_ways / sizeof *ascii_words_ways;

size_t ascii_words(Slice text, char *lower, Slice *words, bool *is_ascii)
{
    const AsciiWordsWay *way = ascii_words_ways;
    if (text.ptr == NULL) text.ptr = "";
    while (!way->can_run()) way++;
    return way->words(text, lower, words, is_ascii);
}
