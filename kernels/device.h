// kernels/device.h: which GPUs there are, for `assay doctor`, manifests and checks.
#ifndef ASSAY_KERNELS_DEVICE_H
#define ASSAY_KERNELS_DEVICE_H

#include "base/error.h"
#include "kernels/tensor.h"

typedef struct DeviceInfo {
    char name[256]; // "NVIDIA H100 80GB HBM3"
    uint64_t memory_bytes;
    int compute_major, compute_minor;    // compute capability
    int driver_version, runtime_version; // CUDA's numbers: 13000 is 13.0
} DeviceInfo;

// Number of GPUs. 0, with the reason in err and STATUS_DEVICE, where the build has no CUDA, or no driver or GPU is there.
Status device_count(size_t *out, Error *err) MUST_CHECK;
// STATUS_DEVICE where there is no such GPU.
Status device_describe(Device device, DeviceInfo *out, Error *err) MUST_CHECK;

#endif
