// datasets/choices.h: questions with choices, and which of them is right. Internal to datasets/.
#ifndef ASSAY_DATASETS_CHOICES_H
#define ASSAY_DATASETS_CHOICES_H

#include "datasets/reader.h"

// Adds a sample with its choices to the builder. answer says which is right: a letter ("B"), an index from 0, one of `names`
// (what the file calls the choices: [n_choices], or NULL), or the choice itself. A lone choice needs no answer; without one
// a sample's gold is SAMPLE_NO_LABEL.
Status choices_add(const ReadInput *input, Sample *sample, Slice answer, const Slice *names,
                   Error *err) MUST_CHECK;

#endif
