#include "base/json_writer.h"

#include "base/unicode.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_DEPTH = sizeof((JsonWriter *)NULL)->has_member / sizeof(bool) };

JsonWriter json_writer(Buffer *out, int indent)
{
    return (JsonWriter){.out = out, .indent = indent};
}

static void break_line(JsonWriter *w)
{
    if (w->indent == 0) return;
    buffer_append_byte(w->out, '\n');
    for (size_t i = 0; i < w->depth * (size_t)w->indent; i++) buffer_append_byte(w->out, ' ');
}

// Whether the innermost container has a member already; that of containers too deep to be tracked is not known.
static bool *has_member(JsonWriter *w, bool *scratch)
{
    return w->depth <= MAX_DEPTH ? &w->has_member[w->depth - 1] : scratch;
}

// The comma and line break in front of a value or key.
static void begin_value(JsonWriter *w)
{
    if (w->after_key || w->depth == 0) {
        w->after_key = false;
        return;
    }
    bool scratch = false, *has_some = has_member(w, &scratch);
    if (*has_some) buffer_append_byte(w->out, ',');
    *has_some = true;
    break_line(w);
}

static void open_container(JsonWriter *w, char bracket)
{
    begin_value(w);
    buffer_append_byte(w->out, bracket);
    assert(w->depth < MAX_DEPTH);
    if (w->depth++ < MAX_DEPTH) {
        w->has_member[w->depth - 1] = false;
    } else {
        w->out->failed = true; // found by buffer_status where asserts are off
    }
}

static void close_container(JsonWriter *w, char bracket)
{
    assert(w->depth > 0 && !w->after_key);
    bool scratch = false;
    const bool has_some = w->depth > 0 && *has_member(w, &scratch);
    w->depth -= w->depth > 0;
    if (has_some) break_line(w);
    buffer_append_byte(w->out, bracket);
}

void json_begin_object(JsonWriter *w)
{
    open_container(w, '{');
}

void json_end_object(JsonWriter *w)
{
    close_container(w, '}');
}

void json_begin_array(JsonWriter *w)
{
    open_container(w, '[');
}

void json_end_array(JsonWriter *w)
{
    close_container(w, ']');
}

// The escape of a character that needs one, else NULL. scratch has 8 bytes.
static const char *escape_of(unsigned char c, char *scratch)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (c >= 0x20 && c != 0x7F) return NULL;
    snprintf(scratch, 8, "\\u%04x", c);
    return scratch;
}

// Controls that drive a terminal (U+0080 to U+009F) and the line ends of Unicode, at which some readers of JSON Lines cut.
static const char *escape_of_point(CodePoint c, char scratch[8])
{
    if (c > 0x9F && c != 0x2028 && c != 0x2029) return NULL;
    snprintf(scratch, 8, "\\u%04x", (unsigned)c & 0xFFFF);
    return scratch;
}

void json_escape(Buffer *out, Slice text)
{
    buffer_append_byte(out, '"');
    size_t written = 0; // text up to here is in the buffer
    for (size_t at = 0; at < text.len;) {
        char scratch[8];
        size_t next = at + 1;
        const char *instead = NULL;
        const unsigned char byte = (unsigned char)text.ptr[at];
        if (byte < 0x80) {
            instead = escape_of(byte, scratch);
        } else {
            next = at;
            const CodePoint c = utf8_next(text, &next);
            instead = c < 0 ? "\xef\xbf\xbd" : escape_of_point(c, scratch);
        }
        if (instead) {
            buffer_append(out, slice_sub(text, written, at));
            buffer_append_cstr(out, instead);
            written = next;
        }
        at = next;
    }
    buffer_append(out, slice_sub(text, written, text.len));
    buffer_append_byte(out, '"');
}

void json_put_key_slice(JsonWriter *w, Slice key)
{
    begin_value(w);
    json_escape(w->out, key);
    buffer_append_cstr(w->out, w->indent ? ": " : ":");
    w->after_key = true;
}

void json_put_key(JsonWriter *w, const char *key)
{
    json_put_key_slice(w, slice_from_cstr(key));
}

void json_put_string(JsonWriter *w, Slice text)
{
    begin_value(w);
    json_escape(w->out, text);
}

void json_put_raw(JsonWriter *w, Slice json)
{
    begin_value(w);
    buffer_append(w->out, json);
}

void json_put_null(JsonWriter *w)
{
    json_put_raw(w, SLICE("null"));
}

void json_put_cstr(JsonWriter *w, const char *text)
{
    if (text) {
        json_put_string(w, slice_from_cstr(text));
    } else {
        json_put_null(w);
    }
}

void json_put_bool(JsonWriter *w, bool value)
{
    json_put_raw(w, value ? SLICE("true") : SLICE("false"));
}

void json_put_i64(JsonWriter *w, int64_t value)
{
    begin_value(w);
    buffer_printf(w->out, "%" PRId64, value);
}

void json_put_u64(JsonWriter *w, uint64_t value)
{
    begin_value(w);
    buffer_printf(w->out, "%" PRIu64, value);
}

static bool put_non_finite(JsonWriter *w, double value)
{
    if (isfinite(value)) return false;
    json_put_cstr(w, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    return true;
}

void json_put_double(JsonWriter *w, double value)
{
    if (put_non_finite(w, value)) return;
    begin_value(w);
    buffer_append_double(w->out, value);
}

void json_put_float(JsonWriter *w, float value)
{
    if (put_non_finite(w, (double)value)) return;
    char digits[32];
    // Six digits find the shortest form (%g drops zeros), below the normal range fewer may do; nine always suffice.
    for (int precision = fabsf(value) < FLT_MIN ? 1 : 6; precision <= 9; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)value);
        if (strtof(digits, NULL) == value) break;
    }
    begin_value(w);
    buffer_append_cstr(w->out, digits);
}
