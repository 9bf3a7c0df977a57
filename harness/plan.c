#include "harness/plan_internal.h"

#include <math.h>

#include "harness/prepare.h"

Slice plan_model_name(const Plan *plan, int model, size_t task)
{
    return model == NO_MODEL ? baseline_name(plan->suite, task) : plan->suite->models[model].name;
}

// ---- making it ----

typedef struct Making {
    Plan *plan;
    size_t capacity, groups_capacity;
} Making;

Status plan_identify(Plan *plan, PlannedTrial *trial, Error *err)
{
    TRY(trial_identify(plan->suite, plan->identity, &trial->spec, plan->arena, &trial->identity,
                       &trial->id, err));
    TRY(trial_tuning_key(plan->suite, plan->identity, &trial->spec, plan->arena, &trial->key, err));
    // A winner tuned again takes as many steps as its own inner trials did: halving may have left it none.
    const uint64_t steps = trial->spec.role == TRIAL_INNER || trial->key.len == 0
                               ? 0
                               : plan_refit_steps(plan, (size_t)(trial - plan->trials));
    if (steps == 0) return STATUS_OK;
    char hex[SHA256_HEX_SIZE];
    const char *text = arena_printf(plan->arena, SLICE_FMT " %llu", SLICE_ARG(trial->key),
                                    (unsigned long long)steps);
    if (text == NULL) return error_set_memory(err, 1, sizeof hex, "a trial's id");
    sha256_of(slice_from_cstr(text), hex);
    trial->key = arena_copy(plan->arena, (Slice){hex, SHA256_HEX_SIZE - 1});
    return trial->key.ptr ? STATUS_OK : error_set_memory(err, 1, sizeof hex, "a trial's id");
}

static Status add_trial(Making *making, const TrialSpec *spec, PlannedState state, Error *err)
{
    Plan *plan = making->plan;
    TRY(arena_make_room(plan->arena, plan->n_trials, &making->capacity, sizeof *plan->trials,
                        "trials", &plan->trials, err));
    PlannedTrial *trial = &plan->trials[plan->n_trials++];
    *trial = (PlannedTrial){.spec = *spec,
                            .group = plan->n_groups - 1,
                            .state = state,
                            .score = NAN,
                            .best_step = -1,
                            .null_threshold = NAN};
    return state == PLANNED_BLOCKED ? STATUS_OK : plan_begin_trial(plan, trial, err);
}

static Status begin_group(Making *making, int model, size_t task, int32_t fold, size_t point,
                          Error *err)
{
    Plan *plan = making->plan;
    TRY(arena_make_room(plan->arena, plan->n_groups, &making->groups_capacity, sizeof *plan->groups,
                        "groups", &plan->groups, err));
    plan->groups[plan->n_groups++] = (PlannedGroup){.model = model,
                                                    .task = task,
                                                    .outer_fold = fold,
                                                    .point = point,
                                                    .begin = plan->n_trials,
                                                    .chosen = -1};
    return STATUS_OK;
}

// The inner folds and repeats of one setting.
static Status add_inner_setting(Making *making, TrialSpec *spec, size_t rung, Error *err)
{
    Plan *plan = making->plan;
    const Suite *suite = plan->suite;
    const size_t n_inner = inner_trials(suite, (size_t)spec->model, spec->task);
    for (size_t inner = 0; inner < n_inner; inner++) {
        for (size_t repeat = 0; repeat < suite->repeats; repeat++) {
            spec->inner_fold = n_inner > 1 ? (int32_t)inner : STORE_NO_FOLD;
            spec->repeat = repeat;
            spec->seed = suite_seed(suite, repeat);
            TRY(add_trial(making, spec, spec->setting < 0 ? PLANNED_BLOCKED : PLANNED_READY, err));
            plan->trials[plan->n_trials - 1].rung = rung;
        }
    }
    return STATUS_OK;
}

// The first rung has all settings; the later ones have places for those that go on.
static Status add_inner(Making *making, TrialSpec spec, Error *err)
{
    const Plan *plan = making->plan;
    const SuiteModel *model = &plan->suite->models[spec.model];
    const size_t point = plan->groups[plan->n_groups - 1].point;
    spec.role = TRIAL_INNER;
    for (size_t rung = 0; rung < model->n_rungs; rung++) {
        for (size_t i = 0; i < model->rungs[rung].n_settings; i++) {
            spec.setting =
                rung == 0 ? (int)suite_setting(plan->suite, (size_t)spec.model, point, 0, i) : -1;
            TRY(add_inner_setting(making, &spec, rung, err));
        }
    }
    return STATUS_OK;
}

// The winner, and with "explore" a place for each other setting.
static Status add_outer(Making *making, TrialSpec spec, bool is_blocked, Error *err)
{
    const Suite *suite = making->plan->suite;
    const SuiteModel *model = &suite->models[spec.model];
    const size_t point = making->plan->groups[making->plan->n_groups - 1].point;
    const TrialRole role = point > 0            ? TRIAL_CURVE
                           : suite->folds.k > 0 ? TRIAL_OUTER
                                                : TRIAL_SINGLE;
    const size_t n_places =
        suite->folds.explore && is_blocked && point == 0 ? model->n_settings : 1;
    const int only = (int)suite_setting(suite, (size_t)spec.model, point, model->n_rungs - 1, 0);
    // A model that is not tuned does not depend on a seed.
    const size_t repeats = model->does_tune ? suite->repeats : 1;
    for (size_t place = 0; place < n_places; place++) {
        for (size_t repeat = 0; repeat < repeats; repeat++) {
            spec.role = place == 0 ? role : TRIAL_EXPLORE;
            spec.setting = is_blocked ? -1 : only;
            spec.inner_fold = STORE_NO_FOLD;
            spec.repeat = repeat;
            spec.seed = suite_seed(suite, repeat);
            TRY(add_trial(making, &spec, is_blocked ? PLANNED_BLOCKED : PLANNED_READY, err));
        }
    }
    return STATUS_OK;
}

// The steps on the winner: places that wait until it is tuned and judged.
static Status add_after(Making *making, TrialSpec spec, Error *err)
{
    Plan *plan = making->plan;
    const Suite *suite = plan->suite;
    if (!suite->models[spec.model].does_tune || plan->groups[plan->n_groups - 1].point > 0)
        return STATUS_OK;
    spec.role = TRIAL_AFTER;
    spec.setting = -1;
    spec.inner_fold = STORE_NO_FOLD;
    for (size_t after = 0; after < suite->n_after; after++) {
        for (size_t repeat = 0; repeat < suite->repeats; repeat++) {
            spec.repeat = repeat;
            spec.seed = suite_seed(suite, repeat);
            TRY(add_trial(making, &spec, PLANNED_BLOCKED, err));
            plan->trials[plan->n_trials - 1].after = after;
        }
    }
    return STATUS_OK;
}

static Status add_group(Making *making, int model, size_t task, int32_t fold, size_t point,
                        Error *err)
{
    Plan *plan = making->plan;
    const Suite *suite = plan->suite;
    TrialSpec spec = {.model = model, .task = task, .outer_fold = fold};
    TRY(begin_group(making, model, task, fold, point, err));
    if (model == NO_MODEL) {
        spec.setting = -1;
        spec.role = TRIAL_BASELINE;
        spec.inner_fold = STORE_NO_FOLD;
        spec.seed = suite->seed;
        TRY(add_trial(making, &spec, PLANNED_READY, err));
    } else {
        const bool holds = holds_inner(suite, (size_t)model, task);
        if (!holds && suite->models[model].n_settings > 1) {
            return error_set(err, STATUS_INVALID,
                             "model \"" SLICE_FMT "\" has %zu settings, but no samples are held "
                             "out to choose among them: give \"folds\": {\"inner\": 0.1} or a "
                             "valid file",
                             SLICE_ARG(suite->models[model].name), suite->models[model].n_settings);
        }
        if (holds) TRY(add_inner(making, spec, err));
        TRY(add_outer(making, spec, holds, err));
        if (!holds)
            plan->groups[plan->n_groups - 1].chosen = plan->trials[plan->n_trials - 1].spec.setting;
        TRY(add_after(making, spec, err));
    }
    plan->groups[plan->n_groups - 1].end = plan->n_trials;
    return STATUS_OK;
}

static Status add_folds(Making *making, int model, size_t task, size_t point, Error *err)
{
    const Suite *suite = making->plan->suite;
    if (suite->folds.k == 0) return add_group(making, model, task, STORE_NO_FOLD, point, err);
    for (size_t fold = 0; fold < suite->folds.k; fold++) {
        if (suite->only_fold >= 0 && (size_t)suite->only_fold != fold) continue;
        TRY(add_group(making, model, task, (int32_t)fold, point, err));
    }
    return STATUS_OK;
}

static Status add_curve(Making *making, int model, size_t task, Error *err)
{
    const Suite *suite = making->plan->suite;
    for (size_t point = 1; point <= suite->n_curve && suite->models[model].does_tune; point++)
        TRY(add_folds(making, model, task, point, err));
    return STATUS_OK;
}

static Status add_final(Making *making, int model, size_t task, Error *err)
{
    Plan *plan = making->plan;
    const Suite *suite = plan->suite;
    if (!suite->folds.final_path || !suite->models[model].does_tune) return STATUS_OK;
    const TrialSpec spec = {.model = model,
                            .task = task,
                            .setting = -1,
                            .role = TRIAL_FINAL,
                            .outer_fold = STORE_NO_FOLD,
                            .inner_fold = STORE_NO_FOLD,
                            .seed = suite_seed(suite, 0)};
    TRY(begin_group(making, model, task, STORE_NO_FOLD, 0, err));
    TRY(add_trial(making, &spec, PLANNED_BLOCKED, err));
    plan->groups[plan->n_groups - 1].end = plan->n_trials;
    return STATUS_OK;
}

Status plan_make(const Suite *suite, const SuiteIdentity *identity, Arena *arena, Plan *out,
                 Error *err)
{
    *out = (Plan){.suite = suite, .identity = identity, .arena = arena};
    Making making = {.plan = out};
    for (size_t model = 0; model < suite->n_models; model++) {
        for (size_t task = 0; task < suite->n_tasks; task++) {
            TRY(add_folds(&making, (int)model, task, 0, err));
            TRY(add_curve(&making, (int)model, task, err));
            TRY(add_final(&making, (int)model, task, err));
        }
    }
    for (size_t task = 0; task < suite->n_tasks; task++)
        TRY(add_folds(&making, NO_MODEL, task, 0, err));
    for (size_t group = 0; group < out->n_groups; group++) plan_mark_chosen(out, group);
    return plan_make_choices(out, NULL, err);
}

// ---- going through it ----

Status plan_finish_trial(Plan *plan, size_t trial, bool is_done, double score, int64_t best_step,
                         bool *changed, Error *err)
{
    if (changed) *changed = false;
    for (size_t i = 0; i < plan->n_trials; i++) {
        PlannedTrial *t = &plan->trials[i];
        // Two names for one model, or for one task, give one trial: it is done once.
        if (i != trial && (t->state != PLANNED_READY || !slice_eq(t->id, plan->trials[trial].id)))
            continue;
        t->state = is_done ? PLANNED_DONE : PLANNED_FAILED;
        t->score = is_done ? score : NAN;
        t->best_step = best_step;
    }
    return plan_make_choices(plan, changed, err);
}

static double stored_threshold(const Trial *stored)
{
    for (size_t i = 0; i < stored->n_curves; i++) {
        const TrialCurve *series = &stored->curves[i];
        if (slice_eq_cstr(series->series, "null_threshold") && series->n_points > 0)
            return series->points[0].value;
    }
    return NAN;
}

static Status take_one(Plan *plan, size_t index, Store *store, Arena *scratch, bool *found,
                       Error *err)
{
    PlannedTrial *planned = &plan->trials[index];
    TrialStatus status = TRIAL_ABSENT;
    Trial stored;
    TRY(store_trial_status(store, planned->id, &status, err));
    if (status != TRIAL_DONE) return STATUS_OK; // a failed one is tried again
    const bool finds = plan->suite->tasks[planned->spec.task].tunes_null_threshold;
    TRY(store_get_trial(store, scratch, planned->id, finds ? TRIAL_CURVES : TRIAL_HEAD, &stored,
                        err));
    planned->null_threshold = stored_threshold(&stored);
    double score = NAN;
    for (size_t i = 0; i < stored.n_scores; i++) {
        if (slice_eq(stored.scores[i].name, plan->suite->tasks[planned->spec.task].primary))
            score = stored.scores[i].estimate;
    }
    *found = true;
    planned->was_stored = true;
    return plan_finish_trial(plan, index, true, score, stored.best_step, NULL, err);
}

Status plan_take_stored(Plan *plan, Store *store, Error *err)
{
    Arena scratch = {0};
    Status s = STATUS_OK;
    bool found = true;
    while (s == STATUS_OK &&
           found) { // a choice that comes from stored trials makes further ones known
        found = false;
        for (size_t i = 0; s == STATUS_OK && i < plan->n_trials; i++) {
            if (plan->trials[i].state != PLANNED_READY) continue;
            s = take_one(plan, i, store, &scratch, &found, err);
            arena_release(&scratch);
        }
    }
    return s;
}

// One that would tune as another that runs waits for what that leaves.
static bool runs_already(const Plan *plan, size_t wanted)
{
    const PlannedTrial *w = &plan->trials[wanted];
    const bool does_tune = w->key.len > 0 && plan_tuned_trial(plan, wanted) == SIZE_MAX;
    for (size_t i = 0; i < plan->n_trials; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        if (trial->state == PLANNED_RUNNING &&
            (slice_eq(trial->id, w->id) || (does_tune && slice_eq(trial->key, w->key))))
            return true;
    }
    return false;
}

size_t plan_next(const Plan *plan)
{
    for (size_t i = 0; i < plan->n_trials; i++) {
        if (plan->trials[i].state == PLANNED_READY && !runs_already(plan, i)) return i;
    }
    return SIZE_MAX;
}

size_t plan_count(const Plan *plan, PlannedState state)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->n_trials; i++) n += plan->trials[i].state == state;
    return n;
}

size_t plan_left(const Plan *plan)
{
    return plan_count(plan, PLANNED_READY) + plan_count(plan, PLANNED_RUNNING) +
           plan_count(plan, PLANNED_BLOCKED);
}

Status plan_rows(const Plan *plan, Arena *arena, RunTrial **rows, size_t *n, Error *err)
{
    *n = 0;
    TRY(arena_take(arena, plan->n_trials, sizeof **rows, "a plan", rows, err));
    for (size_t i = 0; i < plan->n_trials; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        const TrialSpec *spec = &trial->spec;
        if (trial->id.len == 0) continue;
        const bool is_model = spec->model != NO_MODEL;
        (*rows)[(*n)++] = (RunTrial){
            .trial_id = trial->id,
            .model = plan_model_name(plan, spec->model, spec->task),
            .task = plan->suite->tasks[spec->task].name,
            .setting = is_model ? plan->suite->models[spec->model].settings[spec->setting].json
                                : SLICE("{}"),
            .role = spec->role,
            .outer_fold = spec->outer_fold,
            .inner_fold = spec->inner_fold,
            .seed = spec->seed,
            .is_chosen = trial->is_chosen};
    }
    return STATUS_OK;
}
