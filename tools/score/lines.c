// Files of lines.
#include <string.h>

#include "base/file.h"
#include "base/input.h"
#include "base/unicode.h"
#include "tools/score/files.h"

// A copy with U+FFFD for each byte that belongs to no character.
static Status replace_invalid(Slice text, Arena *arena, Slice *out, Error *err)
{
    char *copy;
    size_t len = 0;
    TRY(arena_take(arena, text.len, 3, "a line", &copy, err));
    for (size_t offset = 0; offset < text.len;) {
        const CodePoint c = utf8_next(text, &offset);
        len += utf8_encode(c < 0 ? 0xFFFD : c, copy + len);
    }
    *out = (Slice){copy, len};
    return STATUS_OK;
}

static Status mend_lines(TextLines *out, bool is_replaced, Arena *arena, Error *err)
{
    for (size_t i = 0; i < out->n; i++) {
        const size_t bad = utf8_invalid_at(out->lines[i]);
        if (bad == SIZE_MAX) continue;
        if (!is_replaced) {
            return error_set(err, STATUS_INVALID,
                             "%s:%zu: byte %zu of the line is not valid UTF-8 "
                             "(--invalid-utf8=replace puts U+FFFD in its place)",
                             out->path, i + 1, bad + 1);
        }
        TRY(replace_invalid(out->lines[i], arena, &out->lines[i], err));
    }
    return STATUS_OK;
}

static void split_lines(Slice text, TextLines *out)
{
    const char *at = text.ptr, *end = text.ptr + text.len;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        const size_t step = len + 1;
        if (len > 0 && stop != NULL && at[len - 1] == '\r') len--;
        out->lines[out->n++] = (Slice){at, len};
        if (stop == NULL) break;
        at += step;
    }
}

static size_t count_lines(Slice text)
{
    size_t n = 0;
    for (size_t at = 0; at < text.len; n++) {
        const char *stop = memchr(text.ptr + at, '\n', text.len - at);
        if (stop == NULL) return n + 1;
        at = (size_t)(stop - text.ptr) + 1;
    }
    return n;
}

Status text_lines_open(const char *path, bool is_replaced, Arena *arena, TextLines *out, Error *err)
{
    *out = (TextLines){.path = strcmp(path, "-") == 0 ? "standard input" : path};
    Slice text;
    if (strcmp(path, "-") == 0) {
        TRY(file_read_data(arena, path, (size_t)1 << 34, &text, NULL, err));
    } else if (file_map(path, &out->bytes, err) == STATUS_OK) {
        text = out->bytes;
        if (input_is_packed(text)) {
            file_unmap(&out->bytes);
            TRY(file_read_data(arena, path, (size_t)1 << 34, &text, NULL, err));
        }
    } else if (err->status != STATUS_INVALID || file_is_directory(path)) {
        return err->status;
    } else { // a pipe: `assay score bleu -r <(zcat ref.gz) hyp`
        *err = (Error){0};
        TRY(file_read_data(arena, path, (size_t)1 << 34, &text, NULL, err));
    }
    if (text.len == 0) {
        return error_set(err, STATUS_INVALID, "%s is empty: a line a segment is wanted", out->path);
    }
    TRY(arena_take(arena, count_lines(text), sizeof *out->lines, "lines", &out->lines, err));
    split_lines(text, out);
    if (utf8_invalid_at(text) == SIZE_MAX) return STATUS_OK;
    return mend_lines(out, is_replaced, arena, err);
}

void text_lines_close(TextLines *lines)
{
    file_unmap(&lines->bytes);
    *lines = (TextLines){0};
}
