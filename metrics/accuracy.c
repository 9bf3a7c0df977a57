// Share of items whose predicted label is the reference.
#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    (void)arena;
    return classes_check_setup(&plan->setup, 1, err);
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    TRY(classes_check_item(&plan->setup, item, err));
    out[0] = item->label == item->predicted;
    out[1] = 1;
    return STATUS_OK;
}

const Metric metric_accuracy = {
    .name = "accuracy",
    .summary = "share of items whose label is right; an item without an answer is wrong",
    .source = "scikit-learn accuracy_score",
    .needs = NEEDS_LABELS,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .prepare = prepare,
    .row = row,
};
