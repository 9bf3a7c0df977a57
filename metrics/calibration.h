// metrics/calibration.h: how far confidence and correctness differ: the bins behind calibration error.
#ifndef ASSAY_METRICS_CALIBRATION_H
#define ASSAY_METRICS_CALIBRATION_H

#include "metrics/metric.h"

// One bin of a reliability diagram.
typedef struct CalibrationBin {
    double weight;     // of the items in the bin; the other fields are NaN where it is 0
    double confidence; // mean
    double accuracy;   // share of items that are right
} CalibrationBin;

// The bins of rows of the metric "ece" (confidence, right) under its own binning; weights may be NULL. bins
// [calibration_bins(plan)].
size_t calibration_bins(const MetricPlan *plan);
Status calibration_diagram(const MetricPlan *plan, const RowSet *rows, const double *weights,
                           CalibrationBin *bins, Error *err) MUST_CHECK;

#endif
