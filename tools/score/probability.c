// Scores of probabilities: a case names its kind, "binary" (y, score) or "multiclass" (y, prob).
#include <math.h>
#include <stdio.h>

#include "metrics/calibration.h"
#include "metrics/curves.h"
#include "metrics/delong.h"
#include "tools/score/labelled_items.h"
#include "tools/score/table.h"

enum { MAX_CURVE = 1000000 };

// ---- Calibration ----

// {"ece": .., "mce": .., "bins_nonempty[..]": [[index, count, mean confidence, accuracy], ..]}: a reliability diagram.
static Status put_calibration(const LabelledItems *items, const char *key, const char *params,
                              JsonWriter *w, Error *err)
{
    MetricPlan plan;
    RowSet rows;
    double scores[2];
    CalibrationBin *bins;
    TRY(items_rows(items, &metric_ece, params, &plan, &rows, err));
    TRY(estimates_of_rows(&plan, &rows, NULL, scores, err));
    const size_t n_bins = calibration_bins(&plan);
    TRY(arena_take(items->arena, n_bins, sizeof *bins, "bins", &bins, err));
    TRY(calibration_diagram(&plan, &rows, NULL, bins, err));
    json_member_object(w, key);
    json_member_double(w, "ece", scores[0]);
    json_member_double(w, "mce", scores[1]);
    json_member_array(w, "bins_nonempty[index,count,mean_conf,accuracy]");
    for (size_t b = 0; b < n_bins; b++) {
        if (!(bins[b].weight > 0)) continue;
        json_begin_array(w);
        json_put_u64(w, b);
        json_put_double(w, bins[b].weight);
        json_put_double(w, bins[b].confidence);
        json_put_double(w, bins[b].accuracy);
        json_end_array(w);
    }
    json_end_array(w);
    json_end_object(w);
    return STATUS_OK;
}

static Status put_number_of_bins(const LabelledItems *items, const char *of, const char *prefix,
                                 int n_bins, JsonWriter *w, Error *err)
{
    char key[32], params[64];
    snprintf(key, sizeof key, "%s_%d", prefix, n_bins);
    snprintf(params, sizeof params, "{\"bins\": %d, \"of\": \"%s\"}", n_bins, of);
    return put_calibration(items, key, params, w, err);
}

// Beyond the references: bins of equal mass, and every class by itself.
static Status put_further_calibration(const LabelledItems *items, JsonWriter *w, Error *err)
{
    double classwise, adaptive;
    TRY(items_score_first(items, &metric_ece, "{\"binning\": \"mass\"}", &adaptive, err));
    TRY(items_score_first(items, &metric_ece_classwise, NULL, &classwise, err));
    json_member_double(w, "ece_adaptive_15", adaptive);
    json_member_double(w, "ece_classwise_15", classwise);
    return STATUS_OK;
}

// ---- Two classes ----

typedef struct Binary {
    LabelledItems items;
    Numbers score, weights;
    bool *is_positive;
    size_t n_positive;
} Binary;

static Status read_binary(const ScoreCase *c, Binary *out, Error *err)
{
    Numbers y;
    double *pairs;
    *out = (Binary){.items.arena = c->arena};
    TRY(case_numbers(c, "y", &y, err));
    TRY(case_numbers(c, "score", &out->score, err));
    TRY(case_opt_numbers(c, "sample_weight", &out->weights, err));
    TRY(case_same_length(c, "score", out->score.n, "y", y.n, err));
    if (out->weights.values != NULL)
        TRY(case_same_length(c, "sample_weight", out->weights.n, "y", y.n, err));
    TRY(case_check_weights(c, &out->weights, err));
    if (y.n == 0)
        return json_error(json_get(c->root, "y"), err, "is empty: there is nothing to score");
    TRY(items_name_classes(&out->items, 2, err));
    TRY(items_take(&out->items, y.n, err));
    TRY(arena_take(c->arena, y.n, 2 * sizeof *pairs, "probabilities", &pairs, err));
    TRY(arena_take(c->arena, y.n, sizeof *out->is_positive, "labels", &out->is_positive, err));
    for (size_t i = 0; i < y.n; i++) {
        Item *item = &out->items.items[i];
        const double p = out->score.values[i];
        if (y.values[i] != 0 && y.values[i] != 1)
            return json_error(json_get(c->root, "y"), err, "label %zu is %g: must be 0 or 1", i,
                              y.values[i]);
        if (!(p >= 0 && p <= 1))
            return json_error(json_get(c->root, "score"), err,
                              "score %zu is %g: must be the probability of class 1, in [0, 1]", i,
                              p);
        pairs[2 * i] = 1 - p;
        pairs[2 * i + 1] = p;
        item->label = y.values[i] == 1;
        item->predicted = p >= 0.5;
        item->probabilities = pairs + 2 * i;
        item->n_classes = 2;
        if (out->weights.values != NULL) item->weight = out->weights.values[i];
        out->is_positive[i] = y.values[i] == 1;
        out->n_positive += out->is_positive[i];
    }
    return STATUS_OK;
}

static Status put_curves(const Binary *data, JsonWriter *w, Error *err)
{
    RocCurve roc;
    PrCurve pr;
    const double *weights = data->weights.values;
    const size_t n = data->items.n;
    Arena *arena = data->items.arena;
    TRY(roc_curve(data->score.values, data->is_positive, weights, n, arena, &roc, err));
    TRY(pr_curve(data->score.values, data->is_positive, weights, n, arena, &pr, err));
    json_member_double(w, "roc_auc_max_fpr_0.2", roc_partial_area(&roc, 0.2));
    json_member_double(w, "pr_auc_trapezoid", pr.area);
    json_member_double(w, "ks", roc.ks);
    if (roc.n > MAX_CURVE || pr.n > MAX_CURVE) return STATUS_OK;
    json_member_object(w, "roc_curve");
    score_put_numbers(w, "fpr", roc.fpr, roc.n);
    score_put_numbers(w, "tpr", roc.tpr, roc.n);
    score_put_numbers(w, "thresholds", roc.thresholds, roc.n);
    json_end_object(w);
    json_member_object(w, "pr_curve");
    score_put_numbers(w, "precision", pr.precision, pr.n);
    score_put_numbers(w, "recall", pr.recall, pr.n);
    score_put_numbers(w, "thresholds", pr.thresholds, pr.n > 0 ? pr.n - 1 : 0);
    json_end_object(w);
    return STATUS_OK;
}

static Status put_delong(const Binary *data, JsonWriter *w, Error *err)
{
    Auc auc;
    TRY(auc_delong(data->score.values, data->is_positive, NULL, data->items.n, 0.95, &auc, err));
    json_member_double(w, "roc_auc_standard_error", auc.standard_error);
    put_interval(w, "roc_auc_ci95", auc.interval);
    return STATUS_OK;
}

static Status run_binary(const ScoreCase *c, JsonWriter *w, Error *err)
{
    static const struct {
        const char *key;
        const Metric *metric;
    } scores[] = {{"roc_auc", &metric_auc},
                  {"average_precision", &metric_average_precision},
                  {"brier", &metric_brier},
                  {"log_loss", &metric_log_loss}};
    static const int n_bins[] = {5, 10, 15};
    Binary data;
    TRY(read_binary(c, &data, err));
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        double value;
        TRY(items_score_first(&data.items, scores[i].metric, NULL, &value, err));
        json_member_double(w, scores[i].key, value);
    }
    if (data.weights.values == NULL) TRY(put_delong(&data, w, err));
    TRY(put_curves(&data, w, err));
    for (size_t i = 0; i < 3; i++) {
        TRY(put_number_of_bins(&data.items, "positive", "ece_pos", n_bins[i], w, err));
        TRY(put_number_of_bins(&data.items, "confidence", "ece_conf", n_bins[i], w, err));
    }
    TRY(put_further_calibration(&data.items, w, err));
    Reasons reasons = {0};
    reason_add(&reasons, data.n_positive == 0, "roc_auc: no item of class 1 among y");
    reason_add(&reasons, data.n_positive == data.items.n, "roc_auc: no item of class 0 among y");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

// ---- Several classes ----

static Status read_multiclass(const ScoreCase *c, LabelledItems *out, bool *is_complete, Error *err)
{
    Numbers y, prob, weights;
    size_t n_classes;
    bool *is_seen;
    *out = (LabelledItems){.arena = c->arena};
    TRY(case_numbers(c, "y", &y, err));
    TRY(case_matrix(c, "prob", &prob, &n_classes, err));
    TRY(case_opt_numbers(c, "sample_weight", &weights, err));
    TRY(case_same_length(c, "prob", n_classes > 0 ? prob.n / n_classes : 0, "y", y.n, err));
    if (weights.values != NULL) TRY(case_same_length(c, "sample_weight", weights.n, "y", y.n, err));
    TRY(case_check_weights(c, &weights, err));
    if (y.n == 0)
        return json_error(json_get(c->root, "y"), err, "is empty: there is nothing to score");
    if (n_classes < 2)
        return json_error(json_get(c->root, "prob"), err, "wants two classes or more");
    TRY(items_name_classes(out, n_classes, err));
    TRY(items_take(out, y.n, err));
    TRY(arena_take(c->arena, n_classes, sizeof *is_seen, "classes", &is_seen, err));
    for (size_t i = 0; i < y.n; i++) {
        if (!(y.values[i] >= 0 && y.values[i] < (double)n_classes) ||
            y.values[i] != floor(y.values[i]))
            return json_error(json_get(c->root, "y"), err,
                              "label %zu is %g: must be a class from 0 to %zu", i, y.values[i],
                              n_classes - 1);
        out->items[i].label = (int32_t)y.values[i];
        out->items[i].probabilities = prob.values + i * n_classes;
        out->items[i].n_classes = n_classes;
        if (weights.values != NULL) out->items[i].weight = weights.values[i];
        is_seen[out->items[i].label] = true;
    }
    *is_complete = true;
    for (size_t k = 0; k < n_classes; k++) *is_complete = *is_complete && is_seen[k];
    return STATUS_OK;
}

static Status run_multiclass(const ScoreCase *c, JsonWriter *w, Error *err)
{
    static const struct {
        const char *key;
        const Metric *metric;
        const char *params;
    } scores[] = {
        {"log_loss", &metric_log_loss, NULL},
        {"roc_auc_ovr_macro", &metric_auc, NULL},
        {"roc_auc_ovr_weighted", &metric_auc, "{\"average\": \"weighted\"}"},
        {"roc_auc_ovo_macro", &metric_auc, "{\"multi_class\": \"ovo\"}"},
        {"roc_auc_ovo_weighted", &metric_auc,
         "{\"multi_class\": \"ovo\", \"average\": \"weighted\"}"},
        {"roc_auc_ovr_micro", &metric_auc, "{\"average\": \"micro\"}"},
        {"average_precision_macro", &metric_average_precision, NULL},
        {"average_precision_micro", &metric_average_precision, "{\"average\": \"micro\"}"},
        {"brier_multiclass_sum", &metric_brier, NULL},
        {"top1_accuracy", &metric_top_k, "{\"k\": 1}"},
        {"top2_accuracy", &metric_top_k, "{\"k\": 2}"},
        {"top3_accuracy", &metric_top_k, "{\"k\": 3}"},
        {"top5_accuracy", &metric_top_k, "{\"k\": 5}"},
    };
    LabelledItems items;
    bool is_complete = true;
    TRY(read_multiclass(c, &items, &is_complete, err));
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        const bool is_micro =
            scores[i].params != NULL && items.n_labels == 2 && (scores[i].metric == &metric_auc);
        double value;
        TRY(items_score_first(&items, scores[i].metric, is_micro ? NULL : scores[i].params, &value,
                              err));
        json_member_double(w, scores[i].key, value);
    }
    TRY(put_number_of_bins(&items, "confidence", "ece", 10, w, err));
    TRY(put_number_of_bins(&items, "confidence", "ece", 15, w, err));
    TRY(put_further_calibration(&items, w, err));
    Reasons reasons = {0};
    reason_add(&reasons, !is_complete, "roc_auc: some class has no item among y");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Slice kind = json_get(c->root, "prob") != NULL ? SLICE("multiclass") : SLICE("binary");
    TRY(json_opt_string(c->root, "kind", &kind, err));
    if (slice_eq_cstr(kind, "multiclass")) return run_multiclass(c, w, err);
    if (slice_eq_cstr(kind, "binary") || slice_eq_cstr(kind, "binary-edge"))
        return run_binary(c, w, err);
    return json_error(json_get(c->root, "kind"), err,
                      "\"" SLICE_FMT "\" must be \"binary\" or \"multiclass\"", SLICE_ARG(kind));
}

static Status run_files(CommandLine *line, Error *err)
{
    static const Metric *const metrics[] = {&metric_auc,
                                            &metric_average_precision,
                                            &metric_log_loss,
                                            &metric_brier,
                                            &metric_ece,
                                            &metric_ece_classwise,
                                            NULL};
    static const TableSpec spec = {.metrics = metrics};
    return table_files_run(line, &spec, err);
}

static const char *const options[] = {TABLE_FILE_OPTIONS, NULL};

const ScoreFamily score_probability = {
    .name = "probability",
    .summary = "AUC, average precision, log loss, Brier score, calibration and curves",
    .fields = "A case is {\"y\": [0, 1, ..], \"score\": [probability of 1, ..], \"sample_weight\": "
              "[..]?} or {\"y\": [class, ..], \"prob\": [[of each class, ..], ..]}.",
    .run_case = run_case,
    .run_files = run_files,
    .options = options,
};
