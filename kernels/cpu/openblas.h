// kernels/cpu/openblas.h: rows of the operation table over OpenBLAS, opened at first use.
//
// The serial build is wanted (Debian's libopenblas0-serial): threads are ours. Another build is told to use one thread.
// OpenBLAS changes its order of summation with the number of rows, so these rows are not forward_safe: they serve as
// oracle, in the bench, with ExecOptions.openblas_forward, and backward where a machine has no fast rows of ours. It
// wants row-major weights; panels are unpacked on every call. Activations are those of the reference.
#ifndef ASSAY_KERNELS_CPU_OPENBLAS_H
#define ASSAY_KERNELS_CPU_OPENBLAS_H

#include "kernels/op.h"

// Whether the library was found; opens it the first time. Thread-safe.
int openblas_is_available(void);
// Its own words about version and processor ("OpenBLAS 0.3.21 ... SkylakeX"), or NULL where there is none.
const char *openblas_description(void);

// STATUS_DEVICE without the library, STATUS_INVALID for a dimension over 2^31 - 1, STATUS_MEMORY for scratch.
OpKernel linear_openblas, linear_backward_openblas, gemm_openblas;

#endif
