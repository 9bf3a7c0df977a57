#include "harness/execute.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "harness/counterfactual.h"
#include "harness/execute_internal.h"
#include "harness/state.h"

Status executor_init(Executor *executor, const ExecuteOptions *options, Error *err)
{
    *executor = (Executor){.options = *options, .model_index = NO_MODEL};
    return pool_open(options->n_threads, &executor->pool, err);
}

void executor_release(Executor *executor)
{
    if (executor->pool == NULL) return;
    execute_close_model(executor);
    teacher_close(&executor->teacher);
    pool_close(&executor->pool);
}

// ---- judging ----

// Asked about samples of a part, all but which ones.
Status execute_asked(const Executor *executor, const TrialSpec *spec, DataPart part, Asked *out,
                     Error *err)
{
    const Prepared *prepared = executor->options.prepared;
    const TaskData *data = &prepared->tasks[spec->task];
    *out = (Asked){
        .task = prepared_task(prepared, (size_t)spec->model, spec->task),
        .data = data,
        .part = prepared_part(prepared, (size_t)spec->model, spec->task, part),
        .tokens = prepared_tokens(prepared, (size_t)spec->model, spec->task, part, spec->setting),
        .tokenizer = prepared_tokenizer(prepared, (size_t)spec->model, spec->task),
        .by_prompt = prepared_by_prompt(prepared, (size_t)spec->model, spec->task),
        .hypotheses = prepared_by_hypotheses(prepared, (size_t)spec->model, spec->task)
                          ? model_config(executor->model)
                          : NULL,
        .seed = spec->seed,
        .outer_fold = spec->outer_fold,
        .null_threshold = executor->null_threshold,
        .label_of = executor->label_of};
    return out->tokens ? STATUS_OK
                       : error_set(err, STATUS_INTERNAL, "the judged part has no tokens");
}

static Responder responder_of(const Executor *executor)
{
    return (Responder){.model = executor->model,
                       .pool = executor->pool,
                       .cancel = executor->options.cancel,
                       .chat = executor->chat.template ? &executor->chat : NULL};
}

Status execute_answers(Executor *executor, const TrialSpec *spec, DataPart part,
                       const size_t *positions, size_t n, Arena *arena, Answers *out, Error *err)
{
    Asked asked;
    const Responder responder = responder_of(executor);
    TRY(execute_asked(executor, spec, part, &asked, err));
    asked.positions = positions;
    asked.n = n;
    return family_respond(&asked, &responder, arena, out, err);
}

Status execute_calibrate(Executor *executor, const TrialSpec *spec, const TrialSamples *samples,
                         Error *err)
{
    Asked asked;
    const Responder responder = responder_of(executor);
    const SuiteTask *task =
        prepared_task(executor->options.prepared, (size_t)spec->model, spec->task);
    executor->null_threshold = task->null_threshold;
    if (!task->tunes_null_threshold || samples->n_watched == 0) return STATUS_OK;
    TRY(execute_asked(executor, spec, samples->watched_part, &asked, err));
    asked.positions = samples->watched;
    asked.n = samples->n_watched;
    return family_calibrate(&asked, &responder, &executor->null_threshold, err);
}

static Status fill_outcome(const UsedPart *part, const TrialSamples *samples,
                           const Answers *answers, Outcome *outcome, Error *err)
{
    TRY(outcome_take(outcome, samples->n_judged, answers->n_classes, err));
    if (answers->n_values > 0)
        TRY(outcome_put_values(outcome, answers->values, answers->n_values, err));
    for (size_t i = 0; i < samples->n_judged; i++) {
        outcome->ordinals[i] = (uint32_t)part->which[samples->judged[i]];
        outcome->predicted[i] = answers->predicted[i];
    }
    for (size_t i = 0; i < samples->n_judged * answers->n_classes; i++)
        outcome->probabilities[i] = (float)answers->probabilities[i];
    return answers->texts ? outcome_put_texts(outcome, answers->texts, err) : STATUS_OK;
}

// One sample at a time, as someone who waits for an answer meets the model: some of the samples, spread over all of them,
// for half a second at most. The first is run twice: it finds memory and caches cold.
static Status measure_latency(Executor *executor, const TrialSpec *spec,
                              const TrialSamples *samples, Outcome *outcome, Error *err)
{
    enum { N_MEASURED = 32 };
    const int64_t budget_ns = INT64_C(500) * 1000 * 1000, start_ns = clock_now_ns();
    const size_t n = samples->n_judged, n_measured = n < N_MEASURED ? n : N_MEASURED;
    const Responder responder = responder_of(executor);
    Asked asked;
    Arena scratch = {0};
    TRY(execute_asked(executor, spec, samples->judged_part, &asked, err));
    Status s = STATUS_OK;
    asked.n = 1;
    for (size_t k = 0; s == STATUS_OK && k < n_measured; k++) {
        const size_t i = k * n / n_measured;
        asked.positions = samples->judged + i;
        for (int run = k == 0 ? 0 : 1; s == STATUS_OK && run < 2; run++) {
            const ArenaMark mark = arena_mark(&scratch);
            const int64_t before_ns = clock_now_ns();
            Answers ignored;
            s = family_respond(&asked, &responder, &scratch, &ignored, err);
            outcome->latency_ns[i] = clock_now_ns() - before_ns;
            arena_rewind(&scratch, mark);
        }
        if (clock_now_ns() - start_ns > budget_ns) break;
    }
    arena_release(&scratch);
    return s;
}

// Copies of the judged samples, for those who compare.
typedef struct CopyAsk {
    Executor *executor;
    const TrialSpec *spec;
} CopyAsk;

static Status ask_copies(void *context, const size_t *positions, size_t n, Arena *arena,
                         Answers *out, Error *err)
{
    const CopyAsk *ask = context;
    return execute_answers(ask->executor, ask->spec, PART_SWAPPED, positions, n, arena, out, err);
}

static Status judge(Executor *executor, const Work *work, const TrialSamples *samples, Arena *arena,
                    Outcome *outcome, Error *err)
{
    const TaskData *data = &executor->options.prepared->tasks[work->spec.task];
    Answers answers = {0};
    if (samples->n_judged == 0) return STATUS_OK;
    const int64_t start_ns = clock_now_ns();
    TRY(execute_calibrate(executor, &work->spec, samples, err));
    outcome->null_threshold = executor->null_threshold;
    TRY(execute_answers(executor, &work->spec, samples->judged_part, samples->judged,
                        samples->n_judged, arena, &answers, err));
    if (counterfactual_covers(data, samples->judged_part)) {
        CopyAsk ask = {executor, &work->spec};
        TRY(counterfactual_extend(data, &data->parts[samples->judged_part], samples->judged,
                                  samples->n_judged, ask_copies, &ask, arena, &answers, err));
    }
    outcome->cost.evaluate_ns = clock_now_ns() - start_ns;
    outcome->cost.n_evaluate_tokens = answers.n_tokens;
    for (size_t i = 0; i < samples->n_judged * answers.n_classes; i++) {
        if (!isfinite(answers.probabilities[i]))
            return error_set(err, STATUS_DIVERGED,
                             "the model's scores are not finite on sample %zu of those judged",
                             i / answers.n_classes);
    }
    TRY(fill_outcome(&data->parts[samples->judged_part], samples, &answers, outcome, err));
    return measure_latency(executor, &work->spec, samples, outcome, err);
}

typedef struct BaselineAsk {
    const TaskData *data;
    const UsedPart *from;
    const size_t *positions;
    size_t n;
} BaselineAsk;

static Status ask_baseline(void *context, const size_t *positions, size_t n, Arena *arena,
                           Answers *out, Error *err)
{
    const BaselineAsk *ask = context;
    *out = (Answers){.n = n};
    return ask->data->family->baseline(ask->data, ask->from, ask->positions, ask->n,
                                       &ask->data->swapped, positions, arena, out, err);
}

static Status run_baseline(const Executor *executor, const Work *work, const TrialSamples *samples,
                           Arena *arena, Outcome *outcome, Error *err)
{
    const TaskData *data = &executor->options.prepared->tasks[work->spec.task];
    // Without a training part the baseline is made from what is judged: the hardest constant to beat.
    const bool has_train = samples->n_train > 0;
    const UsedPart *from = &data->parts[has_train ? PART_TRAIN : samples->judged_part],
                   *judged = &data->parts[samples->judged_part];
    const size_t *positions = has_train ? samples->train : samples->judged;
    const size_t n = has_train ? samples->n_train : samples->n_judged;
    Answers answers = {.n = samples->n_judged};
    TRY(data->family->baseline(data, from, positions, n, judged, samples->judged, arena, &answers,
                               err));
    if (counterfactual_covers(data, samples->judged_part)) {
        BaselineAsk ask = {data, from, positions, n};
        TRY(counterfactual_extend(data, judged, samples->judged, samples->n_judged, ask_baseline,
                                  &ask, arena, &answers, err));
    }
    return fill_outcome(judged, samples, &answers, outcome, err);
}

// ---- a trial ----

// What a trial of the same tuning was tuned to, where it left that: weights, and curves with the kept step.
static Status take_shared(Executor *executor, const Work *work, Outcome *outcome, bool *found,
                          Error *err)
{
    const char *directory = executor->options.state_directory;
    const Slice key = slice_from_cstr(work->key);
    char path[STATE_PATH_SIZE];
    Outcome left = {0};
    Error ignored = {0};
    TRY(state_file(directory, key, "learnt", path, err));
    if (!file_exists(path) || outcome_read(path, &left, &ignored) != STATUS_OK) return STATUS_OK;
    Status s = state_file(directory, key, "weights", path, err);
    if (s == STATUS_OK) s = tuned_load(executor->model, path, found, err);
    if (s == STATUS_OK && *found) {
        outcome->curves = left.curves;
        left.curves = (Curves){0};
        outcome->best_step = left.best_step;
        outcome->cost.train_ns = left.cost.train_ns; // what such a model takes
        outcome->cost.n_train_tokens = left.cost.n_train_tokens;
    } else if (s == STATUS_OK) {
        s = execute_reset(executor, &work->spec, err);
    }
    outcome_release(&left);
    return s;
}

// Weights as they were tuned, before anything is done with them. Without the files the model is tuned again, to the same
// bits: a full disk costs time, no more.
static Status keep_tuned(const Executor *executor, const Work *work, const Outcome *outcome,
                         Error *err)
{
    const char *directory = executor->options.state_directory;
    const Slice key = slice_from_cstr(work->key);
    const Outcome learnt = {.status = TRIAL_DONE,
                            .best_step = outcome->best_step,
                            .curves = outcome->curves,
                            .cost = {.train_ns = outcome->cost.train_ns,
                                     .n_train_tokens = outcome->cost.n_train_tokens}};
    char path[STATE_PATH_SIZE];
    Error ignored = {0};
    if (!work->keeps_weights) return STATUS_OK;
    TRY(state_file(directory, key, "weights", path, err));
    if (tuned_save(executor->model, path, &ignored) != STATUS_OK)
        state_remove(directory, key, "weights");
    if (!work->shares_tuning) return STATUS_OK;
    TRY(state_file(directory, key, "learnt", path, err));
    if (outcome_write(&learnt, path, &ignored) != STATUS_OK) state_remove(directory, key, "learnt");
    return STATUS_OK;
}

// The weights of the trial whose tuned model is judged, where they are kept.
static Status take_weights(Executor *executor, const Work *work, bool *found, Error *err)
{
    char path[STATE_PATH_SIZE];
    TRY(state_file(executor->options.state_directory, slice_from_cstr(work->tuned_key), "weights",
                   path, err));
    TRY(tuned_load(executor->model, path, found, err));
    return *found ? STATUS_OK : execute_reset(executor, &work->spec, err);
}

static Status get_tuned(Executor *executor, const Work *work, const TrialSamples *samples,
                        Arena *arena, Outcome *outcome, Error *err)
{
    const SuiteModel *model = &executor->options.suite->models[work->spec.model];
    const TuneSetting *setting = &model->settings[work->spec.setting];
    bool found = false;
    if (!model->does_tune) return STATUS_OK;
    if (work->tuned_key[0] != '\0')
        TRY(take_weights(executor, work, &found, err));
    else
        TRY(take_shared(executor, work, outcome, &found, err));
    if (!found) {
        TRY(execute_train(executor, work, samples, arena, outcome, err));
        TRY(keep_tuned(executor, work, outcome, err));
    }
    if (setting->prune > 0)
        TRY(model_prune(executor->model, setting->prune, setting->prune_scope, NULL, err));
    if (work->tuned_key[0] != '\0') {
        // However the model was come by: its curves and steps are those of the inner trial.
        curves_release(&outcome->curves);
        outcome->best_step = work->tuned_best_step;
    }
    return STATUS_OK;
}

// Judges the model as it is, or as the setting wants it written and computed; the tuned one stays the executor's.
static Status judge_in_format(Executor *executor, const Work *work, const TrialSamples *samples,
                              Arena *arena, Outcome *outcome, Error *err)
{
    const SuiteModel *from = &executor->options.suite->models[work->spec.model];
    const TuneSetting *setting = &from->settings[work->spec.setting];
    Model *tuned = executor->model, *quantized = NULL;
    if (from->does_tune)
        outcome->model_bytes = model_size(executor->model).n_parameters * sizeof(float);
    const ComputeMode compute =
        trial_compute(executor->options.suite, &work->spec, executor->options.compute);
    const bool is_written = setting->quantize.len > 0 && !slice_eq_cstr(setting->quantize, "none");
    if (!from->does_tune || (!is_written && compute == trial_tuning_compute(compute)))
        return judge(executor, work, samples, arena, outcome, err);
    Status s = execute_written(executor, work, is_written ? setting->quantize : (Slice){0}, compute,
                               arena, &quantized, &outcome->model_bytes, err);
    if (s == STATUS_OK) {
        executor->model = quantized;
        s = judge(executor, work, samples, arena, outcome, err);
        executor->model = tuned;
    }
    model_close(&quantized);
    return s;
}

static Status run_model(Executor *executor, const Work *work, const TrialSamples *samples,
                        Arena *arena, Outcome *outcome, Error *err)
{
    TRY(executor_open_model(executor, work->spec.model, work->spec.task, err));
    TRY(execute_reset(executor, &work->spec, err));
    TRY(get_tuned(executor, work, samples, arena, outcome, err));
    TRY(judge_in_format(executor, work, samples, arena, outcome, err));
    TRY(execute_explain(executor, work, samples, arena, outcome, err));
    return work->spec.role == TRIAL_FINAL ? final_save(executor, work, arena, err) : STATUS_OK;
}

// What ends the run instead of the trial alone.
static bool stops_run(Status s)
{
    return s == STATUS_CANCELLED || s == STATUS_IO || s == STATUS_INTERNAL;
}

Status executor_run(Executor *executor, const Work *work, Outcome *outcome, Error *err)
{
    Arena arena = {0};
    TrialSamples samples;
    const int64_t wall_ns = clock_now_ns(), cpu_ns = clock_process_cpu_ns();
    Machine machine;
    machine_describe(&machine);
    *outcome = (Outcome){.status = TRIAL_DONE, .best_step = -1};
    outcome->cost.started_unix_ns = clock_unix_ns();
    outcome->cost.load_average = machine.load_average;
    outcome->cost.n_threads = (uint32_t)pool_threads(executor->pool);
    Status s = trial_samples(executor->options.prepared, &work->spec, &arena, &samples, err);
    if (s == STATUS_OK) {
        s = work->spec.model == NO_MODEL
                ? run_baseline(executor, work, &samples, &arena, outcome, err)
                : run_model(executor, work, &samples, &arena, outcome, err);
    }
    outcome->cost.wall_ns = clock_now_ns() - wall_ns;
    outcome->cost.cpu_ns = clock_process_cpu_ns() - cpu_ns;
    outcome->cost.peak_rss_bytes = machine_peak_rss();
    arena_release(&arena);
    if (s == STATUS_OK || stops_run(s)) return s;
    outcome->status = TRIAL_FAILED;
    outcome->n_outputs = 0;
    memcpy(outcome->error, err->text, sizeof outcome->error);
    *err = (Error){0};
    return STATUS_OK;
}
