// kernels/check/tolerance.h: how far a row may be from the f64 reference, in one table (tolerance.c).
//
// Bounds are derived, never fitted. u is the unit roundoff of the numbers a row computes with (2^-24 for f32). A sum of n
// terms in any order errs by at most about sqrt(n) u sum |terms| with overwhelming probability (Higham & Mary 2019,
// SIAM J. Sci. Comput. 41, A2815); we allow u (8 + 4 sqrt(n)) sum |terms|: four standard deviations, and eight roundings
// for what stands around the sum. sum |terms| is found by running the f64 reference on absolute values.
#ifndef ASSAY_KERNELS_CHECK_TOLERANCE_H
#define ASSAY_KERNELS_CHECK_TOLERANCE_H

#include "kernels/check/problem.h"

typedef struct ToleranceInput {
    const Problem *before; // the f64 problem, not yet run
    const Problem *exact;  // the same, after the f64 reference
    const Problem
        *absolute; // the same with |x| for every x (and no activation), after the f64 reference
    double u;
} ToleranceInput;

// Unit roundoff of an f32 row's arithmetic: TF32 keeps 10 bits of its inputs' mantissas.
double tolerance_roundoff(ComputeMode compute, OpKind op);
// Whether the table has a line for this output.
int tolerance_covers(OpKind op, size_t out);
// The allowed |error| of each element of out[out], [rows, cols] of that tensor.
void tolerance_fill(const ToleranceInput *input, size_t out, double *bound);

#endif
