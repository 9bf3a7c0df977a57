// harness/run_internal.h: a run under way, between the sources of run. Internal to harness/.
#ifndef ASSAY_HARNESS_RUN_INTERNAL_H
#define ASSAY_HARNESS_RUN_INTERNAL_H

#include "harness/execute.h"
#include "harness/run.h"
#include "harness/state.h"

typedef struct Run {
    const Suite *suite;
    const RunOptions *options;
    RunResult *result;
    Arena arena;
    Store *store;
    StateDirectory state;
    SuiteIdentity identity;
    Plan plan;
    Prepared prepared;
    Buffer manifest, manifest_machine;
    Slice device_name;
    size_t n_threads;
    int64_t started_ns;
    size_t n_planned; // trials to do when the session began
    size_t n_ended;   // of them
} Run;

// ---- run.c ----

// Opens store and state folder; the other fields are set before. run_close releases all, and removes the state folder
// where nothing will be resumed.
Status run_open(Run *run, const char *store_path, const char *state_for, Error *err) MUST_CHECK;
void run_close(Run *run, bool remove_state);

// ---- run_loop.c ----

// What a worker must know of a trial.
Work run_work(const Run *run, size_t trial);
// A trial has begun, or has ended with this outcome: scored, stored, choices made, files of settings that lost removed.
void run_begin_trial(Run *run, size_t trial);
Status run_end_trial(Run *run, size_t index, Outcome *outcome, Error *err) MUST_CHECK;
Status run_loop(Run *run, Error *err) MUST_CHECK;
// Options of the process that does trials.
ExecuteOptions run_execute_options(const Run *run);

// ---- jobs.c ----

// The same with worker processes.
Status run_jobs(Run *run, Error *err) MUST_CHECK;

// ---- run_record.c ----

// Begins the run in the store, with manifest and plan.
Status run_record_begin(Run *run, bool *resumed, Error *err) MUST_CHECK;
Status run_record_plan(Run *run, Error *err) MUST_CHECK;
// Data sets and folds that planned trials refer to, the data's check and its notes.
Status run_record_data(Run *run, Error *err) MUST_CHECK;

// ---- run_outputs.c ----

// Adds to data check and notes of the run what was found in outputs, once; run_record_data came before.
Status run_record_outputs(Run *run, Error *err) MUST_CHECK;

// ---- run_report.c ----

Status run_write_reports(Run *run, Error *err) MUST_CHECK;

#endif
