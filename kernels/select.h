// kernels/select.h: one row a sequence: the row of a chosen token, or the mean of all.
//
//     y[s] = x[rows[s]]                                       OP_SELECT_ROWS
//     dx = 0; dx[rows[s]] += dy[s], s ascending               OP_SELECT_ROWS_BACKWARD
//     y[s] = sum of x[t] over sequence s / its rows           OP_MEAN_POOL
//     dx[t] = dy[s] / rows of sequence s                      OP_MEAN_POOL_BACKWARD
//
// Source of mean pooling for sentence embeddings: Reimers & Gurevych 2019, arXiv:1908.10084.
//   x, dx  [T, H];  y, dy  [S, H]; rows may be strided; S or T may be 0
// An empty sequence has the mean 0. Outputs must not overlap inputs. Cannot fail.
#ifndef ASSAY_KERNELS_SELECT_H
#define ASSAY_KERNELS_SELECT_H

#include "kernels/op.h"

OpKernel select_rows_reference_f32, select_rows_reference_f64;
OpKernel select_rows_backward_reference_f32, select_rows_backward_reference_f64;
OpKernel mean_pool_reference_f32, mean_pool_reference_f64;
OpKernel mean_pool_backward_reference_f32, mean_pool_backward_reference_f64;

#endif
