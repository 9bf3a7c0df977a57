// models/gguf/gguf_names.h: the tables of gguf_names.c and gguf_names_encoder.c, for gguf_family.c, which looks into them.
#ifndef ASSAY_MODELS_GGUF_GGUF_NAMES_H
#define ASSAY_MODELS_GGUF_GGUF_NAMES_H

#include "models/gguf/gguf_model.h"

// Names without ".weight" and ".bias", which both have; or whole, where the GGUF name here has it: the model's has none then. %
// is the number of a block.
typedef struct GgufName {
    const char *gguf, *model;
    SafeChange change;
} GgufName;

// The first row of an architecture is the one that a file of it is read as.
extern const GgufFamily gguf_families[];
extern const size_t gguf_n_families;
extern const GgufFamily gguf_encoders[];
extern const size_t gguf_n_encoders;
// Of the families above those whose names differ by what config.json says: T5s with gates, RoBERTas with classes of texts, whose
// dense layer takes the pooler's place, Falcons with two norms in a block.
extern const GgufFamily gguf_gated_t5[];
extern const size_t gguf_n_gated_t5;
extern const GgufFamily gguf_roberta_classes[];
extern const size_t gguf_n_roberta_classes;
extern const GgufFamily gguf_falcon_two;

#endif
