#include "metrics/ranked.h"

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

// values [n * stride] and the labels of their items give a column. n_pairs as in RankedWalk; target is the class that counts
// as positive, for the flat order the class of each pair.
static Status fill_column(const double *values, size_t stride, size_t n, const double *labels,
                          size_t label_stride, size_t n_pairs, double target, Arena *arena,
                          RankedColumn *out, Error *err)
{
    unsigned char *is_positive; // a byte an item stays in the cache, whatever order it is asked in
    TRY(arena_take(arena, n, sizeof *out->order, "an order of scores", &out->order, err));
    TRY(arena_take(arena, n, sizeof *out->marks, "an order of scores", &out->marks, err));
    const size_t n_classes = size_max(n_pairs, 1);
    Arena scratch = {0};
    Status s = arena_take(&scratch, n, sizeof *is_positive, "labels", &is_positive, err);
    if (s == STATUS_OK) s = order_groups(values, stride, n, &scratch, out->order, out->marks, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const double class = n_classes == 1 ? target : (double)(i % n_classes);
        is_positive[i] = labels[i / n_classes * label_stride] == class;
    }
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        const unsigned begins = out->marks[i] != 0 ? RANKED_BEGINS : 0;
        out->marks[i] = (unsigned char)(is_positive[out->order[i]] | begins);
    }
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
