#include "tools/score/labelled_items.h"

Status items_take(LabelledItems *items, size_t n, Error *err)
{
    TRY(arena_take(items->arena, n, sizeof *items->items, "items", &items->items, err));
    items->n = n;
    for (size_t i = 0; i < n; i++) items->items[i] = item_empty();
    return STATUS_OK;
}

Status items_rows(const LabelledItems *items, const Metric *metric, const char *params,
                  MetricPlan *plan, RowSet *rows, Error *err)
{
    JsonDocument *document = NULL;
    if (params != NULL)
        TRY(json_parse(SLICE("params"), slice_from_cstr(params), JSON_STRICT, &document, err));
    const MetricSetup setup = {.labels = items->labels,
                               .n_labels = items->n_labels,
                               .params = document != NULL ? json_root(document) : NULL};
    Status s = metric_plan(metric, &setup, items->arena, plan, err);
    if (s == STATUS_OK)
        s = rows_of_items(plan, items->items, items->n, NULL, items->arena, rows, err);
    plan->setup.params = NULL; // read by now
    json_close(&document);
    return s;
}

Status items_score(const LabelledItems *items, const Metric *metric, const char *params,
                   double **scores, Error *err)
{
    MetricPlan plan;
    RowSet rows;
    TRY(items_rows(items, metric, params, &plan, &rows, err));
    TRY(arena_take(items->arena, plan.n_scores, sizeof **scores, "scores", scores, err));
    return estimates_of_rows(&plan, &rows, NULL, *scores, err);
}

Status items_score_first(const LabelledItems *items, const Metric *metric, const char *params,
                         double *score, Error *err)
{
    double *scores;
    TRY(items_score(items, metric, params, &scores, err));
    *score = scores[0];
    return STATUS_OK;
}

Status items_name_classes(LabelledItems *items, size_t n_labels, Error *err)
{
    Slice *labels;
    TRY(arena_take(items->arena, n_labels, sizeof *labels, "labels", &labels, err));
    for (size_t i = 0; i < n_labels; i++) {
        const char *name = arena_printf(items->arena, "%zu", i);
        if (name == NULL) return error_set_memory(err, n_labels, sizeof *labels, "labels");
        labels[i] = slice_from_cstr(name);
    }
    items->labels = labels;
    items->n_labels = n_labels;
    return STATUS_OK;
}
