#include "metrics/entity_rows.h"

#include "base/size.h"
#include "metrics/metrics_list.h"
#include "metrics/resample.h"

enum { N_COUNTS = 3 * (TAG_TABLE_CAPACITY + 1) };

// What each item adds to its row: 3 * type + {0 found, 1 predicted, 2 wanted}, end to end.
typedef struct Reading {
    TagTable *table;
    uint8_t *numbers[2];         // of one item's tags: reference, prediction
    NumberedEntity *entities[2]; // of one item
    uint16_t *counts;
    size_t *ends;             // [n_items] into counts
    size_t *n_right;          // tags, by item
    size_t columns[N_COUNTS]; // of the row, by count
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
    return *longest < UINT32_MAX && *n_tags <= SIZE_MAX / 8;
}

// Ends rise on both sides, and no two entities of a side share one.
static size_t count_entities(const Reading *r, const size_t n[2], uint16_t *out)
{
    const NumberedEntity *wanted = r->entities[0], *found = r->entities[1];
    size_t n_counts = 0;
    for (size_t a = 0; a < n[0]; a++) out[n_counts++] = (uint16_t)(3 * wanted[a].type + 2);
    for (size_t b = 0; b < n[1]; b++) out[n_counts++] = (uint16_t)(3 * found[b].type + 1);
    for (size_t a = 0, b = 0; a < n[0] && b < n[1];) {
        const size_t end_a = wanted[a].end, end_b = found[b].end;
        const bool is_same =
            end_a == end_b && wanted[a].begin == found[b].begin && wanted[a].type == found[b].type;
        if (is_same) out[n_counts++] = (uint16_t)(3 * wanted[a].type);
        a += end_a <= end_b;
        b += end_b <= end_a;
    }
    return n_counts;
}

static bool read_items(Reading *r, const Item *items, size_t n)
{
    size_t n_counts = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t n_tags = items[i].n_tags;
        const Slice *const sides[2] = {items[i].tags, items[i].predicted_tags};
        size_t n_entities[2], n_right = 0;
        for (size_t k = 0; k < 2; k++) {
            if (!tag_table_numbers(r->table, sides[k], n_tags, r->numbers[k])) return false;
            n_entities[k] = tag_table_entities(r->table, r->numbers[k], n_tags, r->entities[k]);
        }
        n_counts += count_entities(r, n_entities, r->counts + n_counts);
        for (size_t k = 0; k < n_tags; k++) n_right += r->numbers[0][k] == r->numbers[1][k];
        r->ends[i] = n_counts;
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
    const size_t n_counts = n_items > 0 ? r->ends[n_items - 1] : 0;
    *n = 0;
    TRY(arena_take(arena, n_types, sizeof **names, "entity types", names, err));
    for (size_t c = 0; c < n_counts; c++) is_seen[r->counts[c] / 3] = true;
    for (size_t t = 0; t < n_types; t++) {
        const Slice name = tag_table_type(r->table, t);
        size_t place = 0;
        for (size_t other = 0; is_seen[t] && other < n_types; other++) {
            place += is_seen[other] && slice_cmp(tag_table_type(r->table, other), name) < 0;
        }
        for (size_t k = 0; k < 3; k++) r->columns[3 * t + k] = 3 * place + k;
        if (!is_seen[t]) continue;
        (*names)[place] = name;
        ++*n;
    }
    return STATUS_OK;
}

static Status read_shortly(const TagReading *reading, const Item *items, size_t n, Arena *arena,
                           Reading *out, bool *is_read, Error *err)
{
    size_t n_tags, longest;
    *is_read = size_items(items, n, &n_tags, &longest);
    if (!*is_read) return STATUS_OK;
    TRY(tag_table_new(*reading, arena, &out->table, err));
    TRY(arena_take_raw(arena, n_tags, 3 * sizeof *out->counts, "entities", &out->counts, err));
    TRY(arena_take_raw(arena, n, sizeof *out->ends, "entities", &out->ends, err));
    TRY(arena_take_raw(arena, n, sizeof *out->n_right, "tags", &out->n_right, err));
    for (size_t k = 0; k < 2; k++) {
        TRY(arena_take_raw(arena, longest, 1, "tags", &out->numbers[k], err));
        TRY(arena_take_raw(arena, longest + 1, sizeof(NumberedEntity), "entities",
                           &out->entities[k], err));
    }
    *is_read = read_items(out, items, n);
    return STATUS_OK;
}

static Status fill_rows(const Reading *r, const MetricPlan *plan, const Item *items, size_t n,
                        Arena *arena, RowSet *rows, Error *err)
{
    double *values;
    TRY(resample_view(items, n, arena, rows, err));
    TRY(arena_take(arena, n, plan->width * sizeof *values, "rows of a metric", &values, err));
    for (size_t i = 0, c = 0; i < n; i++) {
        double *row = values + i * plan->width;
        for (; c < r->ends[i]; c++) row[r->columns[r->counts[c]]] += 1;
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
