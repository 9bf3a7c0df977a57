// datasets/encoding.h: a file's bytes become checked UTF-8. Internal to datasets/.
#ifndef ASSAY_DATASETS_ENCODING_H
#define ASSAY_DATASETS_ENCODING_H

#include "datasets/reader.h"

// *out is valid UTF-8 without NUL and byte order mark: the bytes themselves where they are that, else a copy in the arena.
// Errors name path, line, column and byte offset: NUL bytes, UTF-16, invalid UTF-8 (with the encodings that would read
// it).
Status encoding_decode(Arena *arena, Slice path, Slice bytes, TextEncoding encoding,
                       ReadSpeech speech, Slice *out, Error *err) MUST_CHECK;

// Line and column (code points, broken bytes count one) of a byte offset, from 1.
void encoding_place(Slice text, size_t offset, size_t *line, size_t *column);

// "utf-8", "latin1", "windows-1252"; also "utf8", "iso-8859-1", "cp1252", whatever the case.
bool encoding_from_name(Slice name, TextEncoding *out);
const char *encoding_name(TextEncoding encoding);

#endif
