// results/compare_folds.h: the corrected test over the folds of two cross-validated sides. Internal to the comparison.
#ifndef ASSAY_RESULTS_COMPARE_FOLDS_H
#define ASSAY_RESULTS_COMPARE_FOLDS_H

#include "results/compare.h"

// folds [n_rows]: of each pair, or STORE_NO_FOLD. Leaves out->n at 0 with fewer than two folds, or where some pair has
// none or a fold has no defined score.
Status compare_folds(const MetricPlan *plan, const RowSet *base, const RowSet *candidate,
                     const int32_t *folds, double level, ComparedFolds *out, Error *err) MUST_CHECK;

#endif
