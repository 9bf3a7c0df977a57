// kernels/cuda/cublaslt.h: NVIDIA's library for matrix products, opened at first use (dlopen), so that the program neither
// links it nor needs it.
#ifndef ASSAY_KERNELS_CUDA_CUBLASLT_H
#define ASSAY_KERNELS_CUDA_CUBLASLT_H

// Frees what a CudaState keeps of it; a no-op on NULL.
void cublaslt_close(void *handle);

#endif
