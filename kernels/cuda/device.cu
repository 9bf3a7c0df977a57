// Memory, stream and copies of one GPU. Nothing here is called before a GPU is asked for, so that the program starts
// without a driver.
#include "kernels/cuda/cuda_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
#include "kernels/cuda/cublaslt.h"
#include "kernels/device.h"
}

static Status missing_device(int index, cudaError_t error, Error *err)
{
    if (error == cudaErrorInsufficientDriver) {
        return error_set(err, STATUS_DEVICE,
                         "cuda:%d: no NVIDIA driver, or one too old for CUDA %d.%d (libcuda.so.1): "
                         "install one, or use --device cpu",
                         index, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    }
    if (error == cudaErrorNoDevice) {
        return error_set(
            err, STATUS_DEVICE,
            "cuda:%d: the driver sees no GPU: see nvidia-smi and CUDA_VISIBLE_DEVICES, "
            "or use --device cpu",
            index);
    }
    return error_set(err, STATUS_DEVICE, "cuda:%d: %s", index, cudaGetErrorString(error));
}

extern "C" Status device_count(size_t *out, Error *err)
{
    int n = 0;
    *out = 0;
    const cudaError_t error = cudaGetDeviceCount(&n);
    if (error != cudaSuccess) return missing_device(0, error, err);
    *out = (size_t)n;
    return STATUS_OK;
}

static Status check_index(int index, Error *err)
{
    int n = 0;
    const cudaError_t error = cudaGetDeviceCount(&n);
    if (error != cudaSuccess) return missing_device(index, error, err);
    if (index >= 0 && index < n) return STATUS_OK;
    return error_set(err, STATUS_DEVICE, "cuda:%d: there %s %d GPU%s here, numbered from 0", index,
                     n == 1 ? "is" : "are", n, n == 1 ? "" : "s");
}

extern "C" Status device_describe(Device device, DeviceInfo *out, Error *err)
{
    cudaDeviceProp properties;
    memset(out, 0, sizeof *out);
    TRY(check_index(device.index, err));
    CUDA_TRY(cudaGetDeviceProperties(&properties, device.index), err);
    CUDA_TRY(cudaDriverGetVersion(&out->driver_version), err);
    CUDA_TRY(cudaRuntimeGetVersion(&out->runtime_version), err);
    (void)snprintf(out->name, sizeof out->name, "%s", properties.name);
    out->memory_bytes = properties.totalGlobalMem;
    out->compute_major = properties.major;
    out->compute_minor = properties.minor;
    return STATUS_OK;
}

static Status open_stream(CudaState *state, Error *err)
{
    CUDA_TRY(cudaSetDevice(state->index), err);
    CUDA_TRY(cudaStreamCreateWithFlags(&state->stream, cudaStreamNonBlocking), err);
    return STATUS_OK;
}

static Status cuda_open(int index, void **out, Error *err)
{
    *out = NULL;
    TRY(check_index(index, err));
    CudaState *state = (CudaState *)calloc(1, sizeof *state);
    if (!state) return error_set_memory(err, 1, sizeof *state, "the state of a GPU");
    state->index = index;
    const Status s = open_stream(state, err);
    if (s != STATUS_OK) {
        free(state);
        return error_wrap(err, "cuda:%d", index);
    }
    *out = state;
    return STATUS_OK;
}

// Makes the state's GPU the thread's own. A failure shows at the call that follows.
static CudaState *current(void *state)
{
    CudaState *cuda = (CudaState *)state;
    (void)cudaSetDevice(cuda->index);
    return cuda;
}

static void cuda_close(void *state)
{
    CudaState *cuda = current(state);
    cublaslt_close(cuda->cublaslt);
    (void)cudaStreamDestroy(cuda->stream); // nothing can be done about a failure here
    free(cuda);
}

static void *cuda_alloc(void *state, size_t size_bytes)
{
    void *memory = NULL;
    (void)current(state);
    if (cudaMalloc(&memory, size_bytes) == cudaSuccess) return memory;
    (void)cudaGetLastError(); // else the next launch would report it
    return NULL;
}

static void cuda_free(void *state, void *ptr, size_t size_bytes)
{
    (void)size_bytes;
    (void)current(state);
    (void)cudaFree(ptr);
}

static Status cuda_upload(void *state, void *dst, const void *src, size_t size_bytes, Error *err)
{
    // From pageable memory this returns once src has been read.
    CUDA_TRY(cudaMemcpyAsync(dst, src, size_bytes, cudaMemcpyHostToDevice, current(state)->stream),
             err);
    return STATUS_OK;
}

static Status cuda_wait(void *state, Error *err)
{
    CUDA_TRY(cudaStreamSynchronize(current(state)->stream), err);
    return STATUS_OK;
}

static Status cuda_download(void *state, void *dst, const void *src, size_t size_bytes, Error *err)
{
    CUDA_TRY(cudaMemcpyAsync(dst, src, size_bytes, cudaMemcpyDeviceToHost, current(state)->stream),
             err);
    return cuda_wait(state, err);
}

extern "C" const DeviceBackend cuda_backend = {
    cuda_open, cuda_close, cuda_alloc, cuda_free, cuda_upload, cuda_download, cuda_wait,
};

extern "C" CudaState *cuda_begin(Exec *exec)
{
    return current(exec->device_state);
}
