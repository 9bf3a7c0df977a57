// metrics/ranked.h: what AUC and average precision share: rows of a label and probabilities, and orders by class.
//
// With two classes a row is (label, probability of the positive class); with more it is (label, p_0 .. p_{C-1}).
#ifndef ASSAY_METRICS_RANKED_H
#define ASSAY_METRICS_RANKED_H

#include "metrics/metric.h"

typedef struct RankedOptions {
    size_t average;     // an index into the metric's own list of averages
    size_t multi_class; // 0 = one against the rest, 1 = one against one
    size_t positive;    // with two classes: which is positive
    bool is_binary;
} RankedOptions;

// An order for each probability column, ascending; for micro averages one over all (item, class) pairs after them.
typedef struct RankedIndex {
    uint32_t **orders;    // [n_columns][n_rows]
    uint32_t *flat_order; // [n_rows * n_columns], position i * n_columns + c; NULL unless asked for
    size_t n_columns;
} RankedIndex;

Status ranked_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                  Error *err) MUST_CHECK;
Status ranked_index(const MetricPlan *plan, const RowSet *rows, bool wants_flat, Arena *arena,
                    const void **index, Error *err) MUST_CHECK;

// A list of scores in ascending order, walked in groups of equal score. Weighted positives and negatives of the next
// group; false at the end. target is the class that counts as positive.
typedef struct RankedWalk {
    const RowSet *rows;
    const double *weights;
    const uint32_t *order;
    size_t width; // of a row
    size_t
        column; // of the score; SIZE_MAX: order runs over (item, class) pairs, positive where class = label
    double target;
    size_t n, at;
    bool is_descending;
} RankedWalk;

bool ranked_next(RankedWalk *walk, double *positives, double *negatives);

#endif
