#include "metrics/classes.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/name_list.h"
#include "base/size.h"

Status classes_check_setup(const MetricSetup *setup, size_t least, Error *err)
{
    if (setup->n_labels >= least) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "wants at least %zu labels, but there are %zu", least,
                     setup->n_labels);
}

static Status check_class(const MetricSetup *setup, int32_t class, const char *what, Error *err)
{
    if (class >= 0 && (size_t) class < setup->n_labels) return STATUS_OK;
    if (class == ITEM_NO_LABEL) return error_set(err, STATUS_INVALID, "has no %s", what);
    return error_set(err, STATUS_INVALID, "%s %d is none of the %zu labels", what, (int)class,
                     setup->n_labels);
}

Status classes_check_item(const MetricSetup *setup, const Item *item, Error *err)
{
    TRY(check_class(setup, item->label, "reference label", err));
    if (item->predicted == ITEM_NO_LABEL) return STATUS_OK;
    return check_class(setup, item->predicted, "predicted label", err);
}

Status classes_check_probabilities(const MetricSetup *setup, const Item *item, Error *err)
{
    TRY(check_class(setup, item->label, "reference label", err));
    if (item->probabilities == NULL) {
        return error_set(err, STATUS_INVALID, "has no probabilities: the system must give them");
    }
    if (item->n_classes != setup->n_labels) {
        return error_set(err, STATUS_INVALID, "has %zu probabilities for %zu labels",
                         item->n_classes, setup->n_labels);
    }
    double sum = 0;
    for (size_t c = 0; c < item->n_classes; c++) {
        const double p = item->probabilities[c];
        if (!(p >= 0 && p <= 1)) {
            return error_set(err, STATUS_INVALID,
                             "probability %g of label " SLICE_FMT " lies outside [0, 1]", p,
                             SLICE_ARG(setup->labels[c]));
        }
        sum += p;
    }
    // Wide enough for sums of half-precision softmax outputs.
    if (fabs(sum - 1) <= 1e-3) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "probabilities sum to %g, not to 1", sum);
}

Status classes_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                   Error *err)
{
    (void)scratch;
    TRY(classes_check_item(&plan->setup, item, err));
    row[0] = item->label;
    row[1] = item->predicted;
    return STATUS_OK;
}

typedef struct ClassPair {
    uint32_t label, predicted; // predicted = n_classes where there is no answer
} ClassPair;

Status classes_index(const MetricPlan *plan, const RowSet *rows, Arena *arena, const void **index,
                     Error *err)
{
    ClassPair *pairs;
    TRY(arena_take(arena, rows->n_rows, sizeof *pairs, "classes", &pairs, err));
    const uint32_t n = (uint32_t)plan->setup.n_labels;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double label = rows->values[2 * i], predicted = rows->values[2 * i + 1];
        if (!(label >= 0 && label < n && predicted >= -1 && predicted < n)) {
            return error_set(err, STATUS_INVALID, "row %zu (%g, %g) is no pair of %u classes", i,
                             label, predicted, n);
        }
        pairs[i] = (ClassPair){(uint32_t)label, predicted < 0 ? n : (uint32_t)predicted};
    }
    *index = pairs;
    return STATUS_OK;
}

Status classes_count(const MetricPlan *plan, const RowSet *rows, const double *weights,
                     const void *index, Arena *scratch, ClassCounts *out, Error *err)
{
    const size_t n = plan->setup.n_labels;
    const ClassPair *pairs = index;
    *out = (ClassCounts){.n_classes = n};
    TRY(arena_take(scratch, n + 1, 3 * sizeof *out->hits, "counts by class", &out->hits, err));
    out->predicted = out->hits + n;
    out->support = out->predicted + n + 1;
    for (size_t i = 0; i < rows->n_rows; i++) { // without branches: resampling is unpredictable
        const double w = weights[i];
        const ClassPair pair = pairs[i];
        out->support[pair.label] += w;
        out->predicted[pair.predicted] += w;
        out->hits[pair.label] += pair.label == pair.predicted ? w : 0;
        out->total += w;
    }
    out->unanswered = out->predicted[n];
    return STATUS_OK;
}

Status classes_positive(const MetricSetup *setup, size_t *positive, Error *err)
{
    *positive = setup->n_labels == 2 ? 1 : SIZE_MAX;
    const Json *value = json_get(setup->params, "positive");
    if (value == NULL || json_kind(value) == JSON_NULL) return STATUS_OK;
    Slice name;
    TRY(json_as_string(value, &name, err));
    for (size_t c = 0; c < setup->n_labels; c++) {
        if (!slice_eq(setup->labels[c], name)) continue;
        *positive = c;
        return STATUS_OK;
    }
    return json_error(value, err, "\"" SLICE_FMT "\" is none of the %zu labels", SLICE_ARG(name),
                      setup->n_labels);
}

Status classes_score_name(const MetricPlan *plan, size_t label, Arena *arena, Slice *name,
                          Error *err)
{
    const Slice text = plan->setup.labels[label];
    return arena_format(arena, name, err, "%s/class/" SLICE_FMT, plan->metric->name,
                        SLICE_ARG(text));
}

Status params_choice(const Json *params, const char *key, const char *const *choices,
                     size_t n_choices, size_t *choice, Error *err)
{
    const Json *value = json_get(params, key);
    if (value == NULL || json_kind(value) == JSON_NULL) return STATUS_OK;
    Slice text;
    TRY(json_as_string(value, &text, err));
    NameList allowed = {0};
    for (size_t i = 0; i < n_choices; i++) {
        if (slice_eq_cstr(text, choices[i])) {
            *choice = i;
            return STATUS_OK;
        }
        name_list_add_cstr(&allowed, choices[i]);
    }
    return json_error(value, err, "\"" SLICE_FMT "\" is none of %s", SLICE_ARG(text), allowed.text);
}

Status arena_format(Arena *arena, Slice *out, Error *err, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = len >= 0 ? arena_alloc(arena, (size_t)len + 1, 1) : NULL;
    if (text != NULL) vsnprintf(text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    if (text == NULL) return error_set_memory(err, 1, len >= 0 ? (size_t)len : 0, "a text");
    *out = (Slice){text, (size_t)len};
    return STATUS_OK;
}
