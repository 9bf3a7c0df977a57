#include "harness/run.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "harness/augment.h"
#include "harness/check_models.h"
#include "harness/run_internal.h"
#include "harness/teacher.h"
#include "results/slices.h"

// Final models that are stored as trials but gone from their directory are made again.
static void want_missing_finals(Run *run)
{
    for (size_t i = 0; i < run->plan.n_trials; i++) {
        PlannedTrial *trial = &run->plan.trials[i];
        if (trial->spec.role == TRIAL_FINAL && trial->state == PLANNED_DONE &&
            !final_is_saved(run->suite, trial->spec.model, trial->spec.task, trial->id))
            trial->state = PLANNED_READY;
    }
}

// A model that others learn from is tuned again where its weights are gone; they wait for it.
static Status want_missing_teachers(Run *run, Error *err)
{
    for (size_t i = 0; i < run->plan.n_trials; i++) {
        PlannedTrial *trial = &run->plan.trials[i];
        const size_t at = trial->state == PLANNED_READY ? plan_teacher_of(&run->plan, i) : SIZE_MAX;
        char path[STATE_PATH_SIZE];
        if (at == SIZE_MAX) continue;
        PlannedTrial *teacher = &run->plan.trials[at];
        TRY(state_file(run->state.path, teacher->key, "weights", path, err));
        if (teacher->state == PLANNED_DONE && file_exists(path)) continue;
        teacher->state = PLANNED_READY;
        trial->state = PLANNED_BLOCKED;
        trial->awaits_teacher = true;
    }
    return STATUS_OK;
}

static void want_times(Run *run)
{
    for (size_t i = 0; i < run->plan.n_trials; i++) {
        PlannedTrial *trial = &run->plan.trials[i];
        if (trial->state == PLANNED_DONE && trial->spec.model != NO_MODEL)
            trial->state = PLANNED_READY;
    }
}

static Status check_compute(const Run *run, Error *err)
{
    const Suite *suite = run->suite;
    if (run->options->device.kind == DEVICE_CPU) return STATUS_OK;
    for (size_t m = 0; m < suite->n_models; m++) {
        for (size_t s = 0; s < suite->models[m].n_settings; s++) {
            const TrialSpec spec = {.model = (int)m, .setting = (int)s};
            const ComputeMode compute = trial_compute(suite, &spec, run->options->compute);
            if (compute == COMPUTE_F32 || compute == COMPUTE_TF32) continue;
            return error_set(err, STATUS_INVALID,
                             "model \"" SLICE_FMT "\": \"compute\": \"%s\" is for the CPU; a GPU "
                             "computes in f32 or tf32",
                             SLICE_ARG(suite->models[m].name), compute_name(compute));
        }
    }
    return STATUS_OK;
}

static Status make_plan(Run *run, Error *err)
{
    TRY(check_compute(run, err));
    TRY(suite_identify(run->suite, run->store, run->options->device, run->options->compute,
                       run->options->kv, &run->arena, &run->identity, err));
    TRY(plan_make(run->suite, &run->identity, &run->arena, &run->plan, err));
    TRY(plan_take_stored(&run->plan, run->store, err));
    run->result->n_cached = plan_count(&run->plan, PLANNED_DONE);
    want_missing_finals(run);
    if (run->options->retime) want_times(run);
    return want_missing_teachers(run, err);
}

static Status prepare_model(Run *run, size_t model, Error *err)
{
    const Suite *suite = run->suite;
    TRY(check_model(suite, &run->prepared, model, run->options->log, err));
    for (size_t task = 0; task < suite->n_tasks; task++) {
        if (run->options->cancel && atomic_load(run->options->cancel))
            return error_set(err, STATUS_CANCELLED, "stopped before the first trial");
        TRY(prepare_tokens(&run->prepared, model, task, run->state.path, err));
        TRY(augment_prepare(&run->prepared, model, task, run->n_threads, run->options->cancel,
                            err));
    }
    return STATUS_OK;
}

// Everything that may be wrong with data and models is found here, before the first trial.
static Status prepare(Run *run, Error *err)
{
    const Suite *suite = run->suite;
    for (size_t task = 0; task < suite->n_tasks; task++)
        TRY(prepare_task(&run->prepared, task, err));
    for (size_t model = 0; model < suite->n_models; model++) TRY(prepare_model(run, model, err));
    for (size_t model = 0; model < suite->n_models; model++) {
        for (size_t task = 0; task < suite->n_tasks; task++)
            TRY(teacher_check(&run->prepared, model, task, err));
    }
    return STATUS_OK;
}

// The primary score, and the first one of each other metric.
static Status scores_to_slice(const SuiteTask *task, Arena *arena, Slice **out, size_t *n,
                              Error *err)
{
    const Slice metric = slice_sub(task->primary, 0, slice_find_byte(task->primary, '/'));
    TRY(arena_take(arena, task->n_metrics + 1, sizeof **out, "scores", out, err));
    (*out)[(*n)++] = task->primary;
    for (size_t i = 0; i < task->n_metrics; i++) {
        const Slice name = slice_from_cstr(task->metrics[i].metric->name);
        if (!slice_eq(name, metric)) (*out)[(*n)++] = name;
    }
    return STATUS_OK;
}

static Status pool_slices(Run *run, const IntervalOptions *options, Arena *scratch, Error *err)
{
    const Suite *suite = run->suite;
    SlicedTask *tasks = NULL;
    TRY(arena_take(scratch, suite->n_tasks, sizeof *tasks, "tasks", &tasks, err));
    for (size_t i = 0; i < suite->n_tasks; i++) {
        const SuiteTask *task = &suite->tasks[i];
        Slice *scores = NULL;
        size_t n_scores = 0;
        TRY(scores_to_slice(task, scratch, &scores, &n_scores, err));
        tasks[i] = (SlicedTask){.task = task->name,
                                .scores = scores,
                                .n_scores = n_scores,
                                .is_listed = task->has_slices,
                                .attributes = task->slices,
                                .n_attributes = task->n_slices};
    }
    return run_slices_pool(run->store, slice_from_cstr(run->result->run_id), tasks, suite->n_tasks,
                           options, err);
}

static Status pool_scores(Run *run, bool is_needed, Error *err)
{
    Arena scratch = {0};
    RunScore *scores = NULL;
    size_t n_scores = 0;
    const Slice id = slice_from_cstr(run->result->run_id);
    Status s = STATUS_OK;
    if (!is_needed) {
        s = store_get_run_scores(run->store, &scratch, id, &scores, &n_scores, err);
        is_needed = n_scores == 0;
    }
    const IntervalOptions options = {.seed = run->suite->seed};
    if (s == STATUS_OK && is_needed) s = pool_slices(run, &options, &scratch, err);
    if (s == STATUS_OK && is_needed) s = run_scores_pool(run->store, id, &options, err);
    arena_release(&scratch);
    return s;
}

static Status do_trials(Run *run, Error *err)
{
    const Slice id = slice_from_cstr(run->result->run_id);
    // Scores of the trials so far would pass for those of all if this session were killed after its last trial.
    TRY(store_set_run_scores(run->store, id, NULL, 0, err));
    run->started_ns = clock_now_ns();
    run->n_planned = plan_left(&run->plan);
    const Status s = run->options->n_jobs > 1 ? run_jobs(run, err) : run_loop(run, err);
    log_progress_end(run->options->log);
    return s;
}

static Status finish(Run *run, Error *err)
{
    const size_t n_lost =
        plan_count(&run->plan, PLANNED_FAILED) + plan_count(&run->plan, PLANNED_DROPPED);
    const Slice status = n_lost > 0 ? SLICE("failed") : SLICE("done");
    run->result->n_trials = run->plan.n_trials;
    TRY(store_finish_run(run->store, slice_from_cstr(run->result->run_id), status, clock_unix_ns(),
                         err));
    return run_write_reports(run, err);
}

static void note_interruption(Run *run)
{
    Error ignored = {0};
    if (store_finish_run(run->store, slice_from_cstr(run->result->run_id), SLICE("interrupted"),
                         clock_unix_ns(), &ignored) != STATUS_OK)
        log_warning(run->options->log, "%s", ignored.text);
}

static Status go(Run *run, Error *err)
{
    bool resumed = false;
    TRY(make_plan(run, err));
    const bool has_work = plan_left(&run->plan) > 0;
    if (has_work) TRY(prepare(run, err));
    TRY(run_record_begin(run, &resumed, err));
    TRY(run_record_plan(run, err));
    if (!has_work && !resumed) TRY(prepare(run, err));
    if (has_work || !resumed) TRY(run_record_data(run, err));
    if (has_work) {
        const Status s = do_trials(run, err);
        if (s != STATUS_OK) {
            note_interruption(run);
            return s;
        }
    }
    TRY(run_record_plan(run, err));
    TRY(run_record_outputs(run, err));
    TRY(pool_scores(run, has_work, err));
    return finish(run, err);
}

Status run_open(Run *run, const char *store_path, const char *state_for, Error *err)
{
    const RunOptions *o = run->options;
    const size_t n_jobs = o->n_jobs > 1 ? o->n_jobs : 1;
    run->state.lock = -1;
    run->n_threads = o->n_threads;
    if (run->n_threads == 0) {
        const size_t share = pool_available_threads() / n_jobs;
        run->n_threads = share > 0 ? share : 1;
    }
    const char *device = o->device.kind == DEVICE_CPU
                             ? arena_printf(&run->arena, "cpu")
                             : arena_printf(&run->arena, "cuda:%d", o->device.index);
    if (device == NULL) return error_set_memory(err, 1, 1, "a name");
    run->device_name = slice_from_cstr(device);
    TRY(store_open(store_path, STORE_WRITE, &run->store, err));
    TRY(state_open(state_for, &run->state, err));
    return prepared_init(&run->prepared, run->suite, err);
}

void run_close(Run *run, bool remove_state)
{
    prepared_release(&run->prepared);
    state_close(&run->state, remove_state);
    store_close(&run->store);
    buffer_release(&run->manifest);
    buffer_release(&run->manifest_machine);
    arena_release(&run->arena);
}

Status run_suite(const Suite *suite, const RunOptions *options, RunResult *result, Error *err)
{
    *result = (RunResult){0};
    Run run = {.suite = suite, .options = options, .result = result};
    Status s = run_open(&run, options->store_path, options->store_path, err);
    if (s == STATUS_OK) s = go(&run, err);
    // Nothing is left to go on from once every trial has ended; what failed begins anew.
    run_close(&run, s == STATUS_OK);
    return s;
}

void run_result_release(RunResult *result)
{
    buffer_release(&result->table);
    buffer_release(&result->verdicts);
    arena_release(&result->arena);
    *result = (RunResult){0};
}
