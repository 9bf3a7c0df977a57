// kernels/heads.h: heads put together from parts of others.
//
// A head of in_p has as many columns as in_p over n_heads, or all of them where it is shared; part p takes n_p of them from begin_p on,
// c_p(j) = begin_p + j, or in pairs begin_p + (0, 2, 4, .., 1, 3, 5, ..)[j].
//
//     y[i][h][j] = in0[i][h][c_0(j)]                j < n_0                         OP_HEADS
//     y[i][h][n_0 + j] = in1[i][h][c_1(j)]          j < n_1;  0 behind that
//     d in_p[i][h][c_p(j)] = dy[i][h][j (+ n_0)], of a shared head the sum over h;  0 elsewhere      OP_HEADS_BACKWARD
//
// What multi-head latent attention makes keys of (DeepSeek-AI 2024, arXiv:2405.04434, section 2.1): rotated columns that all heads
// share beside columns of their own, values filled up to the width of keys, and what comes of those cut off again. Pairs become
// the halves that OP_ROPE turns.
//   in0, in1, y, ..  [M, any]; rows may be strided; M may be 0. Where parts fill y's heads there are no zeros
// in0 may be in1; outputs must not overlap inputs or each other. NaN stays in its row. Cannot fail.
#ifndef ASSAY_KERNELS_HEADS_H
#define ASSAY_KERNELS_HEADS_H

#include "kernels/op.h"

OpKernel heads_reference_f32, heads_reference_f64;
OpKernel heads_backward_reference_f32, heads_backward_reference_f64;

#endif
