// models/architectures/roberta.h: between RoBERTa's rows of the registry (roberta_config.c) and its program (roberta.c).
#ifndef ASSAY_MODELS_ARCHITECTURES_ROBERTA_H
#define ASSAY_MODELS_ARCHITECTURES_ROBERTA_H

#include "models/architecture.h"

// Architecture's `record`.
void roberta_record(Tape *tape, const ModelConfig *config);
void data2vec_text_record(Tape *tape, const ModelConfig *config);
void roberta_prelayernorm_record(Tape *tape, const ModelConfig *config);
void xlm_roberta_xl_record(Tape *tape, const ModelConfig *config);

#endif
