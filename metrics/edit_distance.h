// metrics/edit_distance.h: how many words must be put in, taken out or replaced to turn one list into another.
#ifndef ASSAY_METRICS_EDIT_DISTANCE_H
#define ASSAY_METRICS_EDIT_DISTANCE_H

#include "metrics/tokens.h"

// Levenshtein's distance, each edit costing 1. Works in scratch, which the caller rewinds.
Status edit_distance(const Tokens *a, const Tokens *b, Arena *scratch, size_t *out,
                     Error *err) MUST_CHECK;

#endif
