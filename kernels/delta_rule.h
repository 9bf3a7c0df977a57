// kernels/delta_rule.h: the gated delta rule: a matrix a head that forgets, and learns what a key lacks of its value.
//
// For each head, token by token, S [Dk, Dv] what stands before the sequence's first row, else zeros:
//     q' = l2(silu(q)) / sqrt(Dk),  k' = l2(silu(k)),  v' = silu(v),  l2(x) = x / sqrt(sum x^2 + 1e-6)
//     alpha = exp(-exp(A) softplus(a + c)),  beta = sigmoid(b)
//     S = alpha S + k' (beta (v' - alpha S^T k'))^T,  y = S^T q'                                OP_DELTA_RULE
//
// and from the last token to the first, with dS what the tokens behind have of S's gradient                 OP_DELTA_RULE_BACKWARD
//     dS += q' dy^T,  dq' = S dy,  e = beta dS^T k',  dk' = dS (beta (v' - alpha P^T k')) - alpha P e,  dv' = e
//     dbeta = (dS^T k') (v' - alpha P^T k'),  dalpha = sum dS P - e P^T k',  dS = alpha (dS - k' e^T),  P the S of the token before
//
// Source: Yang, Kautz & Hatamizadeh 2024, arXiv:2412.06464, eq. 10; Qwen 3.5's norms, gates and activations.
//   q, k       [T, n_key_heads * Dk];  v, y  [T, n_heads * Dv], rows may be strided; head h reads those of key head
//              h / (n_heads / n_key_heads)
//   gates      [T, 2 n_heads]: b of all heads, then a;  rates [1, 2 n_heads]: A, then c
//   S          [S, n_heads * Dk * Dv], row-major within a head; optional. What is left behind the last row is another output, which
//              may be S itself. The backward pass begins with zeros
// No other overlap. S is rounded to the row's dtype behind each token, so that a sequence has the same bits in one piece and in
// several. NaN stays in its sequence. STATUS_MEMORY where scratch cannot be had: backward keeps S of every token of a head.
#ifndef ASSAY_KERNELS_DELTA_RULE_H
#define ASSAY_KERNELS_DELTA_RULE_H

#include <math.h>

#include "kernels/op.h"

#define DELTA_RULE_EPSILON 1e-6

// log(1 + exp(x)), alpha and beta.
static inline double delta_rule_softplus(double x)
{
    return x > 30 ? x : log1p(exp(x));
}

static inline double delta_rule_kept(double a_log, double a, double bias)
{
    return exp(-exp(a_log) * delta_rule_softplus(a + bias));
}

static inline double delta_rule_learnt(double b)
{
    return 1 / (1 + exp(-b));
}

OpKernel delta_rule_reference_f32, delta_rule_reference_f64;
OpKernel delta_rule_backward_reference_f32, delta_rule_backward_reference_f64;

#endif
