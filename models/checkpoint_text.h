// models/checkpoint_text.h: models of texts and images, told as the model of texts within them.
//
// Their config.json has the text model's in "text_config" (of older Qwen-VLs: beside the other members), and their files have its
// tensors under other names. What sees images is left out: a text without any gives the same numbers as in Transformers, where
// positions of several dimensions are then equal in all.
#ifndef ASSAY_MODELS_CHECKPOINT_TEXT_H
#define ASSAY_MODELS_CHECKPOINT_TEXT_H

#include "base/json.h"
#include "models/formats/safetensors.h"

// Puts the config.json of the text model in *config's place where it is that of a model with images; *is_part says so. path: of the file
// that it is from, for messages.
Status checkpoint_text_config(const char *path, JsonDocument **config, bool *is_part,
                              Error *err) MUST_CHECK;
// Names the tensors as the text model has them, and leaves out those of the rest: so many.
Status checkpoint_text_tensors(Safetensors *tensors, size_t *n_left_out, Error *err) MUST_CHECK;

#endif
