// assay score fairness, flip-rate: differences between groups, and answers that change with the group.
#include <math.h>
#include <stddef.h>

#include "metrics/group_gaps.h"
#include "metrics/metrics_list.h"
#include "tools/score/items.h"

static const char *const own_params[] = {"metric", NULL};

// Names of all classes in the columns, each a list of the case.
static Status collect_classes(const ScoreCase *c, const char *const *columns, size_t n_columns,
                              size_t *n_items, ClusterNames *names, Error *err)
{
    for (size_t k = 0; k < n_columns; k++) {
        const Json *column;
        TRY(score_want_rows(c, columns[k], &column, err));
        if (k == 0) *n_items = json_len(column);
        if (json_len(column) != *n_items) {
            return json_error(column, err, "has %zu items, but \"%s\" has %zu", json_len(column),
                              columns[0], *n_items);
        }
        for (const Json *v = json_first(column); v != NULL; v = json_next(v)) {
            int32_t index;
            TRY(score_value_index(names, v, &index, err));
        }
    }
    return STATUS_OK;
}

typedef struct LabelColumn {
    const char *key;
    size_t field; // offset of an int32_t in Item
} LabelColumn;

// Items of two columns of classes, equally long; setup has the labels. In the case's arena.
static Status read_labels(const ScoreCase *c, const LabelColumn columns[2], ClusterNames *classes,
                          ScoreItems *out, Item **items, Error *err)
{
    const char *const keys[] = {columns[0].key, columns[1].key};
    ScoreLabels labels;
    Item *all;
    TRY(score_interval_of_case(c, &out->interval, err));
    TRY(collect_classes(c, keys, 2, &out->n, classes, err));
    TRY(score_find_labels(c, classes, &labels, err));
    TRY(arena_take(c->arena, out->n, sizeof *all, "items", &all, err));
    for (size_t i = 0; i < out->n; i++) all[i] = item_empty();
    for (size_t k = 0; k < 2; k++) {
        const Json *value = json_first(json_get(c->root, keys[k]));
        for (size_t i = 0; i < out->n; i++, value = json_next(value)) {
            int32_t *place = (int32_t *)((char *)&all[i] + columns[k].field);
            TRY(score_label_index(&labels, value, place, err));
        }
    }
    out->params = c->params;
    out->arena = c->arena;
    out->items = *items = all;
    out->setup = (MetricSetup){.labels = labels.names, .n_labels = labels.n};
    return STATUS_OK;
}

static Status read_groups(const ScoreCase *c, size_t n, ClusterNames *groups, Item *items,
                          Error *err)
{
    const Json *column;
    size_t i = 0;
    TRY(score_want_rows(c, "groups", &column, err));
    if (json_len(column) != n) {
        return json_error(column, err, "has %zu items, but \"gold\" has %zu", json_len(column), n);
    }
    for (const Json *v = json_first(column); v != NULL; v = json_next(v))
        TRY(score_value_index(groups, v, &items[i++].group, err));
    return STATUS_OK;
}

static void put_score(JsonWriter *w, const char *key, const Score *score)
{
    json_member_object(w, key);
    json_member_double(w, "score", score->estimate);
    json_member_double(w, "low", score->lo);
    json_member_double(w, "high", score->hi);
    json_end_object(w);
}

static void put_gaps(JsonWriter *w, const Metric *metric, const GroupGaps *gaps,
                     const Slice *groups)
{
    json_member_object(w, "gaps");
    json_member_string(w, "metric", slice_from_cstr(metric->name));
    json_member_object(w, "groups");
    for (size_t g = 0; g < gaps->n_groups; g++) {
        json_put_key_slice(w, groups[g]);
        json_begin_object(w);
        json_member_double(w, "score", gaps->groups[g].estimate);
        json_member_double(w, "low", gaps->groups[g].lo);
        json_member_double(w, "high", gaps->groups[g].hi);
        json_member_u64(w, "n", gaps->groups[g].n);
        json_end_object(w);
    }
    json_end_object(w);
    put_score(w, "gap", &gaps->gap);
    put_score(w, "ratio", &gaps->ratio);
    put_score(w, "worst", &gaps->worst);
    if (gaps->worst_group != SIZE_MAX)
        json_member_string(w, "worst_group", groups[gaps->worst_group]);
    json_member_double(w, "p", gaps->p);
    json_end_object(w);
}

static Status find_metric(const Json *params, const Metric **out, Error *err)
{
    Slice name = SLICE("accuracy");
    *out = &metric_accuracy;
    if (params == NULL) return STATUS_OK;
    TRY(json_opt_string(params, "metric", &name, err));
    *out = metric_find(name);
    const bool fits = *out != NULL && (*out)->needs == NEEDS_LABELS;
    if (fits) return STATUS_OK;
    const char *near = *out == NULL ? metric_nearest(name) : NULL;
    return json_error(json_get(params, "metric"), err,
                      "\"" SLICE_FMT "\" is no metric of labels alone%s%s%s", SLICE_ARG(name),
                      near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                      near != NULL ? "\"?" : ", such as accuracy, f1 or recall");
}

static Status score_gaps(const ScoreItems *all, JsonWriter *w, Error *err)
{
    const Metric *metric;
    MetricPlan plan;
    MetricSetup setup = all->setup;
    RowSet rows;
    GroupGaps gaps;
    int32_t *groups;
    TRY(find_metric(all->params, &metric, err));
    setup.params = NULL;
    TRY(metric_plan(metric, &setup, all->arena, &plan, err));
    TRY(rows_of_items(&plan, all->items, all->n, NULL, all->arena, &rows, err));
    TRY(arena_take(all->arena, all->n, sizeof *groups, "groups", &groups, err));
    for (size_t i = 0; i < all->n; i++) groups[i] = all->items[i].group;
    TRY(group_gaps(&plan, 0, &rows, groups, setup.groups, setup.n_groups, &all->interval,
                   all->arena, &gaps, err));
    put_gaps(w, metric, &gaps, setup.groups);
    return STATUS_OK;
}

static Status answer(const ScoreCase *c, ClusterNames *classes, ClusterNames *groups, JsonWriter *w,
                     Error *err)
{
    static const LabelColumn columns[] = {{"gold", offsetof(Item, label)},
                                          {"pred", offsetof(Item, predicted)}};
    static const Metric *const metrics[] = {&metric_demographic_parity, &metric_equal_opportunity,
                                            &metric_equalized_odds};
    ScoreItems all = {0};
    Item *items;
    TRY(read_labels(c, columns, classes, &all, &items, err));
    TRY(read_groups(c, all.n, groups, items, err));
    all.setup.groups = groups->names;
    all.setup.n_groups = groups->n_clusters;
    // Parity asks which class is the positive one: the second of two, or the one named.
    const bool has_positive = all.setup.n_labels == 2 || json_get(c->params, "positive") != NULL;
    TRY(score_put_metrics(&all, metrics, has_positive ? 3 : 0, own_params, w, err));
    return score_gaps(&all, w, err);
}

static Status run_fairness(const ScoreCase *c, JsonWriter *w, Error *err)
{
    ClusterNames classes = {0}, groups = {0};
    const Status s = answer(c, &classes, &groups, w, err);
    clusters_release(&classes);
    clusters_release(&groups);
    return s;
}

static Status answer_flips(const ScoreCase *c, ClusterNames *classes, JsonWriter *w, Error *err)
{
    static const LabelColumn columns[] = {{"pred", offsetof(Item, predicted)},
                                          {"counterfactual", offsetof(Item, counterfactual)}};
    const Metric *const metric = &metric_flip_rate;
    ScoreItems all = {0};
    Item *items;
    TRY(read_labels(c, columns, classes, &all, &items, err));
    return score_put_metrics(&all, &metric, 1, NULL, w, err);
}

static Status run_flips(const ScoreCase *c, JsonWriter *w, Error *err)
{
    ClusterNames classes = {0};
    const Status s = answer_flips(c, &classes, w, err);
    clusters_release(&classes);
    return s;
}

const ScoreFamily score_fairness = {
    .name = "fairness",
    .summary = "differences between groups: parity, opportunity, odds, and any metric's gaps",
    .fields =
        "{\"gold\": [classes], \"pred\": [classes], \"groups\": [names], \"labels\", \"params\": "
        "{positive, metric: of labels, accuracy by default}, \"interval\"} gives "
        "{\"demographic_parity\", \"equal_opportunity\", \"equalized_odds\" (differences, with "
        "/ratio and the rates by group), \"gaps\": {\"groups\", \"gap\", \"ratio\", \"worst\", "
        "\"worst_group\", \"p\"}}; a null group is left out, a null prediction is no answer",
    .run_case = run_fairness,
};

const ScoreFamily score_flip_rate = {
    .name = "flip-rate",
    .summary = "share of answers that change when the group in the text is swapped",
    .fields = "{\"pred\": [classes], \"counterfactual\": [classes], \"interval\"} gives "
              "{\"flip_rate\", \"intervals\", \"signatures\"}",
    .run_case = run_flips,
};
