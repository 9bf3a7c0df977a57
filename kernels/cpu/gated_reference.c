#include "kernels/gated.h"

#include <math.h>

#include "kernels/cpu/real.h"
#include "kernels/linear.h"

Status REFERENCE(gated)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    for (size_t i = 0; i < y->rows; i++) {
        const Real *a = real_row(&args->in[0], i), *b = real_row(&args->in[1], i);
        Real *to = real_row(y, i);
        for (size_t j = 0; j < y->cols; j++)
            to[j] = (Real)(activation_value(args->as.gated.activation, a[j]) * (double)b[j]);
    }
    return STATUS_OK;
}

Status REFERENCE(gated_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *dy = &args->in[0];
    const Activation activation = args->as.gated.activation;
    for (size_t i = 0; i < dy->rows; i++) {
        const Real *a = real_row(&args->in[1], i), *b = real_row(&args->in[2], i);
        Real *da = real_row(&args->out[0], i), *db = real_row(&args->out[1], i);
        for (size_t j = 0; j < dy->cols; j++) {
            const double d = real_row(dy, i)[j], x = a[j];
            da[j] = (Real)(d * (double)b[j] * activation_slope(activation, x));
            db[j] = (Real)(d * activation_value(activation, x));
        }
    }
    return STATUS_OK;
}

Status REFERENCE(soft_cap)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    const double cap = (double)args->as.soft_cap.cap;
    for (size_t i = 0; i < y->rows; i++) {
        const Real *x = real_row(&args->in[0], i);
        Real *to = real_row(y, i);
        for (size_t j = 0; j < y->cols; j++) to[j] = (Real)(cap * tanh((double)x[j] / cap));
    }
    return STATUS_OK;
}

Status REFERENCE(soft_cap_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *dx = &args->out[0];
    const double cap = (double)args->as.soft_cap.cap;
    for (size_t i = 0; i < dx->rows; i++) {
        const Real *dy = real_row(&args->in[0], i), *y = real_row(&args->in[1], i);
        Real *to = real_row(dx, i);
        for (size_t j = 0; j < dx->cols; j++) {
            const double t = (double)y[j] / cap;
            to[j] = (Real)((double)dy[j] * (1.0 - t * t));
        }
    }
    return STATUS_OK;
}
