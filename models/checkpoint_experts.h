// models/checkpoint_experts.h: experts that a file has stacked.
#ifndef ASSAY_MODELS_CHECKPOINT_EXPERTS_H
#define ASSAY_MODELS_CHECKPOINT_EXPERTS_H

#include "base/json.h"
#include "models/formats/safetensors.h"

// Tensors of all experts of a layer, as config.json tells the model, become a tensor each, under the names of checkpoints that
// have them so; they borrow from the same bytes.
Status checkpoint_unstack_experts(const Json *config, Safetensors *tensors, Error *err) MUST_CHECK;

#endif
