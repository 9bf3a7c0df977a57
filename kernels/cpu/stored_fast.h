// kernels/cpu/stored_fast.h: products with weights that stay as a file stores them (kernels/pack.h), for gemm_fast.c.
//
// Every output is the same chain of fmaf over k as with the weights as f32, so nothing in a result shows which of the ways was
// taken: few rows unpack in registers; more of them have the first tile of rows leave what it unpacked for the others; many
// unpack a block of weights once and use the tiles for f32.
#ifndef ASSAY_KERNELS_CPU_STORED_FAST_H
#define ASSAY_KERNELS_CPU_STORED_FAST_H

#include <stddef.h>

#include "kernels/tensor.h"

// STORED_UNPACK_ROWS: tiles of fewer rows cannot leave what they unpack.
#if defined(__AVX512F__)
enum { STORED_MAX_ROWS = 8, STORED_UNPACK_ROWS = 5 };
#else
enum { STORED_MAX_ROWS = 4, STORED_UNPACK_ROWS = 3 };
#endif
enum { STORED_WIDE = 4, STORED_STEP = 32 };

// Steps [k0, k0 + n_k) of one panel as floats: to[k * 16 + j]. k0 is a multiple of STORED_STEP, n_k too or up to the end (16-bit
// formats alone have ends).
void stored_unpack_avx2(DType dtype, const void *panel, size_t k0, size_t n_k, float *to);
void stored_unpack_avx512(DType dtype, const void *panel, size_t k0, size_t n_k, float *to);

// rows x panels of c.
typedef struct StoredTile {
    const float *a; // of step k0
    size_t a_stride;
    const void *b;            // panels from their first step on
    size_t b_panel, n_panels; // bytes between them; 1 .. stored_wide
    float *c;
    size_t c_row;
    size_t k0, n_k;    // as of stored_unpack
    int reload;        // start from c
    size_t n_last;     // columns of the last panel
    const float *bias; // added after the last step, or NULL
    float *unpacked;   // panels of n_k steps, as stored_unpack writes them, or NULL
    // Fetched meanwhile: of the first panel that is read next, and as many after it, lines for every STORED_STEP steps.
    const char *next;
    size_t n_next;
} StoredTile;

// Most panels of a tile of 1 .. STORED_MAX_ROWS rows. `unpacked` has room for so many.
size_t stored_wide_avx2(size_t rows);
size_t stored_wide_avx512(size_t rows);
void stored_tile_avx2(DType dtype, size_t rows, const StoredTile *tile);
void stored_tile_avx512(DType dtype, size_t rows, const StoredTile *tile);

#endif
