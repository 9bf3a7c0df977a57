// harness/plan_teach.c: trials that learn from a model of the same suite wait until it is tuned on their own training part.
#include "harness/plan_internal.h"
#include "harness/prepare.h"

static bool is_over(const PlannedTrial *trial)
{
    return trial->state == PLANNED_DONE || trial->state == PLANNED_FAILED ||
           trial->state == PLANNED_DROPPED;
}

static bool is_final(const Plan *plan, const PlannedGroup *g)
{
    return plan->trials[g->begin].spec.role == TRIAL_FINAL;
}

// The model that a trial's setting learns from; SIZE_MAX where it is no tuned one.
static size_t teacher_model(const Plan *plan, const TrialSpec *spec)
{
    if (spec->model == NO_MODEL || spec->setting < 0) return SIZE_MAX;
    return suite_tuned_teacher(plan->suite,
                               &plan->suite->models[spec->model].settings[spec->setting]);
}

// The trials of that model on the same part of the data.
static const PlannedGroup *group_of(const Plan *plan, size_t trial, size_t model)
{
    const PlannedGroup *own = &plan->groups[plan->trials[trial].group];
    for (size_t i = 0; i < plan->n_groups; i++) {
        const PlannedGroup *g = &plan->groups[i];
        if (g->model == (int)model && g->task == own->task && g->outer_fold == own->outer_fold &&
            g->point == own->point && g->end > g->begin && is_final(plan, g) == is_final(plan, own))
            return g;
    }
    return NULL;
}

// Whether a trial is tuned without what is held out for choosing.
static bool holds_out(const Plan *plan, const TrialSpec *spec)
{
    return holds_inner(plan->suite, (size_t)spec->model, spec->task) &&
           (spec->role == TRIAL_INNER ||
            !refits_winner(plan->suite, (size_t)spec->model, spec->task));
}

size_t plan_teacher_of(const Plan *plan, size_t trial)
{
    const TrialSpec *spec = &plan->trials[trial].spec;
    const size_t model = teacher_model(plan, spec);
    const PlannedGroup *g = model == SIZE_MAX ? NULL : group_of(plan, trial, model);
    if (g == NULL || g->chosen < 0) return SIZE_MAX;
    if (is_final(plan, g)) return g->begin;
    const bool is_inner = holds_out(plan, spec);
    for (size_t i = g->begin; i < g->end; i++) {
        const TrialSpec *other = &plan->trials[i].spec;
        const bool is_judged =
            other->role == TRIAL_OUTER || other->role == TRIAL_SINGLE || other->role == TRIAL_CURVE;
        if (other->repeat != spec->repeat || other->setting != g->chosen) continue;
        if (is_inner ? other->role == TRIAL_INNER && other->inner_fold == spec->inner_fold
                     : is_judged)
            return i;
    }
    return SIZE_MAX;
}

bool plan_may_teach(const Plan *plan, size_t trial)
{
    const PlannedTrial *teacher = &plan->trials[trial];
    const PlannedGroup *own = &plan->groups[teacher->group];
    if (own->chosen >= 0 && teacher->spec.setting != own->chosen) return false;
    for (size_t i = 0; i < plan->n_trials; i++) {
        const PlannedTrial *learner = &plan->trials[i];
        if (is_over(learner) || learner->spec.model == NO_MODEL ||
            learner->spec.task != teacher->spec.task)
            continue;
        const SuiteModel *model = &plan->suite->models[learner->spec.model];
        for (size_t s = 0; s < model->n_settings; s++) {
            const size_t wanted = suite_tuned_teacher(plan->suite, &model->settings[s]);
            if (wanted == (size_t)teacher->spec.model && group_of(plan, i, wanted) == own)
                return true;
        }
    }
    return false;
}

// No setting of the teacher could be chosen, or tuning it failed.
static bool is_lost(const Plan *plan, size_t trial)
{
    const size_t model = teacher_model(plan, &plan->trials[trial].spec),
                 teacher = plan_teacher_of(plan, trial);
    const PlannedGroup *g = group_of(plan, trial, model);
    if (teacher != SIZE_MAX)
        return plan->trials[teacher].state == PLANNED_FAILED ||
               plan->trials[teacher].state == PLANNED_DROPPED;
    for (size_t i = g ? g->begin : 0; g && i < g->end; i++) {
        const PlannedTrial *other = &plan->trials[i];
        if (other->state == PLANNED_DROPPED && other->spec.role != TRIAL_INNER) return true;
    }
    return false;
}

Status plan_begin_trial(Plan *plan, PlannedTrial *trial, Error *err)
{
    const size_t at = (size_t)(trial - plan->trials);
    trial->awaits_teacher = false;
    trial->state = PLANNED_READY;
    if (teacher_model(plan, &trial->spec) == SIZE_MAX) return plan_identify(plan, trial, err);
    const size_t teacher = plan_teacher_of(plan, at);
    if (teacher == SIZE_MAX || plan->trials[teacher].state != PLANNED_DONE) {
        trial->awaits_teacher = true;
        trial->state = PLANNED_BLOCKED;
        return STATUS_OK;
    }
    trial->spec.teacher = plan->trials[teacher].key;
    return plan_identify(plan, trial, err);
}

Status plan_resolve_teachers(Plan *plan, bool *changed, bool *dropped, Error *err)
{
    *dropped = false;
    for (size_t i = 0; i < plan->n_trials; i++) {
        PlannedTrial *trial = &plan->trials[i];
        if (trial->state != PLANNED_BLOCKED || !trial->awaits_teacher) continue;
        if (is_lost(plan, i)) {
            trial->state = PLANNED_DROPPED;
            *dropped = true;
        } else {
            TRY(plan_begin_trial(plan, trial, err));
        }
        if (changed && trial->state != PLANNED_BLOCKED) *changed = true;
    }
    return STATUS_OK;
}
