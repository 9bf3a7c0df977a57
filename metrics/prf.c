// Precision, recall and F over classes.
//
//     precision = tp / predicted      recall = tp / support
//     F_beta = (1 + beta^2) tp / (beta^2 support + predicted)
//
// micro: from the sums over classes; macro: mean over all labels; weighted: mean by support; binary: one class.
#include <math.h>

#include "metrics/prf.h"

#include "metrics/classes.h"
#include "metrics/metrics_list.h"

typedef enum Average { AVERAGE_MACRO, AVERAGE_MICRO, AVERAGE_WEIGHTED, AVERAGE_BINARY } Average;
static const char *const averages[] = {"macro", "micro", "weighted", "binary"};
enum { N_AVERAGES = 4, SCORE_MICRO = 1, SCORE_MACRO, SCORE_WEIGHTED, SCORE_CLASSES };

static const char *const params[] = {"average", "positive", "zero_division", NULL};
static const char *const params_f[] = {"average", "positive", "zero_division", "beta", NULL};

// ---- shared with metrics of label sets ----

static Status read_zero_division(const Json *object, double *out, Error *err)
{
    const Json *value = json_get(object, "zero_division");
    if (value == NULL || json_kind(value) == JSON_NULL) return STATUS_OK;
    if (json_kind(value) == JSON_STRING && slice_eq_cstr(json_string(value), "nan")) {
        *out = NAN;
        return STATUS_OK;
    }
    if (json_kind(value) == JSON_STRING) {
        return json_error(value, err, "must be 0, 1 or \"nan\"");
    }
    return json_as_double(value, 0, 1, out, err);
}

Status prf_read(const MetricPlan *plan, const char *const *names, size_t n_names, Arena *arena,
                PrfOptions **out, Error *err)
{
    const Json *given = plan->setup.params;
    TRY(arena_take(arena, 1, sizeof **out, "options", out, err));
    **out = (PrfOptions){.part = (PrfPart)plan->metric->variant, .beta = 1};
    TRY(params_choice(given, "average", names, n_names, &(*out)->average, err));
    TRY(read_zero_division(given, &(*out)->zero_division, err));
    return given ? json_opt_double(given, "beta", 1e-6, 1e6, &(*out)->beta, err) : STATUS_OK;
}

double prf_of(const PrfOptions *options, double hits, double predicted, double support)
{
    const double bb = options->beta * options->beta;
    double numerator = hits, denominator = 0;
    switch (options->part) {
    case PRF_PRECISION:
        denominator = predicted;
        break;
    case PRF_RECALL:
        denominator = support;
        break;
    case PRF_F:
        numerator = (1 + bb) * hits;
        denominator = bb * support + predicted;
        break;
    case PRF_JACCARD:
        denominator = support + predicted - hits;
        break;
    }
    return denominator > 0 ? numerator / denominator : options->zero_division;
}

PrfMeans prf_means(const PrfOptions *options, const double *hits, const double *predicted,
                   const double *support, size_t n, double *of_classes)
{
    double all_hits = 0, all_predicted = 0, all_support = 0;
    double macro = 0, n_macro = 0, weighted = 0, weighted_support = 0;
    for (size_t c = 0; c < n; c++) {
        const double value = prf_of(options, hits[c], predicted[c], support[c]);
        of_classes[c] = value;
        all_hits += hits[c];
        all_predicted += predicted[c];
        all_support += support[c];
        if (isnan(value)) continue;
        macro += value;
        n_macro += 1;
        weighted += value * support[c];
        weighted_support += support[c];
    }
    return (PrfMeans){.micro = prf_of(options, all_hits, all_predicted, all_support),
                      .macro = n_macro > 0 ? macro / n_macro : (double)NAN,
                      .weighted = weighted_support > 0 ? weighted / weighted_support
                                                       : options->zero_division};
}

Status prf_signature(const MetricPlan *plan, const char *average, Slice positive, Arena *arena,
                     Slice *out, Error *err)
{
    const PrfOptions *o = plan->options;
    Slice beta = {0};
    if (o->part == PRF_F && o->beta != 1) TRY(arena_format(arena, &beta, err, "|beta:%g", o->beta));
    return arena_format(arena, out, err, "|average:%s" SLICE_FMT SLICE_FMT "|zero_division:%g",
                        average, SLICE_ARG(positive), SLICE_ARG(beta), o->zero_division);
}

// ---- of classes ----

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const MetricSetup *setup = &plan->setup;
    TRY(classes_check_setup(setup, 1, err));
    PrfOptions *o;
    TRY(prf_read(plan, averages, N_AVERAGES, arena, &o, err));
    TRY(classes_positive(setup, &o->positive, err));
    if (o->average == AVERAGE_BINARY && o->positive == SIZE_MAX) {
        return error_set(err, STATUS_INVALID,
                         "average \"binary\" over %zu labels wants \"positive\": one of them",
                         setup->n_labels);
    }
    plan->n_scores = SCORE_CLASSES + setup->n_labels;
    plan->options = o;
    return STATUS_OK;
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    static const char *const fixed[] = {"", "micro", "macro", "weighted"};
    if (score >= SCORE_CLASSES) {
        return classes_score_name(plan, score - SCORE_CLASSES, arena, name, err);
    }
    return arena_format(arena, name, err, "%s/%s", plan->metric->name, fixed[score]);
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    const PrfOptions *o = plan->options;
    ClassCounts n;
    TRY(classes_count(plan, rows, weights, index, scratch, &n, err));
    const PrfMeans means =
        prf_means(o, n.hits, n.predicted, n.support, n.n_classes, scores + SCORE_CLASSES);
    scores[SCORE_MICRO] = means.micro;
    scores[SCORE_MACRO] = means.macro;
    scores[SCORE_WEIGHTED] = means.weighted;
    switch ((Average)o->average) {
    case AVERAGE_MACRO:
        scores[0] = scores[SCORE_MACRO];
        break;
    case AVERAGE_MICRO:
        scores[0] = scores[SCORE_MICRO];
        break;
    case AVERAGE_WEIGHTED:
        scores[0] = scores[SCORE_WEIGHTED];
        break;
    case AVERAGE_BINARY:
        scores[0] = scores[SCORE_CLASSES + o->positive];
        break;
    }
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const PrfOptions *o = plan->options;
    Slice positive = {0};
    if (o->average == AVERAGE_BINARY) {
        TRY(arena_format(arena, &positive, err, "|positive:" SLICE_FMT,
                         SLICE_ARG(plan->setup.labels[o->positive])));
    }
    return prf_signature(plan, averages[o->average], positive, arena, out, err);
}

const Metric metric_precision = {
    .name = "precision",
    .summary = "share of a predicted class that is right: macro (default), micro, weighted, binary",
    .source = "scikit-learn precision_score",
    .needs = NEEDS_LABELS,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .params = params,
    .variant = PRF_PRECISION,
    .prepare = prepare,
    .score_name = score_name,
    .row = classes_row,
    .index_rows = classes_index,
    .score_rows = score_rows,
    .signature = signature,
};

const Metric metric_recall = {
    .name = "recall",
    .summary = "share of a class that is found: macro (default), micro, weighted, binary",
    .source = "scikit-learn recall_score",
    .needs = NEEDS_LABELS,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .params = params,
    .variant = PRF_RECALL,
    .prepare = prepare,
    .score_name = score_name,
    .row = classes_row,
    .index_rows = classes_index,
    .score_rows = score_rows,
    .signature = signature,
};

const Metric metric_f1 = {
    .name = "f1",
    .summary = "harmonic mean of precision and recall: macro (default), micro, weighted, binary",
    .source = "scikit-learn f1_score; fbeta_score where beta is given",
    .needs = NEEDS_LABELS,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .highest = 1,
    .params = params_f,
    .variant = PRF_F,
    .prepare = prepare,
    .score_name = score_name,
    .row = classes_row,
    .index_rows = classes_index,
    .score_rows = score_rows,
    .signature = signature,
};
