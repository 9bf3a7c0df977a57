// models/architectures/relative.h: buckets of relative positions, as T5 and MPNet have them.
//
// Source: Raffel et al. 2020, arXiv:1910.10683, section 2.1, and the code that it points to.
#ifndef ASSAY_MODELS_ARCHITECTURES_RELATIVE_H
#define ASSAY_MODELS_ARCHITECTURES_RELATIVE_H

#include "models/program/tape.h"

// Fills relative_bucket and relative_reach of an attention. Buckets are exact for near distances, by their logarithm up to
// max_distance, which is above half of n_buckets; looks_back: keys that follow share the bucket of distance 0, else half of
// the buckets are theirs.
void relative_buckets(Tape *tape, size_t n_buckets, size_t max_distance, bool looks_back,
                      TapeAttention *attention);

#endif
