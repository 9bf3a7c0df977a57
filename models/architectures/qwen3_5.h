// models/architectures/qwen3_5.h: between the rows of the registry of Qwen 3.5 and Qwen3-Next (qwen3_5_config.c) and their program.
#ifndef ASSAY_MODELS_ARCHITECTURES_QWEN3_5_H
#define ASSAY_MODELS_ARCHITECTURES_QWEN3_5_H

#include "models/architecture.h"

// Architecture's `record`.
void qwen3_5_record(Tape *tape, const ModelConfig *config);

#endif
