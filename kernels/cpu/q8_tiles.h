// kernels/cpu/q8_tiles.h: inside linear_q8_row_amx.c: rows of x rounded into tiles of AMX, as weights in Q8_ROW want them.
//
// A row's sum is a chain over its blocks in f32 (kernels/linear_low.h), in which each block counts by the halvings of its scale.
// Where no step of that chain rounds, any order gives its bits: then codes are numbers v = q 2^c in the row's finest unit, of which
// a block holds the low seven bits and, where it has such, the high ones, and both are added over all blocks as integers. No step
// rounds where all partial sums are below 2^24, and by Cauchy and Schwarz none is above |w| |v|. Norms |w| stand in the panels
// (kernels/pack.h). Where that does not hold, or a block is more than 2^MOST_CLASS units, a tile is a chain.
// Of real activations (MiniLM's on a text) the blocks of 16 rows have two to four units; 88 to 100 % of tiles, by the layer, are sums of integers.
#ifndef ASSAY_KERNELS_CPU_Q8_TILES_H
#define ASSAY_KERNELS_CPU_Q8_TILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/size.h"
#include "kernels/cpu/amx.h"
#include "kernels/cpu/q8_row.h"
#include "kernels/tensor.h"

enum {
    Q8_TILE_BYTES = AMX_ROWS * AMX_ROW_BYTES, // of weights
    Q8_BLOCK_BYTES = 5 << 18,                 // of rounded rows, that stay in L2
    Q8_HIGH_BITS = 7,                         // v = low + 2^7 high
};

// What is known of all blocks of a tile.
typedef struct Q8Order {
    float norm;            // the largest |v| of a row; infinity for a chain
    size_t n_both, n_lone; // blocks with high codes and without; some have no code but 0
} Q8Order;

// One tile.
typedef struct Q8Tile {
    int8_t *codes;     // [n_blocks, 2, tile_rows, BLOCK]: low and high, or q
    int32_t *halvings; // [n_blocks, AMX_ROWS]; before, exponents
    int32_t *sum;      // [n_blocks, AMX_ROWS] SHIFT sum v; before, sum q
    int32_t *square;   // [n_blocks, AMX_ROWS] sum q^2
    float *unit;       // [n_blocks, AMX_ROWS] what 1 stands for, of a row's scale
    float *scale;      // [AMX_ROWS]
    int32_t *total;    // [AMX_ROWS] the sum of `sum`
    Q8Order *order;
    uint16_t *both, *lone; // [n_blocks] the blocks of n_both and n_lone
    uint8_t *has_high;     // [n_blocks]
} Q8Tile;

// Rows rounded, in tiles of tile_rows each, of which the last may lack some.
typedef struct Q8Rows {
    char *at;
    size_t tile_bytes; // of all that is kept of a tile
    size_t n_rows, tile_rows, n_tiles, n_blocks;
} Q8Rows;

// How a call's rows are cut: into blocks of much the same number of tiles.
typedef struct Q8Cut {
    size_t tile_rows, block_tiles; // block_tiles: of the largest
} Q8Cut;

// k: of all that stays in L2 of a row. Where all weights stay there too, more blocks of half the size cost nothing, and take less
// memory.
Q8Cut q8_cut_rows(size_t n_rows, size_t k, size_t weight_bytes);
size_t q8_rows_bytes(const Q8Cut *cut, size_t k);
// Room of q8_rows_bytes for a block's rows of k numbers, which begins at `at`, a line.
Q8Rows q8_place_rows(char *at, const Q8Cut *cut, size_t k);
void q8_take_rows(Q8Rows *x, size_t n_rows);

// Tiles 0 .. 5 with so many rows, of sums and of codes of x; tiles 6 and 7 for weights.
void q8_configure(size_t tile_rows);

Q8Tile q8_tile(const Q8Rows *x, size_t t);
// Rows first .. first + n_rows of x.
void q8_round_rows(const Tensor *x, size_t first, int scales_by_block, const Q8Rows *to);
// Block b of a tile by itself, and what follows when all are there.
void q8_round_block(const float *x, size_t x_row, size_t t, size_t b, const Q8Rows *to);
void q8_end_blocks(size_t t, const Q8Rows *to);

static inline size_t q8_rows_of_tile(const Q8Rows *x, size_t t)
{
    return size_min(x->tile_rows, x->n_rows - t * x->tile_rows);
}

#endif
