// What blocks of decoders need beside products and attention: plain kernels, one warp or one block a row.
#include "kernels/cuda/cuda_internal.h"

#include "kernels/cuda/cuda_rows.h"

enum { ROW_THREADS = 256 };

// One warp a row, group after group. The shuffle tree adds in one fixed order. Thread j mod 32 alone reads and writes element
// j in the last pass, so y may be x.
__global__ static void rms_norm_kernel(int cols, int group, NormArgs as, Matrix x,
                                       const float *weight, Matrix y, Matrix rstds)
{
    const size_t row = blockIdx.x;
    for (int begin = 0; begin < cols; begin += group) {
        const float *from = x.data + row * x.stride + begin;
        float *to = y.data + row * y.stride + begin;
        float squares = 0.0f;
        for (int j = threadIdx.x; j < group; j += WARP) squares += from[j] * from[j];
        const float rstd = 1.0f / sqrtf(warp_sum(squares) / (float)group + as.epsilon);
        for (int j = threadIdx.x; j < group; j += WARP)
            to[j] = from[j] * rstd * (as.weight_offset + weight[j]);
        if (rstds.data && threadIdx.x == 0) rstds.data[row * rstds.stride + begin / group] = rstd;
    }
}

extern "C" Status rms_norm_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK; // an empty grid is a launch error
    TRY(cuda_check_rows("rms_norm", y, err));
    rms_norm_kernel<<<(unsigned)y->rows, WARP, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, (int)args->in[1].cols, args->as.norm, matrix_of(&args->in[0]),
        (const float *)args->in[1].data, matrix_of(y), matrix_of(&args->out[1]));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

// A thread turns a pair, or copies a column that is not turned, so y may be x.
__global__ static void rope_kernel(int cols, int half, int head_dim, float sign, Matrix x,
                                   Matrix table, Matrix y)
{
    const size_t row = blockIdx.x;
    const float *from = x.data + row * x.stride, *angles = table.data + row * table.stride;
    float *to = y.data + row * y.stride;
    for (int j = threadIdx.x; j < cols; j += blockDim.x) {
        const int i = j % head_dim;
        if (i < half) {
            const float a = from[j], b = from[j + half];
            const float cosine = angles[i], sine = sign * angles[half + i];
            to[j] = a * cosine - b * sine;
            to[j + half] = b * cosine + a * sine;
        } else if (i >= 2 * half) {
            to[j] = from[j];
        }
    }
}

extern "C" Status rope_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK;
    TRY(cuda_check_rows("rope", y, err));
    rope_kernel<<<(unsigned)y->rows, ROW_THREADS, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, (int)(args->in[1].cols / 2), (int)args->as.rope.head_dim,
        args->as.rope.is_inverse ? -1.0f : 1.0f, matrix_of(&args->in[0]), matrix_of(&args->in[1]),
        matrix_of(y));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

// With a limit NaN goes through: it is not above it.
__global__ static void gated_kernel(int cols, GatedArgs as, Matrix a, Matrix b, Matrix y)
{
    const size_t row = blockIdx.x;
    for (int j = threadIdx.x; j < cols; j += blockDim.x) {
        float gate = a.data[row * a.stride + j], value = b.data[row * b.stride + j];
        if (as.limit > 0.0f) {
            gate = gate > as.limit ? as.limit : gate;
            value = value > as.limit ? as.limit : value < -as.limit ? -as.limit : value;
            gate = cuda_activate(as.activation, as.alpha * gate) / as.alpha;
            value += 1.0f;
        } else {
            gate = cuda_activate(as.activation, gate);
        }
        y.data[row * y.stride + j] = gate * value;
    }
}

extern "C" Status gated_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK;
    TRY(cuda_check_rows("gated", y, err));
    gated_kernel<<<(unsigned)y->rows, ROW_THREADS, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, args->as.gated, matrix_of(&args->in[0]), matrix_of(&args->in[1]),
        matrix_of(y));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

__global__ static void add_kernel(int cols, AddArgs as, Matrix x, Matrix z, Matrix y)
{
    const size_t row = blockIdx.x;
    for (int j = threadIdx.x; j < cols; j += blockDim.x) {
        const float first = as.a * x.data[row * x.stride + j];
        y.data[row * y.stride + j] = z.data ? fmaf(as.b, z.data[row * z.stride + j], first) : first;
    }
}

extern "C" Status add_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK;
    TRY(cuda_check_rows("add", y, err));
    add_kernel<<<(unsigned)y->rows, ROW_THREADS, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, args->as.add, matrix_of(&args->in[0]), matrix_of(&args->in[1]), matrix_of(y));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

__global__ static void soft_cap_kernel(int cols, SoftCapArgs as, Matrix x, Matrix y)
{
    const size_t row = blockIdx.x;
    const float cap = as.cap;
    for (int j = threadIdx.x; j < cols; j += blockDim.x) {
        const float value = x.data[row * x.stride + j];
        const float clamped = value > cap ? cap : value < -cap ? -cap : value;
        y.data[row * y.stride + j] = as.is_hard ? clamped : cap * tanhf(value / cap);
    }
}

extern "C" Status soft_cap_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK;
    TRY(cuda_check_rows("soft_cap", y, err));
    soft_cap_kernel<<<(unsigned)y->rows, ROW_THREADS, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, args->as.soft_cap, matrix_of(&args->in[0]), matrix_of(y));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}
