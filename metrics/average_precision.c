// Average precision: sum over thresholds, from the highest score down, of (R_n - R_{n-1}) P_n.
//
// Two classes: of the positive class; more: macro (default), weighted or micro over one-against-the-rest. Without any
// positive item it is 0, as in the reference.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/ranked.h"

static const char *const params[] = {"average", "positive", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const MetricSetup *setup = &plan->setup;
    TRY(classes_check_setup(setup, 2, err));
    RankedOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    TRY(params_choice(setup->params, "average", ranked_averages, 3, &o->average, err));
    TRY(classes_positive(setup, &o->positive, err));
    o->is_binary = setup->n_labels == 2;
    plan->width = o->is_binary ? 2 : 1 + setup->n_labels;
    plan->n_scores = o->is_binary ? 1 : 1 + setup->n_labels;
    plan->options = o;
    return STATUS_OK;
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)scratch;
    (void)err;
    const RankedOptions *o = plan->options;
    const RankedWalk walk = {.weights = weights, .n = rows->n_rows, .n_pairs = 1};
    scores[0] = ranked_mean(o, index, walk, ranked_precision, o->is_binary ? NULL : scores + 1);
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const RankedOptions *o = plan->options;
    if (o->is_binary) {
        return arena_format(arena, out, err, "|positive:" SLICE_FMT,
                            SLICE_ARG(plan->setup.labels[o->positive]));
    }
    return arena_format(arena, out, err, "|average:%s", ranked_averages[o->average]);
}

const Metric metric_average_precision = {
    .name = "average_precision",
    .summary =
        "area under the precision-recall curve by steps; more classes: macro, weighted, micro",
    .source = "scikit-learn average_precision_score",
    .needs = NEEDS_LABELS | NEEDS_PROBABILITIES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .score_name = ranked_score_name,
    .row = ranked_row,
    .index_rows = ranked_index_by_average,
    .score_rows = score_rows,
    .signature = signature,
};
