// Cohen's kappa: agreement beyond what the two margins give by chance.
//
//     1 - sum_ij w_ij n_ij / sum_ij w_ij t_i p_j / n,   w_ij = [i != j], |i - j| or (i - j)^2
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

typedef enum Weighting { WEIGHTS_NONE, WEIGHTS_LINEAR, WEIGHTS_QUADRATIC } Weighting;
static const char *const weightings[] = {"none", "linear", "quadratic"};
static const char *const params[] = {"weights", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    TRY(classes_check_setup(&plan->setup, 1, err));
    size_t *weighting;
    TRY(arena_take(arena, 1, sizeof *weighting, "options", &weighting, err));
    TRY(params_choice(plan->setup.params, "weights", weightings, 3, weighting, err));
    plan->options = weighting;
    return STATUS_OK;
}

static double cost(Weighting weighting, double i, double j)
{
    switch (weighting) {
    case WEIGHTS_NONE:
        return i != j;
    case WEIGHTS_LINEAR:
        return fabs(i - j);
    case WEIGHTS_QUADRATIC:
        return (i - j) * (i - j);
    }
    return NAN;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    const size_t *weighting = plan->options;
    if (*weighting != WEIGHTS_NONE && item->predicted == ITEM_NO_LABEL) {
        return error_set(err, STATUS_INVALID,
                         "has no answer, which has no distance from a class: use weights \"none\"");
    }
    return classes_row(plan, item, scratch, out, err);
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    const Weighting weighting = (Weighting) * (const size_t *)plan->options;
    ClassCounts n;
    TRY(classes_count(plan, rows, weights, index, scratch, &n, err));
    double observed = 0, expected = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        if (weights[i] == 0) continue;
        observed += weights[i] * cost(weighting, rows->values[2 * i], rows->values[2 * i + 1]);
    }
    for (size_t i = 0; i < n.n_classes; i++) {
        for (size_t j = 0; j < n.n_classes; j++) {
            expected += cost(weighting, (double)i, (double)j) * n.support[i] * n.predicted[j];
        }
        // No answer differs from every class.
        expected += n.support[i] * n.unanswered;
    }
    scores[0] = expected > 0 ? 1 - observed * n.total / expected : (double)NAN;
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|weights:%s", weightings[*(const size_t *)plan->options]);
}

// Between two raters instead of a system and the reference.
static Status row_of_ratings(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                             Error *err)
{
    if (item->n_ratings != 2) {
        return error_set(
            err, STATUS_INVALID,
            "has %zu ratings, not two: krippendorff_alpha and fleiss_kappa take any number",
            item->n_ratings);
    }
    Item pair = item_empty();
    pair.label = item->ratings[0];
    pair.predicted = item->ratings[1];
    if (pair.label == ITEM_NO_LABEL || pair.predicted == ITEM_NO_LABEL) {
        return error_set(err, STATUS_INVALID,
                         "lacks a rating: krippendorff_alpha does without missing ones");
    }
    return row(plan, &pair, scratch, out, err);
}

const Metric metric_cohen_kappa = {
    .name = "cohen_kappa",
    .summary = "Cohen's kappa between two raters; weights none, linear, quadratic",
    .source = "Cohen 1960, 1968; scikit-learn cohen_kappa_score",
    .needs = NEEDS_RATINGS,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = row_of_ratings,
    .index_rows = classes_index,
    .score_rows = score_rows,
    .signature = signature,
};

const Metric metric_kappa = {
    .name = "kappa",
    .summary = "Cohen's kappa between predicted and true classes; weights none, linear, quadratic",
    .source = "Cohen 1960, 1968; scikit-learn cohen_kappa_score",
    .needs = NEEDS_LABELS,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .row = row,
    .index_rows = classes_index,
    .score_rows = score_rows,
    .signature = signature,
};
