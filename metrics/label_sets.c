#include "metrics/label_sets.h"

#include <math.h>

#include "base/size.h"

enum { LABELS_A_NUMBER = 26 };

size_t label_sets_width(size_t n_labels)
{
    return n_labels / LABELS_A_NUMBER + (n_labels % LABELS_A_NUMBER > 0);
}

static Status check_side(const MetricSetup *setup, const int32_t *labels, size_t n,
                         const char *what, Error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= 0 && (size_t)labels[i] < setup->n_labels) continue;
        return error_set(err, STATUS_INVALID, "%s label %d is none of the %zu labels", what,
                         (int)labels[i], setup->n_labels);
    }
    return STATUS_OK;
}

Status label_sets_check(const MetricSetup *setup, const Item *item, Error *err)
{
    TRY(check_side(setup, item->held, item->n_held, "reference", err));
    return check_side(setup, item->predicted_held, item->n_predicted_held, "predicted", err);
}

Status label_sets_check_probabilities(const MetricSetup *setup, const Item *item, Error *err)
{
    if (item->probabilities == NULL || item->n_classes != setup->n_labels) {
        return error_set(err, STATUS_INVALID, "has %zu probabilities for %zu labels",
                         item->probabilities ? item->n_classes : (size_t)0, setup->n_labels);
    }
    for (size_t c = 0; c < item->n_classes; c++) {
        const double p = item->probabilities[c];
        if (p >= 0 && p <= 1) continue;
        return error_set(err, STATUS_INVALID,
                         "probability %g of label " SLICE_FMT " lies outside [0, 1]", p,
                         SLICE_ARG(setup->labels[c]));
    }
    return STATUS_OK;
}

static void add_marks(const int32_t *labels, size_t n, uint64_t mark, double *row)
{
    for (size_t i = 0; i < n; i++) {
        const size_t label = (size_t)labels[i];
        const uint64_t bits = (uint64_t)row[label / LABELS_A_NUMBER];
        row[label / LABELS_A_NUMBER] = (double)(bits | mark << (2 * (label % LABELS_A_NUMBER)));
    }
}

void label_sets_pack(const Item *item, double *row)
{
    add_marks(item->held, item->n_held, LABEL_HOLDS, row);
    add_marks(item->predicted_held, item->n_predicted_held, LABEL_IS_GIVEN, row);
}

static uint32_t marks_of(const double *row, size_t label)
{
    const uint64_t bits = (uint64_t)row[label / LABELS_A_NUMBER];
    return (uint32_t)(bits >> (2 * (label % LABELS_A_NUMBER))) & (LABEL_HOLDS | LABEL_IS_GIVEN);
}

bool label_sets_holds(const double *row, size_t label)
{
    return (marks_of(row, label) & LABEL_HOLDS) != 0;
}

static Status check_rows(const RowSet *rows, size_t row_width, size_t n_labels, Error *err)
{
    const size_t width = label_sets_width(n_labels), over = n_labels % LABELS_A_NUMBER;
    for (size_t i = 0; i < rows->n_rows; i++) {
        for (size_t k = 0; k < width; k++) {
            const bool is_last = k + 1 == width && over > 0;
            const double value = rows->values[i * row_width + k];
            const double limit = ldexp(1, 2 * (is_last ? (int)over : LABELS_A_NUMBER));
            if (value >= 0 && value < limit && value == floor(value)) continue;
            return error_set(err, STATUS_INVALID, "row %zu (%g) is no set of %zu labels", i, value,
                             n_labels);
        }
    }
    return STATUS_OK;
}

Status label_sets_unpack(const RowSet *rows, size_t row_width, size_t n_labels, Arena *arena,
                         LabelSets *out, Error *err)
{
    size_t n = 0;
    TRY(check_rows(rows, row_width, n_labels, err));
    for (size_t i = 0; i < rows->n_rows; i++) {
        for (size_t c = 0; c < n_labels; c++) n += marks_of(rows->values + i * row_width, c) != 0;
    }
    TRY(arena_take(arena, n, sizeof *out->marks, "labels", &out->marks, err));
    TRY(arena_take(arena, rows->n_rows + 1, sizeof *out->starts, "labels", &out->starts, err));
    n = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        for (size_t c = 0; c < n_labels; c++) {
            const uint32_t marks = marks_of(rows->values + i * row_width, c);
            if (marks != 0) out->marks[n++] = (LabelMark){(uint32_t)c, marks};
        }
        out->starts[i + 1] = n;
    }
    return STATUS_OK;
}
