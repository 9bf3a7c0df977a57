// tools/tune.h: one tuning run of `assay tune`. Internal to cmd_tune.c and tune_*.c.
#ifndef ASSAY_TOOLS_TUNE_H
#define ASSAY_TOOLS_TUNE_H

#include "datasets/sample.h"
#include "metrics/evaluate.h"
#include "models/train.h"
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

// A data set as the model reads it. Everything lies in the run's arena.
typedef struct TuneData {
    Dataset data;
    size_t *which; // [n] indices of samples that are used; NULL = all
    size_t n;
    TrainExample *examples; // [n]
    size_t *n_full;         // [data.n_samples] tokens before truncation
} TuneData;

typedef struct TuneTask TuneTask; // tune_task.c

typedef struct TuneRun {
    CommandLine *line;
    Arena arena;
    Model *model;
    Pool *pool;
    TrainOptions options;
    LoraOptions lora;       // what options.lora points to, where adapters are wanted
    DistillOptions distill; // what options.distill points to, where there is a teacher
    Model *teacher;         // of classes and of given batches; NULL without
    TrainResult result;
    StepLog log;
    uint64_t planned_steps;
    int64_t started_ns;
    bool made_output; // --out was not there before
    // Tuning on a data set.
    TuneTask *task; // of tags and spans; NULL for classes
    TuneData train, valid;
    const Metric *metric; // watched, or NULL
    TrainEvaluation *curve;
    size_t n_curve, curve_capacity;
    Status curve_status;
    double first_loss; // of the first step taken here
} TuneRun;

// tune_teacher.c: opens the model that --distill-from names, and checks that it has what the model to tune learns. Columns
// (may be NULL): see teacher_columns.
Status tune_open_teacher(TuneRun *run, const int32_t **columns, Error *err) MUST_CHECK;
// What it says about the texts of the training part, by its own tokens, goes into the examples.
Status tune_ask_teacher(TuneRun *run, Error *err) MUST_CHECK;

// tune_batches.c: opens the model and takes one step for each line of --batches.
Status tune_on_batches(TuneRun *run, Error *err) MUST_CHECK;

// tune_data.c: reads --train and --valid, opens the model with a head for their labels, and tunes it.
Status tune_on_data(TuneRun *run, Error *err) MUST_CHECK;
// The part's texts as a tokenizer cuts them; in the run's arena.
Status tune_encode(TuneRun *run, const TuneData *part, const Tokenizer *tokenizer,
                   size_t max_length, TokenBatch *out, Error *err) MUST_CHECK;
// Scores of the tuned model on the validation samples, with intervals; *n 0 where there are none. In the arena.
Status tune_scores(TuneRun *run, Score **scores, size_t *n, Error *err) MUST_CHECK;

// tune_task.c: the same for a family of the harness, "tag" or "span". tune_scores calls tune_task_scores.
Status tune_on_task(TuneRun *run, const char *family, Error *err) MUST_CHECK;
Status tune_task_scores(TuneRun *run, Score **scores, size_t *n, Error *err) MUST_CHECK;
void tune_task_release(TuneRun *run); // a no-op without a task

// tune_log.c. What tuning reports while it runs: callbacks of TrainOptions, context is the TuneRun.
Status step_log_open(TuneRun *run, Error *err) MUST_CHECK;
Status step_log_close(StepLog *log, Error *err) MUST_CHECK; // a no-op on a zeroed one
void tune_on_step(void *context, const TrainStep *step);
void tune_on_evaluation(void *context, const TrainEvaluation *evaluation);
// The result, for people or as one JSON document.
Status tune_print(TuneRun *run, const Score *scores, size_t n_scores, Error *err) MUST_CHECK;

#endif
