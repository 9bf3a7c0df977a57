// kernels/bench_take.h: tensors of made-up numbers for the cases of the bench, in the arena.
#ifndef ASSAY_KERNELS_BENCH_TAKE_H
#define ASSAY_KERNELS_BENCH_TAKE_H

#include "base/arena.h"
#include "kernels/op.h"

// A matrix of numbers in +- 1, row-major.
Status bench_take_random(Arena *arena, size_t rows, size_t cols, uint64_t seed, Tensor *out,
                         Error *err) MUST_CHECK;
// A weight as layers have them: its products with numbers in +- 1 are of size 1. Larger ones would drive activations into
// their flat ends.
Status bench_take_weight(Arena *arena, size_t rows, size_t cols, uint64_t seed, Tensor *out,
                         Error *err) MUST_CHECK;
Status bench_take_zeros(Arena *arena, size_t rows, size_t cols, Layout layout, Tensor *out,
                        Error *err) MUST_CHECK;
// n numbers below bound.
Status bench_take_indices(Arena *arena, size_t n, size_t bound, const int32_t **out,
                          Error *err) MUST_CHECK;
// rows tokens in sequences of `length`.
Status bench_take_ragged(Arena *arena, size_t rows, size_t length, Ragged *out,
                         Error *err) MUST_CHECK;
// A weight's rows in panels.
Status bench_take_packed(Arena *arena, const Tensor *rows, Tensor *out, Error *err) MUST_CHECK;

#endif
