// metrics/baseline.h: what a system that never looks at its input scores: the row every report has.
#ifndef ASSAY_METRICS_BASELINE_H
#define ASSAY_METRICS_BASELINE_H

#include "metrics/metric.h"

// Class frequencies of training labels: always the most frequent class (the first of equal ones), with the training
// frequencies as probabilities.
typedef struct MajorityBaseline {
    int32_t label;
    double *probabilities; // [n_classes], in the arena
    size_t n_classes;
} MajorityBaseline;

// labels [n]: class indices; n at least 1.
Status majority_baseline(const int32_t *labels, size_t n, size_t n_classes, Arena *arena,
                         MajorityBaseline *out, Error *err) MUST_CHECK;
// Copies items (an array in the arena), with the baseline's answers in place of the system's.
Status baseline_items(const MajorityBaseline *baseline, const Item *items, size_t n, Arena *arena,
                      Item **out, Error *err) MUST_CHECK;

#endif
