// kernels/cpu/gemm_fast.h: the one matrix product under every fast CPU row.
//
//     c[i][j] = act(chain + bias[j]),  chain = fmaf(a[i][k], b[k][j], ...) over k = 0, 1, 2, ... from 0
//
// (or from the value already in c, where `accumulate` says so). Blocking over k stores and reloads the partial sum, which
// changes no bits; so blocks, tile shapes, m and the instruction set never show in a result.
//
// The micro-kernel holds rows x panels of c in registers (AVX-512: 14 x 2 panels of 16 columns; AVX2: 6 x 1), reads b as
// panels (fetched ahead into the cache while the block before them is worked on) and a as it lies, a broadcast a row and step.
// With few rows b is read once, straight from the weight.
#ifndef ASSAY_KERNELS_CPU_GEMM_FAST_H
#define ASSAY_KERNELS_CPU_GEMM_FAST_H

#include "kernels/op.h"

// Where an operand's element lies.
typedef enum GemmSide {
    GEMM_ROWS,       // a[i * stride + k], b[k * stride + j]
    GEMM_TRANSPOSED, // a[k * stride + i], b[j * stride + k]
    GEMM_PANELS, // b only: LAYOUT_PANELS of a matrix [n, k]; stride = floats between panels (16 * k when whole)
    GEMM_PANELS_TRANSPOSED, // b only: LAYOUT_PANELS of a matrix [k, n]: b[k][j] is its row k, column j
    GEMM_STORED,      // b only: panels of a matrix [n, k] as a file stores it (kernels/pack.h)
    GEMM_STORED_ROWS, // b only: rows of a matrix [n, k] as they lie in the file
} GemmSide;

typedef struct GemmProblem {
    size_t m, n, k;
    const float *a, *b;
    size_t a_stride, b_stride;
    GemmSide a_side, b_side;
    // Of the stored ones, instead of b and b_stride: the panels or rows, bytes between them, and their format.
    const void *stored;
    size_t stored_panel;
    DType stored_dtype;
    float *c;
    size_t c_row;      // floats between rows of c
    size_t c_panel;    // floats between 16-column panels of c: 16 for a row-major c
    int accumulate;    // the chain starts from c
    const float *bias; // [n] or NULL
    const float *
        next; // what is read after this product, fetched while its last panels are worked on; or NULL
    const FetchList *fetch; // what is read after it beside weights, fetched meanwhile; or NULL
    Activation activation;
    float *pre; // the value before the activation, or NULL; row-major
    size_t pre_row;
} GemmProblem;

// Floats of scratch that gemm_run_*(problem) needs: a packed block of a and one of b.
size_t gemm_scratch_avx2(const GemmProblem *problem);
size_t gemm_scratch_avx512(const GemmProblem *problem);

// Runs the product. m, n or k may be 0 (k = 0 leaves the start of the chain). c overlaps neither a nor b.
// scratch: 64-byte aligned, of gemm_scratch floats.
void gemm_run_avx2(const GemmProblem *problem, float *scratch);
void gemm_run_avx512(const GemmProblem *problem, float *scratch);

// Floats of GEMM_PANELS made of columns n of a b with k rows.
static inline size_t gemm_panels_floats(size_t n, size_t k)
{
    return (n + 15) / 16 * 16 * k;
}

// b of the problem packed once as panels [k, n] for several products: to[(j / 16 * k + row) * 16 + j % 16], zeros beyond
// column n. b_side is not GEMM_PANELS. Then b = to, b_side = GEMM_PANELS, b_stride = 16 * k.
void gemm_pack_avx2(const GemmProblem *problem, float *to);
void gemm_pack_avx512(const GemmProblem *problem, float *to);

// out[i][j] = act(in[i][j]), rows by cols, as in the epilogue; in place allowed.
void activation_rows_avx2(Activation activation, size_t rows, size_t cols, const float *in,
                          size_t in_row, float *out, size_t out_row);
void activation_rows_avx512(Activation activation, size_t rows, size_t cols, const float *in,
                            size_t in_row, float *out, size_t out_row);
// dz[i] = dy[i] * act'(pre[i]); dz may be dy.
void activation_row_backward_avx2(Activation activation, size_t n, const float *pre,
                                  const float *dy, float *dz);
void activation_row_backward_avx512(Activation activation, size_t n, const float *pre,
                                    const float *dy, float *dz);

#endif
