// results/slices.h: a task's scores by groups of its samples: how it differs between the values of an attribute.
//
// Rows of a score's trials are put end to end as in results/judged.h and shared out by the attributes that stand with the
// stored samples; so every metric that is scored from rows has slices, whatever family the task is of.
#ifndef ASSAY_RESULTS_SLICES_H
#define ASSAY_RESULTS_SLICES_H

#include "results/judged.h"

enum {
    SLICES_MOST_VALUES = 200, // of an attribute that is asked for by name
    SLICES_MOST_VALUES_UNASKED = 20,
};

// What a task is sliced by.
typedef struct SlicedTask {
    Slice task;
    // Scores of metrics of the task, "f1/macro", each of another metric: the primary one first, by which settings are compared
    // too; the others only of what models are judged by.
    const Slice *scores; // [n_scores]
    size_t n_scores;
    bool is_listed;          // else by every attribute of the data with few values
    const Slice *attributes; // [n_attributes]; "group" is the samples' group
    size_t n_attributes;
} SlicedTask;

// Computes the slices of a run and stores them (store_set_run_slices): with intervals and tests for what models are judged
// by, without for settings that are only compared. Attributes with fewer than two values or too many, and scores that are
// not made from rows, have none. options may be NULL.
Status run_slices_pool(Store *store, Slice run_id, const SlicedTask *tasks, size_t n_tasks,
                       const IntervalOptions *options, Error *err) MUST_CHECK;

#endif
