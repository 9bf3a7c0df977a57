#include "base/json_writer.h"

#include <math.h>

void json_member_string(JsonWriter *w, const char *key, Slice text)
{
    json_put_key(w, key);
    json_put_string(w, text);
}

void json_member_cstr(JsonWriter *w, const char *key, const char *text)
{
    json_put_key(w, key);
    json_put_cstr(w, text);
}

void json_member_i64(JsonWriter *w, const char *key, int64_t value)
{
    json_put_key(w, key);
    json_put_i64(w, value);
}

void json_member_u64(JsonWriter *w, const char *key, uint64_t value)
{
    json_put_key(w, key);
    json_put_u64(w, value);
}

void json_member_double(JsonWriter *w, const char *key, double value)
{
    json_put_key(w, key);
    json_put_double(w, value);
}

void json_member_float(JsonWriter *w, const char *key, float value)
{
    json_put_key(w, key);
    json_put_float(w, value);
}

void json_member_bool(JsonWriter *w, const char *key, bool value)
{
    json_put_key(w, key);
    json_put_bool(w, value);
}

void json_member_raw(JsonWriter *w, const char *key, Slice json)
{
    json_put_key(w, key);
    json_put_raw(w, json);
}

void json_member_null(JsonWriter *w, const char *key)
{
    json_put_key(w, key);
    json_put_null(w);
}

void json_member_object(JsonWriter *w, const char *key)
{
    json_put_key(w, key);
    json_begin_object(w);
}

void json_member_array(JsonWriter *w, const char *key)
{
    json_put_key(w, key);
    json_begin_array(w);
}

void json_member_string_or_null(JsonWriter *w, const char *key, Slice text)
{
    text.ptr ? json_member_string(w, key, text) : json_member_null(w, key);
}

void json_member_raw_or_null(JsonWriter *w, const char *key, Slice json)
{
    json.len > 0 ? json_member_raw(w, key, json) : json_member_null(w, key);
}

void json_member_i64_or_null(JsonWriter *w, const char *key, int64_t value, int64_t absent)
{
    value != absent ? json_member_i64(w, key, value) : json_member_null(w, key);
}

void json_member_double_or_null(JsonWriter *w, const char *key, double value)
{
    isnan(value) ? json_member_null(w, key) : json_member_double(w, key, value);
}
