// tests/results/fixture.h: a synthetic but plausible run, for tests of store, view, reports and comparison.
//
// Two models and a baseline, 3 learning rates x 2 batch sizes, 5 folds with an inner part, 3 classes, 500 samples, curves,
// scores, costs, data checks. Everything follows from the seed.
#ifndef ASSAY_TESTS_RESULTS_FIXTURE_H
#define ASSAY_TESTS_RESULTS_FIXTURE_H

#include "results/store.h"

typedef struct FixtureOptions {
    uint64_t seed;          // 0 means 17
    double skill;           // added to every model's chance of being right
    const char *suite;      // NULL means "reviews"
    const char *class_name; // replaces the name of the last class; NULL means "negative"
    const char *model_name; // replaces the name of the first model; NULL means "minilm"
    size_t n_samples;       // 0 means 500
    size_t stop_after;      // trials to store before stopping; 0 means all
    bool reversed;          // trials are stored last first
    bool with_failure;      // one trial diverges
    int64_t time_offset_ns; // added to every time
} FixtureOptions;

// Fills the store and finishes the run. Criterion fails the test on any error.
void fixture_fill(Store *store, const FixtureOptions *options, char run_id[RUN_ID_SIZE]);

// The first row of a query as numbers: for looking at a store from below.
Status fixture_numbers(Store *store, const char *sql, double *out, int n, Error *err);

#endif
