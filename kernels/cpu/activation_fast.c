// Activations over rows, and their backward: one loop for each, chosen once a call, so that constants stay in registers.
#include <string.h>

#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/cpu/vec.h"

static inline __attribute__((always_inline)) void forward(Activation activation, size_t rows,
                                                          size_t cols, const float *in,
                                                          size_t in_row, float *out, size_t out_row)
{
    for (size_t i = 0; i < rows; i++, in += in_row, out += out_row) {
        size_t j = 0;
        for (; j + VEC_WIDTH <= cols; j += VEC_WIDTH) {
            vec_store(out + j, vec_activation(activation, vec_load(in + j)));
        }
        if (j == cols) continue;
        vec_store_n(out + j, cols - j, vec_activation(activation, vec_load_n(in + j, cols - j)));
    }
}

#define FORWARD(kind)                                        \
    case kind:                                               \
        forward(kind, rows, cols, in, in_row, out, out_row); \
        return

void FAST(activation_rows)(Activation activation, size_t rows, size_t cols, const float *in,
                           size_t in_row, float *out, size_t out_row)
{
    switch (activation) {
        FORWARD(ACTIVATION_NONE);
        FORWARD(ACTIVATION_GELU);
        FORWARD(ACTIVATION_GELU_TANH);
        FORWARD(ACTIVATION_RELU);
        FORWARD(ACTIVATION_TANH);
        FORWARD(ACTIVATION_SILU);
        FORWARD(ACTIVATION_QUICK_GELU);
        FORWARD(ACTIVATION_RELU2);
        FORWARD(ACTIVATION_MISH);
    case ACTIVATION_COUNT:
        return;
    }
}

static inline __attribute__((always_inline)) void
backward(Activation activation, size_t n, const float *pre, const float *dy, float *dz)
{
    size_t i = 0;
    for (; i + VEC_WIDTH <= n; i += VEC_WIDTH) {
        const Vec slope = vec_activation_slope(activation, vec_load(pre + i));
        vec_store(dz + i, vec_mul(vec_load(dy + i), slope));
    }
    if (i == n) return;
    const Vec slope = vec_activation_slope(activation, vec_load_n(pre + i, n - i));
    vec_store_n(dz + i, n - i, vec_mul(vec_load_n(dy + i, n - i), slope));
}

#define BACKWARD(kind)                  \
    case kind:                          \
        backward(kind, n, pre, dy, dz); \
        return

void FAST(activation_row_backward)(Activation activation, size_t n, const float *pre,
                                   const float *dy, float *dz)
{
    switch (activation) {
    case ACTIVATION_NONE:
    case ACTIVATION_COUNT:
        if (dy != dz) memmove(dz, dy, n * sizeof(float));
        return;
        BACKWARD(ACTIVATION_GELU);
        BACKWARD(ACTIVATION_GELU_TANH);
        BACKWARD(ACTIVATION_RELU);
        BACKWARD(ACTIVATION_TANH);
        BACKWARD(ACTIVATION_SILU);
        BACKWARD(ACTIVATION_QUICK_GELU);
        BACKWARD(ACTIVATION_RELU2);
        BACKWARD(ACTIVATION_MISH);
    }
}
