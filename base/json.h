// base/json.h: JSON documents (suites, configs, small reports): a tree with positions.
//
// A pass of ours checks the text before cJSON builds the tree: valid UTF-8, depth at most 128, no duplicate keys, no
// text after the document, no U+0000 in strings; with JSON_COMMENTS it blanks // and /* */ comments byte for byte. It
// records where each value stands, so that every message has file, line and column (both from 1; columns in code
// points) and the key's path. Look-up is case-sensitive. Integers are exact: they are read from their digits.
// Big and record files (JSON Lines, vocab.json, safetensors headers) go through base/json_reader.h instead.
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

typedef struct JsonDocument JsonDocument;
typedef struct Json Json; // one value inside a document; borrowed from it

typedef enum JsonKind {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} JsonKind;

typedef enum JsonFlags {
    JSON_STRICT = 0,
    JSON_COMMENTS = 1,
} JsonFlags;

// name is the file's name for messages; it and text are copied. The document owns its memory.
Status json_parse(Slice name, Slice text, JsonFlags flags, JsonDocument **out,
                  Error *err) MUST_CHECK;
// The same for a line of a JSON Lines file: places count from its number.
Status json_parse_line(Slice name, size_t line_number, Slice line, JsonDocument **out,
                       Error *err) MUST_CHECK;
// Reads at most 64 MiB from a file.
Status json_load(const char *path, JsonFlags flags, JsonDocument **out, Error *err) MUST_CHECK;
void json_close(JsonDocument **document); // a no-op on NULL

const Json *json_root(const JsonDocument *document);
JsonKind json_kind(const Json *value);
const char *json_kind_name(JsonKind kind); // "a string", "an object", ... for messages
size_t json_len(const Json *value);        // elements of an array or members of an object, else 0
const Json *json_at(const Json *value,
                    size_t index); // element or member by position; NULL past the end
// Walking: for (const Json *v = json_first(x); v; v = json_next(v)).
const Json *json_first(const Json *value);
const Json *json_next(const Json *value);
Slice json_key(const Json *member); // the member's key; empty for elements and the root
// NULL where object is NULL, no object, or has no such key.
const Json *json_get(const Json *object, const char *key);

// The value itself, without a check of kind beyond an assert: for values already validated.
bool json_bool(const Json *value);
double json_double(const Json *value);
Slice json_string(const Json *value);
// The digits as they stand in the text, for canonical forms and exact integers.
Slice json_number_text(const Json *value);

// Typed reading with messages: file:line:column: key.path: what was found and what is wanted. A missing key fails in
// the _want_ forms; the _opt_ forms leave *out as it is (put the default there) and succeed. null counts as missing.
Status json_want_string(const Json *object, const char *key, Slice *out, Error *err) MUST_CHECK;
Status json_want_i64(const Json *object, const char *key, int64_t lowest, int64_t highest,
                     int64_t *out, Error *err) MUST_CHECK;
Status json_want_double(const Json *object, const char *key, double lowest, double highest,
                        double *out, Error *err) MUST_CHECK;
Status json_want_bool(const Json *object, const char *key, bool *out, Error *err) MUST_CHECK;
Status json_want_kind(const Json *object, const char *key, JsonKind kind, const Json **out,
                      Error *err) MUST_CHECK;
Status json_opt_string(const Json *object, const char *key, Slice *out, Error *err) MUST_CHECK;
Status json_opt_i64(const Json *object, const char *key, int64_t lowest, int64_t highest,
                    int64_t *out, Error *err) MUST_CHECK;
Status json_opt_double(const Json *object, const char *key, double lowest, double highest,
                       double *out, Error *err) MUST_CHECK;
Status json_opt_bool(const Json *object, const char *key, bool *out, Error *err) MUST_CHECK;
Status json_opt_kind(const Json *object, const char *key, JsonKind kind, const Json **out,
                     Error *err) MUST_CHECK;
// The same for a value in hand.
Status json_as_i64(const Json *value, int64_t lowest, int64_t highest, int64_t *out,
                   Error *err) MUST_CHECK;
Status json_as_double(const Json *value, double lowest, double highest, double *out,
                      Error *err) MUST_CHECK;
Status json_as_string(const Json *value, Slice *out, Error *err) MUST_CHECK;

// Refuses keys outside the list and names the nearest known one ("did you mean ...?").
Status json_check_keys(const Json *object, const char *const *known, size_t n_known,
                       Error *err) MUST_CHECK;
// An error at a value's place: "suite.json:12:7: tune.batch_size: " and the formatted text.
Status json_error(const Json *value, Error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Where a value stands, for callers that keep positions.
typedef struct JsonPlace {
    size_t line;
    size_t column;
} JsonPlace;
JsonPlace json_place(const Json *value);

// The known name nearest to text by edit distance, or NULL where none is near enough to be meant. Also used for flags.
const char *nearest_name(Slice text, const char *const *known, size_t n_known);

#endif
