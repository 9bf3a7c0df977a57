// tools/model_card.h: what the files beside a model say about it: licence, tags, what it was made from.
//
// Read from the front matter of README.md (the block between two lines "---": "key: value" or "key:" and lines "- item"),
// as model hubs write it; else a licence file is named. Nothing is guessed: what no file says is empty.
#ifndef ASSAY_TOOLS_MODEL_CARD_H
#define ASSAY_TOOLS_MODEL_CARD_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "models/formats/gguf.h"

enum { MODEL_CARD_MAX_VALUES = 32 };

typedef struct ModelCardField {
    Slice values[MODEL_CARD_MAX_VALUES]; // further ones are left out
    size_t n;
} ModelCardField;

typedef struct ModelCard {
    ModelCardField license, base_model, language, datasets, tags, pipeline_tag;
    Slice license_file; // "LICENSE", where there is one
} ModelCard;

// Everything lies in the arena. A directory without such files gives an empty card.
Status model_card_read(const char *directory, Arena *arena, ModelCard *out, Error *err) MUST_CHECK;
// What general.* of a GGUF file says, into the fields that are empty.
Status model_card_read_gguf(const Gguf *file, Arena *arena, ModelCard *out, Error *err) MUST_CHECK;

#endif
