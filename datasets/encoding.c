#include "datasets/encoding.h"

#include "base/unicode.h"

#include <strings.h>

// Windows-1252 where it differs from Latin-1: bytes 0x80 to 0x9F. The five bytes without a character stand for the control
// character of their number, as browsers read them.
static const uint16_t windows_1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

static const struct {
    const char *name;
    TextEncoding encoding;
} names[] = {
    {"utf-8", ENCODING_UTF8},
    {"latin1", ENCODING_LATIN1},
    {"windows-1252", ENCODING_WINDOWS_1252},
    {"utf8", ENCODING_UTF8},
    {"latin-1", ENCODING_LATIN1},
    {"iso-8859-1", ENCODING_LATIN1},
    {"cp1252", ENCODING_WINDOWS_1252},
};

bool encoding_from_name(Slice name, TextEncoding *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const Slice known = slice_from_cstr(names[i].name);
        if (known.len != name.len || strncasecmp(known.ptr, name.ptr, name.len) != 0) continue;
        *out = names[i].encoding;
        return true;
    }
    return false;
}

const char *encoding_name(TextEncoding encoding)
{
    return names[encoding].name;
}

void encoding_place(Slice text, size_t offset, size_t *line, size_t *column)
{
    *line = *column = 1;
    if (offset > text.len) offset = text.len;
    for (size_t at = 0; at < offset;) {
        const bool is_break = text.ptr[at] == '\n';
        utf8_next(text, &at);
        *line += is_break;
        *column = is_break ? 1 : *column + 1;
    }
}

static Status refuse_nul(Slice path, Slice bytes, size_t offset, Error *err)
{
    size_t line, column;
    encoding_place(bytes, offset, &line, &column);
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu:%zu: a NUL byte at byte offset %zu: this is no text, or it is "
                               "UTF-16; save the file as UTF-8 without NUL bytes",
                     SLICE_ARG(path), line, column, offset);
}

static Status refuse_invalid(Slice path, Slice bytes, size_t offset, ReadSpeech speech, Error *err)
{
    size_t line, column;
    encoding_place(bytes, offset, &line, &column);
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ":%zu:%zu: byte 0x%02x at byte offset %zu is not valid UTF-8: save "
                               "the file as UTF-8, or say what it is with %s",
                     SLICE_ARG(path), line, column, (unsigned char)bytes.ptr[offset], offset,
                     speech == SPEECH_OPTIONS ? "--encoding latin1 or windows-1252"
                                              : "\"encoding\": \"latin1\" or \"windows-1252\"");
}

static CodePoint decode_byte(unsigned char byte, TextEncoding encoding)
{
    const bool differs = encoding == ENCODING_WINDOWS_1252 && byte >= 0x80 && byte < 0xA0;
    return differs ? windows_1252[byte - 0x80] : byte;
}

static Status decode_bytes(Arena *arena, Slice bytes, TextEncoding encoding, Slice *out, Error *err)
{
    size_t len = 0;
    char encoded[4], *copy = NULL;
    for (size_t i = 0; i < bytes.len; i++) {
        len += utf8_encode(decode_byte((unsigned char)bytes.ptr[i], encoding), encoded);
    }
    TRY(arena_take(arena, len, 1, "decoded text", &copy, err));
    len = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        len += utf8_encode(decode_byte((unsigned char)bytes.ptr[i], encoding), copy + len);
    }
    *out = (Slice){copy, len};
    return STATUS_OK;
}

Status encoding_decode(Arena *arena, Slice path, Slice bytes, TextEncoding encoding,
                       ReadSpeech speech, Slice *out, Error *err)
{
    if (slice_starts_with(bytes, SLICE("\xff\xfe")) ||
        slice_starts_with(bytes, SLICE("\xfe\xff"))) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":1:1: the file begins with the byte order mark of UTF-16: save "
                                   "it as UTF-8",
                         SLICE_ARG(path));
    }
    const size_t nul = slice_find_byte(bytes, '\0');
    if (nul != SIZE_MAX) return refuse_nul(path, bytes, nul, err);
    if (encoding != ENCODING_UTF8) return decode_bytes(arena, bytes, encoding, out, err);
    const size_t invalid = utf8_invalid_at(bytes);
    if (invalid != SIZE_MAX) return refuse_invalid(path, bytes, invalid, speech, err);
    const bool has_mark = slice_starts_with(bytes, SLICE("\xef\xbb\xbf"));
    *out = slice_sub(bytes, has_mark ? 3 : 0, bytes.len);
    return STATUS_OK;
}
