// models/architecture.h: the registry of architectures: one row and one file each (models/architectures/).
#ifndef ASSAY_MODELS_ARCHITECTURE_H
#define ASSAY_MODELS_ARCHITECTURE_H

#include "base/json_writer.h"
#include "models/config.h"
#include "models/program/tape.h"

// A class of Transformers and the head it has.
typedef struct ArchitectureClass {
    const char *name;
    ModelHead head;
    const char *prefix; // in the place of base_prefix in its files; NULL: that
} ArchitectureClass;

// The token whose row HEAD_SEQUENCE classifies.
typedef enum ClassifiedToken {
    CLASSIFIED_FIRST, // or the one that TokenSequence.chosen names
    CLASSIFIED_LAST,  // the last that is not padding
    CLASSIFIED_END,   // the last that ends a text (eos_token_id), of what the decoder reads
} ClassifiedToken;

enum { ARCHITECTURE_MAX_CLASSES = 8 };

struct Architecture {
    const char *model_type;                              // as in config.json
    const char *summary;                                 // one line for people
    ArchitectureClass classes[ARCHITECTURE_MAX_CLASSES]; // ends with a NULL name
    // "bert.": what a checkpoint of the bare encoder leaves out in front of its names.
    const char *base_prefix;
    ClassifiedToken classified;
    int32_t end_id;     // of CLASSIFIED_END, where the file names none
    size_t n_labels;    // where the file does not say; 0 = 2
    const char *tagger; // a decoder's layer of HEAD_TOKEN; NULL: "score"
    bool takes_mxfp4;   // quantization_config may say so: experts in blocks of 4 bits
    // Fills the sizes of config from the document; text that it keeps goes into the arena.
    Status (*read_config)(Arena *arena, const Json *root, ModelConfig *config, Error *err);
    // The members of config.json that read_config needs, for a model that no file describes. Appended to an open object.
    void (*write_config)(const ModelConfig *config, JsonWriter *w);
    // Completes the config of a model that is made anew from sizes alone: what differs from one architecture to the next.
    // NULL where none are made.
    void (*complete)(ModelConfig *config);
    // Records the encoder and config->head on the tape.
    void (*record)(Tape *tape, const ModelConfig *config);
};

// In the order people see.
extern const Architecture *const architectures_all[];
extern const size_t architectures_count;
// NULL where there is none of that model_type.
const Architecture *architecture_find(Slice model_type);
// The class of an architecture that has this head, or NULL.
const ArchitectureClass *architecture_class(const Architecture *architecture, ModelHead head);

#endif
