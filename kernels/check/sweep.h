// kernels/check/sweep.h: holds a row of the operation table to the reference, over all cases of kernels/check/cases.h.
//
// Shared by tests/kernels and tools/gpu-check; needs neither a test framework nor any library beyond base and kernels.
// A row that is wrong is a result, not an error: errors are what keeps a check from running.
#ifndef ASSAY_KERNELS_CHECK_SWEEP_H
#define ASSAY_KERNELS_CHECK_SWEEP_H

#include "kernels/exec.h"

typedef struct SweepResult {
    size_t n_cases;
    // The element whose error is the largest share of what is allowed.
    double worst_share, worst_error, worst_tolerance;
    char worst_case[200];
    char failure[400]; // empty where all is right; else the first failing case, output and element
} SweepResult;

typedef struct Sweep {
    Exec *exec;      // of the row's device
    Exec *reference; // reference rows, on the CPU
} Sweep;

// Opens both for this device. STATUS_DEVICE where it is missing.
Status sweep_open(Device device, ComputeMode compute, Sweep *out, Error *err) MUST_CHECK;
void sweep_close(Sweep *sweep); // a no-op on a zeroed sweep

// Whether this machine can run the row; if not, *why (may be NULL) says what is missing.
int sweep_can_run(const OpRow *row, const char **why);

// The checks take rows of one operation, in any number, and a result for each: what rows share, above all the reference's
// answers, is computed once a case.
typedef Status SweepCheck(const Sweep *sweep, size_t n_rows, const OpRow *const *rows,
                          SweepResult *out, Error *err) MUST_CHECK;

// Every case against the f64 reference, element by element, within kernels/check/tolerance.h; nothing but the outputs'
// elements may have changed, the canaries around every tensor included.
SweepCheck sweep_reference;
// Rows (sequences, for attention, dropout and pooling) computed in parts of 1, 2, 3, ... have the bits they have in one
// call. For operations that work row by row; n_cases is 0 for the others.
SweepCheck sweep_parts;
// A NaN in one row leaves every other row's bits alone, and reaches what the reference says it reaches. The same rows.
SweepCheck sweep_nan;
// out0 in the place of each input that it may be (OpInfo.overwrites) has the bits that it has elsewhere; n_cases is 0 for
// operations that have none.
SweepCheck sweep_overwrite;
// Two rows of one operation and dtype give the same bits in every case.
Status sweep_same_bits(const Sweep *sweep, const OpRow *a, const OpRow *b, SweepResult *out,
                       Error *err) MUST_CHECK;

typedef struct SweepTime {
    char shape[64]; // "4096 x 1536 x 384"
    double seconds; // wall time of one call, the best of some runs of many calls
    double n_flops; // of one call: 2 a multiply-add of products; 0 where an operation has none
    double n_bytes; // that one call reads and writes at least
} SweepTime;

// Times a row on one shape of a real model. A look at its order of magnitude, on any device; kernels/bench.h measures.
Status sweep_time(const Sweep *sweep, const OpRow *row, SweepTime *out, Error *err) MUST_CHECK;

#endif
