// Values of a template, and their texts as Python writes them.
#include <math.h>
#include <string.h>

#include "base/json_writer.h"
#include "models/chat/jinja_internal.h"

JinjaValue jinja_bool(bool truth)
{
    return (JinjaValue){.kind = JINJA_BOOL, .as.truth = truth};
}

JinjaValue jinja_int(int64_t integer)
{
    return (JinjaValue){.kind = JINJA_INT, .as.integer = integer};
}

JinjaValue jinja_text(Slice text)
{
    return (JinjaValue){.kind = JINJA_STRING, .as.text = text};
}

JinjaValue jinja_undefined(Slice name)
{
    return (JinjaValue){.kind = JINJA_UNDEFINED, .as.text = name};
}

const char *jinja_kind_name(JinjaValue value)
{
    static const char *const names[] = {
        "what is undefined", "none",   "a bool", "a number", "a number", "a text", "a list",
        "a mapping",         "a macro"};
    return names[value.kind];
}

bool jinja_truth(JinjaValue v)
{
    switch (v.kind) {
    case JINJA_UNDEFINED:
    case JINJA_NONE:
        return false;
    case JINJA_BOOL:
        return v.as.truth;
    case JINJA_INT:
        return v.as.integer != 0;
    case JINJA_FLOAT:
        return v.as.real != 0;
    case JINJA_STRING:
        return v.as.text.len > 0;
    case JINJA_LIST:
        return v.as.list->n > 0;
    case JINJA_MAP:
        return v.as.map->is_namespace || v.as.map->n > 0;
    case JINJA_MACRO:
        return true;
    }
    return false;
}

bool jinja_is_number(JinjaValue v)
{
    return v.kind == JINJA_BOOL || v.kind == JINJA_INT || v.kind == JINJA_FLOAT;
}

double jinja_real(JinjaValue v)
{
    return v.kind == JINJA_FLOAT ? v.as.real
           : v.kind == JINJA_INT ? (double)v.as.integer
                                 : (double)v.as.truth;
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded.
bool jinja_equal(JinjaValue a, JinjaValue b, size_t depth)
{
    if (depth > JINJA_MAX_DEPTH) return false;
    if (jinja_is_number(a) && jinja_is_number(b)) {
        return a.kind == JINJA_INT && b.kind == JINJA_INT ? a.as.integer == b.as.integer
                                                          : jinja_real(a) == jinja_real(b);
    }
    if (a.kind != b.kind) return false;
    if (a.kind == JINJA_STRING) return slice_eq(a.as.text, b.as.text);
    if (a.kind == JINJA_LIST) {
        bool is_equal = a.as.list->n == b.as.list->n;
        for (size_t i = 0; is_equal && i < a.as.list->n; i++)
            is_equal = jinja_equal(a.as.list->items[i], b.as.list->items[i], depth + 1);
        return is_equal;
    }
    if (a.kind == JINJA_MAP) {
        bool is_equal = a.as.map->n == b.as.map->n;
        for (size_t i = 0; is_equal && i < a.as.map->n; i++) {
            const JinjaValue *other = jinja_map_find(b.as.map, a.as.map->keys[i]);
            is_equal = other && jinja_equal(a.as.map->values[i], *other, depth + 1);
        }
        return is_equal;
    }
    return true;
}

// ---- making ----

Status jinja_keep(JinjaRun *run, Slice text, JinjaValue *out, Error *err)
{
    char *bytes = NULL;
    TRY(jinja_alloc(run, text.len, 1, &bytes, err));
    if (text.len > 0) memcpy(bytes, text.ptr, text.len);
    *out = jinja_text((Slice){bytes, text.len});
    return STATUS_OK;
}

Status jinja_new_list(JinjaRun *run, size_t n, JinjaValue *out, Error *err)
{
    JinjaList *list = NULL;
    TRY(jinja_alloc(run, 1, sizeof *list, &list, err));
    TRY(jinja_alloc(run, n, sizeof *list->items, &list->items, err));
    list->n = n;
    *out = (JinjaValue){.kind = JINJA_LIST, .as.list = list};
    return STATUS_OK;
}

Status jinja_new_map(JinjaRun *run, size_t n, JinjaValue *out, Error *err)
{
    JinjaMap *map = NULL;
    TRY(jinja_alloc(run, 1, sizeof *map, &map, err));
    *map = (JinjaMap){.capacity = n};
    TRY(jinja_alloc(run, n, sizeof *map->keys, &map->keys, err));
    TRY(jinja_alloc(run, n, sizeof *map->values, &map->values, err));
    *out = (JinjaValue){.kind = JINJA_MAP, .as.map = map};
    return STATUS_OK;
}

const JinjaValue *jinja_map_find(const JinjaMap *map, Slice key)
{
    for (size_t i = 0; i < map->n; i++) {
        if (slice_eq(map->keys[i], key)) return &map->values[i];
    }
    return NULL;
}

Status jinja_map_put(JinjaRun *run, JinjaMap *map, Slice key, JinjaValue value, Error *err)
{
    for (size_t i = 0; i < map->n; i++) {
        if (!slice_eq(map->keys[i], key)) continue;
        map->values[i] = value;
        return STATUS_OK;
    }
    if (map->n == map->capacity) {
        JinjaValue larger;
        TRY(jinja_new_map(run, 2 * map->capacity + 4, &larger, err));
        memcpy(larger.as.map->keys, map->keys, map->n * sizeof *map->keys);
        memcpy(larger.as.map->values, map->values, map->n * sizeof *map->values);
        map->keys = larger.as.map->keys;
        map->values = larger.as.map->values;
        map->capacity = larger.as.map->capacity;
    }
    map->keys[map->n] = key;
    map->values[map->n++] = value;
    return STATUS_OK;
}

static JinjaValue number_of(const Json *json)
{
    int64_t integer = 0;
    if (slice_to_i64(json_number_text(json), &integer)) return jinja_int(integer);
    return (JinjaValue){.kind = JINJA_FLOAT, .as.real = json_double(json)};
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded.
Status jinja_from_json(JinjaRun *run, const Json *json, size_t depth, JinjaValue *out, Error *err)
{
    size_t i = 0;
    if (depth > JINJA_MAX_DEPTH)
        return jinja_fail(run, err, "a value is nested deeper than %d", JINJA_MAX_DEPTH);
    *out = (JinjaValue){.kind = JINJA_NONE};
    switch (json_kind(json)) {
    case JSON_NULL:
        return STATUS_OK;
    case JSON_BOOL:
        *out = jinja_bool(json_bool(json));
        return STATUS_OK;
    case JSON_NUMBER:
        *out = number_of(json);
        return STATUS_OK;
    case JSON_STRING:
        return jinja_keep(run, json_string(json), out, err);
    case JSON_ARRAY:
        TRY(jinja_new_list(run, json_len(json), out, err));
        for (const Json *v = json_first(json); v; v = json_next(v))
            TRY(jinja_from_json(run, v, depth + 1, &out->as.list->items[i++], err));
        return STATUS_OK;
    case JSON_OBJECT:
        break;
    }
    TRY(jinja_new_map(run, json_len(json), out, err));
    for (const Json *v = json_first(json); v; v = json_next(v)) {
        JinjaValue key, value;
        TRY(jinja_keep(run, json_key(v), &key, err));
        TRY(jinja_from_json(run, v, depth + 1, &value, err));
        TRY(jinja_map_put(run, out->as.map, key.as.text, value, err));
    }
    return STATUS_OK;
}

// ---- texts ----

static void append_real(Buffer *out, double real)
{
    if (!isfinite(real)) {
        buffer_append_cstr(out, isnan(real) ? "nan" : real > 0 ? "inf" : "-inf");
        return;
    }
    const size_t before = out->len;
    JsonWriter w = json_writer(out, 0);
    json_put_double(&w, real);
    const Slice text = slice_sub(buffer_slice(out), before, out->len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' || text.ptr[i] == 'e') return;
    }
    buffer_append_cstr(out, ".0");
}

// Python's repr of a text: quoted with ' where that does not stand in it alone.
static void append_quoted(Buffer *out, Slice text)
{
    const bool has_single = slice_find_byte(text, '\'') != SIZE_MAX,
               has_double = slice_find_byte(text, '"') != SIZE_MAX;
    const char quote = has_single && !has_double ? '"' : '\'';
    buffer_append_byte(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (c == '\n')
            buffer_append_cstr(out, "\\n");
        else if (c == '\r')
            buffer_append_cstr(out, "\\r");
        else if (c == '\t')
            buffer_append_cstr(out, "\\t");
        else if ((unsigned char)c < 0x20 || c == 0x7f)
            buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)c);
        else {
            if (c == quote || c == '\\') buffer_append_byte(out, '\\');
            buffer_append_byte(out, c);
        }
    }
    buffer_append_byte(out, quote);
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded.
static void append_parts(Buffer *out, JinjaValue v, size_t depth)
{
    const bool is_list = v.kind == JINJA_LIST;
    const size_t n = is_list ? v.as.list->n : v.as.map->n;
    buffer_append_byte(out, is_list ? '[' : '{');
    for (size_t i = 0; i < n && out->len <= JINJA_MAX_MEMORY; i++) {
        buffer_append_cstr(out, i > 0 ? ", " : "");
        if (!is_list) {
            append_quoted(out, v.as.map->keys[i]);
            buffer_append_cstr(out, ": ");
        }
        jinja_append(out, is_list ? v.as.list->items[i] : v.as.map->values[i], true, depth + 1);
    }
    buffer_append_byte(out, is_list ? ']' : '}');
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded.
void jinja_append(Buffer *out, JinjaValue v, bool is_repr, size_t depth)
{
    switch (v.kind) {
    case JINJA_UNDEFINED:
        return;
    case JINJA_NONE:
        buffer_append_cstr(out, "None");
        return;
    case JINJA_BOOL:
        buffer_append_cstr(out, v.as.truth ? "True" : "False");
        return;
    case JINJA_INT:
        buffer_printf(out, "%lld", (long long)v.as.integer);
        return;
    case JINJA_FLOAT:
        append_real(out, v.as.real);
        return;
    case JINJA_STRING:
        if (is_repr)
            append_quoted(out, v.as.text);
        else
            buffer_append(out, v.as.text);
        return;
    case JINJA_LIST:
    case JINJA_MAP:
        if (depth <= JINJA_MAX_DEPTH) append_parts(out, v, depth);
        return;
    case JINJA_MACRO:
        buffer_append_cstr(out, "<Macro>");
        return;
    }
}

Status jinja_to_text(JinjaRun *run, JinjaValue value, Slice *out, Error *err)
{
    Buffer text = {0};
    JinjaValue kept = jinja_text((Slice){0});
    if (value.kind == JINJA_STRING) {
        *out = value.as.text;
        return STATUS_OK;
    }
    jinja_append(&text, value, false, 0);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) s = jinja_keep(run, buffer_slice(&text), &kept, err);
    buffer_release(&text);
    *out = kept.as.text;
    return s;
}

static void append_json_string(Buffer *out, Slice text)
{
    static const char marks[] = "\"\\\n\r\t\b\f", names[] = "\"\\nrtbf";
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const char *mark = c ? strchr(marks, c) : NULL;
        if (mark) {
            buffer_append_byte(out, '\\');
            buffer_append_byte(out, names[mark - marks]);
        } else if ((unsigned char)c < 0x20) {
            buffer_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
        } else {
            buffer_append_byte(out, c);
        }
    }
    buffer_append_byte(out, '"');
}

static void new_line(Buffer *out, int indent, size_t depth)
{
    if (indent < 0) return;
    buffer_append_byte(out, '\n');
    for (size_t i = 0; i < (size_t)indent * depth; i++) buffer_append_byte(out, ' ');
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded.
static void append_json_parts(Buffer *out, JinjaValue v, int indent, size_t depth)
{
    const bool is_list = v.kind == JINJA_LIST;
    const size_t n = is_list ? v.as.list->n : v.as.map->n;
    buffer_append_byte(out, is_list ? '[' : '{');
    for (size_t i = 0; i < n && out->len <= JINJA_MAX_MEMORY; i++) {
        if (i > 0) buffer_append_cstr(out, indent < 0 ? ", " : ",");
        new_line(out, indent, depth + 1);
        if (!is_list) {
            append_json_string(out, v.as.map->keys[i]);
            buffer_append_cstr(out, ": ");
        }
        jinja_append_json(out, is_list ? v.as.list->items[i] : v.as.map->values[i], indent,
                          depth + 1);
    }
    if (n > 0) new_line(out, indent, depth);
    buffer_append_byte(out, is_list ? ']' : '}');
}

// NOLINTNEXTLINE(misc-no-recursion): depth is bounded.
void jinja_append_json(Buffer *out, JinjaValue v, int indent, size_t depth)
{
    if (v.kind == JINJA_NONE || v.kind == JINJA_UNDEFINED)
        buffer_append_cstr(out, "null");
    else if (v.kind == JINJA_BOOL)
        buffer_append_cstr(out, v.as.truth ? "true" : "false");
    else if (v.kind == JINJA_STRING)
        append_json_string(out, v.as.text);
    else if (v.kind == JINJA_LIST || v.kind == JINJA_MAP) {
        if (depth <= JINJA_MAX_DEPTH) append_json_parts(out, v, indent, depth);
    } else
        jinja_append(out, v, true, depth);
}

Status jinja_items(JinjaRun *run, JinjaValue v, JinjaList *out, Error *err)
{
    *out = (JinjaList){0};
    if (v.kind == JINJA_UNDEFINED) return STATUS_OK;
    if (v.kind == JINJA_LIST) {
        *out = *v.as.list;
        return STATUS_OK;
    }
    if (v.kind == JINJA_MAP && !v.as.map->is_namespace) {
        TRY(jinja_alloc(run, v.as.map->n, sizeof *out->items, &out->items, err));
        for (size_t i = 0; i < v.as.map->n; i++)
            out->items[out->n++] = jinja_text(v.as.map->keys[i]);
        return STATUS_OK;
    }
    if (v.kind == JINJA_STRING) {
        const Slice text = v.as.text;
        TRY(jinja_alloc(run, text.len, sizeof *out->items, &out->items, err));
        for (size_t at = 0, end; at < text.len; at = end) {
            for (end = at + 1; end < text.len && (text.ptr[end] & 0xC0) == 0x80;) end++;
            out->items[out->n++] = jinja_text(slice_sub(text, at, end));
        }
        return STATUS_OK;
    }
    return jinja_fail(run, err, "%s cannot be gone through", jinja_kind_name(v));
}
