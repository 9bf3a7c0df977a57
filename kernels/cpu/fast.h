// kernels/cpu/fast.h: the fast CPU rows, each built for AVX2 and for AVX-512 from one source (kernels/cpu/vec.h).
//
// What each computes is stated in the header of its reference (kernels/linear.h, ...); numerics in kernels/README.md. The
// two builds give the same bits. All are f32; those that pack or keep rows take scratch of the Exec and fail with
// STATUS_MEMORY where it cannot be had.
#ifndef ASSAY_KERNELS_CPU_FAST_H
#define ASSAY_KERNELS_CPU_FAST_H

#include "kernels/op.h"

OpKernel linear_avx2, linear_avx512;
OpKernel linear_backward_avx2, linear_backward_avx512;
OpKernel gemm_avx2, gemm_avx512;
OpKernel attention_avx2, attention_avx512;
// With a soft cap this is the reference: no encoder trains with one.
OpKernel attention_backward_avx2, attention_backward_avx512;
OpKernel attention_columns_avx2, attention_columns_avx512; // a part of attention
OpKernel disentangled_avx2, disentangled_avx512;
OpKernel disentangled_backward_avx2, disentangled_backward_avx512;
OpKernel layer_norm_avx2, layer_norm_avx512;
OpKernel layer_norm_backward_avx2, layer_norm_backward_avx512;
OpKernel rms_norm_avx2, rms_norm_avx512;
OpKernel rms_norm_backward_avx2, rms_norm_backward_avx512;
OpKernel rope_avx2, rope_avx512;
OpKernel gated_avx2, gated_avx512;
OpKernel gated_backward_avx2, gated_backward_avx512;
OpKernel add_avx2, add_avx512;
OpKernel soft_cap_avx2, soft_cap_avx512;
OpKernel soft_cap_backward_avx2, soft_cap_backward_avx512;
OpKernel embedding_avx2, embedding_avx512;
OpKernel embedding_backward_avx2, embedding_backward_avx512;
OpKernel causal_conv_avx2, causal_conv_avx512;
OpKernel causal_conv_backward_avx2, causal_conv_backward_avx512;
OpKernel delta_rule_avx2, delta_rule_avx512;
OpKernel dropout_avx2, dropout_avx512;
OpKernel softmax_avx2, softmax_avx512;
OpKernel log_sum_exp_avx2, log_sum_exp_avx512;
OpKernel cross_entropy_avx2, cross_entropy_avx512;
OpKernel add_scaled_avx2, add_scaled_avx512;
OpKernel scale_avx2, scale_avx512;
OpKernel squared_norm_avx2, squared_norm_avx512;
OpKernel adamw_avx2, adamw_avx512;

// The machine's limits, for the bench. probe_fma: n_rounds of independent chains of fused multiply-adds; returns the
// floating-point operations done, and something that depends on all of them. probe_read: reads n floats; returns their sum.
double probe_fma_avx2(size_t n_rounds, float *result);
double probe_fma_avx512(size_t n_rounds, float *result);
float probe_read_avx2(const float *memory, size_t n);
float probe_read_avx512(const float *memory, size_t n);

#endif
