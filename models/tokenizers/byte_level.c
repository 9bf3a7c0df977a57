// Byte-level vocabularies: the spelling of bytes as characters, and the way back.
#include "models/tokenizers/byte_level.h"

// Bytes that stand for themselves: printable and no blank in Latin-1.
static bool is_printable(int byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

CodePoint byte_level_char(unsigned char byte)
{
    if (is_printable(byte)) return byte;
    // The others in order: 0x00-0x20 (33 of them), 0x7F-0xA0 (34), 0xAD.
    if (byte <= 0x20) return 0x100 + byte;
    if (byte <= 0xA0) return 0x100 + 33 + (byte - 0x7F);
    return 0x100 + 33 + 34;
}

int byte_level_byte(CodePoint c)
{
    if (c >= 0 && c < 0x100) return is_printable(c) ? c : -1;
    if (c < 0x100 || c > 0x100 + 67) return -1;
    const int index = c - 0x100;
    return index < 33 ? index : index < 67 ? index - 33 + 0x7F : 0xAD;
}

void byte_level_spell(Buffer *out, Slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char utf8[4];
        const size_t len = utf8_encode(byte_level_char((unsigned char)bytes.ptr[i]), utf8);
        buffer_append(out, (Slice){utf8, len});
    }
}

// ---- the way back ----

bool byte_level_unspell(Slice token, char *out, size_t *len)
{
    *len = 0;
    for (size_t at = 0; at < token.len;) {
        const int byte = byte_level_byte(utf8_next(token, &at));
        if (byte < 0) return false;
        out[(*len)++] = (char)byte;
    }
    return true;
}

// Bytes of the longest start of a character at the front of text, which utf8_next refused: at least 1.
static size_t broken_len(Slice text)
{
    const unsigned char *s = (const unsigned char *)text.ptr;
    const size_t wanted = s[0] >= 0xF0 && s[0] <= 0xF4  ? 4
                          : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
                          : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
                                                        : 1;
    // The second byte's bounds leave out overlong forms, surrogates and what lies above U+10FFFF.
    const unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    size_t len = 1;
    while (len < wanted && len < text.len && s[len] >= (len == 1 ? low : 0x80) &&
           s[len] <= (len == 1 ? high : 0xBF))
        len++;
    return len;
}

void utf8_append_lossy(Buffer *out, Slice bytes)
{
    for (size_t at = 0, good = 0; at < bytes.len;) {
        const size_t begin = at;
        const bool is_valid = utf8_next(bytes, &at) >= 0;
        if (!is_valid) {
            buffer_append(out, slice_sub(bytes, good, begin));
            buffer_append(out, SLICE("\xEF\xBF\xBD"));
            at = begin + broken_len(slice_sub(bytes, begin, bytes.len));
            good = at;
        }
        if (at == bytes.len) buffer_append(out, slice_sub(bytes, good, at));
    }
}
