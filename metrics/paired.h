// metrics/paired.h: is the second system better than the first? Both judged on the same items by the same metric.
//
// Everything comes from the two systems' rows, in the same order. Differences are second minus first, in the metric's
// own units and sign; `improvement` fields follow the metric's direction, so that positive is better.
#ifndef ASSAY_METRICS_PAIRED_H
#define ASSAY_METRICS_PAIRED_H

#include "metrics/bootstrap.h"
#include "metrics/evaluate.h"

enum { DEFAULT_PERMUTATIONS = 10000, MAX_EXACT_FLIPS = 20 };

// Zeroed means defaults.
typedef struct PairedOptions {
    // INTERVAL_AUTO: t on the (clustered) difference of means for FORM_MEAN and FORM_PROPORTION, else percentile
    // bootstrap. INTERVAL_T and INTERVAL_PERCENTILE choose; others are refused.
    IntervalMethod method;
    double level;          // 0 means 0.95
    size_t n_resamples;    // 0 means DEFAULT_RESAMPLES
    size_t n_permutations; // 0 means DEFAULT_PERMUTATIONS
    uint64_t seed;
    double margin;  // for non-inferiority: how much worse is still acceptable, >= 0
    bool is_strict; // count only draws strictly beyond what was seen, as sacreBLEU does
    Pool *pool;
} PairedOptions;

typedef enum PairedVerdict {
    VERDICT_IDENTICAL, // every row is the same
    VERDICT_BETTER,    // the whole interval of the difference lies on the better side
    VERDICT_WORSE,
    VERDICT_UNDECIDED,
} PairedVerdict;

typedef struct Paired {
    double first, second; // score 0 of each
    double difference;    // second - first
    double lo, hi, level;
    double standard_error;
    Slice method; // "t", "t clustered", "bootstrap-percentile 2000 seed 17"
    PairedVerdict verdict;

    // Bootstrap of both systems on the same draws, shifted to no difference: (k + 1) / (n_resamples + 1).
    double p_bootstrap;
    // Exchange of the systems' answers unit by unit: all of them up to MAX_EXACT_FLIPS units (METRIC_SUMS), else drawn.
    double p_permutation;
    bool is_permutation_exact;
    size_t n_resamples, n_permutations; // as used
    size_t n_undefined;                 // resamples without a defined difference, left out

    // FORM_PROPORTION without clusters or weights: items that only one of the two has right.
    double only_first, only_second;
    double p_mcnemar, p_mcnemar_mid; // NaN where they do not apply
    double p_t;         // FORM_MEAN and FORM_PROPORTION: of difference / standard_error
    double correlation; // of the two systems' items there; NaN elsewhere

    double detectable; // smallest true difference found with 80% power at 5%, from standard_error
    // Non-inferiority: the lower end of the one-sided 95% interval of the improvement lies above -margin.
    double improvement_bound;
    bool is_noninferior;
    double margin;

    size_t n, n_clusters;
} Paired;

// options may be NULL. method is in the arena. Refuses systems that differ in metric, width, items or clusters.
Status compare_paired(const System *first, const System *second, const PairedOptions *options,
                      Arena *arena, Paired *out, Error *err) MUST_CHECK;

// p of approximate randomisation for score 0: draws [n_draws, 2, n_scores] from RESAMPLE_SWAP. The same for the
// bootstrap from RESAMPLE_BOOTSTRAP, where each draw's difference is taken from their mean.
double p_of_swaps(const double *draws, size_t n_draws, size_t n_scores, double difference,
                  bool is_strict);
double p_of_bootstrap(const double *draws, size_t n_draws, size_t n_scores, double difference,
                      bool is_strict);

#endif
