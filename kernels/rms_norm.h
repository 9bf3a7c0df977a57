// kernels/rms_norm.h: root mean square normalisation of rows, or of each head's columns.
//
//     rstd = 1 / sqrt(mean(x^2) + epsilon);  n = x * rstd;  y = n * (offset + weight)          OP_RMS_NORM
//     g = dy * (offset + weight);  dx = rstd * (g - n * mean(g * n))                           OP_RMS_NORM_BACKWARD
//     d weight += sum over rows and groups of dy * n
//
// Source: Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4; epsilon sits inside the root, as in Llama. Offset 1 is Gemma's.
//   M        rows of the whole ragged batch; may be 0
//   G        columns of weight, at least 1; H a multiple of G: means are taken over each G columns alone
//   x, y, dy, dx   [M, H], rows may be strided
//   rstd     [M, H / G]
//   weight, d weight   [1, G]
// y may be x; dx may be dy. NaN and infinity stay in their group. A row's bits depend on that row alone. Cannot fail, but
// for scratch in the backward pass (STATUS_MEMORY).
#ifndef ASSAY_KERNELS_RMS_NORM_H
#define ASSAY_KERNELS_RMS_NORM_H

#include "kernels/op.h"

OpKernel rms_norm_reference_f32, rms_norm_reference_f64;
OpKernel rms_norm_backward_reference_f32, rms_norm_backward_reference_f64;

#endif
