// harness/run_loop.c: trials one after the other, and what happens when one ends.
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "harness/run_internal.h"
#include "harness/score.h"

static void copy_id(Slice id, char out[SHA256_HEX_SIZE])
{
    const size_t n = id.len < SHA256_HEX_SIZE - 1 ? id.len : SHA256_HEX_SIZE - 1;
    if (n > 0) memcpy(out, id.ptr, n); // a baseline has no key
    out[n] = '\0';
}

Work run_work(const Run *run, size_t trial)
{
    const PlannedTrial *planned = &run->plan.trials[trial];
    const TrialSpec *spec = &planned->spec;
    Work work = {.trial = trial, .spec = *spec, .tuned_best_step = -1};
    copy_id(planned->id, work.id);
    copy_id(planned->key, work.key);
    if (spec->model == NO_MODEL || !run->suite->models[spec->model].does_tune) return work;
    const size_t before = plan_rung_before(&run->plan, trial);
    if (before != SIZE_MAX) copy_id(run->plan.trials[before].key, work.rung_key);
    work.keeps_state = plan_wants_state(&run->plan, trial);
    const size_t tuned = plan_tuned_trial(&run->plan, trial);
    work.shares_tuning = tuned == SIZE_MAX && plan_shares_tuning(&run->plan, trial);
    if (tuned != SIZE_MAX) {
        copy_id(run->plan.trials[tuned].key, work.tuned_key);
        work.tuned_best_step = run->plan.trials[tuned].best_step;
    } else if (spec->role != TRIAL_INNER) {
        work.refit_steps = plan_refit_steps(&run->plan, trial);
        work.null_threshold = plan_null_threshold(&run->plan, trial);
    }
    if (spec->role == TRIAL_AFTER && tuned != SIZE_MAX &&
        run->plan.trials[tuned].spec.role != TRIAL_INNER)
        work.refit_steps = plan_refit_steps(&run->plan, trial); // where its weights are gone
    if (spec->role == TRIAL_INNER)
        work.keeps_weights = !refits_winner(run->suite, (size_t)spec->model, spec->task) &&
                             plan_may_win(&run->plan, planned->group, spec->setting);
    else
        work.keeps_weights = tuned == SIZE_MAX && spec->role != TRIAL_FINAL &&
                             plan_wants_steps(&run->plan, planned->group);
    work.keeps_weights = work.keeps_weights || work.shares_tuning ||
                         (tuned == SIZE_MAX && plan_may_teach(&run->plan, trial));
    copy_id(spec->teacher, work.teacher_key);
    work.spec.teacher = (Slice){0}; // it is sent to other processes
    return work;
}

static void show_progress(Run *run, const char *detail)
{
    log_progress(run->options->log, "trials", run->n_ended, run->n_planned, run->started_ns,
                 detail);
}

static void on_step(void *context, const Work *work, const TrainStep *step, uint64_t n_steps)
{
    Run *run = context;
    Arena scratch = {0};
    const Slice title = trial_title(run->suite, &work->spec, &scratch);
    const char *detail =
        arena_printf(&scratch, SLICE_FMT ": step %llu/%llu, loss %.3f", SLICE_ARG(title),
                     (unsigned long long)step->step + 1, (unsigned long long)n_steps, step->loss);
    show_progress(run, detail);
    arena_release(&scratch);
}

ExecuteOptions run_execute_options(const Run *run)
{
    return (ExecuteOptions){.suite = run->suite,
                            .prepared = &run->prepared,
                            .device = run->options->device,
                            .compute = run->options->compute,
                            .kv = run->options->kv,
                            .n_threads = run->n_threads,
                            .state_directory = run->state.path,
                            .checkpoint_seconds = run->options->checkpoint_seconds,
                            .cancel = run->options->cancel};
}

void run_begin_trial(Run *run, size_t trial)
{
    run->plan.trials[trial].state = PLANNED_RUNNING;
}

static bool is_over(const PlannedTrial *trial)
{
    return trial->state == PLANNED_DONE || trial->state == PLANNED_FAILED;
}

// Weights of settings that can no longer win their fold, and states that no rung goes on from.
static void drop_files(Run *run, size_t group)
{
    const PlannedGroup *g = &run->plan.groups[group];
    for (size_t i = g->begin; i < g->end; i++) {
        const PlannedTrial *trial = &run->plan.trials[i];
        if (trial->key.len == 0) continue;
        if (is_over(trial) && !plan_wants_weights(&run->plan, i)) {
            state_remove(run->state.path, trial->key, "weights");
            state_remove(run->state.path, trial->key, "learnt");
        }
        if (trial->spec.role == TRIAL_INNER && run->suite->models[g->model].n_rungs > 1 &&
            !plan_wants_state(&run->plan, i))
            state_drop_rung(run->state.path, trial->key);
    }
}

static void report_failure(Run *run, const PlannedTrial *planned, const char *why)
{
    Arena scratch = {0};
    const Slice title = trial_title(run->suite, &planned->spec, &scratch);
    log_progress_end(run->options->log);
    log_warning(run->options->log, "trial failed: " SLICE_FMT ": %s", SLICE_ARG(title), why);
    arena_release(&scratch);
}

static Status score_or_fail(Run *run, PlannedTrial *planned, Outcome *outcome, Arena *arena,
                            Trial *trial, double *primary, Error *err)
{
    Error scoring = {0};
    Status s =
        score_trial(&run->plan, &run->prepared, planned, outcome, arena, trial, primary, &scoring);
    if (s == STATUS_MEMORY || s == STATUS_INTERNAL) {
        *err = scoring;
        return s;
    }
    if (s == STATUS_OK) return s;
    outcome->status = TRIAL_FAILED; // predictions that no metric can judge
    memcpy(outcome->error, scoring.text, sizeof outcome->error);
    return score_trial(&run->plan, &run->prepared, planned, outcome, arena, trial, primary, err);
}

Status run_end_trial(Run *run, size_t index, Outcome *outcome, Error *err)
{
    PlannedTrial *planned = &run->plan.trials[index];
    Arena arena = {0};
    Trial trial;
    double primary = NAN;
    bool changed = false;
    outcome->cost.device = run->device_name;
    outcome->cost.machine = buffer_slice(&run->manifest_machine);
    Status s = score_or_fail(run, planned, outcome, &arena, &trial, &primary, err);
    if (s == STATUS_OK) s = store_put_trial(run->store, &trial, err);
    const bool is_done = outcome->status == TRIAL_DONE;
    if (s == STATUS_OK) {
        if (!is_done) report_failure(run, planned, outcome->error);
        run->result->n_done += is_done;
        run->result->n_failed += !is_done;
        if (is_done && run->suite->tasks[planned->spec.task].tunes_null_threshold)
            planned->null_threshold = outcome->null_threshold;
        s = plan_finish_trial(&run->plan, index, is_done, primary, outcome->best_step, &changed,
                              err);
        run->n_ended = run->n_planned - plan_left(&run->plan);
    }
    if (s == STATUS_OK && changed) s = run_record_plan(run, err);
    if (s == STATUS_OK) {
        const size_t teacher = plan_teacher_of(&run->plan, index);
        drop_files(run, run->plan.trials[index].group);
        if (teacher != SIZE_MAX) drop_files(run, run->plan.trials[teacher].group);
        show_progress(run, NULL);
    }
    arena_release(&arena);
    return s;
}

Status run_loop(Run *run, Error *err)
{
    Executor executor = {0};
    ExecuteOptions options = run_execute_options(run);
    options.on_step = on_step;
    options.context = run;
    Status s = executor_init(&executor, &options, err);
    while (s == STATUS_OK) {
        const size_t trial = plan_next(&run->plan);
        if (trial == SIZE_MAX) break;
        if (options.cancel && atomic_load(options.cancel)) {
            s = error_set(err, STATUS_CANCELLED, "stopped between two trials");
            break;
        }
        Outcome outcome = {0};
        const Work work = run_work(run, trial);
        run_begin_trial(run, trial);
        s = executor_run(&executor, &work, &outcome, err);
        if (s == STATUS_OK) s = run_end_trial(run, trial, &outcome, err);
        outcome_release(&outcome);
    }
    executor_release(&executor);
    return s;
}
