// Items to rows.
#include "metrics/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "metrics/clusters.h"
#include "metrics/resample.h"

enum { SCRATCH_BYTES = 1 << 16, ITEMS_A_UNIT = 128 };

void row_table_init(RowTable *table, const MetricPlan *plan)
{
    *table = (RowTable){.plan = plan};
}

// Each array grows on its own, so that a failure leaves a table that can still be released.
static Status reserve_row(RowTable *table, Error *err)
{
    if (table->clusters_seen == NULL) {
        table->clusters_seen = calloc(1, sizeof *table->clusters_seen);
        if (table->clusters_seen == NULL) {
            return error_set_memory(err, 1, sizeof *table->clusters_seen, "cluster names");
        }
    }
    if (table->n_rows < table->capacity) return STATUS_OK;
    const size_t capacity = size_max(256, 2 * table->capacity);
    size_t cells;
    if (!size_mul(capacity, size_max(table->plan->width, 1), &cells)) {
        return error_set_memory(err, capacity, table->plan->width, "rows of a metric");
    }
    double *values = reallocarray(table->values, cells, sizeof *values);
    if (values == NULL) return error_set_memory(err, cells, sizeof *values, "rows of a metric");
    table->values = values;
    double *weights = reallocarray(table->weights, capacity, sizeof *weights);
    if (weights == NULL) return error_set_memory(err, capacity, sizeof *weights, "weights");
    table->weights = weights;
    uint32_t *clusters = reallocarray(table->clusters, capacity, sizeof *clusters);
    if (clusters == NULL) return error_set_memory(err, capacity, sizeof *clusters, "clusters");
    table->clusters = clusters;
    table->capacity = capacity;
    return STATUS_OK;
}

static Status check_weight(double weight, Error *err)
{
    if (weight >= 0 && isfinite(weight)) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "weight %g: a weight must be finite and not negative",
                     weight);
}

// The row's values are in place already.
static Status finish_row(RowTable *table, double weight, Slice cluster, Error *err)
{
    TRY(check_weight(weight, err));
    TRY(clusters_index(table->clusters_seen, cluster, &table->clusters[table->n_rows], err));
    table->weights[table->n_rows] = weight;
    table->has_weights |= weight != 1;
    table->n_rows++;
    return STATUS_OK;
}

Status row_table_add(RowTable *table, const Item *item, Error *err)
{
    const MetricPlan *plan = table->plan;
    if (plan->metric->row == NULL) {
        return error_set(err, STATUS_INVALID, "metric %s is scored from whole sets, not from rows",
                         plan->metric->name);
    }
    TRY(reserve_row(table, err));
    double *row = table->values + table->n_rows * plan->width;
    memset(row, 0, plan->width * sizeof *row);
    const ArenaMark mark = arena_mark(&table->scratch);
    Status s = plan->metric->row(plan, item, &table->scratch, row, err);
    arena_rewind(&table->scratch, mark);
    if (s == STATUS_OK) s = finish_row(table, item->weight, item->cluster, err);
    if (s == STATUS_OK) return s;
    return error_wrap(err, "%s: item %zu", plan->metric->name, table->n_rows);
}

Status row_table_add_values(RowTable *table, const double *values, double weight, Slice cluster,
                            Error *err)
{
    TRY(reserve_row(table, err));
    memcpy(table->values + table->n_rows * table->plan->width, values,
           table->plan->width * sizeof *values);
    const Status s = finish_row(table, weight, cluster, err);
    return s == STATUS_OK ? s : error_wrap(err, "row %zu", table->n_rows);
}

Status row_table_append(RowTable *table, const RowTable *other, Error *err)
{
    const size_t width = other->plan->width;
    if (table->plan->metric != other->plan->metric || table->plan->width != width) {
        return error_set(
            err, STATUS_INVALID, "rows of %s (%zu wide) cannot join rows of %s (%zu wide)",
            other->plan->metric->name, width, table->plan->metric->name, table->plan->width);
    }
    if (other->n_rows == 0) return STATUS_OK;
    // Clusters of the other table by index, so that each name is looked up once; nameless ones stay apart.
    const size_t n_clusters = other->clusters_seen->n_clusters;
    uint32_t *indices = reallocarray(NULL, n_clusters, sizeof *indices);
    if (indices == NULL) return error_set_memory(err, n_clusters, sizeof *indices, "clusters");
    Status s = reserve_row(table, err);
    for (size_t c = 0; s == STATUS_OK && c < n_clusters; c++) {
        s = clusters_index(table->clusters_seen, other->clusters_seen->names[c], &indices[c], err);
    }
    for (size_t i = 0; s == STATUS_OK && i < other->n_rows; i++) {
        s = reserve_row(table, err);
        if (s != STATUS_OK) break;
        memcpy(table->values + table->n_rows * width, other->values + i * width,
               width * sizeof *table->values);
        table->weights[table->n_rows] = other->weights[i];
        table->clusters[table->n_rows] = indices[other->clusters[i]];
        table->n_rows++;
    }
    table->has_weights |= other->has_weights;
    free(indices);
    return s;
}

RowSet row_table_rows(const RowTable *table)
{
    const bool is_clustered = table->clusters_seen != NULL && table->clusters_seen->n_named > 0;
    return (RowSet){.values = table->values,
                    .weights = table->has_weights ? table->weights : NULL,
                    .clusters = is_clustered ? table->clusters : NULL,
                    .n_rows = table->n_rows,
                    .n_clusters = is_clustered ? table->clusters_seen->n_clusters : table->n_rows};
}

void row_table_release(RowTable *table)
{
    if (table->clusters_seen != NULL) clusters_release(table->clusters_seen);
    free(table->clusters_seen);
    free(table->values);
    free(table->weights);
    free(table->clusters);
    arena_release(&table->scratch);
    *table = (RowTable){0};
}

typedef struct RowsWork {
    const MetricPlan *plan;
    const Item *items;
    size_t n_items;
    double *values;
    Arena *scratch; // one a worker
} RowsWork;

static Status make_rows(void *context, size_t unit, size_t worker, Error *err)
{
    const RowsWork *w = context;
    const MetricPlan *plan = w->plan;
    Arena *scratch = &w->scratch[worker];
    const size_t end = size_min((unit + 1) * ITEMS_A_UNIT, w->n_items);
    if (scratch->last == NULL) TRY(arena_reserve(scratch, SCRATCH_BYTES, err));
    for (size_t i = unit * ITEMS_A_UNIT; i < end; i++) {
        const ArenaMark mark = arena_mark(scratch);
        Status s = check_weight(w->items[i].weight, err);
        if (s == STATUS_OK) {
            s = plan->metric->row(plan, &w->items[i], scratch, w->values + i * plan->width, err);
        }
        arena_rewind(scratch, mark);
        if (s != STATUS_OK) return error_wrap(err, "%s: item %zu", plan->metric->name, i);
    }
    return STATUS_OK;
}

static bool are_plain(const Item *items, size_t n_items)
{
    for (size_t i = 0; i < n_items; i++) {
        if (items[i].weight != 1 || items[i].cluster.len > 0) return false;
    }
    return true;
}

Status resample_view(const Item *items, size_t n_items, Arena *arena, RowSet *out, Error *err)
{
    double *weights;
    uint32_t *clusters;
    bool has_weights = false;
    *out = (RowSet){.n_rows = n_items, .n_clusters = n_items};
    if (are_plain(items, n_items)) return STATUS_OK;
    TRY(arena_take(arena, n_items, sizeof *weights, "weights", &weights, err));
    TRY(arena_take(arena, n_items, sizeof *clusters, "clusters", &clusters, err));
    ClusterNames names = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n_items; i++) {
        weights[i] = items[i].weight;
        has_weights |= weights[i] != 1;
        s = clusters_index(&names, items[i].cluster, &clusters[i], err);
    }
    const bool is_clustered = names.n_named > 0;
    *out = (RowSet){.weights = has_weights ? weights : NULL,
                    .clusters = is_clustered ? clusters : NULL,
                    .n_rows = n_items,
                    .n_clusters = is_clustered ? names.n_clusters : n_items};
    clusters_release(&names);
    return s;
}

Status rows_of_items(const MetricPlan *plan, const Item *items, size_t n_items, Pool *pool,
                     Arena *arena, RowSet *out, Error *err)
{
    if (plan->metric->row == NULL) {
        return error_set(err, STATUS_INVALID, "metric %s is scored from whole sets, not from rows",
                         plan->metric->name);
    }
    const size_t n_workers = pool_threads(pool);
    RowsWork work = {.plan = plan, .items = items, .n_items = n_items};
    size_t cells;
    if (!size_mul(n_items, plan->width, &cells)) {
        return error_set_memory(err, n_items, plan->width, "rows of a metric");
    }
    TRY(resample_view(items, n_items, arena, out, err));
    TRY(arena_take(arena, cells, sizeof(double), "rows of a metric", &work.values, err));
    work.scratch = calloc(n_workers, sizeof *work.scratch);
    if (work.scratch == NULL) {
        return error_set_memory(err, n_workers, sizeof *work.scratch, "workers");
    }
    const Status s =
        pool_try(pool, (n_items + ITEMS_A_UNIT - 1) / ITEMS_A_UNIT, make_rows, &work, err);
    for (size_t i = 0; i < n_workers; i++) arena_release(&work.scratch[i]);
    free(work.scratch);
    out->values = work.values;
    return s;
}
