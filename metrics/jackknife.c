// Scores of one set of rows under weights, and with each unit left out.
#include "metrics/bootstrap.h"

#include <string.h>

#include "base/size.h"
#include "metrics/evaluate.h"
#include "metrics/resample.h"

Status index_rows_of(const MetricPlan *plan, const RowSet *rows, Arena *arena, const void **index,
                     Error *err)
{
    *index = NULL;
    if (plan->metric->index_rows == NULL) return STATUS_OK;
    return plan->metric->index_rows(plan, rows, arena, index, err);
}

void row_sums(const RowSet *rows, size_t width, double *sums)
{
    memset(sums, 0, width * sizeof *sums);
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double w = weight_of(rows, i);
        if (w == 0) continue; // so that a weight of zero leaves an item out, whatever its row holds
        for (size_t c = 0; c < width; c++) sums[c] += w * rows->values[i * width + c];
    }
}

Status score_weighted(const MetricPlan *plan, const RowSet *rows, const double *weights,
                      const void *index, Arena *scratch, double *scores, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Status s = STATUS_OK;
    switch (plan->metric->kind) {
    case METRIC_SUMS: {
        double *sums;
        s = arena_take(scratch, size_max(plan->width, 1), sizeof *sums, "sums", &sums, err);
        if (s != STATUS_OK) break;
        const RowSet weighted = {
            .values = rows->values, .weights = weights, .n_rows = rows->n_rows};
        row_sums(&weighted, plan->width, sums);
        metric_score_sums(plan, sums, scores);
        break;
    }
    case METRIC_ROWS:
        s = plan->metric->score_rows(plan, rows, weights, index, scratch, scores, err);
        break;
    case METRIC_WHOLE:
        s = error_set(err, STATUS_INVALID, "metric %s is scored from whole sets, not from rows",
                      plan->metric->name);
        break;
    }
    arena_rewind(scratch, mark);
    return s;
}

typedef struct Jackknife {
    const MetricPlan *plan;
    const RowSet *rows;
    const double *unit_sums; // [n_units, width]
    const double *totals;
    const void *index;
    Arena *arenas; // one a worker
    double *out;
} Jackknife;

static Status leave_out(void *context, size_t unit, size_t worker, Error *err)
{
    const Jackknife *j = context;
    const size_t width = j->plan->width;
    Arena *arena = &j->arenas[worker];
    double *scores = j->out + unit * j->plan->n_scores;
    const ArenaMark mark = arena_mark(arena);
    double *buffer;
    Status s;
    if (j->plan->metric->kind == METRIC_SUMS) {
        s = arena_take(arena, width, sizeof *buffer, "sums", &buffer, err);
        if (s == STATUS_OK) {
            for (size_t c = 0; c < width; c++) {
                buffer[c] = j->totals[c] - j->unit_sums[unit * width + c];
            }
            metric_score_sums(j->plan, buffer, scores);
        }
    } else {
        s = arena_take(arena, j->rows->n_rows, sizeof *buffer, "weights", &buffer, err);
        if (s == STATUS_OK) {
            for (size_t i = 0; i < j->rows->n_rows; i++) {
                buffer[i] = unit_of(j->rows, i) == unit ? 0 : weight_of(j->rows, i);
            }
            s = score_weighted(j->plan, j->rows, buffer, j->index, arena, scores, err);
        }
    }
    arena_rewind(arena, mark);
    return s;
}

Status jackknife(const MetricPlan *plan, const RowSet *rows, Pool *pool, double *out, Error *err)
{
    const size_t n_units = unit_count(rows), n_workers = worker_count(pool);
    Arena arena = {0};
    Jackknife j = {.plan = plan, .rows = rows, .out = out};
    double *unit_sums = NULL, *totals = NULL;
    size_t cells;
    Status s = arena_take(&arena, n_workers, sizeof *j.arenas, "workers", &j.arenas, err);
    if (s == STATUS_OK && plan->metric->kind == METRIC_SUMS) {
        s = size_mul(n_units, plan->width, &cells)
                ? arena_take(&arena, cells, sizeof *unit_sums, "sums by unit", &unit_sums, err)
                : error_set_memory(err, n_units, plan->width, "sums by unit");
        if (s == STATUS_OK) {
            s = arena_take(&arena, plan->width, sizeof *totals, "sums", &totals, err);
        }
        if (s == STATUS_OK) {
            add_unit_sums(rows, plan->width, unit_sums, plan->width, 0);
            row_sums(rows, plan->width, totals);
        }
        j.unit_sums = unit_sums;
        j.totals = totals;
    } else if (s == STATUS_OK) {
        s = index_rows_of(plan, rows, &arena, &j.index, err);
    }
    if (s == STATUS_OK) s = run_units(pool, n_units, leave_out, &j, err);
    for (size_t w = 0; j.arenas != NULL && w < n_workers; w++) arena_release(&j.arenas[w]);
    arena_release(&arena);
    return s;
}
