// metrics/entity_rows.h: types, sums and rows of entity_f1 in one reading of the tags.
#ifndef ASSAY_METRICS_ENTITY_ROWS_H
#define ASSAY_METRICS_ENTITY_ROWS_H

#include "metrics/entities.h"
#include "metrics/evaluate.h"

// The items' tags by their numbers in one table, a TAG_BETWEEN after each item's: of the reference, of the prediction.
typedef struct TagNumbers {
    TagTable *table;
    const uint8_t *sides[2];
} TagNumbers;

// What entity_f1 scores. All lies in the arena it was read into; the plan borrows from params and tags.
typedef struct EntityReading {
    MetricPlan plan; // its labels are the types found, sorted
    double *sums;    // [plan.width], of all items' weighted rows
    const Item *items;
    size_t n_items;
    TagNumbers numbers;          // table NULL where the tags had to be read the longer way
    NumberedEntity *entities[2]; // of some items at a time
    size_t *columns;             // of the row, by 3 * type + {0 found, 1 predicted, 2 wanted}
    RowSet rows;                 // of the longer way
} EntityReading;

// numbers is NULL where no one has numbered the tags yet. Tags that need it are read the longer way, which also names what is
// wrong.
Status entity_read(const Json *params, const TagReading *reading, const Item *items, size_t n,
                   const TagNumbers *numbers, Arena *arena, EntityReading *out,
                   Error *err) MUST_CHECK;
// The rows that rows_of_items gives for the plan, in the arena.
Status entity_rows(const EntityReading *reading, Arena *arena, RowSet *rows, Error *err) MUST_CHECK;

#endif
