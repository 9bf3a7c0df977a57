// Precision and recall among the first k results, average precision, reciprocal rank: means over queries.
//
//     P@k = hits_k / k      R@k = hits_k / R      AP = (1 / R) sum over relevant results at rank i of P@i      RR = 1 / first
//
// A row is [value, 1], or [0, 0] where the query has no value.
#include "metrics/ranking.h"

#include <math.h>

#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static const char *const empties[] = {"undefined", "zero"};
static const char *const params[] = {"k", "relevant", "no_relevant", NULL};

Status ranking_options(MetricPlan *plan, int64_t k, Arena *arena, RankingOptions **out, Error *err)
{
    const Json *options = plan->setup.params;
    size_t empty = 0;
    RankingOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    o->k = k;
    TRY(params_choice(options, "no_relevant", empties, 2, &empty, err));
    o->counts_empty = empty == 1;
    if (options != NULL) {
        TRY(json_opt_i64(options, "k", 0, INT32_MAX, &o->k, err));
        TRY(json_opt_double(options, "relevant", 0, 1e9, &o->least_relevant, err));
    }
    plan->options = *out = o;
    return STATUS_OK;
}

static Status count_relevant(const RankingOptions *o, const double *gains, size_t n,
                             const char *what, size_t *out, Error *err)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(gains[i])) {
            return error_set(err, STATUS_INVALID, "%s %zu has the gain %g: must be a finite number",
                             what, i, gains[i]);
        }
        *out += ranking_is_relevant(o, gains[i]);
    }
    return STATUS_OK;
}

Status ranking_check(const RankingOptions *o, const Item *item, size_t *n_relevant, Error *err)
{
    size_t n_returned;
    TRY(count_relevant(o, item->gains, item->n_gains, "result", &n_returned, err));
    TRY(count_relevant(o, item->judged_gains, item->n_judged, "judged document", n_relevant, err));
    if (n_returned <= *n_relevant) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "returns %zu relevant documents, but only %zu of the judged ones are: is a "
                     "document returned twice, or are judgements missing?",
                     n_returned, *n_relevant);
}

size_t ranking_depth(const RankingOptions *o, size_t n)
{
    return o->k > 0 ? size_min((size_t)o->k, n) : n;
}

Status ranking_signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const RankingOptions *o = plan->options;
    return arena_format(arena, out, err, "|k:%lld|relevant:%g|no_relevant:%s", (long long)o->k,
                        o->least_relevant, empties[o->counts_empty]);
}

static Status prepare_first_ten(MetricPlan *plan, Arena *arena, Error *err)
{
    RankingOptions *o;
    return ranking_options(plan, 10, arena, &o, err);
}

static Status prepare_all(MetricPlan *plan, Arena *arena, Error *err)
{
    RankingOptions *o;
    return ranking_options(plan, 0, arena, &o, err);
}

// What one query gives, in one walk.
typedef struct Walk {
    double hits;
    double precisions; // the sum of P@i over relevant results
    double first;      // rank of the first relevant result, or 0
    double n_relevant; // judged
} Walk;

static Status walk_results(const RankingOptions *o, const Item *item, Walk *walk, Error *err)
{
    size_t n_relevant;
    TRY(ranking_check(o, item, &n_relevant, err));
    *walk = (Walk){.n_relevant = (double)n_relevant};
    const size_t depth = ranking_depth(o, item->n_gains);
    for (size_t i = 0; i < depth; i++) {
        if (!ranking_is_relevant(o, item->gains[i])) continue;
        walk->hits++;
        walk->precisions += walk->hits / (double)(i + 1);
        if (walk->first == 0) walk->first = (double)(i + 1);
    }
    return STATUS_OK;
}

static Status row_precision(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                            Error *err)
{
    (void)scratch;
    const RankingOptions *o = plan->options;
    Walk walk;
    TRY(walk_results(o, item, &walk, err));
    // Fewer than k results: the missing ones count as not relevant.
    const double depth = o->k > 0 ? (double)o->k : (double)item->n_gains;
    out[0] = depth > 0 ? walk.hits / depth : 0;
    out[1] = 1;
    return STATUS_OK;
}

// numerator over denominator for a query with relevant documents.
static void put_value(const RankingOptions *o, const Walk *walk, double value, double *out)
{
    if (walk->n_relevant > 0) out[0] = value;
    out[1] = walk->n_relevant > 0 || o->counts_empty;
}

static Status row_recall(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                         Error *err)
{
    (void)scratch;
    Walk walk;
    TRY(walk_results(plan->options, item, &walk, err));
    put_value(plan->options, &walk, walk.hits / walk.n_relevant, out);
    return STATUS_OK;
}

static Status row_map(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                      Error *err)
{
    (void)scratch;
    Walk walk;
    TRY(walk_results(plan->options, item, &walk, err));
    put_value(plan->options, &walk, walk.precisions / walk.n_relevant, out);
    return STATUS_OK;
}

static Status row_mrr(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                      Error *err)
{
    (void)scratch;
    Walk walk;
    TRY(walk_results(plan->options, item, &walk, err));
    put_value(plan->options, &walk, walk.first > 0 ? 1 / walk.first : 0, out);
    return STATUS_OK;
}

const Metric metric_precision_at_k = {
    .name = "precision_at_k",
    .summary = "share of the first k results that are relevant, mean over queries (k: 10)",
    .source = "trec_eval P_k",
    .needs = NEEDS_RANKING,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare_first_ten,
    .row = row_precision,
    .signature = ranking_signature,
};

const Metric metric_recall_at_k = {
    .name = "recall_at_k",
    .summary =
        "share of the relevant documents among the first k results, mean over queries (k: 10)",
    .source = "trec_eval recall_k",
    .needs = NEEDS_RANKING,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare_first_ten,
    .row = row_recall,
    .signature = ranking_signature,
};

const Metric metric_map = {
    .name = "map",
    .summary = "mean over queries of the average precision at each relevant document",
    .source = "Buckley & Voorhees 2000; trec_eval map and map_cut_k",
    .needs = NEEDS_RANKING,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare_all,
    .row = row_map,
    .signature = ranking_signature,
};

const Metric metric_mrr = {
    .name = "mrr",
    .summary = "mean over queries of one over the rank of the first relevant result",
    .source = "Voorhees 1999, TREC-8; trec_eval recip_rank",
    .needs = NEEDS_RANKING,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare_all,
    .row = row_mrr,
    .signature = ranking_signature,
};
