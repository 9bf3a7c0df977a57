// metrics/evaluate.h: from items to rows, and from rows to scores that say how sure they are.
//
//     MetricPlan plan;   metric_plan(metric, &setup, arena, &plan, err)
//     RowTable table;    row_table_init(&table, &plan); for each item: row_table_add(&table, &item, err)
//     RowSet rows = row_table_rows(&table);
//     Score *scores;     scores_of_rows(&plan, &rows, NULL, arena, &scores, err)   // [plan.n_scores]
//
// Rows of folds, parts or processes are merged by concatenation (row_table_append), never by averaging scores.
#ifndef ASSAY_METRICS_EVALUATE_H
#define ASSAY_METRICS_EVALUATE_H

#include "base/pool.h"
#include "metrics/bootstrap.h"
#include "metrics/intervals.h"
#include "metrics/metric.h"

// Rows that grow one item at a time. Owns its memory: release it. The plan must outlive it.
typedef struct RowTable {
    const MetricPlan *plan;
    double *values;
    double *weights;
    uint32_t *clusters;
    size_t n_rows, capacity;
    bool has_weights;                   // some weight is not 1
    struct ClusterNames *clusters_seen; // NULL before the first row
    Arena scratch;
} RowTable;

void row_table_init(RowTable *table, const MetricPlan *plan);
// Adds the row of one item. An error names the ordinal of the item, from 0. On failure the table is as before.
Status row_table_add(RowTable *table, const Item *item, Error *err) MUST_CHECK;
// Adds a row that was computed before (from a store): values [plan->width], weight >= 0, cluster as in Item.
Status row_table_add_values(RowTable *table, const double *values, double weight, Slice cluster,
                            Error *err) MUST_CHECK;
// Adds all rows of another table of the same width; clusters of the same name are the same cluster.
Status row_table_append(RowTable *table, const RowTable *other, Error *err) MUST_CHECK;
// Views into the table, valid until the next change. weights and clusters are NULL where they say nothing.
RowSet row_table_rows(const RowTable *table);
void row_table_release(RowTable *table); // a no-op on a zeroed table

// The rows of an array of items, in the arena; rows are computed in parallel where pool is not NULL.
Status rows_of_items(const MetricPlan *plan, const Item *items, size_t n_items, Pool *pool,
                     Arena *arena, RowSet *out, Error *err) MUST_CHECK;

// The weighted column sums [width], in row order.
void row_sums(const RowSet *rows, size_t width, double *sums);

typedef enum IntervalMethod {
    // FORM_PROPORTION: Wilson; with clusters the clustered standard error with Student's t (Wilson over the number of
    // clusters where every item agrees, since t would give no width). Other metrics: percentile bootstrap.
    INTERVAL_AUTO,
    INTERVAL_NONE,
    INTERVAL_WILSON,          // FORM_PROPORTION only
    INTERVAL_CLOPPER_PEARSON, // FORM_PROPORTION only
    INTERVAL_T,               // FORM_MEAN and FORM_PROPORTION: clustered standard error and t
    INTERVAL_PERCENTILE,
    INTERVAL_BCA,
} IntervalMethod;

enum { DEFAULT_RESAMPLES = 2000 };

// Zeroed means defaults.
typedef struct IntervalOptions {
    IntervalMethod method;
    double level;       // 0 means 0.95
    size_t n_resamples; // 0 means DEFAULT_RESAMPLES
    uint64_t seed;      // of the bootstrap; the same seed, rows and n_resamples give the same bits
    Pool *pool;         // NULL: the calling thread alone
    bool has_first_alone; // no intervals but that of score 0
} IntervalOptions;

typedef struct Score {
    Slice name;
    double estimate;       // NaN where undefined
    double lo, hi;         // NaN where there is no interval
    double level;          // coverage that lo and hi are meant to have
    double standard_error; // of the estimate: closed form, or standard deviation of the replicates
    Slice method;          // "wilson", "t", "bootstrap-percentile 2000 seed 17", "none"
    size_t n;              // items
    size_t n_clusters;     // independent units
    size_t n_undefined;    // resamples without a defined score, left out
} Score;

// Scores with intervals, an array [plan->n_scores] in the arena. options may be NULL. Fails where the metric cannot be
// computed on these rows (no rows; an option that does not fit the metric's form); an estimate that is undefined for a
// reason in the data is NaN instead.
Status scores_of_rows(const MetricPlan *plan, const RowSet *rows, const IntervalOptions *options,
                      Arena *arena, Score **scores, Error *err) MUST_CHECK;
// The same from items: also for METRIC_WHOLE.
Status scores_of_items(const MetricPlan *plan, const Item *items, size_t n_items,
                       const IntervalOptions *options, Arena *arena, Score **scores,
                       Error *err) MUST_CHECK;
// Estimates alone, without intervals: scores [n_scores]. weights [n_rows] replace the rows' own; NULL keeps those.
Status estimates_of_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         double *scores, Error *err) MUST_CHECK;

#endif
