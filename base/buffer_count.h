// base/buffer_count.h: large numbers as people read them.
#ifndef ASSAY_BASE_BUFFER_COUNT_H
#define ASSAY_BASE_BUFFER_COUNT_H

#include "base/buffer.h"

void buffer_append_count(Buffer *buffer, uint64_t n); // "12,345"
void buffer_append_size(
    Buffer *buffer, uint64_t bytes); // "12.3 KiB", from half a MiB on "1.2 MiB", from 10 GiB on GiB

#endif
