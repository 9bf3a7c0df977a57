// models/architectures/gemma.h: between Gemma's rows of the registry (gemma_config.c) and their program.
#ifndef ASSAY_MODELS_ARCHITECTURES_GEMMA_H
#define ASSAY_MODELS_ARCHITECTURES_GEMMA_H

#include "models/architecture.h"

// Architecture's `record`, of Gemma 2 and 3.
void gemma_record(Tape *tape, const ModelConfig *config);
void vaultgemma_record(Tape *tape, const ModelConfig *config);
void gemma4_record(Tape *tape, const ModelConfig *config);

#endif
