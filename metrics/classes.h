// metrics/classes.h: what the metrics over classes share: checked items, counts by class, names of scores.
#ifndef ASSAY_METRICS_CLASSES_H
#define ASSAY_METRICS_CLASSES_H

#include <math.h>

#include "metrics/metric.h"

// Refuses setups with fewer than `least` labels.
Status classes_check_setup(const MetricSetup *setup, size_t least, Error *err) MUST_CHECK;
// The reference is a class; the prediction is a class or ITEM_NO_LABEL.
Status classes_check_item(const MetricSetup *setup, const Item *item, Error *err) MUST_CHECK;
// The reference is a class, and there is a probability in [0, 1] for each class, with a sum within 1e-3 of 1.
Status classes_check_probabilities(const MetricSetup *setup, const Item *item,
                                   Error *err) MUST_CHECK;
// A row (label, predicted) of a METRIC_ROWS metric: narrow for any number of classes.
Status classes_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                   Error *err) MUST_CHECK;

// The index_rows of those metrics: the classes as integers.
Status classes_index(const MetricPlan *plan, const RowSet *rows, Arena *arena, const void **index,
                     Error *err) MUST_CHECK;

// Weighted counts over rows (label, predicted). Items without an answer count in `support` alone, and in
// `unanswered`.
typedef struct ClassCounts {
    size_t n_classes;
    double *hits;      // [n_classes]: label = predicted = c
    double *predicted; // [n_classes]
    double *support;   // [n_classes]: label = c
    double unanswered;
    double total;
} ClassCounts;

// In scratch; index is classes_index's.
Status classes_count(const MetricPlan *plan, const RowSet *rows, const double *weights,
                     const void *index, Arena *scratch, ClassCounts *out, Error *err) MUST_CHECK;

// The class that params.positive names; without that key the second of two classes, and SIZE_MAX for more.
Status classes_positive(const MetricSetup *setup, size_t *positive, Error *err) MUST_CHECK;
// "prefix/class/LABEL", in the arena.
Status classes_score_name(const MetricPlan *plan, size_t label, Arena *arena, Slice *name,
                          Error *err) MUST_CHECK;
// Reads params.key as one of the choices [n_choices] into *choice, which is the default where the key is missing.
Status params_choice(const Json *params, const char *key, const char *const *choices,
                     size_t n_choices, size_t *choice, Error *err) MUST_CHECK;
// part / whole; NaN where there is nothing to have a share of.
static inline double share_of(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

// printf into the arena as a Slice.
Status arena_format(Arena *arena, Slice *out, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5))) MUST_CHECK;

#endif
