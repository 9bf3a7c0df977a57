// metrics/confusion.h: the confusion matrix, with the share of each cell and its interval.
#ifndef ASSAY_METRICS_CONFUSION_H
#define ASSAY_METRICS_CONFUSION_H

#include "metrics/intervals.h"
#include "metrics/metric.h"

typedef struct ConfusionCell {
    double count;    // weighted
    double share;    // of the items whose reference is the row's class; NaN where there are none
    Interval within; // of that share, at `level`: Wilson, on the weights' effective number of items
} ConfusionCell;

// cells [n_classes, n_classes + 1], in the arena: rows are references, columns predictions, the last column items
// without an answer.
typedef struct Confusion {
    size_t n_classes;
    ConfusionCell *cells;
    double level;
} Confusion;

// rows are (label, predicted), as "f1" and its kin write them (classes.h). Weights are the rows' own.
Status confusion_of_rows(const RowSet *rows, size_t n_classes, double level, Arena *arena,
                         Confusion *out, Error *err) MUST_CHECK;
const ConfusionCell *confusion_cell(const Confusion *confusion, size_t label, size_t predicted);
// The weight of the items whose reference is a class.
double confusion_support(const Confusion *confusion, size_t label);

#endif
