// Scores of one set of rows under weights, and with each unit left out.
#include "metrics/bootstrap.h"

#include <string.h>

#include "base/philox.h"
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
    const uint32_t *group_of; // of a unit, what it is left out with; NULL: each by itself
    Arena *arenas;            // one a worker
    double *out;
} Jackknife;

static void leave_out_sums(const Jackknife *j, size_t unit, double *buffer, double *scores)
{
    const size_t width = j->plan->width;
    for (size_t c = 0; c < width; c++) {
        buffer[c] = j->totals[c] - j->unit_sums[unit * width + c];
    }
    metric_score_sums(j->plan, buffer, scores);
}

static Status leave_out_rows(const Jackknife *j, size_t group, double *buffer, Arena *arena,
                             double *scores, Error *err)
{
    for (size_t i = 0; i < j->rows->n_rows; i++) {
        const size_t unit = unit_of(j->rows, i);
        const size_t own = j->group_of != NULL ? j->group_of[unit] : unit;
        buffer[i] = own == group ? 0 : weight_of(j->rows, i);
    }
    return score_weighted(j->plan, j->rows, buffer, j->index, arena, scores, err);
}

static Status leave_out(void *context, size_t group, size_t worker, Error *err)
{
    const Jackknife *j = context;
    const bool is_sums = j->plan->metric->kind == METRIC_SUMS;
    const size_t n = is_sums ? j->plan->width : j->rows->n_rows;
    Arena *arena = &j->arenas[worker];
    double *buffer, *scores = j->out + group * j->plan->n_scores;
    const ArenaMark mark = arena_mark(arena);
    Status s = arena_take(arena, size_max(n, 1), sizeof *buffer, "sums or weights", &buffer, err);
    if (s == STATUS_OK && is_sums) leave_out_sums(j, group, buffer, scores);
    if (s == STATUS_OK && !is_sums) s = leave_out_rows(j, group, buffer, arena, scores, err);
    arena_rewind(arena, mark);
    return s;
}

static Status prepare_sums(Jackknife *j, size_t n_units, Arena *arena, Error *err)
{
    const size_t width = j->plan->width;
    double *unit_sums, *totals;
    size_t cells;
    if (!size_mul(n_units, width, &cells))
        return error_set_memory(err, n_units, width, "sums by unit");
    TRY(arena_take(arena, cells, sizeof *unit_sums, "sums by unit", &unit_sums, err));
    TRY(arena_take(arena, width, sizeof *totals, "sums", &totals, err));
    add_unit_sums(j->rows, width, unit_sums, width, 0);
    row_sums(j->rows, width, totals);
    j->unit_sums = unit_sums;
    j->totals = totals;
    return STATUS_OK;
}

// ---- Rows that repeat ----

enum { MAX_DISTINCT = 256 };

// For each row the first one like it (values and weight), as long as there are few: *firsts [*n_firsts].
typedef struct Repeats {
    uint32_t firsts[MAX_DISTINCT];
    size_t n_firsts;
    uint32_t *like; // [n_rows], index into firsts
} Repeats;

static bool is_like(const RowSet *rows, size_t width, size_t a, size_t b)
{
    return weight_of(rows, a) == weight_of(rows, b) &&
           memcmp(rows->values + a * width, rows->values + b * width, width * sizeof(double)) == 0;
}

// False where there are too many different rows. The one met last is tried first.
static bool find_repeats(const RowSet *rows, size_t width, Repeats *out)
{
    size_t last = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        size_t at = last;
        if (at >= out->n_firsts || !is_like(rows, width, i, out->firsts[at])) {
            for (at = 0; at < out->n_firsts && !is_like(rows, width, i, out->firsts[at]);) at++;
        }
        if (at == MAX_DISTINCT) return false;
        if (at == out->n_firsts) out->firsts[out->n_firsts++] = (uint32_t)i;
        out->like[i] = (uint32_t)at;
        last = at;
    }
    return true;
}

static Status leave_out_repeats(Jackknife *j, Arena *arena, bool *is_done, Error *err)
{
    const RowSet *rows = j->rows;
    const size_t n_scores = j->plan->n_scores;
    Repeats *repeats;
    double *weights, *scores;
    TRY(arena_take(arena, 1, sizeof *repeats, "rows that repeat", &repeats, err));
    TRY(arena_take(arena, rows->n_rows, sizeof *repeats->like, "rows that repeat", &repeats->like,
                   err));
    *is_done = find_repeats(rows, j->plan->width, repeats);
    if (!*is_done) return STATUS_OK;
    TRY(arena_take(arena, rows->n_rows, sizeof *weights, "weights", &weights, err));
    TRY(arena_take(arena, repeats->n_firsts, n_scores * sizeof *scores, "scores", &scores, err));
    for (size_t i = 0; i < rows->n_rows; i++) weights[i] = weight_of(rows, i);
    for (size_t d = 0; d < repeats->n_firsts; d++) {
        const size_t first = repeats->firsts[d];
        weights[first] = 0;
        TRY(score_weighted(j->plan, rows, weights, j->index, arena, scores + d * n_scores, err));
        weights[first] = weight_of(rows, first);
    }
    for (size_t i = 0; i < rows->n_rows; i++) {
        memcpy(j->out + i * n_scores, scores + repeats->like[i] * n_scores,
               n_scores * sizeof *scores);
    }
    return STATUS_OK;
}

// ---- Groups ----

// Neighbours in a file are often alike, so units are shuffled into groups.
static Status draw_groups(Jackknife *j, size_t n_units, Arena *arena, Error *err)
{
    enum { STREAM = 0x6a61636b };
    size_t *order;
    uint32_t *group_of;
    TRY(arena_take(arena, n_units, sizeof *order, "an order of units", &order, err));
    TRY(arena_take(arena, n_units, sizeof *group_of, "groups of units", &group_of, err));
    for (size_t u = 0; u < n_units; u++) order[u] = u;
    Philox rng = philox_stream(0, STREAM);
    philox_shuffle(&rng, order, n_units);
    for (size_t i = 0; i < n_units; i++) group_of[order[i]] = (uint32_t)(i % JACKKNIFE_GROUPS);
    j->group_of = group_of;
    return STATUS_OK;
}

static Status run(Jackknife *j, Pool *pool, size_t n_workers, Arena *arena, size_t *n_out,
                  Error *err)
{
    bool is_done = false;
    *n_out = unit_count(j->rows);
    TRY(arena_take(arena, n_workers, sizeof *j->arenas, "workers", &j->arenas, err));
    if (j->plan->metric->kind == METRIC_SUMS) {
        TRY(prepare_sums(j, *n_out, arena, err));
    } else {
        TRY(index_rows_of(j->plan, j->rows, arena, &j->index, err));
        if (j->rows->clusters == NULL && j->plan->metric->leave_out != NULL)
            TRY(j->plan->metric->leave_out(j->plan, j->rows, j->index, j->out, &is_done, err));
        if (!is_done && j->rows->clusters == NULL && *n_out > JACKKNIFE_GROUPS)
            TRY(leave_out_repeats(j, arena, &is_done, err));
        if (is_done) return STATUS_OK;
        if (*n_out > JACKKNIFE_GROUPS) {
            TRY(draw_groups(j, *n_out, arena, err));
            *n_out = JACKKNIFE_GROUPS;
        }
    }
    return pool_try(pool, *n_out, leave_out, j, err);
}

Status jackknife(const MetricPlan *plan, const RowSet *rows, Pool *pool, double *out, size_t *n_out,
                 Error *err)
{
    const size_t n_workers = pool_threads(pool);
    Arena arena = {0};
    Jackknife j = {.plan = plan, .rows = rows, .out = out};
    const Status s = run(&j, pool, n_workers, &arena, n_out, err);
    for (size_t w = 0; j.arenas != NULL && w < n_workers; w++) arena_release(&j.arenas[w]);
    arena_release(&arena);
    return s;
}
