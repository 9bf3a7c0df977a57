// kernels/route.h: which experts a row goes to, and with what weights.
//
//     c[i][1..K] = columns of the K largest s[i][j], the largest first                          OP_ROUTE
//     s = x, or with a bias b (in1) sigmoid(x) + b; of groups those n_top_groups alone count whose largest s, or with a bias the
//     sum of whose two largest, is largest
//     ROUTE_SOFTMAX      w[i][k] = softmax(x[i])[c[i][k]]
//     ROUTE_SOFTMAX_TOP  w[i][k] = softmax(x[i][c[i][1]], .., x[i][c[i][K]])[k]
//     ROUTE_SIGMOID      w[i][k] = 1 / (1 + exp(-x[i][c[i][k]])); where it normalizes, over (1e-20 + their sum over k)
//     and all times scale
//
//     d = scale dw[i][k] where j = c[i][k], else 0;  p the softmax                              OP_ROUTE_BACKWARD
//     ROUTE_SOFTMAX      dx[i][j] = p[j] (d[j] - sum p d)
//     ROUTE_SOFTMAX_TOP  the same among the chosen; 0 for the others
//     ROUTE_SIGMOID      dx[i][j] = d[j] w (1 - w); where it normalizes with (d[j] - sum w d / n) / n for d[j], n that sum
//
// Sources: Shazeer et al. 2017, arXiv:1701.06538, eq. 3-5 (softmax over the top); DeepSeek-AI 2024, arXiv:2412.19437, section 2.1.2 (bias and groups); Fedus et al. 2022, arXiv:2101.03961, eq. 1-2.
// Of equal numbers the lower column comes first (PyTorch's topk leaves that open). NaN comes before all numbers, so that it
// shows among the weights.
//   x, dx      [M, E];  w, dw, c  [M, K], 1 <= K <= E; rows may be strided; M may be 0. c holds whole numbers
// No overlap. A row depends on that row alone. NaN stays in its row. STATUS_MEMORY where scratch cannot be had.
#ifndef ASSAY_KERNELS_ROUTE_H
#define ASSAY_KERNELS_ROUTE_H

#include "kernels/op.h"

OpKernel route_reference_f32, route_reference_f64;
OpKernel route_backward_reference_f32, route_backward_reference_f64;

#endif
