#include "kernels/softmax.h"

#include <math.h>

#include "kernels/cpu/real.h"

typedef struct RowSum {
    double max;
    double sum_exp; // of exp(x - max)
} RowSum;

static RowSum row_sum(const Real *x, size_t n)
{
    RowSum row = {.max = x[0]};
    for (size_t j = 1; j < n; j++) row.max = x[j] > row.max ? x[j] : row.max;
    for (size_t j = 0; j < n; j++) row.sum_exp += exp(x[j] - row.max);
    return row;
}

Status REFERENCE(softmax)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    for (size_t i = 0; i < y->rows; i++) {
        const Real *x = real_row(&args->in[0], i);
        const RowSum row = row_sum(x, y->cols);
        for (size_t j = 0; j < y->cols; j++) {
            real_row(y, i)[j] = (Real)(exp(x[j] - row.max) / row.sum_exp);
        }
    }
    return STATUS_OK;
}

Status REFERENCE(log_sum_exp)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *x = &args->in[0], *groups = &args->out[1];
    for (size_t i = 0; i < x->rows; i++) {
        const Real *from = real_row(x, i);
        const RowSum row = row_sum(from, x->cols);
        ((double *)args->out[0].data)[i] = row.max + log(row.sum_exp);
        for (size_t j = 0; groups->data && j < x->cols; j++) {
            Real *largest = real_row(groups, i) + j / LOG_SUM_GROUP;
            if (j % LOG_SUM_GROUP == 0) *largest = -INFINITY;
            if (from[j] > *largest) *largest = from[j];
        }
    }
    return STATUS_OK;
}

static double class_weight(const CrossEntropyArgs *as, size_t class_index)
{
    return as->class_weights ? as->class_weights[class_index] : 1.0;
}

// The loss of one row; its gradient into dx unless that is NULL (dx may be x).
static double cross_entropy_row(const CrossEntropyArgs *as, size_t n, const Real *x, size_t label,
                                Real *dx)
{
    const RowSum row = row_sum(x, n);
    const double log_sum = row.max + log(row.sum_exp);
    const double hit = (1.0 - (double)as->label_smoothing) * class_weight(as, label);
    const double smooth = (double)as->label_smoothing / (double)n;
    double loss = -hit * (x[label] - log_sum), weights = 0;
    for (size_t j = 0; j < n; j++) {
        weights += class_weight(as, j);
        if (smooth > 0.0) loss -= smooth * class_weight(as, j) * (x[j] - log_sum);
    }
    for (size_t j = 0; dx && j < n; j++) {
        const double p = exp(x[j] - row.max) / row.sum_exp;
        dx[j] = (Real)(hit * (p - (j == label ? 1.0 : 0.0)) +
                       smooth * (p * weights - class_weight(as, j)));
    }
    return loss;
}

Status REFERENCE(cross_entropy)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const CrossEntropyArgs *as = &args->as.cross_entropy;
    const Tensor *x = &args->in[0], *dx = &args->out[1];
    double loss = 0, weight = 0;
    for (size_t i = 0; i < x->rows; i++) {
        Real *gradient = dx->data ? real_row(dx, i) : NULL;
        if (as->labels[i] < 0) {
            for (size_t j = 0; gradient && j < x->cols; j++) gradient[j] = 0;
            continue;
        }
        const size_t label = (size_t)as->labels[i];
        loss += cross_entropy_row(as, x->cols, real_row(x, i), label, gradient);
        weight += class_weight(as, label);
    }
    double *out = args->out[0].data;
    out[0] = loss;
    out[1] = weight;
    return STATUS_OK;
}
