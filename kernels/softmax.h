// kernels/softmax.h: softmax of rows, log-sum-exp, and cross-entropy with its gradient.
//
//     y[i][j] = exp(x[i][j] - max) / sum_j exp(x[i][j] - max)                                    OP_SOFTMAX
//
//     y[i] = max + log(sum_j exp(x[i][j] - max));  g[i][k] = max of x[i][j] for j / LOG_SUM_GROUP = k    OP_LOG_SUM_EXP
//
//     lp = log softmax(x[i]);  c = label[i];  e = label_smoothing;  w = class_weights            OP_CROSS_ENTROPY
//     loss[i] = -(1 - e) w[c] lp[c] - e / N * sum_j w[j] lp[j]
//     out0 = (sum_i loss[i], sum_i w[label[i]])
//     dx[i][j] = (1 - e) w[c] (p[j] - [j = c]) + e / N * (p[j] * sum w - w[j])
//
// Sources: smoothing Szegedy et al. 2016, arXiv:1512.00567, sec. 7; with weights as PyTorch's CrossEntropyLoss has it,
// whose mean is out0[0] / out0[1]. Rows whose label is negative count nothing; their gradient is 0.
//   x, y, dx   [M, N], rows may be strided; M may be 0, N at least 1; y or dx may be x
//   out0       f64 [1, 2] for either dtype; sums run over rows in ascending order. Of OP_LOG_SUM_EXP f64 [M, 1]
//   g          [M, N / LOG_SUM_GROUP rounded up], optional: a search for the largest numbers passes over most groups
// NaN stays in its row (and reaches the loss, or y; the largest of a group passes over it, and is -infinity where there is
// nothing else). Cannot fail.
#ifndef ASSAY_KERNELS_SOFTMAX_H
#define ASSAY_KERNELS_SOFTMAX_H

#include "kernels/op.h"

enum { LOG_SUM_GROUP = 64 };

OpKernel softmax_reference_f32, softmax_reference_f64;
OpKernel log_sum_exp_reference_f32, log_sum_exp_reference_f64;
OpKernel cross_entropy_reference_f32, cross_entropy_reference_f64;

#endif
