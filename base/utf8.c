// UTF-8 without ICU: builds that have no ICU, and error messages, need it too.
#include "base/unicode.h"

#include <string.h>

// What a lead byte announces: the length of its sequence and the bounds of the second byte, which exclude overlong
// forms, surrogates and values above U+10FFFF (Unicode 15, table 3-7).
typedef struct Lead {
    unsigned char first, last; // lead bytes
    unsigned char length;
    unsigned char low, high; // second byte
} Lead;

static const Lead leads[] = {
    {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF}, {0xE1, 0xEC, 3, 0x80, 0xBF},
    {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF}, {0xF0, 0xF0, 4, 0x90, 0xBF},
    {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

static const Lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) return &leads[i];
    }
    return NULL;
}

CodePoint utf8_next(Slice text, size_t *offset)
{
    const unsigned char *at = (const unsigned char *)text.ptr + *offset;
    const size_t left = text.len - *offset;
    *offset += 1;
    if (at[0] < 0x80) return at[0];
    const Lead *lead = find_lead(at[0]);
    if (lead == NULL || left < lead->length || at[1] < lead->low || at[1] > lead->high) return -1;
    CodePoint c = at[0] & (0x7F >> lead->length);
    for (size_t i = 1; i < lead->length; i++) {
        if ((at[i] & 0xC0) != 0x80) return -1;
        c = c << 6 | (at[i] & 0x3F);
    }
    *offset += (size_t)lead->length - 1;
    return c;
}

size_t utf8_encode(CodePoint c, char out[4])
{
    if (c < 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = 0xFFFD;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)((0xF00 >> length & 0xFF) | c); // 110x, 1110, 1111 0 in front
    return length;
}

size_t utf8_invalid_at(Slice text)
{
    for (size_t at = 0; at < text.len;) {
        uint64_t eight;
        while (text.len - at >=
               sizeof eight) { // most text is ASCII, eight bytes of which have no high bit
            memcpy(&eight, text.ptr + at, sizeof eight);
            if (eight & UINT64_C(0x8080808080808080)) break;
            at += sizeof eight;
        }
        if (at == text.len) break;
        const size_t begin = at;
        if (utf8_next(text, &at) < 0) return begin;
    }
    return SIZE_MAX;
}

size_t utf8_count(Slice text)
{
    size_t n = 0;
    for (size_t at = 0; at < text.len; n++) utf8_next(text, &at);
    return n;
}
