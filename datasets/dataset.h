// datasets/dataset.h: building a Dataset sample by sample, and the identity of a sample.
#ifndef ASSAY_DATASETS_DATASET_H
#define ASSAY_DATASETS_DATASET_H

#include "datasets/sample.h"

// What is hashed to tell inputs apart: text, pair, context, tokens and choices (each with its length), never labels,
// tags, answers, targets, group or attributes. 64 hex digits and a NUL.
void sample_input_hash(const Sample *sample, char hex[65]);

// The index of a label in a table of labels, or SAMPLE_NO_LABEL.
int32_t label_find(const Slice *labels, size_t n_labels, Slice label);

// Adds a note about the set; the item is kept as it is, the sentence made in the set's arena.
Status dataset_add_note(Dataset *dataset, Slice item, size_t n, Error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6))) MUST_CHECK;

// Collects samples for a reader. The texts must live as long as dataset->arena (most simply: in it).
typedef struct DatasetBuilder DatasetBuilder;

// dataset is zeroed or holds only an arena; path is the name for messages. With n_labels > 0 the labels are given: their
// order stands, and any other label is refused, or with adds_labels put behind them. Without, the table is made of what is
// found.
Status dataset_builder_open(Dataset *dataset, Slice path, const Slice *labels, size_t n_labels,
                            bool adds_labels, DatasetBuilder **out, Error *err) MUST_CHECK;
// sample->label is ignored; label is its text, or NULL for none. An empty id means: the input's hash. Errors name
// path:line: an unknown label; an id given twice.
Status dataset_builder_add(DatasetBuilder *builder, const Sample *sample, const Slice *label,
                           Error *err) MUST_CHECK;
// The same for a sample with any number of labels. One that is given twice holds once.
Status dataset_builder_add_held(DatasetBuilder *builder, const Sample *sample, const Slice *labels,
                                size_t n_labels, Error *err) MUST_CHECK;
// Sorts the labels (integers by value where all are integers, else by bytes), gives each sample its label and id, and
// hands everything to the dataset. Refuses a set without samples.
Status dataset_builder_finish(DatasetBuilder *builder, Error *err) MUST_CHECK;
void dataset_builder_close(DatasetBuilder **builder); // a no-op on NULL

#endif
