#include "base/escape.h"

#include <assert.h>
#include <string.h>

#include "base/unicode.h"

// The shown form of text[begin, end), one character: its own bytes or \xNN for each; returns the length.
static size_t show_character(Slice text, size_t begin, size_t end, bool is_safe, char out[16])
{
    static const char digits[] = "0123456789abcdef";
    if (is_safe) {
        memcpy(out, text.ptr + begin, end - begin);
        return end - begin;
    }
    size_t len = 0;
    for (size_t i = begin; i < end; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        out[len++] = '\\';
        out[len++] = 'x';
        out[len++] = digits[byte >> 4];
        out[len++] = digits[byte & 15];
    }
    return len;
}

static bool is_shown_as_it_is(CodePoint c)
{
    if (c < 0x20 || (c >= 0x7F && c <= 0x9F)) return false;
    const bool turns_line = c == 0x061C || c == 0x200E || c == 0x200F ||
                            (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    return !turns_line;
}

size_t escape_text(Slice text, char *out, size_t size)
{
    assert(size >= 4);
    size_t len = 0;
    size_t cut = 0; // the last length at which "..." would still fit
    for (size_t at = 0; at < text.len;) {
        const size_t begin = at;
        const CodePoint c = utf8_next(text, &at);
        char shown[16];
        const size_t shown_len = show_character(text, begin, at, is_shown_as_it_is(c), shown);
        if (shown_len > size - 1 - len) {
            memcpy(out + cut, "...", 3);
            len = cut + 3;
            break;
        }
        memcpy(out + len, shown, shown_len);
        len += shown_len;
        if (len + 3 <= size - 1) cut = len;
    }
    out[len] = '\0';
    return len;
}
