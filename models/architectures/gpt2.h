// models/architectures/gpt2.h: between GPT-2's row of the registry (gpt2_config.c) and its program (gpt2.c).
#ifndef ASSAY_MODELS_ARCHITECTURES_GPT2_H
#define ASSAY_MODELS_ARCHITECTURES_GPT2_H

#include "models/architecture.h"

// Architecture's `record`.
void gpt2_record(Tape *tape, const ModelConfig *config);

#endif
