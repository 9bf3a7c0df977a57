// models/architectures/bert.h: between BERT's row of the registry (bert_config.c) and its program (bert.c).
#ifndef ASSAY_MODELS_ARCHITECTURES_BERT_H
#define ASSAY_MODELS_ARCHITECTURES_BERT_H

#include "models/architecture.h"

// Architecture's `record`. Its file needs no JSON document, so that programs without a config.json use it alone.
void bert_record(Tape *tape, const ModelConfig *config);
void ernie_record(Tape *tape, const ModelConfig *config);
void megatron_bert_record(Tape *tape, const ModelConfig *config);
void big_bird_record(Tape *tape, const ModelConfig *config);

#endif
