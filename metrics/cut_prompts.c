// Share of samples whose prompt was longer than the model's window and was cut.
#include "metrics/metrics_list.h"

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)plan, (void)scratch, (void)err;
    out[0] = item->n_cut > 0;
    out[1] = 1;
    return STATUS_OK;
}

const Metric metric_cut_prompts = {
    .name = "cut_prompts",
    .summary = "share of prompts that were longer than the model's window and were cut",
    .source = "counted as the prompts are made",
    .needs = NEEDS_PROMPTS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .row = row,
};
