#include "metrics/entity_rows.h"

#include "base/size.h"
#include "metrics/metrics_list.h"
#include "metrics/resample.h"

// What the items have: each one's reference entities, then its predicted ones, end to end.
typedef struct Reading {
    TagTable *table;
    NumberedEntity *entities;
    size_t *ends;                           // [2 * n_items] into entities
    size_t *n_right;                        // tags, by item
    size_t columns[TAG_TABLE_CAPACITY + 1]; // of each type
} Reading;

// False where an item must be read the longer way.
static bool size_items(const Item *items, size_t n, size_t *n_tags, size_t *longest)
{
    *n_tags = *longest = 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i].n_tags != items[i].n_predicted_tags || items[i].weight != 1) return false;
        *n_tags += items[i].n_tags;
        *longest = size_max(*longest, items[i].n_tags);
    }
    return *longest < UINT32_MAX && *n_tags <= SIZE_MAX / 4;
}

static bool read_items(Reading *r, const Item *items, size_t n, uint8_t *gold, uint8_t *pred)
{
    size_t n_entities = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t n_tags = items[i].n_tags;
        if (!tag_table_numbers(r->table, items[i].tags, n_tags, gold)) return false;
        if (!tag_table_numbers(r->table, items[i].predicted_tags, n_tags, pred)) return false;
        n_entities += tag_table_entities(r->table, gold, n_tags, r->entities + n_entities);
        r->ends[2 * i] = n_entities;
        n_entities += tag_table_entities(r->table, pred, n_tags, r->entities + n_entities);
        r->ends[2 * i + 1] = n_entities;
        size_t n_right = 0;
        for (size_t k = 0; k < n_tags; k++) n_right += gold[k] == pred[k];
        r->n_right[i] = n_right;
    }
    return true;
}

// The types that some entity has, sorted.
static Status sort_types(Reading *r, size_t n_items, Arena *arena, Slice **names, size_t *n,
                         Error *err)
{
    bool is_seen[TAG_TABLE_CAPACITY + 1] = {false};
    const size_t n_types = tag_table_n_types(r->table);
    const size_t n_entities = n_items > 0 ? r->ends[2 * n_items - 1] : 0;
    *n = 0;
    TRY(arena_take(arena, n_types, sizeof **names, "entity types", names, err));
    for (size_t e = 0; e < n_entities; e++) is_seen[r->entities[e].type] = true;
    for (size_t t = 0; t < n_types; t++) {
        const Slice name = tag_table_type(r->table, t);
        r->columns[t] = 0;
        for (size_t other = 0; is_seen[t] && other < n_types; other++) {
            r->columns[t] += is_seen[other] && slice_cmp(tag_table_type(r->table, other), name) < 0;
        }
        if (!is_seen[t]) continue;
        (*names)[r->columns[t]] = name;
        ++*n;
    }
    return STATUS_OK;
}

// Ends rise on both sides, and no two entities of a side share one.
static void fill_row(const Reading *r, size_t item, double *row)
{
    size_t a = item > 0 ? r->ends[2 * item - 1] : 0;
    const size_t end_a = r->ends[2 * item], end_b = r->ends[2 * item + 1];
    size_t b = end_a;
    for (size_t i = a; i < end_a; i++) row[3 * r->columns[r->entities[i].type] + 2] += 1;
    for (size_t i = b; i < end_b; i++) row[3 * r->columns[r->entities[i].type] + 1] += 1;
    while (a < end_a && b < end_b) {
        const NumberedEntity *wanted = &r->entities[a], *found = &r->entities[b];
        if (wanted->end == found->end && wanted->begin == found->begin &&
            wanted->type == found->type) {
            row[3 * r->columns[wanted->type]] += 1;
        }
        a += wanted->end <= found->end;
        b += found->end <= wanted->end;
    }
}

static Status read_shortly(const TagReading *reading, const Item *items, size_t n, Arena *arena,
                           Reading *out, bool *is_read, Error *err)
{
    size_t n_tags, longest;
    uint8_t *gold, *pred;
    *is_read = size_items(items, n, &n_tags, &longest);
    if (!*is_read) return STATUS_OK;
    TRY(tag_table_new(*reading, arena, &out->table, err));
    TRY(arena_take_raw(arena, 2 * n_tags, sizeof *out->entities, "entities", &out->entities, err));
    TRY(arena_take_raw(arena, n, 2 * sizeof *out->ends, "entities", &out->ends, err));
    TRY(arena_take_raw(arena, n, sizeof *out->n_right, "tags", &out->n_right, err));
    TRY(arena_take_raw(arena, longest, 1, "tags", &gold, err));
    TRY(arena_take_raw(arena, longest, 1, "tags", &pred, err));
    *is_read = read_items(out, items, n, gold, pred);
    return STATUS_OK;
}

static Status fill_rows(const Reading *r, const MetricPlan *plan, const Item *items, size_t n,
                        Arena *arena, RowSet *rows, Error *err)
{
    double *values;
    TRY(resample_view(items, n, arena, rows, err));
    TRY(arena_take(arena, n, plan->width * sizeof *values, "rows of a metric", &values, err));
    for (size_t i = 0; i < n; i++) {
        double *row = values + i * plan->width;
        fill_row(r, i, row);
        row[plan->width - 2] = (double)r->n_right[i];
        row[plan->width - 1] = (double)items[i].n_tags;
    }
    rows->values = values;
    return STATUS_OK;
}

Status entity_rows(const Json *params, const TagReading *reading, const Item *items, size_t n,
                   Arena *arena, MetricPlan *plan, RowSet *rows, Error *err)
{
    MetricSetup setup = {.params = params};
    Reading read = {0};
    Slice *labels;
    bool is_read;
    TRY(metric_plan(&metric_entity_f1, &setup, arena, plan, err)); // checks params first
    TRY(read_shortly(reading, items, n, arena, &read, &is_read, err));
    if (is_read) {
        TRY(sort_types(&read, n, arena, &labels, &setup.n_labels, err));
    } else {
        TRY(metric_entity_f1.find_labels(&setup, items, n, arena, &labels, &setup.n_labels, err));
    }
    setup.labels = labels;
    TRY(metric_plan(&metric_entity_f1, &setup, arena, plan, err));
    if (is_read) return fill_rows(&read, plan, items, n, arena, rows, err);
    return rows_of_items(plan, items, n, NULL, arena, rows, err);
}
