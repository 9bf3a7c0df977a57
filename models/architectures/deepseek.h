// models/architectures/deepseek.h: between DeepSeek's rows of the registry (deepseek_config.c) and their program.
#ifndef ASSAY_MODELS_ARCHITECTURES_DEEPSEEK_H
#define ASSAY_MODELS_ARCHITECTURES_DEEPSEEK_H

#include "models/architecture.h"

void deepseek_record(Tape *tape, const ModelConfig *config);

#endif
