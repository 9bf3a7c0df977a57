// assay score winobias: accuracy where occupations go with the stereotype, and where they go against it.
#include "metrics/metrics_list.h"
#include "tools/score/items.h"
#include "tools/score/pronoun_files.h"

// ---- cases ----

static Status read_item(const Json *answer, ClusterNames *names, Item *item, Error *err)
{
    static const char *const keys[] = {"gold", "stereotyped", "pred"};
    int32_t *const to[] = {&item->label, &item->stereotyped, &item->predicted};
    *item = item_empty();
    TRY(score_want_object(answer, "an item", err));
    for (size_t k = 0; k < 3; k++) {
        const Json *value = json_get(answer, keys[k]);
        if (value == NULL && k < 2) return json_error(answer, err, "\"%s\" is missing", keys[k]);
        if (value != NULL) TRY(score_value_index(names, value, to[k], err));
    }
    Slice cluster = {0};
    TRY(json_opt_string(answer, "cluster", &cluster, err));
    item->cluster = cluster;
    return STATUS_OK;
}

static Status answer_case(const ScoreCase *c, const Json *answers, ClusterNames *names,
                          JsonWriter *w, Error *err)
{
    const Metric *const metric = &metric_winobias;
    Item *items;
    ScoreItems all = {.params = c->params, .arena = c->arena};
    TRY(score_interval_of_case(c, &all.interval, err));
    TRY(arena_take(c->arena, json_len(answers), sizeof *items, "items", &items, err));
    for (const Json *v = json_first(answers); v != NULL; v = json_next(v)) {
        TRY(read_item(v, names, &items[all.n++], err));
    }
    all.items = items;
    all.setup = (MetricSetup){.labels = names->names, .n_labels = names->n_clusters};
    return score_put_metrics(&all, &metric, 1, NULL, w, err);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    const Json *answers;
    ClusterNames names = {0};
    TRY(score_want_rows(c, "items", &answers, err));
    const Status s = answer_case(c, answers, &names, w, err);
    clusters_release(&names);
    return s;
}

// ---- files ----

static bool is_of_version(const Sample *sample, size_t file)
{
    return sample->bias->direction == (int32_t)file;
}

static Status take_answer(const Sample *sample, Slice answer, Arena *arena, Item *item, Error *err)
{
    Slice mention;
    item->label = 0;
    item->stereotyped = sample->bias->stereotyped;
    TRY(pronoun_bare_mention(sample->bias->target, arena, &mention, err));
    if (answer.len > 0) item->predicted = slice_eq(answer, mention) ? 0 : 1;
    return STATUS_OK;
}

static Status run_files(CommandLine *line, Error *err)
{
    static const char *const versions[] = {"pro-stereotypical ", "anti-stereotypical "};
    static const Slice answers[] = {SLICE_LIT("the one meant"), SLICE_LIT("another")};
    static const Metric *const metrics[] = {&metric_winobias};
    static const PronounFiles files = {
        .reader = "winobias",
        .wanted = "one file of WinoBias (its twin stands beside it), the answers to the "
                  "pro-stereotypical sentences and those to the others",
        .n_answer_files = 2,
        .is_about = is_of_version,
        .kinds = versions,
        .take = take_answer,
        .labels = answers,
        .metrics = metrics,
        .n_metrics = 1};
    return pronoun_files_run(&files, line, err);
}

const ScoreFamily score_winobias = {
    .name = "winobias",
    .summary = "accuracy on pro-stereotypical items less that on anti-stereotypical ones",
    .fields =
        "{\"items\": [{\"gold\", \"pred\", \"stereotyped\": answers, \"cluster\": the "
        "sentence that versions share}], \"interval\"} gives {\"winobias\", \"winobias/pro\", "
        "\"/anti\", \"/average\"}; files: PRO.txt PRO_ANSWERS.txt ANTI_ANSWERS.txt, an answer (the occupation "
        "meant) a line, and the twin of PRO.txt beside it",
    .run_case = run_case,
    .run_files = run_files,
};
