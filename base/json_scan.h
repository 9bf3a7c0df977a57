// base/json_scan.h: the lexical rules of JSON (RFC 8259), shared by base/json.c and base/json_reader.c. Internal.
#ifndef ASSAY_BASE_JSON_SCAN_H
#define ASSAY_BASE_JSON_SCAN_H

#include "base/json.h"
#include "base/json_reader.h"

// A string as it stands between its quotes.
typedef struct JsonText {
    Slice raw;
    bool has_escape;
    bool has_nul; // \u0000 occurs
} JsonText;

// The length of a byte order mark at the front: 3 or 0.
size_t json_bom_len(Slice text);
// Whether it begins with the byte order mark of UTF-16, which no UTF-8 does.
bool json_is_utf16(Slice text);
// Line (the text's first one counts as first_line) and column in code points of a byte offset. A byte order mark takes
// no column.
JsonPlace json_place_in(Slice text, size_t offset, size_t first_line);

// Both start at *at (an opening quote; a digit or '-') and move it behind the last byte. On failure *at is the offending
// byte and *why says what is wrong with it.
bool json_scan_string(Slice text, size_t *at, JsonText *out, const char **why);
bool json_scan_number(Slice text, size_t *at, const char **why);
// Writes what a scanned string means and returns its length, at most raw.len bytes.
size_t json_unescape(Slice raw, char *out);

enum { JSON_DESCRIBE_SIZE = 32 };
// "'x'", "byte 0xe9" or "the end of the text": what stands at an offset, for messages.
void json_describe(Slice text, size_t at, char out[JSON_DESCRIBE_SIZE]);

// A walk over one value and all values inside it, in document order. Zero it, then call json_visit until !*more.
typedef struct JsonVisit {
    bool begun;
    size_t floor; // r->depth outside the value

    // The value just met.
    JsonKind kind;
    size_t depth;      // 0 for the outermost
    size_t begin, end; // of its text; of the opening bracket alone for arrays and objects
    bool has_key;
    size_t key_begin; // of the key's opening quote
    bool has_nul;     // U+0000 in the key or the string
} JsonVisit;

Status json_visit(JsonReader *r, JsonVisit *visit, bool *more, Error *err) MUST_CHECK;

// An error at a byte offset of the reader's text.
Status json_reader_error_at(const JsonReader *r, size_t offset, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
