// Linear layers and plain products over gemm_fast.h. Against the reference: panels and registers instead of one element
// at a time, one chain of fmaf instead of a double.
#include <string.h>

#include "base/size.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"
#include "kernels/pack.h"

static Status run(const GemmProblem *problem, Exec *exec, Error *err)
{
    const size_t mark = exec_scratch_mark(exec), n_floats = FAST(gemm_scratch)(problem);
    float *scratch = NULL;
    if (n_floats > 0) {
        scratch = exec_scratch(exec, n_floats * sizeof *scratch);
        if (!scratch) return error_set_memory(err, n_floats, sizeof *scratch, "a matrix product");
    }
    FAST(gemm_run)(problem, scratch);
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- equal rows ----

// Equal rows of x have equal rows of y: where many are equal, each is computed once. So it is with the first layer of beams that
// go on with the same word, and with the first step of every search.
enum {
    EQUAL_MOST_ROWS = 64,
    EQUAL_LEAST = 8
}; // about a tile is to be saved, and rows are compared with each other

typedef struct DistinctRows {
    size_t n;
    unsigned char first[EQUAL_MOST_ROWS]; // [n] the first row of each kind
    unsigned char kind[EQUAL_MOST_ROWS];  // of every row
} DistinctRows;

static void find_distinct_rows(const GemmProblem *g, DistinctRows *out)
{
    uint64_t begins[EQUAL_MOST_ROWS]; // rows that differ do so at once, as a rule
    out->n = 0;
    for (size_t i = 0; i < g->m; i++) {
        const float *row = g->a + i * g->a_stride;
        uint64_t begin;
        memcpy(&begin, row, sizeof begin);
        size_t at = 0;
        for (; at < out->n; at++) {
            if (begins[at] == begin &&
                memcmp(g->a + out->first[at] * g->a_stride, row, g->k * sizeof *row) == 0)
                break;
        }
        out->kind[i] = (unsigned char)at;
        if (at < out->n) continue;
        begins[at] = begin;
        out->first[at] = (unsigned char)i;
        out->n++;
    }
}

// The product of the distinct rows, whose results all rows take.
static Status run_distinct(const GemmProblem *g, const DistinctRows *rows, Exec *exec, Error *err)
{
    const size_t mark = exec_scratch_mark(exec), n_floats = rows->n * (g->k + g->n);
    float *a = exec_scratch(exec, n_floats * sizeof *a), *c = a + rows->n * g->k;
    if (!a) return error_set_memory(err, n_floats, sizeof *a, "a matrix product");
    for (size_t i = 0; i < rows->n; i++)
        memcpy(a + i * g->k, g->a + rows->first[i] * g->a_stride, g->k * sizeof *a);
    GemmProblem own = *g;
    own.m = rows->n;
    own.a = a;
    own.a_stride = g->k;
    own.c = c;
    own.c_row = g->n;
    const Status s = run(&own, exec, err);
    for (size_t i = 0; s == STATUS_OK && i < g->m; i++)
        memcpy(g->c + i * g->c_row, c + rows->kind[i] * g->n, g->n * sizeof *c);
    exec_scratch_release(exec, mark);
    return s;
}

static Status run_linear(const GemmProblem *g, Exec *exec, Error *err)
{
    DistinctRows rows;
    if (g->m <= EQUAL_LEAST || g->m > EQUAL_MOST_ROWS || g->k < 2 || g->pre)
        return run(g, exec, err);
    find_distinct_rows(g, &rows);
    return rows.n + EQUAL_LEAST <= g->m ? run_distinct(g, &rows, exec, err) : run(g, exec, err);
}

// ---- layers ----

static size_t panel_stride(const Tensor *weight)
{
    return weight->cols * PANEL_WIDTH;
}

// How the product reads a weight.
static GemmSide weight_side(const Tensor *w)
{
    const int is_packed = w->layout == LAYOUT_PANELS;
    if (w->dtype != DTYPE_F32) return is_packed ? GEMM_STORED : GEMM_STORED_ROWS;
    if (w->layout == LAYOUT_COLUMNS) return GEMM_ROWS;
    return is_packed ? GEMM_PANELS : GEMM_TRANSPOSED;
}

// Bytes between panels, or between rows, of a stored weight.
static size_t stored_stride(const Tensor *w)
{
    if (w->layout == LAYOUT_PANELS) return pack_stored_panel_bytes(w->dtype, w->cols);
    return w->cols / dtype_block(w->dtype) * dtype_size(w->dtype);
}

Status FAST(linear)(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[0], *w = &args->in[1], *y = &args->out[0], *z = &args->out[1];
    const int is_packed = w->layout == LAYOUT_PANELS, is_stored = w->dtype != DTYPE_F32;
    const GemmProblem problem = {
        .m = y->rows,
        .n = y->cols,
        .k = w->cols,
        .a = x->data,
        .a_stride = x->row_stride,
        .a_side = GEMM_ROWS,
        .b = w->data,
        .b_stride = is_packed ? panel_stride(w) : w->row_stride,
        .b_side = weight_side(w),
        .stored = w->data,
        .stored_panel = is_stored ? stored_stride(w) : 0,
        .stored_dtype = w->dtype,
        .c = y->data,
        .c_row = y->row_stride,
        .c_panel = PANEL_WIDTH,
        .bias = args->in[2].data,
        .next = args->as.linear.next,
        .fetch = args->as.linear.fetch,
        .activation = args->as.linear.activation,
        .pre = z->data,
        .pre_row = z->row_stride,
    };
    return run_linear(&problem, exec, err);
}

// dx = dz W.
static Status input_gradient(const OpArgs *args, const Tensor *dz, Exec *exec, Error *err)
{
    const Tensor *w = &args->in[2], *dx = &args->out[0];
    const int is_packed = w->layout == LAYOUT_PANELS;
    const GemmProblem problem = {
        .m = dx->rows,
        .n = dx->cols,
        .k = dz->cols,
        .a = dz->data,
        .a_stride = dz->row_stride,
        .a_side = GEMM_ROWS,
        .b = w->data,
        .b_stride = is_packed ? panel_stride(w) : w->row_stride,
        .b_side = is_packed ? GEMM_PANELS_TRANSPOSED : GEMM_ROWS,
        .c = dx->data,
        .c_row = dx->row_stride,
        .c_panel = PANEL_WIDTH,
    };
    return run(&problem, exec, err);
}

// dW += dz^T x. In panels the inputs k are the rows and the outputs n the columns of 16, which is x^T dz.
static Status weight_gradient(const OpArgs *args, const Tensor *dz, Exec *exec, Error *err)
{
    const Tensor *x = &args->in[1], *dw = &args->out[1];
    const int is_packed = dw->layout == LAYOUT_PANELS;
    const Tensor *left = is_packed ? x : dz, *right = is_packed ? dz : x;
    const GemmProblem problem = {
        .m = is_packed ? dw->cols : dw->rows,
        .n = is_packed ? dw->rows : dw->cols,
        .k = x->rows,
        .a = left->data,
        .a_stride = left->row_stride,
        .a_side = GEMM_TRANSPOSED,
        .b = right->data,
        .b_stride = right->row_stride,
        .b_side = GEMM_ROWS,
        .c = dw->data,
        .c_row = is_packed ? PANEL_WIDTH : dw->row_stride,
        .c_panel = is_packed ? panel_stride(dw) : PANEL_WIDTH,
        .accumulate = 1,
    };
    return run(&problem, exec, err);
}

// db += sum of dz's rows, four vectors of columns at a time, rows ascending.
static void bias_gradient(const Tensor *dz, float *db)
{
    enum { COLUMNS = 4 * VEC_WIDTH };
    for (size_t j = 0; j < dz->cols; j += COLUMNS) {
        const size_t n = size_min(COLUMNS, dz->cols - j);
        Vec sum[4] = {vec_zero(), vec_zero(), vec_zero(), vec_zero()};
        for (size_t i = 0; i < dz->rows; i++) {
            const float *row = (const float *)dz->data + i * dz->row_stride + j;
            if (n == COLUMNS) {
                for (size_t v = 0; v < 4; v++) {
                    sum[v] = vec_add(sum[v], vec_load(row + v * VEC_WIDTH));
                }
            } else {
                for (size_t v = 0; v * VEC_WIDTH < n; v++) {
                    const size_t begin = v * VEC_WIDTH;
                    sum[v] = vec_add(sum[v], vec_load_any(row + begin, n - begin));
                }
            }
        }
        for (size_t v = 0; v * VEC_WIDTH < n; v++) {
            const size_t begin = v * VEC_WIDTH;
            float *to = db + j + begin;
            vec_store_any(to, n - begin, vec_add(vec_load_any(to, n - begin), sum[v]));
        }
    }
}

Status FAST(linear_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *dy = &args->in[0], *z = &args->in[3];
    const Activation activation = args->as.linear.activation;
    const size_t mark = exec_scratch_mark(exec), n_floats = dy->rows * dy->cols;
    Tensor dz = *dy;
    Status s = STATUS_OK;
    if (activation != ACTIVATION_NONE && n_floats > 0) {
        float *rows = exec_scratch(exec, n_floats * sizeof *rows);
        if (!rows) return error_set_memory(err, n_floats, sizeof *rows, "linear_backward");
        dz = tensor_f32(rows, dy->rows, dy->cols);
        for (size_t i = 0; i < dy->rows; i++) {
            FAST(activation_row_backward)
            (activation, dy->cols, (const float *)z->data + i * z->row_stride,
             (const float *)dy->data + i * dy->row_stride, rows + i * dy->cols);
        }
    }
    if (args->out[0].data) s = input_gradient(args, &dz, exec, err);
    if (s == STATUS_OK && args->out[1].data) s = weight_gradient(args, &dz, exec, err);
    if (s == STATUS_OK && args->out[2].data) bias_gradient(&dz, args->out[2].data);
    exec_scratch_release(exec, mark);
    return s;
}

Status FAST(gemm)(const OpArgs *args, Exec *exec, Error *err)
{
    const GemmArgs *as = &args->as.gemm;
    const Tensor *a = &args->in[0], *b = &args->in[1], *c = &args->out[0];
    const GemmProblem problem = {
        .m = c->rows,
        .n = c->cols,
        .k = as->transpose_a ? a->rows : a->cols,
        .a = a->data,
        .a_stride = a->row_stride,
        .a_side = as->transpose_a ? GEMM_TRANSPOSED : GEMM_ROWS,
        .b = b->data,
        .b_stride = b->row_stride,
        .b_side = as->transpose_b ? GEMM_TRANSPOSED : GEMM_ROWS,
        .c = c->data,
        .c_row = c->row_stride,
        .c_panel = PANEL_WIDTH,
        .accumulate = as->accumulate,
    };
    return run(&problem, exec, err);
}
