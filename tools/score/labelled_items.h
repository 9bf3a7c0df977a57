// tools/score/labelled_items.h: items with labels, scored by metrics of the library one after another.
#ifndef ASSAY_TOOLS_SCORE_LABELLED_ITEMS_H
#define ASSAY_TOOLS_SCORE_LABELLED_ITEMS_H

#include "metrics/evaluate.h"
#include "metrics/metrics_list.h"
#include "tools/score/case_json.h"

typedef struct LabelledItems {
    const Slice *labels;
    size_t n_labels;
    Item *items; // in the arena
    size_t n;
    Arena *arena;
} LabelledItems;

// Items as empty as item_empty(), in the arena.
Status items_take(LabelledItems *items, size_t n, Error *err) MUST_CHECK;
// All scores of a metric, in the arena; params is JSON text or NULL. An error names the item and what it lacks.
Status items_score(const LabelledItems *items, const Metric *metric, const char *params,
                   double **scores, Error *err) MUST_CHECK;
// The same, score 0 alone.
Status items_score_first(const LabelledItems *items, const Metric *metric, const char *params,
                         double *score, Error *err) MUST_CHECK;
// A metric made ready, with the rows of the items: for what wants more than scores.
Status items_rows(const LabelledItems *items, const Metric *metric, const char *params,
                  MetricPlan *plan, RowSet *rows, Error *err) MUST_CHECK;
// The names "0", "1", .. of n classes, in the arena.
Status items_name_classes(LabelledItems *items, size_t n_labels, Error *err) MUST_CHECK;

#endif
