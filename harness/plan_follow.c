// harness/plan_follow.c: what follows from choices: whose weights, steps and thresholds a trial takes, and which are still wanted.
#include <math.h>

#include "harness/plan_internal.h"
#include "harness/prepare.h"

static size_t inner_of(const Plan *plan, size_t trial)
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

size_t plan_tuned_trial(const Plan *plan, size_t trial)
{
    if (plan->trials[trial].spec.role != TRIAL_AFTER) return inner_of(plan, trial);
    const size_t winner = plan_winner_of(plan, &plan->trials[trial]),
                 inner = inner_of(plan, winner);
    return inner == SIZE_MAX ? winner : inner;
}

bool plan_wants_steps(const Plan *plan, size_t group)
{
    const PlannedGroup *g = &plan->groups[group];
    for (size_t i = g->begin; i < g->end; i++) {
        if (plan->trials[i].spec.role == TRIAL_AFTER && !plan_is_over(&plan->trials[i]))
            return true;
    }
    return false;
}

double plan_null_threshold(const Plan *plan, size_t trial)
{
    const TrialSpec *wanted = &plan->trials[trial].spec;
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < plan->n_trials; i++) {
        const PlannedTrial *inner = &plan->trials[i];
        if (inner->spec.role != TRIAL_INNER || inner->spec.model != wanted->model ||
            inner->spec.task != wanted->task || inner->spec.setting != wanted->setting ||
            isnan(inner->null_threshold))
            continue;
        sum += inner->null_threshold;
        n++;
    }
    return n > 0 ? sum / (double)n : NAN;
}

uint64_t plan_refit_steps(const Plan *plan, size_t trial)
{
    if (plan->trials[trial].spec.role == TRIAL_AFTER)
        return plan_refit_steps(plan, plan_winner_of(plan, &plan->trials[trial]));
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

static bool tunes_alike(const Plan *plan, size_t trial, size_t other)
{
    const Slice key = plan->trials[trial].key;
    return trial == other || (key.len > 0 && slice_eq(key, plan->trials[other].key));
}

bool plan_shares_tuning(const Plan *plan, size_t trial)
{
    for (size_t i = 0; i < plan->n_trials; i++) {
        if (i != trial && tunes_alike(plan, trial, i) && !plan_is_over(&plan->trials[i]))
            return true;
    }
    return false;
}

bool plan_wants_weights(const Plan *plan, size_t trial)
{
    for (size_t i = 0; i < plan->n_trials; i++) {
        const PlannedTrial *other = &plan->trials[i];
        if (!tunes_alike(plan, trial, i)) continue;
        if (i != trial && !plan_is_over(other)) return true;
        if (plan_may_teach(plan, i)) return true;
        if (other->spec.role == TRIAL_INNER ? plan_may_win(plan, other->group, other->spec.setting)
                                            : plan_wants_steps(plan, other->group))
            return true;
    }
    return false;
}

bool plan_wants_state(const Plan *plan, size_t trial)
{
    for (size_t i = 0; i < plan->n_trials; i++) {
        if (tunes_alike(plan, trial, i) && plan_may_go_on(plan, i)) return true;
    }
    return false;
}
