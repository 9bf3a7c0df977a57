// kernels/cpu/real.h: the number that a reference is compiled for.
//
// Every reference source is compiled twice: for f32, and with ASSAY_REAL_F64 for f64, which finite differences need.
// Both compute in double; Real is only what they read and store.
#ifndef ASSAY_KERNELS_CPU_REAL_H
#define ASSAY_KERNELS_CPU_REAL_H

#include "kernels/tensor.h"

#ifdef ASSAY_REAL_F64
typedef double Real;
#    define REFERENCE(operation) operation##_reference_f64
#else
typedef float Real;
#    define REFERENCE(operation) operation##_reference_f32
#endif

// Row i of a row-major tensor.
static inline Real *real_row(const Tensor *tensor, size_t i)
{
    return (Real *)tensor->data + i * tensor->row_stride;
}

// Element (n, k) of a weight or table in either layout.
static inline Real *real_at(const Tensor *w, size_t n, size_t k)
{
    if (w->layout == LAYOUT_ROWS) return real_row(w, n) + k;
    return (Real *)w->data + (n / PANEL_WIDTH * w->cols + k) * PANEL_WIDTH + n % PANEL_WIDTH;
}

#endif
