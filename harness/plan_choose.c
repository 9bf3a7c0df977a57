// harness/plan_choose.c: which settings go on, and which one wins.
#include <math.h>

#include "harness/plan_internal.h"
#include "harness/prepare.h"

void plan_mark_chosen(Plan *plan, size_t group)
{
    const PlannedGroup *g = &plan->groups[group];
    for (size_t i = g->begin; i < g->end; i++)
        plan->trials[i].is_chosen = g->chosen >= 0 && plan->trials[i].spec.setting == g->chosen;
}

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

// Inner trials [begin, end) of a model and task: those of one choice, or of all folds.
typedef struct InnerRange {
    size_t begin, end;
    int model;
    size_t task, point;
} InnerRange;

static InnerRange range_of(const PlannedGroup *g)
{
    return (InnerRange){g->begin, g->end, g->model, g->task, g->point};
}

static bool is_inner_of(const PlannedTrial *trial, const InnerRange *range)
{
    const TrialSpec *spec = &trial->spec;
    return spec->role == TRIAL_INNER && spec->model == range->model && spec->task == range->task;
}

// The mean inner score of a setting, and over how many trials; NaN where one is missing or failed.
static double mean_inner(const Plan *plan, const InnerRange *range, int setting, size_t *n_trials)
{
    double sum = 0;
    size_t n = 0;
    *n_trials = 0;
    for (size_t i = range->begin; i < range->end; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        if (!is_inner_of(trial, range) || trial->spec.setting != setting) continue;
        if (trial->state != PLANNED_DONE) return NAN;
        sum += trial->score;
        n++;
    }
    *n_trials = n;
    return n > 0 ? sum / (double)n : NAN;
}

// The best setting of a rung that is not taken yet (taken [n_settings] may be NULL); -1 where none has a score. Over several
// folds those that halving brought to the rung in more of them come first: means of fewer folds are of easier company.
static int best_of_rung(const Plan *plan, const InnerRange *range, size_t rung, const bool *taken)
{
    const Suite *suite = plan->suite;
    const size_t model = (size_t)range->model;
    const double direction = direction_of(suite, range->task);
    double best = NAN;
    size_t most = 0;
    int chosen = -1;
    for (size_t s = 0; s < suite->models[model].n_settings; s++) {
        size_t n = 0;
        const int setting = (int)suite_setting(suite, model, range->point, rung, s);
        const double mean = direction * mean_inner(plan, range, setting, &n);
        if (isnan(mean) || (taken && taken[s])) continue;
        if (chosen >= 0 && (n < most || (n == most && mean <= best))) continue;
        best = mean;
        most = n;
        chosen = (int)s;
    }
    return chosen;
}

static int best_setting(const Plan *plan, const InnerRange *range)
{
    const size_t model = (size_t)range->model, last = plan->suite->models[model].n_rungs - 1;
    const int best = best_of_rung(plan, range, last, NULL);
    return best < 0 ? -1 : (int)suite_setting(plan->suite, model, range->point, last, (size_t)best);
}

static Status unblock(Plan *plan, PlannedTrial *trial, int setting, Error *err)
{
    if (setting < 0) {
        trial->state = PLANNED_DROPPED;
        return STATUS_OK;
    }
    trial->spec.setting = setting;
    return plan_begin_trial(plan, trial, err);
}

bool plan_is_over(const PlannedTrial *trial)
{
    return trial->state == PLANNED_DONE || trial->state == PLANNED_FAILED ||
           trial->state == PLANNED_DROPPED;
}

// Whether all inner trials have ended, those of later rungs too.
static bool inner_is_over(const Plan *plan, const InnerRange *range)
{
    for (size_t i = range->begin; i < range->end; i++) {
        if (is_inner_of(&plan->trials[i], range) && !plan_is_over(&plan->trials[i])) return false;
    }
    return true;
}

static bool rung_is_over(const Plan *plan, const PlannedGroup *g, size_t rung)
{
    for (size_t i = g->begin; i < g->end; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        if (trial->spec.role == TRIAL_INNER && trial->rung == rung && !plan_is_over(trial))
            return false;
    }
    return true;
}

// The first trial of a rung in the group, where it still waits; SIZE_MAX else.
static size_t first_waiting(const Plan *plan, const PlannedGroup *g, size_t rung)
{
    for (size_t i = g->begin; i < g->end; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        if (trial->spec.role == TRIAL_INNER && trial->rung == rung)
            return trial->state == PLANNED_BLOCKED && !trial->awaits_teacher ? i : SIZE_MAX;
    }
    return SIZE_MAX;
}

// The best of the rung before take the places of this one, in the order of the settings.
static Status fill_rung(Plan *plan, const PlannedGroup *g, size_t rung, size_t first, Error *err)
{
    const Suite *suite = plan->suite;
    const size_t model = (size_t)g->model, n_settings = suite->models[model].n_settings;
    const size_t n_places = suite->models[model].rungs[rung].n_settings;
    const size_t n_each = inner_trials(suite, model, g->task) * suite->repeats;
    const InnerRange range = range_of(g);
    Arena scratch = {0};
    bool *taken = NULL;
    Status s = arena_take(&scratch, n_settings, sizeof *taken, "a rung", &taken, err);
    size_t n = 0;
    for (; s == STATUS_OK && n < n_places; n++) {
        const int best = best_of_rung(plan, &range, rung - 1, taken);
        if (best < 0) break;
        taken[best] = true;
    }
    size_t at = first;
    for (size_t i = 0; s == STATUS_OK && i < n_settings; i++) {
        if (!taken[i]) continue;
        const int setting = (int)suite_setting(suite, model, g->point, rung, i);
        for (size_t k = 0; s == STATUS_OK && k < n_each; k++)
            s = unblock(plan, &plan->trials[at++], setting, err);
    }
    // Fewer had a score than there are places.
    for (; s == STATUS_OK && at < first + n_places * n_each; at++)
        plan->trials[at].state = PLANNED_DROPPED;
    arena_release(&scratch);
    return s;
}

static Status fill_rungs(Plan *plan, const PlannedGroup *g, bool *changed, Error *err)
{
    if (g->model == NO_MODEL) return STATUS_OK;
    for (size_t rung = 1; rung < plan->suite->models[g->model].n_rungs; rung++) {
        const size_t first = first_waiting(plan, g, rung);
        if (first == SIZE_MAX || !rung_is_over(plan, g, rung - 1)) continue;
        TRY(fill_rung(plan, g, rung, first, err));
        if (changed) *changed = true;
    }
    return STATUS_OK;
}

// The winner takes the first place of the group, the other settings the places after it in their order.
static Status choose_in_group(Plan *plan, size_t group, Error *err)
{
    PlannedGroup *g = &plan->groups[group];
    const InnerRange range = range_of(g);
    const int winner = best_setting(plan, &range);
    int other = -1;
    g->chosen = winner;
    for (size_t i = g->begin; i < g->end; i++) {
        PlannedTrial *trial = &plan->trials[i];
        if (trial->state != PLANNED_BLOCKED || trial->awaits_teacher ||
            trial->spec.role == TRIAL_INNER || trial->spec.role == TRIAL_AFTER)
            continue;
        if (trial->spec.role == TRIAL_EXPLORE) {
            if (trial->spec.repeat == 0) other += other + 1 == winner ? 2 : 1;
            TRY(unblock(plan, trial, winner < 0 ? -1 : other, err));
        } else {
            TRY(unblock(plan, trial, winner, err));
        }
    }
    plan_mark_chosen(plan, group);
    return STATUS_OK;
}

static bool waits(const Plan *plan, const PlannedGroup *g)
{
    for (size_t i = g->begin; i < g->end; i++) {
        const PlannedTrial *trial = &plan->trials[i];
        if (trial->state == PLANNED_BLOCKED && !trial->awaits_teacher &&
            trial->spec.role != TRIAL_AFTER)
            return true;
    }
    return false;
}

size_t plan_winner_of(const Plan *plan, const PlannedTrial *after)
{
    const PlannedGroup *g = &plan->groups[after->group];
    for (size_t i = g->begin; i < g->end; i++) {
        const TrialSpec *spec = &plan->trials[i].spec;
        if ((spec->role == TRIAL_OUTER || spec->role == TRIAL_SINGLE) &&
            spec->repeat == after->spec.repeat)
            return i;
    }
    return SIZE_MAX;
}

// Steps whose winner has been judged.
static Status unblock_steps(Plan *plan, const PlannedGroup *g, bool *changed, Error *err)
{
    for (size_t i = g->begin; i < g->end; i++) {
        PlannedTrial *trial = &plan->trials[i];
        if (trial->spec.role != TRIAL_AFTER || trial->state != PLANNED_BLOCKED ||
            trial->awaits_teacher)
            continue;
        const size_t at = plan_winner_of(plan, trial);
        if (at == SIZE_MAX || !plan_is_over(&plan->trials[at])) continue;
        const PlannedTrial *winner = &plan->trials[at];
        const int setting =
            winner->state == PLANNED_DONE
                ? (int)suite_after_setting(plan->suite, (size_t)g->model, trial->after,
                                           (size_t)winner->spec.setting)
                : -1;
        TRY(unblock(plan, trial, setting, err));
        if (changed) *changed = true;
    }
    return STATUS_OK;
}

// The setting of a final model: by its inner trials everywhere; a model without any has one setting.
static int final_setting(const Plan *plan, const PlannedGroup *g)
{
    if (!holds_inner(plan->suite, (size_t)g->model, g->task)) return 0;
    const InnerRange everywhere = {0, plan->n_trials, g->model, g->task, 0};
    return best_setting(plan, &everywhere);
}

static Status make_choices(Plan *plan, bool *changed, Error *err)
{
    for (size_t group = 0; group < plan->n_groups; group++) {
        PlannedGroup *g = &plan->groups[group];
        TRY(unblock_steps(plan, g, changed, err));
        if (!waits(plan, g)) continue;
        TRY(fill_rungs(plan, g, changed, err));
        const bool is_final = plan->trials[g->begin].spec.role == TRIAL_FINAL;
        const InnerRange range =
            is_final ? (InnerRange){0, plan->n_trials, g->model, g->task, 0} : range_of(g);
        if (!inner_is_over(plan, &range)) continue;
        if (changed) *changed = true;
        if (is_final) {
            g->chosen = final_setting(plan, g);
            TRY(unblock(plan, &plan->trials[g->begin], g->chosen, err));
            plan_mark_chosen(plan, group);
        } else {
            TRY(choose_in_group(plan, group, err));
        }
    }
    return STATUS_OK;
}

Status plan_make_choices(Plan *plan, bool *changed, Error *err)
{
    bool dropped = true;
    while (dropped) { // trials that are dropped may be the last ones that a choice waits for
        TRY(make_choices(plan, changed, err));
        TRY(plan_resolve_teachers(plan, changed, &dropped, err));
    }
    return STATUS_OK;
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
        if (trial->spec.role == TRIAL_AFTER) { // of the winner alone
            has_outer = has_outer || g->chosen < 0 || g->chosen == setting;
            continue;
        }
        if (trial->state != PLANNED_BLOCKED && trial->spec.setting != setting) continue;
        has_outer = true;
    }
    const size_t model = (size_t)g->model, n_settings = plan->suite->models[model].n_settings;
    const size_t last = plan->suite->models[model].n_rungs - 1;
    const int begin = (int)suite_setting(plan->suite, model, g->point, last, 0);
    // A shorter rung's model is not the one that is judged.
    if (setting < begin || (size_t)(setting - begin) >= n_settings) return false;
    if (!has_outer || plan->suite->folds.explore || g->chosen >= 0) return has_outer;
    // Settings that are complete compete already: the best of them alone may still win.
    const InnerRange range = range_of(g);
    const double direction = direction_of(plan->suite, g->task);
    size_t n = 0;
    const double mine = direction * mean_inner(plan, &range, setting, &n);
    for (int s = begin; s < begin + (int)n_settings && !isnan(mine); s++) {
        const double other = direction * mean_inner(plan, &range, s, &n);
        if (other > mine || (other == mine && s < setting)) return false;
    }
    return true;
}

// The trial of the same choice that differs by its rung alone.
static size_t in_rung(const Plan *plan, size_t trial, size_t rung)
{
    const PlannedTrial *like = &plan->trials[trial];
    const PlannedGroup *g = &plan->groups[like->group];
    const size_t n_settings = plan->suite->models[g->model].n_settings;
    for (size_t i = g->begin; i < g->end; i++) {
        const PlannedTrial *other = &plan->trials[i];
        if (other->spec.role == TRIAL_INNER && other->rung == rung && other->spec.setting >= 0 &&
            (size_t)other->spec.setting % n_settings == (size_t)like->spec.setting % n_settings &&
            other->spec.inner_fold == like->spec.inner_fold &&
            other->spec.repeat == like->spec.repeat)
            return i;
    }
    return SIZE_MAX;
}

size_t plan_rung_before(const Plan *plan, size_t trial)
{
    const PlannedTrial *planned = &plan->trials[trial];
    if (planned->spec.role != TRIAL_INNER || planned->rung == 0) return SIZE_MAX;
    return in_rung(plan, trial, planned->rung - 1);
}

bool plan_may_go_on(const Plan *plan, size_t trial)
{
    const PlannedTrial *planned = &plan->trials[trial];
    const PlannedGroup *g = &plan->groups[planned->group];
    if (planned->spec.role != TRIAL_INNER || planned->spec.setting < 0 ||
        planned->rung + 1 >= plan->suite->models[g->model].n_rungs)
        return false;
    if (first_waiting(plan, g, planned->rung + 1) != SIZE_MAX) return true; // not chosen yet
    const size_t next = in_rung(plan, trial, planned->rung + 1);
    return next != SIZE_MAX && !plan_is_over(&plan->trials[next]);
}
