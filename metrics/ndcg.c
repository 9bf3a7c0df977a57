// nDCG: gains discounted by rank, over what the best order of the judged documents would give.
//
//     DCG@k = sum_{i <= k} g_i / log2(i + 1),   g = gain ("linear") or 2^gain - 1 ("exponential")
//
// Sources: Jarvelin & Kekalainen 2002 with the discount that trec_eval's ndcg_cut and scikit-learn's ndcg_score have;
// Burges et al. 2005 for the exponential form. Negative gains (junk in TREC's judgements) count as 0.
// A row is [nDCG, 1], or [0, 0] for a query without a positive gain.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/ranking.h"

static const char *const forms[] = {"linear", "exponential"};
static const char *const params[] = {"k", "gain", "no_relevant", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    RankingOptions *o;
    size_t form = 0;
    TRY(ranking_options(plan, 10, arena, &o, err));
    TRY(params_choice(plan->setup.params, "gain", forms, 2, &form, err));
    o->is_exponential = form == 1;
    return STATUS_OK;
}

static int compare_descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static double discounted(const RankingOptions *o, const double *gains, size_t n)
{
    double sum = 0;
    const size_t depth = ranking_depth(o, n);
    for (size_t i = 0; i < depth; i++) {
        const double gain = fmax(0, gains[i]);
        sum += (o->is_exponential ? exp2(gain) - 1 : gain) / log2((double)i + 2);
    }
    return sum;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const RankingOptions *o = plan->options;
    size_t n_relevant;
    double *best;
    TRY(ranking_check(o, item, &n_relevant, err));
    TRY(arena_take(scratch, item->n_judged, sizeof *best, "gains", &best, err));
    if (item->n_judged > 0) {
        memcpy(best, item->judged_gains, item->n_judged * sizeof *best);
        qsort(best, item->n_judged, sizeof *best, compare_descending);
    }
    const double ideal = discounted(o, best, item->n_judged);
    if (!isfinite(ideal)) {
        return error_set(err, STATUS_INVALID, "gain %g is too large for exponential gains",
                         best[0]);
    }
    out[0] = ideal > 0 ? discounted(o, item->gains, item->n_gains) / ideal : 0;
    out[1] = ideal > 0 || o->counts_empty;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const RankingOptions *o = plan->options;
    return arena_format(arena, out, err, "|k:%lld|gain:%s|no_relevant:%s", (long long)o->k,
                        forms[o->is_exponential], o->counts_empty ? "zero" : "undefined");
}

const Metric metric_ndcg = {
    .name = "ndcg",
    .summary = "gains of the first k results, discounted by rank, over the best possible (k: 10)",
    .source = "Jarvelin & Kekalainen 2002; Burges et al. 2005; trec_eval ndcg_cut",
    .needs = NEEDS_RANKING,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = row,
    .signature = signature,
};
