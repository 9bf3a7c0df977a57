// Scores over classes from labels and predictions, as scikit-learn gives them.
#include <math.h>
#include <stdlib.h>

#include "base/json_source.h"
#include "metrics/confusion.h"
#include "tools/score/class_report.h"
#include "tools/score/labelled_items.h"
#include "tools/score/table.h"

// A class as it stands in the case: a number, a text or true and false. Numbers go before texts, by value.
typedef struct ClassLabel {
    Slice text; // what stands in JSON, quotes and all
    Slice name; // for people
    double number;
    bool is_number;
} ClassLabel;

static Status read_label(const Json *value, ClassLabel *out, Error *err)
{
    *out = (ClassLabel){.text = json_source(value)};
    switch (json_kind(value)) {
    case JSON_NUMBER:
        out->number = json_double(value);
        out->is_number = true;
        out->name = out->text;
        return STATUS_OK;
    case JSON_STRING:
        out->name = json_string(value);
        return STATUS_OK;
    case JSON_BOOL:
        out->number = json_bool(value);
        out->is_number = true;
        out->name = out->text;
        return STATUS_OK;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return json_error(value, err, "a class is a number or a text, not %s",
                      json_kind_name(json_kind(value)));
}

static int compare_labels(const void *a, const void *b)
{
    const ClassLabel *x = a, *y = b;
    if (x->is_number != y->is_number) return x->is_number ? -1 : 1;
    if (x->is_number) return (x->number > y->number) - (x->number < y->number);
    return slice_cmp(x->name, y->name);
}

typedef struct Classified {
    LabelledItems items;
    ClassLabel *labels; // [items.n_labels], sorted unless given
    bool is_given;
    bool has_weights;
} Classified;

static Status add_labels(const Json *array, ClassLabel *out, size_t *n, bool may_be_null,
                         Error *err)
{
    for (const Json *v = json_first(array); v != NULL; v = json_next(v)) {
        if (may_be_null && json_kind(v) == JSON_NULL) continue; // no answer
        TRY(read_label(v, &out[(*n)++], err));
    }
    return STATUS_OK;
}

static Status find_labels(const ScoreCase *c, const Json *truth, const Json *predicted,
                          Classified *out, Error *err)
{
    const Json *given = NULL;
    size_t n = 0, n_different = 0;
    TRY(json_opt_kind(c->root, "labels", JSON_ARRAY, &given, err));
    const size_t most = given != NULL ? json_len(given) : json_len(truth) + json_len(predicted);
    TRY(arena_take(c->arena, most, sizeof *out->labels, "labels", &out->labels, err));
    out->is_given = given != NULL;
    if (given != NULL) {
        TRY(add_labels(given, out->labels, &n, false, err));
    } else {
        TRY(add_labels(truth, out->labels, &n, false, err));
        TRY(add_labels(predicted, out->labels, &n, true, err));
        if (n > 1) qsort(out->labels, n, sizeof *out->labels, compare_labels);
    }
    for (size_t i = 0; i < n; i++) {
        if (given == NULL && i > 0 && compare_labels(&out->labels[i - 1], &out->labels[i]) == 0)
            continue;
        out->labels[n_different++] = out->labels[i];
    }
    Slice *names;
    TRY(arena_take(c->arena, n_different, sizeof *names, "labels", &names, err));
    for (size_t i = 0; i < n_different; i++) names[i] = out->labels[i].name;
    out->items.labels = names;
    out->items.n_labels = n_different;
    return STATUS_OK;
}

static Status class_index(const Classified *data, const Json *value, int32_t *out, Error *err)
{
    ClassLabel wanted;
    TRY(read_label(value, &wanted, err));
    const ClassLabel *found = NULL;
    if (!data->is_given) {
        found = bsearch(&wanted, data->labels, data->items.n_labels, sizeof wanted, compare_labels);
    }
    for (size_t i = 0; found == NULL && i < data->items.n_labels; i++) {
        if (compare_labels(&wanted, &data->labels[i]) == 0) found = &data->labels[i];
    }
    if (found == NULL)
        return json_error(value, err, "class " SLICE_FMT " is none of the labels",
                          SLICE_ARG(wanted.text));
    *out = (int32_t)(found - data->labels);
    return STATUS_OK;
}

static Status read_case(const ScoreCase *c, Classified *out, Error *err)
{
    const Json *truth, *predicted;
    Numbers weights;
    *out = (Classified){.items.arena = c->arena};
    TRY(json_want_kind(c->root, "y_true", JSON_ARRAY, &truth, err));
    TRY(json_want_kind(c->root, "y_pred", JSON_ARRAY, &predicted, err));
    TRY(case_opt_numbers(c, "sample_weight", &weights, err));
    const size_t n = json_len(truth);
    TRY(case_same_length(c, "y_pred", json_len(predicted), "y_true", n, err));
    if (weights.values != NULL)
        TRY(case_same_length(c, "sample_weight", weights.n, "y_true", n, err));
    TRY(case_check_weights(c, &weights, err));
    if (n == 0) return json_error(truth, err, "is empty: there is nothing to score");
    TRY(find_labels(c, truth, predicted, out, err));
    TRY(items_take(&out->items, n, err));
    out->has_weights = weights.values != NULL;
    const Json *p = json_first(predicted);
    size_t i = 0;
    for (const Json *t = json_first(truth); t != NULL; t = json_next(t), p = json_next(p), i++) {
        Item *item = &out->items.items[i];
        TRY(class_index(out, t, &item->label, err));
        if (json_kind(p) != JSON_NULL) TRY(class_index(out, p, &item->predicted, err));
        if (out->has_weights) item->weight = weights.values[i];
    }
    return STATUS_OK;
}

// Precision, recall and F: averages first (scores 1 to 3 of the metrics), then one for each class.
typedef struct Prf {
    double *scores[3];
} Prf;

enum { SCORE_MICRO = 1, SCORE_MACRO, SCORE_WEIGHTED, SCORE_CLASSES };

static Status score_prf(const LabelledItems *items, const char *params, Prf *out, Error *err)
{
    TRY(items_score(items, &metric_precision, params, &out->scores[0], err));
    TRY(items_score(items, &metric_recall, params, &out->scores[1], err));
    return items_score(items, &metric_f1, params, &out->scores[2], err);
}

static void put_prf(const Classified *data, const Confusion *confusion, const Prf *prf,
                    const char *zero_division, Arena *arena, JsonWriter *w)
{
    static const char *const averages[] = {"micro", "macro", "weighted"};
    static const char *const parts[] = {"p", "r", "f1"};
    const size_t n = data->items.n_labels;
    for (size_t a = 0; a < 3; a++) {
        const double values[] = {prf->scores[0][SCORE_MICRO + a], prf->scores[1][SCORE_MICRO + a],
                                 prf->scores[2][SCORE_MICRO + a]};
        const char *key = arena_printf(arena, "%s_%s", averages[a], zero_division);
        if (key == NULL) w->out->failed = true;
        if (key != NULL) score_put_numbers(w, key, values, 3);
    }
    const char *key = arena_printf(arena, "per_class_%s", zero_division);
    if (key == NULL) {
        w->out->failed = true;
        return;
    }
    json_member_object(w, key);
    for (size_t part = 0; part < 3; part++)
        score_put_numbers(w, parts[part], prf->scores[part] + SCORE_CLASSES, n);
    json_member_array(w, "support");
    for (size_t c = 0; c < n; c++) json_put_double(w, confusion_support(confusion, c));
    json_end_array(w);
    json_end_object(w);
}

static void put_confusion(const Confusion *confusion, JsonWriter *w)
{
    double unanswered = 0;
    json_member_array(w, "confusion");
    for (size_t i = 0; i < confusion->n_classes; i++) {
        json_begin_array(w);
        for (size_t j = 0; j < confusion->n_classes; j++)
            json_put_double(w, confusion_cell(confusion, i, j)->count);
        json_end_array(w);
        unanswered += confusion_cell(confusion, i, confusion->n_classes)->count;
    }
    json_end_array(w);
    if (unanswered > 0) json_member_double(w, "unanswered", unanswered);
}

static Status put_agreement(const Classified *data, JsonWriter *w, Error *err)
{
    static const struct {
        const char *key;
        const Metric *metric;
        const char *params;
    } scores[] = {
        {"fbeta0.5_macro", &metric_f1, "{\"beta\": 0.5}"},
        {"fbeta2_macro", &metric_f1, "{\"beta\": 2}"},
        {"mcc", &metric_mcc, NULL},
        {"kappa", &metric_kappa, NULL},
        {"kappa_linear", &metric_kappa, "{\"weights\": \"linear\"}"},
        {"kappa_quadratic", &metric_kappa, "{\"weights\": \"quadratic\"}"},
    };
    Reasons reasons = {0};
    bool is_answered = true, is_alone = true;
    for (size_t i = 0; i < data->items.n; i++) {
        const Item *item = &data->items.items[i];
        is_answered = is_answered && item->predicted != ITEM_NO_LABEL;
        is_alone = is_alone && item->label == data->items.items[0].label &&
                   item->predicted == data->items.items[0].label;
    }
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        // An answer that is missing has no distance from a class.
        double value = NAN;
        const bool wants_distance = scores[i].metric == &metric_kappa && scores[i].params != NULL;
        if (is_answered || !wants_distance)
            TRY(items_score_first(&data->items, scores[i].metric, scores[i].params, &value, err));
        json_member_double(w, scores[i].key, value);
    }
    reason_add(&reasons, is_alone, "kappa: every label and prediction is the same class");
    reason_add(&reasons, !is_answered, "kappa_linear, kappa_quadratic: some items have no answer");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

// As scikit-learn's classification_report, where nothing is weighted or unanswered.
static Status put_report(const Classified *data, const Confusion *confusion, const Prf *prf,
                         double accuracy, JsonWriter *w, Error *err)
{
    const ClassReport report = {
        .labels = data->items.labels,
        .n_labels = data->items.n_labels,
        .parts = {prf->scores[0], prf->scores[1], prf->scores[2]},
        .first_class = SCORE_CLASSES,
        .macro = SCORE_MACRO,
        .weighted = SCORE_WEIGHTED,
        .accuracy = accuracy,
        .confusion = confusion,
        .has_hits = accuracy > 0,
    };
    static const int digits[] = {2, 4};
    static const char *const keys[] = {"report_digits2", "report_digits4"};
    for (size_t i = 0; i < 2; i++) {
        Buffer text = {0};
        class_report_text(&report, digits[i], &text);
        const Status s = buffer_status(&text, err);
        if (s == STATUS_OK) json_member_string(w, keys[i], buffer_slice(&text));
        buffer_release(&text);
        TRY(s);
    }
    return STATUS_OK;
}

// With two classes, of the one named 1, or else the second.
static void put_binary(const Classified *data, const Confusion *confusion, const Prf *prf,
                       JsonWriter *w)
{
    static const char *const parts[] = {"p", "r", "f1"};
    if (data->items.n_labels != 2) return;
    const size_t positive = 1;
    const double hits = confusion_cell(confusion, positive, positive)->count;
    const double other = confusion_support(confusion, positive) +
                         confusion_cell(confusion, 1 - positive, positive)->count;
    json_member_object(w, "binary_pos1");
    for (size_t part = 0; part < 3; part++)
        json_member_double(w, parts[part], prf->scores[part][SCORE_CLASSES + positive]);
    json_member_double(w, "jaccard", other > 0 ? hits / other : 0);
    json_end_object(w);
}

static Status put_all(const ScoreCase *c, const Classified *data, JsonWriter *w, Error *err)
{
    MetricPlan plan;
    RowSet rows;
    Confusion confusion;
    Prf plain, ones;
    double accuracy, balanced;
    TRY(items_rows(&data->items, &metric_f1, NULL, &plan, &rows, err));
    TRY(confusion_of_rows(&rows, data->items.n_labels, 0.95, c->arena, &confusion, err));
    TRY(items_score_first(&data->items, &metric_accuracy, NULL, &accuracy, err));
    TRY(items_score_first(&data->items, &metric_balanced_accuracy, NULL, &balanced, err));
    TRY(score_prf(&data->items, NULL, &plain, err));
    TRY(score_prf(&data->items, "{\"zero_division\": 1}", &ones, err));
    json_member_array(w, "labels");
    for (size_t i = 0; i < data->items.n_labels; i++) json_put_raw(w, data->labels[i].text);
    json_end_array(w);
    json_member_double(w, "accuracy", accuracy);
    json_member_double(w, "balanced_accuracy", balanced);
    put_confusion(&confusion, w);
    put_prf(data, &confusion, &plain, "zd0", c->arena, w);
    put_prf(data, &confusion, &ones, "zd1", c->arena, w);
    put_binary(data, &confusion, &plain, w);
    if (!data->has_weights) TRY(put_report(data, &confusion, &plain, accuracy, w, err));
    return put_agreement(data, w, err);
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Classified data;
    TRY(read_case(c, &data, err));
    return put_all(c, &data, w, err);
}

static Status run_files(CommandLine *line, Error *err)
{
    static const Metric *const metrics[] = {&metric_accuracy,
                                            &metric_balanced_accuracy,
                                            &metric_precision,
                                            &metric_recall,
                                            &metric_f1,
                                            &metric_mcc,
                                            &metric_kappa,
                                            &metric_auc,
                                            &metric_average_precision,
                                            &metric_log_loss,
                                            &metric_brier,
                                            &metric_ece,
                                            NULL};
    static const TableSpec spec = {.metrics = metrics};
    return table_files_run(line, &spec, err);
}

static const char *const options[] = {TABLE_FILE_OPTIONS, NULL};

const ScoreFamily score_classification = {
    .name = "classification",
    .summary = "accuracy, precision, recall, F, MCC, kappa and the confusion matrix of labels",
    .fields =
        "A case is {\"y_true\": [..], \"y_pred\": [..], \"sample_weight\": [..]?, \"labels\": "
        "[..]?}; classes are numbers or texts, a prediction of null is no answer.",
    .run_case = run_case,
    .run_files = run_files,
    .options = options,
};
