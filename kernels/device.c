#include "kernels/device.h"

#ifndef ASSAY_HAS_CUDA // else kernels/cuda/device.cu has both functions

Status device_count(size_t *out, Error *err)
{
    *out = 0;
    return error_set(err, STATUS_DEVICE,
                     "this build has no CUDA kernels: build where nvcc is on PATH (ASSAY_CUDA=ON)");
}

Status device_describe(Device device, DeviceInfo *out, Error *err)
{
    size_t n = 0;
    (void)device;
    *out = (DeviceInfo){0};
    return device_count(&n, err);
}

#endif
