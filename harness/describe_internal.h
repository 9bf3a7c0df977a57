// harness/describe_internal.h: what `assay run --dry-run` finds, between describe.c and describe_put.c.
#ifndef ASSAY_HARNESS_DESCRIBE_INTERNAL_H
#define ASSAY_HARNESS_DESCRIBE_INTERNAL_H

#include "harness/check_rows.h"
#include "harness/execute_internal.h"
#include "harness/run_internal.h"

typedef struct PairEstimate {
    size_t n_trials, n_cached;
    double tokens_per_s; // forward, measured; 0 = nothing to do
    double seconds;
    uint64_t memory_bytes; // of one trial
} PairEstimate;

typedef struct Describing {
    Run run;
    Executor executor;
    PairEstimate *pairs; // [n_models * n_tasks]
    double seconds;      // all, over the jobs
    uint64_t memory_bytes;
    CheckRow *checks; // of the data, where something is left to do
    RunNote *notes;
    size_t n_checks, n_notes;
} Describing;

// describe_put.c
void describe_put_text(const Describing *d, Buffer *out);
void describe_put_json(const Describing *d, Buffer *out);

#endif
