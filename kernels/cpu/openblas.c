#include "kernels/cpu/openblas.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>

#include "base/machine.h"
#include "kernels/exec.h"
#include "kernels/linear.h"
#include "kernels/pack.h"

// CBLAS's constants and its one function that we call, with the library's 32-bit integers.
enum { CBLAS_ROW_MAJOR = 101, CBLAS_NO_TRANSPOSE = 111, CBLAS_TRANSPOSE = 112 };
typedef void (*SgemmFunction)(int order, int transpose_a, int transpose_b, int m, int n, int k,
                              float alpha, const float *a, int lda, const float *b, int ldb,
                              float beta, float *c, int ldc);

static struct {
    SgemmFunction sgemm;
    const char *description;
} library; // set once, below

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

// The serial build keeps its work space without locks: two threads in it at once gave weights that differed in the fifth
// digit. So one product at a time.
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

static void *open_first(void)
{
    static const char *const names[] = {
        "/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0",
        "/usr/lib/aarch64-linux-gnu/openblas-serial/libopenblas.so.0",
        "libopenblas.so.0",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (handle) return handle;
    }
    return NULL;
}

// OpenBLAS 0.3.21 takes an x86 processor younger than itself for one without AVX (measured: 32 GFLOP/s instead of 150 on
// Emerald Rapids). Unless the user chose, it is told what the machine has; a core type it knows is as good as its own.
static void name_core(void)
{
    const unsigned features = machine_cpu_features();
    const char *core = features & CPU_AVX512 ? "SkylakeX" : features & CPU_AVX2 ? "Haswell" : NULL;
    if (core) (void)setenv("OPENBLAS_CORETYPE", core, 0);
}

static void open_library(void)
{
    name_core();
    void *handle = open_first();
    if (!handle) return;
    void (*set_threads)(int) = NULL;
    const char *(*get_config)(void) = NULL;
    // POSIX lets a function's address come through a void pointer; ISO C needs this detour.
    *(void **)&library.sgemm = dlsym(handle, "cblas_sgemm");
    *(void **)&set_threads = dlsym(handle, "openblas_set_num_threads");
    *(void **)&get_config = dlsym(handle, "openblas_get_config");
    if (set_threads) set_threads(1);
    library.description = get_config ? get_config() : "OpenBLAS";
}

int openblas_is_available(void)
{
    (void)pthread_once(&library_once, open_library);
    return library.sgemm != NULL;
}

const char *openblas_description(void)
{
    return openblas_is_available() ? library.description : NULL;
}

static const float *row_of(const Tensor *tensor, size_t i)
{
    return (const float *)tensor->data + i * tensor->row_stride;
}

// c = beta c + op(a) op(b), all row-major.
static Status sgemm(const Tensor *a, int transpose_a, const Tensor *b, int transpose_b, float beta,
                    const Tensor *c, Error *err)
{
    if (!openblas_is_available()) {
        return error_set(err, STATUS_DEVICE,
                         "OpenBLAS was not found: apt-get install libopenblas0-serial");
    }
    const size_t depth = transpose_a ? a->rows : a->cols;
    const size_t sizes[] = {c->rows, c->cols, depth, a->row_stride, b->row_stride, c->row_stride};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i] > INT_MAX) {
            return error_set(err, STATUS_INVALID, "OpenBLAS takes at most 2^31 - 1 rows, not %zu",
                             sizes[i]);
        }
    }
    if (c->rows == 0 || c->cols == 0) return STATUS_OK;
    if (depth == 0) { // OpenBLAS wants strides of at least 1
        for (size_t i = 0; beta == 0.0f && i < c->rows; i++) {
            memset((float *)c->data + i * c->row_stride, 0, c->cols * sizeof(float));
        }
        return STATUS_OK;
    }
    (void)pthread_mutex_lock(&library_lock);
    library.sgemm(CBLAS_ROW_MAJOR, transpose_a ? CBLAS_TRANSPOSE : CBLAS_NO_TRANSPOSE,
                  transpose_b ? CBLAS_TRANSPOSE : CBLAS_NO_TRANSPOSE, (int)c->rows, (int)c->cols,
                  (int)depth, 1.0f, a->data, (int)a->row_stride, b->data, (int)b->row_stride, beta,
                  c->data, (int)c->row_stride);
    (void)pthread_mutex_unlock(&library_lock);
    return STATUS_OK;
}

static Status take_rows(Exec *exec, size_t rows, size_t cols, Tensor *out, Error *err)
{
    float *memory = exec_scratch(exec, rows * cols * sizeof *memory);
    if (!memory && rows * cols > 0) {
        return error_set_memory(err, rows * cols, sizeof *memory, "OpenBLAS");
    }
    *out = tensor_f32(memory, rows, cols);
    return STATUS_OK;
}

// The weight as rows: itself, or unpacked into scratch.
static Status weight_rows(const Tensor *weight, Exec *exec, Tensor *out, Error *err)
{
    *out = *weight;
    if (weight->layout == LAYOUT_ROWS) return STATUS_OK;
    TRY(take_rows(exec, weight->rows, weight->cols, out, err));
    unpack_panels(weight->data, weight->rows, weight->cols, out->data);
    return STATUS_OK;
}

Status gemm_openblas(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    const GemmArgs *as = &args->as.gemm;
    return sgemm(&args->in[0], as->transpose_a, &args->in[1], as->transpose_b,
                 as->accumulate ? 1.0f : 0.0f, &args->out[0], err);
}

static Status forward(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *y = &args->out[0], *z = &args->out[1];
    const float *bias = args->in[2].data;
    const Activation activation = args->as.linear.activation;
    Tensor weight;
    TRY(weight_rows(&args->in[1], exec, &weight, err));
    for (size_t i = 0; bias && i < y->rows; i++) {
        memcpy((float *)y->data + i * y->row_stride, bias, y->cols * sizeof *bias);
    }
    TRY(sgemm(&args->in[0], 0, &weight, 1, bias ? 1.0f : 0.0f, y, err));
    for (size_t i = 0; i < y->rows; i++) {
        float *row = (float *)y->data + i * y->row_stride;
        if (z->data && z->data != y->data) {
            memcpy((float *)z->data + i * z->row_stride, row, y->cols * sizeof *row);
        }
        if (activation == ACTIVATION_NONE) continue;
        for (size_t j = 0; j < y->cols; j++) row[j] = (float)activation_value(activation, row[j]);
    }
    return STATUS_OK;
}

Status linear_openblas(const OpArgs *args, Exec *exec, Error *err)
{
    const size_t mark = exec_scratch_mark(exec);
    const Status s = forward(args, exec, err);
    exec_scratch_release(exec, mark);
    return s;
}

// dz = dy * act'(z) in scratch, or dy itself.
static Status before_activation(const OpArgs *args, Exec *exec, Tensor *dz, Error *err)
{
    const Tensor *dy = &args->in[0];
    const Activation activation = args->as.linear.activation;
    *dz = *dy;
    if (activation == ACTIVATION_NONE) return STATUS_OK;
    TRY(take_rows(exec, dy->rows, dy->cols, dz, err));
    for (size_t i = 0; i < dy->rows; i++) {
        const float *from = row_of(dy, i), *z = row_of(&args->in[3], i);
        float *to = (float *)dz->data + i * dz->row_stride;
        for (size_t j = 0; j < dy->cols; j++) {
            to[j] = (float)(from[j] * activation_slope(activation, z[j]));
        }
    }
    return STATUS_OK;
}

// dw += dz^T x; into panels by way of scratch.
static Status weight_gradient(const Tensor *dz, const Tensor *x, const Tensor *dw, Exec *exec,
                              Error *err)
{
    if (dw->layout == LAYOUT_ROWS) return sgemm(dz, 1, x, 0, 1.0f, dw, err);
    Tensor rows;
    TRY(weight_rows(dw, exec, &rows, err));
    TRY(sgemm(dz, 1, x, 0, 1.0f, &rows, err));
    pack_panels(rows.data, rows.rows, rows.cols, dw->data);
    return STATUS_OK;
}

static Status backward(const OpArgs *args, Exec *exec, Error *err)
{
    Tensor dz, weight;
    TRY(before_activation(args, exec, &dz, err));
    if (args->out[0].data) {
        TRY(weight_rows(&args->in[2], exec, &weight, err));
        TRY(sgemm(&dz, 0, &weight, 0, 0.0f, &args->out[0], err));
    }
    if (args->out[1].data) {
        TRY(weight_gradient(&dz, &args->in[1], &args->out[1], exec, err));
    }
    float *db = args->out[2].data;
    for (size_t i = 0; db && i < dz.rows; i++) {
        const float *row = row_of(&dz, i);
        for (size_t j = 0; j < dz.cols; j++) db[j] += row[j];
    }
    return STATUS_OK;
}

Status linear_backward_openblas(const OpArgs *args, Exec *exec, Error *err)
{
    const size_t mark = exec_scratch_mark(exec);
    const Status s = backward(args, exec, err);
    exec_scratch_release(exec, mark);
    return s;
}
