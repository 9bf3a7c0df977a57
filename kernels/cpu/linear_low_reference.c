#include "kernels/linear_low.h"

#include <float.h>
#include <math.h>

#include "base/size.h"
#include "kernels/cpu/real.h"
#include "kernels/exec.h"
#include "kernels/half.h"
#include "kernels/linear.h"
#include "kernels/pack.h"

static float largest_of(size_t n, const Real *x)
{
    float largest = 0;
    for (size_t j = 0; j < n; j++) {
        const float size = fabsf((float)x[j]);
        if (!(size <= FLT_MAX)) largest = NAN; // stays: no comparison with it is true
        if (size > largest) largest = size;
    }
    return largest;
}

// One block of int8 codes, as the numbers that they stand for.
static void round_i8(size_t n, const Real *x, double *out)
{
    const float largest = largest_of(n, x);
    const int is_zero = largest < LOW_TINY;
    const float scale = is_zero ? 0 : largest / 127.0f, inverse = is_zero ? 0 : 127.0f / largest;
    for (size_t j = 0; j < n; j++)
        out[j] = (double)scale * (double)nearbyintf((float)x[j] * inverse);
}

// A row whose blocks have its scale, halved as often as their largest numbers allow.
static void round_i8_row(size_t n, const Real *x, double *out)
{
    const float largest = largest_of(n, x);
    const int is_zero = largest < LOW_TINY;
    const float scale = is_zero ? 0 : largest / 127.0f, inverse = is_zero ? 0 : 127.0f / largest;
    for (size_t b = 0; b < n; b += LOW_WIDE_BLOCK) {
        const float of_block = largest_of(LOW_WIDE_BLOCK, x + b);
        int h = 0;
        while (h < LOW_MOST_HALVINGS && ldexpf(of_block, h + 1) <= largest) h++;
        for (size_t j = b; j < b + LOW_WIDE_BLOCK; j++) {
            const double q = (double)nearbyintf((float)x[j] * ldexpf(inverse, h));
            out[j] = (double)scale * ldexp(q, -h);
        }
    }
}

// A block with a scale of its own that is a power of two.
static void round_i8_wide(size_t n, const Real *x, double *out)
{
    const float largest = largest_of(n, x);
    int e = LOW_LEAST_EXPONENT;
    while (ldexp(127, e) < (double)largest) e++;
    for (size_t j = 0; j < n; j++)
        out[j] = isnan(largest) ? NAN : ldexp(nearbyint(ldexp((double)(float)x[j], -e)), e);
}

static void round_row(OpKind op, const OpArgs *args, const Real *x, double *out)
{
    const size_t n = args->in[1].cols;
    if (op == OP_LINEAR_I8 && args->in[1].dtype == DTYPE_Q8_ROW) {
        if (!args->as.linear.scales_by_block) round_i8_row(n, x, out);
        for (size_t b = 0; args->as.linear.scales_by_block && b < n; b += LOW_WIDE_BLOCK)
            round_i8_wide(LOW_WIDE_BLOCK, x + b, out + b);
        return;
    }
    if (op == OP_LINEAR_I8) {
        for (size_t b = 0; b < n; b += LOW_BLOCK) round_i8(LOW_BLOCK, x + b, out + b);
        return;
    }
    for (size_t k = 0; k < n; k++) out[k] = (double)f32_from_bf16(bf16_from_f32((float)x[k]));
}

static Status linear_low(OpKind op, const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *w = &args->in[1], *y = &args->out[0], *z = &args->out[1];
    const Real *bias = args->in[2].data;
    const size_t mark = exec_scratch_mark(exec), n_rows = y->rows;
    const size_t size_bytes = w->cols * (n_rows * sizeof(double) + sizeof(float));
    double *rounded = exec_scratch(exec, size_bytes);
    if (!rounded) return error_set_memory(err, size_bytes, 1, "rounded numbers");
    float *weights = (float *)(rounded + n_rows * w->cols);
    for (size_t m = 0; m < n_rows; m++)
        round_row(op, args, real_row(&args->in[0], m), rounded + m * w->cols);
    for (size_t n = 0; n < y->cols; n++) {
        unpack_tensor_row(w, n, weights);
        for (size_t m = 0; m < n_rows; m++) {
            const double *x = rounded + m * w->cols;
            double sum = 0;
            for (size_t k = 0; k < w->cols; k++) sum += x[k] * (double)weights[k];
            if (bias) sum += (double)bias[n];
            if (z->data) real_row(z, m)[n] = (Real)sum;
            real_row(y, m)[n] = (Real)activation_value(args->as.linear.activation, sum);
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

Status REFERENCE(linear_i8)(const OpArgs *args, Exec *exec, Error *err)
{
    return linear_low(OP_LINEAR_I8, args, exec, err);
}

Status REFERENCE(linear_bf16)(const OpArgs *args, Exec *exec, Error *err)
{
    return linear_low(OP_LINEAR_BF16, args, exec, err);
}

Status REFERENCE(feed_forward_i8)(const OpArgs *args, Exec *exec, Error *err)
{
    const size_t mark = exec_scratch_mark(exec), n_rows = args->out[0].rows,
                 n_inner = args->in[3].cols, size_bytes = n_rows * n_inner * sizeof(Real);
    OpArgs inner = {.as.linear = args->as.linear}, outer = {.out[0] = args->out[0]};
    Real *between = exec_scratch(exec, size_bytes);
    if (!between) return error_set_memory(err, size_bytes, 1, "numbers between two layers");
    for (size_t i = 0; i < 3; i++) inner.in[i] = args->in[i];
    inner.out[0] = outer.in[0] = (Tensor){.data = between,
                                          .rows = n_rows,
                                          .cols = n_inner,
                                          .row_stride = n_inner,
                                          .dtype = args->out[0].dtype};
    outer.in[1] = args->in[3];
    outer.in[2] = args->in[4];
    outer.as.linear.scales_by_block = 1;
    Status s = linear_low(OP_LINEAR_I8, &inner, exec, err);
    if (s == STATUS_OK) s = linear_low(OP_LINEAR_I8, &outer, exec, err);
    exec_scratch_release(exec, mark);
    return s;
}
