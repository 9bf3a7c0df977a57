// kernels/gated.h: elementwise steps between products: gated activations, and scores kept below a cap.
//
//     y = act(a) * b                                                 OP_GATED
//     da = dy * b * act'(a);  db = dy * act(a)                       OP_GATED_BACKWARD
// or, with a limit,
//     y = act(alpha g) / alpha * (u + 1),  g = min(a, limit),  u = max(min(b, limit), -limit)
//     da = dy * (u + 1) * act'(alpha a) where a <= limit, else 0;  db = dy * act(alpha g) / alpha where |b| <= limit, else 0
//     y = cap * tanh(x / cap), or is_hard: min(cap, max(-cap, x))    OP_SOFT_CAP
//     dx = dy * (1 - (y / cap)^2), or dy where |y| < cap, else 0     OP_SOFT_CAP_BACKWARD
//
// Sources: Shazeer 2020, arXiv:2002.05202, eq. 5 (SwiGLU: act = SiLU; GEGLU: act = GELU); Gemma Team 2024,
// arXiv:2408.00118, section 2 (logit soft-capping); OpenAI 2025, gpt-oss model card, section 2.1.1 (the limit);
// Groeneveld et al. 2024, arXiv:2402.00838 (clipped queries, keys and values).
//   all      [M, N], rows may be strided; a and b are usually columns of one product
// y may be a, b or x; da and db may be dy (not both). NaN stays in its element. Cannot fail.
#ifndef ASSAY_KERNELS_GATED_H
#define ASSAY_KERNELS_GATED_H

#include "kernels/op.h"

OpKernel gated_reference_f32, gated_reference_f64;
OpKernel gated_backward_reference_f32, gated_backward_reference_f64;
OpKernel soft_cap_reference_f32, soft_cap_reference_f64;
OpKernel soft_cap_backward_reference_f32, soft_cap_backward_reference_f64;

#endif
