// assay score preference: win rates, Bradley-Terry strengths and Elo ratings of systems compared two by two.
#include "metrics/metrics_list.h"
#include "metrics/preferences.h"
#include "tools/score/items.h"

static Status read_system(const Json *comparison, const char *key, const char *other_key,
                          ClusterNames *names, int32_t *out, Error *err)
{
    const Json *value = json_get(comparison, key);
    Slice name;
    if (value == NULL) value = json_get(comparison, other_key);
    if (value == NULL) {
        return json_error(comparison, err, "\"%s\" (or \"%s\") is missing: a system's name", key,
                          other_key);
    }
    TRY(score_name_of(value, &name, err));
    return score_name_index(names, value, name, out, err);
}

static Status read_winner(const Json *comparison, double *out, Error *err)
{
    // As this program writes it, and as Chatbot Arena's files do.
    static const char *const winners[] = {"first", "model_a", "second",       "model_b",
                                          "tie",   "both",    "tie (bothbad)"};
    static const double points[] = {1, 1, 0, 0, 0.5, 0.5, 0.5};
    const Json *value = json_get(comparison, "winner");
    size_t which;
    if (value == NULL) {
        return json_error(comparison, err, "\"winner\" is missing: first, second or tie");
    }
    if (json_kind(value) == JSON_NUMBER) return score_number(value, out, err); // 1, 0.5 or 0
    TRY(score_choice(value, winners, sizeof winners / sizeof *winners, &which, err));
    *out = points[which];
    return STATUS_OK;
}

static Status read_comparisons(const Json *array, ClusterNames *names, Item *items, Error *err)
{
    size_t n = 0;
    for (const Json *v = json_first(array); v != NULL; v = json_next(v)) {
        Item *item = &items[n++];
        *item = item_empty();
        TRY(score_want_object(v, "a comparison", err));
        TRY(read_system(v, "first", "model_a", names, &item->first_system, err));
        TRY(read_system(v, "second", "model_b", names, &item->second_system, err));
        TRY(read_winner(v, &item->preference, err));
        Slice cluster = {0};
        TRY(json_opt_string(v, "cluster", &cluster, err));
        item->cluster = cluster;
    }
    return STATUS_OK;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    static const Metric *const metrics[] = {&metric_win_rate, &metric_bradley_terry, &metric_elo};
    const Json *comparisons;
    ClusterNames names = {0};
    Item *items;
    TRY(score_want_rows(c, "comparisons", &comparisons, err));
    const size_t n = json_len(comparisons);
    ScoreItems all = {.n = n, .params = c->params, .arena = c->arena};
    TRY(score_interval_of_case(c, &all.interval, err));
    TRY(arena_take(c->arena, n, sizeof *items, "comparisons", &items, err));
    Status s = read_comparisons(comparisons, &names, items, err);
    all.items = items;
    all.setup.labels = names.names;
    all.setup.n_labels = names.n_clusters;
    if (s == STATUS_OK) s = score_put_metrics(&all, metrics, 3, NULL, w, err);
    clusters_release(&names);
    return s;
}

const ScoreFamily score_preference = {
    .name = "preference",
    .summary = "win rates, Bradley-Terry strengths and Elo ratings from comparisons",
    .fields =
        "{\"comparisons\": [{\"first\", \"second\": systems, \"winner\": first, second or tie "
        "(also model_a and model_b), \"cluster\"}], \"params\": {system, ties, scale, prior, "
        "k, initial}, \"interval\"} gives {\"win_rate\", \"bradley_terry\", \"elo\" of that "
        "system (the first named) and, under /class/NAME, of each, \"intervals\", "
        "\"signatures\"}",
    .run_case = run_case,
};
