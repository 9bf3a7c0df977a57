// results/keep.h: copies into an arena whose failure is remembered, so that building a large structure checks once.
#ifndef ASSAY_RESULTS_KEEP_H
#define ASSAY_RESULTS_KEEP_H

#include "base/arena.h"

// *failed becomes true when memory runs out; an absent text (ptr NULL) stays absent.
static inline Slice keep_text(Arena *arena, Slice text, bool *failed)
{
    if (text.ptr == NULL) return text;
    const Slice copy = arena_copy(arena, text);
    if (copy.ptr == NULL) *failed = true;
    return copy;
}

// The same for what arena_printf gives.
static inline Slice keep_cstr(const char *text, bool *failed)
{
    if (text == NULL) *failed = true;
    return slice_from_cstr(text);
}

#endif
