// kernels/cpu/low_fast.h: fast rows of kernels/linear_low.h, for AVX-512 with VNNI and with BF16.
#ifndef ASSAY_KERNELS_CPU_LOW_FAST_H
#define ASSAY_KERNELS_CPU_LOW_FAST_H

#include "kernels/cpu/gemm_fast.h"
#include "kernels/op.h"

OpKernel linear_i8_vnni, linear_bf16_avx512;
// What linear_i8_vnni does where the weights are Q8_128.
OpKernel linear_q8_128_vnni;

// What stands behind the product of a finished tile of out0: the copy before the activation, and the activation.
static inline void low_finish(const OpArgs *args, size_t row, size_t n_rows, size_t column,
                              size_t n_columns)
{
    const Tensor *y = &args->out[0], *z = &args->out[1];
    const Activation activation = args->as.linear.activation;
    float *c = (float *)y->data + row * y->row_stride + column;
    if (z->data && z->data != y->data) {
        float *pre = (float *)z->data + row * z->row_stride + column;
        activation_rows_avx512(ACTIVATION_NONE, n_rows, n_columns, c, y->row_stride, pre,
                               z->row_stride);
    }
    if (activation != ACTIVATION_NONE)
        activation_rows_avx512(activation, n_rows, n_columns, c, y->row_stride, c, y->row_stride);
}

#endif
