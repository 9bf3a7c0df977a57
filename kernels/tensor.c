#include "kernels/tensor.h"

#include "base/size.h"

static const struct {
    const char *name;
    size_t size_bytes;
    size_t block;
} dtypes[DTYPE_COUNT] = {
    [DTYPE_F32] = {"f32", 4, 1},         [DTYPE_F64] = {"f64", 8, 1},
    [DTYPE_BF16] = {"bf16", 2, 1},       [DTYPE_F16] = {"f16", 2, 1},
    [DTYPE_I32] = {"i32", 4, 1},         [DTYPE_I64] = {"i64", 8, 1},
    [DTYPE_I8] = {"i8", 1, 1},           [DTYPE_U8] = {"u8", 1, 1},
    [DTYPE_Q8_0] = {"q8_0", 34, 32},     [DTYPE_Q4_0] = {"q4_0", 18, 32},
    [DTYPE_Q4_1] = {"q4_1", 20, 32},     [DTYPE_Q5_0] = {"q5_0", 22, 32},
    [DTYPE_Q5_1] = {"q5_1", 24, 32},     [DTYPE_Q4_K] = {"q4_k", 144, 256},
    [DTYPE_Q5_K] = {"q5_k", 176, 256},   [DTYPE_Q6_K] = {"q6_k", 210, 256},
    [DTYPE_Q2_K] = {"q2_k", 84, 256},    [DTYPE_Q3_K] = {"q3_k", 110, 256},
    [DTYPE_IQ4_NL] = {"iq4_nl", 18, 32}, [DTYPE_IQ4_XS] = {"iq4_xs", 136, 256},
    [DTYPE_MXFP4] = {"mxfp4", 17, 32},   [DTYPE_Q8_ROW] = {"q8_row", 66, 64},
};

size_t dtype_size(DType dtype)
{
    return dtypes[dtype].size_bytes;
}

size_t dtype_block(DType dtype)
{
    return dtypes[dtype].block;
}

const char *dtype_name(DType dtype)
{
    return dtypes[dtype].name;
}

static Tensor cpu_tensor(void *data, DType dtype, Layout layout, size_t rows, size_t cols)
{
    return (Tensor){.data = data,
                    .rows = rows,
                    .cols = cols,
                    .row_stride = cols,
                    .dtype = dtype,
                    .layout = layout,
                    .device = {.kind = DEVICE_CPU}};
}

Tensor tensor_f32(float *data, size_t rows, size_t cols)
{
    return cpu_tensor(data, DTYPE_F32, LAYOUT_ROWS, rows, cols);
}

Tensor tensor_f64(double *data, size_t rows, size_t cols)
{
    return cpu_tensor(data, DTYPE_F64, LAYOUT_ROWS, rows, cols);
}

Tensor tensor_panels_f32(float *data, size_t n, size_t k)
{
    return cpu_tensor(data, DTYPE_F32, LAYOUT_PANELS, n, k);
}

Tensor tensor_columns(Tensor tensor, size_t begin, size_t end)
{
    if (tensor.data) tensor.data = (char *)tensor.data + begin * dtype_size(tensor.dtype);
    tensor.cols = end - begin;
    return tensor;
}

Tensor tensor_rows(Tensor tensor, size_t begin, size_t end)
{
    if (tensor.data) {
        tensor.data = (char *)tensor.data + begin * tensor.row_stride * dtype_size(tensor.dtype);
    }
    tensor.rows = end - begin;
    return tensor;
}

size_t tensor_storage(size_t rows, size_t cols, Layout layout)
{
    return (layout == LAYOUT_PANELS ? size_round_up(rows, PANEL_WIDTH) : rows) * cols;
}
