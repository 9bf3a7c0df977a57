#include "kernels/elementwise.h"

#include <math.h>

#include "kernels/cpu/real.h"

static size_t storage_of(const Tensor *tensor)
{
    return tensor_storage(tensor->rows, tensor->cols, tensor->layout);
}

Status REFERENCE(add_scaled)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Real *x = args->in[0].data;
    Real *y = args->out[0].data;
    const size_t n = storage_of(&args->out[0]);
    for (size_t i = 0; i < n; i++)
        y[i] = (Real)(y[i] + (double)args->as.scale.factor * (double)x[i]);
    return STATUS_OK;
}

Status REFERENCE(add)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    const double a = (double)args->as.add.a, b = (double)args->as.add.b;
    for (size_t i = 0; i < y->rows; i++) {
        const Real *x = real_row(&args->in[0], i);
        const Real *z = args->in[1].data ? real_row(&args->in[1], i) : NULL;
        Real *to = real_row(y, i);
        for (size_t j = 0; j < y->cols; j++)
            to[j] = (Real)(a * (double)x[j] + (z ? b * (double)z[j] : 0.0));
    }
    return STATUS_OK;
}

Status REFERENCE(scale)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    Real *y = args->out[0].data;
    const size_t n = storage_of(&args->out[0]);
    for (size_t i = 0; i < n; i++) y[i] = (Real)((double)args->as.scale.factor * (double)y[i]);
    return STATUS_OK;
}

Status REFERENCE(squared_norm)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Real *x = args->in[0].data;
    const size_t n = storage_of(&args->in[0]);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    *(double *)args->out[0].data = sum;
    return STATUS_OK;
}

Status REFERENCE(adamw)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const AdamwArgs *as = &args->as.adamw;
    const double beta1 = as->beta1, beta2 = as->beta2, rate = as->learning_rate;
    const double correction1 = 1.0 - pow(beta1, (double)as->step);
    const double correction2 = 1.0 - pow(beta2, (double)as->step);
    const Real *gradient = args->in[0].data;
    Real *p = args->out[0].data, *m = args->out[1].data, *v = args->out[2].data;
    const size_t n = storage_of(&args->out[0]);
    for (size_t i = 0; i < n; i++) {
        const double g = (double)as->gradient_scale * (double)gradient[i];
        const double new_m = beta1 * (double)m[i] + (1.0 - beta1) * g;
        const double new_v = beta2 * (double)v[i] + (1.0 - beta2) * g * g;
        const double decayed = (double)p[i] - rate * (double)as->weight_decay * (double)p[i];
        m[i] = (Real)new_m;
        v[i] = (Real)new_v;
        p[i] = (Real)(decayed - rate * (new_m / correction1) /
                                    (sqrt(new_v / correction2) + (double)as->epsilon));
    }
    return STATUS_OK;
}
