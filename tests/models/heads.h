// tests/models/heads.h: small models with heads, and what tests of heads ask of them.
#ifndef ASSAY_TESTS_MODELS_HEADS_H
#define ASSAY_TESTS_MODELS_HEADS_H

#include "models/model.h"

enum { HEADS_HIDDEN = 32 };

// A decoder of that model_type. head_dim 8: the last block is cut to the rows that are read; 6: queries fill no whole panels, and
// it is not.
Model *heads_decoder(const char *type, ModelHead head, size_t n_labels, size_t head_dim);
// An encoder-decoder; of T5 and its kin heads have a quarter of hidden_size. 32: the decoder's last block is cut; 24: it is not.
// eos_token_id is not named: BART's own is 2, and T5's texts end likewise.
Model *heads_encoder_decoder(const char *type, ModelHead head, size_t hidden_size);
// A tensor's numbers; the caller frees them.
float *heads_tensor(const Model *model, const char *name);
// Gradients of named tensors, seen from one step of `tuned`, against finite differences of `model`, which has the same weights.
// Closes both.
void heads_check_gradient(const char *type, Model *model, Model *tuned, const char *const *names,
                          size_t n_names);

#endif
