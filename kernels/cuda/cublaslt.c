#include "kernels/cuda/cublaslt.h"

#include <cublasLt.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "kernels/cuda/cuda_internal.h"
#include "kernels/cuda/cuda_rows.h"

// A workspace lets the library use its better kernels; it comes from the Exec's scratch.
enum { WORKSPACE_BYTES = 4 << 20, NOMINAL_ROWS = 512 };

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

// The functions used, under their own names.
#define FUNCTIONS(X)                        \
    X(cublasLtCreate)                       \
    X(cublasLtDestroy)                      \
    X(cublasLtGetStatusString)              \
    X(cublasLtMatmul)                       \
    X(cublasLtMatmulAlgoGetHeuristic)       \
    X(cublasLtMatmulDescCreate)             \
    X(cublasLtMatmulDescDestroy)            \
    X(cublasLtMatmulDescSetAttribute)       \
    X(cublasLtMatmulPreferenceCreate)       \
    X(cublasLtMatmulPreferenceDestroy)      \
    X(cublasLtMatmulPreferenceSetAttribute) \
    X(cublasLtMatrixLayoutCreate)           \
    X(cublasLtMatrixLayoutDestroy)

typedef struct Library {
    int is_open;
#define POINTER(name) __typeof__(name) *name;
    FUNCTIONS(POINTER)
#undef POINTER
} Library;

// Opened once for the program and kept: a library like this one does not survive being closed and opened again.
static Library library;
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void open_library(void)
{
    // The version of the header alone: another one's structures may differ.
    void *handle = dlopen("libcublasLt.so." STRING(CUBLAS_VER_MAJOR), RTLD_NOW | RTLD_LOCAL);
    if (!handle) return;
    int n_missing = 0;
#define LOAD(name)                                     \
    {                                                  \
        void *symbol = dlsym(handle, #name);           \
        memcpy(&library.name, &symbol, sizeof symbol); \
        n_missing += symbol == NULL;                   \
    }
    FUNCTIONS(LOAD)
#undef LOAD
    library.is_open = n_missing == 0;
    if (n_missing > 0) (void)dlclose(handle);
}

int cublaslt_is_available(void)
{
    (void)pthread_once(&library_once, open_library);
    return library.is_open;
}

void cublaslt_close(void *handle)
{
    if (handle) (void)library.cublasLtDestroy(handle);
}

#define LT_TRY(call)                                                       \
    do {                                                                   \
        const cublasStatus_t lt_status_ = library.call;                    \
        if (lt_status_ != CUBLAS_STATUS_SUCCESS) {                         \
            return error_set(err, STATUS_DEVICE, "%s: %s", #call,          \
                             library.cublasLtGetStatusString(lt_status_)); \
        }                                                                  \
    } while (0)

// Descriptors of one product, column-major as the library thinks: z^T [n, rows] = (W^T)^T [n, k] x^T [k, rows].
typedef struct Descriptors {
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t weight, x, z;
    cublasLtMatmulPreference_t preference;
} Descriptors;

static void descriptors_release(Descriptors *d)
{
    if (d->product) (void)library.cublasLtMatmulDescDestroy(d->product);
    if (d->weight) (void)library.cublasLtMatrixLayoutDestroy(d->weight);
    if (d->x) (void)library.cublasLtMatrixLayoutDestroy(d->x);
    if (d->z) (void)library.cublasLtMatrixLayoutDestroy(d->z);
    if (d->preference) (void)library.cublasLtMatmulPreferenceDestroy(d->preference);
}

static Status describe_product(const Tensor *x, const Tensor *w, const Tensor *z, size_t rows,
                               ComputeMode compute, Descriptors *d, Error *err)
{
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const cublasComputeType_t type =
        compute == COMPUTE_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    LT_TRY(cublasLtMatmulDescCreate(&d->product, type, CUDA_R_32F));
    LT_TRY(cublasLtMatmulDescSetAttribute(d->product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                          sizeof transposed));
    LT_TRY(cublasLtMatrixLayoutCreate(&d->weight, CUDA_R_32F, w->cols, w->rows,
                                      (int64_t)w->row_stride));
    LT_TRY(cublasLtMatrixLayoutCreate(&d->x, CUDA_R_32F, w->cols, rows, (int64_t)x->row_stride));
    LT_TRY(cublasLtMatrixLayoutCreate(&d->z, CUDA_R_32F, w->rows, rows, (int64_t)z->row_stride));
    return STATUS_OK;
}

// The bytes that every row of a matrix begins at a multiple of, as far as kernels care: by its address and by the
// distance of its rows, so that a part of the rows has the alignment of the whole.
static uint32_t alignment_of(const Tensor *tensor)
{
    const uintptr_t bits = (uintptr_t)tensor->data | tensor->row_stride * sizeof(float);
    uint32_t alignment = 16;
    while (bits % alignment != 0) alignment /= 2;
    return alignment;
}

static Status prefer(const Tensor *x, const Tensor *w, const Tensor *z, Descriptors *d, Error *err)
{
    const size_t workspace = WORKSPACE_BYTES;
    // Only kernels that sum each output in one piece: a sum cut along k is added in an order that depends on the cut.
    const uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_NONE;
    const uint32_t alignments[] = {alignment_of(w), alignment_of(x), alignment_of(z)};
    static const cublasLtMatmulPreferenceAttributes_t names[] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    LT_TRY(cublasLtMatmulPreferenceCreate(&d->preference));
    LT_TRY(cublasLtMatmulPreferenceSetAttribute(
        d->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace));
    LT_TRY(cublasLtMatmulPreferenceSetAttribute(
        d->preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reduction, sizeof reduction));
    for (size_t i = 0; i < 4; i++) {
        const uint32_t bytes = alignments[i < 3 ? i : 2];
        LT_TRY(cublasLtMatmulPreferenceSetAttribute(d->preference, names[i], &bytes, sizeof bytes));
    }
    return STATUS_OK;
}

static Status ask_heuristic(cublasLtHandle_t handle, const Tensor *x, const Tensor *w,
                            const Tensor *z, Descriptors *nominal, cublasLtMatmulAlgo_t *out,
                            Error *err)
{
    cublasLtMatmulHeuristicResult_t found;
    int n_found = 0;
    TRY(prefer(x, w, z, nominal, err));
    LT_TRY(cublasLtMatmulAlgoGetHeuristic(handle, nominal->product, nominal->weight, nominal->x,
                                          nominal->z, nominal->z, nominal->preference, 1, &found,
                                          &n_found));
    if (n_found == 0) {
        return error_set(err, STATUS_DEVICE, "cuBLASLt has no product for a weight of %zu x %zu",
                         w->rows, w->cols);
    }
    *out = found.algo;
    return STATUS_OK;
}

// What an algorithm may depend on: never the number of rows.
static int is_algorithm_of(const ProductAlgorithm *algorithm, const size_t key[5])
{
    return memcmp(algorithm->key, key, sizeof algorithm->key) == 0;
}

// The algorithm for a weight's shape (and the strides and alignments that limit the choice): asked for once, for a
// nominal number of rows, and kept, so that a row's bits do not depend on how many rows there are.
static Status find_algorithm(CudaState *state, const Tensor *x, const Tensor *w, const Tensor *z,
                             ComputeMode compute, cublasLtMatmulAlgo_t *out, Error *err)
{
    _Static_assert(sizeof(cublasLtMatmulAlgo_t) <= sizeof state->algorithms[0].words,
                   "an algorithm fits");
    const size_t alignments =
        (size_t)alignment_of(x) << 20 | (size_t)alignment_of(w) << 10 | alignment_of(z);
    const size_t key[5] = {w->rows, w->cols, x->row_stride, z->row_stride, alignments};
    for (size_t i = 0; i < state->n_algorithms; i++) {
        if (!is_algorithm_of(&state->algorithms[i], key)) continue;
        memcpy(out, state->algorithms[i].words, sizeof *out);
        return STATUS_OK;
    }
    Descriptors nominal = {0};
    Status s = describe_product(x, w, z, NOMINAL_ROWS, compute, &nominal, err);
    if (s == STATUS_OK) s = ask_heuristic(state->cublaslt, x, w, z, &nominal, out, err);
    descriptors_release(&nominal);
    if (s != STATUS_OK || state->n_algorithms == MAX_PRODUCT_ALGORITHMS) return s;
    ProductAlgorithm *kept = &state->algorithms[state->n_algorithms++];
    memcpy(kept->key, key, sizeof kept->key);
    memcpy(kept->words, out, sizeof *out);
    return STATUS_OK;
}

// z = x W^T, without bias.
static Status product(CudaState *state, Exec *exec, const Tensor *x, const Tensor *w,
                      const Tensor *z, Descriptors *d, Error *err)
{
    const float one = 1.0f, zero = 0.0f;
    const ComputeMode compute = exec_compute(exec);
    cublasLtMatmulAlgo_t algorithm;
    void *workspace = exec_scratch(exec, WORKSPACE_BYTES);
    if (!workspace) return error_set_memory(err, WORKSPACE_BYTES, 1, "cuBLASLt's workspace");
    TRY(find_algorithm(state, x, w, z, compute, &algorithm, err));
    TRY(describe_product(x, w, z, x->rows, compute, d, err));
    LT_TRY(cublasLtMatmul(state->cublaslt, d->product, &one, w->data, d->weight, x->data, d->x,
                          &zero, z->data, d->z, z->data, d->z, &algorithm, workspace,
                          WORKSPACE_BYTES, state->stream));
    return STATUS_OK;
}

Status linear_cublaslt(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *w = &args->in[1], *y = &args->out[0], *pre = &args->out[1];
    const Activation activation = args->as.linear.activation;
    if (w->layout == LAYOUT_PANELS) return linear_cuda(args, exec, err);
    if (y->rows == 0) return STATUS_OK;
    if (!cublaslt_is_available()) {
        return error_set(err, STATUS_DEVICE, "libcublasLt.so.%d is missing", CUBLAS_VER_MAJOR);
    }
    CudaState *state = cuda_begin(exec);
    if (!state->cublaslt) LT_TRY(cublasLtCreate((cublasLtHandle_t *)&state->cublaslt));
    const size_t mark = exec_scratch_mark(exec);
    Descriptors descriptors = {0};
    const Tensor *z = pre->data ? pre : y;
    Status s = product(state, exec, &args->in[0], w, z, &descriptors, err);
    descriptors_release(&descriptors);
    exec_scratch_release(exec, mark); // the stream keeps the order of those who share it
    if (s != STATUS_OK) return s;
    if (!args->in[2].data && activation == ACTIVATION_NONE && !pre->data) return STATUS_OK;
    return cuda_bias_activation(state->stream, activation, y->rows, y->cols, z->data, z->row_stride,
                                args->in[2].data, y->data, y->row_stride, pre->data,
                                pre->row_stride, err);
}
