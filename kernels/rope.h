// kernels/rope.h: rotary position embedding.
//
//     y[i]         = x[i] cos[t][i] - x[i + D/2] sin[t][i]           i < D / 2, of each head           OP_ROPE
//     y[i + D/2]   = x[i + D/2] cos[t][i] + x[i] sin[t][i]
//     y[i]         = x[i]                                            D <= i < head_dim
//
// with -sin where is_inverse, which is the transpose, and so the backward pass (a scale in the table scales both).
// Source: Su et al. 2021, arXiv:2104.09864, eq. 34, with the pairs of Llama as Transformers stores it: halves of a head, not
// neighbours.
//   M        rows of the whole ragged batch; may be 0
//   x, y     [M, heads * head_dim], rows may be strided; queries and keys of one product may be given as one matrix
//   table    [M, D], D even, at most head_dim: row t has the cosines of its angles, then the sines
// y may be x, else no overlap. NaN stays in its row. A row's bits depend on that row alone. Cannot fail.
#ifndef ASSAY_KERNELS_ROPE_H
#define ASSAY_KERNELS_ROPE_H

#include "kernels/op.h"

OpKernel rope_reference_f32, rope_reference_f64;

#endif
