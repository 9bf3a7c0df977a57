#include "base/json_source.h"

#include <string.h>

#include "base/json_scan.h"
#include "base/json_tree.h"

Slice json_document_text(const Json *value)
{
    return value->document->text;
}

// The offset of the next byte that is neither blank, comma nor part of a comment. The text has been checked.
static size_t skip_between(Slice text, size_t at)
{
    while (at < text.len) {
        const char c = text.ptr[at];
        if (c == '/' && at + 1 < text.len) {
            const bool is_line = text.ptr[at + 1] == '/';
            const Slice rest = slice_sub(text, at + 2, text.len);
            const size_t len =
                is_line ? slice_find_byte(rest, '\n') : slice_find(rest, SLICE("*/"));
            if (len == SIZE_MAX) return text.len;
            at += 2 + len + (is_line ? 1 : 2);
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
            at++;
        } else {
            return at;
        }
    }
    return at;
}

Slice json_source(const Json *value)
{
    const Slice text = value->document->text;
    if (value->kind != JSON_ARRAY && value->kind != JSON_OBJECT) {
        return slice_sub(text, value->begin, value->end);
    }
    // The bracket that closes stands after the last child, whose own last child stands last in it, and so on.
    const Json *last = value;
    size_t open = 0;
    for (;; last = last->children[last->n_children - 1]) {
        if (last->kind != JSON_ARRAY && last->kind != JSON_OBJECT) break;
        open++;
        if (last->n_children == 0) break;
    }
    size_t at = last->end;
    for (; open > 0 && at < text.len; open--) at = skip_between(text, at) + 1;
    return slice_sub(text, value->begin, at);
}

// Depth is bounded by the parser's.
// NOLINTNEXTLINE(misc-no-recursion)
void json_put_value(JsonWriter *w, const Json *value)
{
    switch (json_kind(value)) {
    case JSON_NULL:
        json_put_null(w);
        break;
    case JSON_BOOL:
        json_put_bool(w, json_bool(value));
        break;
    case JSON_NUMBER:
        json_put_raw(w, json_number_text(value));
        break;
    case JSON_STRING:
        json_put_string(w, json_string(value));
        break;
    case JSON_ARRAY:
        json_begin_array(w);
        for (const Json *v = json_first(value); v; v = json_next(v)) json_put_value(w, v);
        json_end_array(w);
        break;
    case JSON_OBJECT:
        json_begin_object(w);
        for (const Json *v = json_first(value); v; v = json_next(v)) {
            json_put_key_slice(w, json_key(v));
            json_put_value(w, v);
        }
        json_end_object(w);
        break;
    }
}

JsonPlace json_place_of(Slice text, size_t offset)
{
    return json_place_in(text, offset, 1);
}
