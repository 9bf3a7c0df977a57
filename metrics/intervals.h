// metrics/intervals.h: confidence intervals in closed form.
//
// level is the coverage, such as 0.95, in (0, 1). Undefined intervals (no items, one item for a mean) are NaN.
#ifndef ASSAY_METRICS_INTERVALS_H
#define ASSAY_METRICS_INTERVALS_H

#include "metrics/metric.h"

typedef struct Interval {
    double lo, hi;
} Interval;

// Of a proportion: k successes of n. Both may be fractions (weighted items: k and n scaled to the effective n), with
// 0 <= k <= n.
// Wilson 1927: the score interval, and its continuity-corrected form (Newcombe 1998, method 4).
Interval interval_wilson(double k, double n, double level);
Interval interval_wilson_corrected(double k, double n, double level);
// Clopper & Pearson 1934: exact, from beta quantiles.
Interval interval_clopper_pearson(double k, double n, double level);
// Agresti & Coull 1998; Jeffreys (Brown, Cai & DasGupta 2001); Wald, for comparison with other tools only.
Interval interval_agresti_coull(double k, double n, double level);
Interval interval_jeffreys(double k, double n, double level);
Interval interval_wald(double k, double n, double level);
// center -/+ t_{df} * standard_error; df INFINITY gives the normal interval.
Interval interval_t(double center, double standard_error, double df, double level);

// A mean (or ratio) sums[0] / sums[1] over rows of a FORM_MEAN metric, with its clustered standard error:
//     m = sum w x0 / sum w x1,   e_i = w_i (x0_i - m x1_i),
//     SE^2 = G / (G - 1) * sum_c (sum_{i in c} e_i)^2 / (sum w x1)^2
// Source: Miller 2024, arXiv:2411.00640, section 2.2 with the small-sample factor; without clusters and weights it is
// s / sqrt(n).
typedef struct ClusteredMean {
    double mean;
    double standard_error; // NaN for fewer than two clusters
    double naive_error;    // the same with every row its own cluster
    double design_effect;  // (standard_error / naive_error)^2; NaN where undefined
    double n_effective;    // (sum w)^2 / sum w^2
    size_t n_clusters;     // with at least one row of positive weight
} ClusteredMean;

// width is the plan's; columns 0 and 1 are used.
Status clustered_mean(const RowSet *rows, size_t width, ClusteredMean *out, Error *err) MUST_CHECK;

#endif
