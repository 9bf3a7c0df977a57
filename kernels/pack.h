// kernels/pack.h: weights into panels and back.
//
// A weight [rows = n, cols = k] as stored in checkpoints (row-major, y = x W^T) is packed once when a model loads; in tuning
// the panels are the master weights, and saving unpacks. Packing moves numbers and changes none.
#ifndef ASSAY_KERNELS_PACK_H
#define ASSAY_KERNELS_PACK_H

#include "kernels/tensor.h"

// rows [n, k] row-major f32 -> panels of tensor_storage(n, k, LAYOUT_PANELS) floats, zeros filled in. No overlap.
void pack_panels(const float *rows, size_t n, size_t k, float *panels);
// The inverse.
void unpack_panels(const float *panels, size_t n, size_t k, float *rows);

// ---- weights that stay as a file stores them: F16, BF16 and the formats in blocks (kernels/quant.h) ----
//
// The same bits in the order in which a product reads them. A panel of 16 outputs is, for each block of k in ascending
// order (L: one value for each of the 16 outputs, side by side):
//     F16         for each k: L u16
//     BF16        for k = 0, 2, 4, ...: L pairs of u16, k and k + 1; an odd end has a zero beside it
//     Q8_0        L d; for k = 0, 4, 8, ...: L groups of u8, q + 128 of k .. k + 3
//     Q8_ROW      once, before the first block: L d, and L f16 the root of sum q^2 over the output's codes, rounded up: a cache
//                 line; then groups as in Q8_0
//     Q4_0        L d; nibbles
//     Q4_1        L d, L m; nibbles
//     Q5_0        L d; fifth bits; nibbles
//     Q5_1        L d, L m; fifth bits; nibbles
//     MXFP4       L u8 exponent; nibbles, of codes
//     Q4_K, Q5_K  L d, L m; for each part of 32: L u8 scale, L u8 minimum, (Q5_K) fifth bits, nibbles
//     Q6_K        L d; for each part of 16: L int8 scale, nibbles, upper bits
//     IQ4_NL      L d; nibbles
//     IQ4_XS      L d; for each part of 32: L int8 scale, nibbles
//     Q3_K        L d; for each part of 16: L int8 scale, third bits as fifth ones, pairs of bits
//     Q2_K        L d, L m; for each part of 16: L u8, scale in the low and minimum in the high half, pairs of bits
// nibbles: for k = 0, 8, 16, ...: L groups of 4 bytes, k .. k + 3 in the low halves and k + 4 .. k + 7 in the high ones. Fifth
// bits: for k = 0, 4, 8, ...: a u64, bit 4 i + j that of output i and k + j. Upper bits, and pairs of bits: L groups of 4 bytes, two bits each of
// k = j, j + 4, j + 8, j + 12 in byte j, from the lowest on. So four neighbouring k of an output lie in one 32-bit lane, as the
// products of bytes and of BF16 pairs want them (kernels/linear_low.h).
// Sizes are those of the file, but for those whose 6-bit scales take 8 bits (Q4_K 2.8 % more, Q5_K 2.3, Q3_K 3.6, IQ4_XS 1.5), and Q8_ROW (3 % less).

// Whether weights of that dtype can be kept so; k must then be a multiple of dtype_block.
int pack_stored_is_known(DType dtype);
// Bytes of one panel, and of all panels of n outputs.
size_t pack_stored_panel_bytes(DType dtype, size_t k);
size_t pack_stored_bytes(DType dtype, size_t n, size_t k);
// One panel of rows[16] as a file stores them (of any alignment); NULL rows, beyond the last output, become zeros.
void pack_stored_panel(DType dtype, const void *const rows[PANEL_WIDTH], size_t k, void *panel);
// Output `lane` of a panel as numbers: out f32 [k], bit for bit what quant_decode of its row gives.
void unpack_stored_row(DType dtype, const void *panel, size_t lane, size_t k, float *out);
// Row n of a weight or table that is no f32, in panels or in rows, as numbers.
void unpack_tensor_row(const Tensor *tensor, size_t n, float *out);

#endif
