#include "base/buffer.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { FIRST_CAPACITY = 256 };

// Makes room for extra bytes and a NUL; false, and remembered, when memory runs out.
static bool reserve(Buffer *buffer, size_t extra)
{
    if (buffer->failed) return false;
    size_t needed;
    // No allocator has more than PTRDIFF_MAX, and the address sanitizer aborts when asked for it.
    if (!size_add(buffer->len, extra, &needed) || needed >= PTRDIFF_MAX) {
        buffer->failed = true;
        return false;
    }
    needed++; // the NUL
    if (needed <= buffer->capacity) return true;
    const size_t doubled = 2 * buffer->capacity; // cannot overflow below PTRDIFF_MAX
    const size_t capacity = size_max(size_max(doubled, needed), FIRST_CAPACITY);
    char *grown = realloc(buffer->ptr, capacity);
    if (grown == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->ptr = grown;
    buffer->capacity = capacity;
    return true;
}

void buffer_append(Buffer *buffer, Slice text)
{
    if (!reserve(buffer, text.len)) return;
    if (text.len > 0) memcpy(buffer->ptr + buffer->len, text.ptr, text.len);
    buffer->len += text.len;
    buffer->ptr[buffer->len] = '\0';
}

void buffer_append_cstr(Buffer *buffer, const char *text)
{
    buffer_append(buffer, slice_from_cstr(text));
}

void buffer_append_byte(Buffer *buffer, char byte)
{
    buffer_append(buffer, (Slice){&byte, 1});
}

void buffer_printf(Buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    if (len < 0) {
        buffer->failed = true;
    } else if (reserve(buffer, (size_t)len)) {
        vsnprintf(buffer->ptr + buffer->len, (size_t)len + 1, format, again);
        buffer->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void buffer_append_double(Buffer *buffer, double value)
{
    if (isnan(value)) {
        buffer_append_cstr(buffer, "NaN");
        return;
    }
    if (isinf(value)) {
        buffer_append_cstr(buffer, value > 0 ? "Infinity" : "-Infinity");
        return;
    }
    // Any decimal of at most 15 digits survives the way through a normal double, so 15 finds the shortest form (%g
    // drops trailing zeros); below DBL_MIN fewer digits may do.
    char text[40];
    int precision = fabs(value) < DBL_MIN ? 1 : 15;
    do {
        snprintf(text, sizeof text, "%.*g", precision, value);
        precision++;
    } while (precision <= 17 && strtod(text, NULL) != value);
    buffer_append_cstr(buffer, text);
}

void buffer_clear(Buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
    if (buffer->ptr != NULL) buffer->ptr[0] = '\0';
}

Slice buffer_slice(const Buffer *buffer)
{
    return (Slice){buffer->ptr, buffer->len};
}

Status buffer_status(const Buffer *buffer, Error *err)
{
    if (!buffer->failed) return STATUS_OK;
    return error_set(err, STATUS_MEMORY, "out of memory: output of more than %zu bytes",
                     buffer->len);
}

void buffer_release(Buffer *buffer)
{
    free(buffer->ptr);
    *buffer = (Buffer){0};
}
