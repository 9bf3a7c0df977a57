// kernels/layer_norm.h: layer normalisation of rows, with the residual that comes before it.
//
//     s = x + residual;  n = (s - mean(s)) * rstd;  y = n * (offset + weight) + bias     OP_LAYER_NORM
//     rstd = 1 / sqrt(mean((s - mean(s))^2) + epsilon)
//     g = dy * (offset + weight);  ds = rstd * (g - mean(g) - n * mean(g * n))           OP_LAYER_NORM_BACKWARD
//     d weight += sum of rows of dy * n;  d bias += sum of rows of dy
//
// Source: Ba et al. 2016, arXiv:1607.06450, eq. 4; epsilon sits inside the root, as in BERT.
//   M        rows of the whole ragged batch; may be 0. H at least 1, a multiple of G
//   G        columns that are normed together: all H, or those of a head, each by itself
//   x, residual, y, s, dy, ds    [M, H], rows may be strided
//   statistics                   [M, 2 H / G]: mean and rstd of each group
//   weight, bias, d weight, d bias   [1, H], or [1, G] that all groups share; bias is optional (data NULL): none
// s is rounded to the dtype before the mean is taken, so that backward sees what forward saw. y and s may be x or
// residual, not one another; ds may be dy. NaN and infinity stay in their row. A row's bits depend on that row alone.
// Cannot fail, but for scratch in the backward pass (STATUS_MEMORY).
#ifndef ASSAY_KERNELS_LAYER_NORM_H
#define ASSAY_KERNELS_LAYER_NORM_H

#include "kernels/op.h"

OpKernel layer_norm_reference_f32, layer_norm_reference_f64;
OpKernel layer_norm_backward_reference_f32, layer_norm_backward_reference_f64;

#endif
