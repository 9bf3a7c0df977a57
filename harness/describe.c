// harness/describe.c: what a run would do: `assay run --dry-run`.
#include <math.h>

#include "base/clock.h"
#include "base/file.h"
#include "harness/augment.h"
#include "harness/check_models.h"
#include "harness/describe_internal.h"

// A trial's cost in tokens: those tuned on, every epoch counted, and those only looked at.
typedef struct TokenCost {
    double trained, judged;
} TokenCost;

enum { MEASURED_SEQUENCES = 128 };
// Backward costs twice a forward pass.
static const double train_factor = 3.0, measured_seconds = 0.25;

static double tokens_of(const Tokens *tokens, const size_t *positions, size_t n)
{
    double sum = 0;
    for (size_t i = 0; tokens && i < n; i++) {
        size_t begin, end;
        family_windows(tokens, positions[i], &begin, &end);
        sum += (double)(tokens->batch.starts[end] - tokens->batch.starts[begin]);
    }
    return sum;
}

static double epochs_until(const TuneSetting *setting, double until_epoch, uint64_t until_step,
                           size_t n_train)
{
    const double per_step = (double)setting->batch_size * (double)setting->accumulate;
    double epochs = setting->epochs;
    if (setting->max_steps > 0)
        epochs = n_train > 0 ? (double)setting->max_steps * per_step / (double)n_train : 0;
    if (until_epoch > 0) epochs = fmin(epochs, until_epoch);
    if (until_step > 0 && n_train > 0)
        epochs = fmin(epochs, (double)until_step * per_step / (double)n_train);
    return epochs;
}

// Epochs that the trial adds to those of the rung before.
static double epochs_of(const Run *run, const PlannedTrial *planned, size_t n_train)
{
    const SuiteModel *model = &run->suite->models[planned->spec.model];
    const int index = planned->spec.setting < 0 ? 0 : planned->spec.setting;
    const TuneSetting *setting = &model->settings[index];
    if (planned->spec.role != TRIAL_INNER || model->n_rungs < 2)
        return epochs_until(setting, setting->until_epoch, setting->until_step, n_train);
    const SuiteRung *rung = &model->rungs[planned->rung];
    const double all = epochs_until(setting, rung->epochs, rung->steps, n_train);
    if (planned->rung == 0) return all;
    return all - epochs_until(setting, rung[-1].epochs, rung[-1].steps, n_train);
}

static Status count_trial(const Run *run, const PlannedTrial *planned, TokenCost *out, Error *err)
{
    Arena scratch = {0};
    TrialSamples samples;
    TrialSpec spec = planned->spec;
    const SuiteModel *model = &run->suite->models[spec.model];
    *out = (TokenCost){0};
    if (spec.setting < 0) { // not known yet: any of them
        const size_t point = run->plan.groups[planned->group].point;
        spec.setting =
            (int)suite_setting(run->suite, (size_t)spec.model, point, model->n_rungs - 1, 0);
    }
    Status s = trial_samples(&run->prepared, &spec, &scratch, &samples, err);
    if (s == STATUS_OK) {
        const size_t m = (size_t)spec.model;
        const Tokens *train =
            prepared_tokens(&run->prepared, m, spec.task, PART_TRAIN, spec.setting);
        const Tokens *watched =
            prepared_tokens(&run->prepared, m, spec.task, samples.watched_part, spec.setting);
        const Tokens *judged =
            prepared_tokens(&run->prepared, m, spec.task, samples.judged_part, spec.setting);
        // Copies make as many samples more, about.
        const double more = augment_factor(&model->settings[spec.setting].augment);
        const double epochs = epochs_of(run, planned, (size_t)(more * (double)samples.n_train));
        const bool as_tuned = spec.role != TRIAL_INNER && spec.role != TRIAL_FINAL &&
                              holds_inner(run->suite, m, spec.task) &&
                              !refits_winner(run->suite, m, spec.task);
        out->judged = tokens_of(judged, samples.judged, samples.n_judged);
        if (model->does_tune && !as_tuned) {
            out->trained = more * epochs * tokens_of(train, samples.train, samples.n_train);
            // Loss and metric are two passes over the watched part, an epoch.
            out->judged +=
                2 * ceil(epochs) * tokens_of(watched, samples.watched, samples.n_watched);
        }
    }
    arena_release(&scratch);
    return s;
}

// Forward tokens a second, on the first sequences of the part that models are judged on.
static Status measure(Describing *d, size_t model, size_t task, PairEstimate *out, Error *err)
{
    Executor *executor = &d->executor;
    const Suite *suite = d->run.suite;
    const DataPart part = suite->folds.k > 0 ? PART_TRAIN : judged_part(suite, task);
    const Tokens *tokens = prepared_tokens(&d->run.prepared, model, task, part, 0);
    const size_t n_samples = d->run.prepared.tasks[task].parts[part].n;
    const TrialSpec spec = {.model = (int)model, .task = task};
    size_t positions[MEASURED_SEQUENCES], n = 0, longest = 1;
    Answers answers = {0};
    Arena scratch = {0};
    if (tokens == NULL) return error_set(err, STATUS_INTERNAL, "the judged part has no tokens");
    for (; n < MEASURED_SEQUENCES && n < n_samples; n++) positions[n] = n;
    for (size_t i = 0; i < tokens->batch.n_sequences; i++) {
        const size_t length = tokens->batch.starts[i + 1] - tokens->batch.starts[i];
        if (length > longest) longest = length;
    }
    Status s = executor_open_model(executor, (int)model, task, err);
    double done = 0;
    int64_t start_ns = 0, now_ns = 0;
    // The first round warms up.
    for (int round = 0; s == STATUS_OK; round++) {
        s = execute_answers(executor, &spec, part, positions, n, &scratch, &answers, err);
        now_ns = clock_now_ns();
        if (round == 0)
            start_ns = now_ns;
        else
            done += tokens_of(tokens, positions, n);
        if (round > 0 && (double)(now_ns - start_ns) * 1e-9 > measured_seconds) break;
    }
    const int64_t elapsed_ns = now_ns > start_ns ? now_ns - start_ns : 1;
    out->tokens_per_s = done / ((double)elapsed_ns * 1e-9);
    const TuneSetting *setting = &suite->models[model].settings[0];
    ModelMemory memory = {0};
    size_t batch = setting->batch_size * setting->accumulate * longest;
    if (batch < longest) batch = longest;
    if (s == STATUS_OK)
        s = model_memory(executor->model, d->run.n_threads, longest, batch, &memory, err);
    out->memory_bytes = suite->models[model].does_tune ? memory.train_bytes : memory.predict_bytes;
    arena_release(&scratch);
    return s;
}

// Whether a trial that is to run takes what one before it was tuned to.
static bool is_tuned_before(const Plan *plan, size_t trial)
{
    const Slice key = plan->trials[trial].key;
    for (size_t i = 0; key.len > 0 && i < trial; i++) {
        if (plan->trials[i].state != PLANNED_DONE && slice_eq(plan->trials[i].key, key))
            return true;
    }
    return false;
}

static Status estimate_pair(Describing *d, size_t model, size_t task, Error *err)
{
    Run *run = &d->run;
    PairEstimate *pair = &d->pairs[model * run->suite->n_tasks + task];
    double trained = 0, judged = 0;
    bool has_work = false;
    for (size_t i = 0; i < run->plan.n_trials; i++) {
        const PlannedTrial *planned = &run->plan.trials[i];
        if (planned->spec.model != (int)model || planned->spec.task != task) continue;
        pair->n_trials++;
        pair->n_cached += planned->state == PLANNED_DONE;
        has_work = has_work || planned->state != PLANNED_DONE;
    }
    if (!has_work) return STATUS_OK;
    TRY(prepare_task(&run->prepared, task, err));
    TRY(prepare_tokens(&run->prepared, model, task, run->state.path, err));
    TRY(measure(d, model, task, pair, err));
    for (size_t i = 0; i < run->plan.n_trials; i++) {
        const PlannedTrial *planned = &run->plan.trials[i];
        TokenCost cost;
        if (planned->spec.model != (int)model || planned->spec.task != task ||
            planned->state == PLANNED_DONE)
            continue;
        TRY(count_trial(run, planned, &cost, err));
        if (is_tuned_before(&run->plan, i)) cost.trained = 0;
        trained += cost.trained;
        judged += cost.judged;
    }
    pair->seconds = (train_factor * trained + judged) / pair->tokens_per_s;
    return STATUS_OK;
}

// ---- the data ----

static Status check_task(Describing *d, size_t task, Error *err)
{
    Run *run = &d->run;
    CheckRow *rows = NULL;
    RunNote *notes = NULL;
    size_t n_rows = 0, n_notes = 0;
    // Lengths are those of the first model's tokens, as in a run.
    const int model = run->suite->n_models > 0 ? 0 : NO_MODEL;
    if (model != NO_MODEL && !prepared_tokenizer(&run->prepared, 0, task))
        TRY(prepare_tokens(&run->prepared, 0, task, run->state.path, err));
    TRY(prepare_check(&run->prepared, task, model, &run->arena, &rows, &n_rows, &notes, &n_notes,
                      err));
    TRY(arena_grow(&run->arena, d->n_checks, d->n_checks + n_rows, sizeof *rows, "checks",
                   &d->checks, err));
    TRY(arena_grow(&run->arena, d->n_notes, d->n_notes + n_notes, sizeof *notes, "notes", &d->notes,
                   err));
    for (size_t i = 0; i < n_rows; i++) d->checks[d->n_checks++] = rows[i];
    for (size_t i = 0; i < n_notes; i++) d->notes[d->n_notes++] = notes[i];
    return STATUS_OK;
}

// As a run checks models and data before its first trial; where nothing is left to do it does not.
static Status check_models(Describing *d, Error *err)
{
    Run *run = &d->run;
    if (plan_left(&run->plan) == 0) return STATUS_OK;
    for (size_t task = 0; task < run->suite->n_tasks; task++)
        TRY(prepare_task(&run->prepared, task, err));
    for (size_t model = 0; model < run->suite->n_models; model++) {
        TRY(check_model(run->suite, &run->prepared, model, run->options->log, err));
        for (size_t task = 0; task < run->suite->n_tasks; task++)
            TRY(augment_prepare(&run->prepared, model, task, 0, run->options->cancel, err));
    }
    return STATUS_OK;
}

static Status check_all(Describing *d, Error *err)
{
    const size_t n_tasks = plan_left(&d->run.plan) > 0 ? d->run.suite->n_tasks : 0;
    for (size_t task = 0; task < n_tasks; task++) TRY(check_task(d, task, err));
    return STATUS_OK;
}

static Status estimate(Describing *d, Error *err)
{
    Run *run = &d->run;
    const Suite *suite = run->suite;
    const size_t n_jobs = run->options->n_jobs > 1 ? run->options->n_jobs : 1;
    const ExecuteOptions options = run_execute_options(run);
    TRY(suite_identify(suite, run->store, run->options->device, run->options->compute,
                       run->options->kv, &run->arena, &run->identity, err));
    TRY(plan_make(suite, &run->identity, &run->arena, &run->plan, err));
    TRY(plan_take_stored(&run->plan, run->store, err));
    TRY(arena_take(&run->arena, suite->n_models * suite->n_tasks, sizeof *d->pairs, "estimates",
                   &d->pairs, err));
    TRY(executor_init(&d->executor, &options, err));
    TRY(check_models(d, err));
    for (size_t model = 0; model < suite->n_models; model++) {
        for (size_t task = 0; task < suite->n_tasks; task++) {
            TRY(estimate_pair(d, model, task, err));
            const PairEstimate *pair = &d->pairs[model * suite->n_tasks + task];
            d->seconds += pair->seconds / (double)n_jobs;
            if (pair->memory_bytes * n_jobs > d->memory_bytes)
                d->memory_bytes = pair->memory_bytes * n_jobs;
        }
    }
    return check_all(d, err);
}

Status run_describe(const Suite *suite, const RunOptions *options, bool as_json, Buffer *out,
                    Error *err)
{
    RunResult unused = {0};
    Describing d = {.run = {.suite = suite, .options = options, .result = &unused}};
    Run *run = &d.run;
    const bool is_there = file_exists(options->store_path);
    Status s = run_open(run, is_there ? options->store_path : ":memory:", ":memory:", err);
    if (s == STATUS_OK) s = estimate(&d, err);
    if (s == STATUS_OK && as_json) describe_put_json(&d, out);
    if (s == STATUS_OK && !as_json) describe_put_text(&d, out);
    if (s == STATUS_OK) s = buffer_status(out, err);
    executor_release(&d.executor);
    run_close(run, true);
    return s;
}
