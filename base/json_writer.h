// base/json_writer.h: JSON out. Commas, quotes and escapes are the writer's; the caller says what, not how.
//
// Doubles are the shortest text that reads back the same; non-finite ones are the strings "NaN", "Infinity",
// "-Infinity". Text that is not valid UTF-8 is written with U+FFFD for each broken byte. With indent 0 the document is
// one line (JSON Lines); else it is laid out with that many spaces. Begin and end must pair (asserted).
#ifndef ASSAY_BASE_JSON_WRITER_H
#define ASSAY_BASE_JSON_WRITER_H

#include "base/buffer.h"
#include "base/slice.h"

typedef struct JsonWriter {
    Buffer *out; // borrowed; check buffer_status at the end
    int indent;
    size_t depth;
    bool has_member[128];
    bool after_key;
} JsonWriter;

JsonWriter json_writer(Buffer *out, int indent);

void json_begin_object(JsonWriter *w);
void json_end_object(JsonWriter *w);
void json_begin_array(JsonWriter *w);
void json_end_array(JsonWriter *w);
void json_put_key(JsonWriter *w, const char *key);
void json_put_key_slice(JsonWriter *w, Slice key);
void json_put_string(JsonWriter *w, Slice text);
void json_put_cstr(JsonWriter *w, const char *text); // NULL writes null
void json_put_i64(JsonWriter *w, int64_t value);
void json_put_u64(JsonWriter *w, uint64_t value);
void json_put_double(JsonWriter *w, double value);
void json_put_float(JsonWriter *w,
                    float value); // the shortest text that reads back as the same float
void json_put_bool(JsonWriter *w, bool value);
void json_put_null(JsonWriter *w);
void json_put_raw(JsonWriter *w, Slice json); // a complete value, written as it is

// A member of an object: its key, then the value as above. json_end_object or json_end_array closes what the last two begin.
void json_member_string(JsonWriter *w, const char *key, Slice text);
void json_member_cstr(JsonWriter *w, const char *key, const char *text);
void json_member_i64(JsonWriter *w, const char *key, int64_t value);
void json_member_u64(JsonWriter *w, const char *key, uint64_t value);
void json_member_double(JsonWriter *w, const char *key, double value);
void json_member_float(JsonWriter *w, const char *key, float value);
void json_member_bool(JsonWriter *w, const char *key, bool value);
void json_member_null(JsonWriter *w, const char *key);
void json_member_raw(JsonWriter *w, const char *key, Slice json);
void json_member_object(JsonWriter *w, const char *key);
void json_member_array(JsonWriter *w, const char *key);

// The same where null stands for what is absent: a text or JSON whose ptr is NULL (JSON also where it is empty), a number
// equal to `absent`, NaN.
void json_member_string_or_null(JsonWriter *w, const char *key, Slice text);
void json_member_raw_or_null(JsonWriter *w, const char *key, Slice json);
void json_member_i64_or_null(JsonWriter *w, const char *key, int64_t value, int64_t absent);
void json_member_double_or_null(JsonWriter *w, const char *key, double value);

// A string with its quotes, escaped, into a buffer: for writers of other formats that embed JSON.
void json_escape(Buffer *out, Slice text);

#endif
