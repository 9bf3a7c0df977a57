// The plain product and the epilogue that it shares with cuBLASLt's.
#include "kernels/cuda/cuda_internal.h"

#include "kernels/cuda/cuda_rows.h"

enum { TILE = 16, EPILOGUE_THREADS = 256 };

__global__ static void bias_activation_kernel(Activation activation, size_t rows, size_t cols,
                                              const float *z, size_t z_stride, const float *bias,
                                              float *y, size_t y_stride, float *z_out,
                                              size_t z_out_stride)
{
    const size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < rows * cols; i += step) {
        const size_t row = i / cols, col = i % cols;
        const float value = z[row * z_stride + col] + (bias ? bias[col] : 0.0f);
        if (z_out) z_out[row * z_out_stride + col] = value;
        y[row * y_stride + col] = cuda_activate(activation, value);
    }
}

extern "C" Status cuda_bias_activation(cudaStream_t stream, Activation activation, size_t rows,
                                       size_t cols, const float *z, size_t z_stride,
                                       const float *bias, float *y, size_t y_stride, float *z_out,
                                       size_t z_out_stride, Error *err)
{
    const size_t n_blocks = (rows * cols + EPILOGUE_THREADS - 1) / EPILOGUE_THREADS;
    if (n_blocks == 0) return STATUS_OK;
    bias_activation_kernel<<<(unsigned)(n_blocks < 65535 ? n_blocks : 65535), EPILOGUE_THREADS, 0,
                             stream>>>(activation, rows, cols, z, z_stride, bias, y, y_stride,
                                       z_out, z_out_stride);
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}

// What the product reads and writes; z is the sum before bias and activation.
typedef struct Product {
    size_t rows, n, k;
    const float *x, *weight;
    size_t x_stride, weight_stride;
    bool is_panels;
    const float *bias;
    Activation activation;
    float *y, *z;
    size_t y_stride, z_stride;
} Product;

__device__ static float weight_at(const Product *p, size_t n, size_t k)
{
    if (n >= p->n || k >= p->k) return 0.0f;
    if (!p->is_panels) return p->weight[n * p->weight_stride + k];
    return p->weight[(n / PANEL_WIDTH * p->k + k) * PANEL_WIDTH + n % PANEL_WIDTH];
}

// A tile of 16 x 16 outputs a block; each is one chain of fmaf over k in ascending order, as on the CPU. Filling with
// zeros behind K changes no bit but the sign of a zero.
__global__ static void linear_kernel(Product p)
{
    __shared__ float x_tile[TILE][TILE], weight_tile[TILE][TILE + 1];
    const size_t row = (size_t)blockIdx.y * TILE + threadIdx.y;
    const size_t col = (size_t)blockIdx.x * TILE + threadIdx.x;
    float sum = 0.0f;
    for (size_t first = 0; first < p.k; first += TILE) {
        const size_t k = first + threadIdx.x;
        x_tile[threadIdx.y][threadIdx.x] =
            row < p.rows && k < p.k ? p.x[row * p.x_stride + k] : 0.0f;
        weight_tile[threadIdx.y][threadIdx.x] =
            weight_at(&p, (size_t)blockIdx.x * TILE + threadIdx.y, k);
        __syncthreads();
        const int depth = p.k - first < TILE ? (int)(p.k - first) : TILE;
        for (int i = 0; i < depth; i++) {
            sum = fmaf(x_tile[threadIdx.y][i], weight_tile[threadIdx.x][i], sum);
        }
        __syncthreads();
    }
    if (row >= p.rows || col >= p.n) return;
    if (p.bias) sum += p.bias[col];
    if (p.z) p.z[row * p.z_stride + col] = sum;
    p.y[row * p.y_stride + col] = cuda_activate(p.activation, sum);
}

extern "C" Status linear_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    enum { MAX_GRID_ROWS = 65535 };
    const Tensor *x = &args->in[0], *w = &args->in[1], *y = &args->out[0], *z = &args->out[1];
    Product p;
    p.n = w->rows;
    p.k = w->cols;
    p.weight = (const float *)w->data;
    p.weight_stride = w->row_stride;
    p.is_panels = w->layout == LAYOUT_PANELS;
    p.bias = (const float *)args->in[2].data;
    p.activation = args->as.linear.activation;
    p.x_stride = x->row_stride;
    p.y_stride = y->row_stride;
    p.z_stride = z->row_stride;
    if (w->rows > (size_t)INT32_MAX) {
        return error_set(err, STATUS_INVALID, "linear: %zu outputs are too many", w->rows);
    }
    const cudaStream_t stream = cuda_begin(exec)->stream;
    // A grid has at most 65,535 rows of blocks: more rows of x come in several launches.
    for (size_t first = 0; first < y->rows; first += (size_t)MAX_GRID_ROWS * TILE) {
        const size_t left = y->rows - first, most = (size_t)MAX_GRID_ROWS * TILE;
        p.rows = left < most ? left : most;
        p.x = (const float *)x->data + first * x->row_stride;
        p.y = (float *)y->data + first * y->row_stride;
        p.z = z->data ? (float *)z->data + first * z->row_stride : NULL;
        const dim3 blocks((unsigned)((p.n + TILE - 1) / TILE),
                          (unsigned)((p.rows + TILE - 1) / TILE));
        linear_kernel<<<blocks, dim3(TILE, TILE), 0, stream>>>(p);
        CUDA_TRY(cudaGetLastError(), err);
    }
    return STATUS_OK;
}
