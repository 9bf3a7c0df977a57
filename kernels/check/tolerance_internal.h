// kernels/check/tolerance_internal.h: between the sources of tolerance.h.
#ifndef ASSAY_KERNELS_CHECK_TOLERANCE_INTERNAL_H
#define ASSAY_KERNELS_CHECK_TOLERANCE_INTERNAL_H

#include <float.h>

#include "kernels/check/tolerance.h"

// Below the smallest normal f32 a result may lose digits, or be flushed.
#define TOLERANCE_UNDERFLOW (4.0 * FLT_MIN)

// What a sum of n terms may err by, as a share of the sum of their magnitudes.
double tolerance_sum_factor(double u, size_t n_terms);
// The largest finite |x|; 0 where there is none, or no tensor.
double tolerance_largest(const Tensor *tensor);

// Fills the bounds of one output: the allowed |error| of each element, row by row.
typedef void FillFunction(const ToleranceInput *input, size_t out, double *bound);
void tolerance_constant(const Tensor *out, double value, double *bound); // the same for all

// tolerance_attention.c
FillFunction tolerance_attention, tolerance_attention_bf16, tolerance_attention_backward;

#endif
