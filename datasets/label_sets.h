// datasets/label_sets.h: samples with any number of labels, and samples with a number in the label's place. Internal to datasets/.
#ifndef ASSAY_DATASETS_LABEL_SETS_H
#define ASSAY_DATASETS_LABEL_SETS_H

#include "datasets/reader.h"

// Labels that are being collected for one sample; zeroed is none.
typedef struct LabelSet {
    Slice *labels;
    size_t n, capacity;
} LabelSet;

// One more label, blanks around it taken off. An empty one is no label.
Status label_set_add(const ReadInput *input, LabelSet *set, Slice label, Error *err) MUST_CHECK;
// Those of one field, with the separator between them.
Status label_set_split(const ReadInput *input, LabelSet *set, Slice field, Error *err) MUST_CHECK;
// What the label's own column says of it: 0 or 1, true or false.
Status label_set_mark(const ReadInput *input, size_t line, LabelSet *set, Slice label, Slice mark,
                      Error *err) MUST_CHECK;
Status label_set_finish(const ReadInput *input, const Sample *sample, const LabelSet *set,
                        Error *err) MUST_CHECK;

// Adds a sample whose label (its labels, or its number, as the options want it) stands in one field; empty = none.
Status labelled_add(const ReadInput *input, const Sample *sample, Slice field,
                    Error *err) MUST_CHECK;
// Whether a field of labels may be empty.
bool labels_may_be_empty(const ReadOptions *options);

#endif
