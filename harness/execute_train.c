// harness/execute_train.c: tuning one trial's model, with curves, a watched part and a state to go on from.
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "harness/balance.h"
#include "harness/execute_internal.h"
#include "harness/learnt.h"
#include "harness/score.h"
#include "harness/state.h"

typedef struct Tuning {
    Executor *executor;
    const Work *work;
    const TrialSamples *samples;
    Outcome *outcome;
    Journal *journal;
    Slice watched_score;
    double direction; // of watched_score: what training maximises is direction * score
    uint64_t n_steps;
    const Learnt *learnt;
    uint64_t n_tokens_before; // learnt from before this process took the trial up
} Tuning;

static void on_step(void *context, const TrainStep *step)
{
    Tuning *tuning = context;
    const ExecuteOptions *o = &tuning->executor->options;
    curves_add_step(&tuning->outcome->curves, step);
    journal_add_step(tuning->journal, step);
    if (o->on_step) o->on_step(o->context, tuning->work, step, tuning->n_steps);
}

static void on_evaluation(void *context, const TrainEvaluation *evaluation)
{
    Tuning *tuning = context;
    TrainEvaluation seen = *evaluation;
    seen.metric *= tuning->direction;
    curves_add_evaluation(&tuning->outcome->curves, &seen);
    journal_add_evaluation(tuning->journal, &seen);
}

static Status evaluate(void *context, Model *model, double *metric, Error *err)
{
    Tuning *tuning = context;
    Executor *executor = tuning->executor;
    const TrialSpec *spec = &tuning->work->spec;
    const TaskData *data = &executor->options.prepared->tasks[spec->task];
    const TrialSamples *samples = tuning->samples;
    Arena arena = {0};
    Item *items = NULL;
    Answers answers = {0};
    (void)model; // it is the executor's
    TRY(execute_calibrate(executor, spec, samples, err));
    Status s = execute_answers(executor, spec, samples->watched_part, samples->watched,
                               samples->n_watched, &arena, &answers, err);
    const Predictions predictions =
        score_predictions(&data->parts[samples->watched_part], samples->watched, &answers);
    if (s == STATUS_OK) s = score_items(data, &predictions, &arena, &items, err);
    if (s == STATUS_OK)
        s = score_estimate(&executor->options.suite->tasks[spec->task], data, tuning->watched_score,
                           items, predictions.n, metric, err);
    *metric *= tuning->direction;
    arena_release(&arena);
    return s;
}

static Status make_examples(const Executor *executor, const Work *work, DataPart part,
                            const size_t *positions, size_t n, Arena *arena, TrainExample **out,
                            size_t *n_examples, Error *err)
{
    const Prepared *prepared = executor->options.prepared;
    const Tokens *tokens = prepared_tokens(prepared, (size_t)work->spec.model, work->spec.task,
                                           part, work->spec.setting);
    if (tokens == NULL) return error_set(err, STATUS_INTERNAL, "a part has no tokens");
    return family_examples(tokens, &prepared->tasks[work->spec.task].parts[part], positions, n,
                           executor->model, arena, out, n_examples, err);
}

// How often each class is to be learnt: of sequences, or of tokens.
static Status count_classes(const Executor *executor, const Work *work,
                            const TrainExample *examples, size_t n, Arena *arena, size_t **counts,
                            Error *err)
{
    const TaskData *data = &executor->options.prepared->tasks[work->spec.task];
    TRY(arena_take(arena, data->n_labels, sizeof **counts, "counts", counts, err));
    const TrialSpec *spec = &work->spec;
    if (prepared_by_prompt(executor->options.prepared, (size_t)spec->model, spec->task))
        return STATUS_OK;
    if (data->head == HEAD_SPAN || data->head == HEAD_SEQ2SEQ || data->family->learns_texts)
        return STATUS_OK;
    for (size_t i = 0; i < n; i++) {
        const size_t n_labels = data->head == HEAD_TOKEN ? examples[i].input.n_tokens : 1;
        for (size_t k = 0; k < n_labels; k++) {
            if (examples[i].labels[k] >= 0) (*counts)[examples[i].labels[k]]++;
        }
    }
    return STATUS_OK;
}

static void find_watched_score(Tuning *tuning, const TuneSetting *setting)
{
    const SuiteTask *task = &tuning->executor->options.suite->tasks[tuning->work->spec.task];
    tuning->watched_score =
        setting->monitor_metric.len > 0 ? setting->monitor_metric : task->primary;
    const SuiteMetric *metric = score_metric(task, tuning->watched_score);
    tuning->direction = metric && metric->metric->direction == LOWER_IS_BETTER ? -1.0 : 1.0;
}

static Status balance(const Tuning *tuning, const TuneSetting *setting, TrainExample *examples,
                      size_t n_examples, Arena *arena, TrainOptions *options, Error *err)
{
    const Learnt *learnt = tuning->learnt;
    return balance_examples(setting, learnt->tokens, learnt->part, learnt->positions, learnt->n,
                            examples, n_examples, arena, options, err);
}

static Status make_options(Tuning *tuning, TrainExample *examples, size_t n_examples, Arena *arena,
                           TrainOptions *options, Error *err)
{
    const Executor *executor = tuning->executor;
    const ExecuteOptions *o = &executor->options;
    const Work *work = tuning->work;
    const TaskData *data = &o->prepared->tasks[work->spec.task];
    const TuneSetting *setting = &o->suite->models[work->spec.model].settings[work->spec.setting];
    size_t *counts = NULL;
    TrainExample *validation = NULL;
    TRY(count_classes(executor, work, examples, n_examples, arena, &counts, err));
    TRY(tune_setting_options(setting, data->labels, data->n_labels, counts, arena, options, err));
    TRY(balance(tuning, setting, examples, n_examples, arena, options, err));
    find_watched_score(tuning, setting);
    options->seed = work->spec.seed;
    options->cancel = o->cancel;
    options->checkpoint_seconds = o->checkpoint_seconds;
    options->on_step = on_step;
    options->on_evaluation = on_evaluation;
    options->context = tuning;
    TRY(family_masking(data, executor->model, arena, &options->masking, err));
    if (tuning->samples->n_watched > 0) {
        TRY(make_examples(executor, work, tuning->samples->watched_part, tuning->samples->watched,
                          tuning->samples->n_watched, arena, &validation, &options->n_validation,
                          err));
        if (options->masking)
            TRY(mask_examples(options->masking, work->spec.seed, mask_watched, arena, validation,
                              options->n_validation, err));
        options->validation = validation;
        if (!data->family->is_slow || setting->monitor == MONITOR_METRIC)
            options->evaluate = evaluate;
    } else {
        // Nothing is held out: nothing to stop by. A winner tuned again takes the winner's number of steps.
        options->monitor = MONITOR_NONE;
        if (work->refit_steps > 0) options->max_steps = work->refit_steps;
    }
    return STATUS_OK;
}

// What the setting's teacher says of the examples; it stays open for the trials that follow.
static Status teach(const Tuning *tuning, TrainExample *examples, TrainOptions *options,
                    Arena *arena, Error *err)
{
    Executor *executor = tuning->executor;
    const TrialSpec *spec = &tuning->work->spec;
    const Prepared *prepared = executor->options.prepared;
    const size_t model = (size_t)spec->model;
    const char *key = tuning->work->teacher_key;
    DistillOptions *distill = NULL;
    if (!options->distill) return STATUS_OK;
    if (executor->teacher &&
        !teacher_serves(executor->teacher, prepared, model, spec->task, spec->setting, key))
        teacher_close(&executor->teacher);
    if (!executor->teacher) {
        Model *tuned = NULL;
        if (key[0] != '\0') TRY(execute_open_teacher(executor, tuning->work, &tuned, err));
        TRY(teacher_open(prepared, model, spec->task, spec->setting, key, tuned ? &tuned : NULL,
                         &executor->teacher, err));
    }
    TRY(arena_take(arena, 1, sizeof *distill, "a teacher", &distill, err));
    *distill = *options->distill;
    options->distill = distill;
    return teacher_teach(executor->teacher, prepared, executor->pool, tuning->samples->train,
                         tuning->learnt, executor->options.cancel, arena, examples, distill, err);
}

static void drop_state(const Tuning *tuning)
{
    const char *directory = tuning->executor->options.state_directory;
    state_remove(directory, slice_from_cstr(tuning->work->key), "checkpoint");
    state_remove(directory, slice_from_cstr(tuning->work->key), "curves");
}

// Once from the saved state, where there is one. *usable is false where that state turned out to be damaged, of another
// build, or without its curves.
static Status train_once(Tuning *tuning, const TrainExample *examples, size_t n_examples,
                         const TrainOptions *options, bool *usable, TrainResult *result, Error *err)
{
    Executor *executor = tuning->executor;
    Curves *curves = &tuning->outcome->curves;
    curves_release(curves);
    const bool has_state = file_exists(options->checkpoint);
    if (!has_state) drop_state(tuning);
    TRY(journal_open(executor->options.state_directory, slice_from_cstr(tuning->work->key), curves,
                     &tuning->journal, err));
    tuning->n_tokens_before = 0;
    for (size_t i = 0; i < curves->n_steps; i++)
        tuning->n_tokens_before += curves->steps[i].n_tokens;
    Status s =
        model_train(executor->model, executor->pool, examples, n_examples, options, result, err);
    Error journal_error = {0};
    const Status written = journal_status(tuning->journal, &journal_error);
    journal_close(&tuning->journal);
    if (s == STATUS_OK) s = curves_status(curves, err);
    *usable = true;
    if (has_state &&
        (s == STATUS_INVALID || (s == STATUS_OK && curves->n_steps != result->n_steps)))
        *usable = false;
    if (s == STATUS_CANCELLED && written != STATUS_OK) {
        *err = journal_error; // what was saved cannot be gone on from
        s = written;
    }
    return s;
}

Status execute_train(Executor *executor, const Work *work, const TrialSamples *samples,
                     Arena *arena, Outcome *outcome, Error *err)
{
    Tuning tuning = {.executor = executor, .work = work, .samples = samples, .outcome = outcome};
    TrainOptions options = {0};
    TrainExample *examples = NULL;
    size_t n_examples = 0;
    TrainResult result = {0};
    char checkpoint[STATE_PATH_SIZE];
    bool usable = true;
    Learnt learnt;
    TRY(learnt_take(executor->options.prepared, (size_t)work->spec.model, work->spec.task,
                    work->spec.setting, work->spec.seed, samples->train, samples->n_train, arena,
                    &learnt, err));
    tuning.learnt = &learnt;
    TRY(family_examples(learnt.tokens, learnt.part, learnt.positions, learnt.n, executor->model,
                        arena, &examples, &n_examples, err));
    TRY(make_options(&tuning, examples, n_examples, arena, &options, err));
    TRY(teach(&tuning, examples, &options, arena, err));
    TRY(state_file(executor->options.state_directory, slice_from_cstr(work->key), "checkpoint",
                   checkpoint, err));
    options.checkpoint = checkpoint;
    options.keep_checkpoint = work->keeps_state;
    if (work->rung_key[0] != '\0' && !file_exists(checkpoint)) {
        drop_state(&tuning);
        state_take_rung(executor->options.state_directory, slice_from_cstr(work->rung_key),
                        slice_from_cstr(work->key));
    }
    tuning.n_steps = train_planned_steps(&options, n_examples);
    const int64_t start_ns = clock_now_ns();
    Status s = train_once(&tuning, examples, n_examples, &options, &usable, &result, err);
    if (!usable) {
        *err = (Error){0};
        drop_state(&tuning);
        TRY(execute_reset(executor, &work->spec, err));
        s = train_once(&tuning, examples, n_examples, &options, &usable, &result, err);
    }
    outcome->cost.train_ns = clock_now_ns() - start_ns;
    outcome->cost.n_train_tokens =
        result.n_tokens > tuning.n_tokens_before ? result.n_tokens - tuning.n_tokens_before : 0;
    if (s == STATUS_CANCELLED) return s;
    if (s == STATUS_OK) outcome->best_step = (int64_t)result.best_step;
    if (s == STATUS_OK && work->keeps_state)
        return state_keep_rung(executor->options.state_directory, slice_from_cstr(work->key), err);
    drop_state(&tuning);
    return s;
}
