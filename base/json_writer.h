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

// A string with its quotes, escaped, into a buffer: for writers of other formats that embed JSON.
void json_escape(Buffer *out, Slice text);

#endif
