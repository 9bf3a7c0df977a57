// models/architectures/modernbert.h: between ModernBERT's row of the registry (modernbert_config.c) and its program.
#ifndef ASSAY_MODELS_ARCHITECTURES_MODERNBERT_H
#define ASSAY_MODELS_ARCHITECTURES_MODERNBERT_H

#include "models/architecture.h"

// Architecture's `record`.
void modernbert_record(Tape *tape, const ModelConfig *config);

#endif
