// kernels/route.h: which experts a row goes to, and with what weights.
//
//     c[i][1..K] = columns of the K largest s[i][j], the largest first                          OP_ROUTE
//     s = x, or with a bias b (in1) p + b, p = sigmoid(x) of ROUTE_SIGMOID and else softmax(x[i]); of groups those n_top_groups alone
//     count whose largest s, or with a bias the sum of whose two largest, is largest
//     ROUTE_SOFTMAX      p[i][k] = softmax(x[i])[c[i][k]]
//     ROUTE_SOFTMAX_TOP  p[i][k] = softmax(x[i][c[i][1]], .., x[i][c[i][K]])[k]
//     ROUTE_SIGMOID      p[i][k] = 1 / (1 + exp(-x[i][c[i][k]])); where it normalizes, over (floor + their sum over k)
//     ROUTE_NEAR         p[i][k] = exp(m) / sum of exp(x[i][j]), m = x[i][c[i][k]], over j that are none of c[i][1..k-1] and for which
//                        (m - x[i][j]) / max(m, |x[i][j]|) <= tolerance
//     w[i][k] = scale p[i][k], with factors f (in2) times f[c[i][k]]
//
//     d[k] = scale f[c[i][k]] dw[i][k];  dx[i][j] is the sum over k with c[i][k] = j, else 0, of    OP_ROUTE_BACKWARD
//     ROUTE_SOFTMAX      p[k] (d[k] - sum p d); and for the j not chosen -softmax(x[i])[j] sum p d
//     ROUTE_SOFTMAX_TOP  p[k] (d[k] - sum p d)
//     ROUTE_SIGMOID      d[k] s (1 - s), s the sigmoid; where it normalizes with (d[k] - sum p d) / n for d[k], n what p is over
//     ROUTE_NEAR         p[k] d[k], and for each j of the sum of k -p[k] d[k] exp(x[i][j]) / that sum
//     df[j] += sum over i, and k with c[i][k] = j, of scale p[i][k] dw[i][k]
//
// Sources: Shazeer et al. 2017, arXiv:1701.06538, eq. 3-5 (softmax over the top); DeepSeek-AI 2024, arXiv:2412.19437, section 2.1.2 (bias
// and groups); Fedus et al. 2022, arXiv:2101.03961, eq. 1-2; Liu et al. 2024, arXiv:2409.12136 (near), as it answers.
// Of equal numbers the lower column comes first (PyTorch's topk leaves that open). NaN comes before all numbers, so that it
// shows among the weights.
//   x, dx      [M, E];  b, f, df  [1, E];  w, dw, c  [M, K], 1 <= K <= E; rows may be strided; M may be 0. c holds whole numbers
// No overlap. A row depends on that row alone. NaN stays in its row. STATUS_MEMORY where scratch cannot be had.
#ifndef ASSAY_KERNELS_ROUTE_H
#define ASSAY_KERNELS_ROUTE_H

#include "kernels/op.h"

OpKernel route_reference_f32, route_reference_f64;
OpKernel route_backward_reference_f32, route_backward_reference_f64;

#endif
