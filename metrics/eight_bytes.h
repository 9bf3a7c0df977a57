// metrics/eight_bytes.h: eight characters at a time. For scanners of text inside metrics/.
//
// A set of bytes among eight has the high bit of each of its bytes. After the tests of bytes in a word by Mycroft and
// others; portable, because metrics/ knows no machine.
#ifndef ASSAY_METRICS_EIGHT_BYTES_H
#define ASSAY_METRICS_EIGHT_BYTES_H

#include <assert.h>
#include <string.h>

#include "base/slice.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

#define EIGHT_OF(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH_BITS      EIGHT_OF(0x80)

static inline uint64_t load_eight(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, 8);
    return eight;
}

static inline void store_eight(char *at, uint64_t eight)
{
    memcpy(at, &eight, 8);
}

// The bytes of a text from offset on; behind its end are blanks.
static inline uint64_t eight_at(Slice text, size_t offset)
{
    const size_t n = text.len - offset;
    uint64_t rest = 0;
    if (n >= 8) return load_eight(text.ptr + offset);
    if (n > 0 && text.len >= 8) {
        rest = load_eight(text.ptr + text.len - 8) >> (64 - 8 * n);
    } else {
        for (size_t i = 0; i < n; i++) {
            rest |= (uint64_t)(unsigned char)text.ptr[offset + i] << 8 * i;
        }
    }
    return rest | EIGHT_OF(' ') << 8 * n;
}

// Bytes of at least `least`, from 1 to 0x80. Right where all eight are of ASCII.
static inline uint64_t at_least(uint64_t eight, unsigned least)
{
    return (eight + EIGHT_OF(0x80 - least)) & HIGH_BITS;
}

static inline uint64_t between(uint64_t eight, char first, char last)
{
    return at_least(eight, (unsigned)first) & ~at_least(eight, (unsigned)last + 1);
}

static inline uint64_t letters_among(uint64_t eight)
{
    return between(eight | EIGHT_OF(0x20), 'a', 'z');
}

// Of any eight bytes, those that are ASCII letters or digits.
static inline uint64_t alphanumerics_among(uint64_t eight)
{
    const uint64_t low = eight & ~HIGH_BITS;
    return (letters_among(low) | between(low, '0', '9')) & ~eight;
}

// Of any eight bytes, those that print a mark of ASCII: no blank, nothing beyond it, no control character but DEL.
static inline uint64_t marks_among(uint64_t eight)
{
    return at_least(eight & ~HIGH_BITS, ' ' + 1) & ~eight;
}

// A set as one bit a byte, the first lowest.
static inline uint64_t bits_of(uint64_t set)
{
    return (set >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

// Finds bytes that are not of a set, in ascending order of offsets. Zeroed before the first question about a text.
typedef struct ByteScan {
    uint64_t others; // of 64 bytes from base on; all beyond the text
    size_t base;
    bool is_begun;
} ByteScan;

// The first byte from offset on that is not in the set, or the text's length.
static inline size_t scan_past(ByteScan *scan, Slice text, size_t offset,
                               uint64_t (*set)(uint64_t eight))
{
    for (;;) {
        if (offset >= text.len) return text.len;
        if (!scan->is_begun || offset - scan->base >= 64) {
            *scan = (ByteScan){.base = offset, .is_begun = true, .others = UINT64_MAX};
            for (size_t k = 0; k < 64 && offset + k < text.len; k += 8) {
                scan->others ^= bits_of(set(eight_at(text, offset + k))) << k;
            }
        }
        const uint64_t others = scan->others >> (offset - scan->base);
        if (others != 0) return offset + (size_t)__builtin_ctzll(others);
        offset = scan->base + 64;
    }
}

#endif
