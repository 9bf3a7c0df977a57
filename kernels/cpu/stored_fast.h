// kernels/cpu/stored_fast.h: products with weights that stay as a file stores them (kernels/pack.h), for gemm_fast.c.
//
// Every output is the same chain of fmaf over k as with the weights as f32, so nothing in a result shows which of the two ways
// was taken: many rows unpack a block of weights and use the tiles for f32; few rows unpack in registers.
#ifndef ASSAY_KERNELS_CPU_STORED_FAST_H
#define ASSAY_KERNELS_CPU_STORED_FAST_H

#include <stddef.h>

#include "kernels/tensor.h"

enum { STORED_MAX_ROWS = 4, STORED_WIDE = 4, STORED_STEP = 32 };

// Steps [k0, k0 + n_k) of one panel as floats: to[k * 16 + j]. k0 is a multiple of STORED_STEP, n_k too or up to the end (16-bit
// formats alone have ends).
void stored_unpack_avx2(DType dtype, const void *panel, size_t k0, size_t n_k, float *to);
void stored_unpack_avx512(DType dtype, const void *panel, size_t k0, size_t n_k, float *to);

// rows x panels of c, from the first to the last step.
typedef struct StoredTile {
    const float *a;
    size_t a_stride;
    const void *b;
    size_t b_panel; // bytes between panels
    float *c;
    size_t c_row, n_k;
    size_t n_last;     // columns of the last panel
    const float *bias; // or NULL
} StoredTile;

// rows 1 .. STORED_MAX_ROWS; panels 1 or STORED_WIDE.
void stored_tile_avx2(DType dtype, size_t rows, size_t panels, const StoredTile *tile);
void stored_tile_avx512(DType dtype, size_t rows, size_t panels, const StoredTile *tile);

#endif
