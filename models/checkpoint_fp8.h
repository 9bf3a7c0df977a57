// models/checkpoint_fp8.h: matrices in 8-bit floats with a scale for each rectangle, as Transformers' "fp8" stores them.
#ifndef ASSAY_MODELS_CHECKPOINT_FP8_H
#define ASSAY_MODELS_CHECKPOINT_FP8_H

#include "base/json.h"
#include "models/formats/safetensors.h"

// Whether quantization_config says so in a form that is read: {"quant_method": "fp8", "weight_block_size": [rows, cols]}.
Status checkpoint_is_fp8(const Json *config, bool *out, Error *err) MUST_CHECK;
// Then: NAME.weight of F8_E4M3 takes the scales of NAME.weight_scale_inv, which is left out of the list. What inputs are multiplied
// with is the product of both in f32; Transformers rounds inputs to 8 bits too, which is not done here.
Status checkpoint_scale_fp8(const Json *config, Safetensors *tensors, Error *err) MUST_CHECK;

#endif
