// kernels/exec_internal.h: what an Exec is made of; for kernels/exec.c and the device backends only.
#ifndef ASSAY_KERNELS_EXEC_INTERNAL_H
#define ASSAY_KERNELS_EXEC_INTERNAL_H

#include "kernels/exec.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a kind of device does for an Exec. state is what open made: a stream and handles on a GPU, NULL on the CPU.
typedef struct DeviceBackend {
    Status (*open)(int index, void **state, Error *err);
    void (*close)(void *state);
    void *(*alloc)(void *state,
                   size_t size_bytes); // 64-byte aligned at least; NULL when memory runs out
    void (*free)(void *state, void *ptr, size_t size_bytes);
    Status (*upload)(void *state, void *dst, const void *src, size_t size_bytes, Error *err);
    Status (*download)(void *state, void *dst, const void *src, size_t size_bytes, Error *err);
    Status (*wait)(void *state, Error *err);
} DeviceBackend;

extern const DeviceBackend cpu_backend;
extern const DeviceBackend cuda_backend; // defined where the build has CUDA

// A stack of bytes on the device. Chunks are never moved or given back before the Exec closes, so that what was handed
// out stays. Positions count through the chunks end to end: chunk i holds positions start .. start + size_bytes.
enum {
    SCRATCH_MAX_CHUNKS = 48,
    SCRATCH_ALIGNMENT = 64,
    // Less than a huge page: of the CPU's only what a kernel touches is taken, and most kernels need no second chunk.
    SCRATCH_FIRST_BYTES = (2 << 20) - (64 << 10),
    SCRATCH_GROWTH_MAX_BYTES = 1 << 26,
};

typedef struct ScratchChunk {
    char *memory;
    size_t start;
    size_t size_bytes;
} ScratchChunk;

typedef struct Scratch {
    ScratchChunk chunks[SCRATCH_MAX_CHUNKS];
    size_t n_chunks;
    size_t used; // position of the next byte
} Scratch;

struct Exec {
    ExecOptions options;
    const DeviceBackend *backend;
    void *device_state;
    Scratch scratch;
    const OpRow *rows[OP_COUNT][DTYPE_COUNT];
};

#ifdef __cplusplus
}
#endif

#endif
