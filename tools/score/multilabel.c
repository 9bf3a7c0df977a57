// Scores of several labels at once, as scikit-learn gives them.
#include "metrics/metrics_list.h"
#include "tools/score/items.h"
#include "tools/score/table.h"

// The names of a list of lists, numbered as they come.
static Status collect_names(const Json *rows, ClusterNames *names, Error *err)
{
    int32_t ignored;
    for (const Json *row = json_first(rows); row != NULL; row = json_next(row)) {
        if (json_kind(row) != JSON_ARRAY)
            return json_error(row, err, "must be a list of the labels that hold, not %s",
                              json_kind_name(json_kind(row)));
        for (const Json *v = json_first(row); v != NULL; v = json_next(v)) {
            if (json_kind(v) == JSON_NULL) return json_error(v, err, "is no label");
            TRY(score_value_index(names, v, &ignored, err));
        }
    }
    return STATUS_OK;
}

static Status read_set(const ScoreCase *c, const ScoreLabels *labels, const Json *row,
                       const int32_t **out, size_t *n, Error *err)
{
    int32_t *held = NULL;
    *n = 0;
    TRY(arena_take(c->arena, json_len(row), sizeof *held, "labels", &held, err));
    for (const Json *v = json_first(row); v != NULL; v = json_next(v)) {
        TRY(score_label_index(labels, v, &held[*n], err));
        size_t k = 0;
        while (k < *n && held[k] != held[*n]) k++;
        *n += k == *n; // said twice is said once
    }
    *out = held;
    return STATUS_OK;
}

// "prob": a list of probabilities a row, in the order of the labels.
static Status read_probabilities(const ScoreCase *c, const ScoreLabels *labels, size_t n,
                                 Item *items, Error *err)
{
    const Json *rows = json_get(c->root, "prob");
    size_t i = 0;
    if (rows == NULL) return STATUS_OK;
    TRY(score_want_rows(c, "prob", &rows, err));
    if (json_len(rows) != n)
        return json_error(rows, err, "has %zu items, but \"gold\" has %zu", json_len(rows), n);
    for (const Json *row = json_first(rows); row != NULL; row = json_next(row), i++) {
        double *values = NULL;
        size_t k = 0;
        if (json_kind(row) != JSON_ARRAY || json_len(row) != labels->n)
            return json_error(row, err, "must be a list of %zu probabilities, one a label",
                              labels->n);
        TRY(arena_take(c->arena, labels->n, sizeof *values, "probabilities", &values, err));
        for (const Json *v = json_first(row); v != NULL; v = json_next(v))
            TRY(json_as_double(v, 0, 1, &values[k++], err));
        items[i].probabilities = values;
        items[i].n_classes = labels->n;
    }
    return STATUS_OK;
}

// The last two want probabilities.
static const Metric *const metrics[] = {&metric_multilabel_f1,
                                        &metric_multilabel_precision,
                                        &metric_multilabel_recall,
                                        &metric_multilabel_jaccard,
                                        &metric_subset_accuracy,
                                        &metric_hamming_loss,
                                        &metric_multilabel_average_precision,
                                        &metric_multilabel_auc,
                                        NULL};
enum { N_METRICS = sizeof metrics / sizeof *metrics - 1, N_OF_PROBABILITIES = 2 };

static Status answer(const ScoreCase *c, ClusterNames *names, JsonWriter *w, Error *err)
{
    ScoreItems all = {.params = c->params, .arena = c->arena};
    const Json *gold, *pred;
    ScoreLabels labels;
    Item *items;
    TRY(score_interval_of_case(c, &all.interval, err));
    TRY(score_want_rows(c, "gold", &gold, err));
    TRY(score_want_rows(c, "pred", &pred, err));
    all.n = json_len(gold);
    if (json_len(pred) != all.n)
        return json_error(pred, err, "has %zu items, but \"gold\" has %zu", json_len(pred), all.n);
    TRY(collect_names(gold, names, err));
    TRY(collect_names(pred, names, err));
    TRY(score_find_labels(c, names, &labels, err));
    TRY(arena_take(c->arena, all.n, sizeof *items, "items", &items, err));
    const Json *g = json_first(gold), *p = json_first(pred);
    for (size_t i = 0; i < all.n; i++, g = json_next(g), p = json_next(p)) {
        items[i] = item_empty();
        TRY(read_set(c, &labels, g, &items[i].held, &items[i].n_held, err));
        TRY(read_set(c, &labels, p, &items[i].predicted_held, &items[i].n_predicted_held, err));
    }
    TRY(read_probabilities(c, &labels, all.n, items, err));
    all.items = items;
    all.setup = (MetricSetup){.labels = labels.names, .n_labels = labels.n};
    const bool has_probabilities = items[0].probabilities != NULL;
    return score_put_metrics(
        &all, metrics, N_METRICS - (has_probabilities ? 0 : N_OF_PROBABILITIES), NULL, w, err);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    ClusterNames names = {0};
    const Status s = answer(c, &names, w, err);
    clusters_release(&names);
    return s;
}

static Status run_files(CommandLine *line, Error *err)
{
    static const TableSpec spec = {.metrics = metrics, .kind = TABLE_LABEL_SETS};
    return table_files_run(line, &spec, err);
}

static const char *const options[] = {TABLE_FILE_OPTIONS, "sep", "threshold", NULL};

const ScoreFamily score_multilabel = {
    .name = "multilabel",
    .summary = "F, precision, recall, Jaccard, exact sets, mean average precision of label sets",
    .fields = "A case is {\"gold\": [[labels], ..], \"pred\": [[labels], ..], \"prob\": [[a "
              "probability a label], ..]?, \"labels\": [..]?, \"params\": {average, zero_division, "
              "beta}, \"interval\"}.",
    .run_case = run_case,
    .run_files = run_files,
    .options = options,
};
