// harness/init.h: a suite to start from, for a data file that nobody has described yet (`assay init`).
#ifndef ASSAY_HARNESS_INIT_H
#define ASSAY_HARNESS_INIT_H

#include "base/buffer.h"
#include "base/error.h"
#include "datasets/reader.h"

// Zeroed means: everything is found out.
typedef struct InitOptions {
    Slice name; // the suite's; empty = the data file's name without extension
    Slice
        data_path; // as the suite shall name the file, relative to where the suite will stand; empty = as given
    Slice
        model_path; // a model directory, relative likewise; empty = a small fresh encoder, so that the suite runs at once
    Slice text, pair, label; // columns, where what is found is not what is meant; empty = found out
    // Of sources and targets: the column of targets, or the file that has one for each line of the data file, and how the
    // suite shall name that file.
    Slice target;
    const char *target_path;
    Slice target_data_path;
} InitOptions;

// Looks at a file, reads it with the columns found, and appends a suite with comments that explain each choice: the
// columns, the classes with their counts, a score and folds that suit them; of tags (CoNLL) the scheme they fit, of
// questions (SQuAD) how many have no answer; of sources with targets (two files, or columns that are called so) a small
// encoder-decoder. The suite is valid as it is (suite_parse).
// STATUS_INVALID for a file that this version cannot tune on, with what it is and what it lacks: texts without classes, one class only, a column of values that are all different.
Status init_suite(const char *data_path, const InitOptions *options, Buffer *out,
                  Error *err) MUST_CHECK;

#endif
