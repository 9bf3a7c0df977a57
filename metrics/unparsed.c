// Share of answers to a prompt that could not be read: they count as wrong in every other score.
#include "metrics/metrics_list.h"

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)plan, (void)scratch, (void)err;
    out[0] = item->is_unparsed;
    out[1] = 1;
    return STATUS_OK;
}

const Metric metric_unparsed = {
    .name = "unparsed",
    .summary = "share of answers to a prompt that could not be read",
    .source = "the share of the failures of a harness's answer filter",
    .needs = NEEDS_PROMPTS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .row = row,
};
