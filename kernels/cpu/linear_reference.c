#include "kernels/linear.h"

#include <stdbool.h>

#include "kernels/cpu/real.h"
#include "kernels/exec.h"
#include "kernels/pack.h"

// Where element (n, k) of a weight lies.
static size_t weight_index(const Tensor *w, size_t n, size_t k)
{
    if (w->layout == LAYOUT_ROWS) return n * w->row_stride + k;
    if (w->layout == LAYOUT_COLUMNS) return k * w->row_stride + n;
    return (n / PANEL_WIDTH * w->cols + k) * PANEL_WIDTH + n % PANEL_WIDTH;
}

// Stored weights (kernels/pack.h): a row at a time as numbers.
static Status linear_stored(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *w = &args->in[1], *y = &args->out[0], *z = &args->out[1];
    const Real *bias = args->in[2].data;
    const size_t mark = exec_scratch_mark(exec);
    float *weights = exec_scratch(exec, w->cols * sizeof *weights);
    if (!weights) return error_set_memory(err, w->cols, sizeof *weights, "a row of weights");
    for (size_t n = 0; n < y->cols; n++) {
        unpack_tensor_row(w, n, weights);
        for (size_t m = 0; m < y->rows; m++) {
            const Real *x = real_row(&args->in[0], m);
            double sum = 0;
            for (size_t k = 0; k < w->cols; k++) sum += (double)x[k] * (double)weights[k];
            if (bias) sum += bias[n];
            if (z->data) real_row(z, m)[n] = (Real)sum;
            real_row(y, m)[n] = (Real)activation_value(args->as.linear.activation, sum);
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

static bool is_stored(const Tensor *w)
{
    return w->dtype != (sizeof(Real) == sizeof(float) ? DTYPE_F32 : DTYPE_F64);
}

Status REFERENCE(linear)(const OpArgs *args, Exec *exec, Error *err)
{
    if (is_stored(&args->in[1])) return linear_stored(args, exec, err);
    const Tensor *w = &args->in[1], *y = &args->out[0], *z = &args->out[1];
    const Real *weight = w->data, *bias = args->in[2].data;
    for (size_t m = 0; m < y->rows; m++) {
        const Real *x = real_row(&args->in[0], m);
        for (size_t n = 0; n < y->cols; n++) {
            double sum = 0;
            for (size_t k = 0; k < w->cols; k++) {
                sum += (double)x[k] * (double)weight[weight_index(w, n, k)];
            }
            if (bias) sum += bias[n];
            if (z->data) real_row(z, m)[n] = (Real)sum;
            real_row(y, m)[n] = (Real)activation_value(args->as.linear.activation, sum);
        }
    }
    return STATUS_OK;
}

// dz [M, N], contiguous.
static void activation_backward(const OpArgs *args, double *dz)
{
    const Tensor *dy = &args->in[0], *z = &args->in[3];
    const Activation activation = args->as.linear.activation;
    for (size_t m = 0; m < dy->rows; m++) {
        for (size_t n = 0; n < dy->cols; n++) {
            const double slope = activation == ACTIVATION_NONE
                                     ? 1.0
                                     : activation_slope(activation, real_row(z, m)[n]);
            dz[m * dy->cols + n] = slope * (double)real_row(dy, m)[n];
        }
    }
}

// dx; sums [K] is scratch.
static void input_gradient(const OpArgs *args, const double *dz, double *sums)
{
    const Tensor *w = &args->in[2], *dx = &args->out[0];
    const Real *weight = w->data;
    for (size_t m = 0; m < dx->rows; m++) {
        for (size_t k = 0; k < w->cols; k++) sums[k] = 0;
        for (size_t n = 0; n < w->rows; n++) {
            const double gradient = dz[m * w->rows + n];
            for (size_t k = 0; k < w->cols; k++) {
                sums[k] += gradient * (double)weight[weight_index(w, n, k)];
            }
        }
        for (size_t k = 0; k < w->cols; k++) real_row(dx, m)[k] = (Real)sums[k];
    }
}

// dW; sums [K] is scratch.
static void weight_gradient(const OpArgs *args, const double *dz, double *sums)
{
    const Tensor *x = &args->in[1], *dw = &args->out[1];
    Real *total = dw->data;
    for (size_t n = 0; n < dw->rows; n++) {
        for (size_t k = 0; k < dw->cols; k++) sums[k] = 0;
        for (size_t m = 0; m < x->rows; m++) {
            const double gradient = dz[m * dw->rows + n];
            const Real *row = real_row(x, m);
            for (size_t k = 0; k < dw->cols; k++) sums[k] += gradient * (double)row[k];
        }
        for (size_t k = 0; k < dw->cols; k++) {
            Real *to = &total[weight_index(dw, n, k)];
            *to = (Real)(*to + sums[k]);
        }
    }
}

static void bias_gradient(const OpArgs *args, const double *dz)
{
    const Tensor *dy = &args->in[0];
    Real *gradient = args->out[2].data;
    for (size_t n = 0; n < dy->cols; n++) {
        double sum = 0;
        for (size_t m = 0; m < dy->rows; m++) sum += dz[m * dy->cols + n];
        gradient[n] = (Real)(gradient[n] + sum);
    }
}

Status REFERENCE(linear_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *dy = &args->in[0];
    const size_t mark = exec_scratch_mark(exec);
    double *dz = exec_scratch(exec, dy->rows * dy->cols * sizeof *dz);
    double *sums = exec_scratch(exec, args->in[2].cols * sizeof *sums);
    if (!dz || !sums) {
        return error_set_memory(err, dy->rows * dy->cols, sizeof *dz, "linear_backward");
    }
    activation_backward(args, dz);
    if (args->out[0].data) input_gradient(args, dz, sums);
    if (args->out[1].data) weight_gradient(args, dz, sums);
    if (args->out[2].data) bias_gradient(args, dz);
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
