// metrics/curves.h: the ROC curve and the precision-recall curve of a binary classifier, as scikit-learn draws them.
#ifndef ASSAY_METRICS_CURVES_H
#define ASSAY_METRICS_CURVES_H

#include "base/arena.h"
#include "base/error.h"

// Arrays [n] in the arena they were taken from.
typedef struct RocCurve {
    double *fpr, *tpr,
        *thresholds; // thresholds fall from INFINITY; points on a straight line are left out
    size_t n;
    double ks; // Kolmogorov & Smirnov's statistic: the largest tpr - fpr
} RocCurve;

typedef struct PrCurve {
    double *precision, *recall; // [n], recall falls from 1 to 0
    double *thresholds;         // [n - 1], rising
    size_t n;
    double area; // by trapezoids; average precision (average_precision.c) is the one to quote
} PrCurve;

// scores [n], finite; weights [n] or NULL. A class without items makes its rates NaN (recall is then 1 throughout).
Status roc_curve(const double *scores, const bool *is_positive, const double *weights, size_t n,
                 Arena *arena, RocCurve *out, Error *err) MUST_CHECK;
Status pr_curve(const double *scores, const bool *is_positive, const double *weights, size_t n,
                Arena *arena, PrCurve *out, Error *err) MUST_CHECK;
// Area up to a false positive rate, scaled so that 0.5 is chance and 1 perfect (McClish 1989). max_fpr in (0, 1].
double roc_partial_area(const RocCurve *curve, double max_fpr);

#endif
