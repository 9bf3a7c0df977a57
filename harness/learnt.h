// harness/learnt.h: what a model learns from: samples of the training part, with copies where the setting asks for them.
#ifndef ASSAY_HARNESS_LEARNT_H
#define ASSAY_HARNESS_LEARNT_H

#include "harness/augment.h"

// Originals come first, copies behind them.
typedef struct Learnt {
    const UsedPart *part;
    const Tokens *tokens;
    const size_t *positions; // [n] into part->which
    size_t n, n_originals;
    Augmented augmented;
} Learnt;

// Samples at positions [n] of the training part, as a setting of the model learns them; in the arena, which *out points into
// too: it must stay where it is.
Status learnt_take(const Prepared *prepared, size_t model, size_t task, int setting, uint64_t seed,
                   const size_t *positions, size_t n, Arena *arena, Learnt *out,
                   Error *err) MUST_CHECK;

#endif
