// Of several labels at once: how often all of them are right, and how many are wrong.
#include "metrics/classes.h"
#include "metrics/label_sets.h"
#include "metrics/metrics_list.h"

static bool has(const int32_t *labels, size_t n, int32_t label)
{
    for (size_t i = 0; i < n; i++) {
        if (labels[i] == label) return true;
    }
    return false;
}

// Labels that one side has and the other has not.
static size_t count_wrong(const Item *item)
{
    size_t n = 0;
    for (size_t i = 0; i < item->n_held; i++)
        n += !has(item->predicted_held, item->n_predicted_held, item->held[i]);
    for (size_t i = 0; i < item->n_predicted_held; i++)
        n += !has(item->held, item->n_held, item->predicted_held[i]);
    return n;
}

static Status row_of_subset(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                            Error *err)
{
    (void)scratch;
    TRY(label_sets_check(&plan->setup, item, err));
    row[0] = count_wrong(item) == 0;
    row[1] = 1;
    return STATUS_OK;
}

static Status row_of_hamming(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                             Error *err)
{
    (void)scratch;
    TRY(label_sets_check(&plan->setup, item, err));
    row[0] = share_of((double)count_wrong(item), (double)plan->setup.n_labels);
    row[1] = 1;
    return STATUS_OK;
}

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    (void)arena;
    return classes_check_setup(&plan->setup, 1, err);
}

const Metric metric_subset_accuracy = {
    .name = "subset_accuracy",
    .summary = "share of samples whose labels, of several at once, are all right",
    .source = "scikit-learn accuracy_score of label indicators",
    .needs = NEEDS_LABEL_SETS,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_PROPORTION,
    .highest = 1,
    .prepare = prepare,
    .row = row_of_subset,
};

const Metric metric_hamming_loss = {
    .name = "hamming_loss",
    .summary = "share of labels, of several at once, that are wrong",
    .source = "scikit-learn hamming_loss",
    .needs = NEEDS_LABEL_SETS,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .prepare = prepare,
    .row = row_of_hamming,
};
