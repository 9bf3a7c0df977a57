// kernels/gemm.h: a plain product of row-major matrices.
//
//     c[m][n] = (accumulate ? c[m][n] : 0) + sum_k a[m][k] b[k][n]                OP_GEMM
//
//   c   [M, N];  a   [M, K], or [K, M] where transpose_a;  b   [K, N], or [N, K] where transpose_b
// nn, nt and tn are in use; both transposed is allowed. Rows may be strided; any of M, N, K may be 0. c overlaps
// nothing. NaN in a row of op(a) stays in that row of c. Cannot fail.
#ifndef ASSAY_KERNELS_GEMM_H
#define ASSAY_KERNELS_GEMM_H

#include "kernels/op.h"

OpKernel gemm_reference_f32, gemm_reference_f64;

#endif
