#include "metrics/metric.h"

#include <math.h>

#include "metrics/classes.h"

static Status check_params(const Metric *metric, const Json *params, Error *err)
{
    if (params == NULL) return STATUS_OK;
    if (json_kind(params) != JSON_OBJECT) {
        return json_error(params, err, "params must be an object, not %s",
                          json_kind_name(json_kind(params)));
    }
    static const char *const none[] = {NULL};
    const char *const *known = metric->params != NULL ? metric->params : none;
    size_t n_known = 0;
    while (known[n_known] != NULL) n_known++;
    return json_check_keys(params, known, n_known, err);
}

Status metric_plan(const Metric *metric, const MetricSetup *setup, Arena *arena, MetricPlan *plan,
                   Error *err)
{
    *plan = (MetricPlan){.metric = metric,
                         .setup = *setup,
                         .width = metric->kind == METRIC_WHOLE ? 0
                                  : metric->width > 0          ? metric->width
                                                               : 2,
                         .n_scores = 1};
    while (metric->sub_scores != NULL && metric->sub_scores[plan->n_scores - 1] != NULL)
        plan->n_scores++;
    if (setup->n_labels > INT32_MAX || setup->n_groups > INT32_MAX) {
        return error_set(err, STATUS_INVALID, "metric %s: %zu labels and %zu groups are too many",
                         metric->name, setup->n_labels, setup->n_groups);
    }
    Status s = check_params(metric, setup->params, err);
    if (s == STATUS_OK && metric->prepare != NULL) s = metric->prepare(plan, arena, err);
    return s == STATUS_OK ? s : error_wrap(err, "metric %s", metric->name);
}

Status metric_score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    const Metric *metric = plan->metric;
    if (score > 0 && metric->score_name != NULL)
        return metric->score_name(plan, score, arena, name, err);
    if (score > 0 && metric->sub_scores != NULL)
        return arena_format(arena, name, err, "%s/%s", metric->name, metric->sub_scores[score - 1]);
    *name = slice_from_cstr(metric->name);
    return STATUS_OK;
}

Status metric_signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const Metric *metric = plan->metric;
    Slice options = {0};
    if (metric->signature != NULL) TRY(metric->signature(plan, arena, &options, err));
    const char *text = arena_printf(arena, "%s" SLICE_FMT "|version:%d", metric->name,
                                    SLICE_ARG(options), metric->version > 0 ? metric->version : 1);
    if (text == NULL) return error_set_memory(err, 1, options.len, "a signature");
    *out = slice_from_cstr(text);
    return STATUS_OK;
}

void metric_score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    if (plan->metric->score_sums != NULL) {
        plan->metric->score_sums(plan, sums, scores);
        return;
    }
    scores[0] = sums[1] != 0 ? sums[0] / sums[1] : (double)NAN;
}
