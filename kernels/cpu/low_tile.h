// kernels/cpu/low_tile.h: inside the products of low precision (kernels/cpu/low_fast.h): what ends a tile, and the tile of bf16.
#ifndef ASSAY_KERNELS_CPU_LOW_TILE_H
#define ASSAY_KERNELS_CPU_LOW_TILE_H

#include <string.h>

#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/cpu/vec.h"
#include "kernels/op.h"

// Up to BF16_ROWS rows of pairs against up to BF16_PANELS panels of them: pairs of neighbouring k, as OP_LINEAR_BF16 adds them.
enum { BF16_ROWS = 12, BF16_PANELS = 2 };

typedef struct Bf16Tile {
    const uint32_t *pairs; // of the first row
    size_t row_pairs;      // between rows
    size_t n_pairs;        // that are added
    const uint32_t *weights;
    size_t panel_pairs;   // between panels
    const uint32_t *next; // fetched meanwhile, a line of it a pair; NULL for nothing
    float *c;
    size_t c_row, n_last; // of the last panel n_last columns count
    int accumulate;       // sums go on from c
    const float *bias;
    int ends_in_gelu;
} Bf16Tile;

// rows is 1 .. BF16_ROWS, panels 1 .. BF16_PANELS.
void bf16_tile_avx512(size_t rows, size_t panels, const Bf16Tile *tile);

// Pairs of neighbouring numbers, rounded; an odd end has a zero beside it.
static inline void bf16_round_row(size_t n, const float *row, uint32_t *pairs)
{
    for (size_t k = 0; k < n; k += VEC_WIDTH) {
        const size_t left = n - k;
        const __m256i rounded = (__m256i)_mm512_cvtneps_pbh(vec_load_any(row + k, left));
        if (left >= VEC_WIDTH) {
            _mm256_storeu_si256((__m256i *)(pairs + k / 2), rounded);
        } else {
            uint32_t last[VEC_WIDTH / 2];
            _mm256_storeu_si256((__m256i *)last, rounded);
            memcpy(pairs + k / 2, last, (left + 1) / 2 * sizeof *last);
        }
    }
}

// The first n of 32 numbers, in 16 pairs; the rest is zeros.
static inline __m512i bf16_round_pairs(const float *x, size_t n)
{
    const Vec low = vec_load_any(x, n);
    const Vec high = n > VEC_WIDTH ? vec_load_any(x + VEC_WIDTH, n - VEC_WIDTH) : vec_zero();
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

// Whether a tile may take the activation before it stores: nothing asks for the value before it.
static inline int low_ends_in_gelu(const OpArgs *args)
{
    return args->as.linear.activation == ACTIVATION_GELU && !args->out[1].data;
}

static inline void low_gelu_rows(size_t n_rows, size_t n_columns, float *c, size_t c_row)
{
    for (size_t i = 0; i < n_rows; i++, c += c_row) {
        for (size_t j = 0; j < n_columns; j += VEC_WIDTH) {
            const size_t n = n_columns - j;
            vec_store_any(c + j, n, vec_gelu_coarse(vec_load_any(c + j, n)));
        }
    }
}

// What stands behind the product of a finished tile of out0: the copy before the activation, and the activation.
static inline void low_finish(const OpArgs *args, size_t row, size_t n_rows, size_t column,
                              size_t n_columns)
{
    const Tensor *y = &args->out[0], *z = &args->out[1];
    const Activation activation = args->as.linear.activation;
    float *c = (float *)y->data + row * y->row_stride + column;
    if (z->data && z->data != y->data) {
        float *pre = (float *)z->data + row * z->row_stride + column;
        activation_rows_avx512(ACTIVATION_NONE, n_rows, n_columns, c, y->row_stride, pre,
                               z->row_stride);
    }
    if (activation == ACTIVATION_GELU)
        low_gelu_rows(n_rows, n_columns, c, y->row_stride);
    else if (activation != ACTIVATION_NONE)
        activation_rows_avx512(activation, n_rows, n_columns, c, y->row_stride, c, y->row_stride);
}

#endif
