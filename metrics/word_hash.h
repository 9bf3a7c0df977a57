// metrics/word_hash.h: words told apart by 64 bits of themselves. For tables of words inside metrics/.
#ifndef ASSAY_METRICS_WORD_HASH_H
#define ASSAY_METRICS_WORD_HASH_H

#include <string.h>

#include "base/slice.h"

static inline uint64_t load_bytes(const char *at, size_t n)
{
    uint64_t eight = 0;
    if (n == 8) {
        memcpy(&eight, at, 8);
    } else {
        uint32_t four;
        memcpy(&four, at, 4);
        eight = four;
    }
    return eight;
}

// The bytes themselves for words of up to 8 (with the length, no two words share them), else a hash of them.
static inline uint64_t word_key(Slice word)
{
    const char *at = word.ptr;
    const size_t n = word.len;
    if (n > 8) {
        uint64_t h = n;
        for (size_t i = 0; i + 8 < n; i += 8) {
            h = (h ^ load_bytes(at + i, 8)) * 0x9E3779B97F4A7C15u;
            h ^= h >> 29;
        }
        return (h ^ load_bytes(at + n - 8, 8)) * 0xBF58476D1CE4E5B9u;
    }
    if (n >= 4) return load_bytes(at, 4) | load_bytes(at + n - 4, 4) << 32;
    if (n == 0) return 0;
    return (uint64_t)(unsigned char)at[0] | (uint64_t)(unsigned char)at[n / 2] << 8 |
           (uint64_t)(unsigned char)at[n - 1] << 16;
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
