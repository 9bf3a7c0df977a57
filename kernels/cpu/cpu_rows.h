// kernels/cpu/cpu_rows.h: the CPU's rows of the operation table. Each array ends with a row whose run is NULL.
#ifndef ASSAY_KERNELS_CPU_CPU_ROWS_H
#define ASSAY_KERNELS_CPU_CPU_ROWS_H

#include "kernels/op.h"

extern const OpRow
    cpu_reference_rows[];           // kernels/cpu/reference_rows.c: every operation, f32 and f64
extern const OpRow cpu_fast_rows[]; // kernels/cpu/fast_rows.c: AVX2, AVX-512, OpenBLAS

#endif
