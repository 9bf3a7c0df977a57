// harness/plan.h: the trials of a suite in order, what each waits for, and which setting wins.
//
// For each model and task, for each outer fold (or once, without folds):
//     inner trials      every setting, inner fold and repeat, judged on the part held out from tuning
//     outer trials      the setting that won here, on the fold left out (or the test part: "single"); one a repeat
//     explore trials    the other settings on the same, where the suite asks for it; never looked at for choosing
// With halving inner trials stand in rungs: those of the first are of all settings and end early; the best of a rung have
// trials in the next, which go on from where they ended. The last rung's, of the whole budget, are those that are chosen from.
//     after trials      the tuned winner after each step of the suite's "after", on the same; they wait for the outer trial
// A learning curve has, for each of its points, inner and outer ("curve") trials again, on so much of the training part.
// then, where asked for, one final trial: the setting with the best mean inner score, on all data. The baseline comes last.
// A trial whose setting learns from a model that is tuned here waits for that one's choice and tuning on the same part.
// An outer or final trial has no setting before the choice is made; it is planned and run after it.
//
// The choice: the best mean of the primary score over inner folds and repeats; the earlier setting on ties. A setting of
// which an inner trial failed, or whose score is undefined, does not take part.
#ifndef ASSAY_HARNESS_PLAN_H
#define ASSAY_HARNESS_PLAN_H

#include "harness/trial.h"

typedef enum PlannedState {
    PLANNED_BLOCKED, // waits for a choice
    PLANNED_READY,
    PLANNED_RUNNING,
    PLANNED_DONE,
    PLANNED_FAILED,  // in this run
    PLANNED_DROPPED, // no setting could be chosen: every inner trial failed
} PlannedState;

typedef struct PlannedTrial {
    TrialSpec spec;
    size_t rung;        // of inner trials; the last where there is no halving
    size_t after;       // of trials after tuning: the step
    size_t group;       // trials of one choice: (model, task, outer fold)
    Slice id, identity; // empty while blocked
    Slice key;          // of its tuning (trial_tuning_key)
    PlannedState state;
    bool awaits_teacher; // it is blocked until the model that it learns from is tuned
    bool was_stored;     // before this run began
    bool is_chosen;
    double score; // primary; NaN unless done
    int64_t best_step;
    double null_threshold; // that it found, where the task has it found; NaN else
} PlannedTrial;

// Trials of one model, task and outer fold: [begin, end) of the plan.
typedef struct PlannedGroup {
    int model;
    size_t task;
    int32_t outer_fold;
    size_t point; // of the learning curve; 0 = the whole training part
    size_t begin, end;
    int chosen; // setting, or -1 before the choice
} PlannedGroup;

typedef struct Plan {
    const Suite *suite;
    const SuiteIdentity *identity;
    Arena *arena;
    PlannedTrial *trials;
    size_t n_trials;
    PlannedGroup *groups;
    size_t n_groups;
} Plan;

// All trials; those that wait for nothing have their ids. STATUS_INVALID where a suite asks for a choice and holds nothing
// out to choose on.
Status plan_make(const Suite *suite, const SuiteIdentity *identity, Arena *arena, Plan *out,
                 Error *err) MUST_CHECK;
// Takes up what the store has: states, scores, and all choices that can be made from them.
Status plan_take_stored(Plan *plan, Store *store, Error *err) MUST_CHECK;
// Notes a trial's end, also for those of the same id that wait, and makes the choices that it was the last one for. changed (may be NULL): whether a choice was made.
Status plan_finish_trial(Plan *plan, size_t trial, bool is_done, double score, int64_t best_step,
                         bool *changed, Error *err) MUST_CHECK;
// The first trial that is ready and of which none of the same tuning is running; SIZE_MAX where there is none.
size_t plan_next(const Plan *plan);
size_t plan_count(const Plan *plan, PlannedState state);
// Trials that a run of this plan still has to do, blocked ones included.
size_t plan_left(const Plan *plan);

// The trial whose tuned model an outer trial is judged with: the inner one of the same setting and repeat. SIZE_MAX where
// the winner is tuned again. A step has that of the winner: the outer trial itself, where it tuned.
size_t plan_tuned_trial(const Plan *plan, size_t trial);
// Whether steps on the winner of a group are still to be taken.
bool plan_wants_steps(const Plan *plan, size_t group);
// Steps for a winner that is tuned again, or for the final model: the mean kept step of its inner trials, rounded; 0 where
// there are none.
uint64_t plan_refit_steps(const Plan *plan, size_t trial);
// The threshold of the final model: the mean of those that its setting's inner trials found; NaN where none did.
double plan_null_threshold(const Plan *plan, size_t trial);
// Whether a setting's tuned models may still be asked for by an outer trial of the group.
bool plan_may_win(const Plan *plan, size_t group, int setting);

// The trial of the rung before whose state a trial goes on from; SIZE_MAX where it begins anew.
size_t plan_rung_before(const Plan *plan, size_t trial);
// Whether a trial of a later rung may still want to go on from this one.
bool plan_may_go_on(const Plan *plan, size_t trial);

// The trial of the same training part that a trial learns from, where its setting names a model that is tuned here: the one
// that won that part. SIZE_MAX without, or before it is chosen.
size_t plan_teacher_of(const Plan *plan, size_t trial);
// Whether a trial that is not over may learn from this one.
bool plan_may_teach(const Plan *plan, size_t trial);
// Whether a trial that is not over has this one's tuning too.
bool plan_shares_tuning(const Plan *plan, size_t trial);
// Whether the weights that a trial was tuned to may still be asked for, by an outer trial or by one of the same tuning.
bool plan_wants_weights(const Plan *plan, size_t trial);
// Whether a later rung may still go on from this trial, or one of the same tuning.
bool plan_wants_state(const Plan *plan, size_t trial);

// Rows for store_set_plan: all trials that have an id, in order. In the arena.
Status plan_rows(const Plan *plan, Arena *arena, RunTrial **rows, size_t *n, Error *err) MUST_CHECK;
// The name of the model column: the suite's, or the baseline's.
Slice plan_model_name(const Plan *plan, int model, size_t task);

#endif
