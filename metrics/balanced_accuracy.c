// Mean recall over the classes that occur in the reference.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static const char *const params[] = {"adjusted", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    TRY(classes_check_setup(&plan->setup, 1, err));
    bool *is_adjusted;
    TRY(arena_take(arena, 1, sizeof *is_adjusted, "options", &is_adjusted, err));
    if (plan->setup.params != NULL) {
        TRY(json_opt_bool(plan->setup.params, "adjusted", is_adjusted, err));
    }
    plan->options = is_adjusted;
    return STATUS_OK;
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    const bool *is_adjusted = plan->options;
    ClassCounts n;
    TRY(classes_count(plan, rows, weights, index, scratch, &n, err));
    double sum = 0, n_seen = 0;
    for (size_t c = 0; c < n.n_classes; c++) {
        if (!(n.support[c] > 0)) continue;
        sum += n.hits[c] / n.support[c];
        n_seen += 1;
    }
    scores[0] = n_seen > 0 ? sum / n_seen : (double)NAN;
    if (*is_adjusted) scores[0] = (scores[0] - 1 / n_seen) / (1 - 1 / n_seen);
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const bool *is_adjusted = plan->options;
    return arena_format(arena, out, err, "%s", *is_adjusted ? "|adjusted:yes" : "");
}

const Metric metric_balanced_accuracy = {
    .name = "balanced_accuracy",
    .summary = "mean recall over the classes that occur; adjusted: chance gives 0",
    .source = "scikit-learn balanced_accuracy_score",
    .needs = NEEDS_LABELS,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = classes_row,
    .index_rows = classes_index,
    .score_rows = score_rows,
    .signature = signature,
};
