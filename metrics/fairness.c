// Differences between groups in how often the positive class is predicted.
//
//     demographic parity   rate_g = P(predicted positive | group g)
//     equal opportunity    tpr_g  = P(predicted positive | positive, g)
//     equalised odds       tpr_g and fpr_g = P(predicted positive | negative, g)
//
// Score 0 is the largest rate less the smallest, for equalised odds the larger of the two differences; "/ratio" is the
// smallest over the largest (the smaller of the two ratios); "/average" the mean of the two differences; then the rates
// by group. Sources: Dwork et al. 2012; Hardt, Price & Srebro 2016; fairlearn 0.15.0's *_difference and *_ratio. Unlike
// there, a rate without a denominator is undefined, not 0, and so are the differences it enters. Items without a group
// are left out; an item without an answer is not predicted positive.
//
// A row is [items, predicted positive, positive, both] for each group.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

typedef enum Part { PART_RATE, PART_TPR, PART_FPR } Part;
enum { COUNTS = 4 };
static const char *const params[] = {"positive", NULL};

static Status prepare_groups(MetricPlan *plan, size_t n_scores, Arena *arena, Error *err)
{
    const MetricSetup *setup = &plan->setup;
    size_t *positive;
    TRY(classes_check_setup(setup, 2, err));
    if (setup->n_groups < 2) {
        return error_set(err, STATUS_INVALID, "wants at least two groups, but there are %zu",
                         setup->n_groups);
    }
    TRY(arena_take(arena, 1, sizeof *positive, "options", &positive, err));
    TRY(classes_positive(setup, positive, err));
    if (*positive == SIZE_MAX) {
        return error_set(err, STATUS_INVALID, "over %zu labels wants \"positive\": one of them",
                         setup->n_labels);
    }
    plan->width = COUNTS * setup->n_groups;
    plan->n_scores = n_scores;
    plan->options = positive;
    return STATUS_OK;
}

static Status prepare_one(MetricPlan *plan, Arena *arena, Error *err)
{
    return prepare_groups(plan, 2 + plan->setup.n_groups, arena, err);
}

static Status prepare_odds(MetricPlan *plan, Arena *arena, Error *err)
{
    return prepare_groups(plan, 3 + 2 * plan->setup.n_groups, arena, err);
}

static Status group_name(const MetricPlan *plan, const char *part, size_t group, Arena *arena,
                         Slice *name, Error *err)
{
    const Slice text = plan->setup.groups[group];
    return arena_format(arena, name, err, "%s/%s/" SLICE_FMT, plan->metric->name, part,
                        SLICE_ARG(text));
}

static Status name_one(const MetricPlan *plan, size_t score, Arena *arena, Slice *name, Error *err)
{
    if (score >= 2) return group_name(plan, "group", score - 2, arena, name, err);
    return arena_format(arena, name, err, "%s/ratio", plan->metric->name);
}

static Status name_odds(const MetricPlan *plan, size_t score, Arena *arena, Slice *name, Error *err)
{
    const size_t n = plan->setup.n_groups;
    if (score >= 3 + n) return group_name(plan, "fpr", score - 3 - n, arena, name, err);
    if (score >= 3) return group_name(plan, "tpr", score - 3, arena, name, err);
    return arena_format(arena, name, err, "%s/%s", plan->metric->name,
                        score == 1 ? "ratio" : "average");
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    const size_t positive = *(const size_t *)plan->options;
    TRY(classes_check_item(&plan->setup, item, err));
    if (item->group == ITEM_NO_LABEL) return STATUS_OK;
    if (item->group < 0 || (size_t)item->group >= plan->setup.n_groups) {
        return error_set(err, STATUS_INVALID, "group %d is none of the %zu groups",
                         (int)item->group, plan->setup.n_groups);
    }
    const bool is_predicted = item->predicted >= 0 && (size_t)item->predicted == positive;
    const bool is_positive = (size_t)item->label == positive;
    double *counts = out + COUNTS * (size_t)item->group;
    counts[0] = 1;
    counts[1] = is_predicted;
    counts[2] = is_positive;
    counts[3] = is_predicted && is_positive;
    return STATUS_OK;
}

static double rate_of(const double *counts, Part part)
{
    double hits = 0, of = 0;
    switch (part) {
    case PART_RATE:
        hits = counts[1];
        of = counts[0];
        break;
    case PART_TPR:
        hits = counts[3];
        of = counts[2];
        break;
    case PART_FPR:
        hits = counts[1] - counts[3];
        of = counts[0] - counts[2];
        break;
    }
    return of > 0 ? hits / of : (double)NAN;
}

// Rates by group, their largest difference and smallest ratio: NaN where a rate is undefined.
static void compare_groups(const double *sums, size_t n_groups, Part part, double *rates,
                           double *difference, double *ratio)
{
    double lowest = INFINITY, highest = -INFINITY;
    bool is_defined = true;
    for (size_t g = 0; g < n_groups; g++) {
        rates[g] = rate_of(sums + COUNTS * g, part);
        is_defined &= !isnan(rates[g]);
        lowest = fmin(lowest, rates[g]);
        highest = fmax(highest, rates[g]);
    }
    *difference = is_defined ? highest - lowest : (double)NAN;
    *ratio = is_defined && highest > 0 ? lowest / highest : (double)NAN;
}

static void score_parity(const MetricPlan *plan, const double *sums, double *scores)
{
    compare_groups(sums, plan->setup.n_groups, PART_RATE, scores + 2, &scores[0], &scores[1]);
}

static void score_opportunity(const MetricPlan *plan, const double *sums, double *scores)
{
    compare_groups(sums, plan->setup.n_groups, PART_TPR, scores + 2, &scores[0], &scores[1]);
}

static void score_odds(const MetricPlan *plan, const double *sums, double *scores)
{
    const size_t n = plan->setup.n_groups;
    double tpr, fpr, tpr_ratio, fpr_ratio;
    compare_groups(sums, n, PART_TPR, scores + 3, &tpr, &tpr_ratio);
    compare_groups(sums, n, PART_FPR, scores + 3 + n, &fpr, &fpr_ratio);
    const bool has_ratios = !isnan(tpr_ratio) && !isnan(fpr_ratio);
    scores[2] = 0.5 * (tpr + fpr);
    scores[0] = isnan(scores[2]) ? (double)NAN : fmax(tpr, fpr);
    scores[1] = has_ratios ? fmin(tpr_ratio, fpr_ratio) : (double)NAN;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const Slice positive = plan->setup.labels[*(const size_t *)plan->options];
    return arena_format(arena, out, err, "|positive:" SLICE_FMT, SLICE_ARG(positive));
}

const Metric metric_demographic_parity = {
    .name = "demographic_parity",
    .summary = "largest difference between groups in how often the positive class is predicted",
    .source = "Dwork et al. 2012; fairlearn demographic_parity_difference",
    .needs = NEEDS_LABELS | NEEDS_GROUPS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare_one,
    .score_name = name_one,
    .row = row,
    .score_sums = score_parity,
    .signature = signature,
};

const Metric metric_equal_opportunity = {
    .name = "equal_opportunity",
    .summary = "largest difference between groups in recall of the positive class",
    .source = "Hardt, Price & Srebro 2016; fairlearn equal_opportunity_difference",
    .needs = NEEDS_LABELS | NEEDS_GROUPS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare_one,
    .score_name = name_one,
    .row = row,
    .score_sums = score_opportunity,
    .signature = signature,
};

const Metric metric_equalized_odds = {
    .name = "equalized_odds",
    .summary = "largest difference between groups in true or false positive rate",
    .source = "Hardt, Price & Srebro 2016; fairlearn equalized_odds_difference",
    .needs = NEEDS_LABELS | NEEDS_GROUPS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare_odds,
    .score_name = name_odds,
    .row = row,
    .score_sums = score_odds,
    .signature = signature,
};
