// kernels/cpu/low_fast.h: fast rows of kernels/linear_low.h and of OP_ATTENTION_BF16, for AVX-512 with VNNI and with BF16, and
// for AMX.
#ifndef ASSAY_KERNELS_CPU_LOW_FAST_H
#define ASSAY_KERNELS_CPU_LOW_FAST_H

#include "kernels/op.h"

enum {
    LOW_LARGEST_BITS = 0x7f7fffff
}; // of the largest number; those of infinity and NaN are above

// Weights that stay in an L2 of 2 MiB beside half a block of rows.
enum { LOW_FEW_WEIGHT_BYTES = 5 << 18 };

OpKernel linear_i8_vnni, linear_bf16_avx512, attention_bf16_avx512, feed_forward_i8_vnni;
OpKernel linear_bf16_amx, attention_bf16_amx;
OpKernel linear_i8_amx,
    feed_forward_i8_amx; // the bits of the rows of VNNI, which they call for few rows
// What linear_i8_vnni and linear_i8_amx do where the weights are Q8_ROW.
OpKernel linear_q8_row_vnni, linear_q8_row_amx;

#endif
