#include "metrics/ranked.h"

#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/order.h"

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

static Status order_flat(const RowSet *rows, size_t n_columns, Arena *arena, uint32_t **order,
                         Error *err)
{
    size_t n;
    double *values;
    if (!size_mul(rows->n_rows, n_columns, &n)) {
        return error_set_memory(err, rows->n_rows, n_columns, "an order of scores");
    }
    TRY(arena_take(arena, n, sizeof **order, "an order of scores", order, err));
    Arena scratch = {0};
    Status s = arena_take(&scratch, n, sizeof *values, "scores", &values, err);
    for (size_t i = 0; s == STATUS_OK && i < rows->n_rows; i++) {
        const double *row = rows->values + i * (n_columns + 1);
        for (size_t c = 0; c < n_columns; c++) values[i * n_columns + c] = row[1 + c];
    }
    if (s == STATUS_OK) s = order_ascending(values, 1, n, &scratch, *order, err);
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
    TRY(arena_take(arena, n_columns, sizeof *out->orders, "orders of scores", &out->orders, err));
    for (size_t c = 0; c < n_columns; c++) {
        TRY(arena_take(arena, rows->n_rows, sizeof **out->orders, "an order of scores",
                       &out->orders[c], err));
        Arena scratch = {0};
        const Status s = order_ascending(rows->values + 1 + c, plan->width, rows->n_rows, &scratch,
                                         out->orders[c], err);
        arena_release(&scratch);
        TRY(s);
    }
    if (wants_flat) TRY(order_flat(rows, n_columns, arena, &out->flat_order, err));
    *index = out;
    return STATUS_OK;
}

typedef struct Ranked {
    double score, weight;
    bool is_positive;
} Ranked;

static Ranked ranked_at(const RankedWalk *walk, size_t position)
{
    const size_t at = walk->order[walk->is_descending ? walk->n - 1 - position : position];
    size_t item = at, column = walk->column;
    bool is_positive;
    if (walk->column == SIZE_MAX) {
        const size_t n_columns = walk->width - 1;
        item = at / n_columns;
        column = 1 + at % n_columns;
        is_positive = walk->rows->values[item * walk->width] == (double)(at % n_columns);
    } else {
        is_positive = walk->rows->values[item * walk->width] == walk->target;
    }
    return (Ranked){.score = walk->rows->values[item * walk->width + column],
                    .weight = walk->weights[item],
                    .is_positive = is_positive};
}

bool ranked_next(RankedWalk *walk, double *positives, double *negatives)
{
    if (walk->at >= walk->n) return false;
    *positives = 0;
    *negatives = 0;
    const double score = ranked_at(walk, walk->at).score;
    for (; walk->at < walk->n; walk->at++) {
        const Ranked r = ranked_at(walk, walk->at);
        if (r.score != score) break;
        *(r.is_positive ? positives : negatives) += r.weight;
    }
    return true;
}
