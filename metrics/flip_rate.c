// How often the answer changes when the group that a text speaks of is swapped for another.
//
// Source: Garg et al. 2019, arXiv:1809.10610 (counterfactual token fairness), on answers instead of probabilities. An
// item without an answer to the text as it was counts as changed.
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
    Item pair = *item;
    pair.label = item->counterfactual;
    if (pair.label == ITEM_NO_LABEL) {
        return error_set(err, STATUS_INVALID, "has no answer to the text with the group swapped");
    }
    TRY(classes_check_item(&plan->setup, &pair, err));
    out[0] = pair.label != pair.predicted;
    out[1] = 1;
    return STATUS_OK;
}

const Metric metric_flip_rate = {
    .name = "flip_rate",
    .summary = "share of items whose answer changes when the group in the text is swapped",
    .source = "Garg et al. 2019, arXiv:1809.10610",
    .needs = NEEDS_COUNTERFACTUALS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .prepare = prepare,
    .row = row,
};
