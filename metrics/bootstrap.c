#include "metrics/bootstrap.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "metrics/resample.h"

enum { RESAMPLES_A_UNIT = 32 };

typedef struct WorkerScratch {
    Arena arena;
    uint32_t *units;     // [n_units] draws or counts
    unsigned char *swap; // [n_units]
    double *weights;     // [n_rows], or twice that for swaps
    double *sums;        // [n_systems * width]
} WorkerScratch;

typedef struct Bootstrap {
    const System *systems;
    size_t n_systems;
    ResampleKind kind;
    size_t n_resamples;
    uint64_t seed;
    size_t n_units;
    size_t n_scores;
    double *out;
    WorkerScratch *scratch; // one a worker
    // METRIC_SUMS: unit sums of all systems side by side [n_units, n_systems * width], and their totals.
    size_t stride;
    double *unit_sums;
    double *totals;
    // Where every unit sum is a small whole number (counts: BLEU, chrF, entity F1), the same as 16-bit lanes: exact, and a
    // quarter of the memory to walk through. NULL elsewhere.
    uint16_t *packed; // [n_units, n_lanes]
    size_t n_lanes;   // a multiple of LANES, at most MAX_LANES
    size_t n_exact;   // so many rows can be added before a lane could overflow
    // METRIC_ROWS: an index for each system; for swaps the rows of both systems end to end, with one index.
    const void **index;
    RowSet both;
} Bootstrap;

void add_unit_sums(const RowSet *rows, size_t width, double *sums, size_t stride, size_t at)
{
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double w = weight_of(rows, i);
        if (w == 0) continue;
        const double *from = rows->values + i * width;
        double *to = sums + unit_of(rows, i) * stride + at;
        for (size_t c = 0; c < width; c++) to[c] += w * from[c];
    }
}

// Adds columns [at, at + n_columns) of the drawn rows. Inlined with a constant, the accumulators stay in registers.
static inline __attribute__((always_inline)) void gather_columns(const double *sums, size_t stride,
                                                                 const uint32_t *units, size_t n,
                                                                 size_t n_columns, double *total)
{
    double local[8] = {0};
    for (size_t i = 0; i < n; i++) {
        const double *row = sums + units[i] * stride;
        for (size_t c = 0; c < n_columns; c++) local[c] += row[c];
    }
    for (size_t c = 0; c < n_columns; c++) total[c] = local[c];
}

static void gather(const double *sums, size_t stride, const uint32_t *units, size_t n,
                   double *total)
{
    size_t at = 0;
    for (; at + 8 <= stride; at += 8) gather_columns(sums + at, stride, units, n, 8, total + at);
    for (; at + 4 <= stride; at += 4) gather_columns(sums + at, stride, units, n, 4, total + at);
    for (; at + 2 <= stride; at += 2) gather_columns(sums + at, stride, units, n, 2, total + at);
    for (; at < stride; at++) gather_columns(sums + at, stride, units, n, 1, total + at);
}

enum { LANES = 8, MAX_LANES = 64 };
static const size_t three = 3 * (size_t)LANES, four = 4 * (size_t)LANES; // vectors in a row
typedef uint16_t Lanes __attribute__((vector_size(2 * LANES)));

// Adds the lanes of the drawn units, n_vectors at a time; n at most n_exact. Inlined with a constant as above.
static inline __attribute__((always_inline)) void gather_lanes(const uint16_t *packed,
                                                               size_t n_lanes,
                                                               const uint32_t *units, size_t n,
                                                               size_t n_vectors, double *total)
{
    Lanes sums[4] = {{0}};
    for (size_t i = 0; i < n; i++) {
        const uint16_t *row = packed + units[i] * n_lanes;
        for (size_t v = 0; v < n_vectors; v++) {
            Lanes lanes;
            memcpy(&lanes, row + v * LANES, sizeof lanes);
            sums[v] += lanes;
        }
    }
    for (size_t v = 0; v < n_vectors; v++) {
        for (size_t l = 0; l < LANES; l++) total[v * LANES + l] += sums[v][l];
    }
}

static void gather_packed(const Bootstrap *b, const uint32_t *units, size_t n, double *sums)
{
    double total[MAX_LANES] = {0};
    for (size_t at = 0; at < n; at += b->n_exact) {
        const size_t m = size_min(b->n_exact, n - at);
        size_t lane = 0;
        for (; lane + four <= b->n_lanes; lane += four)
            gather_lanes(b->packed + lane, b->n_lanes, units + at, m, 4, total + lane);
        for (; lane + three <= b->n_lanes; lane += three)
            gather_lanes(b->packed + lane, b->n_lanes, units + at, m, 3, total + lane);
        for (; lane < b->n_lanes; lane += LANES)
            gather_lanes(b->packed + lane, b->n_lanes, units + at, m, 1, total + lane);
    }
    memcpy(sums, total, b->stride * sizeof *sums);
}

static void gather_units(const Bootstrap *b, const uint32_t *units, size_t n, double *sums)
{
    if (b->packed != NULL) {
        gather_packed(b, units, n, sums);
    } else {
        gather(b->unit_sums, b->stride, units, n, sums);
    }
}

// Moves the swapped units' sums between the two systems: the drawn units are those swapped.
static void swap_sums(const Bootstrap *b, const unsigned char *swap, uint32_t *units, double *sums)
{
    const size_t width = b->stride / b->n_systems;
    size_t n = 0;
    for (size_t u = 0; u < b->n_units; u++) { // without a branch: the bits are as random as can be
        units[n] = (uint32_t)u;
        n += swap[u];
    }
    gather_units(b, units, n, sums);
    for (size_t c = 0; c < width; c++) {
        const double moved = sums[width + c] - sums[c];
        sums[c] = b->totals[c] + moved;
        sums[width + c] = b->totals[width + c] - moved;
    }
}

static void resample_sums(Bootstrap *b, size_t r, WorkerScratch *w)
{
    if (b->kind == RESAMPLE_BOOTSTRAP) {
        draw_units(b->seed, r, b->n_units, w->units);
        gather_units(b, w->units, b->n_units, w->sums);
    } else {
        bootstrap_swaps(b->seed, r, b->n_units, w->swap);
        swap_sums(b, w->swap, w->units, w->sums);
    }
    const size_t width = b->stride / b->n_systems;
    for (size_t k = 0; k < b->n_systems; k++) {
        metric_score_sums(b->systems[k].plan, w->sums + k * width,
                          b->out + (r * b->n_systems + k) * b->n_scores);
    }
}

static Status resample_rows(Bootstrap *b, size_t r, WorkerScratch *w, Error *err)
{
    bootstrap_counts(b->seed, r, b->n_units, w->units);
    for (size_t k = 0; k < b->n_systems; k++) {
        const RowSet *rows = b->systems[k].rows;
        for (size_t i = 0; i < rows->n_rows; i++) {
            w->weights[i] = weight_of(rows, i) * w->units[unit_of(rows, i)];
        }
        TRY(score_weighted(b->systems[k].plan, rows, w->weights, b->index[k], &w->arena,
                           b->out + (r * b->n_systems + k) * b->n_scores, err));
    }
    return STATUS_OK;
}

// Each pseudo-system is a choice of half of the rows of both.
static Status resample_swapped_rows(Bootstrap *b, size_t r, WorkerScratch *w, Error *err)
{
    const size_t n = b->both.n_rows / 2;
    bootstrap_swaps(b->seed, r, b->n_units, w->swap);
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < n; i++) {
            const size_t from =
                w->swap[unit_of(b->systems[0].rows, i)] ^ k; // the system it comes from
            w->weights[i] = from == 0 ? b->both.weights[i] : 0;
            w->weights[n + i] = from == 1 ? b->both.weights[n + i] : 0;
        }
        TRY(score_weighted(b->systems[0].plan, &b->both, w->weights, b->index[0], &w->arena,
                           b->out + (r * b->n_systems + k) * b->n_scores, err));
    }
    return STATUS_OK;
}

static Status work(void *context, size_t unit, size_t worker, Error *err)
{
    Bootstrap *b = context;
    const size_t begin = unit * RESAMPLES_A_UNIT;
    const size_t end = size_min(begin + RESAMPLES_A_UNIT, b->n_resamples);
    WorkerScratch *w = &b->scratch[worker];
    for (size_t r = begin; r < end; r++) {
        if (b->systems[0].plan->metric->kind == METRIC_SUMS) {
            resample_sums(b, r, w);
        } else if (b->kind == RESAMPLE_BOOTSTRAP) {
            TRY(resample_rows(b, r, w, err));
        } else {
            TRY(resample_swapped_rows(b, r, w, err));
        }
    }
    return STATUS_OK;
}

static Status check_systems(const System *systems, size_t n_systems, ResampleKind kind, Error *err)
{
    const MetricPlan *plan = systems[0].plan;
    const RowSet *rows = systems[0].rows;
    if (plan->metric->kind == METRIC_WHOLE) {
        return error_set(err, STATUS_INVALID, "metric %s is scored from whole sets, not from rows",
                         plan->metric->name);
    }
    if (kind == RESAMPLE_SWAP && n_systems != 2) {
        return error_set(err, STATUS_INVALID,
                         "approximate randomisation wants two systems, not %zu", n_systems);
    }
    if (unit_count(rows) > UINT32_MAX) {
        return error_set(err, STATUS_INVALID, "%zu items are too many to resample",
                         unit_count(rows));
    }
    for (size_t k = 1; k < n_systems; k++) {
        if (systems[k].rows->n_rows != rows->n_rows ||
            unit_count(systems[k].rows) != unit_count(rows)) {
            return error_set(err, STATUS_INVALID,
                             "systems must be scored on the same items: %zu rows in %zu clusters "
                             "against %zu in %zu",
                             rows->n_rows, unit_count(rows), systems[k].rows->n_rows,
                             unit_count(systems[k].rows));
        }
        if (systems[k].plan->metric != plan->metric || systems[k].plan->width != plan->width ||
            systems[k].plan->n_scores != plan->n_scores) {
            return error_set(err, STATUS_INVALID, "systems must be scored with the same metric");
        }
    }
    return STATUS_OK;
}

static Status pack_sums(Bootstrap *b, Arena *arena, Error *err)
{
    enum { LEAST_EXACT = 64 };
    const size_t n_cells = b->n_units * b->stride;
    double highest = 1;
    for (size_t i = 0; i < n_cells; i++) {
        const double value = b->unit_sums[i];
        if (!(value >= 0 && value <= UINT16_MAX) || value != floor(value)) return STATUS_OK;
        highest = fmax(highest, value);
    }
    b->n_exact = (size_t)(UINT16_MAX / highest);
    b->n_lanes = (b->stride + LANES - 1) / LANES * LANES;
    if (b->n_exact < LEAST_EXACT || b->n_lanes > MAX_LANES) return STATUS_OK;
    size_t size;
    if (!size_mul(b->n_lanes, sizeof *b->packed, &size))
        return error_set_memory(err, b->n_lanes, sizeof *b->packed, "sums by unit");
    TRY(arena_take(arena, b->n_units, size, "sums by unit", &b->packed, err));
    for (size_t u = 0; u < b->n_units; u++) {
        for (size_t c = 0; c < b->stride; c++)
            b->packed[u * b->n_lanes + c] = (uint16_t)b->unit_sums[u * b->stride + c];
    }
    return STATUS_OK;
}

static Status prepare_sums(Bootstrap *b, Arena *arena, Error *err)
{
    const size_t width = b->systems[0].plan->width;
    size_t cells;
    if (!size_mul(width, b->n_systems, &b->stride) || !size_mul(b->stride, b->n_units, &cells)) {
        return error_set_memory(err, b->n_units, b->stride, "sums by unit");
    }
    TRY(arena_take(arena, cells, sizeof(double), "sums by unit", &b->unit_sums, err));
    TRY(arena_take(arena, b->stride, sizeof(double), "sums", &b->totals, err));
    for (size_t k = 0; k < b->n_systems; k++) {
        add_unit_sums(b->systems[k].rows, width, b->unit_sums, b->stride, k * width);
    }
    for (size_t u = 0; u < b->n_units; u++) {
        for (size_t c = 0; c < b->stride; c++) b->totals[c] += b->unit_sums[u * b->stride + c];
    }
    return pack_sums(b, arena, err);
}

static Status prepare_both(Bootstrap *b, Arena *arena, Error *err)
{
    const RowSet *first = b->systems[0].rows, *second = b->systems[1].rows;
    const size_t n = first->n_rows, width = b->systems[0].plan->width;
    double *values, *weights;
    size_t cells;
    if (!size_mul(2 * n, width, &cells)) return error_set_memory(err, 2 * n, width, "rows");
    TRY(arena_take(arena, cells, sizeof *values, "rows of both systems", &values, err));
    TRY(arena_take(arena, 2 * n, sizeof *weights, "weights of both systems", &weights, err));
    memcpy(values, first->values, n * width * sizeof *values);
    memcpy(values + n * width, second->values, n * width * sizeof *values);
    for (size_t i = 0; i < n; i++) {
        weights[i] = weight_of(first, i);
        weights[n + i] = weight_of(second, i);
    }
    b->both = (RowSet){.values = values, .weights = weights, .n_rows = 2 * n, .n_clusters = 2 * n};
    return index_rows_of(b->systems[0].plan, &b->both, arena, &b->index[0], err);
}

static Status prepare_scratch(Bootstrap *b, size_t n_workers, Arena *arena, Error *err)
{
    const size_t n_rows = b->systems[0].rows->n_rows;
    TRY(arena_take(arena, n_workers, sizeof *b->scratch, "workers", &b->scratch, err));
    for (size_t i = 0; i < n_workers; i++) {
        WorkerScratch *w = &b->scratch[i];
        TRY(arena_take(arena, b->n_units, sizeof *w->units, "draws", &w->units, err));
        TRY(arena_take(arena, b->n_units, sizeof *w->swap, "swaps", &w->swap, err));
        TRY(arena_take(arena, size_max(2 * n_rows, 1), sizeof(double), "weights", &w->weights,
                       err));
        TRY(arena_take(arena, size_max(b->stride, 1), sizeof(double), "sums", &w->sums, err));
    }
    return STATUS_OK;
}

static Status prepare(Bootstrap *b, Pool *pool, Arena *arena, Error *err)
{
    if (b->systems[0].plan->metric->kind == METRIC_SUMS) {
        TRY(prepare_sums(b, arena, err));
    } else {
        TRY(arena_take(arena, b->n_systems, sizeof *b->index, "indices", &b->index, err));
        if (b->kind == RESAMPLE_SWAP) {
            TRY(prepare_both(b, arena, err));
        } else {
            for (size_t k = 0; k < b->n_systems; k++) {
                TRY(index_rows_of(b->systems[k].plan, b->systems[k].rows, arena, &b->index[k],
                                  err));
            }
        }
    }
    return prepare_scratch(b, pool_threads(pool), arena, err);
}

Status bootstrap_replicates(const System *systems, size_t n_systems, ResampleKind kind,
                            size_t n_resamples, uint64_t seed, Pool *pool, double *out, Error *err)
{
    if (n_systems == 0) return STATUS_OK;
    TRY(check_systems(systems, n_systems, kind, err));
    Bootstrap b = {.systems = systems,
                   .n_systems = n_systems,
                   .kind = kind,
                   .n_resamples = n_resamples,
                   .seed = seed,
                   .n_units = unit_count(systems[0].rows),
                   .n_scores = systems[0].plan->n_scores,
                   .out = out};
    Arena arena = {0};
    Status s = prepare(&b, pool, &arena, err);
    if (s == STATUS_OK) {
        const size_t n_work = (n_resamples + RESAMPLES_A_UNIT - 1) / RESAMPLES_A_UNIT;
        s = pool_try(pool, n_work, work, &b, err);
    }
    for (size_t i = 0; b.scratch != NULL && i < pool_threads(pool); i++) {
        arena_release(&b.scratch[i].arena);
    }
    arena_release(&arena);
    return s;
}
