// Errors of predicted numbers.
//
//     MSE = mean (y - x)^2     MAE = mean |y - x|     R2 = 1 - sum (y - x)^2 / sum (x - mean x)^2
//
// where x is the reference. R2 of references that are all the same is 1 if every prediction is right, else 0.
#include <math.h>

#include "metrics/metrics_list.h"
#include "metrics/values.h"

Status values_check_item(const Item *item, Error *err)
{
    if (!isfinite(item->value)) {
        return error_set(err, STATUS_INVALID, "reference %g is not a finite number", item->value);
    }
    if (!isfinite(item->predicted_value)) {
        return error_set(err, STATUS_INVALID, "prediction %g is not a finite number",
                         item->predicted_value);
    }
    return STATUS_OK;
}

Status values_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row, Error *err)
{
    (void)plan;
    (void)scratch;
    TRY(values_check_item(item, err));
    row[0] = item->value;
    row[1] = item->predicted_value;
    return STATUS_OK;
}

// Numbers that are all the same do not vary, whatever the rounding of their mean.
static bool all_same(const double *pairs, const double *weights, size_t n, size_t side)
{
    const double *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!(weights[i] > 0)) continue;
        if (first && pairs[2 * i + side] != *first) return false;
        first = &pairs[2 * i + side];
    }
    return true;
}

Moments values_moments(const double *pairs, const double *weights, size_t n)
{
    Moments m = {0};
    for (size_t i = 0; i < n; i++) {
        m.weight += weights[i];
        m.mean_x += weights[i] * pairs[2 * i];
        m.mean_y += weights[i] * pairs[2 * i + 1];
    }
    if (!(m.weight > 0)) return m;
    m.mean_x /= m.weight;
    m.mean_y /= m.weight;
    for (size_t i = 0; i < n; i++) {
        const double dx = pairs[2 * i] - m.mean_x, dy = pairs[2 * i + 1] - m.mean_y;
        m.xx += weights[i] * dx * dx;
        m.yy += weights[i] * dy * dy;
        m.xy += weights[i] * dx * dy;
    }
    m.xx /= m.weight;
    m.yy /= m.weight;
    m.xy /= m.weight;
    if (all_same(pairs, weights, n, 0)) m.xx = m.xy = 0;
    if (all_same(pairs, weights, n, 1)) m.yy = m.xy = 0;
    return m;
}

static Status row_squared(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                          Error *err)
{
    (void)plan;
    (void)scratch;
    TRY(values_check_item(item, err));
    const double difference = item->predicted_value - item->value;
    out[0] = difference * difference;
    out[1] = 1;
    return STATUS_OK;
}

static Status row_absolute(const MetricPlan *plan, const Item *item, Arena *scratch, double *out,
                           Error *err)
{
    (void)plan;
    (void)scratch;
    TRY(values_check_item(item, err));
    out[0] = fabs(item->predicted_value - item->value);
    out[1] = 1;
    return STATUS_OK;
}

static Status score_r2(const MetricPlan *plan, const RowSet *rows, const double *weights,
                       const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)plan;
    (void)index;
    (void)scratch;
    (void)err;
    const Moments m = values_moments(rows->values, weights, rows->n_rows);
    double error = 0, n_items = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double difference = rows->values[2 * i + 1] - rows->values[2 * i];
        error += weights[i] * difference * difference;
        n_items += weights[i] > 0;
    }
    if (n_items < 2) {
        scores[0] = NAN;
    } else if (m.xx == 0) {
        scores[0] = error == 0 ? 1 : 0;
    } else {
        scores[0] = 1 - error / (m.xx * m.weight);
    }
    return STATUS_OK;
}

const Metric metric_mse = {
    .name = "mse",
    .summary = "mean squared error of predicted numbers",
    .source = "scikit-learn mean_squared_error",
    .needs = NEEDS_VALUES,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = INFINITY,
    .row = row_squared,
};

const Metric metric_mae = {
    .name = "mae",
    .summary = "mean absolute error of predicted numbers",
    .source = "scikit-learn mean_absolute_error",
    .needs = NEEDS_VALUES,
    .kind = METRIC_SUMS,
    .direction = LOWER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = INFINITY,
    .row = row_absolute,
};

const Metric metric_r2 = {
    .name = "r2",
    .summary = "share of the references' variance that the predictions account for",
    .source = "scikit-learn r2_score",
    .needs = NEEDS_VALUES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -INFINITY,
    .highest = 1,
    .row = values_row,
    .score_rows = score_r2,
};
