#include "kernels/rms_norm.h"

#include <math.h>

#include "kernels/cpu/real.h"
#include "kernels/exec.h"

// Rounded as the fast rows round it: GGUF files store this sum, so that both ways of storing a weight give the same bits.
static double factor_of(Real offset, Real weight)
{
    const Real sum = offset + weight;
    return (double)sum;
}

Status REFERENCE(rms_norm)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0], *rstds = &args->out[1];
    const Real *weight = args->in[1].data;
    const size_t group = args->in[1].cols;
    const Real offset = (Real)args->as.norm.weight_offset;
    for (size_t i = 0; i < y->rows; i++) {
        for (size_t g = 0; g < y->cols / group; g++) {
            const Real *x = real_row(&args->in[0], i) + g * group;
            Real *to = real_row(y, i) + g * group;
            double squares = 0;
            for (size_t j = 0; j < group; j++) squares += (double)x[j] * (double)x[j];
            const double rstd = 1.0 / sqrt(squares / (double)group + (double)args->as.norm.epsilon);
            for (size_t j = 0; j < group; j++)
                to[j] = (Real)((double)x[j] * rstd * factor_of(offset, weight[j]));
            if (rstds->data) real_row(rstds, i)[g] = (Real)rstd;
        }
    }
    return STATUS_OK;
}

// One group of a row: dx, and what it adds to d_weight (sums in double over rows and groups).
static void group_backward(const OpArgs *args, size_t i, size_t g, double *d_weight)
{
    const size_t group = args->in[3].cols;
    const Real *dy = real_row(&args->in[0], i) + g * group,
               *x = real_row(&args->in[1], i) + g * group, *weight = args->in[3].data;
    const Real offset = (Real)args->as.norm.weight_offset;
    const double rstd = real_row(&args->in[2], i)[g];
    Real *dx = real_row(&args->out[0], i) + g * group;
    double sum = 0;
    for (size_t j = 0; j < group; j++) {
        const double n = (double)x[j] * rstd;
        sum += (double)dy[j] * factor_of(offset, weight[j]) * n;
        d_weight[j] += (double)dy[j] * n;
    }
    const double mean = sum / (double)group;
    for (size_t j = 0; j < group; j++) {
        const double n = (double)x[j] * rstd;
        dx[j] = (Real)(rstd * ((double)dy[j] * factor_of(offset, weight[j]) - n * mean));
    }
}

Status REFERENCE(rms_norm_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *dx = &args->out[0];
    const size_t group = args->in[3].cols, n_groups = group > 0 ? dx->cols / group : 0;
    const size_t mark = exec_scratch_mark(exec);
    double *d_weight = exec_scratch(exec, group * sizeof *d_weight);
    if (!d_weight) return error_set_memory(err, group, sizeof *d_weight, "rms_norm_backward");
    for (size_t j = 0; j < group; j++) d_weight[j] = 0;
    for (size_t i = 0; i < dx->rows; i++) {
        for (size_t g = 0; g < n_groups; g++) group_backward(args, i, g, d_weight);
    }
    Real *to = args->out[1].data;
    for (size_t j = 0; to && j < group; j++) to[j] = (Real)(to[j] + d_weight[j]);
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
