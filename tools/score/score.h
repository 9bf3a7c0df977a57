// tools/score/score.h: the families of scores that `assay score` knows, and what they share.
//
// A family is one file (tools/score/NAME.c) and one row of score_families (tools/score/families.c):
//
//     static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
//     {
//         ... read c->root and c->params; put the members of the answer with w ...
//     }
//     const ScoreFamily score_wer = {.name = "wer", .summary = "..", .fields = "..", .run_case = run_case};
//
// To add one: write the file, declare the row below, put it into the table, list the file in CMakeLists.txt, and hold it to
// its reference in tests/tools/. run_case alone is enough; a family that also reads files has run_files and names in
// `options` those of the command's options (cmd_score.c) that it takes: others are refused.
//
// A case's answer is the members that run_case puts. When it fails, what it has put is dropped and {"error": text} stands in
// its place. Doubles that are not finite are written as "NaN", "Infinity", "-Infinity" by the writer.
#ifndef ASSAY_TOOLS_SCORE_SCORE_H
#define ASSAY_TOOLS_SCORE_SCORE_H

#include "base/json.h"
#include "metrics/evaluate.h"
#include "tools/command.h"

enum { SCORE_CARRIED = 8 };

// Choices of --missing, of questions without an answer.
typedef enum MissingChoice { MISSING_REFUSE, MISSING_WRONG, MISSING_OMIT } MissingChoice;

// CPU time; tokenising that is a part of reading or of scoring counts there, and is 0.
typedef struct ScoreTiming {
    int64_t read_ns, tokenize_ns, score_ns;
} ScoreTiming;

// One line of --cases. Everything lives until its answer is written.
typedef struct ScoreCase {
    const Json *root;   // an object
    const Json *params; // its "params", an object, or NULL
    Arena *arena;
    double *
        carried; // [SCORE_CARRIED], at first 0: what a family keeps from case to case, such as sums over all above
} ScoreCase;

typedef struct ScoreFamily {
    const char *name;
    const char *summary; // one line, no full stop
    const char *fields;  // the members of a case and of its answer, for --help: a sentence or two
    Status (*run_case)(const ScoreCase *c, JsonWriter *w, Error *err);
    Status (*run_files)(CommandLine *line, Error *err); // NULL: --cases alone, or text
    const struct TextSpec *text; // files.h: of such families several can be asked at once
    const char *const *options;  // that run_files takes, ended by NULL; NULL = none
} ScoreFamily;

// In the order people see.
extern const ScoreFamily *const score_families[];
extern const size_t n_score_families;
// The same names, ended by NULL.
extern const char *const score_family_names[];

extern const ScoreFamily score_bleu, score_chrf, score_ter, score_rouge, score_wer,
    score_exact_match, score_ner, score_squad, score_meteor, score_distinct, score_repetition,
    score_length_ratio, score_ranking, score_preference, score_agreement, score_fairness,
    score_flip_rate, score_crows_pairs, score_stereoset, score_bbq, score_winobias,
    score_winogender, score_weat;
extern const ScoreFamily score_classification;
extern const ScoreFamily score_multilabel;
extern const ScoreFamily score_probability;
extern const ScoreFamily score_correlation;
extern const ScoreFamily score_lm;
extern const ScoreFamily score_multiple_choice;
extern const ScoreFamily score_pass_at_k;
extern const ScoreFamily score_tests;
extern const ScoreFamily score_intervals;
extern const ScoreFamily score_bootstrap;
extern const ScoreFamily score_comparisons;

// ---- reading cases (cases.c) ----

// A number, or one of "NaN", "Infinity", "-Infinity".
Status score_number(const Json *value, double *out, Error *err) MUST_CHECK;
// An array of numbers by its key, in the arena. *out is NULL and *n 0 where the key is absent and not wanted.
Status score_numbers(const ScoreCase *c, const char *key, bool is_wanted, double **out, size_t *n,
                     Error *err) MUST_CHECK;
// An array of texts by its key, in the arena; a null gives a slice with ptr NULL.
Status score_texts(const ScoreCase *c, const char *key, Slice **out, size_t *n,
                   Error *err) MUST_CHECK;
// A member that must be there: an error names the case's keys.
Status score_want(const ScoreCase *c, const char *key, JsonKind kind, const Json **out,
                  Error *err) MUST_CHECK;
// An array of numbers under a key.
void score_put_numbers(JsonWriter *w, const char *key, const double *values, size_t n);
// "interval": a score's ends, their level and how they were made.
void score_put_interval(JsonWriter *w, const Score *score);
// What --timing says, as an object "timing" and as a line each.
void score_put_timing(JsonWriter *w, const ScoreTiming *timing);
void score_print_timing(Buffer *out, const ScoreTiming *timing);

// Reads --in and answers on --out until the end.
Status score_run_cases(const ScoreFamily *family, CommandLine *line, Error *err) MUST_CHECK;

#endif
