// harness/plan_internal.h: between the sources of a plan.
#ifndef ASSAY_HARNESS_PLAN_INTERNAL_H
#define ASSAY_HARNESS_PLAN_INTERNAL_H

#include "harness/plan.h"

// Which trials of a group have the setting that won there.
void plan_mark_chosen(Plan *plan, size_t group);
// Whether a trial has ended, or never will begin.
bool plan_is_over(const PlannedTrial *trial);
// The trial that judges the tuned winner itself, for one that judges it after further steps; SIZE_MAX where there is none.
size_t plan_winner_of(const Plan *plan, const PlannedTrial *after);
// Makes all choices whose inner trials have ended. changed (may be NULL) is set where one was made.
Status plan_make_choices(Plan *plan, bool *changed, Error *err) MUST_CHECK;

// A trial whose setting is known is ready, with its ids, or waits for its teacher (plan_teach.c).
Status plan_begin_trial(Plan *plan, PlannedTrial *trial, Error *err) MUST_CHECK;
// Begins those whose teacher is tuned; drops those whose teacher is lost.
Status plan_resolve_teachers(Plan *plan, bool *changed, bool *dropped, Error *err) MUST_CHECK;
// Ids of a trial whose setting, and teacher, is known.
Status plan_identify(Plan *plan, PlannedTrial *trial, Error *err) MUST_CHECK;

#endif
