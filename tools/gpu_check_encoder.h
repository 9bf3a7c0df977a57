// tools/gpu_check_encoder.h: whole encoders on each device: against reference answers, against the CPU, each sequence
// alone against the batch, and their speed.
#ifndef ASSAY_TOOLS_GPU_CHECK_ENCODER_H
#define ASSAY_TOOLS_GPU_CHECK_ENCODER_H

#include "kernels/exec.h"

typedef struct EncoderCheck {
    Device device; // checked beside the CPU
    ComputeMode compute;
    const char *
        goldens; // folder (tools/gpu_check_golden.h); NULL: the usual places, and left out where they have none
    int is_timed;
} EncoderCheck;

// Prints a line a model and device. *n_checked counts them, *n_wrong those that are wrong.
Status encoder_check(const EncoderCheck *options, size_t *n_checked, size_t *n_wrong,
                     Error *err) MUST_CHECK;

#endif
