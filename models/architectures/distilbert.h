// models/architectures/distilbert.h: between DistilBERT's row of the registry (distilbert_config.c) and its program.
#ifndef ASSAY_MODELS_ARCHITECTURES_DISTILBERT_H
#define ASSAY_MODELS_ARCHITECTURES_DISTILBERT_H

#include "models/architecture.h"

// Architecture's `record`.
void distilbert_record(Tape *tape, const ModelConfig *config);

#endif
