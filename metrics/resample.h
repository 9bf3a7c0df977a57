// metrics/resample.h: the draws behind bootstrap.h, and sums by unit that resampling of METRIC_SUMS works on.
#ifndef ASSAY_METRICS_RESAMPLE_H
#define ASSAY_METRICS_RESAMPLE_H

#include "metrics/bootstrap.h"

// The n_units units drawn in a resample, in the order of positions; n_units at most UINT32_MAX.
void draw_units(uint64_t seed, size_t resample, size_t n_units, uint32_t *units);

// Units of a row set: its clusters, or its rows.
static inline size_t unit_count(const RowSet *rows)
{
    return rows->clusters != NULL ? rows->n_clusters : rows->n_rows;
}
static inline size_t unit_of(const RowSet *rows, size_t row)
{
    return rows->clusters != NULL ? rows->clusters[row] : row;
}
static inline double weight_of(const RowSet *rows, size_t row)
{
    return rows->weights != NULL ? rows->weights[row] : 1.0;
}

// Adds each row's weighted values to its unit's: sums [n_units, stride], columns [at, at + width) of it.
void add_unit_sums(const RowSet *rows, size_t width, double *sums, size_t stride, size_t at);

// The scores of one plan under row weights, whatever its kind but METRIC_WHOLE. index from index_rows_of.
Status score_weighted(const MetricPlan *plan, const RowSet *rows, const double *weights,
                      const void *index, Arena *scratch, double *scores, Error *err) MUST_CHECK;
// The metric's index over rows, or NULL where it has none.
Status index_rows_of(const MetricPlan *plan, const RowSet *rows, Arena *arena, const void **index,
                     Error *err) MUST_CHECK;

// Weights and clusters of items, without values; in the arena.
Status resample_view(const Item *items, size_t n_items, Arena *arena, RowSet *out,
                     Error *err) MUST_CHECK;

#endif
