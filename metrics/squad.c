// SQuAD exact match and F1, as shares (the scripts print percent).
//
// A question whose probability of "no answer" (Item.predicted_value) is above the threshold counts as answered with
// nothing: right where it has no answer, else wrong. A row is [score, 1, score and 1 if it has an answer].
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/squad.h"

static const char *const params[] = {"version", "na_prob_thresh", NULL};
static const char *const sub_scores[] = {"has_answer", "no_answer", NULL};

typedef struct SquadOptions {
    size_t version;
    double threshold;
} SquadOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    SquadOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    *o = (SquadOptions){.version = SQUAD_2_0, .threshold = 1};
    TRY(params_choice(options, "version", squad_versions, N_SQUAD_VERSIONS, &o->version, err));
    if (options != NULL) {
        TRY(json_opt_double(options, "na_prob_thresh", -1e300, 1e300, &o->threshold, err));
    }
    if (o->version != SQUAD_2_0) plan->n_scores = 1;
    plan->options = o;
    return STATUS_OK;
}

static Status score_item(const MetricPlan *plan, const Item *item, Arena *scratch, SquadScore *out,
                         Error *err)
{
    const SquadOptions *o = plan->options;
    if (isnan(item->predicted_value)) {
        return error_set(err, STATUS_INVALID, "probability of no answer is not a number");
    }
    TRY(squad_score((SquadVersion)o->version, item, scratch, out, err));
    if (o->version == SQUAD_2_0 && item->predicted_value > o->threshold) {
        out->exact = out->f1 = out->has_answer ? 0 : 1;
    }
    return STATUS_OK;
}

static void fill_row(double score, bool has_answer, double *out)
{
    out[0] = score;
    out[1] = 1;
    out[2] = has_answer ? score : 0;
    out[3] = has_answer ? 1 : 0;
}

static Status row_exact(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                        Error *err)
{
    SquadScore score;
    TRY(score_item(plan, item, scratch, &score, err));
    fill_row(score.exact, score.has_answer, out);
    return STATUS_OK;
}

static Status row_f1(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                     Error *err)
{
    SquadScore score;
    TRY(score_item(plan, item, scratch, &score, err));
    fill_row(score.f1, score.has_answer, out);
    return STATUS_OK;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    scores[0] = share_of(sums[0], sums[1]);
    if (plan->n_scores == 1) return;
    const double no_answer = sums[1] - sums[3];
    scores[1] = share_of(sums[2], sums[3]);
    scores[2] = share_of(sums[0] - sums[2], no_answer);
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const SquadOptions *o = plan->options;
    Slice threshold = {0};
    if (o->version == SQUAD_2_0) {
        TRY(arena_format(arena, &threshold, err, "|na_prob_thresh:%g", o->threshold));
    }
    return arena_format(arena, out, err, "|squad:%s" SLICE_FMT, squad_versions[o->version],
                        SLICE_ARG(threshold));
}

const Metric metric_squad_exact = {
    .name = "squad_exact",
    .summary =
        "share of questions answered in a reference's words; also those with and without answer",
    .source = "SQuAD evaluate-v2.0.py, evaluate-v1.1.py; Rajpurkar et al. 2018",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .width = 4,
    .sub_scores = sub_scores,
    .row = row_exact,
    .score_sums = score_sums,
    .signature = signature,
};

const Metric metric_squad_f1 = {
    .name = "squad_f1",
    .summary =
        "mean overlap of words with the nearest reference; also those with and without answer",
    .source = "SQuAD evaluate-v2.0.py, evaluate-v1.1.py; Rajpurkar et al. 2018",
    .needs = NEEDS_TEXT,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .width = 4,
    .sub_scores = sub_scores,
    .row = row_f1,
    .score_sums = score_sums,
    .signature = signature,
};
