// kernels/check/problem.h: arguments of one operation, made up for a check.
//
// Everything a problem points to lies in one block, so that the whole of it can be copied, moved to a GPU, and compared
// with what it was: between and behind tensors stand canaries, bytes of 0xFF, which read as NaN. The numbers are
// representable in f32 whatever the problem's dtype, and depend on the seed alone, so that the f32 and the f64 problem of
// a seed are the same problem.
#ifndef ASSAY_KERNELS_CHECK_PROBLEM_H
#define ASSAY_KERNELS_CHECK_PROBLEM_H

#include "base/philox.h"
#include "kernels/exec.h"
#include "kernels/op.h"

typedef struct Problem {
    OpKind op;
    DType dtype;
    OpArgs args;
    char *block;
    size_t used_bytes, capacity_bytes;
    Philox rng;
    // Arrays of pointers inside the block (page tables), which move with it.
    struct {
        size_t offset, count;
    } pointers[2];
    size_t n_pointers;
} Problem;

// A row-major tensor with gap elements between its rows, or a panelled weight (gap is then 0).
typedef struct TensorShape {
    size_t rows, cols;
    Layout layout;
    size_t gap;
} TensorShape;

// STATUS_MEMORY where the block cannot be had. capacity_bytes is an upper bound of all that will be taken.
Status problem_open(Problem *problem, OpKind op, DType dtype, uint64_t seed, size_t capacity_bytes,
                    Error *err) MUST_CHECK;
void problem_close(Problem *problem); // a no-op on a zeroed problem
// Gives up what was not taken, but for a few kilobytes: an upper bound may be megabytes above, and copies would have them too,
// which sanitizers mark byte for byte.
void problem_fit(Problem *problem);
// A copy with a block of its own.
Status problem_copy(const Problem *from, Problem *to, Error *err) MUST_CHECK;

// size_bytes of the block behind a canary, 64-byte aligned, filled with 0xFF. The capacity must suffice (asserted).
void *problem_take(Problem *problem, size_t size_bytes);
// Uniform in +- magnitude, or in offset +- magnitude.
Tensor problem_random(Problem *problem, TensorShape shape, double offset, double magnitude);
// All elements NaN: for outputs that are overwritten.
Tensor problem_blank(Problem *problem, TensorShape shape, DType dtype);
// A weight [rows, cols] in panels as a file of that format stores it; its numbers are uniform in +- magnitude before they
// are rounded. cols is a multiple of the format's block.
Tensor problem_stored(Problem *problem, DType format, size_t rows, size_t cols, double magnitude);
// n indices in [0, bound), bound >= 1.
int32_t *problem_indices(Problem *problem, size_t n, size_t bound);
// rows cut into sequences of uneven lengths, an empty one among them now and then; keys set, positions NULL.
Ragged problem_ragged(Problem *problem, size_t rows);
// Says that `count` pointers into the block lie at `array` (itself in the block).
void problem_note_pointers(Problem *problem, const void *array, size_t count);

// The arguments with every pointer into the block moved by (to - block): for a copy of the block at `to`.
OpArgs problem_moved_args(const Problem *problem, void *to);
// The noted arrays in `copy` (a host copy of the block) changed to point into a block at `to`.
void problem_move_pointers(const Problem *problem, void *copy, void *to);

// Element (row, col) as a double. Panels: logical indices.
double tensor_get(const Tensor *tensor, size_t row, size_t col);
void tensor_set(const Tensor *tensor, size_t row, size_t col, double value);
// Whether two numbers are the same bit for bit, so that 0 and -0 differ; any two NaN are the same.
int same_bits(double a, double b);

#endif
