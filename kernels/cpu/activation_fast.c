// Activations over rows, and their backward: one loop for each, chosen once a row.
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/cpu/vec.h"

#include <string.h>

static inline __attribute__((always_inline)) void row_forward(Activation activation, size_t n,
                                                              const float *in, float *out)
{
    size_t i = 0;
    for (; i + VEC_WIDTH <= n; i += VEC_WIDTH) {
        vec_store(out + i, vec_activation(activation, vec_load(in + i)));
    }
    if (i < n) vec_store_n(out + i, n - i, vec_activation(activation, vec_load_n(in + i, n - i)));
}

void FAST(activation_row)(Activation activation, size_t n, const float *in, float *out)
{
    switch (activation) {
    case ACTIVATION_NONE:
    case ACTIVATION_COUNT:
        if (in != out) memmove(out, in, n * sizeof(float));
        return;
    case ACTIVATION_GELU:
        row_forward(ACTIVATION_GELU, n, in, out);
        return;
    case ACTIVATION_GELU_TANH:
        row_forward(ACTIVATION_GELU_TANH, n, in, out);
        return;
    case ACTIVATION_RELU:
        row_forward(ACTIVATION_RELU, n, in, out);
        return;
    case ACTIVATION_TANH:
        row_forward(ACTIVATION_TANH, n, in, out);
        return;
    case ACTIVATION_SILU:
        row_forward(ACTIVATION_SILU, n, in, out);
        return;
    }
}

static inline __attribute__((always_inline)) void
row_backward(Activation activation, size_t n, const float *pre, const float *dy, float *dz)
{
    size_t i = 0;
    for (; i + VEC_WIDTH <= n; i += VEC_WIDTH) {
        const Vec slope = vec_activation_slope(activation, vec_load(pre + i));
        vec_store(dz + i, vec_mul(vec_load(dy + i), slope));
    }
    if (i < n) {
        const Vec slope = vec_activation_slope(activation, vec_load_n(pre + i, n - i));
        vec_store_n(dz + i, n - i, vec_mul(vec_load_n(dy + i, n - i), slope));
    }
}

void FAST(activation_row_backward)(Activation activation, size_t n, const float *pre,
                                   const float *dy, float *dz)
{
    switch (activation) {
    case ACTIVATION_NONE:
    case ACTIVATION_COUNT:
        if (dy != dz) memmove(dz, dy, n * sizeof(float));
        return;
    case ACTIVATION_GELU:
        row_backward(ACTIVATION_GELU, n, pre, dy, dz);
        return;
    case ACTIVATION_GELU_TANH:
        row_backward(ACTIVATION_GELU_TANH, n, pre, dy, dz);
        return;
    case ACTIVATION_RELU:
        row_backward(ACTIVATION_RELU, n, pre, dy, dz);
        return;
    case ACTIVATION_TANH:
        row_backward(ACTIVATION_TANH, n, pre, dy, dz);
        return;
    case ACTIVATION_SILU:
        row_backward(ACTIVATION_SILU, n, pre, dy, dz);
        return;
    }
}
