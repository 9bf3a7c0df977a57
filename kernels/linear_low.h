// kernels/linear_low.h: a linear layer in low precision: y = act(round(x) W^T + b), in1 as a file stores it.
//
//     OP_LINEAR_I8     x in blocks of 32: d = max |x| / 127, q = round(x / d) as int8; W any format in blocks. For each part of W
//                      with one scale the products of codes are added as integers, which is exact; then
//                          y = fmaf(scale_w * d, sum q_w q, y)   and, where the format has one,   fmaf(offset_w, d sum q, y)
//                      over the parts in ascending order: one chain an output.
//                      Where W is Q8_ROW, which has one scale_w a row: d = max |x| / 127 of a whole row of x, in blocks of 64
//                      q = round(x / (d 2^-h)), h the most halvings that the block's largest number allows and at most
//                      LOW_MOST_HALVINGS;   s = s + 2^-h sum q_w q   over the blocks in ascending order, y = fmaf(s scale_w, d, b).
//                      With scales_by_block instead, so that a block can be rounded before the others are there: e the least
//                      integer from LOW_LEAST_EXPONENT on with max |x| <= 127 x 2^e in the block, q = round(x / 2^e), E the
//                      largest e of the row;   s = s + 2^(e - E) sum q_w q,   y = fmaf(s scale_w, 2^E, b).
//     OP_FEED_FORWARD_I8  two layers with weights in Q8_ROW, the second with scales_by_block: what two OP_LINEAR_I8 give, bit for
//                      bit, but what is between them is never written down as numbers. W1 in in1, b1 in in2, W2 in in3, b2 in in4.
//     OP_LINEAR_BF16   x rounded to bf16, nearest even; W bf16; y adds products in f32, in an order that is the machine's:
//                          VDPBF16PS   those of pairs, k and k + 1, in ascending order
//                          TDPBF16PS   for each 32 of k in ascending order the even ones in one chain of fmaf from 0 and the
//                                      odd ones in another; then y + (even + odd)
//                      Neither depends on the number of rows. Numbers below the smallest normal f32 count as 0.
//
//   M       rows (tokens), may be 0. N outputs, K inputs, a multiple of the format's block
//   x       f32 [M, K], rows may be strided;  y, z  f32 [M, N], the same;  b [1, N] f32, optional
//   W       [N, K] in LAYOUT_PANELS (kernels/pack.h)
// Rounding x costs a relative error of about 2^-8 of the largest number of its block (int8; Q8_ROW: 2^-7 at most, but in the
// block that has the row's largest) or 2^-9 of each number (bf16).
// GELU errs by at most LOW_GELU_ERROR max(1, |z|), an eighth of what bf16 keeps.
// A block (Q8_ROW: a row, and none with scales_by_block) whose largest number is below 2^-100 counts as zeros. NaN or infinity in a row makes outputs of that row NaN (bf16:
// as in f32) and no other. A row of y depends on that row of x alone, bit for bit. STATUS_MEMORY where scratch cannot be had.
#ifndef ASSAY_KERNELS_LINEAR_LOW_H
#define ASSAY_KERNELS_LINEAR_LOW_H

#include "kernels/op.h"

// Numbers of x that share a scale; LOW_WIDE_BLOCK where W is Q8_ROW.
enum { LOW_BLOCK = 32, LOW_WIDE_BLOCK = 64, LOW_MOST_HALVINGS = 16, LOW_LEAST_EXPONENT = -106 };

#define LOW_TINY       0x1p-100f
#define LOW_GELU_ERROR 6e-5

OpKernel linear_i8_reference_f32, linear_i8_reference_f64;
OpKernel linear_bf16_reference_f32, linear_bf16_reference_f64;
OpKernel feed_forward_i8_reference_f32, feed_forward_i8_reference_f64;

// Whether a weight of that dtype can go into the operation.
int linear_low_takes(OpKind op, DType dtype, Layout layout);

#endif
