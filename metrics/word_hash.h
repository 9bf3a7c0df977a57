// metrics/word_hash.h: words told apart by 64 bits of themselves. For tables of words inside metrics/.
#ifndef ASSAY_METRICS_WORD_HASH_H
#define ASSAY_METRICS_WORD_HASH_H

#include "metrics/eight_bytes.h"

static inline uint64_t load_four(const char *at)
{
    uint32_t four;
    memcpy(&four, at, 4);
    return four;
}

static inline uint64_t long_word_key(Slice word)
{
    const size_t n = word.len;
    uint64_t h = n;
    for (size_t i = 0; i + 8 < n; i += 8) {
        h = (h ^ load_eight(word.ptr + i)) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
    }
    return (h ^ load_eight(word.ptr + n - 8)) * 0xBF58476D1CE4E5B9u;
}

// The bytes themselves for words of up to 8 (with the length, no two words share them), else a hash of them.
static inline uint64_t word_key(Slice word)
{
    const char *at = word.ptr;
    const size_t n = word.len;
    if (n > 8) return long_word_key(word);
    if (n >= 4) return load_four(at) | load_four(at + n - 4) >> (64 - 8 * n) << 32;
    if (n == 0) return 0;
    const uint64_t middle = (unsigned char)at[n / 2], last = (unsigned char)at[n - 1];
    return (unsigned char)at[0] | middle << 8 * (n / 2) | last << 8 * (n - 1);
}

// Whether two words of equal keys are the same.
static inline bool word_is(Slice a, Slice b)
{
    return a.len == b.len && (a.len <= 8 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

// Where to look first in a table of mask + 1 places.
static inline size_t word_place(uint64_t key, size_t mask)
{
    const uint64_t h = key * 0x9E3779B97F4A7C15u;
    return (size_t)(h >> 32 ^ h >> 52) & mask;
}

#endif
