// tests/models/saved.h: small models saved into a folder, quantised, and opened with their weights kept in each way.
#ifndef ASSAY_TESTS_MODELS_SAVED_H
#define ASSAY_TESTS_MODELS_SAVED_H

#include "models/model.h"
#include "models/quantize.h"

// Saved as FOLDER/model; the path. small_model of model_support.h.
const char *save_small(const char *folder, ModelHead head, size_t n_labels);
// Saved as FOLDER/wide; the path. A BERT wide enough for blocks of 256, of which some layers are.
const char *save_wide(const char *folder);
void must_quantize(const char *model, TensorType to, const char *out);

// A copy of a GGUF file without what only our own files have: as other programs write them.
void strip_gguf(const char *from, const char *to);

typedef enum Keeping { AS_NUMBERS, AS_STORED, AS_MAPPED } Keeping;

// Without its tokenizer.
Model *open_kept(const char *path, Keeping keeping);
// Logits of one sequence of ids 3, 4, 5, ...; freed by the caller.
float *logits_kept(const char *path, Keeping keeping, size_t n_tokens, size_t *n);
// Between the logits of two models for the same ids.
float largest_difference(const char *a, const char *b);

#endif
