// metrics/bootstrap.h: resampling of rows, with one generator whose numbers do not depend on threads.
//
// Units (clusters; rows where there are none) are drawn with replacement, as many as there are. The draw at position i
// of resample r depends on (seed, r, i) alone: Philox with the resample in its counter. Two systems on the same items
// see the same draws.
// Sources: Efron 1979 (bootstrap), Efron 1987 (BCa), Koehn 2004 (paired, for corpus metrics), Riezler & Maxwell 2005
// (approximate randomisation).
#ifndef ASSAY_METRICS_BOOTSTRAP_H
#define ASSAY_METRICS_BOOTSTRAP_H

#include "base/pool.h"
#include "metrics/intervals.h"
#include "metrics/metric.h"

// One system: a plan and its rows. Several systems must have the same n_rows and clusters.
typedef struct System {
    const MetricPlan *plan;
    const RowSet *rows;
} System;

// What is drawn in each resample.
typedef enum ResampleKind {
    RESAMPLE_BOOTSTRAP, // units with replacement
    RESAMPLE_SWAP, // each unit keeps its system or swaps the first two, with chance 1/2: approximate randomisation
} ResampleKind;

// Fills counts [n_units] with how often each unit is drawn in a resample.
void bootstrap_counts(uint64_t seed, size_t resample, size_t n_units, uint32_t *counts);
// Fills swap [n_units] with 0 or 1.
void bootstrap_swaps(uint64_t seed, size_t resample, size_t n_units, unsigned char *swap);

// Replicates of every score: out [n_resamples, n_systems, n_scores], where n_scores is that of systems[0] (all must
// agree). Undefined ones are NaN. Refuses METRIC_WHOLE. pool may be NULL.
Status bootstrap_replicates(const System *systems, size_t n_systems, ResampleKind kind,
                            size_t n_resamples, uint64_t seed, Pool *pool, double *out,
                            Error *err) MUST_CHECK;

// Leave-one-unit-out scores: out [n_units, n_scores], of which the first *n_out rows are written. Each unit is left out by
// itself (n_out = n_units, in the order of cluster indices) for METRIC_SUMS, where the metric has a way of its own, where
// rows are few or repeat (labels), and else up to JACKKNIFE_GROUPS units; beyond that, as each score takes a walk over all
// rows, JACKKNIFE_GROUPS groups of units, drawn once and for all, are left out by turns: enough for the skewness that
// interval_bca wants, since the third moments of sums add up.
enum { JACKKNIFE_GROUPS = 400 };
Status jackknife(const MetricPlan *plan, const RowSet *rows, Pool *pool, double *out, size_t *n_out,
                 Error *err) MUST_CHECK;

// Quantile of sorted values by linear interpolation at (n - 1) q (numpy's default; Hyndman & Fan 1996, type 7).
double quantile_sorted(const double *sorted, size_t n, double q);
// Sorts replicates and takes the two percentiles. n = 0 gives NaN.
Interval interval_percentile(double *replicates, size_t n, double level);
// 2 * estimate minus the percentiles: the basic (reverse percentile) interval. Sorts replicates.
Interval interval_basic(double *replicates, size_t n, double estimate, double level);
// Bias-corrected and accelerated: z0 from the mid-rank of the estimate among the replicates, acceleration from the
// jackknife values. Sorts replicates. NaN where every replicate lies on one side of the estimate.
Interval interval_bca(double *replicates, size_t n, double estimate, const double *jackknife_values,
                      size_t n_jackknife, double level);
// Mean, and standard deviation with n - 1.
double mean_of(const double *values, size_t n);
double standard_deviation(const double *values, size_t n);
// Moves non-finite values out and returns how many are left.
size_t drop_undefined(double *values, size_t n);

#endif
