#include "metrics/confusion.h"

#include <math.h>

#include "base/size.h"
#include "metrics/resample.h"

const ConfusionCell *confusion_cell(const Confusion *confusion, size_t label, size_t predicted)
{
    return &confusion->cells[label * (confusion->n_classes + 1) + predicted];
}

double confusion_support(const Confusion *confusion, size_t label)
{
    double sum = 0;
    for (size_t c = 0; c <= confusion->n_classes; c++)
        sum += confusion_cell(confusion, label, c)->count;
    return sum;
}

static Status check_row(const double *row, size_t i, size_t n_classes, Error *err)
{
    const double n = (double)n_classes;
    const bool is_right = row[0] >= 0 && row[0] < n && row[1] >= -1 && row[1] < n &&
                          row[0] == floor(row[0]) && row[1] == floor(row[1]);
    if (is_right) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "confusion: row %zu (%g, %g) is no pair of %zu classes",
                     i, row[0], row[1], n_classes);
}

Status confusion_of_rows(const RowSet *rows, size_t n_classes, double level, Arena *arena,
                         Confusion *out, Error *err)
{
    *out = (Confusion){.n_classes = n_classes, .level = level};
    const size_t n_columns = n_classes + 1;
    size_t n_cells;
    if (!size_mul(n_classes, n_columns, &n_cells)) {
        return error_set_memory(err, n_classes, n_columns, "a confusion matrix");
    }
    TRY(arena_take(arena, n_cells, sizeof *out->cells, "a confusion matrix", &out->cells, err));
    double *squares; // of weights, by reference class
    TRY(arena_take(arena, n_classes, sizeof *squares, "weights by class", &squares, err));
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *row = rows->values + 2 * i, w = weight_of(rows, i);
        TRY(check_row(row, i, n_classes, err));
        const size_t label = (size_t)row[0];
        const size_t predicted = row[1] < 0 ? n_classes : (size_t)row[1];
        out->cells[label * n_columns + predicted].count += w;
        squares[label] += w * w;
    }
    for (size_t label = 0; label < n_classes; label++) {
        ConfusionCell *cells = out->cells + label * n_columns;
        const double support = confusion_support(out, label);
        const double n = squares[label] > 0 ? support * support / squares[label] : 0;
        for (size_t c = 0; c < n_columns; c++) {
            cells[c].share = support > 0 ? cells[c].count / support : (double)NAN;
            cells[c].within = interval_wilson(cells[c].share * n, n, level);
        }
    }
    return STATUS_OK;
}
