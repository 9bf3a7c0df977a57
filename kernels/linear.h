// kernels/linear.h: a linear layer with its bias and activation.
//
//     z = x W^T + b,  y = act(z)                                                   OP_LINEAR
//     dz = dy * act'(z);  dx = dz W;  dW += dz^T x;  db += sum of dz's rows        OP_LINEAR_BACKWARD
//
// Sources: GELU with erf: Hendrycks & Gimpel 2016, arXiv:1606.08415, eq. 2, and its tanh form below it; SiLU:
// Elfwing et al. 2017, arXiv:1702.03118.
//   M        rows (tokens); may be 0. N outputs, K inputs, at least 1
//   x, dx    [M, K], rows may be strided;  y, z, dy  [M, N], the same
//   W        forward also as a file stores it (kernels/pack.h), in panels, with the bits of the same numbers as f32
//   W, dW    [N, K] in LAYOUT_ROWS or LAYOUT_PANELS (kernels/pack.h); dW in W's layout, its filling stays zero
//            (forward on the CPU also LAYOUT_COLUMNS, and W as a file stores it in panels or rows;
//            on a GPU best in LAYOUT_ROWS, which cuBLASLt reads: kernels/cuda/cuda_rows.h)
//   b, db    [1, N], optional
// y must not overlap x. z may be y only where there is no activation (then they are equal). dx must not overlap dy.
// NaN and infinity stay in their row of y. A row of y depends on that row of x alone, bit for bit. The backward pass
// fails with STATUS_MEMORY where its scratch cannot be had; the forward pass cannot fail on the CPU.
#ifndef ASSAY_KERNELS_LINEAR_H
#define ASSAY_KERNELS_LINEAR_H

#include "kernels/op.h"

OpKernel linear_reference_f32, linear_reference_f64;
OpKernel linear_backward_reference_f32, linear_backward_reference_f64;

// act(x) and act'(x) in double, by the C library: what the fast forms are held to.
double activation_value(Activation activation, double x);
double activation_slope(Activation activation, double x);

#endif
