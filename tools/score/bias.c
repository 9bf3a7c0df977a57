// assay score crows-pairs, stereoset, winobias: preferences for stereotypes.
#include "metrics/metrics_list.h"
#include "tools/score/bias_files.h"
#include "tools/score/items.h"
#include "tools/score/stereoset.h"

// A number under a key that must be there.
static Status want_number(const Json *object, const char *key, double *out, Error *err)
{
    const Json *value = json_get(object, key);
    if (value == NULL) return json_error(object, err, "\"%s\" is missing", key);
    return score_number(value, out, err);
}

static Status want_object(const Json *value, const char *what, Error *err)
{
    if (json_kind(value) == JSON_OBJECT) return STATUS_OK;
    return json_error(value, err, "%s must be an object, not %s", what,
                      json_kind_name(json_kind(value)));
}

// ---- CrowS-Pairs ----

static Status read_pair(const Json *pair, Arena *arena, Item *item, Error *err)
{
    static const char *const directions[] = {"stereo", "antistereo"};
    double *scores;
    size_t direction;
    *item = item_empty();
    TRY(want_object(pair, "a pair", err));
    TRY(arena_take(arena, 2, sizeof *scores, "scores", &scores, err));
    TRY(want_number(pair, "more", &scores[0], err));
    TRY(want_number(pair, "less", &scores[1], err));
    item->log_likelihoods = scores;
    item->n_choices = 2;
    item->stereotyped = 0;
    const Json *value = json_get(pair, "direction");
    if (value == NULL) return STATUS_OK;
    TRY(score_choice(value, directions, 2, &direction, err));
    item->label = (int32_t)direction;
    return STATUS_OK;
}

static Status run_crows(const ScoreCase *c, JsonWriter *w, Error *err)
{
    static const Slice directions[] = {SLICE_LIT("stereo"), SLICE_LIT("antistereo")};
    const Metric *const metric = &metric_crows_pairs;
    const Json *pairs;
    Item *items;
    ScoreItems all = {.params = c->params, .arena = c->arena};
    TRY(score_want_rows(c, "pairs", &pairs, err));
    TRY(score_interval_of_case(c, &all.interval, err));
    TRY(arena_take(c->arena, json_len(pairs), sizeof *items, "pairs", &items, err));
    for (const Json *v = json_first(pairs); v != NULL; v = json_next(v)) {
        TRY(read_pair(v, c->arena, &items[all.n++], err));
    }
    all.items = items;
    all.setup = (MetricSetup){.labels = directions, .n_labels = 2};
    return score_put_metrics(&all, &metric, 1, NULL, w, err);
}

// ---- StereoSet ----

static Status read_triple(const Json *triple, ClusterNames *targets, Arena *arena, Item *item,
                          Error *err)
{
    static const char *const keys[] = {"stereotype", "anti-stereotype", "unrelated"};
    double *scores;
    Slice target;
    *item = item_empty();
    TRY(want_object(triple, "an item", err));
    TRY(arena_take(arena, 3, sizeof *scores, "scores", &scores, err));
    for (size_t k = 0; k < 3; k++) TRY(want_number(triple, keys[k], &scores[k], err));
    item->log_likelihoods = scores;
    item->n_choices = 3;
    TRY(json_want_string(triple, "target", &target, err));
    return score_name_index(targets, json_get(triple, "target"), target, &item->group, err);
}

static Status answer_stereoset(const ScoreCase *c, const Json *triples, ClusterNames *targets,
                               JsonWriter *w, Error *err)
{
    const Metric *const metric = &metric_stereoset;
    Item *items;
    ScoreItems all = {.params = c->params, .arena = c->arena};
    TRY(score_interval_of_case(c, &all.interval, err));
    TRY(arena_take(c->arena, json_len(triples), sizeof *items, "items", &items, err));
    for (const Json *v = json_first(triples); v != NULL; v = json_next(v)) {
        TRY(read_triple(v, targets, c->arena, &items[all.n++], err));
    }
    all.items = items;
    all.setup = (MetricSetup){.groups = targets->names, .n_groups = targets->n_clusters};
    return score_put_metrics(&all, &metric, 1, NULL, w, err);
}

static Status run_stereoset(const ScoreCase *c, JsonWriter *w, Error *err)
{
    const Json *triples;
    ClusterNames targets = {0};
    TRY(score_want_rows(c, "items", &triples, err));
    const Status s = answer_stereoset(c, triples, &targets, w, err);
    clusters_release(&targets);
    return s;
}

// ---- WinoBias ----

static Status read_answer(const Json *answer, ClusterNames *names, Item *item, Error *err)
{
    static const char *const keys[] = {"gold", "stereotyped", "pred"};
    int32_t *const to[] = {&item->label, &item->stereotyped, &item->predicted};
    *item = item_empty();
    TRY(want_object(answer, "an item", err));
    for (size_t k = 0; k < 3; k++) {
        const Json *value = json_get(answer, keys[k]);
        Slice name;
        if (value == NULL && k < 2) return json_error(answer, err, "\"%s\" is missing", keys[k]);
        if (value == NULL || json_kind(value) == JSON_NULL) continue;
        TRY(score_name_of(value, &name, err));
        TRY(score_name_index(names, value, name, to[k], err));
    }
    Slice cluster = {0};
    TRY(json_opt_string(answer, "cluster", &cluster, err));
    item->cluster = cluster;
    return STATUS_OK;
}

static Status answer_winobias(const ScoreCase *c, const Json *answers, ClusterNames *names,
                              JsonWriter *w, Error *err)
{
    const Metric *const metric = &metric_winobias;
    Item *items;
    ScoreItems all = {.params = c->params, .arena = c->arena};
    TRY(score_interval_of_case(c, &all.interval, err));
    TRY(arena_take(c->arena, json_len(answers), sizeof *items, "items", &items, err));
    for (const Json *v = json_first(answers); v != NULL; v = json_next(v)) {
        TRY(read_answer(v, names, &items[all.n++], err));
    }
    all.items = items;
    all.setup = (MetricSetup){.labels = names->names, .n_labels = names->n_clusters};
    return score_put_metrics(&all, &metric, 1, NULL, w, err);
}

static Status run_winobias(const ScoreCase *c, JsonWriter *w, Error *err)
{
    const Json *answers;
    ClusterNames names = {0};
    TRY(score_want_rows(c, "items", &answers, err));
    const Status s = answer_winobias(c, answers, &names, w, err);
    clusters_release(&names);
    return s;
}

const ScoreFamily score_crows_pairs = {
    .name = "crows-pairs",
    .summary = "how often the more stereotyping sentence of a pair is the likelier",
    .fields =
        "{\"pairs\": [{\"more\", \"less\": log-likelihoods, \"direction\": stereo or "
        "antistereo}], \"params\": {round}, \"interval\"} gives {\"crows_pairs\", "
        "\"crows_pairs/stereo\", \"/antistereo\", \"/neutral\"}; shares of 1, and the authors' "
        "program has round 3. Files: RESULTS.csv as the authors' program writes it, or DATA.csv SCORES.jsonl with "
        "{\"sent_more_score\", \"sent_less_score\"} a line; a part for each bias type, and overall",
    .run_case = run_crows,
    .run_files = crows_pairs_run_files,
};

const ScoreFamily score_stereoset = {
    .name = "stereoset",
    .summary = "StereoSet's language modelling, stereotype and ICAT scores",
    .fields =
        "{\"items\": [{\"target\", \"stereotype\", \"anti-stereotype\", \"unrelated\": "
        "log-likelihoods}], \"interval\"} gives {\"stereoset\" (ICAT), \"stereoset/lms\", "
        "\"/ss\" (means over targets), \"/icat/micro\", \"/lms/micro\", \"/ss/micro\"}; files: DATA.json "
        "SCORES.json, as the authors' program takes them",
    .run_case = run_stereoset,
    .run_files = stereoset_run_files,
};

const ScoreFamily score_winobias = {
    .name = "winobias",
    .summary = "accuracy on pro-stereotypical items less that on anti-stereotypical ones",
    .fields =
        "{\"items\": [{\"gold\", \"pred\", \"stereotyped\": answers, \"cluster\": the "
        "sentence that versions share}], \"interval\"} gives {\"winobias\", \"winobias/pro\", "
        "\"/anti\", \"/average\"}; files: PRO.txt PRO_ANSWERS.txt ANTI_ANSWERS.txt, an answer (the occupation "
        "meant) a line, and the twin of PRO.txt beside it",
    .run_case = run_winobias,
    .run_files = winobias_run_files,
};
