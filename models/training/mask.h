// models/training/mask.h: masked language modelling: which tokens of a text are asked about, and what stands in their places.
//
// Of the tokens that may be asked about a share is drawn, one at least; of those 80 % become the mask, 10 % a token drawn from
// the vocabulary, 10 % stay as they are (Devlin et al. 2019, arXiv:1810.04805, section 3.1). What is drawn hangs on the seed, the
// text's key and the epoch alone: each epoch asks about others, and a run that was interrupted about the same.
#ifndef ASSAY_MODELS_MASK_H
#define ASSAY_MODELS_MASK_H

#include "models/input.h"
#include "models/model.h"

typedef struct MaskOptions {
    int32_t mask_id;
    size_t vocab_size;
    double share; // 0.15
} MaskOptions;

// From an example of HEAD_MASKED_LM whose labels are its own ids, -100 where a token is never asked about: what the model reads
// and what it is asked, [n_tokens] each. Where no token may be asked about, none is.
void mask_draw(const MaskOptions *options, const TrainExample *example, uint64_t seed,
               uint64_t epoch, int32_t *ids, int32_t *labels);

static const uint64_t mask_watched = UINT64_MAX; // the epoch of texts that are watched
// The examples as one epoch has them, in the arena: for texts that are watched.
Status mask_examples(const MaskOptions *options, uint64_t seed, uint64_t epoch, Arena *arena,
                     TrainExample *examples, size_t n, Error *err) MUST_CHECK;

#endif
