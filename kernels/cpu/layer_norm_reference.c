#include "kernels/layer_norm.h"

#include <math.h>

#include "kernels/cpu/real.h"
#include "kernels/exec.h"

// s[j], rounded to what is stored.
static double residual_sum(const Real *x, const Real *residual, size_t j)
{
    return residual ? (double)(Real)((double)x[j] + (double)residual[j]) : (double)x[j];
}

// What a row is multiplied by: a sum of the dtype, which is the same whether a file holds the weight or 1 more.
static double factor_of(const OpArgs *args, Real weight)
{
    const Real sum = (Real)args->as.norm.weight_offset + weight;
    return (double)sum;
}

static size_t group_size(const OpArgs *args, size_t cols)
{
    return args->as.norm.group > 0 ? args->as.norm.group : cols;
}

// Columns [begin, begin + size) of row i.
static void norm_group(const OpArgs *args, size_t i, size_t begin, size_t size)
{
    const Tensor *y = &args->out[0], *s = &args->out[1], *statistics = &args->out[2];
    const size_t shared = args->in[2].cols == y->cols ? 0 : begin; // of a weight that groups share
    const Real *weight = args->in[2].data, *bias = args->in[3].data;
    const Real *x = real_row(&args->in[0], i);
    const Real *residual = args->in[1].data ? real_row(&args->in[1], i) : NULL;
    double sum = 0, squares = 0;
    for (size_t j = begin; j < begin + size; j++) sum += residual_sum(x, residual, j);
    const double mean = sum / (double)size;
    for (size_t j = begin; j < begin + size; j++) {
        const double centred = residual_sum(x, residual, j) - mean;
        squares += centred * centred;
    }
    const double rstd = 1.0 / sqrt(squares / (double)size + (double)args->as.norm.epsilon);
    for (size_t j = begin; j < begin + size; j++) {
        const double value = residual_sum(x, residual, j);
        const double scale = factor_of(args, weight[j - shared]);
        if (s->data) real_row(s, i)[j] = (Real)value;
        real_row(y, i)[j] =
            (Real)((value - mean) * rstd * scale + (bias ? (double)bias[j - shared] : 0.0));
    }
    if (statistics->data) {
        real_row(statistics, i)[2 * (begin / size)] = (Real)mean;
        real_row(statistics, i)[2 * (begin / size) + 1] = (Real)rstd;
    }
}

Status REFERENCE(layer_norm)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    const size_t size = group_size(args, y->cols);
    for (size_t i = 0; i < y->rows; i++) {
        for (size_t begin = 0; begin < y->cols; begin += size) norm_group(args, i, begin, size);
    }
    return STATUS_OK;
}

// ds of one group of a row, and what it adds to d_weight and d_bias (sums in double over all rows).
static void norm_group_backward(const OpArgs *args, size_t i, size_t begin, size_t size,
                                double *d_weight, double *d_bias)
{
    const Real *dy = real_row(&args->in[0], i), *s = real_row(&args->in[1], i);
    const Real *statistics = real_row(&args->in[2], i) + 2 * (begin / size);
    const double mean = statistics[0], rstd = statistics[1];
    const Real *weight = args->in[3].data;
    Real *ds = real_row(&args->out[0], i);
    const size_t shared = args->in[3].cols == args->out[0].cols ? 0 : begin;
    double sum_g = 0, sum_gn = 0;
    for (size_t j = begin; j < begin + size; j++) {
        const double n = (s[j] - mean) * rstd;
        const double g = (double)dy[j] * factor_of(args, weight[j - shared]);
        sum_g += g;
        sum_gn += g * n;
        d_weight[j - shared] += dy[j] * n;
        d_bias[j - shared] += dy[j];
    }
    const double mean_g = sum_g / (double)size, mean_gn = sum_gn / (double)size;
    for (size_t j = begin; j < begin + size; j++) {
        const double n = (s[j] - mean) * rstd;
        const double g = (double)dy[j] * factor_of(args, weight[j - shared]);
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
    const size_t size = group_size(args, cols), n_sums = args->in[3].cols;
    const size_t mark = exec_scratch_mark(exec);
    double *d_weight = exec_scratch(exec, n_sums * sizeof *d_weight);
    double *d_bias = exec_scratch(exec, n_sums * sizeof *d_bias);
    if (!d_weight || !d_bias) {
        return error_set_memory(err, 2 * n_sums, sizeof *d_bias, "layer_norm_backward");
    }
    for (size_t j = 0; j < n_sums; j++) d_weight[j] = d_bias[j] = 0;
    for (size_t i = 0; i < rows; i++) {
        for (size_t begin = 0; begin < cols; begin += size)
            norm_group_backward(args, i, begin, size, d_weight, d_bias);
    }
    add_to(&args->out[1], d_weight);
    add_to(&args->out[2], d_bias);
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
