// tools/score/files_internal.h: what reading, scoring and printing of text metrics share. Internal to tools/score_files*.c.
#ifndef ASSAY_TOOLS_SCORE_FILES_INTERNAL_H
#define ASSAY_TOOLS_SCORE_FILES_INTERNAL_H

#include "tools/score/files.h"

// What TextSpec.put_more gets.
typedef struct TextRun {
    CommandLine *line;
    const TextSpec *spec;
    JsonDocument *params;
    TextLines *refs, *hyps;
    size_t n_refs, n_hyps, n_metrics;
    TextSystem *systems; // [n_hyps]
    PairedTest test;
    bool is_compat, is_by_sentence;
    int64_t read_ns, tokenize_ns, rows_ns; // CPU time
} TextRun;

// One JSON document: the system's, or "systems" where there are several.
Status text_put_json(const TextRun *run, Buffer *out, Error *err) MUST_CHECK;
// For people: a line a metric with its interval, or a line a segment.
Status text_put_lines(const TextRun *run, Buffer *out, Error *err) MUST_CHECK;

#endif
