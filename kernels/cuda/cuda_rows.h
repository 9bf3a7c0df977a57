// kernels/cuda/cuda_rows.h: the GPU's rows of the operation table: all that a forward pass needs, f32.
//
// Tensors and the arrays that OpArgs points to lie in the memory of the Exec's GPU. A kernel is queued on the Exec's
// stream and not waited for; it neither allocates nor synchronises (scratch comes from the Exec). Weights are best in
// LAYOUT_ROWS here: cuBLASLt reads that; panels go through the plain kernel. Each row gives a token's (or a sequence's)
// bits whatever the batch: sums have one fixed order, and the algorithm of a product is chosen by the weight's shape alone.
#ifndef ASSAY_KERNELS_CUDA_CUDA_ROWS_H
#define ASSAY_KERNELS_CUDA_CUDA_ROWS_H

#ifdef __cplusplus
extern "C" {
#endif

#include "kernels/op.h"

extern const OpRow cuda_rows[]; // ends with a row whose run is NULL

OpKernel embedding_cuda, layer_norm_cuda, attention_cuda, select_rows_cuda, mean_pool_cuda,
    softmax_cuda;
OpKernel rms_norm_cuda, rope_cuda, gated_cuda, add_cuda, soft_cap_cuda;
// The plain product: a tile in shared memory, one chain of fmaf over k.
OpKernel linear_cuda;
// The product by cuBLASLt, in true fp32, or with TF32 inputs where the Exec says COMPUTE_TF32; bias and activation by
// a kernel of ours, because cuBLASLt's GELU is the tanh form.
OpKernel linear_cublaslt;
int cublaslt_is_available(void);

#ifdef __cplusplus
}
#endif

#endif
