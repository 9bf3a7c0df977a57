#include "datasets/rows.h"

#include "base/size.h"
#include "datasets/encoding.h"

#include <string.h>

static Status push(RowReader *r, Slice field, Error *err)
{
    TRY(arena_make_room(r->arena, r->n_fields, &r->capacity, sizeof *r->fields, "a row", &r->fields,
                        err));
    r->fields[r->n_fields++] = field;
    return STATUS_OK;
}

// The end of the line that begins at an offset: of its text, without LF or CRLF.
static size_t line_end(Slice text, size_t at)
{
    const size_t len = slice_find_byte(slice_sub(text, at, text.len), '\n');
    const size_t end = len == SIZE_MAX ? text.len : at + len;
    return end > at && text.ptr[end - 1] == '\r' ? end - 1 : end;
}

static Status error_at(const RowReader *r, size_t offset, const char *what, Error *err)
{
    size_t line, column;
    encoding_place(r->text, offset, &line, &column);
    return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu:%zu: %s", SLICE_ARG(r->path), line,
                     column, what);
}

// r->at is on an opening quote; moves it behind the closing one.
static Status quoted_field(RowReader *r, Error *err)
{
    const size_t open = r->at, begin = open + 1;
    size_t n_doubled = 0, at = begin;
    for (;;) {
        const size_t len = slice_find_byte(slice_sub(r->text, at, r->text.len), '"');
        if (len == SIZE_MAX) {
            return error_at(r, open, "a quoted field has no closing quote", err);
        }
        at += len;
        if (at + 1 >= r->text.len || r->text.ptr[at + 1] != '"') break;
        n_doubled++;
        at += 2;
    }
    Slice field = slice_sub(r->text, begin, at);
    for (size_t i = 0; i < field.len; i++) r->next_line += field.ptr[i] == '\n';
    if (n_doubled) {
        char *copy = NULL;
        size_t len = 0;
        TRY(arena_take(r->arena, field.len - n_doubled, 1, "a field", &copy, err));
        for (size_t i = 0; i < field.len; i++) {
            copy[len++] = field.ptr[i];
            i += field.ptr[i] == '"';
        }
        field = (Slice){copy, len};
    }
    r->at = at + 1;
    return push(r, field, err);
}

// A field without quotes ends before the next delimiter or at the end of the line.
static Status bare_field(RowReader *r, size_t end, Error *err)
{
    const bool takes_rest = r->max_fields && r->n_fields + 1 == r->max_fields;
    const Slice rest = slice_sub(r->text, r->at, end);
    const size_t len = takes_rest ? SIZE_MAX : slice_find_byte(rest, r->delimiter);
    const Slice field = slice_sub(rest, 0, len);
    r->at += field.len;
    return push(r, field, err);
}

Status row_next(RowReader *r, bool *more, Error *err)
{
    *more = r->at < r->text.len;
    if (!*more) return STATUS_OK;
    r->n_fields = 0;
    r->line = r->next_line + 1;
    size_t end = line_end(r->text, r->at);
    for (;;) {
        if (r->is_quoted && r->at < r->text.len && r->text.ptr[r->at] == '"') {
            TRY(quoted_field(r, err));
            if (r->at > end) end = line_end(r->text, r->at);
        } else {
            TRY(bare_field(r, end, err));
        }
        if (r->at < end && r->text.ptr[r->at] == r->delimiter) {
            r->at++;
            continue;
        }
        if (end != r->at) {
            return error_at(r, r->at,
                            "text follows a closing quote: a quote inside a quoted field must be "
                            "doubled",
                            err);
        }
        break;
    }
    r->is_blank = r->n_fields == 1 && r->fields[0].len == 0;
    if (r->at < r->text.len && r->text.ptr[r->at] == '\r') r->at++;
    if (r->at < r->text.len) r->at++; // LF
    r->next_line++;
    return STATUS_OK;
}
