// kernels/check/derivative.h: how a backward operation hangs on its forward one, as a table.
#ifndef ASSAY_KERNELS_CHECK_DERIVATIVE_H
#define ASSAY_KERNELS_CHECK_DERIVATIVE_H

#include "kernels/check/problem.h"

typedef enum SourceKind { FROM_NOTHING, FROM_GRADIENT, FROM_IN, FROM_OUT } SourceKind;

typedef struct Source {
    SourceKind kind; // FROM_GRADIENT: d out0
    int index;       // of the forward operation's in[] or out[]
} Source;

typedef struct GradientOf {
    int is_used;
    int in;             // the forward input whose gradient it is
    int is_accumulated; // added to what is there
} GradientOf;

typedef struct Derivative {
    OpKind forward, backward;
    Source in[OP_MAX_IN];
    GradientOf out[OP_MAX_OUT];
} Derivative;

// The derivative that this backward operation computes, or NULL.
const Derivative *derivative_of(OpKind backward);

// Turns a forward problem that has been run (f64) into the backward problem, in the same block: inputs rounded to
// f32 where `dtype` is f32 or is_rounded; accumulated outputs begin with random numbers, or with zeros.
void derivative_build(const Derivative *derivative, Problem *problem, DType dtype, int is_rounded,
                      int begins_with_zero);

// Central differences of sum(c * out0), c random, against the backward operation, all in f64, on the small cases of
// the forward operation. worst: the largest error found, as a share of the tolerance: right while <= 1. where: names
// the case. STATUS_NOT_FOUND where the table has no derivative for it.
Status finite_difference(OpKind backward, Exec *reference, double *worst, char *where,
                         size_t where_size, Error *err) MUST_CHECK;

#endif
