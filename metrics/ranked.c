#include "metrics/ranked.h"

#include <math.h>

#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/order.h"

const char *const ranked_averages[3] = {"macro", "weighted", "micro"};

Status ranked_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row, Error *err)
{
    (void)scratch;
    const RankedOptions *o = plan->options;
    TRY(classes_check_probabilities(&plan->setup, item, err));
    if (o->is_binary) {
        row[0] = (size_t)item->label == o->positive;
        row[1] = item->probabilities[o->positive];
        return STATUS_OK;
    }
    row[0] = item->label;
    for (size_t c = 0; c < item->n_classes; c++) row[1 + c] = item->probabilities[c];
    return STATUS_OK;
}

Status ranked_column(const double *values, size_t stride, size_t n,
                     const unsigned char *is_positive, Arena *arena, RankedColumn *out, Error *err)
{
    TRY(arena_take(arena, n, sizeof *out->order, "an order of scores", &out->order, err));
    TRY(arena_take(arena, n, sizeof *out->marks, "an order of scores", &out->marks, err));
    Arena scratch = {0};
    const Status s = order_groups(values, stride, n, &scratch, out->order, out->marks, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const unsigned begins = out->marks[i] != 0 ? RANKED_BEGINS : 0;
        const unsigned positive = is_positive[out->order[i]] != 0 ? RANKED_IS_POSITIVE : 0;
        out->marks[i] = (unsigned char)(positive | begins);
    }
    arena_release(&scratch);
    return s;
}

// values [n * stride] and the labels of their items give a column. n_pairs as in RankedWalk; target is the class that counts
// as positive, for the flat order the class of each pair.
static Status fill_column(const double *values, size_t stride, size_t n, const double *labels,
                          size_t label_stride, size_t n_pairs, double target, Arena *arena,
                          RankedColumn *out, Error *err)
{
    unsigned char *is_positive; // a byte an item stays in the cache, whatever order it is asked in
    const size_t n_classes = size_max(n_pairs, 1);
    Arena scratch = {0};
    Status s = arena_take(&scratch, n, sizeof *is_positive, "labels", &is_positive, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const double class = n_classes == 1 ? target : (double)(i % n_classes);
        is_positive[i] = labels[i / n_classes * label_stride] == class;
    }
    if (s == STATUS_OK) s = ranked_column(values, stride, n, is_positive, arena, out, err);
    arena_release(&scratch);
    return s;
}

static Status fill_flat(const RowSet *rows, size_t n_columns, Arena *arena, RankedColumn *out,
                        Error *err)
{
    size_t n;
    double *values;
    if (!size_mul(rows->n_rows, n_columns, &n)) {
        return error_set_memory(err, rows->n_rows, n_columns, "an order of scores");
    }
    Arena scratch = {0};
    Status s = arena_take(&scratch, n, sizeof *values, "scores", &values, err);
    for (size_t i = 0; s == STATUS_OK && i < rows->n_rows; i++) {
        const double *row = rows->values + i * (n_columns + 1);
        for (size_t c = 0; c < n_columns; c++) values[i * n_columns + c] = row[1 + c];
    }
    if (s == STATUS_OK)
        s = fill_column(values, 1, n, rows->values, n_columns + 1, n_columns, 0, arena, out, err);
    arena_release(&scratch);
    return s;
}

Status ranked_index(const MetricPlan *plan, const RowSet *rows, bool wants_flat, Arena *arena,
                    const void **index, Error *err)
{
    const size_t n_columns = plan->width - 1;
    RankedIndex *out;
    TRY(arena_take(arena, 1, sizeof *out, "an order of scores", &out, err));
    out->n_columns = n_columns;
    TRY(arena_take(arena, n_columns, sizeof *out->columns, "orders of scores", &out->columns, err));
    for (size_t c = 0; c < n_columns; c++) {
        TRY(fill_column(rows->values + 1 + c, plan->width, rows->n_rows, rows->values, plan->width,
                        1, n_columns == 1 ? 1 : (double)c, arena, &out->columns[c], err));
    }
    if (wants_flat) TRY(fill_flat(rows, n_columns, arena, &out->flat, err));
    *index = out;
    return STATUS_OK;
}

Status ranked_index_by_average(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                               const void **index, Error *err)
{
    const RankedOptions *o = plan->options;
    const bool wants_flat = !o->is_binary && o->average == RANKED_MICRO;
    return ranked_index(plan, rows, wants_flat, arena, index, err);
}

Status ranked_score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    return classes_score_name(plan, score - 1, arena, name, err);
}

// ---- the area under a curve ----

// By trapezoids between the beginnings of groups of equal score, from the lowest up. *positives is the weight of positive
// items. One loop that takes every item alike: whether a group begins is a toss-up that no processor can foresee.
double ranked_area(RankedWalk walk, double *positives)
{
    const unsigned char *marks = walk.column->marks;
    const uint32_t *order = walk.column->order;
    double sum = 0, at[2] = {0, 0}, begun[2] = {0, 0}; // weights of negatives and positives so far
    for (size_t i = 0; i < walk.n; i++) {
        const size_t item = walk.n_pairs == 1 ? order[i] : order[i] / walk.n_pairs;
        const double weight = walk.weights[item];
        const bool begins = (marks[i] & RANKED_BEGINS) != 0;
        const bool is_positive = (marks[i] & RANKED_IS_POSITIVE) != 0;
        sum += begins ? (at[1] - begun[1]) * (at[0] + begun[0]) : 0;
        begun[0] = begins ? at[0] : begun[0];
        begun[1] = begins ? at[1] : begun[1];
        at[0] += is_positive ? 0 : weight;
        at[1] += is_positive ? weight : 0;
    }
    sum += (at[1] - begun[1]) * (at[0] + begun[0]);
    *positives = at[1];
    const double pairs = at[0] * at[1];
    return pairs > 0 ? 0.5 * sum / pairs : (double)NAN;
}

// From the highest score down; *positives is the weight of positive items. One loop that takes every item alike, as above.
double ranked_precision(RankedWalk walk, double *positives)
{
    const unsigned char *marks = walk.column->marks;
    const uint32_t *order = walk.column->order;
    double sum = 0, hits = 0, hits_before = 0, taken = 0;
    for (size_t i = walk.n; i-- > 0;) {
        const size_t item = walk.n_pairs == 1 ? order[i] : order[i] / walk.n_pairs;
        const double weight = walk.weights[item];
        const bool ends = (marks[i] & RANKED_BEGINS) != 0; // downwards a group ends where it begins
        hits += (marks[i] & RANKED_IS_POSITIVE) != 0 ? weight : 0;
        taken += weight;
        const double gain = (hits - hits_before) * hits / taken;
        sum += ends && taken > 0 ? gain : 0;
        hits_before = ends ? hits : hits_before;
    }
    *positives = hits;
    return hits > 0 ? sum / hits : 0;
}

double ranked_mean(const RankedOptions *o, const RankedIndex *index, RankedWalk walk,
                   RankedScore *score, double *of_columns)
{
    double positives, macro = 0, weighted = 0, total = 0;
    for (size_t c = 0; c < index->n_columns; c++) {
        walk.column = &index->columns[c];
        const double value = score(walk, &positives);
        if (of_columns) of_columns[c] = value;
        macro += value / (double)index->n_columns;
        if (positives > 0) weighted += positives * value;
        total += positives;
    }
    if (o->is_binary || o->average == RANKED_MACRO) return macro;
    if (o->average == RANKED_WEIGHTED) return share_of(weighted, total);
    walk.column = &index->flat;
    walk.n_pairs = index->n_columns;
    walk.n *= index->n_columns;
    return score(walk, &positives);
}
