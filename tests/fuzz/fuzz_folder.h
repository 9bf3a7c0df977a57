// tests/fuzz/fuzz_folder.h: files for readers that open them by name, in a folder of the target's own.
//
// It lies in memory where that is possible, since files are synced to disk as they are written, and is removed at exit with what was
// put there. Whatever fails here ends the process.
#ifndef ASSAY_TESTS_FUZZ_FUZZ_FOLDER_H
#define ASSAY_TESTS_FUZZ_FUZZ_FOLDER_H

#include "base/slice.h"

enum { FUZZ_PATH_SIZE = 256 };

// Its path.
const char *fuzz_folder(void);
// folder + "/" + name, into out.
void fuzz_path(const char *name, char out[FUZZ_PATH_SIZE]);
// Writes a file in place of one that is there. Folders in its name ("a/b.json") are made.
void fuzz_put(const char *name, Slice bytes);

enum { FUZZ_UNNAMED_SIZE = 40 };
// A file without a name that holds the text, and the path that opens it; closed by the caller.
int fuzz_unnamed(Slice text, char path[FUZZ_UNNAMED_SIZE]);

#endif
