#include "base/base64.h"

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

Status base64_decode(Arena *arena, Slice text, Slice *out, Error *err)
{
    size_t len = text.len;
    for (int i = 0; i < 2 && len > 0 && text.ptr[len - 1] == '='; i++) len--;
    if (text.len % 4 != 0 || len % 4 == 1)
        return error_set(err, STATUS_INVALID,
                         "base64 of %zu characters is cut short: a multiple of 4 is wanted",
                         text.len);
    unsigned char *bytes = NULL;
    TRY(arena_take(arena, text.len / 4 * 3, 1, "base64", &bytes, err));
    size_t n = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        const int digit = digit_of(text.ptr[i]);
        if (digit < 0)
            return error_set(err, STATUS_INVALID, "character %zu of base64 is none of its 64", i);
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0) bytes[n++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    *out = (Slice){(const char *)bytes, n};
    return STATUS_OK;
}

Status base64_encode(Arena *arena, Slice bytes, Slice *out, Error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t n_groups = bytes.len / 3 + (bytes.len % 3 != 0);
    char *text = NULL;
    TRY(arena_take(arena, n_groups, 4, "base64", &text, err));
    for (size_t g = 0; g < n_groups; g++) {
        const size_t left = bytes.len - 3 * g;
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < left ? (unsigned char)bytes.ptr[3 * g + i] : 0);
        for (size_t i = 0; i < 4; i++) {
            char *at = &text[4 * g + i];
            *at = digits[bits >> (18 - 6 * i) & 63];
            if (i > left) *at = '=';
        }
    }
    *out = (Slice){text, 4 * n_groups};
    return STATUS_OK;
}
