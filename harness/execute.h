// harness/execute.h: one trial, done in this process: open, tune, judge.
#ifndef ASSAY_HARNESS_EXECUTE_H
#define ASSAY_HARNESS_EXECUTE_H

#include "harness/outcome.h"
#include "harness/prepare.h"
#include "harness/teacher.h"
#include "models/chat/chat.h"

// All that a trial needs to know beyond suite and data; plain data, so that it can be sent to a worker process.
typedef struct Work {
    size_t trial; // index into the plan
    TrialSpec spec;
    char id[SHA256_HEX_SIZE];
    char key
        [SHA256_HEX_SIZE]; // of its tuning (trial_tuning_key): what is kept of it is kept under this
    char tuned_key[SHA256_HEX_SIZE];   // of the trial whose tuned model is judged; "" = tune here
    char teacher_key[SHA256_HEX_SIZE]; // of the tuned model that this one learns from; "" = none
    bool shares_tuning;                // another trial will take what this one was tuned to
    int64_t tuned_best_step;           // its kept step
    uint64_t refit_steps;              // steps of a winner tuned again; 0 = as the setting says
    double null_threshold;             // of a final model: the mean of those found
    bool keeps_weights;                // an outer trial may ask for this one's tuned model
    char rung_key
        [SHA256_HEX_SIZE]; // of the trial of the rung before that this one goes on from; "" = none
    bool keeps_state;      // one of the next rung may go on from here
} Work;

typedef struct ExecuteOptions {
    const Suite *suite;
    const Prepared *prepared;
    Device device;
    ComputeMode compute;
    DType kv; // what causal models keep keys and values in
    size_t n_threads;
    const char *state_directory;
    double checkpoint_seconds; // 0 = 60
    const atomic_int *cancel;
    // Called after each step; may be NULL.
    void (*on_step)(void *context, const Work *work, const TrainStep *step, uint64_t n_steps);
    void *context;
} ExecuteOptions;

// A process's engine: its pool and the model that is open now, kept between trials of the same model and task.
typedef struct Executor {
    ExecuteOptions options;
    Pool *pool;
    Model *model;
    int model_index;
    size_t task_index;
    int32_t *label_of;     // [model's labels] index into the task's labels; NULL = the same
    double null_threshold; // found for the model that is judged
    Teacher *teacher;      // whom the last trial that had one learnt from
    Arena chat_arena;
    ChatTemplate chat; // of the open model, where the task asks for it
} Executor;

Status executor_init(Executor *executor, const ExecuteOptions *options, Error *err) MUST_CHECK;
void executor_release(Executor *executor); // a no-op on a zeroed one

// Does one trial. STATUS_OK with outcome->status TRIAL_FAILED where the trial itself failed (a loss became NaN, too few
// samples, no memory): others can go on. Else STATUS_CANCELLED (state is saved) or STATUS_IO (state cannot be saved): the
// run stops.
Status executor_run(Executor *executor, const Work *work, Outcome *outcome, Error *err) MUST_CHECK;

// Opens the model of a task as trials want it, or keeps the one that is open. For estimates; executor_run does it itself.
Status executor_open_model(Executor *executor, int model, size_t task, Error *err) MUST_CHECK;

// The directory of a model tuned on all data: the suite's, or one below it for each model and task where there are several.
// NULL when memory runs out.
const char *final_directory(const Suite *suite, int model, size_t task, Arena *arena);
// Whether that directory holds the model of this trial.
bool final_is_saved(const Suite *suite, int model, size_t task, Slice trial_id);

#endif
