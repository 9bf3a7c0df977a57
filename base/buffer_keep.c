#include "base/buffer_keep.h"

Status buffer_keep(Buffer *buffer, Arena *arena, const char *what, Slice *out, Error *err)
{
    Status s = buffer_status(buffer, err);
    if (s == STATUS_OK) {
        *out = arena_copy(arena, buffer_slice(buffer));
        if (!out->ptr) s = error_set_memory(err, buffer->len, 1, what);
    }
    buffer_release(buffer);
    return s;
}
