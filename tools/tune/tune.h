// tools/tune/tune.h: one tuning run of `assay tune`. Internal to cmd_tune.c and this folder.
#ifndef ASSAY_TOOLS_TUNE_TUNE_H
#define ASSAY_TOOLS_TUNE_TUNE_H

#include "harness/prepare.h"
#include "metrics/evaluate.h"
#include "models/training/train.h"
#include "tools/command.h"

// The log of steps, a JSON object a line. A run that goes on from a checkpoint keeps the lines of the steps before it.
typedef struct StepLog {
    FILE *stream; // NULL where none is wanted
    const char *path;
    bool has_begun;
    bool is_resuming; // a checkpoint was there when the run began
    Slice before;     // what the file held then
    Buffer text;
    bool failed; // a line could not be written
} StepLog;

typedef struct TuneTask TuneTask; // task.c

typedef struct TuneRun {
    CommandLine *line;
    Arena arena;
    Model *model;
    Pool *pool;
    TrainOptions options;
    LoraOptions lora;       // what options.lora points to, where adapters are wanted
    DistillOptions distill; // what options.distill points to, where there is a teacher
    Model *teacher;         // of given batches; NULL without
    TrainResult result;
    StepLog log;
    uint64_t planned_steps;
    int64_t started_ns;
    bool made_output; // --out was not there before
    // Tuning on a data set.
    TuneTask *task; // NULL with given batches
    TrainExample *examples;
    size_t n_examples;
    const Metric *metric; // watched, or NULL
    TrainEvaluation *curve;
    size_t n_curve, curve_capacity;
    Status curve_status;
    double first_loss; // of the first step taken here
} TuneRun;

// suite.c: the suite that the options amount to; its paths are the user's own.
Status tune_make_suite(TuneRun *run, const char *family, Suite **out, Error *err) MUST_CHECK;
// A failure in the words of who gave options: without the suite's places and with options in place of its keys. Returns s.
Status tune_reword(Status s, Error *err);

// batches.c: opens the model and takes one step for each line of --batches.
Status tune_on_batches(TuneRun *run, Error *err) MUST_CHECK;

// classes.c: what classes have beside other tasks.
// Weights as --class-weights has them, into the options; after the examples are there.
Status tune_class_weights(TuneRun *run, const TaskData *data, Error *err) MUST_CHECK;
Status tune_check_metric(const CommandLine *line, const char *family, Error *err) MUST_CHECK;
Status tune_report_classes(const TuneRun *run, const Prepared *prepared, Error *err) MUST_CHECK;

// task.c: reads --train and --valid for a family of the harness, opens the model with a head for its labels, and tunes it.
Status tune_on_task(TuneRun *run, const char *name, Error *err) MUST_CHECK;
// Scores of the tuned model on the validation samples, with intervals; *n 0 where there are none. In the arena.
Status tune_scores(TuneRun *run, Score **scores, size_t *n, Error *err) MUST_CHECK;
// What answers want besides the weights goes beside the model (harness/note.h); one that is not of this run goes.
Status tune_write_note(TuneRun *run, Error *err) MUST_CHECK;
void tune_task_release(TuneRun *run); // a no-op without a task

// log.c. What tuning reports while it runs: callbacks of TrainOptions, context is the TuneRun.
Status step_log_open(TuneRun *run, Error *err) MUST_CHECK;
Status step_log_close(StepLog *log, Error *err) MUST_CHECK; // a no-op on a zeroed one
void tune_on_step(void *context, const TrainStep *step);
void tune_on_evaluation(void *context, const TrainEvaluation *evaluation);
// The result, for people or as one JSON document.
Status tune_print(TuneRun *run, const Score *scores, size_t n_scores, Error *err) MUST_CHECK;

#endif
