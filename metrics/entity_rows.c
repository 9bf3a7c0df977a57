#include "metrics/entity_rows.h"

#include <string.h>

#include "base/size.h"
#include "metrics/metrics_list.h"
#include "metrics/resample.h"

enum { PART_FOUND, PART_PREDICTED, PART_WANTED, N_PARTS };
enum { N_TOTALS = N_PARTS * (TAG_TABLE_CAPACITY + 1) };

// How many numbers the items' tags take. False where they must be read the longer way.
static bool count_numbers(const Item *items, size_t n, size_t *n_numbers)
{
    *n_numbers = n;
    for (size_t i = 0; i < n; i++) {
        if (items[i].n_tags != items[i].n_predicted_tags || items[i].weight != 1) return false;
        *n_numbers += items[i].n_tags;
    }
    return *n_numbers < UINT32_MAX;
}

static Status number_items(const TagReading *reading, const Item *items, size_t n, size_t n_numbers,
                           Arena *arena, TagNumbers *out, bool *is_numbered, Error *err)
{
    TRY(tag_table_new(*reading, arena, &out->table, err));
    *is_numbered = true;
    for (size_t k = 0; k < 2; k++) {
        uint8_t *side;
        TRY(arena_take_raw(arena, n_numbers, sizeof *side, "tags", &side, err));
        out->sides[k] = side;
        for (size_t i = 0; *is_numbered && i < n; i++) {
            const Slice *tags = k == 0 ? items[i].tags : items[i].predicted_tags;
            *is_numbered = tag_table_numbers(out->table, tags, items[i].n_tags, side);
            side += items[i].n_tags;
            *side++ = TAG_BETWEEN;
        }
    }
    return STATUS_OK;
}

// Adds to totals what stands in some items' numbers.
static void total_entities(const EntityReading *r, size_t begin, size_t n_numbers, size_t *totals)
{
    const NumberedEntity *ends[2];
    for (size_t k = 0; k < 2; k++) {
        const size_t column = k == 0 ? PART_WANTED : PART_PREDICTED;
        const NumberedEntity *e = r->entities[k];
        ends[k] = e + tag_table_entities(r->numbers.table, r->numbers.sides[k] + begin, n_numbers,
                                         r->entities[k]);
        for (; e < ends[k]; e++) totals[(size_t)N_PARTS * e->type + column]++;
    }
    // Ends rise on both sides, and no two entities of a side share one.
    const NumberedEntity *a = r->entities[0], *b = r->entities[1];
    while (a < ends[0] && b < ends[1]) {
        const size_t end_a = a->end, end_b = b->end;
        const bool is_same = (end_a == end_b) & (a->begin == b->begin) & (a->type == b->type);
        totals[(size_t)N_PARTS * a->type + PART_FOUND] += is_same;
        a += end_a <= end_b;
        b += end_b <= end_a;
    }
}

// Whole items of some thousands of numbers at a time: entities then stay in the fastest memory.
static Status total_items(EntityReading *r, Arena *arena, size_t *totals, Error *err)
{
    enum { AT_ONCE = 2048 };
    size_t longest = AT_ONCE;
    for (size_t i = 0; i < r->n_items; i++) longest = size_max(longest, r->items[i].n_tags + 1);
    for (size_t k = 0; k < 2; k++) {
        TRY(arena_take_raw(arena, longest + 1, sizeof(NumberedEntity), "entities", &r->entities[k],
                           err));
    }
    size_t begin = 0, n_numbers = 0;
    for (size_t i = 0; i < r->n_items; i++) {
        const size_t n_more = r->items[i].n_tags + 1;
        if (n_numbers + n_more > longest) {
            total_entities(r, begin, n_numbers, totals);
            begin += n_numbers;
            n_numbers = 0;
        }
        n_numbers += n_more;
    }
    total_entities(r, begin, n_numbers, totals);
    return STATUS_OK;
}

// The types that some entity has, sorted, and the columns of theirs.
static Status sort_types(EntityReading *r, const size_t *totals, Arena *arena, Slice **names,
                         size_t *n, Error *err)
{
    const TagTable *table = r->numbers.table;
    const size_t n_types = tag_table_n_types(table);
    *n = 0;
    TRY(arena_take(arena, n_types, sizeof **names, "entity types", names, err));
    for (size_t t = 0; t < n_types; t++) {
        const Slice name = tag_table_type(table, t);
        size_t place = 0;
        if (totals[N_PARTS * t + PART_WANTED] + totals[N_PARTS * t + PART_PREDICTED] == 0) continue;
        for (size_t o = 0; o < n_types; o++) {
            const size_t seen =
                totals[N_PARTS * o + PART_WANTED] + totals[N_PARTS * o + PART_PREDICTED];
            place += seen > 0 && slice_cmp(tag_table_type(table, o), name) < 0;
        }
        for (size_t k = 0; k < N_PARTS; k++) r->columns[N_PARTS * t + k] = N_PARTS * place + k;
        (*names)[place] = name;
        ++*n;
    }
    return STATUS_OK;
}

// Numbers that are the same on both sides; what stands after each item is.
static size_t count_same(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t n_same = 0;
    for (size_t i = 0; i < n; i++) n_same += a[i] == b[i];
    return n_same;
}

static Status read_numbers(EntityReading *r, size_t n_numbers, Arena *arena, MetricSetup *setup,
                           Error *err)
{
    size_t totals[N_TOTALS] = {0};
    Slice *labels;
    const size_t n_totals = N_PARTS * tag_table_n_types(r->numbers.table);
    TRY(arena_take(arena, n_totals, sizeof *r->columns, "entity types", &r->columns, err));
    TRY(total_items(r, arena, totals, err));
    TRY(sort_types(r, totals, arena, &labels, &setup->n_labels, err));
    setup->labels = labels;
    TRY(metric_plan(&metric_entity_f1, setup, arena, &r->plan, err));
    TRY(arena_take(arena, r->plan.width, sizeof *r->sums, "sums", &r->sums, err));
    for (size_t k = 0; k < n_totals; k++) {
        if (totals[k] > 0) r->sums[r->columns[k]] = (double)totals[k];
    }
    const size_t n_same = count_same(r->numbers.sides[0], r->numbers.sides[1], n_numbers);
    r->sums[r->plan.width - 2] = (double)(n_same - r->n_items);
    r->sums[r->plan.width - 1] = (double)(n_numbers - r->n_items);
    return STATUS_OK;
}

static Status read_at_length(EntityReading *r, MetricSetup *setup, Arena *arena, Error *err)
{
    Slice *labels;
    TRY(metric_entity_f1.find_labels(setup, r->items, r->n_items, arena, &labels, &setup->n_labels,
                                     err));
    setup->labels = labels;
    TRY(metric_plan(&metric_entity_f1, setup, arena, &r->plan, err));
    TRY(rows_of_items(&r->plan, r->items, r->n_items, NULL, arena, &r->rows, err));
    TRY(arena_take(arena, r->plan.width, sizeof *r->sums, "sums", &r->sums, err));
    row_sums(&r->rows, r->plan.width, r->sums);
    return STATUS_OK;
}

Status entity_read(const Json *params, const TagReading *reading, const Item *items, size_t n,
                   const TagNumbers *numbers, Arena *arena, EntityReading *out, Error *err)
{
    MetricSetup setup = {.params = params};
    size_t n_numbers;
    *out = (EntityReading){.items = items, .n_items = n};
    TRY(metric_plan(&metric_entity_f1, &setup, arena, &out->plan, err)); // checks params first
    bool is_numbered = count_numbers(items, n, &n_numbers);
    if (is_numbered && numbers != NULL) {
        out->numbers = *numbers;
    } else if (is_numbered) {
        TRY(number_items(reading, items, n, n_numbers, arena, &out->numbers, &is_numbered, err));
    }
    if (is_numbered) return read_numbers(out, n_numbers, arena, &setup, err);
    out->numbers.table = NULL;
    return read_at_length(out, &setup, arena, err);
}

Status entity_rows(const EntityReading *reading, Arena *arena, RowSet *rows, Error *err)
{
    const size_t n = reading->n_items, width = reading->plan.width;
    const uint8_t *const *sides = reading->numbers.sides;
    double *values;
    if (reading->numbers.table == NULL) {
        *rows = reading->rows;
        return STATUS_OK;
    }
    const size_t n_totals = N_PARTS * tag_table_n_types(reading->numbers.table);
    TRY(resample_view(reading->items, n, arena, rows, err));
    TRY(arena_take(arena, n, width * sizeof *values, "rows of a metric", &values, err));
    for (size_t i = 0, at = 0; i < n; i++) {
        size_t totals[N_TOTALS];
        double *row = values + i * width;
        const size_t n_tags = reading->items[i].n_tags;
        memset(totals, 0, n_totals * sizeof *totals);
        total_entities(reading, at, n_tags, totals);
        for (size_t k = 0; k < n_totals; k++) {
            if (totals[k] > 0) row[reading->columns[k]] = (double)totals[k];
        }
        row[width - 2] = (double)count_same(sides[0] + at, sides[1] + at, n_tags);
        row[width - 1] = (double)n_tags;
        at += n_tags + 1;
    }
    rows->values = values;
    return STATUS_OK;
}
