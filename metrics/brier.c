// Mean squared distance between probabilities and the reference.
//
//     sum_k (p_k - [k = label])^2, halved for two classes: there it is Brier's (p - y)^2.
#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static const char *const params[] = {"scale_by_half", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    TRY(classes_check_setup(&plan->setup, 2, err));
    bool *is_halved;
    TRY(arena_take(arena, 1, sizeof *is_halved, "options", &is_halved, err));
    *is_halved = plan->setup.n_labels == 2;
    if (plan->setup.params != NULL) {
        TRY(json_opt_bool(plan->setup.params, "scale_by_half", is_halved, err));
    }
    plan->options = is_halved;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    TRY(classes_check_probabilities(&plan->setup, item, err));
    double sum = 0;
    for (size_t c = 0; c < item->n_classes; c++) {
        const double d = item->probabilities[c] - ((size_t)item->label == c);
        sum += d * d;
    }
    out[0] = *(const bool *)plan->options ? sum / 2 : sum;
    out[1] = 1;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|scale_by_half:%s",
                        *(const bool *)plan->options ? "yes" : "no");
}

const Metric metric_brier = {
    .name = "brier",
    .summary = "mean squared distance between probabilities and labels",
    .source = "Brier 1950; scikit-learn brier_score_loss",
    .needs = NEEDS_LABELS | NEEDS_PROBABILITIES,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 2,
    .params = params,
    .prepare = prepare,
    .row = row,
    .signature = signature,
};
