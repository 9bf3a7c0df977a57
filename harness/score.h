// harness/score.h: predictions become items, and items a trial's metric rows and scores.
#ifndef ASSAY_HARNESS_SCORE_H
#define ASSAY_HARNESS_SCORE_H

#include "harness/family.h"
#include "harness/outcome.h"
#include "harness/plan.h"
#include "harness/prepare.h"

// What a model said about samples of a part: arrays [n], probabilities [n, n_classes] in the order of the task's labels.
typedef struct Predictions {
    const UsedPart *part;
    const size_t *positions; // into part->which
    size_t n;
    const int32_t *predicted;
    const double *probabilities; // [n, n_classes]; may be NULL
    size_t n_classes;
    const double *values; // [n, n_values]; may be NULL
    size_t n_values;
    bool has_swaps; // the last N_SWAPPED of them are of swapped copies (harness/counterfactual.h)
    const Slice *texts; // [n]; NULL where predicted says all
} Predictions;

// Of answers about samples at positions of a part; they borrow from both.
Predictions score_predictions(const UsedPart *part, const size_t *positions,
                              const Answers *answers);
// Items for metrics/, in the arena; they borrow from predictions.
Status score_items(const TaskData *data, const Predictions *predictions, Arena *arena, Item **out,
                   Error *err) MUST_CHECK;

// The metric behind a score's name ("f1/macro" is one of "f1"); NULL where the task has none.
const SuiteMetric *score_metric(const SuiteTask *task, Slice score_name);
// One score by name, without an interval. STATUS_INVALID where no metric of the task gives it.
Status score_estimate(const SuiteTask *task, const TaskData *data, Slice score_name,
                      const Item *items, size_t n, double *out, Error *err) MUST_CHECK;

// A finished trial as the store takes it: outputs, rows, scores with 95% intervals, curves. Everything in the arena; it
// borrows from outcome. For a failed outcome only its error is filled in. *primary is the primary score, NaN without one.
Status score_trial(const Plan *plan, const Prepared *prepared, const PlannedTrial *planned,
                   const Outcome *outcome, Arena *arena, Trial *out, double *primary,
                   Error *err) MUST_CHECK;

#endif
