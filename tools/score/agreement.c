// assay score agreement: Krippendorff's alpha, Fleiss' kappa and, for two raters, Cohen's.
#include "metrics/metrics_list.h"
#include "tools/score/items.h"

static Status collect_names(const Json *ratings, ClusterNames *names, Error *err)
{
    for (const Json *item = json_first(ratings); item != NULL; item = json_next(item)) {
        if (json_kind(item) != JSON_ARRAY) {
            return json_error(item, err, "must be the ratings of one item, a list, not %s",
                              json_kind_name(json_kind(item)));
        }
        for (const Json *v = json_first(item); v != NULL; v = json_next(v)) {
            int32_t index;
            TRY(score_value_index(names, v, &index, err));
        }
    }
    return STATUS_OK;
}

static Status read_ratings(const Json *array, const ScoreLabels *labels, Arena *arena, Item *items,
                           bool *are_pairs, Error *err)
{
    size_t n = 0;
    *are_pairs = true;
    for (const Json *v = json_first(array); v != NULL; v = json_next(v)) {
        Item *item = &items[n++];
        int32_t *ratings;
        *item = item_empty();
        if (json_kind(v) != JSON_ARRAY) {
            return json_error(v, err, "must be the ratings of one item, a list, not %s",
                              json_kind_name(json_kind(v)));
        }
        TRY(arena_take(arena, json_len(v), sizeof *ratings, "ratings", &ratings, err));
        for (const Json *r = json_first(v); r != NULL; r = json_next(r)) {
            TRY(score_label_index(labels, r, &ratings[item->n_ratings], err));
            *are_pairs &= ratings[item->n_ratings++] != ITEM_NO_LABEL;
        }
        *are_pairs &= item->n_ratings == 2;
        item->ratings = ratings;
    }
    return STATUS_OK;
}

static Status answer(const ScoreCase *c, const Json *ratings, ClusterNames *names, JsonWriter *w,
                     Error *err)
{
    static const Metric *const metrics[] = {&metric_krippendorff_alpha, &metric_fleiss_kappa,
                                            &metric_cohen_kappa};
    static const char *const own[] = {"weights", NULL}; // of Cohen's kappa, which may not be there
    ScoreLabels labels;
    Item *items;
    bool are_pairs;
    const size_t n = json_len(ratings);
    TRY(collect_names(ratings, names, err));
    TRY(score_find_labels(c, names, &labels, err));
    if (labels.n == 0) return json_error(ratings, err, "no item has a rating");
    TRY(arena_take(c->arena, n, sizeof *items, "items", &items, err));
    TRY(read_ratings(ratings, &labels, c->arena, items, &are_pairs, err));
    ScoreItems all = {.items = items, .n = n, .params = c->params, .arena = c->arena};
    all.setup.labels = labels.names;
    all.setup.n_labels = labels.n;
    TRY(score_interval_of_case(c, &all.interval, err));
    return score_put_metrics(&all, metrics, are_pairs ? 3 : 2, own, w, err);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    const Json *ratings;
    ClusterNames names = {0};
    TRY(score_want_rows(c, "ratings", &ratings, err));
    const Status s = answer(c, ratings, &names, w, err);
    clusters_release(&names);
    return s;
}

const ScoreFamily score_agreement = {
    .name = "agreement",
    .summary = "Krippendorff's alpha, Fleiss' and Cohen's kappa of raters",
    .fields =
        "{\"ratings\": [[a class or null of each rater].. of each item], \"labels\": [classes "
        "in order], \"params\": {level: nominal, ordinal or interval, weights}, \"interval\"} "
        "gives {\"krippendorff_alpha\", \"fleiss_kappa\", \"cohen_kappa\" where each item has "
        "two ratings, \"intervals\", \"signatures\"}",
    .run_case = run_case,
};
