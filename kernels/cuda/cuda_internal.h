// kernels/cuda/cuda_internal.h: what the .cu files share. Never included by a source that a build without CUDA compiles.
#ifndef ASSAY_KERNELS_CUDA_CUDA_INTERNAL_H
#define ASSAY_KERNELS_CUDA_CUDA_INTERNAL_H

#include <cuda_runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "kernels/exec_internal.h"

// The algorithm that a product of a weight's shape uses, found once (kernels/cuda/cublaslt.c).
typedef struct ProductAlgorithm {
    size_t key[5];      // the weight's shape, strides and alignments
    uint64_t words[16]; // a cublasLtMatmulAlgo_t
} ProductAlgorithm;

enum { MAX_PRODUCT_ALGORITHMS = 128 };

// DeviceBackend's state.
typedef struct CudaState {
    int index;
    cudaStream_t stream;
    void *cublaslt; // a cublasLtHandle_t, opened at first use
    ProductAlgorithm algorithms[MAX_PRODUCT_ALGORITHMS];
    size_t n_algorithms;
} CudaState;

// The state of an Exec on a GPU, which becomes the calling thread's current device.
CudaState *cuda_begin(Exec *exec);

// y = act(z + bias) over [rows, cols]; z_out (may be NULL) receives z + bias. y and z_out may be z.
Status cuda_bias_activation(cudaStream_t stream, Activation activation, size_t rows, size_t cols,
                            const float *z, size_t z_stride, const float *bias, float *y,
                            size_t y_stride, float *z_out, size_t z_out_stride, Error *err);

#ifdef __cplusplus
}
#endif

#ifdef __CUDACC__
// A row-major matrix on the GPU; data may be NULL.
typedef struct Matrix {
    float *data;
    size_t stride;
} Matrix;

static inline Matrix matrix_of(const Tensor *tensor)
{
    const Matrix matrix = {(float *)tensor->data, tensor->row_stride};
    return matrix;
}

// The grid of one block a row; STATUS_INVALID beyond what a launch takes.
static inline Status cuda_check_rows(const char *what, const Tensor *tensor, Error *err)
{
    if (tensor->rows <= INT32_MAX && tensor->cols <= INT32_MAX) return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s: %zu x %zu is too large for a launch", what,
                     tensor->rows, tensor->cols);
}

enum { WARP = 32 };

// The shuffle tree adds in one fixed order.
__device__ static inline float warp_sum(float value)
{
    for (int step = WARP / 2; step > 0; step /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, step);
    }
    return value;
}

__device__ static inline float warp_max(float value)
{
    for (int step = WARP / 2; step > 0; step /= 2) {
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    }
    return value;
}

__device__ static inline float cuda_activate(Activation activation, float x)
{
    switch (activation) {
    case ACTIVATION_NONE:
    case ACTIVATION_COUNT:
        break;
    case ACTIVATION_GELU:
        return 0.5f * x * erfcf(-x * 0.70710678118654752f);
    case ACTIVATION_GELU_TANH:
        return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case ACTIVATION_RELU:
        return x > 0.0f || x != x ? x : 0.0f;
    case ACTIVATION_TANH:
        return tanhf(x);
    case ACTIVATION_SILU:
        return x / (1.0f + expf(-x));
    case ACTIVATION_QUICK_GELU:
        return x / (1.0f + expf(-1.702f * x));
    case ACTIVATION_RELU2:
        return x > 0.0f || x != x ? x * x : 0.0f;
    case ACTIVATION_MISH: {
        const float e = expf(fminf(x, 40.0f)), n = e * (e + 2.0f);
        return x * (n / (n + 2.0f));
    }
    }
    return x;
}
#endif

// Returns STATUS_DEVICE with the call and CUDA's own words where it failed.
#define CUDA_TRY(call, err)                                         \
    do {                                                            \
        const cudaError_t cuda_error_ = (call);                     \
        if (cuda_error_ != cudaSuccess) {                           \
            return error_set((err), STATUS_DEVICE, "%s: %s", #call, \
                             cudaGetErrorString(cuda_error_));      \
        }                                                           \
    } while (0)

#endif
