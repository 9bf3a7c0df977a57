// tests/datasets/files.h: small files in a temporary folder.
#ifndef ASSAY_TESTS_DATASETS_FILES_H
#define ASSAY_TESTS_DATASETS_FILES_H

#include "datasets/reader.h"

// Writes a file of that name into the test process's own temporary folder and returns its path, valid until
// files_remove. Criterion runs each test in its own process.
const char *files_write(const char *name, Slice bytes);
#define FILES_WRITE(name, text) files_write((name), SLICE(text))
// The folder itself.
const char *files_folder(void);
// Removes the folder with all that files_write put there.
void files_remove(void);

// Reads a file that must be readable with these options (NULL: none).
void files_read(const char *path, const ReadOptions *options, Dataset *out);
// Reads a file that must be refused as invalid; the message without the folder in front, valid until the next call.
const char *files_refusal(const char *path, const ReadOptions *options);

#endif
