// tools/jsonl.h: JSON Lines in and out: a case a line, an answer a line, in the same order.
//
// A case that cannot be read or worked on becomes {"id": .., "error": text} in its place and the others go on; the command
// then ends with STATUS_INVALID. An "id", any JSON value, comes back as it was written. Blank lines are passed over. Other
// keys than those asked for are passed over too, so that a data set can be fed in as it is.
#ifndef ASSAY_TOOLS_JSONL_H
#define ASSAY_TOOLS_JSONL_H

#include "base/file.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "tools/command.h"

// ---- reading the members of a case ----

typedef struct JsonlText {
    Slice text;
    bool is_given; // and not null
} JsonlText;

typedef struct JsonlSize {
    size_t value;
    bool is_given;
} JsonlSize;

typedef struct JsonlNumber {
    double value;
    bool is_given;
} JsonlNumber;

typedef struct JsonlInts {
    int32_t *values;
    size_t n;
    bool is_given;
} JsonlInts;

typedef struct JsonlFloats {
    float *values;
    size_t n;
    bool is_given;
} JsonlFloats;

typedef struct JsonlTexts {
    Slice *values;
    size_t n;
    bool is_given;
} JsonlTexts;

typedef enum JsonlKind {
    JSONL_RAW,    // Slice: the value as it stands
    JSONL_TEXT,   // JsonlText
    JSONL_SIZE,   // JsonlSize: an integer from 0 to 2^31 - 1
    JSONL_COUNT,  // JsonlSize: an integer from 1 to 2^31 - 1
    JSONL_SEED,   // JsonlSize: an integer from 0 to 2^63 - 1
    JSONL_BOOL,   // bool
    JSONL_INTS,   // JsonlInts: an array of 32-bit integers, or one integer
    JSONL_NUMBER, // JsonlNumber
    JSONL_FLOATS, // JsonlFloats: an array of numbers, or one number
    JSONL_TEXTS,  // JsonlTexts: an array of texts, or one text
    JSONL_KEYS,   // JsonlTexts: the keys of all members, in their order; a field without a key
} JsonlKind;

typedef struct JsonlField {
    const char *key; // NULL for JSONL_KEYS
    JsonlKind kind;
    size_t offset; // into the struct that is filled
} JsonlField;

enum { JSONL_MAX_FIELDS = 64 };

// Reads the object that comes next into *out: fields that are absent or null leave *out as it is; a field that stands
// twice is refused. At most JSONL_MAX_FIELDS. Memory comes from the reader's arena.
Status jsonl_read_object(JsonReader *r, const JsonlField *fields, size_t n_fields, void *out,
                         Error *err) MUST_CHECK;
// The same for a whole line. Where that fails, a field "id" of JSONL_RAW is filled all the same if it can be found.
Status jsonl_read_line(Slice name, size_t line_number, Slice line, Arena *arena,
                       const JsonlField *fields, size_t n_fields, void *out, Error *err) MUST_CHECK;

// How many of n_tokens come before padding, by an "attention_mask" of ones and then zeros; all where none is given. A mask
// of another length, with other numbers, or with tokens after padding is refused: positions would not be those meant.
Status jsonl_count_unpadded(const JsonlInts *mask, size_t n_tokens, size_t *n_kept,
                            Error *err) MUST_CHECK;

// ---- the stream of answers ----

typedef struct JsonlOut {
    const char *path;
    FileWriter *writer; // NULL for standard output and for what is no plain file
    FILE *stream;       // of the latter
    Buffer text;
    JsonWriter json;
    bool is_array; // --json on standard output: one document, an array
    size_t n_written;
    size_t n_failed;
    bool goes_on; // what jsonl_out_keep keeps is gone on with by the same command
} JsonlOut;

// Refuses an output that is the file which is read ("-": standard input or output): that would be gone.
Status jsonl_refuse_input(const char *in_path, const char *out_path, Error *err) MUST_CHECK;
// path "-" is standard output. A plain file is written anew and renamed at the end; a device or pipe is written as it is.
Status jsonl_out_open(JsonlOut *out, const char *path, bool is_array, Error *err) MUST_CHECK;
// The same of an output whose unfinished file a later run goes on with (file_writer_resume).
Status jsonl_out_resume(JsonlOut *out, const char *path, bool is_array, Error *err) MUST_CHECK;
// An answer: begin, put members with the writer that comes back, end. id is the raw value; ptr NULL = none.
JsonWriter *jsonl_out_begin(JsonlOut *out, Slice id);
Status jsonl_out_end(JsonlOut *out, Error *err) MUST_CHECK;
// Within an answer that is large: hands on what there is of it once it is long. It can then no longer be taken back.
Status jsonl_out_spill(JsonlOut *out, Error *err) MUST_CHECK;
// Ends an answer that is no object and that the caller has put into out->text.
Status jsonl_out_end_line(JsonlOut *out, Error *err) MUST_CHECK;
// An answer that says why there is none.
Status jsonl_out_failure(JsonlOut *out, Slice id, const Error *why, Error *err) MUST_CHECK;
// Hands on what is written so far, so that a reader at the other end sees it.
Status jsonl_out_flush(JsonlOut *out, Error *err) MUST_CHECK;
// Ends the document and keeps the file. STATUS_INVALID where cases failed, naming how many: then the file is kept all the
// same.
Status jsonl_out_finish(JsonlOut *out, Error *err) MUST_CHECK;
// After a failure: keeps the whole lines of an unfinished file under another name, and adds to the message which. A no-op where
// there are none, or where no file is written.
void jsonl_out_keep(JsonlOut *out, Error *err);
// Releases everything and drops an unfinished file; a no-op on a zeroed or finished one.
void jsonl_out_release(JsonlOut *out);

#endif
