// base/buffer.h: a growing byte string, to build output in.
//
// A failed append (out of memory) is remembered, later appends do nothing, and buffer_status tells at the end: callers
// check once. Zeroed is ready to use.
#ifndef ASSAY_BASE_BUFFER_H
#define ASSAY_BASE_BUFFER_H

#include "base/error.h"
#include "base/slice.h"

typedef struct Buffer {
    char *ptr; // owned; NUL-terminated whenever not NULL
    size_t len;
    size_t capacity;
    bool failed;
} Buffer;

void buffer_append(Buffer *buffer, Slice text);
void buffer_append_cstr(Buffer *buffer, const char *text);
void buffer_append_byte(Buffer *buffer, char byte);
// Locale-independent as long as the program never calls setlocale(LC_NUMERIC); it does not.
void buffer_printf(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The shortest decimal that reads back as the same double ("0.1", "1e-05"); "NaN", "Infinity", "-Infinity".
void buffer_append_double(Buffer *buffer, double value);
void buffer_clear(Buffer *buffer);
Slice buffer_slice(const Buffer *buffer);
Status buffer_status(const Buffer *buffer, Error *err) MUST_CHECK;
void buffer_release(Buffer *buffer);

#endif
