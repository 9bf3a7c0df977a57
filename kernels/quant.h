// kernels/quant.h: numbers in blocks: the formats of GGUF files, decoded and encoded.
//
// A row of n numbers is n / dtype_block(dtype) blocks, one after the other. In a block of 32 (little-endian; d, m are f16;
// element j < 16 in the low half of byte j, element j + 16 in its high half; a fifth bit j is bit j of h):
//     Q8_0   d, int8 q[32]              x = d q                34 bytes
//     Q4_0   d, nibbles q[32]           x = d (q - 8)          18
//     Q4_1   d, m, nibbles q[32]        x = d q + m            20
//     Q5_0   d, u32 h, nibbles q[32]    x = d (q - 16)         22
//     Q5_1   d, m, u32 h, nibbles       x = d q + m            24
//     IQ4_NL d, nibbles q[32]           x = d level(q)         18
//     MXFP4  u8 e, nibbles c[32]        x = 2^(e - 128) q      17; q by the codes: 0, 1, 2, 3, 4, 6, 8, 12, the same below zero
// In a block of 256, sub-block s of 32 (Q6_K, Q3_K, Q2_K: 16) numbers has a scale of its own:
//     Q4_K   d, m, 12 bytes of 6-bit scales a_s and minima b_s, 128 bytes of nibbles       x = (d a_s) q - m b_s    144
//     Q5_K   the same, with 32 bytes of fifth bits (bit s of byte j) before the nibbles                             176
//     Q6_K   128 bytes of low nibbles, 64 of upper bits, int8 a_s[16], d      x = (d a_s) (q - 32)                  210
//     Q3_K   32 bytes of third bits (bit s / 2 of byte j), 64 of the lower two, 12 of 6-bit scales a_s, d
//                                                                                   x = (d (a_s - 32)) (q - 4)            110
//     Q2_K   16 bytes of scales a_s (low) and minima b_s (high nibble), 64 of 2-bit codes, d, m    x = (d a_s) q - m b_s   84
//     IQ4_XS d, u16 of the upper two bits of 6-bit scales a_s, 4 bytes of their lower four, 128 bytes of nibbles
//                                                                                   x = (d (a_s - 32)) level(q)           136
// level: sixteen integers that lie closer to each other near 0 (quant_iq4_levels).
// And, in no file, with one scale a row, whose blocks of 64 all say it, so that products of bytes are scaled once
// (kernels/linear_low.h):
//     Q8_ROW d, int8 q[64]             x = d q                                                                       66
// Source: the GGUF specification and ggml's block structures; MXFP4: OCP Microscaling Formats, version 1.0. Products and sums are rounded to f32 one by one, so that the
// bits are those of the Python package gguf.
#ifndef ASSAY_KERNELS_QUANT_H
#define ASSAY_KERNELS_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/tensor.h"

enum { QUANT_MAX_BLOCK = 256, QUANT_MAX_PARTS = 16, QUANT_LEVELS = 16 };

// What the codes of IQ4_NL and IQ4_XS stand for, and those of MXFP4.
extern const int8_t quant_iq4_levels[QUANT_LEVELS], quant_mxfp4_levels[QUANT_LEVELS];

// A block taken apart: x[j] = scale[j / part] * q[j] + offset[j / part], each operation rounded to f32. Formats without
// an offset have is_shifted = false; where levels are given q[j] stands for levels[q[j]].
typedef struct QuantBlock {
    float scale[QUANT_MAX_PARTS], offset[QUANT_MAX_PARTS];
    int8_t q[QUANT_MAX_BLOCK];
    size_t n, part; // numbers in all; numbers of one scale
    bool is_shifted;
    const int8_t *levels; // [QUANT_LEVELS], or NULL
} QuantBlock;

// Whether rows of that dtype can be decoded and encoded here: F32, F16, BF16 and the block formats.
bool quant_is_known(DType dtype);
// Bytes of a row of n numbers; false where n is no multiple of the block or the product overflows.
bool quant_row_bytes(DType dtype, size_t n, size_t *out);

// Integers that codes stand for, of a format that has such a list; else NULL.
const int8_t *quant_levels(DType dtype);
// One block of a block format.
void quant_unpack(DType dtype, const void *block, QuantBlock *out);

// n numbers, a multiple of the block, from or to blocks of any alignment. Input of quant_encode is finite.
// Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 and MXFP4 are encoded bit for bit as the Python package gguf does; the formats of 256 by a search
// for the least squared error (kernels/cpu/quant_search.c); Q8_ROW, a whole row in a call, to the nearest code, halves to even.
void quant_decode(DType dtype, size_t n, const void *blocks, float *out);
void quant_encode(DType dtype, size_t n, const float *x, void *blocks);

#endif
