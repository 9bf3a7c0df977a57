// base/input.h: the bytes of a file or of standard input in sequence, unpacked where they are gzip or zstd.
//
// What a file is shows in its first bytes, never in its name. gzip may have several members and zeros after the last (as
// `gzip` and `cat a.gz b.gz` leave them), zstd several frames. Memory is bounded whatever the file's length. A file that
// ends early is refused, and so is one that unpacks to more than INPUT_MAX_RATIO times its size: both are named.
//
// Sources: RFC 1952 (gzip), RFC 8878 (zstd).
#ifndef ASSAY_BASE_INPUT_H
#define ASSAY_BASE_INPUT_H

#include "base/error.h"
#include "base/sha256.h"
#include "base/slice.h"

// Text that people write packs 3 to 10 times, generated logs up to 200 times; deflate reaches 1032, zstd millions. The
// first INPUT_FREE_BYTES are not held to it.
enum { INPUT_MAX_RATIO = 500, INPUT_FREE_BYTES = 64 << 20 };

typedef struct Input Input;

// path "-" is standard input; directories are refused. hash, where not NULL, is fed the bytes as they stand in the file.
Status input_open(const char *path, Sha256 *hash, Input **out, Error *err) MUST_CHECK;
// Up to size bytes, at least one unless the end is reached: *n is 0 only there.
Status input_read(Input *input, char *out, size_t size, size_t *n, Error *err) MUST_CHECK;
void input_close(Input **input); // a no-op on NULL

// Whether a file that begins with these bytes is one of those that are unpacked.
bool input_is_packed(Slice begin);
// The name without ".gz" or ".zst" at its end (in any case), for who tells a format by a name.
Slice input_plain_name(Slice path);

#endif
