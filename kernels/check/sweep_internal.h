// kernels/check/sweep_internal.h: what sweep.c and sweep_parts.c share.
#ifndef ASSAY_KERNELS_CHECK_SWEEP_INTERNAL_H
#define ASSAY_KERNELS_CHECK_SWEEP_INTERNAL_H

#include "kernels/check/problem.h"
#include "kernels/check/sweep.h"

// A problem where a row can run on it: its own block on the CPU, a copy of that on a GPU.
typedef struct Placed {
    void *device; // NULL on the CPU
    OpArgs args;
} Placed;

Status sweep_place(const Sweep *sweep, const OpRow *row, const Problem *problem, Placed *out,
                   Error *err) MUST_CHECK;
void sweep_unplace(const Sweep *sweep, const Problem *problem, Placed *placed);
// Runs the row on the problem, on whatever device it is for; the results are in the problem's block afterwards.
Status sweep_run(const Sweep *sweep, const OpRow *row, Problem *problem, Error *err) MUST_CHECK;
// The case's problem in the row's dtype, untouched: kept in *made (zeroed before a case's first row, the caller's to close)
// for the next row where that has the same dtype.
Status sweep_make(const Sweep *sweep, const OpRow *row, size_t index, Problem *made,
                  Error *err) MUST_CHECK;
// Keeps the first failure, with its case.
void sweep_fail(SweepResult *result, OpKind op, size_t index, const char *what);
// Fails where an output's bits differ between two problems of one case.
void sweep_compare_bits(const Problem *a, const Problem *b, size_t index, SweepResult *result);

#endif
