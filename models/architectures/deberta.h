// models/architectures/deberta.h: between DeBERTa's row of the registry (deberta_config.c) and its program (deberta.c).
#ifndef ASSAY_MODELS_ARCHITECTURES_DEBERTA_H
#define ASSAY_MODELS_ARCHITECTURES_DEBERTA_H

#include "models/architecture.h"

// Architecture's `record`.
void deberta_record(Tape *tape, const ModelConfig *config);

#endif
