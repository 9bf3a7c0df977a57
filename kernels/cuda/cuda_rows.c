#include "kernels/cuda/cuda_rows.h"

#define CUDA_ROW(kind, function)                                                                   \
    {                                                                                              \
        .op = kind, .variant = "cuda", .device = DEVICE_CUDA, .dtype = DTYPE_F32, .preference = 1, \
        .forward_safe = 1, .run = function,                                                        \
    }

const OpRow cuda_rows[] = {
    CUDA_ROW(OP_EMBEDDING, embedding_cuda),
    CUDA_ROW(OP_LINEAR, linear_cuda),
    {
        .op = OP_LINEAR,
        .variant = "cublaslt",
        .device = DEVICE_CUDA,
        .dtype = DTYPE_F32,
        .preference = 2,
        .forward_safe = 1,
        .run = linear_cublaslt,
        .is_available = cublaslt_is_available,
    },
    CUDA_ROW(OP_LAYER_NORM, layer_norm_cuda),
    CUDA_ROW(OP_RMS_NORM, rms_norm_cuda),
    CUDA_ROW(OP_ROPE, rope_cuda),
    CUDA_ROW(OP_GATED, gated_cuda),
    CUDA_ROW(OP_ADD, add_cuda),
    CUDA_ROW(OP_SOFT_CAP, soft_cap_cuda),
    CUDA_ROW(OP_ATTENTION, attention_cuda),
    CUDA_ROW(OP_SELECT_ROWS, select_rows_cuda),
    CUDA_ROW(OP_MEAN_POOL, mean_pool_cuda),
    CUDA_ROW(OP_SOFTMAX, softmax_cuda),
    {.run = NULL},
};
