// metrics/prf.h: precision, recall, F and Jaccard over classes or labels, and their averages.
#ifndef ASSAY_METRICS_PRF_H
#define ASSAY_METRICS_PRF_H

#include "metrics/metric.h"

typedef enum PrfPart { PRF_PRECISION, PRF_RECALL, PRF_F, PRF_JACCARD } PrfPart;

typedef struct PrfOptions {
    PrfPart part;
    size_t average;       // index into the metric's own averages
    size_t positive;      // of binary averages
    double zero_division; // what 0 / 0 is; NaN leaves a class out of averages
    double beta;
} PrfOptions;

// "average" is one of n_names; "zero_division", and "beta" where it is given, are read too. The metric's variant is its PrfPart. In
// the arena.
Status prf_read(const MetricPlan *plan, const char *const *names, size_t n_names, Arena *arena,
                PrfOptions **out, Error *err) MUST_CHECK;

// Of counts: how often system and reference agree on the class, how often each has it.
double prf_of(const PrfOptions *options, double hits, double predicted, double support);

// Over n classes; `of_classes` [n] gets the value of each.
typedef struct PrfMeans {
    double micro, macro, weighted;
} PrfMeans;
PrfMeans prf_means(const PrfOptions *options, const double *hits, const double *predicted,
                   const double *support, size_t n, double *of_classes);

// "|average:macro|zero_division:0", with what is not usual; in the arena.
Status prf_signature(const MetricPlan *plan, const char *average, Slice positive, Arena *arena,
                     Slice *out, Error *err) MUST_CHECK;

#endif
