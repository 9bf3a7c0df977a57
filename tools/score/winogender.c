// assay score winogender: whom systems take a pronoun to mean, by the share of women in occupations.
#include <string.h>

#include "metrics/metrics_list.h"
#include "tools/score/items.h"
#include "tools/score/pronoun_files.h"

static Status put_scores(const ScoreItems *all, JsonWriter *w, Error *err)
{
    static const Metric *const metrics[] = {&metric_winogender};
    return score_put_metrics(all, metrics, 1, NULL, w, err);
}

// ---- cases ----

static Status read_percent(const Json *object, const char *key, double *out, Error *err)
{
    const Json *value = json_get(object, key);
    if (value == NULL || json_kind(value) == JSON_NULL) return STATUS_OK;
    TRY(score_number(value, out, err));
    if (*out >= 0 && *out <= 100) return STATUS_OK;
    return json_error(value, err, "found %g, want a percentage from 0 to 100", *out);
}

// Log-likelihoods of both pronouns, or the gender of the one that stands there and whether it was taken to mean the occupation.
static Status read_answer(const Json *object, Arena *arena, Item *item, Error *err)
{
    static const char *const genders[] = {"male", "female", "neutral"};
    const Json *gender = json_get(object, "pronoun");
    double *pair;
    size_t which;
    if (gender != NULL) {
        bool is_meant = false;
        TRY(score_choice(gender, genders, 3, &which, err));
        TRY(json_want_bool(object, "meant", &is_meant, err));
        item->gender = (int32_t)which;
        item->predicted = is_meant ? 0 : 1;
        return STATUS_OK;
    }
    TRY(arena_take(arena, 2, sizeof *pair, "log-likelihoods", &pair, err));
    for (size_t k = 0; k < 2; k++) {
        const Json *value = json_get(object, genders[k]);
        if (value == NULL)
            return json_error(object, err, "\"pronoun\" or \"%s\" is missing", genders[k]);
        TRY(score_number(value, &pair[k], err));
    }
    item->log_likelihoods = pair;
    item->n_choices = 2;
    return STATUS_OK;
}

static Status read_item(const Json *object, ClusterNames *names, Arena *arena, Item *item,
                        Error *err)
{
    Slice occupation;
    *item = item_empty();
    TRY(score_want_object(object, "an item", err));
    TRY(json_want_string(object, "occupation", &occupation, err));
    TRY(score_name_index(names, json_get(object, "occupation"), occupation, &item->group, err));
    item->cluster = occupation;
    TRY(read_percent(object, "work", &item->women[0], err));
    TRY(read_percent(object, "texts", &item->women[1], err));
    return read_answer(object, arena, item, err);
}

static Status answer_case(const ScoreCase *c, const Json *list, ClusterNames *names, JsonWriter *w,
                          Error *err)
{
    Item *items;
    ScoreItems all = {.params = c->params, .arena = c->arena};
    TRY(score_interval_of_case(c, &all.interval, err));
    TRY(arena_take(c->arena, json_len(list), sizeof *items, "items", &items, err));
    for (const Json *v = json_first(list); v != NULL; v = json_next(v))
        TRY(read_item(v, names, c->arena, &items[all.n++], err));
    all.items = items;
    return put_scores(&all, w, err);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    const Json *list;
    ClusterNames names = {0};
    TRY(score_want_rows(c, "items", &list, err));
    const Status s = answer_case(c, list, &names, w, err);
    clusters_release(&names);
    return s;
}

// ---- files ----

static Status take_answer(const Sample *sample, Slice answer, Arena *arena, Item *item, Error *err)
{
    Slice person;
    item->label = sample->gold;
    item->group = sample->bias->term;
    item->gender = sample->bias->gender;
    memcpy(item->women, sample->bias->women, sizeof item->women);
    for (int32_t k = 0; k < 2 && answer.len > 0; k++) {
        TRY(pronoun_bare_mention(sample->choices[k], arena, &person, err));
        if (slice_eq(answer, person)) item->predicted = k;
    }
    return STATUS_OK;
}

static Status run_files(CommandLine *line, Error *err)
{
    static const Slice people[] = {SLICE_LIT("occupation"), SLICE_LIT("participant")};
    static const Metric *const metrics[] = {&metric_winogender, &metric_accuracy};
    static const PronounFiles files = {
        .reader = "winogender-coreference",
        .wanted = "Winogender's sentences (its statistics stand beside them) and a file with an "
                  "answer to each of them",
        .n_answer_files = 1,
        .take = take_answer,
        .labels = people,
        .metrics = metrics,
        .n_metrics = 2};
    return pronoun_files_run(&files, line, err);
}

const ScoreFamily score_winogender = {
    .name = "winogender",
    .summary = "correlation of occupations' gender gaps with the percentage of women in them",
    .fields =
        "{\"items\": [{\"occupation\", \"pronoun\": male, female or neutral, \"meant\": whether it was "
        "taken to mean the occupation (or \"male\", \"female\": log-likelihoods of the two pronouns), "
        "\"work\", \"texts\": percentages of women}], \"interval\"} gives {\"winogender\" (Pearson's r with "
        "\"work\"), \"/spearman\", \"/texts\", \"/texts_spearman\", \"/gap\"}; files: SENTENCES.tsv "
        "ANSWERS.txt, an answer (the person meant) a line, and occupations-stats.tsv beside the first",
    .run_case = run_case,
    .run_files = run_files,
};
