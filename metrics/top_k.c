// Share of items whose reference is among the k most probable classes.
#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static const char *const params[] = {"k", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    TRY(classes_check_setup(&plan->setup, 1, err));
    int64_t *k;
    TRY(arena_take(arena, 1, sizeof *k, "options", &k, err));
    *k = 2;
    if (plan->setup.params != NULL) {
        TRY(json_opt_i64(plan->setup.params, "k", 1, INT32_MAX, k, err));
    }
    plan->options = k;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    TRY(classes_check_probabilities(&plan->setup, item, err));
    const size_t label = (size_t)item->label;
    const double own = item->probabilities[label];
    int64_t n_before = 0;
    for (size_t c = 0; c < item->n_classes; c++) {
        const double p = item->probabilities[c];
        // Of equal probabilities the later class comes first, as in the reference.
        n_before += p > own || (p == own && c > label);
    }
    out[0] = n_before < *(const int64_t *)plan->options;
    out[1] = 1;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|k:%lld", (long long)*(const int64_t *)plan->options);
}

const Metric metric_top_k = {
    .name = "top_k",
    .summary = "share of items whose label is among the k most probable (k: 2)",
    .source = "scikit-learn top_k_accuracy_score",
    .needs = NEEDS_LABELS | NEEDS_PROBABILITIES,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = row,
    .signature = signature,
};
