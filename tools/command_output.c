#include <errno.h>
#include <stdio.h>

#include "base/escape.h"
#include "tools/command.h"

static bool reader_is_gone;

// Keeps in mind that nobody reads any more: that is no failure to tell people about.
static Status output_error(Error *err)
{
    if (errno == EPIPE) reader_is_gone = true;
    return error_set_errno(err, "standard output");
}

bool output_is_abandoned(void)
{
    return reader_is_gone;
}

Status output_write(Slice bytes, Error *err)
{
    if (bytes.len == 0) return STATUS_OK;
    errno = 0;
    if (fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len) return STATUS_OK;
    return output_error(err);
}

Status output_buffer(Buffer *buffer, Error *err)
{
    Status s = buffer_status(buffer, err);
    if (s == STATUS_OK) s = output_write(buffer_slice(buffer), err);
    buffer_release(buffer);
    return s;
}

void output_escaped(Buffer *out, Slice text)
{
    char shown[4096];
    while (text.len > 0) {
        // In pieces that fit even where every byte becomes \xNN; a cut inside a character would show it as bytes.
        size_t n = text.len < 1000 ? text.len : 1000;
        while (n < text.len && n > 990 && ((unsigned char)text.ptr[n] & 0xC0) == 0x80) n--;
        const size_t len = escape_text(slice_sub(text, 0, n), shown, sizeof shown);
        buffer_append(out, (Slice){shown, len});
        text = slice_sub(text, n, text.len);
    }
}

Status output_finish(Error *err)
{
    errno = 0;
    const bool had_failed = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !had_failed) return STATUS_OK;
    if (errno == 0)
        return error_set(err, STATUS_IO, "standard output: what was written is incomplete");
    return output_error(err);
}
