// models/architectures/modernbert.h: between ModernBERT's rows of the registry (modernbert_config.c) and its programs.
#ifndef ASSAY_MODELS_ARCHITECTURES_MODERNBERT_H
#define ASSAY_MODELS_ARCHITECTURES_MODERNBERT_H

#include "models/architecture.h"

// Architecture's `record`.
void modernbert_record(Tape *tape, const ModelConfig *config);
void modernbert_decoder_record(Tape *tape, const ModelConfig *config);

#endif
