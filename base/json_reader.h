// base/json_reader.h: a pull reader for big and record JSON: no tree, strings keep their lengths (U+0000 included).
//
//     JsonReader r = json_reader(name, text, arena);
//     TRY(json_read_object(&r, err));
//     while (json_read_key(&r, &key, &more, err) == STATUS_OK && more) { ... read or skip the value ... }
//
// The reader checks as strictly as json.h (UTF-8, escapes, surrogate pairs, numbers, commas, depth at most 128) but not
// for duplicate keys: a caller to whom they matter looks itself. Nothing recurses.
#ifndef ASSAY_BASE_JSON_READER_H
#define ASSAY_BASE_JSON_READER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/slice.h"

enum { JSON_READER_DEPTH = 128 };

typedef struct JsonReader {
    Slice name;         // for messages
    const char *member; // whose value is being read, for messages; NULL = none is named
    Slice text;
    size_t at;         // byte offset of what comes next
    size_t first_line; // number of the text's first line, for JSON Lines; 1 by default
    Arena *arena;      // unescaped strings go here; a string without escapes borrows from text
    char *
        comment_copy; // a writable copy of text: // and /* */ comments are accepted and overwritten there with blanks.
    // NULL (the default): comments are refused
    size_t depth;
    unsigned char state
        [JSON_READER_DEPTH]; // what stands open: array or object, and whether a member was read
} JsonReader;

JsonReader json_reader(Slice name, Slice text, Arena *arena);

// What the next value is, without reading it. Fails at the end of the text and on a byte that starts no value.
Status json_peek(JsonReader *r, JsonKind *kind, Error *err) MUST_CHECK;
// Enter an object or array; then members until *more is false, which leaves it.
Status json_read_object(JsonReader *r, Error *err) MUST_CHECK;
Status json_read_key(JsonReader *r, Slice *key, bool *more, Error *err) MUST_CHECK;
Status json_read_array(JsonReader *r, Error *err) MUST_CHECK;
Status json_read_element(JsonReader *r, bool *more, Error *err) MUST_CHECK;
// Scalars. read_i64 refuses fractions and exponents; read_double also takes the strings "NaN", "Infinity", "-Infinity".
Status json_read_string(JsonReader *r, Slice *out, Error *err) MUST_CHECK;
Status json_read_i64(JsonReader *r, int64_t *out, Error *err) MUST_CHECK;
Status json_read_u64(JsonReader *r, uint64_t *out, Error *err) MUST_CHECK;
Status json_read_double(JsonReader *r, double *out, Error *err) MUST_CHECK;
Status json_read_bool(JsonReader *r, bool *out, Error *err) MUST_CHECK;
Status json_read_null(JsonReader *r, Error *err) MUST_CHECK;
// Skips any value, checking it.
Status json_skip(JsonReader *r, Error *err) MUST_CHECK;
// Any value as the text it stands in (checked): to pass on unchanged or to read later.
Status json_read_raw(JsonReader *r, Slice *out, Error *err) MUST_CHECK;
// Only blanks may follow.
Status json_read_end(JsonReader *r, Error *err) MUST_CHECK;
// An error at the current place: "name:line:column: ", the member where one is named, and the text.
Status json_reader_error(const JsonReader *r, Error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
