// Matthews' correlation coefficient over any number of classes.
//
//     (c s - sum_k p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2))
//
// c right, s items, p_k predicted and t_k true items of class k (Gorodkin 2004); 0 where the root is 0.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    (void)arena;
    return classes_check_setup(&plan->setup, 1, err);
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    ClassCounts n;
    TRY(classes_count(plan, rows, weights, index, scratch, &n, err));
    double right = 0, cross = 0, predicted = n.unanswered * n.unanswered, truth = 0;
    for (size_t c = 0; c < n.n_classes; c++) {
        right += n.hits[c];
        cross += n.predicted[c] * n.support[c];
        predicted += n.predicted[c] * n.predicted[c];
        truth += n.support[c] * n.support[c];
    }
    const double all = n.total * n.total;
    // Differences of squares that ought to be 0 may be left with rounding when weights are no integers.
    const double spread_predicted = all - predicted, spread_truth = all - truth;
    const double least = all * 1e-14;
    scores[0] = spread_predicted > least && spread_truth > least
                    ? (right * n.total - cross) / sqrt(spread_predicted * spread_truth)
                    : 0;
    if (!(n.total > 0)) scores[0] = NAN;
    return STATUS_OK;
}

const Metric metric_mcc = {
    .name = "mcc",
    .summary = "Matthews' correlation between predicted and true classes; 0 is chance",
    .source = "Gorodkin 2004, equation 8; scikit-learn matthews_corrcoef",
    .needs = NEEDS_LABELS,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .prepare = prepare,
    .row = classes_row,
    .index_rows = classes_index,
    .score_rows = score_rows,
};
