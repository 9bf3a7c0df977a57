// metrics/entity_rows.h: types and rows of entity_f1 in one reading of the tags.
#ifndef ASSAY_METRICS_ENTITY_ROWS_H
#define ASSAY_METRICS_ENTITY_ROWS_H

#include "metrics/entities.h"
#include "metrics/evaluate.h"

// The plan, whose labels are the types found, and the rows that rows_of_items gives for it, in the arena. The plan
// borrows from params and tags. Tags that need it are read the longer way, which also names what is wrong.
Status entity_rows(const Json *params, const TagReading *reading, const Item *items, size_t n,
                   Arena *arena, MetricPlan *plan, RowSet *rows, Error *err) MUST_CHECK;

#endif
