// Typed reading of JSON documents, with messages that name the place and the key's path.
#include "base/json.h"

#include "base/buffer.h"
#include "base/json_reader.h"
#include "base/json_scan.h"
#include "base/json_tree.h"
#include "base/name_list.h"
#include "base/size.h"
#include "base/unicode.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SHOWN_BYTES = 40, MAX_NAME_SHOWN = 200 };

static bool is_plain_key(Slice key)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    for (size_t i = 0; i < key.len; i++) {
        if (!memchr(plain, key.ptr[i], sizeof plain - 1)) return false;
    }
    return key.len > 0;
}

// tasks[0].data.train; nothing for the root.
static void append_path(Buffer *out, const Json *value)
{
    const Json *chain[JSON_READER_DEPTH + 1];
    size_t n = 0;
    for (const Json *v = value; v->parent; v = v->parent) chain[n++] = v;
    while (n-- > 0) {
        const Slice key = json_key(chain[n]);
        if (chain[n]->parent->kind == JSON_ARRAY) {
            buffer_printf(out, "[%zu]", chain[n]->index);
        } else if (is_plain_key(key)) {
            buffer_printf(out, "%s" SLICE_FMT, out->len ? "." : "", SLICE_ARG(key));
        } else {
            buffer_printf(out, "[\"" SLICE_FMT "\"]", SLICE_ARG(key));
        }
    }
}

static Status report(const Json *value, size_t offset, const char *what, Error *err)
{
    Buffer path = {0};
    append_path(&path, value);
    const JsonPlace place =
        json_place_in(value->document->text, offset, value->document->first_line);
    const Status s = error_set(err, STATUS_INVALID, SLICE_FMT ":%zu:%zu: %s%s%s",
                               SLICE_ARG(value->document->name), place.line, place.column,
                               path.ptr ? path.ptr : "", path.len ? ": " : "", what);
    buffer_release(&path);
    return s;
}

Status json_error(const Json *value, Error *err, const char *format, ...)
{
    char what[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return report(value, value->begin, what, err);
}

// What stands there, short enough for a message: "found 17", "found "sixteen"", "found an array".
static Status refuse(const Json *value, const char *wanted, Error *err)
{
    if (value->kind == JSON_ARRAY || value->kind == JSON_OBJECT) {
        return json_error(value, err, "found %s, want %s", json_kind_name(value->kind), wanted);
    }
    Slice shown = slice_sub(value->document->text, value->begin, value->end);
    if (shown.len <= MAX_SHOWN_BYTES) {
        return json_error(value, err, "found " SLICE_FMT ", want %s", SLICE_ARG(shown), wanted);
    }
    size_t cut = MAX_SHOWN_BYTES; // not inside a code point
    while (cut > 0 && ((unsigned char)shown.ptr[cut] & 0xC0) == 0x80) cut--;
    shown.len = cut;
    return json_error(value, err, "found " SLICE_FMT "..., want %s", SLICE_ARG(shown), wanted);
}

Status json_as_string(const Json *value, Slice *out, Error *err)
{
    if (value->kind != JSON_STRING) return refuse(value, "a string", err);
    *out = json_string(value);
    return STATUS_OK;
}

Status json_as_i64(const Json *value, int64_t lowest, int64_t highest, int64_t *out, Error *err)
{
    int64_t number;
    if (value->kind == JSON_NUMBER && slice_to_i64(json_number_text(value), &number) &&
        number >= lowest && number <= highest) {
        *out = number;
        return STATUS_OK;
    }
    char wanted[128];
    if (lowest == INT64_MIN && highest == INT64_MAX) {
        snprintf(wanted, sizeof wanted, "an integer");
    } else if (highest == INT64_MAX) {
        snprintf(wanted, sizeof wanted, "an integer of at least %lld", (long long)lowest);
    } else {
        snprintf(wanted, sizeof wanted, "an integer from %lld to %lld", (long long)lowest,
                 (long long)highest);
    }
    return refuse(value, wanted, err);
}

Status json_as_double(const Json *value, double lowest, double highest, double *out, Error *err)
{
    const double number = value->kind == JSON_NUMBER ? json_double(value) : NAN;
    if (number >= lowest && number <= highest) {
        *out = number;
        return STATUS_OK;
    }
    char wanted[128];
    if (lowest == -INFINITY && highest == INFINITY) {
        snprintf(wanted, sizeof wanted, "a number");
    } else if (highest == INFINITY) {
        snprintf(wanted, sizeof wanted, "a number of at least %.15g", lowest);
    } else if (lowest == -INFINITY) {
        snprintf(wanted, sizeof wanted, "a number of at most %.15g", highest);
    } else {
        snprintf(wanted, sizeof wanted, "a number from %.15g to %.15g", lowest, highest);
    }
    return refuse(value, wanted, err);
}

static Status as_bool(const Json *value, bool *out, Error *err)
{
    if (value->kind != JSON_BOOL) return refuse(value, "true or false", err);
    *out = json_bool(value);
    return STATUS_OK;
}

static Status as_kind(const Json *value, JsonKind kind, const Json **out, Error *err)
{
    if (value->kind != kind) return refuse(value, json_kind_name(kind), err);
    *out = value;
    return STATUS_OK;
}

// The member, or NULL where it is missing or null.
static const Json *present(const Json *object, const char *key)
{
    const Json *value = json_get(object, key);
    return value && value->kind != JSON_NULL ? value : NULL;
}

static Status missing(const Json *object, const char *key, Error *err)
{
    if (object->kind != JSON_OBJECT) return refuse(object, "an object", err);
    return json_error(object, err, "the key \"%s\" is missing", key);
}

Status json_want_string(const Json *object, const char *key, Slice *out, Error *err)
{
    const Json *value = present(object, key);
    return value ? json_as_string(value, out, err) : missing(object, key, err);
}

Status json_want_i64(const Json *object, const char *key, int64_t lowest, int64_t highest,
                     int64_t *out, Error *err)
{
    const Json *value = present(object, key);
    return value ? json_as_i64(value, lowest, highest, out, err) : missing(object, key, err);
}

Status json_want_double(const Json *object, const char *key, double lowest, double highest,
                        double *out, Error *err)
{
    const Json *value = present(object, key);
    return value ? json_as_double(value, lowest, highest, out, err) : missing(object, key, err);
}

Status json_want_bool(const Json *object, const char *key, bool *out, Error *err)
{
    const Json *value = present(object, key);
    return value ? as_bool(value, out, err) : missing(object, key, err);
}

Status json_want_kind(const Json *object, const char *key, JsonKind kind, const Json **out,
                      Error *err)
{
    const Json *value = present(object, key);
    return value ? as_kind(value, kind, out, err) : missing(object, key, err);
}

Status json_opt_string(const Json *object, const char *key, Slice *out, Error *err)
{
    const Json *value = present(object, key);
    return value ? json_as_string(value, out, err) : STATUS_OK;
}

Status json_opt_i64(const Json *object, const char *key, int64_t lowest, int64_t highest,
                    int64_t *out, Error *err)
{
    const Json *value = present(object, key);
    return value ? json_as_i64(value, lowest, highest, out, err) : STATUS_OK;
}

Status json_opt_double(const Json *object, const char *key, double lowest, double highest,
                       double *out, Error *err)
{
    const Json *value = present(object, key);
    return value ? json_as_double(value, lowest, highest, out, err) : STATUS_OK;
}

Status json_opt_bool(const Json *object, const char *key, bool *out, Error *err)
{
    const Json *value = present(object, key);
    return value ? as_bool(value, out, err) : STATUS_OK;
}

Status json_opt_kind(const Json *object, const char *key, JsonKind kind, const Json **out,
                     Error *err)
{
    const Json *value = present(object, key);
    return value ? as_kind(value, kind, out, err) : STATUS_OK;
}

Status json_check_keys(const Json *object, const char *const *known, size_t n_known, Error *err)
{
    if (object->kind != JSON_OBJECT) return refuse(object, "an object", err);
    for (size_t i = 0; i < object->n_children; i++) {
        const Json *member = object->children[i];
        const Slice key = json_key(member);
        bool is_known = false;
        for (size_t j = 0; j < n_known && !is_known; j++) is_known = slice_eq_cstr(key, known[j]);
        if (is_known) continue;
        char what[ERROR_TEXT_SIZE];
        NameList names = {0};
        const char *nearest = nearest_name(key, known, n_known);
        if (nearest) {
            snprintf(what, sizeof what, "unknown key \"" SLICE_FMT "\"; did you mean \"%s\"?",
                     SLICE_ARG(key), nearest);
        } else {
            for (size_t j = 0; j < n_known; j++) name_list_quote(&names, slice_from_cstr(known[j]));
            snprintf(what, sizeof what, "unknown key \"" SLICE_FMT "\"; the known ones are %s",
                     SLICE_ARG(slice_sub(key, 0, MAX_NAME_SHOWN)), names.text);
        }
        return report(object, member->key_begin, what, err);
    }
    return STATUS_OK;
}
