// models/architectures/llama.h: between the rows of the registry that are Llama's kind (llama_config.c) and their program.
#ifndef ASSAY_MODELS_ARCHITECTURES_LLAMA_H
#define ASSAY_MODELS_ARCHITECTURES_LLAMA_H

#include "models/architecture.h"

// Architecture's `record`, of Llama, Mistral, Qwen2, Qwen3, Granite and SmolLM3, with experts or without; and of Phi-3, whose layers are stacked in the checkpoint.
void llama_record(Tape *tape, const ModelConfig *config);
void phi3_record(Tape *tape, const ModelConfig *config);

#endif
