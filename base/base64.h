// base/base64.h: RFC 4648's base64 with padding.
#ifndef ASSAY_BASE_BASE64_H
#define ASSAY_BASE_BASE64_H

#include "base/arena.h"

// The bytes that text spells, in the arena. STATUS_INVALID with the offset of the first byte that does not belong.
Status base64_decode(Arena *arena, Slice text, Slice *out, Error *err) MUST_CHECK;
// The text that spells bytes, in the arena.
Status base64_encode(Arena *arena, Slice bytes, Slice *out, Error *err) MUST_CHECK;

#endif
