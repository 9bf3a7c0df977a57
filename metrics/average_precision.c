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
    const RankedIndex *ranked = index;
    RankedWalk walk = {.weights = weights, .n = rows->n_rows, .n_pairs = 1};
    double positives, macro = 0, weighted = 0, total = 0;
    for (size_t c = 0; c < ranked->n_columns; c++) {
        walk.column = &ranked->columns[c];
        const double value = ranked_precision(walk, &positives);
        if (!o->is_binary) scores[1 + c] = value;
        macro += value / (double)ranked->n_columns;
        weighted += positives * value;
        total += positives;
    }
    scores[0] = macro;
    if (o->is_binary) return STATUS_OK;
    if (o->average == RANKED_WEIGHTED) scores[0] = weighted / total;
    if (o->average != RANKED_MICRO) return STATUS_OK;
    walk.column = &ranked->flat;
    walk.n_pairs = ranked->n_columns;
    walk.n = rows->n_rows * ranked->n_columns;
    scores[0] = ranked_precision(walk, &positives);
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
