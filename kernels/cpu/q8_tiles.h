// kernels/cpu/q8_tiles.h: inside linear_q8_row_amx.c: rows of x rounded into tiles of AMX, as weights in Q8_ROW want them.
//
// A row's sum is a chain over its blocks in f32 (kernels/linear_low.h). Where all of its steps are exact, which the sizes of the
// codes tell, any order gives its bits, and blocks whose halvings are the same are added as integers: a group. A block whose rows
// differ in their halvings stands in several groups, in each with the rows that belong there and zeros for the others. Where a
// step could round, a tile is no group but a chain.
#ifndef ASSAY_KERNELS_CPU_Q8_TILES_H
#define ASSAY_KERNELS_CPU_Q8_TILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/size.h"
#include "kernels/cpu/amx.h"
#include "kernels/cpu/q8_row.h"
#include "kernels/tensor.h"

enum {
    Q8_TILE_BYTES = AMX_ROWS * AMX_ROW_BYTES,
    Q8_MOST_BLOCKS = 12, // of k that rows pass at a time, a part
    Q8_BLOCK_ROWS = 256, // whose codes, of x and between two layers, stay in L2
};

// Codes in `slot` against the weights of `block`.
typedef struct Q8Step {
    uint16_t slot, block;
} Q8Step;

typedef struct Q8Group {
    uint16_t begin, end; // steps
} Q8Group;

// What is known of one tile.
typedef struct Q8Tile {
    int8_t *codes; // [2 n_blocks, tile_rows, BLOCK]: those of each block, then of what is split off
    int32_t *halvings; // [n_blocks, AMX_ROWS]; before, exponents
    int32_t *size;     // [n_blocks, AMX_ROWS] sum |q|
    float *unit;     // [n_blocks, AMX_ROWS] 2^-halvings of each group, or of each block of a chain
    float *scale;    // [AMX_ROWS]
    Q8Step *steps;   // [2 n_blocks]
    Q8Group *groups; // [n_blocks]
    uint16_t *parts; // [n_parts + 1] where a part's groups begin; parts[n_parts] is 0 for a chain
} Q8Tile;

// Rows rounded, in tiles of tile_rows each, of which the last may lack some.
typedef struct Q8Rows {
    char *at;
    size_t tile_bytes; // of all that is kept of a tile
    size_t n_rows, tile_rows, n_tiles, n_blocks, n_parts, part_blocks;
} Q8Rows;

// How a call's rows are cut: into blocks of much the same number of tiles.
typedef struct Q8Cut {
    size_t tile_rows, block_tiles; // block_tiles: of the largest
} Q8Cut;

Q8Cut q8_cut_rows(size_t n_rows);
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
