// metrics/edit_distance.h: how many words must be put in, taken out or replaced to turn one list into another.
#ifndef ASSAY_METRICS_EDIT_DISTANCE_H
#define ASSAY_METRICS_EDIT_DISTANCE_H

#include "metrics/tokens.h"

// Levenshtein's distance, each edit costing 1. Works in scratch, which the caller rewinds.
Status edit_distance(const Tokens *a, const Tokens *b, Arena *scratch, size_t *out,
                     Error *err) MUST_CHECK;

// One of the alignments with the fewest edits, the one that rapidfuzz 3 (and so jiwer 4) takes on texts that it does not
// divide first; which one decides how edits are split among the kinds, and how many words are hits.
typedef struct EditCounts {
    size_t hits, substitutions, deletions, insertions; // from the reference to the hypothesis
} EditCounts;
// Takes memory for a quarter of a byte a cell of the table from scratch, which the caller rewinds.
Status edit_alignment(const Tokens *hypothesis, const Tokens *reference, Arena *scratch,
                      EditCounts *out, Error *err) MUST_CHECK;

#endif
