// datasets/lines.h: texts a line each, and files that go with another line by line. Internal to datasets/.
#ifndef ASSAY_DATASETS_LINES_H
#define ASSAY_DATASETS_LINES_H

#include "datasets/reader.h"

// Takes the next line off the front, without LF or CRLF. A break at the very end begins no further line.
bool line_take(Slice *rest, Slice *line);

// The path stem + end, or with ".gz" or ".zst" behind it where only that file is there. In the arena.
Status packed_or_not(Arena *arena, Slice stem, Slice end, char **out, Error *err) MUST_CHECK;

// The text of a second file, checked as the first is; it must have as many lines as input->text. Its bytes are mixed into
// input->sha256.
Status second_file_read(const ReadInput *input, const char *path, Slice *out,
                        Error *err) MUST_CHECK;

#endif
