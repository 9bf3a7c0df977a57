// assay score ner: entity scores as seqeval.
#include "tools/score/ner.h"

#include <math.h>
#include <string.h>

#include "base/unicode.h"
#include "metrics/metrics_list.h"

enum { FIRST_AVERAGE = 2, N_AVERAGES = 3, FIRST_TYPE = FIRST_AVERAGE + 3 * N_AVERAGES };
static const char *const average_names[] = {"micro", "macro", "weighted"};
static const char *const part_names[] = {"precision", "recall", "f1"};

// ---- scores ----

Status ner_score(const Json *params, const Item *items, size_t n, const TagNumbers *numbers,
                 Arena *arena, NerScore *out, Error *err)
{
    TRY(entity_read(params, &out->reading, items, n, numbers, arena, &out->read, err));
    out->plan = out->read.plan;
    out->sums = out->read.sums;
    TRY(arena_take(arena, out->plan.n_scores, sizeof *out->scores, "scores", &out->scores, err));
    metric_score_sums(&out->plan, out->sums, out->scores);
    return STATUS_OK;
}

// An average over no type at all is NaN, and a report shows it as 0.
static double shown(double value)
{
    return isnan(value) ? 0 : value;
}

static double support_of(const NerScore *s, size_t type)
{
    return s->sums[3 * type + 2];
}

static double total_support(const NerScore *s)
{
    double total = 0;
    for (size_t t = 0; t < s->plan.setup.n_labels; t++) total += support_of(s, t);
    return total;
}

// ---- the report, letter for letter as seqeval prints it ----

static void put_padded(Buffer *out, Slice text, size_t width)
{
    for (size_t n = utf8_count(text); n < width; n++) buffer_append_byte(out, ' ');
    buffer_append(out, text);
}

static void put_row(Buffer *out, Slice name, size_t width, const double *parts, double support,
                    int digits)
{
    put_padded(out, name, width);
    buffer_append_byte(out, ' ');
    for (size_t p = 0; p < 3; p++) buffer_printf(out, " %9.*f", digits, shown(parts[p]));
    buffer_printf(out, " %9.0f\n", support);
}

void ner_report(const NerScore *s, int digits, Buffer *out)
{
    static const char *const names[] = {"micro avg", "macro avg", "weighted avg"};
    size_t width = strlen("weighted avg");
    for (size_t t = 0; t < s->plan.setup.n_labels; t++) {
        const size_t n = utf8_count(s->plan.setup.labels[t]);
        if (n > width) width = n;
    }
    put_padded(out, (Slice){0}, width);
    buffer_printf(out, "  %9s %9s %9s %9s\n\n", "precision", "recall", "f1-score", "support");
    for (size_t t = 0; t < s->plan.setup.n_labels; t++) {
        put_row(out, s->plan.setup.labels[t], width, s->scores + FIRST_TYPE + 3 * t,
                support_of(s, t), digits);
    }
    buffer_append_byte(out, '\n');
    for (size_t a = 0; a < N_AVERAGES; a++) {
        put_row(out, slice_from_cstr(names[a]), width, s->scores + FIRST_AVERAGE + 3 * a,
                total_support(s), digits);
    }
}

// ---- the answer ----

static void put_parts(JsonWriter *w, const double *parts)
{
    json_begin_object(w);
    for (size_t p = 0; p < 3; p++) json_member_double(w, part_names[p], parts[p]);
    json_end_object(w);
}

static void put_types(JsonWriter *w, const NerScore *s)
{
    const size_t n = s->plan.setup.n_labels;
    json_member_object(w, "per_type");
    for (size_t p = 0; p < 3; p++) {
        json_member_array(w, part_names[p]);
        for (size_t t = 0; t < n; t++) json_put_double(w, shown(s->scores[FIRST_TYPE + 3 * t + p]));
        json_end_array(w);
    }
    json_member_array(w, "support");
    for (size_t t = 0; t < n; t++) json_put_double(w, support_of(s, t));
    json_end_array(w);
    json_end_object(w);
    json_member_array(w, "types_sorted");
    for (size_t t = 0; t < n; t++) json_put_string(w, s->plan.setup.labels[t]);
    json_end_array(w);
}

static void put_report_row(JsonWriter *w, Slice name, const double *parts, double support)
{
    json_put_key_slice(w, name);
    json_begin_object(w);
    json_member_double(w, "precision", parts[0]);
    json_member_double(w, "recall", parts[1]);
    json_member_double(w, "f1-score", parts[2]);
    json_member_double(w, "support", support);
    json_end_object(w);
}

static void put_report_dict(JsonWriter *w, const NerScore *s)
{
    json_member_object(w, "report_dict");
    for (size_t t = 0; t < s->plan.setup.n_labels; t++) {
        put_report_row(w, s->plan.setup.labels[t], s->scores + FIRST_TYPE + 3 * t,
                       support_of(s, t));
    }
    for (size_t a = 0; a < N_AVERAGES; a++) {
        char name[24];
        snprintf(name, sizeof name, "%s avg", average_names[a]);
        put_report_row(w, slice_from_cstr(name), s->scores + FIRST_AVERAGE + 3 * a,
                       total_support(s));
    }
    json_end_object(w);
}

static Status put_reports(JsonWriter *w, const NerScore *s, Error *err)
{
    Status status = STATUS_OK;
    for (int digits = 2; status == STATUS_OK && digits <= 4; digits += 2) {
        Buffer text = {0};
        ner_report(s, digits, &text);
        json_member_string(w, digits == 2 ? "report_digits2" : "report_digits4",
                           buffer_slice(&text));
        status = buffer_status(&text, err);
        buffer_release(&text);
    }
    return status;
}

static bool is_outside(Slice tag)
{
    return slice_eq_cstr(tag, "O");
}

// Token by token, as seqeval's performance_measure counts.
static void put_tokens(JsonWriter *w, const NerScore *s, const Item *items, size_t n)
{
    double tp = 0, fp = 0, fn = 0, tn = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < items[i].n_tags; k++) {
            const Slice gold = items[i].tags[k], pred = items[i].predicted_tags[k];
            const bool is_same = slice_eq(gold, pred);
            tp += is_same && !is_outside(gold);
            tn += is_same && is_outside(gold);
            fp += !is_same && !is_outside(pred);
            fn += !is_outside(gold) && is_outside(pred);
        }
    }
    json_member_double(w, "accuracy", s->scores[1]);
    json_member_object(w, "performance_measure");
    json_member_double(w, "TP", tp);
    json_member_double(w, "FP", fp);
    json_member_double(w, "FN", fn);
    json_member_double(w, "TN", tn);
    json_end_object(w);
}

// Strict entities are [sentence, type, begin, end) in a list a sentence; the others [type, begin, end] with the last token
// and offsets over all sentences, one "O" after each.
static Status put_entities(JsonWriter *w, const char *key, const TagReading *reading,
                           const Item *items, size_t n, bool is_predicted, Arena *arena, Error *err)
{
    size_t offset = 0;
    json_member_array(w, key);
    for (size_t i = 0; i < n; i++) {
        Entity *entities;
        size_t n_entities;
        const Slice *tags = is_predicted ? items[i].predicted_tags : items[i].tags;
        const ArenaMark mark = arena_mark(arena);
        TRY(entities_of_tags(reading, tags, items[i].n_tags, arena, &entities, &n_entities, err));
        if (reading->is_strict) json_begin_array(w);
        for (size_t k = 0; k < n_entities; k++) {
            json_begin_array(w);
            if (reading->is_strict) json_put_u64(w, i);
            json_put_string(w, entities[k].type);
            json_put_u64(w, entities[k].begin + offset);
            json_put_u64(w, entities[k].end + offset - (reading->is_strict ? 0 : 1));
            json_end_array(w);
        }
        if (reading->is_strict) json_end_array(w);
        if (!reading->is_strict) offset += items[i].n_tags + 1;
        arena_rewind(arena, mark);
    }
    json_end_array(w);
    return STATUS_OK;
}

static Status put_errors(JsonWriter *w, const TagReading *reading, const Item *items, size_t n,
                         Arena *arena, Error *err)
{
    NerErrors errors;
    TRY(ner_errors(reading, items, n, arena, &errors, err));
    json_member_object(w, "errors");
    for (size_t k = 0; k < N_NER_ERRORS; k++) {
        json_member_u64(w, ner_error_names[k], errors.counts[k]);
    }
    json_end_object(w);
    return STATUS_OK;
}

// The averages where what is undefined counts as 1.
static Status put_zero_division(JsonWriter *w, const NerScore *s, Error *err)
{
    double *scores = s->other_scores;
    (void)err;
    json_member_object(w, "zero_division_1");
    for (size_t a = 0; a < N_AVERAGES; a++) {
        score_put_numbers(w, average_names[a], scores + FIRST_AVERAGE + 3 * a, 3);
    }
    json_end_object(w);
    return STATUS_OK;
}

Status ner_put_json(const NerScore *s, const Item *items, size_t n, bool has_lists, Arena *arena,
                    JsonWriter *w, Error *err)
{
    Slice signature;
    for (size_t a = 0; a < N_AVERAGES; a++) {
        json_put_key(w, average_names[a]);
        put_parts(w, s->scores + FIRST_AVERAGE + 3 * a);
    }
    put_types(w, s);
    put_report_dict(w, s);
    TRY(put_reports(w, s, err));
    put_tokens(w, s, items, n);
    if (s->other_scores != NULL) TRY(put_zero_division(w, s, err));
    if (has_lists) {
        TRY(put_entities(w, "entities_true", &s->reading, items, n, false, arena, err));
        TRY(put_entities(w, "entities_pred", &s->reading, items, n, true, arena, err));
    }
    TRY(put_errors(w, &s->reading, items, n, arena, err));
    TRY(metric_signature(&s->plan, arena, &signature, err));
    json_member_string(w, "signature", signature);
    return STATUS_OK;
}

// ---- cases ----

static Status read_sentences(const Json *sentences, Arena *arena, Slice ***tags, size_t **counts,
                             Error *err)
{
    size_t i = 0;
    TRY(arena_take(arena, json_len(sentences), sizeof **tags, "sentences", tags, err));
    TRY(arena_take(arena, json_len(sentences), sizeof **counts, "sentences", counts, err));
    for (const Json *s = json_first(sentences); s != NULL; s = json_next(s), i++) {
        if (json_kind(s) != JSON_ARRAY) {
            return json_error(s, err, "must be a sentence, a list of tags, not %s",
                              json_kind_name(json_kind(s)));
        }
        TRY(arena_take(arena, json_len(s), sizeof(Slice), "tags", &(*tags)[i], err));
        for (const Json *v = json_first(s); v != NULL; v = json_next(v)) {
            TRY(json_as_string(v, &(*tags)[i][(*counts)[i]++], err));
        }
    }
    return STATUS_OK;
}

static Status read_items(const ScoreCase *c, Item **items, size_t *n, Error *err)
{
    const Json *gold, *pred;
    Slice **gold_tags, **pred_tags;
    size_t *gold_counts, *pred_counts;
    TRY(score_want(c, "gold", JSON_ARRAY, &gold, err));
    TRY(score_want(c, "pred", JSON_ARRAY, &pred, err));
    *n = json_len(gold);
    if (*n == 0) return json_error(gold, err, "there is no sentence to score");
    if (json_len(pred) != *n) {
        return json_error(pred, err, "has %zu sentences, but \"gold\" has %zu", json_len(pred), *n);
    }
    TRY(read_sentences(gold, c->arena, &gold_tags, &gold_counts, err));
    TRY(read_sentences(pred, c->arena, &pred_tags, &pred_counts, err));
    TRY(arena_take(c->arena, *n, sizeof **items, "sentences", items, err));
    for (size_t i = 0; i < *n; i++) {
        (*items)[i] = item_empty();
        (*items)[i].tags = gold_tags[i];
        (*items)[i].n_tags = gold_counts[i];
        (*items)[i].predicted_tags = pred_tags[i];
        (*items)[i].n_predicted_tags = pred_counts[i];
    }
    return STATUS_OK;
}

// The metric's params with zero_division 1 in place of what is given.
static Status other_params(const Json *params, JsonDocument **out, Error *err)
{
    Buffer text = {0};
    JsonWriter w = json_writer(&text, 0);
    json_begin_object(&w);
    for (const Json *v = json_first(params); v != NULL; v = json_next(v)) {
        if (slice_eq_cstr(json_key(v), "zero_division")) continue;
        json_put_key_slice(&w, json_key(v));
        json_put_value(&w, v);
    }
    json_member_i64(&w, "zero_division", 1);
    json_end_object(&w);
    Status s = buffer_status(&text, err);
    if (s == STATUS_OK) {
        s = json_parse(SLICE("params"), buffer_slice(&text), JSON_STRICT, out, err);
    }
    buffer_release(&text);
    return s;
}

static Status score_otherwise(const ScoreCase *c, NerScore *score, Error *err)
{
    JsonDocument *document = NULL;
    MetricPlan plan;
    MetricSetup setup = score->plan.setup;
    TRY(other_params(c->params, &document, err));
    setup.params = json_root(document);
    Status s = metric_plan(&metric_entity_f1, &setup, c->arena, &plan, err);
    if (s == STATUS_OK) {
        s = arena_take(c->arena, plan.n_scores, sizeof *score->other_scores, "scores",
                       &score->other_scores, err);
    }
    if (s == STATUS_OK) metric_score_sums(&plan, score->sums, score->other_scores);
    json_close(&document);
    return s;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    NerScore score = {0};
    Item *items = NULL;
    size_t n = 0;
    TRY(ner_reading(c->params, &score.reading, err));
    TRY(read_items(c, &items, &n, err));
    if (items == NULL) n = 0; // arena_take gives no NULL, but the analyzer cannot know
    TRY(ner_score(c->params, items, n, NULL, c->arena, &score, err));
    TRY(score_otherwise(c, &score, err));
    return ner_put_json(&score, items, n, true, c->arena, w, err);
}

static const char *const file_options[] = {"force", "scheme", "mode",         "suffix", "digits",
                                           "level", "seed",   "invalid-utf8", "timing", NULL};

const ScoreFamily score_ner = {
    .name = "ner",
    .summary = "precision, recall and F1 of whole entities, as seqeval",
    .fields =
        "{\"gold\": [[tag, ..], ..], \"pred\": the same, \"params\": {scheme, mode, suffix, "
        "zero_division}} gives {\"micro\", \"macro\", \"weighted\": {\"precision\", \"recall\", \"f1\"}, "
        "\"per_type\", \"report_dict\", \"accuracy\", \"errors\", ..}",
    .run_case = run_case,
    .run_files = ner_files_run,
    .options = file_options,
};
