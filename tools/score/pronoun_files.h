// tools/score/pronoun_files.h: sentences with a pronoun, and files of whom systems took it to mean.
#ifndef ASSAY_TOOLS_SCORE_PRONOUN_FILES_H
#define ASSAY_TOOLS_SCORE_PRONOUN_FILES_H

#include "datasets/sample.h"
#include "metrics/metric.h"
#include "tools/score/score.h"

// SENTENCES ANSWERS...: an answer a line to each sentence that a file is about, in their order; an empty line is no answer.
typedef struct PronounFiles {
    const char *reader; // of the sentences
    const char *wanted; // which files are to be given, for whoever gives others
    size_t n_answer_files;
    // Whether a file of answers is about a sentence, and what it calls those sentences; NULL: one file about them all.
    bool (*is_about)(const Sample *sample, size_t file);
    const char *const *kinds; // [n_answer_files]
    // Fills an item, which is empty but for its cluster. answer: in lower case and without an article, or "".
    Status (*take)(const Sample *sample, Slice answer, Arena *arena, Item *item, Error *err);
    const Slice *labels; // [2]
    const Metric *const *metrics;
    size_t n_metrics;
} PronounFiles;

Status pronoun_files_run(const PronounFiles *files, CommandLine *line, Error *err) MUST_CHECK;
// A mention of a person: in lower case, without an article; in the arena.
Status pronoun_bare_mention(Slice text, Arena *arena, Slice *out, Error *err) MUST_CHECK;

#endif
