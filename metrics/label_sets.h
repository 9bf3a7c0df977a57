// metrics/label_sets.h: what metrics of several labels at once share: checked items, packed rows, rows unpacked.
//
// A row holds two bits a label, whether the reference has it and whether the system gave it, 26 labels a number (whole numbers
// up to 2^52, which a double has exactly): label c in number c / 26 at bits 2 (c mod 26) and one above.
#ifndef ASSAY_METRICS_LABEL_SETS_H
#define ASSAY_METRICS_LABEL_SETS_H

#include "metrics/metric.h"

size_t label_sets_width(size_t n_labels);
// Labels of both sides are among those of the setup.
Status label_sets_check(const MetricSetup *setup, const Item *item, Error *err) MUST_CHECK;
// Each label has a probability in [0, 1]; they need not sum to anything.
Status label_sets_check_probabilities(const MetricSetup *setup, const Item *item,
                                      Error *err) MUST_CHECK;
// Into a zeroed row.
void label_sets_pack(const Item *item, double *row);
bool label_sets_holds(const double *row, size_t label); // of the reference

enum { LABEL_HOLDS = 1, LABEL_IS_GIVEN = 2 };
typedef struct LabelMark {
    uint32_t label;
    uint32_t marks; // LABEL_HOLDS, LABEL_IS_GIVEN: one of them at least
} LabelMark;

// All labels that either side has, row by row.
typedef struct LabelSets {
    LabelMark *marks;
    size_t *starts; // [n_rows + 1]
} LabelSets;

// Of rows that begin with the packed labels, in the arena. Refuses what is no such number.
Status label_sets_unpack(const RowSet *rows, size_t row_width, size_t n_labels, Arena *arena,
                         LabelSets *out, Error *err) MUST_CHECK;

#endif
