// base/buffer_count.h: large numbers as people read them.
#ifndef ASSAY_BASE_BUFFER_COUNT_H
#define ASSAY_BASE_BUFFER_COUNT_H

#include "base/buffer.h"

void buffer_append_count(Buffer *buffer, uint64_t n); // "12,345"

#endif
