// tools/inspect.h: what assay inspect finds in a model's files.
#ifndef ASSAY_TOOLS_INSPECT_H
#define ASSAY_TOOLS_INSPECT_H

#include "base/json_writer.h"
#include "models/model.h"
#include "tools/listing.h"
#include "tools/model_card.h"

typedef struct Inspection {
    const char *directory;
    const char *path; // where its files are: a cache's folder holds them further down
    Model *model;
    ModelSize size;
    uint64_t
        n_unused; // parameters of the files that the head does not read: a pooler, BERT's next sentences
    ModelMemory memory;
    size_t n_threads, batch, longest, step_tokens;
    const char *kv; // what keys and values are kept in
    ModelCard card;
    Listing types; // dtype, tensors, parameters, bytes
    Listing files; // name, bytes
    Slice tokenizer;
    size_t tokenizer_size;
} Inspection;

// Text for people, an object for programs (inspect_put.c).
void inspection_put_text(const Inspection *in, Buffer *out);
void inspection_put_json(const Inspection *in, JsonWriter *w);

#endif
