// tests/harness/runs.h: what the tests of runs share: made-up data, a suite over a tiny fresh encoder, a run of it.
#ifndef ASSAY_TESTS_HARNESS_RUNS_H
#define ASSAY_TESTS_HARNESS_RUNS_H

#include "harness/run.h"

typedef struct RunsSuite {
    const char *tune;    // the tune block; NULL = two learning rates, 2 epochs
    const char *folds;   // the folds block; NULL = {"k": 2, "inner": 0.25}
    const char *more;    // further members of the suite, each with a comma in front; NULL = none
    const char *task;    // further members of the task, likewise
    const char *metrics; // the task's, without brackets; NULL = accuracy and f1
    const char *models;  // the models array; NULL = one fresh encoder
    bool has_parts;      // data has dev.tsv and test.tsv too
    const char *train;   // the training file's text; NULL = 60 sentences of two classes
    const char *test;    // the test file's text; NULL = 20 sentences
} RunsSuite;

// A folder with suite.json and data/. The text is valid until the next folder.
const char *runs_folder(const RunsSuite *suite);
Suite *runs_load(const char *folder);
// n sentences whose class is told by one word; header and label column included. Valid until the next call but one.
const char *runs_sentences(size_t n, unsigned seed);

typedef struct RunsHow {
    const char *store; // file in the folder; NULL = "a.db"
    size_t n_jobs, n_threads;
    bool retime;
    const atomic_int *cancel;
} RunsHow;
// Runs folder's suite; the status comes back, the message in err. how may be NULL.
Status runs_run(const char *folder, const RunsHow *how, RunResult *result, Error *err);
// The same, which must succeed; gives the canonical export of the run. Freed by the caller with buffer_release.
Buffer runs_export(const char *folder, const RunsHow *how);

// The first score's estimate of that name among an export's pooled scores of a model, for its first task.
double runs_pooled(const Buffer *export, const char *model, const char *score);
// The largest estimate of that name anywhere in an export; 0 where there is none.
double runs_best(const Buffer *export, const char *score);

// Runs folder's suite, in which no trial may fail; store is a file in it.
void runs_finish(const char *folder, const char *store, RunResult *result);
// The plan and the trials of a run, [n] each in the plan's order; path: of the store.
void runs_trials(const char *path, const char *run_id, Arena *arena, RunTrial **plan,
                 Trial **trials, size_t *n);

// Runs folder's suite and gives its data section and notes, a line each: "section|item|value", "note text". run_id may be
// NULL. Freed by the caller with buffer_release.
Buffer runs_findings(const char *folder, char run_id[64]);

#endif
