// The operations that work row by row: plain kernels, one warp or one block a row.
#include "kernels/cuda/cuda_internal.h"

#include "kernels/cuda/cuda_rows.h"

enum { ROW_THREADS = 128 };

// word_step: floats between a table row's numbers: 1, or PANEL_WIDTH in panels.
__global__ static void embedding_kernel(int cols, Matrix word, size_t word_step, Matrix position,
                                        Matrix type, EmbeddingArgs as, Matrix y)
{
    const size_t t = blockIdx.x, id = as.ids ? (size_t)as.ids[t] : 0;
    const float *from = word_step == 1
                            ? word.data + id * word.stride
                            : word.data + id / PANEL_WIDTH * PANEL_WIDTH * cols + id % PANEL_WIDTH;
    for (int j = threadIdx.x; j < cols; j += blockDim.x) {
        float sum = from[(size_t)j * word_step];
        if (position.data) sum += position.data[(size_t)as.position_ids[t] * position.stride + j];
        if (type.data) sum += type.data[(size_t)as.type_ids[t] * type.stride + j];
        y.data[t * y.stride + j] = sum;
    }
}

extern "C" Status embedding_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK; // an empty grid is a launch error
    TRY(cuda_check_rows("embedding", y, err));
    embedding_kernel<<<(unsigned)y->rows, ROW_THREADS, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, matrix_of(&args->in[0]),
        args->in[0].layout == LAYOUT_PANELS ? (size_t)PANEL_WIDTH : 1, matrix_of(&args->in[1]),
        matrix_of(&args->in[2]), args->as.embedding, matrix_of(y));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

// x[j] + residual[j], as every pass over the row sees it.
__device__ static float residual_sum(const float *x, const float *residual, int j)
{
    return residual ? x[j] + residual[j] : x[j];
}

// One warp a group of `cols` columns of a row. Thread j mod 32 alone reads and writes element j in the last pass, so y and s
// may be x. Weights and biases of the next group stand weight_step further on.
__global__ static void layer_norm_kernel(int cols, NormArgs as, int weight_step, Matrix x,
                                         Matrix residual, const float *weight, const float *bias,
                                         Matrix y, Matrix s, Matrix statistics)
{
    const size_t row = blockIdx.x, group = blockIdx.y, begin = group * (size_t)cols;
    const float *from = x.data + row * x.stride + begin;
    const float *other = residual.data ? residual.data + row * residual.stride + begin : NULL;
    weight += group * (size_t)weight_step;
    if (bias) bias += group * (size_t)weight_step;
    float sum = 0.0f, squares = 0.0f;
    for (int j = threadIdx.x; j < cols; j += WARP) sum += residual_sum(from, other, j);
    const float mean = warp_sum(sum) / (float)cols;
    for (int j = threadIdx.x; j < cols; j += WARP) {
        const float centred = residual_sum(from, other, j) - mean;
        squares += centred * centred;
    }
    const float rstd = 1.0f / sqrtf(warp_sum(squares) / (float)cols + as.epsilon);
    for (int j = threadIdx.x; j < cols; j += WARP) {
        const float value = residual_sum(from, other, j);
        if (s.data) s.data[row * s.stride + begin + j] = value;
        y.data[row * y.stride + begin + j] =
            (value - mean) * rstd * (as.weight_offset + weight[j]) + (bias ? bias[j] : 0.0f);
    }
    if (statistics.data && threadIdx.x == 0) {
        statistics.data[row * statistics.stride + 2 * group] = mean;
        statistics.data[row * statistics.stride + 2 * group + 1] = rstd;
    }
}

extern "C" Status layer_norm_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK;
    TRY(cuda_check_rows("layer_norm", y, err));
    const size_t cols = args->as.norm.group > 0 ? args->as.norm.group : y->cols;
    const dim3 grid((unsigned)y->rows, (unsigned)(y->cols / cols));
    const int weight_step = args->in[2].cols == y->cols ? (int)cols : 0;
    layer_norm_kernel<<<grid, WARP, 0, cuda_begin(exec)->stream>>>(
        (int)cols, args->as.norm, weight_step, matrix_of(&args->in[0]), matrix_of(&args->in[1]),
        (const float *)args->in[2].data, (const float *)args->in[3].data, matrix_of(y),
        matrix_of(&args->out[1]), matrix_of(&args->out[2]));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

__global__ static void select_kernel(int cols, Matrix x, const int32_t *rows, Matrix y)
{
    const size_t s = blockIdx.x;
    const float *from = x.data + (size_t)rows[s] * x.stride;
    for (int j = threadIdx.x; j < cols; j += blockDim.x) y.data[s * y.stride + j] = from[j];
}

extern "C" Status select_rows_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK;
    TRY(cuda_check_rows("select_rows", y, err));
    select_kernel<<<(unsigned)y->rows, ROW_THREADS, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, matrix_of(&args->in[0]), args->as.select.rows, matrix_of(y));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

// One block a sequence, one thread a column; rows are added from first to last.
__global__ static void mean_pool_kernel(int cols, Matrix x, const int32_t *offsets, Matrix y)
{
    const size_t s = blockIdx.x;
    const int begin = offsets[s], end = offsets[s + 1];
    for (int j = threadIdx.x; j < cols; j += blockDim.x) {
        float sum = 0.0f;
        for (int t = begin; t < end; t++) sum += x.data[(size_t)t * x.stride + j];
        y.data[s * y.stride + j] = end > begin ? sum / (float)(end - begin) : 0.0f;
    }
}

extern "C" Status mean_pool_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK;
    TRY(cuda_check_rows("mean_pool", y, err));
    mean_pool_kernel<<<(unsigned)y->rows, ROW_THREADS, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, matrix_of(&args->in[0]), args->as.pool.batch.offsets, matrix_of(y));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

// One warp a row; y may be x.
__global__ static void softmax_kernel(int cols, Matrix x, Matrix y)
{
    const size_t row = blockIdx.x;
    const float *from = x.data + row * x.stride;
    float *to = y.data + row * y.stride;
    float max = -INFINITY, sum = 0.0f;
    for (int j = threadIdx.x; j < cols; j += WARP) max = fmaxf(max, from[j]);
    max = warp_max(max);
    for (int j = threadIdx.x; j < cols; j += WARP) sum += expf(from[j] - max);
    sum = warp_sum(sum);
    for (int j = threadIdx.x; j < cols; j += WARP) to[j] = expf(from[j] - max) / sum;
}

extern "C" Status softmax_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0];
    if (y->rows == 0) return STATUS_OK;
    TRY(cuda_check_rows("softmax", y, err));
    softmax_kernel<<<(unsigned)y->rows, WARP, 0, cuda_begin(exec)->stream>>>(
        (int)y->cols, matrix_of(&args->in[0]), matrix_of(y));
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}
