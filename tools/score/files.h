// tools/score/files.h: text metrics on files of lines, one line a segment: what is read, scored, compared and printed.
#ifndef ASSAY_TOOLS_SCORE_FILES_H
#define ASSAY_TOOLS_SCORE_FILES_H

#include "metrics/tokens.h"
#include "tools/score/text.h"

// A file's lines without their ends ("\n" or "\r\n"). Zeroed before it is opened.
typedef struct TextLines {
    const char *path;
    Slice bytes;
    Slice *lines;
    size_t n;
} TextLines;

// "-" is standard input. Refuses an empty file, and a line that is not UTF-8 by line and byte; is_replaced: then broken bytes
// become U+FFFD. Lines lie in the arena, texts in the file's mapping or in the arena.
Status text_lines_open(const char *path, bool is_replaced, Arena *arena, TextLines *out,
                       Error *err) MUST_CHECK;
void text_lines_close(TextLines *lines);

// An option of the command that is one of the metric's params.
typedef struct TextParam {
    const char *option, *key;
    enum { PARAM_TEXT, PARAM_REAL, PARAM_INTEGER, PARAM_FLAG } kind;
} TextParam;

struct TextRun;

// How a family works on files.
typedef struct TextSpec {
    const Metric *const
        *metrics;            // ended by NULL; the first is the one that systems are compared by
    const TextParam *params; // of the first metric, or of all of them
    size_t n_params;
    bool has_pieces;       // params may ask for a SentencePiece model (pieces.h)
    const char *separator; // stands for the end of a sentence inside a line; NULL = none
    bool is_sacrebleu;     // signature and names as sacreBLEU prints them
    Status (*name)(const Json *params, Arena *arena, Slice *out, Error *err);
    void (*words)(const TextScore *score,
                  Buffer *out); // what stands behind the score; NULL = nothing
    // The rows of all n metrics from one item; NULL = each makes its own.
    Status (*rows)(const MetricPlan *const *plans, size_t n, const Item *item, Arena *scratch,
                   double *const *rows, Error *err);
    // What a family says of a system beyond its metrics' scores: members of its object by w, or lines by out; the other is
    // NULL. May be NULL.
    Status (*put_more)(const struct TextRun *run, size_t system, JsonWriter *w, Buffer *out,
                       Error *err);
    // Tokenises one text as the first metric's rows do, for --timing.
    Status (*tokenize)(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out, Error *err);
    // What a person should know of the first system's output; NULL = nothing.
    void (*warn)(CommandLine *line, const TextLines *output);
} TextSpec;

// Choices of --format.
enum { TEXT_LINES, TEXT_JSON, TEXT_LATEX };
enum { MAX_TEXT_SPECS = 8 };
// The whole work of run_files for such families, of which several see the same files: one answer after the other, or a list
// of JSON documents.
Status text_files_run(CommandLine *line, const TextSpec *const *specs, size_t n_specs,
                      Error *err) MUST_CHECK;
// Options that text_files_run takes, as a list of literals: for ScoreFamily.options.
#define TEXT_FILE_OPTIONS                                                                     \
    "ref", "num-refs", "confidence", "pred", "invalid-utf8", "timing", "score-only", "width", \
        "sentence-level", "level", "confidence-n", "seed", "paired-bs", "paired-ar",          \
        "paired-bs-n", "paired-ar-n", "compat", "input", "metrics", "format", "short"

// One system's rows by each metric.
typedef struct TextSystem {
    const char *path;
    TextScore *scores; // [n_metrics]
    Score **intervals; // [n_metrics][plan.n_scores]
    double mean, ci;   // of the paired bootstrap's resamples, NaN without
    double p_value;    // against the first system; NaN for that one
    bool is_identical; // to the first, row by row
} TextSystem;

typedef enum PairedTest { PAIRED_NONE, PAIRED_BOOTSTRAP, PAIRED_RANDOMISATION } PairedTest;

// Compares systems 1.. with system 0 by their first metric and fills mean, ci, p_value and is_identical. is_compat: sacreBLEU's
// generator (NumPy's PCG64 from the seed), its counting of differences strictly greater, so that p equals its p.
Status text_compare(TextSystem *systems, size_t n_systems, PairedTest test, size_t n_draws,
                    uint64_t seed, bool is_compat, Error *err) MUST_CHECK;

#endif
