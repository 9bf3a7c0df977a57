#include "kernels/exec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/size.h"
#include "kernels/exec_internal.h"
#include "kernels/linear_low.h"

static Status cpu_open(int index, void **state, Error *err)
{
    (void)index;
    (void)err;
    *state = NULL;
    return STATUS_OK;
}

static void cpu_close(void *state)
{
    (void)state;
}

static void *cpu_alloc(void *state, size_t size_bytes)
{
    (void)state;
    return huge_alloc(size_bytes);
}

static void cpu_free(void *state, void *ptr, size_t size_bytes)
{
    (void)state;
    huge_free(ptr, size_bytes);
}

static Status cpu_copy(void *state, void *dst, const void *src, size_t size_bytes, Error *err)
{
    (void)state;
    (void)err;
    if (size_bytes > 0) memcpy(dst, src, size_bytes);
    return STATUS_OK;
}

static Status cpu_wait(void *state, Error *err)
{
    (void)state;
    (void)err;
    return STATUS_OK;
}

const DeviceBackend cpu_backend = {
    .open = cpu_open,
    .close = cpu_close,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .upload = cpu_copy,
    .download = cpu_copy,
    .wait = cpu_wait,
};

static const DeviceBackend *backend_of(DeviceKind kind)
{
    if (kind == DEVICE_CPU) return &cpu_backend;
#ifdef ASSAY_HAS_CUDA
    return &cuda_backend;
#else
    return NULL;
#endif
}

static const OpRow *pick_row(const ExecOptions *options, unsigned features, OpKind op, DType dtype)
{
    if (options->reference_only && options->device.kind == DEVICE_CPU) {
        return op_find(op, dtype, "reference");
    }
    if (options->openblas_forward && op_info(op)->is_forward) {
        const OpRow *row = op_find(op, dtype, "openblas");
        if (row && row->device == options->device.kind &&
            (!row->is_available || row->is_available())) {
            return row;
        }
    }
    return op_best(op, dtype, options->device.kind, features);
}

// Low precision is asked for because it is fast: without an instruction for it that would be a slow way to be less exact.
static Status check_compute(const ExecOptions *options, unsigned features, Error *err)
{
    const bool is_i8 = options->compute == COMPUTE_I8;
    if ((!is_i8 && options->compute != COMPUTE_BF16) || options->reference_only) return STATUS_OK;
    const OpKind op = is_i8 ? OP_LINEAR_I8 : OP_LINEAR_BF16;
    const OpRow *row = op_best(op, DTYPE_F32, options->device.kind, features);
    if (row && row->preference > 0) return STATUS_OK;
    return error_set(err, STATUS_DEVICE,
                     "products in %s need AVX-512 with %s, which is not here: compute in f32",
                     is_i8 ? "int8" : "bf16", is_i8 ? "VNNI" : "BF16");
}

Status exec_open(const ExecOptions *options, Exec **out, Error *err)
{
    const unsigned features =
        options->cpu_features ? options->cpu_features : machine_cpu_features();
    *out = NULL;
    TRY(check_compute(options, features, err));
    const DeviceBackend *backend = backend_of(options->device.kind);
    if (!backend) {
        return error_set(err, STATUS_DEVICE,
                         "cuda:%d was asked for, but this build has no CUDA kernels: build where "
                         "nvcc is on PATH (ASSAY_CUDA=ON)",
                         options->device.index);
    }
    Exec *exec = calloc(1, sizeof *exec);
    if (!exec) return error_set_memory(err, 1, sizeof *exec, "an execution context");
    exec->options = *options;
    exec->backend = backend;
    const Status s = backend->open(options->device.index, &exec->device_state, err);
    if (s != STATUS_OK) {
        free(exec);
        return s;
    }
    for (int op = 0; op < OP_COUNT; op++) {
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
            exec->rows[op][dtype] = pick_row(options, features, (OpKind)op, (DType)dtype);
        }
    }
    *out = exec;
    return STATUS_OK;
}

void exec_close(Exec **exec)
{
    if (!*exec) return;
    Exec *e = *exec;
    for (size_t i = 0; i < e->scratch.n_chunks; i++) {
        e->backend->free(e->device_state, e->scratch.chunks[i].memory,
                         e->scratch.chunks[i].size_bytes);
    }
    e->backend->close(e->device_state);
    free(e);
    *exec = NULL;
}

Device exec_device(const Exec *exec)
{
    return exec->options.device;
}

ComputeMode exec_compute(const Exec *exec)
{
    return exec->options.compute;
}

size_t exec_lane(const Exec *exec)
{
    return exec->options.lane;
}

OpKind exec_linear(const Exec *exec, const Tensor *weight)
{
    const ComputeMode compute = exec->options.compute;
    const OpKind op = compute == COMPUTE_I8     ? OP_LINEAR_I8
                      : compute == COMPUTE_BF16 ? OP_LINEAR_BF16
                                                : OP_LINEAR;
    return linear_low_takes(op, weight->dtype, weight->layout) ? op : OP_LINEAR;
}

OpKind exec_attention(const Exec *exec)
{
    const ComputeMode compute = exec->options.compute;
    const OpRow *row = exec->rows[OP_ATTENTION_BF16][DTYPE_F32];
    if (compute != COMPUTE_I8 && compute != COMPUTE_BF16) return OP_ATTENTION;
    const bool serves = row && (row->preference > 0 || exec->options.reference_only);
    return serves ? OP_ATTENTION_BF16 : OP_ATTENTION;
}

const OpRow *exec_row(const Exec *exec, OpKind op, DType dtype)
{
    return exec->rows[op][dtype];
}

Status op_run(Exec *exec, OpKind op, DType dtype, const OpArgs *args, Error *err)
{
    const OpRow *row = exec->rows[op][dtype];
    if (!row) {
        return error_set(
            err, STATUS_DEVICE, "operation %s has no %s implementation for %s", op_info(op)->name,
            exec->options.device.kind == DEVICE_CUDA ? "CUDA" : "CPU", dtype_name(dtype));
    }
    return row->run(args, exec, err);
}

Status exec_wait(Exec *exec, Error *err)
{
    return exec->backend->wait(exec->device_state, err);
}

// The newest chunk that begins at or before the position in use; n_chunks must not be 0.
static size_t current_chunk(const Scratch *scratch)
{
    size_t i = scratch->n_chunks - 1;
    while (scratch->chunks[i].start > scratch->used) i--;
    return i;
}

static int add_chunk(Exec *exec, size_t at_least)
{
    Scratch *scratch = &exec->scratch;
    if (scratch->n_chunks == SCRATCH_MAX_CHUNKS) return 0;
    ScratchChunk chunk = {.size_bytes = size_max(at_least, SCRATCH_FIRST_BYTES)};
    if (scratch->n_chunks > 0) {
        const ScratchChunk *last = &scratch->chunks[scratch->n_chunks - 1];
        chunk.start = last->start + last->size_bytes;
        // Twice the last one, so that few are ever needed; bounded, because a GPU's memory is scarce.
        chunk.size_bytes =
            size_max(chunk.size_bytes, size_min(2 * last->size_bytes, SCRATCH_GROWTH_MAX_BYTES));
    }
    chunk.memory = exec->backend->alloc(exec->device_state, chunk.size_bytes);
    if (!chunk.memory) return 0;
    scratch->chunks[scratch->n_chunks++] = chunk;
    return 1;
}

void *exec_scratch(Exec *exec, size_t size_bytes)
{
    Scratch *scratch = &exec->scratch;
    // At least one byte, so that two allocations differ and none is mistaken for a failure.
    const size_t wanted = size_round_up(size_max(size_bytes, 1), SCRATCH_ALIGNMENT);
    if (wanted == SIZE_MAX) return NULL;
    if (scratch->n_chunks == 0 && !add_chunk(exec, wanted)) return NULL;
    for (size_t i = current_chunk(scratch);; i++) {
        if (i == scratch->n_chunks && !add_chunk(exec, wanted)) return NULL;
        const ScratchChunk *chunk = &scratch->chunks[i];
        const size_t from = size_max(scratch->used, chunk->start);
        if (wanted <= chunk->start + chunk->size_bytes - from) {
            scratch->used = from + wanted;
            return chunk->memory + (from - chunk->start);
        }
    }
}

size_t exec_scratch_mark(const Exec *exec)
{
    return exec->scratch.used;
}

void exec_scratch_release(Exec *exec, size_t mark)
{
    assert(mark <= exec->scratch.used);
    exec->scratch.used = mark;
}

Status exec_alloc(Exec *exec, size_t size_bytes, void **out, Error *err)
{
    *out = exec->backend->alloc(exec->device_state, size_max(size_bytes, 1));
    return *out ? STATUS_OK : error_set_memory(err, size_bytes, 1, "tensors on the device");
}

void exec_shrink(Exec *exec, void *ptr, size_t size_bytes, size_t keep_bytes)
{
    if (exec->options.device.kind == DEVICE_CPU)
        huge_forget(ptr, size_max(size_bytes, 1), keep_bytes);
}

void exec_free(Exec *exec, void *ptr, size_t size_bytes)
{
    if (ptr) exec->backend->free(exec->device_state, ptr, size_max(size_bytes, 1));
}

Status exec_upload(Exec *exec, void *device_dst, const void *host_src, size_t size_bytes,
                   Error *err)
{
    return exec->backend->upload(exec->device_state, device_dst, host_src, size_bytes, err);
}

Status exec_download(Exec *exec, void *host_dst, const void *device_src, size_t size_bytes,
                     Error *err)
{
    return exec->backend->download(exec->device_state, host_dst, device_src, size_bytes, err);
}
