#include "base/json_scan.h"

#include "base/unicode.h"

#include <stdio.h>
#include <string.h>

const char *json_kind_name(JsonKind kind)
{
    switch (kind) {
    case JSON_NULL:
        return "null";
    case JSON_BOOL:
        return "true or false";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    }
    return "a value";
}

bool json_is_utf16(Slice text)
{
    return slice_starts_with(text, SLICE("\xff\xfe")) || slice_starts_with(text, SLICE("\xfe\xff"));
}

size_t json_bom_len(Slice text)
{
    return slice_starts_with(text, SLICE("\xef\xbb\xbf")) ? 3 : 0;
}

JsonPlace json_place_in(Slice text, size_t offset, size_t first_line)
{
    JsonPlace place = {.line = first_line, .column = 1};
    if (offset > text.len) offset = text.len;
    for (size_t i = json_bom_len(text); i < offset; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        if (byte == '\n') {
            place.line++;
            place.column = 1;
        } else if ((byte & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static bool is_digit(Slice text, size_t at)
{
    return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';
}

static bool is_high_surrogate(int32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(int32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

// *at is on the 'u' of an escape; moves it behind the escape, or behind both halves of a surrogate pair.
static bool scan_unicode_escape(Slice text, size_t *at, JsonText *out, const char **why)
{
    const int32_t unit = slice_hex4(text, *at + 1);
    if (unit < 0) {
        *why = "\\u needs four hexadecimal digits";
        return false;
    }
    *at += 5;
    if (unit == 0) out->has_nul = true;
    if (!is_high_surrogate(unit) && !is_low_surrogate(unit)) return true;
    const bool is_pair = is_high_surrogate(unit) && text.len - *at >= 6 && text.ptr[*at] == '\\' &&
                         text.ptr[*at + 1] == 'u' && is_low_surrogate(slice_hex4(text, *at + 2));
    if (!is_pair) {
        *at -= 6; // the backslash
        *why = "half of a surrogate pair: U+D800 to U+DFFF must come in pairs";
        return false;
    }
    *at += 6;
    return true;
}

static bool scan_escape(Slice text, size_t *at, JsonText *out, const char **why)
{
    out->has_escape = true;
    ++*at;
    if (*at < text.len && text.ptr[*at] == 'u') return scan_unicode_escape(text, at, out, why);
    if (*at < text.len && text.ptr[*at] != '\0' && strchr("\"\\/bfnrt", text.ptr[*at])) {
        ++*at;
        return true;
    }
    *why = "unknown escape: a backslash is followed by one of \" \\ / b f n r t u";
    return false;
}

bool json_scan_string(Slice text, size_t *at, JsonText *out, const char **why)
{
    *out = (JsonText){0};
    const size_t begin = ++*at;
    while (*at < text.len) {
        const unsigned char byte = (unsigned char)text.ptr[*at];
        if (byte == '"') {
            out->raw = slice_sub(text, begin, *at);
            ++*at;
            return true;
        }
        if (byte == '\\') {
            if (!scan_escape(text, at, out, why)) return false;
        } else if (byte < 0x20) {
            *why = "control characters inside a string must be escaped";
            return false;
        } else if (byte < 0x80) {
            ++*at;
        } else {
            size_t next = *at;
            if (utf8_next(text, &next) < 0) {
                *why = "invalid UTF-8";
                return false;
            }
            *at = next;
        }
    }
    *why = "a string has no closing quote";
    return false;
}

bool json_scan_number(Slice text, size_t *at, const char **why)
{
    if (text.ptr[*at] == '-') ++*at;
    *why = "a digit was expected";
    if (!is_digit(text, *at)) return false;
    if (text.ptr[*at] == '0' && is_digit(text, *at + 1)) {
        *why = "a number must not begin with 0";
        return false;
    }
    while (is_digit(text, *at)) ++*at;
    if (*at < text.len && text.ptr[*at] == '.') {
        ++*at;
        if (!is_digit(text, *at)) return false;
        while (is_digit(text, *at)) ++*at;
    }
    if (*at < text.len && (text.ptr[*at] == 'e' || text.ptr[*at] == 'E')) {
        ++*at;
        if (*at < text.len && (text.ptr[*at] == '+' || text.ptr[*at] == '-')) ++*at;
        if (!is_digit(text, *at)) return false;
        while (is_digit(text, *at)) ++*at;
    }
    return true;
}

// The code point of the escape whose 'u' is at *at; moves *at behind it.
static CodePoint unescape_unicode(Slice raw, size_t *at)
{
    const int32_t unit = slice_hex4(raw, *at + 1);
    *at += 5;
    if (!is_high_surrogate(unit)) return unit;
    const int32_t low = slice_hex4(raw, *at + 2);
    *at += 6;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

size_t json_unescape(Slice raw, char *out)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    size_t len = 0;
    for (size_t at = 0; at < raw.len;) {
        if (raw.ptr[at] != '\\') {
            out[len++] = raw.ptr[at++];
        } else if (raw.ptr[at + 1] != 'u') {
            out[len++] = meanings[strchr(names, raw.ptr[at + 1]) - names];
            at += 2;
        } else {
            at++;
            len += utf8_encode(unescape_unicode(raw, &at), out + len);
        }
    }
    return len;
}

void json_describe(Slice text, size_t at, char out[JSON_DESCRIBE_SIZE])
{
    if (at >= text.len) {
        snprintf(out, JSON_DESCRIBE_SIZE, "the end of the text");
        return;
    }
    const unsigned char byte = (unsigned char)text.ptr[at];
    const bool is_visible = byte > 0x20 && byte < 0x7F;
    if (is_visible) {
        snprintf(out, JSON_DESCRIBE_SIZE, "'%c'", byte);
    } else {
        snprintf(out, JSON_DESCRIBE_SIZE, "byte 0x%02x", byte);
    }
}
