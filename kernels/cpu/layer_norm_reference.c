#include "kernels/layer_norm.h"

#include <math.h>

#include "kernels/cpu/real.h"
#include "kernels/exec.h"

// s[j], rounded to what is stored.
static double residual_sum(const Real *x, const Real *residual, size_t j)
{
    return residual ? (double)(Real)((double)x[j] + (double)residual[j]) : (double)x[j];
}

Status REFERENCE(layer_norm)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0], *s = &args->out[1], *statistics = &args->out[2];
    const Real *weight = args->in[2].data, *bias = args->in[3].data;
    const double size = (double)y->cols;
    for (size_t i = 0; i < y->rows; i++) {
        const Real *x = real_row(&args->in[0], i);
        const Real *residual = args->in[1].data ? real_row(&args->in[1], i) : NULL;
        double sum = 0, squares = 0;
        for (size_t j = 0; j < y->cols; j++) sum += residual_sum(x, residual, j);
        const double mean = sum / size;
        for (size_t j = 0; j < y->cols; j++) {
            const double centred = residual_sum(x, residual, j) - mean;
            squares += centred * centred;
        }
        const double rstd = 1.0 / sqrt(squares / size + (double)args->as.norm.epsilon);
        for (size_t j = 0; j < y->cols; j++) {
            const double value = residual_sum(x, residual, j);
            if (s->data) real_row(s, i)[j] = (Real)value;
            real_row(y, i)[j] =
                (Real)((value - mean) * rstd * (double)weight[j] + (bias ? (double)bias[j] : 0.0));
        }
        if (statistics->data) {
            real_row(statistics, i)[0] = (Real)mean;
            real_row(statistics, i)[1] = (Real)rstd;
        }
    }
    return STATUS_OK;
}

// One row: ds, and what the row adds to d_weight and d_bias (sums in double over all rows).
static void norm_row_backward(const OpArgs *args, size_t i, double *d_weight, double *d_bias)
{
    const Real *dy = real_row(&args->in[0], i), *s = real_row(&args->in[1], i);
    const double mean = real_row(&args->in[2], i)[0], rstd = real_row(&args->in[2], i)[1];
    const Real *weight = args->in[3].data;
    Real *ds = real_row(&args->out[0], i);
    const size_t cols = args->out[0].cols;
    double sum_g = 0, sum_gn = 0;
    for (size_t j = 0; j < cols; j++) {
        const double n = (s[j] - mean) * rstd, g = (double)dy[j] * (double)weight[j];
        sum_g += g;
        sum_gn += g * n;
        d_weight[j] += dy[j] * n;
        d_bias[j] += dy[j];
    }
    const double mean_g = sum_g / (double)cols, mean_gn = sum_gn / (double)cols;
    for (size_t j = 0; j < cols; j++) {
        const double n = (s[j] - mean) * rstd, g = (double)dy[j] * (double)weight[j];
        ds[j] = (Real)(rstd * (g - mean_g - n * mean_gn));
    }
}

static void add_to(const Tensor *gradient, const double *sums)
{
    if (!gradient->data) return;
    Real *to = gradient->data;
    for (size_t j = 0; j < gradient->cols; j++) to[j] = (Real)(to[j] + sums[j]);
}

Status REFERENCE(layer_norm_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const size_t rows = args->out[0].rows, cols = args->out[0].cols;
    const size_t mark = exec_scratch_mark(exec);
    double *d_weight = exec_scratch(exec, cols * sizeof *d_weight);
    double *d_bias = exec_scratch(exec, cols * sizeof *d_bias);
    if (!d_weight || !d_bias) {
        return error_set_memory(err, 2 * cols, sizeof *d_bias, "layer_norm_backward");
    }
    for (size_t j = 0; j < cols; j++) d_weight[j] = d_bias[j] = 0;
    for (size_t i = 0; i < rows; i++) norm_row_backward(args, i, d_weight, d_bias);
    add_to(&args->out[1], d_weight);
    add_to(&args->out[2], d_bias);
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
