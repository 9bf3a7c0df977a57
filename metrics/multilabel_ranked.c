// AUC and average precision of several labels at once: each label against its absence, averaged.
//
// A row holds the packed labels (label_sets.h), then the probability of each label. Averages: macro (default) and weighted over
// labels, micro over all pairs of a sample and a label. A label that no sample holds has the average precision 0, as in the
// reference, and no AUC.
#include <math.h>

#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/label_sets.h"
#include "metrics/metrics_list.h"
#include "metrics/ranked.h"

static const char *const params[] = {"average", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const MetricSetup *setup = &plan->setup;
    RankedOptions *o;
    TRY(classes_check_setup(setup, 1, err));
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    TRY(params_choice(setup->params, "average", ranked_averages, 3, &o->average, err));
    plan->width = label_sets_width(setup->n_labels) + setup->n_labels;
    plan->n_scores = 1 + setup->n_labels;
    plan->options = o;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    TRY(label_sets_check(&plan->setup, item, err));
    TRY(label_sets_check_probabilities(&plan->setup, item, err));
    label_sets_pack(item, out);
    out += label_sets_width(plan->setup.n_labels);
    for (size_t c = 0; c < item->n_classes; c++) out[c] = item->probabilities[c];
    return STATUS_OK;
}

static Status fill_flat(const RowSet *rows, size_t n_labels, Arena *arena, RankedColumn *out,
                        Error *err)
{
    const size_t skipped = label_sets_width(n_labels), width = skipped + n_labels;
    size_t n;
    double *values;
    unsigned char *holds;
    if (!size_mul(rows->n_rows, n_labels, &n))
        return error_set_memory(err, rows->n_rows, n_labels, "an order of scores");
    Arena scratch = {0};
    Status s = arena_take(&scratch, n, sizeof *values, "scores", &values, err);
    if (s == STATUS_OK) s = arena_take(&scratch, n, sizeof *holds, "labels", &holds, err);
    for (size_t i = 0; s == STATUS_OK && i < rows->n_rows; i++) {
        const double *of_item = rows->values + i * width;
        for (size_t c = 0; c < n_labels; c++) {
            values[i * n_labels + c] = of_item[skipped + c];
            holds[i * n_labels + c] = label_sets_holds(of_item, c);
        }
    }
    if (s == STATUS_OK) s = ranked_column(values, 1, n, holds, arena, out, err);
    arena_release(&scratch);
    return s;
}

static Status index_rows(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                         const void **index, Error *err)
{
    const RankedOptions *o = plan->options;
    const size_t n_labels = plan->setup.n_labels, skipped = label_sets_width(n_labels);
    RankedIndex *out;
    unsigned char *holds;
    TRY(arena_take(arena, 1, sizeof *out, "an order of scores", &out, err));
    out->n_columns = n_labels;
    TRY(arena_take(arena, n_labels, sizeof *out->columns, "orders of scores", &out->columns, err));
    TRY(arena_take(arena, rows->n_rows, sizeof *holds, "labels", &holds, err));
    for (size_t c = 0; c < n_labels; c++) {
        for (size_t i = 0; i < rows->n_rows; i++)
            holds[i] = label_sets_holds(rows->values + i * plan->width, c);
        TRY(ranked_column(rows->values + skipped + c, plan->width, rows->n_rows, holds, arena,
                          &out->columns[c], err));
    }
    if (o->average == RANKED_MICRO) TRY(fill_flat(rows, n_labels, arena, &out->flat, err));
    *index = out;
    return STATUS_OK;
}

static Status score_precision(const MetricPlan *plan, const RowSet *rows, const double *weights,
                              const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)scratch, (void)err;
    const RankedWalk walk = {.weights = weights, .n = rows->n_rows, .n_pairs = 1};
    scores[0] = ranked_mean(plan->options, index, walk, ranked_precision, scores + 1);
    return STATUS_OK;
}

static Status score_area(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)scratch, (void)err;
    const RankedWalk walk = {.weights = weights, .n = rows->n_rows, .n_pairs = 1};
    scores[0] = ranked_mean(plan->options, index, walk, ranked_area, scores + 1);
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const RankedOptions *o = plan->options;
    return arena_format(arena, out, err, "|average:%s", ranked_averages[o->average]);
}

const Metric metric_multilabel_average_precision = {
    .name = "multilabel_average_precision",
    .summary = "area under the precision-recall curve of each of several labels at once: macro "
               "(mean average precision), weighted, micro",
    .source = "scikit-learn average_precision_score",
    .needs = NEEDS_LABEL_SETS | NEEDS_PROBABILITIES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .score_name = ranked_score_name,
    .row = row,
    .index_rows = index_rows,
    .score_rows = score_precision,
    .signature = signature,
};

const Metric metric_multilabel_auc = {
    .name = "multilabel_auc",
    .summary = "area under the ROC curve of each of several labels at once: macro, weighted, micro",
    .source = "scikit-learn roc_auc_score",
    .needs = NEEDS_LABEL_SETS | NEEDS_PROBABILITIES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .score_name = ranked_score_name,
    .row = row,
    .index_rows = index_rows,
    .score_rows = score_area,
    .signature = signature,
};
