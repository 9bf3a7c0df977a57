// tools/gpu_check_golden.h: reference answers of a small model, for gpu-check: its weights, inputs, and what Transformers
// answered, with that reference's own noise.
//
// A folder holds models/NAME/{config.json,model.safetensors} and goldens/models/NAME/{forward.json,forward.safetensors}.
// Everything is read with the pull reader and safetensors alone, so that no library for JSON documents is needed; files
// are checked as strictly as elsewhere.
#ifndef ASSAY_TOOLS_GPU_CHECK_GOLDEN_H
#define ASSAY_TOOLS_GPU_CHECK_GOLDEN_H

#include "models/formats/safetensors.h"
#include "models/model.h"

enum { GOLDEN_MAX_NOISE = 32 };

// The largest |fp32 - fp64| of the reference in one of its outputs.
typedef struct GoldenNoise {
    Slice output; // "b0.logits"
    double largest;
} GoldenNoise;

typedef struct Golden {
    Arena arena; // owns text and batches
    ModelConfig config;
    Safetensors weights, forward;
    GoldenNoise noise[GOLDEN_MAX_NOISE];
    size_t n_noise;
} Golden;

// A padded batch as sequences without padding; borrowed from the golden.
typedef struct GoldenBatch {
    const char *name; // "b0"
    size_t n, width;  // sequences, and columns of the padded arrays
    TokenSequence *inputs;
} GoldenBatch;

// How far answers are from the reference: the number with the largest share of what is allowed for it.
typedef struct GoldenDifference {
    size_t n; // numbers compared
    double largest, allowed, share;
} GoldenDifference;

// STATUS_NOT_FOUND where the folder has no such model. golden_close is due in any case.
Status golden_open(const char *folder, const char *name, Golden *out, Error *err) MUST_CHECK;
void golden_close(Golden *golden); // a no-op on a zeroed one
// The model with the golden's weights, on the device of the options.
Status golden_model(const Golden *golden, const ModelOptions *options, Model **out,
                    Error *err) MUST_CHECK;
Status golden_batch(Golden *golden, const char *name, GoldenBatch *out, Error *err) MUST_CHECK;
// answers as model_predict gives them for the batch's inputs. Allowed are 20 times the reference's noise and 1e-6, at most
// 1e-4; with TF32, whose inputs are 2^13 times as coarse as fp32, the first two that much more. Adds to *worst.
Status golden_compare(Golden *golden, const GoldenBatch *batch, const float *answers,
                      ComputeMode compute, GoldenDifference *worst, Error *err) MUST_CHECK;
// Adds one number to *worst.
void golden_differ(double answer, double reference, double allowed, GoldenDifference *worst);
// The config of a BERT that no file describes: architecture and head set, the rest zero.
ModelConfig golden_bert_config(ModelHead head);

#endif
