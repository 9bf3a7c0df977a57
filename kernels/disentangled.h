// kernels/disentangled.h: attention whose scores also weigh relative positions against contents, over a ragged batch.
//
//     m(i, j) = relative_bucket[clamp(position of key j - position of query i) + relative_reach] - first_bucket
//     score[i][j] = scale * (q[i] . k[j] + q[i] . PK[m(i, j)] + k[j] . PQ[m(i, j)])
//     p[i] = softmax(score[i]);  y[i] = sum_j p[i][j] * keep[i][j] / (1 - dropout) * v[j]        OP_DISENTANGLED
//
//     dp[i][j] = keep[i][j] / (1 - dropout) * (dy[i] . v[j])                             OP_DISENTANGLED_BACKWARD
//     ds[i][j] = scale * p[i][j] * (dp[i][j] - sum_j p[i][j] dp[i][j])
//     dq[i] = sum_j ds (k[j] + PK[m]);  dk[j] = sum_i ds (q[i] + PQ[m]);  dv[j] = sum_i p keep / (1 - dropout) dy[i]
//     dPK[r] = sum over m(i, j) = r of ds q[i];  dPQ[r] = the same of ds k[j]
//
// Source: He, Liu, Gao & Chen 2021, arXiv:2006.03654, eq. 4, where PK is "content to position" and PQ "position to content",
// with both indices the same, as the bucket of a distance is odd.
//
// One call does this for every sequence s and every head; queries of s meet all keys of s. Keys stand at 0, 1, 2, ...;
// queries where their positions say.
//   q, y, dq, dy, k, v, dk, dv   as of kernels/attention.h, with as many key heads as heads
//   PQ, PK, dPQ, dPK             [R, n_heads * head_dim]: rows first_bucket, first_bucket + 1, ... of the table of buckets,
//                                which reach over all distances in the batch; either may be absent. Their gradients are
//                                overwritten.
//   log-sum-exp                  [Tq, n_heads], contiguous
// A query without keys gets y = 0 and log-sum-exp = -infinity. Outputs must not overlap inputs. NaN stays within its sequence
// (but in gradients of PQ and PK). A sequence's bits do not depend on the batch that it is in, nor on R. STATUS_MEMORY where
// scratch cannot be had: that of one head of the longest sequence is n_keys * (n_queries + R) + n_queries * R numbers.
#ifndef ASSAY_KERNELS_DISENTANGLED_H
#define ASSAY_KERNELS_DISENTANGLED_H

#include "kernels/op.h"

OpKernel disentangled_reference_f32, disentangled_reference_f64;
OpKernel disentangled_backward_reference_f32, disentangled_backward_reference_f64;

// Row of PQ and PK for a distance key - query.
static inline size_t disentangled_row(const AttentionArgs *as, int64_t distance)
{
    const int64_t reach = as->relative_reach;
    if (distance < -reach) distance = -reach;
    if (distance > reach) distance = reach;
    return (size_t)(as->relative_bucket[distance + reach] - as->first_bucket);
}

#endif
