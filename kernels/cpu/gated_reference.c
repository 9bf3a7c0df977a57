#include "kernels/gated.h"

#include <math.h>

#include "kernels/cpu/real.h"
#include "kernels/linear.h"

// A gate, what it multiplies, and their slopes by a and b.
typedef struct Gate {
    double gate, value, gate_slope, value_slope;
} Gate;

static Gate gate_of(const GatedArgs *as, double a, double b)
{
    if (!(as->limit > 0.0f))
        return (Gate){activation_value(as->activation, a), b, activation_slope(as->activation, a),
                      1};
    const double limit = as->limit, alpha = as->alpha, g = a > limit ? limit : a,
                 u = b > limit    ? limit
                     : b < -limit ? -limit
                                  : b;
    return (Gate){.gate = activation_value(as->activation, alpha * g) / alpha,
                  .value = u + 1,
                  .gate_slope = a > limit ? 0 : activation_slope(as->activation, alpha * g),
                  .value_slope = b > limit || b < -limit ? 0 : 1};
}

Status REFERENCE(gated)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    for (size_t i = 0; i < y->rows; i++) {
        const Real *a = real_row(&args->in[0], i), *b = real_row(&args->in[1], i);
        Real *to = real_row(y, i);
        for (size_t j = 0; j < y->cols; j++) {
            const Gate g = gate_of(&args->as.gated, (double)a[j], (double)b[j]);
            to[j] = (Real)(g.gate * g.value);
        }
    }
    return STATUS_OK;
}

Status REFERENCE(gated_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *dy = &args->in[0];
    for (size_t i = 0; i < dy->rows; i++) {
        const Real *a = real_row(&args->in[1], i), *b = real_row(&args->in[2], i);
        Real *da = real_row(&args->out[0], i), *db = real_row(&args->out[1], i);
        for (size_t j = 0; j < dy->cols; j++) {
            const double d = (double)real_row(dy, i)[j];
            const Gate g = gate_of(&args->as.gated, (double)a[j], (double)b[j]);
            da[j] = (Real)(d * g.value * g.gate_slope);
            db[j] = (Real)(d * g.gate * g.value_slope);
        }
    }
    return STATUS_OK;
}

// x within -cap and cap; NaN where it is that.
static double clamped(double x, double cap)
{
    return x > cap ? cap : x < -cap ? -cap : x;
}

Status REFERENCE(soft_cap)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    const double cap = (double)args->as.soft_cap.cap;
    const int is_hard = args->as.soft_cap.is_hard;
    for (size_t i = 0; i < y->rows; i++) {
        const Real *x = real_row(&args->in[0], i);
        Real *to = real_row(y, i);
        for (size_t j = 0; j < y->cols; j++)
            to[j] = (Real)(is_hard ? clamped((double)x[j], cap) : cap * tanh((double)x[j] / cap));
    }
    return STATUS_OK;
}

Status REFERENCE(soft_cap_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *dx = &args->out[0];
    const double cap = (double)args->as.soft_cap.cap;
    const int is_hard = args->as.soft_cap.is_hard;
    for (size_t i = 0; i < dx->rows; i++) {
        const Real *dy = real_row(&args->in[0], i), *y = real_row(&args->in[1], i);
        Real *to = real_row(dx, i);
        for (size_t j = 0; j < dx->cols; j++) {
            const double t = (double)y[j] / cap, slope = is_hard ? fabs(t) < 1.0 : 1.0 - t * t;
            to[j] = (Real)((double)dy[j] * slope);
        }
    }
    return STATUS_OK;
}
