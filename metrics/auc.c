// Area under the ROC curve: the chance that a positive item scores above a negative one, ties counting half.
//
// Two classes: of the positive class's probability. More: one against the rest (Provost & Domingos 2000), or one
// against one (Hand & Till 2001: for each pair the mean of both directions). Undefined (NaN) where a class is missing.
#include <math.h>

#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/ranked.h"
#include "metrics/resample.h"

static const char *const schemes[] = {"ovr", "ovo"};
static const char *const params[] = {"average", "multi_class", "positive", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const MetricSetup *setup = &plan->setup;
    TRY(classes_check_setup(setup, 2, err));
    RankedOptions *o;
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    TRY(params_choice(setup->params, "average", ranked_averages, 3, &o->average, err));
    TRY(params_choice(setup->params, "multi_class", schemes, 2, &o->multi_class, err));
    TRY(classes_positive(setup, &o->positive, err));
    o->is_binary = setup->n_labels == 2;
    if (o->multi_class == 1 && o->average == RANKED_MICRO) {
        return error_set(err, STATUS_INVALID, "multi_class \"ovo\" has no average \"micro\"");
    }
    plan->width = o->is_binary ? 2 : 1 + setup->n_labels;
    plan->n_scores = o->is_binary || o->multi_class == 1 ? 1 : 1 + setup->n_labels;
    plan->options = o;
    return STATUS_OK;
}

// For one class's scores, walked upwards: wins [n_classes] of its items over every other class's, in pairs.
static void count_wins(const RankedWalk *walk, const RowSet *rows, size_t class, double *below,
                       double *tied, double *wins, size_t n_classes)
{
    const size_t width = n_classes + 1;
    const RankedColumn *column = walk->column;
    for (size_t begin = 0, end; begin < walk->n; begin = end) {
        double own = 0;
        for (end = begin; end < walk->n; end++) {
            const size_t item = column->order[end];
            if (end > begin && (column->marks[end] & RANKED_BEGINS) != 0) break;
            const size_t label = (size_t)rows->values[item * width];
            tied[label] += walk->weights[item];
            if (label == class) own += walk->weights[item];
        }
        for (size_t c = 0; own > 0 && c < n_classes; c++) {
            wins[c] += own * (below[c] + 0.5 * tied[c]);
        }
        for (size_t i = begin; i < end; i++) {
            const size_t label = (size_t)rows->values[column->order[i] * width];
            below[label] += walk->weights[column->order[i]];
            tied[label] = 0;
        }
    }
}

static Status score_ovo(const RankedOptions *o, const RankedIndex *index, const RowSet *rows,
                        RankedWalk walk, Arena *scratch, double *scores, Error *err)
{
    const size_t n = index->n_columns;
    double *wins, *buffers, *support;
    size_t cells;
    if (!size_mul(n, n, &cells)) return error_set_memory(err, n, n, "wins by pair of classes");
    TRY(arena_take(scratch, cells, sizeof *wins, "wins by pair of classes", &wins, err));
    TRY(arena_take(scratch, cells, 2 * sizeof *buffers, "weights by class", &buffers, err));
    TRY(arena_take(scratch, n, sizeof *support, "weights by class", &support, err));
    for (size_t i = 0; i < walk.n; i++) {
        support[(size_t)rows->values[i * (n + 1)]] += walk.weights[i];
    }
    for (size_t c = 0; c < n; c++) {
        walk.column = &index->columns[c];
        count_wins(&walk, rows, c, buffers + 2 * n * c, buffers + 2 * n * c + n, wins + c * n, n);
    }
    double sum = 0, total = 0;
    for (size_t a = 0; a < n; a++) {
        for (size_t b = a + 1; b < n; b++) {
            const double pairs = support[a] * support[b];
            const double mean = (wins[a * n + b] + wins[b * n + a]) / (2 * pairs);
            const double weight = o->average == RANKED_WEIGHTED ? support[a] + support[b] : 1;
            sum += weight * (pairs > 0 ? mean : (double)NAN);
            total += weight;
        }
    }
    scores[0] = sum / total;
    return STATUS_OK;
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    const RankedOptions *o = plan->options;
    const RankedIndex *ranked = index;
    RankedWalk walk = {.weights = weights, .n = rows->n_rows, .n_pairs = 1};
    if (!o->is_binary && o->multi_class == 1) {
        return score_ovo(o, ranked, rows, walk, scratch, scores, err);
    }
    scores[0] = ranked_mean(o, ranked, walk, ranked_area, o->is_binary ? NULL : scores + 1);
    return STATUS_OK;
}

// Two classes: the sum over pairs less the pairs that the row takes part in.
static Status leave_out(const MetricPlan *plan, const RowSet *rows, const void *index, double *out,
                        bool *is_done, Error *err)
{
    (void)err;
    const RankedOptions *o = plan->options;
    *is_done = o->is_binary;
    if (!o->is_binary) return STATUS_OK;
    const uint32_t *order = ((const RankedIndex *)index)->columns[0].order;
    const double *values = rows->values;
    double total[2] = {0, 0}, below[2] = {0, 0}, won = 0;
    for (size_t i = 0; i < rows->n_rows; i++) total[values[2 * i] == 1] += weight_of(rows, i);
    // First the wins of each row over the other class go into out, then the score without them.
    for (size_t begin = 0, end; begin < rows->n_rows; begin = end) {
        double tied[2] = {0, 0};
        for (end = begin; end < rows->n_rows && values[2 * (size_t)order[end] + 1] ==
                                                    values[2 * (size_t)order[begin] + 1];
             end++) {
            tied[values[2 * (size_t)order[end]] == 1] += weight_of(rows, order[end]);
        }
        for (size_t i = begin; i < end; i++) {
            const bool is_positive = values[2 * (size_t)order[i]] == 1;
            out[order[i]] =
                is_positive ? below[0] + 0.5 * tied[0] : total[1] - below[1] - 0.5 * tied[1];
        }
        won += tied[1] * (below[0] + 0.5 * tied[0]);
        below[0] += tied[0];
        below[1] += tied[1];
    }
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double w = weight_of(rows, i);
        const bool is_positive = values[2 * i] == 1;
        const double pairs = (total[1] - is_positive * w) * (total[0] - !is_positive * w);
        out[i] = pairs > 0 ? (won - w * out[i]) / pairs : (double)NAN;
    }
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const RankedOptions *o = plan->options;
    if (o->is_binary) {
        return arena_format(arena, out, err, "|positive:" SLICE_FMT,
                            SLICE_ARG(plan->setup.labels[o->positive]));
    }
    return arena_format(arena, out, err, "|multi_class:%s|average:%s", schemes[o->multi_class],
                        ranked_averages[o->average]);
}

const Metric metric_auc = {
    .name = "auc",
    .summary = "area under the ROC curve: binary, one against the rest, or one against one",
    .source = "Hand & Till 2001; scikit-learn roc_auc_score",
    .needs = NEEDS_LABELS | NEEDS_PROBABILITIES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .score_name = ranked_score_name,
    .row = ranked_row,
    .index_rows = ranked_index_by_average,
    .score_rows = score_rows,
    .leave_out = leave_out,
    .signature = signature,
};
