// kernels/quant_internal.h: between the sources of kernels/quant.h and kernels/pack_stored.c.
#ifndef ASSAY_KERNELS_QUANT_INTERNAL_H
#define ASSAY_KERNELS_QUANT_INTERNAL_H

#include "kernels/quant.h"

// ---- blocks of 256 (kernels/quant_blocks.c) ----

// Where the 16-bit scale stands; of formats with an offset its own follows.
size_t quant_half_place(DType dtype);
// Scales and minima of the parts; formats without an offset have no minima. quant_put_scales and quant_put_codes want a block
// of zeros.
void quant_get_scales(DType dtype, const uint8_t *block, int8_t scale[QUANT_MAX_PARTS],
                      int8_t minimum[QUANT_MAX_PARTS]);
void quant_put_scales(DType dtype, const int8_t scale[QUANT_MAX_PARTS],
                      const int8_t minimum[QUANT_MAX_PARTS], uint8_t *block);
// Codes as they stand, from 0 on.
void quant_get_codes(DType dtype, const uint8_t *block, uint8_t codes[QUANT_MAX_BLOCK]);
void quant_put_codes(DType dtype, const uint8_t codes[QUANT_MAX_BLOCK], uint8_t *block);

// The scale that the exponent of an MXFP4 block stands for.
float quant_mxfp4_scale(uint8_t exponent);

// ---- encoding ----

void quant_put_half(uint8_t *bytes, float value);
// 32 numbers of up to 5 bits; h NULL: of 4.
void quant_put_nibbles(const uint8_t q[32], uint8_t *h, uint8_t *bytes);

// One block each: of Q4_K, Q5_K and Q2_K (kernels/cpu/quant_search.c); of Q6_K, Q3_K, IQ4_XS and IQ4_NL
// (kernels/cpu/quant_search_signed.c). Each build gives the same bytes.
typedef void QuantSearch(DType dtype, const float *x, uint8_t *block);
QuantSearch quant_search_shifted_plain, quant_search_signed_plain;
#if defined(__x86_64__)
QuantSearch quant_search_shifted_avx2, quant_search_signed_avx2;
QuantSearch quant_search_shifted_avx512, quant_search_signed_avx512;
#endif

#endif
