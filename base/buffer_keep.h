// base/buffer_keep.h: what was built in a buffer, kept in an arena.
#ifndef ASSAY_BASE_BUFFER_KEEP_H
#define ASSAY_BASE_BUFFER_KEEP_H

#include "base/arena.h"
#include "base/buffer.h"

// *out is a copy in the arena. The buffer is released, also on failure. `what` names it where memory runs out ("a prompt").
Status buffer_keep(Buffer *buffer, Arena *arena, const char *what, Slice *out,
                   Error *err) MUST_CHECK;

#endif
