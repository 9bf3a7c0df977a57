// results/compare.h: is the candidate better than the base? Two models, of one run or of two, on the same samples.
//
// Answers are paired by sample id (and by its input: the same id with another text is no pair); samples that only one side
// judged, or whose text changed, are counted and named, never silently dropped. Where seeds repeat, the n-th answer is
// paired with the n-th. Statistics are metrics/paired.h's; p-values are adjusted over the metrics of a comparison (Holm).
#ifndef ASSAY_RESULTS_COMPARE_H
#define ASSAY_RESULTS_COMPARE_H

#include "metrics/paired.h"
#include "results/store.h"

typedef struct CompareSide {
    Store *store; // both sides may share one
    Slice run_id; // as store_find_run gave it
    Slice
        model; // empty: the run's only model (baselines aside), or else one named as on the other side
    Slice task; // empty: the run's only task
} CompareSide;

typedef struct CompareOptions {
    double level; // of intervals; 0 means 0.95
    double
        margin; // in the metric's units: differences within it are equivalent; also the margin of non-inferiority
    uint64_t seed; // of resampling
    Slice primary; // metric whose verdict is the comparison's; empty: the base run's primary metric
    Pool *pool;
} CompareOptions;

typedef enum CompareVerdict {
    COMPARE_IDENTICAL,  // every row is the same
    COMPARE_BETTER,     // the whole interval of the difference lies on the better side
    COMPARE_WORSE,      // on the worse side
    COMPARE_EQUIVALENT, // within the margin, where one is given
    COMPARE_UNDECIDED,  // these samples cannot tell
} CompareVerdict;

const char *compare_verdict_name(CompareVerdict verdict); // "identical", "better", ...

// Cross-validated models differ by what they were trained on as well. The difference fold by fold, with the variance that
// overlapping training sets ask for (Nadeau & Bengio 2003): about training and items, where `paired` is about items alone.
typedef struct ComparedFolds {
    size_t n;          // folds; 0 where the sides have none, or not the same ones
    double difference; // mean over folds
    double lo, hi;
    double p;
} ComparedFolds;

typedef struct ComparedMetric {
    Slice name, signature;
    int direction; // +1 higher is better, -1 lower, 0 none
    double highest;
    Paired paired;    // second is the candidate
    const char *test; // "McNemar, exact" or "permutation"
    double p, p_adjusted;
    ComparedFolds folds;
    CompareVerdict verdict;
} ComparedMetric;

enum { COMPARE_MAX_NAMED = 5 };

typedef struct Unpaired {
    size_t n;
    Slice named[COMPARE_MAX_NAMED]; // the first ids
} Unpaired;

typedef struct Comparison {
    Arena arena;
    Slice base, candidate; // "RUN / MODEL"
    Slice task;
    size_t n_pairs;
    Unpaired only_base, only_candidate, changed;
    ComparedMetric *metrics; // those that both sides have with the same signature
    size_t n_metrics;
    size_t primary; // index into metrics
    double margin;
    bool out_of_memory; // a name could not be copied: compare_runs fails
} Comparison;

// STATUS_INVALID where there is nothing to compare: no common sample, no common metric, an ambiguous model or task (the
// message names those there are). On failure *out is released and zeroed.
Status compare_runs(const CompareSide *base, const CompareSide *candidate,
                    const CompareOptions *options, Comparison *out, Error *err) MUST_CHECK;
void comparison_release(Comparison *comparison); // a no-op on a zeroed one

// report/comparison.c: for people, for programs, for CI. width 0 means 100 columns.
void comparison_text(const Comparison *comparison, size_t width, Buffer *out);
void comparison_json(const Comparison *comparison, Buffer *out);
// A test case a metric; the primary one fails where the candidate is worse.
void comparison_junit(const Comparison *comparison, Buffer *out);

#endif
