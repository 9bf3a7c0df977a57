// results/canonical.c: sorted keys, no blanks, one spelling a number.
#include "results/canonical.h"

#include "base/json_writer.h"

// Whether the text is an integer in its only spelling ("-0" is none: its double is written).
static bool is_plain_integer(Slice text)
{
    int64_t i;
    uint64_t u;
    return !slice_eq_cstr(text, "-0") && (slice_to_i64(text, &i) || slice_to_u64(text, &u));
}

static void put_number(const Json *value, Buffer *out)
{
    const Slice text = json_number_text(value);
    const double number = json_double(value);
    if (is_plain_integer(text)) {
        buffer_append(out, text);
    } else if (number == 0) {
        buffer_append_byte(out, '0');
    } else if (number >= -9007199254740992.0 && number <= 9007199254740992.0 &&
               number == (double)(int64_t)number) {
        buffer_printf(out, "%lld", (long long)number); // 16.0 is 16, 1e3 is 1000
    } else {
        buffer_append_double(out, number);
    }
}

static int by_key(const void *a, const void *b)
{
    return slice_cmp(json_key(*(const Json *const *)a), json_key(*(const Json *const *)b));
}

static void put_object(const Json *value, Buffer *out)
{
    const size_t n = json_len(value);
    const Json **members = calloc(n + 1, sizeof *members);
    if (members == NULL) {
        out->failed = true;
        return;
    }
    size_t i = 0;
    for (const Json *m = json_first(value); m != NULL; m = json_next(m)) members[i++] = m;
    qsort(members, n, sizeof *members, by_key);
    buffer_append_byte(out, '{');
    for (i = 0; i < n; i++) {
        if (i > 0) buffer_append_byte(out, ',');
        json_escape(out, json_key(members[i]));
        buffer_append_byte(out, ':');
        canonical_json(members[i], out);
    }
    buffer_append_byte(out, '}');
    free(members);
}

static void put_array(const Json *value, Buffer *out)
{
    buffer_append_byte(out, '[');
    for (const Json *v = json_first(value); v != NULL; v = json_next(v)) {
        if (v != json_first(value)) buffer_append_byte(out, ',');
        canonical_json(v, out);
    }
    buffer_append_byte(out, ']');
}

void canonical_json(const Json *value, Buffer *out)
{
    switch (json_kind(value)) {
    case JSON_NULL:
        buffer_append_cstr(out, "null");
        break;
    case JSON_BOOL:
        buffer_append_cstr(out, json_bool(value) ? "true" : "false");
        break;
    case JSON_NUMBER:
        put_number(value, out);
        break;
    case JSON_STRING:
        json_escape(out, json_string(value));
        break;
    case JSON_ARRAY:
        put_array(value, out);
        break;
    case JSON_OBJECT:
        put_object(value, out);
        break;
    }
}

Status canonical_json_text(Slice what, Slice text, Buffer *out, Error *err)
{
    JsonDocument *document = NULL;
    TRY(json_parse(what, text, JSON_STRICT, &document, err));
    canonical_json(json_root(document), out);
    json_close(&document);
    return buffer_status(out, err);
}

Status canonical_member(Slice what, Slice object, const char *key, Buffer *out, Error *err)
{
    JsonDocument *document = NULL;
    TRY(json_parse(what, object, JSON_STRICT, &document, err));
    const Json *value = json_get(json_root(document), key);
    Status s = STATUS_OK;
    if (value) {
        buffer_printf(out, "{\"%s\":", key);
        canonical_json(value, out);
        buffer_append_byte(out, '}');
    } else {
        s = error_set(err, STATUS_NOT_FOUND, SLICE_FMT " has no \"%s\"", SLICE_ARG(what), key);
    }
    json_close(&document);
    return s;
}
