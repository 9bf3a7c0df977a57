// datasets/pairs.h: samples with a source and its targets, and what is done where a side is empty. Internal to datasets/.
#ifndef ASSAY_DATASETS_PAIRS_H
#define ASSAY_DATASETS_PAIRS_H

#include "datasets/reader.h"

// Adds a sample that has targets, after options->empty_sides. The targets are copied.
Status pairs_add(const ReadInput *input, const Sample *sample, Error *err) MUST_CHECK;

#endif
