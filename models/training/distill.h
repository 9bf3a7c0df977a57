// models/training/distill.h: learning from a teacher's answers beside the labels (models/training/loss.h has the equation).
//
// A teacher's logits stand in the rows and columns of the model that learns. They come with the examples
// (TrainExample.teacher): then the teacher may read the samples its own way, with another tokenizer where a sample has one
// row. Or a model is asked, step by step, about each batch as it stands: where logits are as wide as a vocabulary and not to
// be kept.
#ifndef ASSAY_MODELS_DISTILL_H
#define ASSAY_MODELS_DISTILL_H

#include "models/model.h"

typedef struct DistillOptions {
    double temperature; // T, above 0
    double alpha;       // share of the teacher's part, 0 to 1
    Model *teacher;     // asked about examples that bring no logits; NULL where all do
} DistillOptions;

// Logits of a teacher for inputs, in the columns of the model that learns: columns [n_labels] say which of the teacher's each
// is; NULL = the same. rows[i] points at those of input i. In the arena; inputs go through in pieces, in order.
Status distill_logits(Model *teacher, Pool *pool, const TokenSequence *inputs, size_t n,
                      const int32_t *columns, size_t n_labels, const atomic_int *cancel,
                      Arena *arena, const float **rows, Error *err) MUST_CHECK;

#endif
