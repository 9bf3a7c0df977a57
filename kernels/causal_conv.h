// kernels/causal_conv.h: a convolution of each column along its sequence, which sees no later row.
//
//     y[t][j] = sum_k w[j][k] x[t - (L - 1) + k][j] + b[j],  k = 0 .. L - 1                     OP_CAUSAL_CONV
//     dx[t][j] = sum_k w[j][k] dy[t + (L - 1) - k][j],  within the sequence                      OP_CAUSAL_CONV_BACKWARD
//     dw[j][k] += sum_t dy[t][j] x[t - (L - 1) + k][j],  db[j] += sum_t dy[t][j]
//
// Rows of x before the sequence's first one are those of `past`, oldest first, or zeros where there is none. What a sequence
// leaves for the rows that follow it, the last L - 1 of past and x, is another output, which may be past itself.
//
// Source: Gu & Dao 2023, arXiv:2312.00752, figure 3 (the short convolution); as Conv1d of PyTorch with groups = channels.
//   x, y, dx, dy  [T, H], rows may be strided
//   w             [H, L] in any layout, L from 1 to CAUSAL_CONV_MAX; b [1, H], optional
//   past          [S, (L - 1) H], optional
// No other overlap. A sequence's bits depend on that sequence alone: one with a past has those that it would have behind the
// rows which left it. NaN stays in its sequence. STATUS_MEMORY where scratch cannot be had.
#ifndef ASSAY_KERNELS_CAUSAL_CONV_H
#define ASSAY_KERNELS_CAUSAL_CONV_H

#include "kernels/op.h"

enum { CAUSAL_CONV_MAX = 64 };

OpKernel causal_conv_reference_f32, causal_conv_reference_f64;
OpKernel causal_conv_backward_reference_f32, causal_conv_backward_reference_f64;

#endif
