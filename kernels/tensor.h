// kernels/tensor.h: a view of numbers on some device.
//
// Everything the engine computes on is a matrix: rows (tokens or sequences of a ragged batch, end to end) by columns. A
// vector has one row. A Tensor borrows its memory; it knows where that memory is and how it is laid out.
#ifndef ASSAY_KERNELS_TENSOR_H
#define ASSAY_KERNELS_TENSOR_H

#include <stddef.h>
#include <stdint.h>

typedef enum DType {
    DTYPE_F32,
    DTYPE_F64,
    DTYPE_BF16,
    DTYPE_F16,
    DTYPE_I32,
    DTYPE_I64,
    DTYPE_I8,
    DTYPE_U8,
    // In blocks (kernels/quant.h): for weights only.
    DTYPE_Q8_0,
    DTYPE_Q4_0,
    DTYPE_Q4_1,
    DTYPE_Q5_0,
    DTYPE_Q5_1,
    DTYPE_Q4_K,
    DTYPE_Q5_K,
    DTYPE_Q6_K,
    DTYPE_Q2_K,
    DTYPE_Q3_K,
    DTYPE_IQ4_NL,
    DTYPE_IQ4_XS,
    DTYPE_MXFP4,
    DTYPE_Q8_ROW, // in memory only: what weights are rounded to for COMPUTE_I8
    DTYPE_COUNT
} DType;

size_t dtype_size(DType dtype);      // bytes of one element, or of one block
size_t dtype_block(DType dtype);     // elements of a block; 1 where each stands alone
const char *dtype_name(DType dtype); // "f32", "bf16", "q4_k", ...

typedef enum DeviceKind { DEVICE_CPU, DEVICE_CUDA } DeviceKind;

typedef struct Device {
    DeviceKind kind;
    int index; // of the GPU; 0 on the CPU
} Device;

// How a matrix lies in memory.
typedef enum Layout {
    LAYOUT_ROWS,   // row-major; row i starts at data + i * row_stride elements
    LAYOUT_PANELS, // a weight [rows = out, cols = in] packed for products (kernels/pack.h): panels of PANEL_WIDTH outputs;
    // element (n, k) is at ((n / PANEL_WIDTH) * cols + k) * PANEL_WIDTH + n % PANEL_WIDTH; the last panel is
    // filled up with zeros, which stay zero. One layout for every CPU row, so that a weight is packed once.
    LAYOUT_COLUMNS, // a weight [rows = out, cols = in] as files with inputs first have it: element (n, k) is at k * row_stride + n.
    // f32, read by the CPU's OP_LINEAR alone.
} Layout;

enum { PANEL_WIDTH = 16 };

typedef struct Tensor {
    void *
        data; // 64-byte aligned where we allocate it; NULL only where rows or cols is 0 or the tensor is absent
    size_t rows, cols;
    size_t
        row_stride; // elements between rows, >= cols; cols for LAYOUT_PANELS, >= rows for LAYOUT_COLUMNS
    DType dtype;
    Layout layout;
    Device device;
} Tensor;

// A row-major view on CPU memory, row_stride = cols.
Tensor tensor_f32(float *data, size_t rows, size_t cols);
Tensor tensor_f64(double *data, size_t rows, size_t cols);
// A weight [n, k] in panels (kernels/pack.h) on CPU memory.
Tensor tensor_panels_f32(float *data, size_t n, size_t k);
// Columns [begin, end) of a row-major tensor, as a view with the same row_stride.
Tensor tensor_columns(Tensor tensor, size_t begin, size_t end);
// Rows [begin, end) of a row-major tensor.
Tensor tensor_rows(Tensor tensor, size_t begin, size_t end);
// Elements that memory must be taken for: rows * cols, filled-up panels included.
size_t tensor_storage(size_t rows, size_t cols, Layout layout);

#endif
