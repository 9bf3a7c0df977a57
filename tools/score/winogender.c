// assay score winogender: whom systems take a pronoun to mean, by the share of women in occupations.
#include <string.h>

#include "base/file.h"
#include "datasets/reader.h"
#include "metrics/metrics_list.h"
#include "tools/score/answer.h"
#include "tools/score/bias_files.h"
#include "tools/score/items.h"

static const Slice people[] = {SLICE_LIT("occupation"), SLICE_LIT("participant")};

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
    if (json_kind(object) != JSON_OBJECT) {
        return json_error(object, err, "an item must be an object, not %s",
                          json_kind_name(json_kind(object)));
    }
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

static Status take_answer(const Sample *sample, Slice text, Arena *arena, Item *item, Error *err)
{
    Slice answer, person;
    *item = item_empty();
    item->label = sample->gold;
    item->group = sample->bias->term;
    item->gender = sample->bias->gender;
    memcpy(item->women, sample->bias->women, sizeof item->women);
    item->cluster = sample->group;
    TRY(score_bare_mention(text, arena, &answer, err));
    for (int32_t k = 0; k < 2 && answer.len > 0; k++) {
        TRY(score_bare_mention(sample->choices[k], arena, &person, err));
        if (slice_eq(answer, person)) item->predicted = k;
    }
    return STATUS_OK;
}

static Status read_answers(const Dataset *data, const char *path, Item *items, Arena *arena,
                           Error *err)
{
    LineReader *lines = NULL;
    size_t n = 0;
    Status s = line_reader_open(path, &lines, err);
    while (s == STATUS_OK) {
        Slice text = {0};
        bool more = false;
        s = line_reader_next(lines, &text, &more, err);
        if (s != STATUS_OK || !more) break;
        if (n < data->n_samples) {
            s = take_answer(&data->samples[n], text, arena, &items[n], err);
        } else if (slice_trim(text).len == 0) {
            continue; // empty lines at the end
        }
        n++;
    }
    line_reader_close(&lines);
    if (s != STATUS_OK || n == data->n_samples) return s;
    return error_set(
        err, STATUS_INVALID,
        "%s has %zu answers, but " SLICE_FMT
        " has %zu sentences: want an answer a line, such as \"the technician\", in their "
        "order, and an empty line where there is none",
        path, n, SLICE_ARG(data->path), data->n_samples);
}

static Status put_files(const Dataset *data, const Item *items, Arena *arena, JsonWriter *w,
                        Error *err)
{
    static const Metric *const metrics[] = {&metric_winogender, &metric_accuracy};
    const ScoreItems all = {.arena = arena,
                            .items = items,
                            .n = data->n_samples,
                            .setup = {.labels = people, .n_labels = 2}};
    json_begin_object(w);
    TRY(score_put_metrics(&all, metrics, 2, NULL, w, err));
    json_end_object(w);
    return STATUS_OK;
}

static Status run_files(CommandLine *line, Error *err)
{
    Dataset data = {0};
    Arena arena = {0};
    Item *items = NULL;
    Buffer answer = {0};
    JsonWriter w = json_writer(&answer, 0);
    const ReadOptions options = {.format = SLICE("winogender-coreference"),
                                 .speech = SPEECH_OPTIONS};
    TRY(score_check_files(
        line, 2, 2,
        "Winogender's sentences (its statistics stand beside them) and a file with "
        "an answer to each of them",
        err));
    Status s = dataset_read(line->operands[1], &options, &data, err);
    if (s == STATUS_OK) s = arena_take(&arena, data.n_samples, sizeof *items, "items", &items, err);
    if (s == STATUS_OK) s = read_answers(&data, line->operands[2], items, &arena, err);
    if (s == STATUS_OK) s = put_files(&data, items, &arena, &w, err);
    if (s == STATUS_OK) s = buffer_status(&answer, err);
    if (s == STATUS_OK) s = score_print_answer(buffer_slice(&answer), line, err);
    buffer_release(&answer);
    dataset_release(&data);
    arena_release(&arena);
    return s;
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
