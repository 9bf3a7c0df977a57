#include "datasets/python_literal.h"

#include "base/json_writer.h"
#include "base/unicode.h"

#include <string.h>

enum { MAX_DEPTH = 64 };

typedef struct Literal {
    Slice text;
    size_t at;
    Buffer *out;
    char closers[MAX_DEPTH]; // of what stands open
    size_t depth;
    bool has_comma; // not written yet: Python allows one before a closer, JSON does not
} Literal;

static Status wrong(const Literal *l, const char *what, Error *err)
{
    return error_set(err, STATUS_INVALID, "at byte %zu of the Python value: %s", l->at + 1, what);
}

static void before_value(Literal *l)
{
    if (l->has_comma) buffer_append_byte(l->out, ',');
    l->has_comma = false;
}

// \xhh, \uhhhh, \Uhhhhhhhh: after the letter.
static Status read_point(Literal *l, size_t n_digits, Buffer *string, Error *err)
{
    CodePoint point = 0;
    char bytes[4];
    for (size_t i = 0; i < n_digits; i++, l->at++) {
        const int digit = l->at < l->text.len ? slice_hex_digit(l->text.ptr[l->at]) : -1;
        if (digit < 0) return wrong(l, "an escape lacks hexadecimal digits", err);
        point = point * 16 + (CodePoint)digit;
    }
    if (point == 0 || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return wrong(l, "an escape gives no character", err);
    buffer_append(string, (Slice){bytes, utf8_encode(point, bytes)});
    return STATUS_OK;
}

static Status read_escape(Literal *l, Buffer *string, Error *err)
{
    static const char letters[] = "ntrabfv\\'\"", values[] = "\n\t\r\a\b\f\v\\'\"";
    if (l->at >= l->text.len) return wrong(l, "a string is not closed", err);
    const char c = l->text.ptr[l->at++];
    const char *known = memchr(letters, c, sizeof letters - 1);
    if (known) {
        buffer_append_byte(string, values[known - letters]);
        return STATUS_OK;
    }
    if (c == 'x' || c == 'u' || c == 'U')
        return read_point(l, c == 'x' ? 2 : c == 'u' ? 4 : 8, string, err);
    if (c == '\n') return STATUS_OK;
    buffer_append_byte(string, '\\'); // as Python does with others
    buffer_append_byte(string, c);
    return STATUS_OK;
}

static Status read_string(Literal *l, Error *err)
{
    const char quote = l->text.ptr[l->at++];
    Buffer string = {0};
    Status s = STATUS_OK;
    before_value(l);
    while (s == STATUS_OK) {
        if (l->at >= l->text.len) {
            s = wrong(l, "a string is not closed", err);
            break;
        }
        const char c = l->text.ptr[l->at++];
        if (c == quote) break;
        if (c == '\\') {
            s = read_escape(l, &string, err);
        } else {
            buffer_append_byte(&string, c);
        }
    }
    if (s == STATUS_OK) s = buffer_status(&string, err);
    if (s == STATUS_OK) json_escape(l->out, buffer_slice(&string));
    buffer_release(&string);
    return s;
}

static Status read_word(Literal *l, Error *err)
{
    static const struct {
        const char *python, *json;
    } words[] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    const Slice rest = slice_sub(l->text, l->at, l->text.len), digits = SLICE("0123456789+-.eE");
    before_value(l);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!slice_starts_with(rest, slice_from_cstr(words[i].python))) continue;
        buffer_append_cstr(l->out, words[i].json);
        l->at += strlen(words[i].python);
        return STATUS_OK;
    }
    size_t len = 0;
    while (len < rest.len && slice_find_byte(digits, rest.ptr[len]) != SIZE_MAX) len++;
    if (len == 0) return wrong(l, "neither a string, a number, a list nor a dict", err);
    buffer_append(l->out, slice_sub(rest, 0, len));
    l->at += len;
    return STATUS_OK;
}

static Status open_list(Literal *l, char closer, Error *err)
{
    if (l->depth == MAX_DEPTH) return wrong(l, "nested too deeply", err);
    before_value(l);
    l->closers[l->depth++] = closer;
    buffer_append_byte(l->out, closer == '}' ? '{' : '[');
    l->at++;
    return STATUS_OK;
}

static Status close_list(Literal *l, char c, Error *err)
{
    if (l->depth == 0 || l->closers[l->depth - 1] != c)
        return wrong(l, "a bracket closes what is not open", err);
    l->has_comma = false;
    l->depth--;
    buffer_append_byte(l->out, c == '}' ? '}' : ']');
    l->at++;
    return STATUS_OK;
}

static Status read_token(Literal *l, Error *err)
{
    const char c = l->text.ptr[l->at];
    switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        l->at++;
        return STATUS_OK;
    case '{':
        return open_list(l, '}', err);
    case '[':
        return open_list(l, ']', err);
    case '(':
        return open_list(l, ')', err);
    case '}':
    case ']':
    case ')':
        return close_list(l, c, err);
    case ',':
        if (l->has_comma) return wrong(l, "two commas in a row", err);
        l->has_comma = true;
        l->at++;
        return STATUS_OK;
    case ':':
        buffer_append_byte(l->out, ':');
        l->at++;
        return STATUS_OK;
    case '\'':
    case '"':
        return read_string(l, err);
    default:
        return read_word(l, err);
    }
}

Status python_literal_to_json(Slice literal, Buffer *out, Error *err)
{
    Literal l = {.text = literal, .out = out};
    while (l.at < l.text.len) TRY(read_token(&l, err));
    if (l.depth > 0) return wrong(&l, "a bracket is not closed", err);
    return buffer_status(out, err);
}

Status python_object_member(const Json *object, const char *key, JsonDocument **document,
                            const Json **out, Error *err)
{
    const Json *value = json_get(object, key);
    Buffer text = {0};
    Error why = {0};
    *document = NULL;
    if (value == NULL || json_kind(value) != JSON_STRING)
        return json_want_kind(object, key, JSON_OBJECT, out, err);
    Status s = python_literal_to_json(json_string(value), &text, &why);
    if (s == STATUS_OK)
        s = json_parse(slice_from_cstr(key), buffer_slice(&text), JSON_STRICT, document, &why);
    buffer_release(&text);
    if (s != STATUS_OK)
        return json_error(value, err, "is a string that holds no object: %s", why.text);
    *out = json_root(*document);
    if (json_kind(*out) == JSON_OBJECT) return STATUS_OK;
    json_close(document);
    return json_error(value, err, "is a string that holds no object");
}
