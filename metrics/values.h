// metrics/values.h: what the metrics of numbers share.
#ifndef ASSAY_METRICS_VALUES_H
#define ASSAY_METRICS_VALUES_H

#include "metrics/metric.h"

// Reference and prediction are finite.
Status values_check_item(const Item *item, Error *err) MUST_CHECK;
// A row (reference, prediction) of a METRIC_ROWS metric.
Status values_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                  Error *err) MUST_CHECK;

// Weighted means, and mean squares and products about them, in two passes.
typedef struct Moments {
    double weight;
    double mean_x, mean_y; // of references and predictions, or of their ranks
    double xx, yy, xy;
} Moments;

// pairs [n, 2]: x and y by turns. NULL where n is 0.
Moments values_moments(const double *pairs, const double *weights, size_t n);

#endif
