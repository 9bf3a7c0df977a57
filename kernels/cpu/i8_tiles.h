// kernels/cpu/i8_tiles.h: inside linear_i8_amx.c: rows of x rounded into tiles of AMX, and weights in blocks taken out of their panels.
#ifndef ASSAY_KERNELS_CPU_I8_TILES_H
#define ASSAY_KERNELS_CPU_I8_TILES_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/cpu/amx.h"
#include "kernels/tensor.h"

// x rounded, in tiles of AMX_ROWS rows: of each its blocks, of a block all rows side by side. Where rows end within a tile, the last
// stands in for those that it lacks.
typedef struct I8Rows {
    int8_t *codes; // [n_tiles, n_blocks, AMX_ROWS, LOW_BLOCK]
    float *scale;  // [n_tiles, n_blocks, AMX_ROWS]
    float *sum;    // [n_tiles, n_parts, AMX_ROWS] scale * sum q, where the format has an offset
    size_t n_blocks, n_parts; // n_parts: with sums
} I8Rows;

// Part of a panel, taken out.
typedef struct I8Weights {
    int8_t *codes;         // [n_parts, part / 4, 16, 4] q
    float *scale, *offset; // [n_parts, 16]
} I8Weights;

// Rows first .. first + n of x, n up to AMX_ROWS, in the tile `to`. part: of the weights' format; has_sums: that it has an offset.
void i8_round_tile(const Tensor *x, size_t first, size_t n, size_t part, int has_sums,
                   const I8Rows *to);
// n_k numbers of k of a panel, which begin at `blocks`.
void i8_take_weights(DType dtype, const uint8_t *blocks, size_t n_k, const I8Weights *to);

#endif
