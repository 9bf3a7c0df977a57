// kernels/attention.h: scaled dot-product attention over a ragged batch.
//
//     score[i][j] = cap(scale * q[i] . k[j]) + bias[bucket(j - i)]   for the keys j that query i sees
//     p[i] = softmax(score[i], sink);  y[i] = sum_j p[i][j] * keep[i][j] / (1 - dropout) * v[j]  OP_ATTENTION
//     cap(x) = soft_cap * tanh(x / soft_cap), or x
//
//     dp[i][j] = keep[i][j] / (1 - dropout) * (dy[i] . v[j])                             OP_ATTENTION_BACKWARD
//     ds[i][j] = p[i][j] * (dp[i][j] - sum_j p[i][j] dp[i][j])
//     dq[i] = scale * sum_j ds cap' k[j];  dk[j] = scale * sum_i ds cap' q[i];
//     dv[j] = sum_i p keep / (1 - dropout) dy[i];  d bias[bucket] += ds;  d sink -= sum_i p[i][sink] (dy[i] . y[i])
//
//     OP_ATTENTION_BF16   the first two lines with q, k and v rounded to bf16, nearest even; scores, their softmax and sums in
//                         f32. exp(score - max) may be rounded to bf16 where it weighs v (the reference does not), which
//                         costs 2^-8 of the largest |v| at most.
//
// Keys and values in pages may be of 16 bits (AttentionArgs.pages_dtype): they count as what they are, and all else is as in f32.
//
// Sources: Vaswani et al. 2017, arXiv:1706.03762, eq. 1; log-sum-exp kept for the backward pass: Dao et al. 2022,
// arXiv:2205.14135; sinks, a learned score a head that takes weight and gives nothing: Xiao et al. 2023, arXiv:2309.17453,
// section 3.3, and gpt-oss; grouped heads: Ainslie et al. 2023, arXiv:2305.13245 (head h reads key head h / (n_heads /
// n_kv_heads)); relative bias: Raffel et al. 2020, arXiv:1910.10683; soft cap: Gemma 2, arXiv:2408.00118; sliding
// window: Beltagy et al. 2020, arXiv:2004.05150.
//
// One call does this for every sequence s and every head; queries of s meet keys of s only. Positions are absolute, so
// that a cache and a prefix give the mask and the bias they should.
//   q, y, dq, dy        [Tq, n_heads * head_dim], rows may be strided
//   k, v, dk, dv        [Tk, n_kv_heads * head_dim], the same; or pages (forward only)
//   log-sum-exp         [Tq, n_heads], contiguous
//   relative bias       [n_heads, n_buckets]
//   sinks               [1, n_heads], neither scaled nor capped; -infinity is none
// A query that sees no key gets y = 0 and log-sum-exp = -infinity, or its sink. Outputs must not overlap inputs. NaN stays within
// its sequence. A sequence's bits do not depend on the batch that it is in. STATUS_MEMORY where scratch cannot be had.
#ifndef ASSAY_KERNELS_ATTENTION_H
#define ASSAY_KERNELS_ATTENTION_H

#include "kernels/op.h"

enum { ATTENTION_COLUMNS_MOST_HEADS = 64 };

// Whether keys may lie by column: heads fill whole vectors, and scores need nothing but scale and mask.
static inline int attention_takes_columns(const AttentionArgs *as)
{
    return as->n_heads == as->n_kv_heads && (as->n_heads == 8 || as->n_heads % 16 == 0) &&
           as->n_heads <= ATTENTION_COLUMNS_MOST_HEADS && as->soft_cap <= 0.0f &&
           !as->relative_bucket && as->dropout.p <= 0.0f;
}

// A row of keys, head by head, put by column. from and to do not overlap.
void attention_order_columns(size_t n_heads, size_t head_dim, const float *from, float *to);

// Keys and values of tokens, [n, n_kv_heads * head_dim] in f32 both, into rows `row` to row + n - 1 of their page
// (AttentionArgs.pages_by_head, PANEL_WIDTH rows) of dtype F32, F16 or BF16: rounded to nearest, ties to even.
void attention_store_rows(size_t n_kv_heads, DType dtype, const Tensor *keys, const Tensor *values,
                          size_t row, void *key_page, void *value_page);

OpKernel attention_reference_f32, attention_reference_f64;
OpKernel attention_bf16_reference_f32, attention_bf16_reference_f64;
OpKernel attention_backward_reference_f32, attention_backward_reference_f64;

#endif
