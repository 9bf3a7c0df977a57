// models/architectures/albert.h: between ALBERT's row of the registry (albert_config.c) and its program (albert.c).
#ifndef ASSAY_MODELS_ARCHITECTURES_ALBERT_H
#define ASSAY_MODELS_ARCHITECTURES_ALBERT_H

#include "models/architecture.h"

// Architecture's `record`.
void albert_record(Tape *tape, const ModelConfig *config);

#endif
