// kernels/bench_internal.h: between bench.c and its cases.
#ifndef ASSAY_KERNELS_BENCH_INTERNAL_H
#define ASSAY_KERNELS_BENCH_INTERNAL_H

#include "kernels/bench.h"

typedef struct BenchCase BenchCase;

// A case's arguments, made up: everything lies in the arena.
typedef struct BenchProblem {
    OpArgs args; // weights in panels
    OpArgs
        rows_args; // the same with row-major weights, for libraries that want them; equal to args where there are none
    Exec *exec; // where a backward case runs its forward pass
    double n_flops, n_bytes;
    size_t sum_length; // longest sum behind one element of a result
    double
        step; // what a number on the way that is rounded to its other neighbour may change, of the largest value
} BenchProblem;

const BenchCase *bench_case_at(size_t index);
Status bench_case_build(const BenchCase *c, Exec *exec, Arena *arena, BenchProblem *out,
                        Error *err) MUST_CHECK;

#endif
