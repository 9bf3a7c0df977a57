// kernels/quant_internal.h: between kernels/quant.c, kernels/quant_search.c and kernels/pack_stored.c.
#ifndef ASSAY_KERNELS_QUANT_INTERNAL_H
#define ASSAY_KERNELS_QUANT_INTERNAL_H

#include "kernels/quant.h"

void quant_put_half(uint8_t *bytes, float value);
// Values of 6 bits into 12 bytes (see quant.c).
void quant_unpack_scales(const uint8_t *bytes, uint8_t scale[8], uint8_t minimum[8]);
void quant_pack_scales(const uint8_t scale[8], const uint8_t minimum[8], uint8_t *bytes);

// The scale that the exponent of an MXFP4 block stands for, and what its codes of 4 bits do.
float quant_mxfp4_scale(uint8_t exponent);
extern const int8_t quant_mxfp4_values[16];

// One block of 256 numbers each: DTYPE_Q4_K or DTYPE_Q5_K; DTYPE_Q6_K.
void quant_search_k(DType dtype, const float *x, uint8_t *block);
void quant_search_q6_k(const float *x, uint8_t *block);

#endif
