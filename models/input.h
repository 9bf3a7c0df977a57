// models/input.h: what a model reads: token ids, already tokenised.
#ifndef ASSAY_MODELS_INPUT_H
#define ASSAY_MODELS_INPUT_H

#include <stddef.h>
#include <stdint.h>

// One sequence as the tokenizer gave it, special tokens included. It borrows; nothing is padded.
typedef struct TokenSequence {
    const int32_t *ids;      // [n_tokens]
    const int32_t *type_ids; // [n_tokens]; NULL = all 0
    size_t n_tokens;         // at least 1
    // What the decoder of an encoder-decoder reads, and answers for: the targets shifted right, say (model_shift_right).
    const int32_t *target_ids; // [n_targets]
    size_t n_targets;          // at least 1 for HEAD_SEQ2SEQ, else 0
    size_t chosen; // the token asked about, where a head reads one of each sequence; 0 = the first
    uint64_t key;  // identity of the sample, for dropout: the same in every epoch, order and batch
} TokenSequence;

// A sequence and what is right for it. labels, by the model's head:
//   HEAD_SEQUENCE         [1] class
//   HEAD_TOKEN            [n_tokens] class of each token
//   HEAD_MASKED_LM        [n_tokens] token id to be found there
//   HEAD_CAUSAL_LM        [n_tokens] token id that is right at each place: the ids themselves; the first is not used
//   HEAD_SEQ2SEQ          [n_targets] token id that the decoder is to say at each target token
//   HEAD_SPAN             [2] first and last token of the answer; a position outside the sequence is ignored
// A negative label (-100 by custom) is ignored.
typedef struct TrainExample {
    TokenSequence input;
    const int32_t *labels;
    // Of HEAD_SEQUENCE in the place of labels, where it gives labels or values (model_config_problem): [n_labels], for labels 1
    // where it is right and 0 where it is not.
    const float *targets;
    // What a teacher says of it (models/training/distill.h): logits in the rows and columns of the model that learns; NULL without.
    const float *teacher;
    float weight; // of its loss among the batch's; 0 = 1
} TrainExample;

#endif
