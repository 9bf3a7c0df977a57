// models/architectures/mpnet.h: between MPNet's row of the registry (mpnet_config.c) and its program (mpnet.c).
#ifndef ASSAY_MODELS_ARCHITECTURES_MPNET_H
#define ASSAY_MODELS_ARCHITECTURES_MPNET_H

#include "models/architecture.h"

// Architecture's `record`.
void mpnet_record(Tape *tape, const ModelConfig *config);

#endif
