// models/architectures/electra.h: between ELECTRA's row of the registry (electra_config.c) and its program (electra.c).
#ifndef ASSAY_MODELS_ARCHITECTURES_ELECTRA_H
#define ASSAY_MODELS_ARCHITECTURES_ELECTRA_H

#include "models/architecture.h"

// Architecture's `record`.
void electra_record(Tape *tape, const ModelConfig *config);

#endif
