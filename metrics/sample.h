// metrics/sample.h: statistics of a plain sample of numbers: quantiles by several definitions, and the bootstrap of a
// mean, median or standard deviation from given draws. Of a metric's rows see evaluate.h.
#ifndef ASSAY_METRICS_SAMPLE_H
#define ASSAY_METRICS_SAMPLE_H

#include "base/arena.h"
#include "base/error.h"
#include "metrics/intervals.h"

// How a quantile between two values is found (numpy.quantile's names; Hyndman & Fan 1996).
typedef enum QuantileKind {
    QUANTILE_LINEAR, // type 7, the default everywhere else (quantile_sorted)
    QUANTILE_LOWER,
    QUANTILE_HIGHER,
    QUANTILE_NEAREST, // to even at a half
    QUANTILE_MIDPOINT,
    QUANTILE_HAZEN,           // type 5
    QUANTILE_MEDIAN_UNBIASED, // type 8
} QuantileKind;

enum { N_QUANTILE_KINDS = QUANTILE_MEDIAN_UNBIASED + 1 };
const char *quantile_kind_name(QuantileKind kind); // "linear", ..., "median_unbiased"
// q in [0, 1]; NaN without values.
double quantile_of_kind(const double *sorted, size_t n, double q, QuantileKind kind);

typedef enum Statistic { STATISTIC_MEAN, STATISTIC_MEDIAN, STATISTIC_SD } Statistic;
typedef enum BootstrapKind { BOOTSTRAP_PERCENTILE, BOOTSTRAP_BASIC, BOOTSTRAP_BCA } BootstrapKind;

typedef struct SampleBootstrap {
    double observed;
    Interval interval;
    double standard_error; // of the replicates, n - 1
} SampleBootstrap;

// values [n], draws [n_resamples, n] with indices below n (checked). The standard deviation is that with n.
Status sample_bootstrap(const double *values, size_t n, Statistic statistic, BootstrapKind kind,
                        double level, const uint32_t *draws, size_t n_resamples,
                        SampleBootstrap *out, Error *err) MUST_CHECK;

#endif
