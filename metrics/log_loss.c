// Mean negative logarithm of the reference's probability, in nats.
#include <float.h>
#include <math.h>

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
    TRY(classes_check_probabilities(&plan->setup, item, err));
    // Kept from 0 and 1 by one epsilon, as the reference does for doubles: a certain mistake costs 36 nats.
    const double p = item->probabilities[item->label];
    out[0] = -log(fmin(fmax(p, DBL_EPSILON), 1 - DBL_EPSILON));
    out[1] = 1;
    return STATUS_OK;
}

const Metric metric_log_loss = {
    .name = "log_loss",
    .summary = "mean negative log-probability of the right label, in nats",
    .source = "scikit-learn log_loss",
    .needs = NEEDS_LABELS | NEEDS_PROBABILITIES,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = INFINITY,
    .prepare = prepare,
    .row = row,
};
