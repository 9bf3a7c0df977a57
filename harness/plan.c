#include "harness/plan.h"

#include <math.h>

#include "harness/prepare.h"

Slice plan_model_name(const Plan *plan, int model)
{
    return model == NO_MODEL ? SLICE("majority class") : plan->suite->models[model].name;
}

// ---- making it ----

typedef struct Making {
    Plan *plan;
    size_t capacity, groups_capacity;
} Making;

static Status add_trial(Making *making, const TrialSpec *spec, PlannedState state, Error *err)
{
    Plan *plan = making->plan;
    if (plan->n_trials == making->capacity) {
        PlannedTrial *grown = NULL;
        const size_t wanted = making->capacity ? making->capacity * 2 : 64;
        TRY(arena_take(plan->arena, wanted, sizeof *grown, "trials", &grown, err));
        for (size_t i = 0; i < plan->n_trials; i++) grown[i] = plan->trials[i];
        plan->trials = grown;
        making->capacity = wanted;
    }
    PlannedTrial *trial = &plan->trials[plan->n_trials++];
    *trial = (PlannedTrial){
        .spec = *spec, .group = plan->n_groups - 1, .state = state, .score = NAN, .best_step = -1};
    if (state == PLANNED_BLOCKED) return STATUS_OK;
    return trial_identify(plan->suite, plan->identity, spec, plan->arena, &trial->identity,
                          &trial->id, err);
}

static Status begin_group(Making *making, int model, size_t task, int32_t fold, Error *err)
{
    Plan *plan = making->plan;
    if (plan->n_groups == making->groups_capacity) {
        PlannedGroup *grown = NULL;
        const size_t wanted = making->groups_capacity ? making->groups_capacity * 2 : 16;
        TRY(arena_take(plan->arena, wanted, sizeof *grown, "groups", &grown, err));
        for (size_t i = 0; i < plan->n_groups; i++) grown[i] = plan->groups[i];
        plan->groups = grown;
        making->groups_capacity = wanted;
    }
    plan->groups[plan->n_groups++] = (PlannedGroup){
        .model = model, .task = task, .outer_fold = fold, .begin = plan->n_trials, .chosen = -1};
    return STATUS_OK;
}

static Status add_inner(Making *making, TrialSpec spec, Error *err)
{
    const Suite *suite = making->plan->suite;
    const size_t n_inner = inner_trials(suite, (size_t)spec.model, spec.task);
    spec.role = TRIAL_INNER;
    for (size_t setting = 0; setting < suite->models[spec.model].n_settings; setting++) {
        for (size_t inner = 0; inner < n_inner; inner++) {
            for (size_t repeat = 0; repeat < suite->repeats; repeat++) {
                spec.setting = (int)setting;
                spec.inner_fold = n_inner > 1 ? (int32_t)inner : STORE_NO_FOLD;
                spec.repeat = repeat;
                spec.seed = suite_seed(suite, repeat);
                TRY(add_trial(making, &spec, PLANNED_READY, err));
            }
        }
    }
    return STATUS_OK;
}

// The winner, and with "explore" a place for each other setting.
static Status add_outer(Making *making, TrialSpec spec, bool is_blocked, Error *err)
{
    const Suite *suite = making->plan->suite;
    const SuiteModel *model = &suite->models[spec.model];
    const TrialRole role = suite->folds.k > 0 ? TRIAL_OUTER : TRIAL_SINGLE;
    const size_t n_places = suite->folds.explore && is_blocked ? model->n_settings : 1;
    // A model that is not tuned does not depend on a seed.
    const size_t repeats = model->does_tune ? suite->repeats : 1;
    for (size_t place = 0; place < n_places; place++) {
        for (size_t repeat = 0; repeat < repeats; repeat++) {
            spec.role = place == 0 ? role : TRIAL_EXPLORE;
            spec.setting = is_blocked ? -1 : 0;
            spec.inner_fold = STORE_NO_FOLD;
            spec.repeat = repeat;
            spec.seed = suite_seed(suite, repeat);
            TRY(add_trial(making, &spec, is_blocked ? PLANNED_BLOCKED : PLANNED_READY, err));
        }
    }
    return STATUS_OK;
}

static Status add_group(Making *making, int model, size_t task, int32_t fold, Error *err)
{
    Plan *plan = making->plan;
    const Suite *suite = plan->suite;
    TrialSpec spec = {.model = model, .task = task, .outer_fold = fold};
    TRY(begin_group(making, model, task, fold, err));
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
        if (!holds) plan->groups[plan->n_groups - 1].chosen = 0;
    }
    plan->groups[plan->n_groups - 1].end = plan->n_trials;
    return STATUS_OK;
}

static Status add_folds(Making *making, int model, size_t task, Error *err)
{
    const Suite *suite = making->plan->suite;
    if (suite->folds.k == 0) return add_group(making, model, task, STORE_NO_FOLD, err);
    for (size_t fold = 0; fold < suite->folds.k; fold++) {
        if (suite->only_fold >= 0 && (size_t)suite->only_fold != fold) continue;
        TRY(add_group(making, model, task, (int32_t)fold, err));
    }
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
    TRY(begin_group(making, model, task, STORE_NO_FOLD, err));
    TRY(add_trial(making, &spec, PLANNED_BLOCKED, err));
    plan->groups[plan->n_groups - 1].end = plan->n_trials;
    return STATUS_OK;
}

static void mark_chosen(Plan *plan, size_t group)
{
    const PlannedGroup *g = &plan->groups[group];
    for (size_t i = g->begin; i < g->end; i++)
        plan->trials[i].is_chosen = g->chosen >= 0 && plan->trials[i].spec.setting == g->chosen;
}

// ---- choosing ----

static double direction_of(const Suite *suite, size_t task)
{
    const SuiteTask *t = &suite->tasks[task];
    const size_t slash = slice_find_byte(t->primary, '/');
    const Slice name = slash == SIZE_MAX ? t->primary : slice_sub(t->primary, 0, slash);
    for (size_t i = 0; i < t->n_metrics; i++) {
        const Metric *metric = t->metrics[i].metric;
        if (slice_eq_cstr(name, metric->name))
            return metric->direction == LOWER_IS_BETTER ? -1.0 : 1.0;
    }
    return 1.0;
}

// The mean inner score of a setting over trials [begin, end) of its model and task; NaN where one is missing or failed.
static double mean_inner(const Plan *plan, size_t begin, size_t end, int model, size_t task,
                         int setting)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = begin; i < end; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        const TrialSpec *spec = &trial->spec;
        if (spec->role != TRIAL_INNER || spec->model != model || spec->task != task ||
            spec->setting != setting)
            continue;
        if (trial->state != PLANNED_DONE) return NAN;
        sum += trial->score;
        n++;
    }
    return n > 0 ? sum / (double)n : NAN;
}

static int best_setting(const Plan *plan, size_t begin, size_t end, int model, size_t task)
{
    const double direction = direction_of(plan->suite, task);
    double best = NAN;
    int chosen = -1;
    for (size_t s = 0; s < plan->suite->models[model].n_settings; s++) {
        const double mean = direction * mean_inner(plan, begin, end, model, task, (int)s);
        if (isnan(mean) || (chosen >= 0 && mean <= best)) continue;
        best = mean;
        chosen = (int)s;
    }
    return chosen;
}

static Status unblock(Plan *plan, PlannedTrial *trial, int setting, Error *err)
{
    if (setting < 0) {
        trial->state = PLANNED_DROPPED;
        return STATUS_OK;
    }
    trial->spec.setting = setting;
    trial->state = PLANNED_READY;
    return trial_identify(plan->suite, plan->identity, &trial->spec, plan->arena, &trial->identity,
                          &trial->id, err);
}

static bool inner_is_over(const Plan *plan, size_t begin, size_t end, int model, size_t task)
{
    for (size_t i = begin; i < end; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        if (trial->spec.role == TRIAL_INNER && trial->spec.model == model &&
            trial->spec.task == task && trial->state != PLANNED_DONE &&
            trial->state != PLANNED_FAILED)
            return false;
    }
    return true;
}

// The winner takes the first place of the group, the other settings the places after it in their order.
static Status choose_in_group(Plan *plan, size_t group, Error *err)
{
    PlannedGroup *g = &plan->groups[group];
    const int winner = best_setting(plan, g->begin, g->end, g->model, g->task);
    int other = -1;
    g->chosen = winner;
    for (size_t i = g->begin; i < g->end; i++) {
        PlannedTrial *trial = &plan->trials[i];
        if (trial->state != PLANNED_BLOCKED) continue;
        if (trial->spec.role == TRIAL_EXPLORE) {
            if (trial->spec.repeat == 0) other += other + 1 == winner ? 2 : 1;
            TRY(unblock(plan, trial, winner < 0 ? -1 : other, err));
        } else {
            TRY(unblock(plan, trial, winner, err));
        }
    }
    mark_chosen(plan, group);
    return STATUS_OK;
}

static bool waits(const Plan *plan, const PlannedGroup *g)
{
    for (size_t i = g->begin; i < g->end; i++) {
        if (plan->trials[i].state == PLANNED_BLOCKED) return true;
    }
    return false;
}

// The setting of a final model: by its inner trials everywhere; a model without any has one setting.
static int final_setting(const Plan *plan, const PlannedGroup *g)
{
    if (!holds_inner(plan->suite, (size_t)g->model, g->task)) return 0;
    return best_setting(plan, 0, plan->n_trials, g->model, g->task);
}

static Status make_choices(Plan *plan, bool *changed, Error *err)
{
    for (size_t group = 0; group < plan->n_groups; group++) {
        PlannedGroup *g = &plan->groups[group];
        if (!waits(plan, g)) continue;
        const bool is_final = plan->trials[g->begin].spec.role == TRIAL_FINAL;
        const size_t begin = is_final ? 0 : g->begin, end = is_final ? plan->n_trials : g->end;
        if (!inner_is_over(plan, begin, end, g->model, g->task)) continue;
        if (changed) *changed = true;
        if (is_final) {
            g->chosen = final_setting(plan, g);
            TRY(unblock(plan, &plan->trials[g->begin], g->chosen, err));
            mark_chosen(plan, group);
        } else {
            TRY(choose_in_group(plan, group, err));
        }
    }
    return STATUS_OK;
}

Status plan_make(const Suite *suite, const SuiteIdentity *identity, Arena *arena, Plan *out,
                 Error *err)
{
    *out = (Plan){.suite = suite, .identity = identity, .arena = arena};
    Making making = {.plan = out};
    for (size_t model = 0; model < suite->n_models; model++) {
        for (size_t task = 0; task < suite->n_tasks; task++) {
            TRY(add_folds(&making, (int)model, task, err));
            TRY(add_final(&making, (int)model, task, err));
        }
    }
    for (size_t task = 0; task < suite->n_tasks; task++)
        TRY(add_folds(&making, NO_MODEL, task, err));
    for (size_t group = 0; group < out->n_groups; group++) mark_chosen(out, group);
    return make_choices(out, NULL, err);
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
    return make_choices(plan, changed, err);
}

static Status take_one(Plan *plan, size_t index, Store *store, Arena *scratch, bool *found,
                       Error *err)
{
    PlannedTrial *planned = &plan->trials[index];
    TrialStatus status = TRIAL_ABSENT;
    Trial stored;
    TRY(store_trial_status(store, planned->id, &status, err));
    if (status != TRIAL_DONE) return STATUS_OK; // a failed one is tried again
    TRY(store_get_trial(store, scratch, planned->id, TRIAL_HEAD, &stored, err));
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

static bool runs_already(const Plan *plan, Slice id)
{
    for (size_t i = 0; i < plan->n_trials; i++) {
        if (plan->trials[i].state == PLANNED_RUNNING && slice_eq(plan->trials[i].id, id))
            return true;
    }
    return false;
}

size_t plan_next(const Plan *plan)
{
    for (size_t i = 0; i < plan->n_trials; i++) {
        if (plan->trials[i].state == PLANNED_READY && !runs_already(plan, plan->trials[i].id))
            return i;
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

size_t plan_tuned_trial(const Plan *plan, size_t trial)
{
    const PlannedTrial *outer = &plan->trials[trial];
    const PlannedGroup *g = &plan->groups[outer->group];
    if (outer->spec.model == NO_MODEL || outer->spec.role == TRIAL_FINAL ||
        outer->spec.role == TRIAL_INNER ||
        refits_winner(plan->suite, (size_t)outer->spec.model, outer->spec.task))
        return SIZE_MAX;
    for (size_t i = g->begin; i < g->end; i++) {
        const TrialSpec *spec = &plan->trials[i].spec;
        if (spec->role == TRIAL_INNER && spec->setting == outer->spec.setting &&
            spec->repeat == outer->spec.repeat)
            return i;
    }
    return SIZE_MAX;
}

uint64_t plan_refit_steps(const Plan *plan, size_t trial)
{
    const TrialSpec *wanted = &plan->trials[trial].spec;
    const PlannedGroup *g = &plan->groups[plan->trials[trial].group];
    const bool is_final = wanted->role == TRIAL_FINAL;
    double sum = 0;
    size_t n = 0;
    for (size_t i = is_final ? 0 : g->begin; i < (is_final ? plan->n_trials : g->end); i++) {
        const PlannedTrial *inner = &plan->trials[i];
        if (inner->spec.role != TRIAL_INNER || inner->spec.model != wanted->model ||
            inner->spec.task != wanted->task || inner->spec.setting != wanted->setting ||
            (!is_final && inner->spec.repeat != wanted->repeat) || inner->best_step < 1)
            continue;
        sum += (double)inner->best_step;
        n++;
    }
    return n > 0 ? (uint64_t)(sum / (double)n + 0.5) : 0;
}

bool plan_may_win(const Plan *plan, size_t group, int setting)
{
    const PlannedGroup *g = &plan->groups[group];
    bool has_outer = false;
    for (size_t i = g->begin; i < g->end; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        if (trial->spec.role == TRIAL_INNER || trial->state == PLANNED_DONE ||
            trial->state == PLANNED_FAILED || trial->state == PLANNED_DROPPED)
            continue;
        if (trial->state != PLANNED_BLOCKED && trial->spec.setting != setting) continue;
        has_outer = true;
    }
    if (!has_outer || plan->suite->folds.explore || g->chosen >= 0) return has_outer;
    // Settings that are complete compete already: the best of them alone may still win.
    const double direction = direction_of(plan->suite, g->task);
    const double mine = direction * mean_inner(plan, g->begin, g->end, g->model, g->task, setting);
    for (size_t s = 0; s < plan->suite->models[g->model].n_settings && !isnan(mine); s++) {
        const double other =
            direction * mean_inner(plan, g->begin, g->end, g->model, g->task, (int)s);
        if (other > mine || (other == mine && (int)s < setting)) return false;
    }
    return true;
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
            .model = plan_model_name(plan, spec->model),
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
