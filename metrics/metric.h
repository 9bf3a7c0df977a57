// metrics/metric.h: the one interface of every score: a row of sufficient statistics a sample, and a function of them.
//
// For each item a metric writes a fixed-width row of doubles; the scores are a function of the weighted column sums
// (METRIC_SUMS), of all rows with weights (METRIC_ROWS: AUC, calibration, rank correlation), or of the whole set, resampled
// by recomputing (METRIC_WHOLE). Intervals, paired tests, merging of folds and slices by subgroup follow from that alone.
// A metric gives one or more named scores; score 0 is the one it is known by.
#ifndef ASSAY_METRICS_METRIC_H
#define ASSAY_METRICS_METRIC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "metrics/item.h"

typedef enum MetricNeeds {
    NEEDS_LABELS = 1 << 0,
    NEEDS_PROBABILITIES = 1 << 1,
    NEEDS_TEXT = 1 << 2,
    NEEDS_TAGS = 1 << 3,
    NEEDS_LOG_LIKELIHOODS = 1 << 4,
    NEEDS_VALUES = 1 << 5,
    NEEDS_GROUPS = 1 << 6,
} MetricNeeds;

typedef enum MetricKind { METRIC_SUMS, METRIC_ROWS, METRIC_WHOLE } MetricKind;
typedef enum MetricDirection { HIGHER_IS_BETTER, LOWER_IS_BETTER, NO_DIRECTION } MetricDirection;

// What a metric must know before the first row. Labels are in the order of class indices.
typedef struct MetricSetup {
    const Slice *labels;
    size_t n_labels;
    const Json *params; // the metric's own options (an object), or NULL for defaults
} MetricSetup;

typedef struct Metric {
    const char *name;    // "accuracy"
    const char *summary; // one line for people
    const char *source;  // paper, section, equation, or the program whose numbers these are
    unsigned needs;      // MetricNeeds bits
    MetricKind kind;
    MetricDirection direction;
    double lowest, highest; // the range of score 0; -INFINITY and INFINITY where open
    bool is_proportion;     // score 0 is a share of items with a 0/1 row: Wilson intervals apply

    // Checks setup (labels, params) and gives the width of a row and the number of scores. Called first.
    Status (*prepare)(const MetricSetup *setup, size_t *width, size_t *n_scores, Error *err);
    // "f1/macro", "f1/positive": in the arena. Score 0 bears the metric's name.
    Status (*score_name)(const MetricSetup *setup, size_t score, Arena *arena, Slice *name, Error *err);
    // Writes `width` doubles for one item.
    Status (*row)(const MetricSetup *setup, const Item *item, double *row, Error *err);
    // METRIC_SUMS: sums [width], the weighted column sums. Undefined scores are NaN (no items; a class never seen).
    void (*score_sums)(const MetricSetup *setup, const double *sums, double *scores);
    // METRIC_ROWS and METRIC_WHOLE: rows [n_rows, width], weights [n_rows] (multiplicities in a resample). scratch holds
    // score_scratch(n_rows) bytes.
    Status (*score_rows)(const MetricSetup *setup, const double *rows, const double *weights, size_t n_rows,
                         void *scratch, double *scores, Error *err);
    size_t (*score_scratch)(const MetricSetup *setup, size_t n_rows);
    // "f1|average:macro|zero_division:0|version:1": so that two papers can be compared. In the arena.
    Status (*signature)(const MetricSetup *setup, Arena *arena, Slice *out, Error *err);
} Metric;

// In the order people see.
extern const Metric *const metrics_all[];
extern const size_t metrics_count;
// NULL where there is none of that name.
const Metric *metric_find(Slice name);

#endif
