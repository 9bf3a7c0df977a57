// kernels/exec.h: where operations run: a device, its stream, a worker's scratch and lane.
//
// One Exec belongs to one thread at a time. Opening one picks the rows (kernels/op.h) once; op_run looks nothing up.
#ifndef ASSAY_KERNELS_EXEC_H
#define ASSAY_KERNELS_EXEC_H

#include "base/error.h"
#include "kernels/op.h"

typedef enum ComputeMode {
    COMPUTE_F32, // true fp32
    COMPUTE_BF16, // CPU: products with inputs rounded to bf16 where the weights are bf16 (kernels/linear_low.h)
    COMPUTE_I8,   // CPU: products with inputs rounded to int8 where the weights are in blocks
    COMPUTE_TF32, // tensor cores with TF32 inputs, on GPUs and only where asked for
} ComputeMode;

typedef struct ExecOptions {
    Device device;
    ComputeMode compute;
    unsigned cpu_features; // 0 = what the machine has (ASSAY_CPU lowers it)
    int reference_only;    // only reference rows
    int openblas_forward; // --blas openblas: OpenBLAS may serve forward products; recorded in manifests
    size_t lane; // which fixed lane's gradients this Exec adds into, for callers that keep several
} ExecOptions;

// STATUS_DEVICE where the device or its driver is missing: err says which. A GPU is touched here for the first time.
Status exec_open(const ExecOptions *options, Exec **out, Error *err) MUST_CHECK;
void exec_close(Exec **exec); // a no-op on NULL
Device exec_device(const Exec *exec);
ComputeMode exec_compute(const Exec *exec);
size_t exec_lane(const Exec *exec);
// The picked row; NULL where the device has none.
const OpRow *exec_row(const Exec *exec, OpKind op, DType dtype);

// The operation that a linear layer with this weight is in the Exec's compute mode: OP_LINEAR, OP_LINEAR_BF16 or
// OP_LINEAR_I8.
OpKind exec_linear(const Exec *exec, const Tensor *weight);

// The operation that attention of an encoder is: OP_ATTENTION_BF16 where products are in low precision and the machine has a
// fast row for it, else OP_ATTENTION.
OpKind exec_attention(const Exec *exec);

// Runs the picked row. On a GPU it is queued on the stream and not waited for.
Status op_run(Exec *exec, OpKind op, DType dtype, const OpArgs *args, Error *err) MUST_CHECK;
// Waits until everything queued is done; reports what failed on the device meanwhile.
Status exec_wait(Exec *exec, Error *err) MUST_CHECK;

// Scratch of the calling kernel: 64-byte aligned, not zeroed, valid until the exec_scratch_release of the same mark.
// Grows when first needed and is kept, so that nothing is allocated in a warmed-up step. NULL when memory runs out.
void *exec_scratch(Exec *exec, size_t size_bytes);
size_t exec_scratch_mark(const Exec *exec);
void exec_scratch_release(Exec *exec, size_t mark);

// Device memory and copies, for the engine; on the CPU plain huge_alloc and memcpy. exec_shrink says that numbers beyond the first
// keep_bytes are not wanted: on the CPU what they took goes back until they are written again.
Status exec_alloc(Exec *exec, size_t size_bytes, void **out, Error *err) MUST_CHECK;
void exec_shrink(Exec *exec, void *ptr, size_t size_bytes, size_t keep_bytes);
void exec_free(Exec *exec, void *ptr, size_t size_bytes);
Status exec_upload(Exec *exec, void *device_dst, const void *host_src, size_t size_bytes,
                   Error *err) MUST_CHECK;
Status exec_download(Exec *exec, void *host_dst, const void *device_src, size_t size_bytes,
                     Error *err) MUST_CHECK;

#endif
