// assay score stereoset: of cases, and of files as the authors' program reads them: StereoSet's data and scores of its sentences.
//
// Data: {"data": {"intrasentence": [..], "intersentence": [..]}}, or a list of intrasentence items; an item has a target, a
// bias_type and three sentences with an id each: "sentences": [{id, gold_label}], or "data": {label: {id}}. Scores:
// {"intrasentence": [{id, score}], "intersentence": [..]}. The answer has a part for each kind and bias type, and "overall".
#include "metrics/metrics_list.h"
#include "tools/score/answer.h"
#include "tools/score/items.h"

enum { N_KINDS = 2, N_SENTENCES = 3 };
static const char *const kinds[N_KINDS] = {"intrasentence", "intersentence"};
static const char *const labels[N_SENTENCES] = {"stereotype", "anti-stereotype", "unrelated"};

// ---- cases ----

static Status read_triple(const Json *triple, ClusterNames *targets, Arena *arena, Item *item,
                          Error *err)
{
    double *scores;
    Slice target;
    *item = item_empty();
    TRY(score_want_object(triple, "an item", err));
    TRY(arena_take(arena, 3, sizeof *scores, "scores", &scores, err));
    for (size_t k = 0; k < 3; k++) TRY(score_want_number(triple, labels[k], &scores[k], err));
    item->log_likelihoods = scores;
    item->n_choices = 3;
    TRY(json_want_string(triple, "target", &target, err));
    return score_name_index(targets, json_get(triple, "target"), target, &item->group, err);
}

static Status answer_case(const ScoreCase *c, const Json *triples, ClusterNames *targets,
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

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    const Json *triples;
    ClusterNames targets = {0};
    TRY(score_want_rows(c, "items", &triples, err));
    const Status s = answer_case(c, triples, &targets, w, err);
    clusters_release(&targets);
    return s;
}

// ---- files ----

typedef struct StereoItem {
    size_t kind;
    int32_t bias_type;
    Item item;
} StereoItem;

typedef struct StereoFiles {
    Arena arena;
    ClusterNames ids, bias_types, targets;
    double *scores; // by id
    StereoItem *items;
    size_t n;
} StereoFiles;

static size_t len_of(const Json *list)
{
    return list != NULL ? json_len(list) : 0;
}

static Status read_scores(StereoFiles *f, const Json *root, Error *err)
{
    size_t n = 0;
    for (size_t k = 0; k < N_KINDS; k++) n += len_of(json_get(root, kinds[k]));
    if (n == 0) {
        return json_error(root, err,
                          "has no scores: \"intrasentence\" or \"intersentence\" must be a list of "
                          "{\"id\", \"score\"}");
    }
    TRY(arena_take(&f->arena, n, sizeof *f->scores, "scores", &f->scores, err));
    for (size_t k = 0; k < N_KINDS; k++) {
        const Json *list = json_get(root, kinds[k]);
        for (const Json *v = json_first(list); v != NULL; v = json_next(v)) {
            const size_t n_before = f->ids.n_clusters;
            const Json *score = json_get(v, "score");
            Slice id;
            int32_t place;
            TRY(json_want_string(v, "id", &id, err));
            if (score == NULL) return json_error(v, err, "\"score\" is missing");
            TRY(score_name_index(&f->ids, v, id, &place, err));
            if ((size_t)place < n_before) return json_error(v, err, "the id stands twice");
            TRY(score_number(score, &f->scores[place], err));
        }
    }
    return STATUS_OK;
}

// The id of the sentence with a label.
static Status find_sentence(const Json *example, const char *label, Slice *id, Error *err)
{
    const Json *sentences = json_get(example, "sentences");
    for (const Json *v = json_first(sentences); v != NULL; v = json_next(v)) {
        Slice own = {0};
        TRY(json_want_string(v, "gold_label", &own, err));
        if (slice_eq_cstr(own, label)) return json_want_string(v, "id", id, err);
    }
    const Json *sentence = json_get(json_get(example, "data"), label);
    if (sentence == NULL) return json_error(example, err, "no sentence is the %s", label);
    return json_want_string(sentence, "id", id, err);
}

static Status read_example(StereoFiles *f, const Json *example, size_t kind, Error *err)
{
    StereoItem *out = &f->items[f->n++];
    Slice bias_type, target;
    double *scores;
    *out = (StereoItem){.kind = kind, .item = item_empty()};
    TRY(json_want_string(example, "target", &target, err));
    TRY(json_want_string(example, "bias_type", &bias_type, err));
    TRY(score_name_index(&f->targets, example, target, &out->item.group, err));
    TRY(score_name_index(&f->bias_types, example, bias_type, &out->bias_type, err));
    TRY(arena_take(&f->arena, N_SENTENCES, sizeof *scores, "scores", &scores, err));
    for (size_t k = 0; k < N_SENTENCES; k++) {
        const size_t n_before = f->ids.n_clusters;
        Slice id = {0};
        int32_t place;
        TRY(find_sentence(example, labels[k], &id, err));
        TRY(score_name_index(&f->ids, example, id, &place, err));
        if ((size_t)place >= n_before) {
            return json_error(example, err, "the predictions have no score for " SLICE_FMT,
                              SLICE_ARG(id));
        }
        scores[k] = f->scores[place];
    }
    out->item.log_likelihoods = scores;
    out->item.n_choices = N_SENTENCES;
    return STATUS_OK;
}

static Status read_examples(StereoFiles *f, const Json *root, Error *err)
{
    const Json *lists[N_KINDS] = {root, NULL};
    size_t n = 0;
    if (json_kind(root) == JSON_OBJECT) {
        const Json *data = json_get(root, "data");
        for (size_t k = 0; k < N_KINDS; k++) lists[k] = json_get(data, kinds[k]);
    }
    for (size_t k = 0; k < N_KINDS; k++) n += len_of(lists[k]);
    if (n == 0) {
        return json_error(
            root, err,
            "is no StereoSet data: {\"data\": {\"intrasentence\": [..]}} or a list of "
            "items");
    }
    TRY(arena_take(&f->arena, n, sizeof *f->items, "items", &f->items, err));
    for (size_t k = 0; k < N_KINDS; k++) {
        for (const Json *v = json_first(lists[k]); v != NULL; v = json_next(v)) {
            TRY(read_example(f, v, k, err));
        }
    }
    return STATUS_OK;
}

// kind N_KINDS and bias_type ITEM_NO_LABEL take all.
static Status put_part(StereoFiles *f, const char *name, size_t kind, int32_t bias_type,
                       JsonWriter *w, Error *err)
{
    const Metric *const metric = &metric_stereoset;
    Item *items;
    ScoreItems all = {.arena = &f->arena};
    TRY(arena_take(&f->arena, f->n, sizeof *items, "items", &items, err));
    for (size_t i = 0; i < f->n; i++) {
        const StereoItem *from = &f->items[i];
        if (kind != N_KINDS && from->kind != kind) continue;
        if (bias_type != ITEM_NO_LABEL && from->bias_type != bias_type) continue;
        items[all.n++] = from->item;
    }
    if (all.n == 0) return STATUS_OK;
    all.items = items;
    all.setup = (MetricSetup){.groups = f->targets.names, .n_groups = f->targets.n_clusters};
    json_member_object(w, name);
    TRY(score_put_metrics(&all, &metric, 1, NULL, w, err));
    json_end_object(w);
    return STATUS_OK;
}

static Status put_parts(StereoFiles *f, JsonWriter *w, Error *err)
{
    json_begin_object(w);
    for (size_t k = 0; k < N_KINDS; k++) {
        for (size_t b = 0; b < f->bias_types.n_clusters; b++) {
            const Slice bias_type = f->bias_types.names[b];
            const char *name =
                arena_printf(&f->arena, "%s/" SLICE_FMT, kinds[k], SLICE_ARG(bias_type));
            if (name == NULL) return error_set_memory(err, 1, bias_type.len, "a name");
            TRY(put_part(f, name, k, (int32_t)b, w, err));
        }
        TRY(put_part(f, kinds[k], k, ITEM_NO_LABEL, w, err));
    }
    TRY(put_part(f, "overall", N_KINDS, ITEM_NO_LABEL, w, err));
    json_end_object(w);
    return STATUS_OK;
}

static Status run_files(CommandLine *line, Error *err)
{
    StereoFiles f = {0};
    JsonDocument *data = NULL, *predictions = NULL;
    Buffer answer = {0};
    JsonWriter w = json_writer(&answer, 0);
    TRY(score_check_files(line, 2, 2, "two files, StereoSet's data and the scores", err));
    Status s = json_load(line->operands[1], JSON_STRICT, &data, err);
    if (s == STATUS_OK) s = json_load(line->operands[2], JSON_STRICT, &predictions, err);
    if (s == STATUS_OK) s = read_scores(&f, json_root(predictions), err);
    if (s == STATUS_OK) s = read_examples(&f, json_root(data), err);
    if (s == STATUS_OK) s = put_parts(&f, &w, err);
    if (s == STATUS_OK) s = buffer_status(&answer, err);
    if (s == STATUS_OK) s = score_print_answer(buffer_slice(&answer), line, err);
    buffer_release(&answer);
    json_close(&data);
    json_close(&predictions);
    clusters_release(&f.ids);
    clusters_release(&f.bias_types);
    clusters_release(&f.targets);
    arena_release(&f.arena);
    return s;
}

const ScoreFamily score_stereoset = {
    .name = "stereoset",
    .summary = "StereoSet's language modelling, stereotype and ICAT scores",
    .fields =
        "{\"items\": [{\"target\", \"stereotype\", \"anti-stereotype\", \"unrelated\": "
        "log-likelihoods}], \"interval\"} gives {\"stereoset\" (ICAT), \"stereoset/lms\", "
        "\"/ss\" (means over targets), \"/icat/micro\", \"/lms/micro\", \"/ss/micro\"}; files: DATA.json "
        "SCORES.json, as the authors' program takes them",
    .run_case = run_case,
    .run_files = run_files,
};
