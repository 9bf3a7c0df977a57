// base/file_internal.h: what the parts of file.h share.
#ifndef ASSAY_BASE_FILE_INTERNAL_H
#define ASSAY_BASE_FILE_INTERNAL_H

#include "base/error.h"

// error_set_errno with the path in front and, where there is one, a remedy after it:
// "PATH: DOING: No space left on device: free some space or write elsewhere".
Status file_set_errno(Error *err, const char *path, const char *doing);

// Opens a path for reading in sequence; "-" is standard input. Directories are refused.
Status file_open_input(const char *path, int *fd, Error *err) MUST_CHECK;
void file_close_input(int fd); // leaves standard input open

// read(2) that goes on after a signal.
long file_read_some(int fd, void *out, size_t size);

// "standard input" for "-".
const char *file_input_name(const char *path);

#endif
