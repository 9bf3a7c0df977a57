#include "kernels/route.h"

#include <math.h>

#include "kernels/cpu/real.h"

// Whether column a comes before column b: a total order.
static int precedes(const Real *x, size_t a, size_t b)
{
    const int a_is_nan = isnan(x[a]) != 0, b_is_nan = isnan(x[b]) != 0;
    if (a_is_nan != b_is_nan) return a_is_nan;
    if (x[a] > x[b] || x[a] < x[b]) return x[a] > x[b];
    return a < b;
}

// The first column behind *last in that order; the first of all where last is NULL.
static size_t next_column(const Real *x, size_t n, const size_t *last)
{
    size_t best = n;
    for (size_t j = 0; j < n; j++) {
        if (last && !precedes(x, *last, j)) continue;
        if (best == n || precedes(x, j, best)) best = j;
    }
    return best;
}

// exp(x[j] - max) over what a softmax adds up to.
typedef struct RowSum {
    double max, sum_exp;
} RowSum;

static RowSum row_sum(RouteKind kind, const Real *x, size_t n, const Real *chosen, size_t k)
{
    RowSum row = {.max = x[(size_t)chosen[0]]};
    if (kind == ROUTE_SOFTMAX) {
        for (size_t j = 0; j < n; j++) row.sum_exp += exp(x[j] - row.max);
    } else {
        for (size_t j = 0; j < k; j++) row.sum_exp += exp(x[(size_t)chosen[j]] - row.max);
    }
    return row;
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

Status REFERENCE(route)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const RouteKind kind = args->as.route.kind;
    const Tensor *logits = &args->in[0], *weights = &args->out[0];
    const size_t k = weights->cols;
    for (size_t i = 0; i < logits->rows; i++) {
        const Real *x = real_row(logits, i);
        Real *w = real_row(weights, i), *chosen = real_row(&args->out[1], i);
        size_t last = 0;
        for (size_t j = 0; j < k; j++) {
            last = next_column(x, logits->cols, j > 0 ? &last : NULL);
            chosen[j] = (Real)last;
        }
        const RowSum row = row_sum(kind, x, logits->cols, chosen, k);
        for (size_t j = 0; j < k; j++) {
            const double value = x[(size_t)chosen[j]];
            w[j] =
                (Real)(kind == ROUTE_SIGMOID ? sigmoid(value) : exp(value - row.max) / row.sum_exp);
        }
    }
    return STATUS_OK;
}

static void softmax_gradient(RouteKind kind, const Real *x, size_t n, const Real *chosen,
                             const Real *dw, size_t k, Real *dx)
{
    const RowSum row = row_sum(kind, x, n, chosen, k);
    double sum = 0;
    for (size_t j = 0; j < k; j++) sum += exp(x[(size_t)chosen[j]] - row.max) / row.sum_exp * dw[j];
    for (size_t j = 0; j < n; j++)
        dx[j] = kind == ROUTE_SOFTMAX ? (Real)(-exp(x[j] - row.max) / row.sum_exp * sum) : 0;
    for (size_t j = 0; j < k; j++) {
        const size_t column = (size_t)chosen[j];
        dx[column] = (Real)(exp(x[column] - row.max) / row.sum_exp * (dw[j] - sum));
    }
}

Status REFERENCE(route_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const RouteKind kind = args->as.route.kind;
    const Tensor *logits = &args->in[1];
    const size_t n = logits->cols, k = args->in[0].cols;
    for (size_t i = 0; i < logits->rows; i++) {
        const Real *dw = real_row(&args->in[0], i), *x = real_row(logits, i);
        const Real *chosen = real_row(&args->in[2], i);
        Real *dx = real_row(&args->out[0], i);
        if (kind != ROUTE_SIGMOID) {
            softmax_gradient(kind, x, n, chosen, dw, k, dx);
            continue;
        }
        for (size_t j = 0; j < n; j++) dx[j] = 0;
        for (size_t j = 0; j < k; j++) {
            const size_t column = (size_t)chosen[j];
            const double w = sigmoid(x[column]);
            dx[column] = (Real)(dw[j] * w * (1.0 - w));
        }
    }
    return STATUS_OK;
}
