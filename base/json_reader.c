#include "base/json_reader.h"

#include "base/json_scan.h"
#include "base/size.h"
#include "base/unicode.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { STATE_OBJECT = 1, STATE_HAS_MEMBER = 2 };

JsonReader json_reader(Slice name, Slice text, Arena *arena)
{
    return (JsonReader){
        .name = name, .text = text, .at = json_bom_len(text), .first_line = 1, .arena = arena};
}

static Status report(const JsonReader *r, size_t offset, Error *err, const char *what)
{
    const JsonPlace place = json_place_in(r->text, offset, r->first_line);
    return error_set(err, STATUS_INVALID, SLICE_FMT ":%zu:%zu: %s%s%s%s", SLICE_ARG(r->name),
                     place.line, place.column, r->member ? "\"" : "", r->member ? r->member : "",
                     r->member ? "\": " : "", what);
}

Status json_reader_error_at(const JsonReader *r, size_t offset, Error *err, const char *format, ...)
{
    char what[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return report(r, offset, err, what);
}

Status json_reader_error(const JsonReader *r, Error *err, const char *format, ...)
{
    char what[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return report(r, r->at, err, what);
}

static Status unexpected(const JsonReader *r, const char *wanted, Error *err)
{
    char found[JSON_DESCRIBE_SIZE];
    if (r->text.len == 0) return json_reader_error(r, err, "the text is empty");
    if (json_is_utf16(r->text))
        return json_reader_error(r, err,
                                 "the text is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)");
    json_describe(r->text, r->at, found);
    return json_reader_error_at(r, r->at, err, "found %s where %s was expected", found, wanted);
}

// r->at is on a '/'; moves it behind the comment.
static Status skip_comment(JsonReader *r, Error *err)
{
    const Slice rest = slice_sub(r->text, r->at, r->text.len);
    size_t len;
    if (slice_starts_with(rest, SLICE("//"))) {
        len = size_min(slice_find_byte(rest, '\n'), rest.len);
    } else if (slice_starts_with(rest, SLICE("/*"))) {
        const size_t end = slice_find(slice_sub(rest, 2, rest.len), SLICE("*/"));
        if (end == SIZE_MAX) {
            return json_reader_error_at(r, r->at, err, "a comment has no closing */");
        }
        len = end + 4;
    } else {
        return unexpected(r, "a comment", err);
    }
    const size_t invalid = utf8_invalid_at(slice_sub(rest, 0, len));
    if (invalid != SIZE_MAX) {
        return json_reader_error_at(r, r->at + invalid, err, "invalid UTF-8 in a comment");
    }
    for (size_t i = r->at; i < r->at + len; i++) {
        if (r->comment_copy[i] != '\n') r->comment_copy[i] = ' ';
    }
    r->at += len;
    return STATUS_OK;
}

static Status skip_blanks(JsonReader *r, Error *err)
{
    while (r->at < r->text.len) {
        const char byte = r->text.ptr[r->at];
        if (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t') {
            r->at++;
        } else if (byte == '/' && r->comment_copy) {
            TRY(skip_comment(r, err));
        } else {
            break;
        }
    }
    return STATUS_OK;
}

Status json_peek(JsonReader *r, JsonKind *kind, Error *err)
{
    static const struct {
        char byte;
        JsonKind kind;
    } firsts[] = {{'{', JSON_OBJECT}, {'[', JSON_ARRAY}, {'"', JSON_STRING}, {'t', JSON_BOOL},
                  {'f', JSON_BOOL},   {'n', JSON_NULL},  {'-', JSON_NUMBER}};
    TRY(skip_blanks(r, err));
    char byte = 0;
    if (r->at < r->text.len) byte = r->text.ptr[r->at];
    if (byte >= '0' && byte <= '9') {
        *kind = JSON_NUMBER;
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        if (firsts[i].byte != byte) continue;
        *kind = firsts[i].kind;
        return STATUS_OK;
    }
    return unexpected(r, "a value", err);
}

static Status want(JsonReader *r, JsonKind wanted, Error *err)
{
    JsonKind found = JSON_NULL;
    TRY(json_peek(r, &found, err));
    if (found == wanted) return STATUS_OK;
    const Slice rest = slice_sub(r->text, r->at, r->text.len);
    const bool is_word = slice_starts_with(rest, SLICE("true")) ||
                         slice_starts_with(rest, SLICE("false")) ||
                         slice_starts_with(rest, SLICE("null"));
    if ((found == JSON_BOOL || found == JSON_NULL) && !is_word)
        return unexpected(r, json_kind_name(wanted), err);
    return json_reader_error_at(r, r->at, err, "found %s, want %s", json_kind_name(found),
                                json_kind_name(wanted));
}

static Status scan_string(JsonReader *r, JsonText *out, Error *err)
{
    const char *why = NULL;
    const size_t begin = r->at;
    if (json_scan_string(r->text, &r->at, out, &why)) return STATUS_OK;
    // An unclosed string is best shown where it opens.
    return json_reader_error_at(r, r->at < r->text.len ? r->at : begin, err, "%s", why);
}

static Status scan_number(JsonReader *r, Slice *digits, Error *err)
{
    const char *why = NULL;
    const size_t begin = r->at;
    if (!json_scan_number(r->text, &r->at, &why)) {
        char found[JSON_DESCRIBE_SIZE];
        json_describe(r->text, r->at, found);
        return json_reader_error_at(r, r->at, err, "found %s in a number: %s", found, why);
    }
    *digits = slice_sub(r->text, begin, r->at);
    return STATUS_OK;
}

static Status scan_word(JsonReader *r, Slice word, Error *err)
{
    if (!slice_starts_with(slice_sub(r->text, r->at, r->text.len), word)) {
        return json_reader_error_at(r, r->at, err,
                                    "only true, false and null may stand without quotes");
    }
    r->at += word.len;
    return STATUS_OK;
}

static Status enter(JsonReader *r, JsonKind kind, Error *err)
{
    TRY(want(r, kind, err));
    if (r->depth == JSON_READER_DEPTH) {
        return json_reader_error_at(r, r->at, err, "nested more than %d deep", JSON_READER_DEPTH);
    }
    r->state[r->depth++] = kind == JSON_OBJECT ? STATE_OBJECT : 0;
    r->at++;
    return STATUS_OK;
}

// Moves to the next element or member of the innermost container, or leaves it.
static Status advance(JsonReader *r, bool *more, Error *err)
{
    unsigned char *state = &r->state[r->depth - 1];
    const char close = *state & STATE_OBJECT ? '}' : ']';
    TRY(skip_blanks(r, err));
    if (r->at < r->text.len && r->text.ptr[r->at] == close) {
        r->at++;
        r->depth--;
        *more = false;
        return STATUS_OK;
    }
    if (*state & STATE_HAS_MEMBER) {
        if (r->at >= r->text.len || r->text.ptr[r->at] != ',') {
            return unexpected(r, close == '}' ? "',' or '}'" : "',' or ']'", err);
        }
        r->at++;
        TRY(skip_blanks(r, err));
    }
    *state |= STATE_HAS_MEMBER;
    *more = true;
    return STATUS_OK;
}

static Status next_member(JsonReader *r, JsonText *key, size_t *key_begin, bool *more, Error *err)
{
    if (r->depth == 0 || !(r->state[r->depth - 1] & STATE_OBJECT)) {
        return error_set(err, STATUS_INTERNAL, "JSON key read outside an object");
    }
    TRY(advance(r, more, err));
    if (!*more) return STATUS_OK;
    if (r->at >= r->text.len || r->text.ptr[r->at] != '"') return unexpected(r, "a key", err);
    *key_begin = r->at;
    TRY(scan_string(r, key, err));
    TRY(skip_blanks(r, err));
    if (r->at >= r->text.len || r->text.ptr[r->at] != ':') return unexpected(r, "':'", err);
    r->at++;
    return STATUS_OK;
}

static Status keep_text(JsonReader *r, const JsonText *text, Slice *out, Error *err)
{
    *out = text->raw;
    if (!text->has_escape) return STATUS_OK;
    char *copy = NULL;
    TRY(arena_take(r->arena, text->raw.len, 1, "a JSON string", &copy, err));
    *out = (Slice){copy, json_unescape(text->raw, copy)};
    return STATUS_OK;
}

// Moves to the next value of a visit: the document's own, or the next member or element of the innermost open value.
static Status visit_next(JsonReader *r, JsonVisit *visit, JsonText *key, bool *more, Error *err)
{
    if (!visit->begun) {
        visit->begun = *more = true;
        visit->floor = r->depth;
    }
    while (!*more && r->depth > visit->floor) {
        visit->has_key = r->state[r->depth - 1] & STATE_OBJECT;
        if (visit->has_key) {
            TRY(next_member(r, key, &visit->key_begin, more, err));
        } else {
            TRY(advance(r, more, err));
        }
    }
    return STATUS_OK;
}

static Status scan_value(JsonReader *r, JsonKind kind, JsonText *text, Error *err)
{
    switch (kind) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return enter(r, kind, err);
    case JSON_STRING:
        return scan_string(r, text, err);
    case JSON_NUMBER:
        return scan_number(r, &text->raw, err);
    case JSON_BOOL:
        return scan_word(r, r->text.ptr[r->at] == 't' ? SLICE("true") : SLICE("false"), err);
    case JSON_NULL:
        return scan_word(r, SLICE("null"), err);
    }
    return STATUS_OK;
}

Status json_visit(JsonReader *r, JsonVisit *visit, bool *more, Error *err)
{
    JsonText key = {0}, text = {0};
    visit->has_key = visit->has_nul = *more = false;
    TRY(visit_next(r, visit, &key, more, err));
    if (!*more) return STATUS_OK;
    TRY(json_peek(r, &visit->kind, err));
    visit->begin = r->at;
    visit->depth = r->depth - visit->floor;
    TRY(scan_value(r, visit->kind, &text, err));
    visit->has_nul = key.has_nul || text.has_nul;
    visit->end = r->at;
    return STATUS_OK;
}

Status json_read_object(JsonReader *r, Error *err)
{
    return enter(r, JSON_OBJECT, err);
}

Status json_read_array(JsonReader *r, Error *err)
{
    return enter(r, JSON_ARRAY, err);
}

Status json_read_key(JsonReader *r, Slice *key, bool *more, Error *err)
{
    JsonText text = {0};
    size_t key_begin;
    TRY(next_member(r, &text, &key_begin, more, err));
    return *more ? keep_text(r, &text, key, err) : STATUS_OK;
}

Status json_read_element(JsonReader *r, bool *more, Error *err)
{
    if (r->depth == 0 || r->state[r->depth - 1] & STATE_OBJECT) {
        return error_set(err, STATUS_INTERNAL, "JSON element read outside an array");
    }
    return advance(r, more, err);
}

Status json_read_string(JsonReader *r, Slice *out, Error *err)
{
    JsonText text = {0};
    TRY(want(r, JSON_STRING, err));
    TRY(scan_string(r, &text, err));
    return keep_text(r, &text, out, err);
}

Status json_read_i64(JsonReader *r, int64_t *out, Error *err)
{
    Slice digits = {0};
    TRY(want(r, JSON_NUMBER, err));
    const size_t begin = r->at;
    TRY(scan_number(r, &digits, err));
    if (slice_to_i64(digits, out)) return STATUS_OK;
    return json_reader_error_at(r, begin, err, "found " SLICE_FMT ", want an integer of 64 bits",
                                SLICE_ARG(slice_sub(digits, 0, 64)));
}

Status json_read_u64(JsonReader *r, uint64_t *out, Error *err)
{
    Slice digits = {0};
    TRY(want(r, JSON_NUMBER, err));
    const size_t begin = r->at;
    TRY(scan_number(r, &digits, err));
    if (slice_to_u64(digits, out)) return STATUS_OK;
    return json_reader_error_at(
        r, begin, err, "found " SLICE_FMT ", want an integer of 64 bits that is not negative",
        SLICE_ARG(slice_sub(digits, 0, 64)));
}

static bool non_finite_from_name(Slice name, double *out)
{
    static const struct {
        const char *name;
        double value;
    } names[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!slice_eq_cstr(name, names[i].name)) continue;
        *out = names[i].value;
        return true;
    }
    return false;
}

Status json_read_double(JsonReader *r, double *out, Error *err)
{
    JsonKind kind = JSON_NULL;
    JsonText text = {0};
    Slice digits = {0};
    TRY(json_peek(r, &kind, err));
    const size_t begin = r->at;
    if (kind == JSON_STRING) {
        TRY(scan_string(r, &text, err));
        if (non_finite_from_name(text.raw, out)) return STATUS_OK;
        return json_reader_error_at(r, begin, err,
                                    "found a string, want a number, \"NaN\" or \"Infinity\"");
    }
    TRY(want(r, JSON_NUMBER, err));
    TRY(scan_number(r, &digits, err));
    if (slice_to_double(digits, out)) return STATUS_OK;
    return json_reader_error_at(r, begin, err, "the number " SLICE_FMT " is out of range",
                                SLICE_ARG(slice_sub(digits, 0, 64)));
}

Status json_read_bool(JsonReader *r, bool *out, Error *err)
{
    TRY(want(r, JSON_BOOL, err));
    *out = r->text.ptr[r->at] == 't';
    return scan_word(r, *out ? SLICE("true") : SLICE("false"), err);
}

Status json_read_null(JsonReader *r, Error *err)
{
    TRY(want(r, JSON_NULL, err));
    return scan_word(r, SLICE("null"), err);
}

Status json_skip(JsonReader *r, Error *err)
{
    JsonVisit visit = {0};
    bool more = true;
    while (more) TRY(json_visit(r, &visit, &more, err));
    return STATUS_OK;
}

Status json_read_raw(JsonReader *r, Slice *out, Error *err)
{
    TRY(skip_blanks(r, err));
    const size_t begin = r->at;
    TRY(json_skip(r, err));
    *out = slice_sub(r->text, begin, r->at);
    return STATUS_OK;
}

Status json_read_end(JsonReader *r, Error *err)
{
    TRY(skip_blanks(r, err));
    if (r->at == r->text.len) return STATUS_OK;
    char found[JSON_DESCRIBE_SIZE];
    json_describe(r->text, r->at, found);
    return json_reader_error_at(r, r->at, err, "found %s after the end of the document", found);
}
