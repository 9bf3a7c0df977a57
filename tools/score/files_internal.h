// tools/score/files_internal.h: what reading, scoring and printing of text metrics share. Internal to tools/score_files*.c.
#ifndef ASSAY_TOOLS_SCORE_FILES_INTERNAL_H
#define ASSAY_TOOLS_SCORE_FILES_INTERNAL_H

#include "harness/pieces.h"
#include "tools/score/files.h"

// What TextSpec.put_more gets.
typedef struct TextRun {
    CommandLine *line;
    const TextSpec *spec;
    JsonDocument *params;
    Pieces pieces;
    MetricSetup setup;
    TextLines *refs, *hyps;
    size_t n_refs, n_hyps, n_metrics;
    TextSystem *systems; // [n_hyps]
    PairedTest test;
    size_t n_draws; // of the test
    bool is_compat, is_by_sentence;
    bool
        has_confidence; // the test is sacreBLEU's --confidence: resamples of the one system there is
    int64_t read_ns, tokenize_ns, rows_ns; // CPU time
} TextRun;

// A metric's name and signature as they are printed.
typedef struct TextNames {
    Slice name, signature;
} TextNames;
Status text_names(const TextRun *run, size_t metric, TextNames *out, Error *err) MUST_CHECK;

// One JSON value: the system's, or "systems" where there are several.
Status text_put_json(const TextRun *run, JsonWriter *w, Error *err) MUST_CHECK;
// For people: a line a metric with its interval, or a line a segment.
Status text_put_lines(const TextRun *run, Buffer *out, Error *err) MUST_CHECK;
// A table of systems by metrics for LaTeX, as sacreBLEU has it; refuses a single system.
Status text_put_latex(const TextRun *runs, size_t n_runs, Buffer *out, Error *err) MUST_CHECK;

#endif
