// harness/run.h: a suite from its plan to its reports.
//
// A run takes from the store what is there, does the rest in any number of processes, and stores each trial as it ends: so
// it can be stopped or killed at any moment and begun again. What comes out does not depend on interruptions, threads or
// jobs.
#ifndef ASSAY_HARNESS_RUN_H
#define ASSAY_HARNESS_RUN_H

#include "base/log.h"
#include "harness/plan.h"
#include "kernels/exec.h"

typedef struct RunOptions {
    const char *store_path; // as store_open takes it
    const char *report_dir; // NULL: the suite's, else "assay-report"
    Device device;
    ComputeMode compute;
    DType kv;                  // what causal models keep keys and values in
    size_t n_jobs;             // worker processes; 0 or 1: trials run in this one
    size_t n_threads;          // of each trial; 0: what the process may use, divided by n_jobs
    bool retime;               // trials that are stored run again, for their times alone
    double checkpoint_seconds; // 0 = 60
    const atomic_int *cancel;  // once not 0, the running step is finished and its state saved
    Log *log;
    const char *program_version;
    int argc; // for the manifest
    const char *const *argv;
    size_t width; // of the terminal table; 0 = 100
    bool colour;
    bool is_quiet_table; // no terminal table is wanted
} RunOptions;

typedef struct RunResult {
    Arena arena; // owns what follows
    char run_id[RUN_ID_SIZE];
    size_t n_trials;                   // planned, by the end
    size_t n_cached, n_done, n_failed; // stored before; done and failed by this session
    Slice *reports;                    // paths
    size_t n_reports;
    Buffer table;    // the terminal report; empty where none was wanted
    Buffer verdicts; // beside it: what it comes to, a line a task
} RunResult;

// STATUS_OK also where trials failed: see n_failed. STATUS_CANCELLED where the run was stopped: begun again, it goes on. On
// any status result is valid for run_result_release. Data that cannot be used is refused before anything is tuned.
Status run_suite(const Suite *suite, const RunOptions *options, RunResult *result,
                 Error *err) MUST_CHECK;
void run_result_release(RunResult *result); // a no-op on a zeroed one

// One JSON document: run id, trials, scores with intervals, report paths. Read from the store.
Status run_result_json(const RunResult *result, const char *store_path, Buffer *out,
                       Error *err) MUST_CHECK;

// What a run would do, for people or as one JSON document: trials, cached ones, estimated time (from a short measurement
// of each model on the first texts) and memory. Nothing is stored but hashes of files.
Status run_describe(const Suite *suite, const RunOptions *options, bool as_json, Buffer *out,
                    Error *err) MUST_CHECK;

#endif
