// datasets/rows.h: delimited text cut into rows and fields. Internal to datasets/.
#ifndef ASSAY_DATASETS_ROWS_H
#define ASSAY_DATASETS_ROWS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

// Zero it and set the first part.
typedef struct RowReader {
    Slice path; // for messages
    Slice text;
    Arena *arena; // for unescaped fields and the array of fields
    char delimiter;
    bool
        is_quoted; // RFC 4180: fields in double quotes may hold delimiters, line breaks and doubled quotes
    size_t max_fields; // 0 = no limit; the last one takes the rest of the line

    size_t at;        // byte offset of what comes next
    size_t next_line; // its line, less 1
    size_t line;      // where the row just read begins, from 1
    Slice *fields;
    size_t n_fields, capacity;
    bool is_blank; // the row is an empty line (one empty field)
} RowReader;

// Reads the next row; *more is false at the end. Lines end in LF or CRLF. Fields borrow from text or lie in the arena; the
// array is valid until the next call.
Status row_next(RowReader *r, bool *more, Error *err) MUST_CHECK;

#endif
