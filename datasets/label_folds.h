// datasets/label_folds.h: units dealt out so that each label of samples with several at once is spread evenly. Internal to
// datasets/.
//
// Iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011, "On the stratification of multi-label data", algorithm 1): the
// label with the fewest samples left comes first, and each of them goes where most of that label are still wanted, of such folds
// where most samples are. Samples without a label come last. So rare labels, which chance would leave out of a fold, are
// shared first, while there is a choice. Ties: the earlier label, the earlier fold. Of a label's samples those with the same labels
// come one after the other (the algorithm leaves their order open), so that sets of labels are spread evenly too: by chance one
// fold could have most of the samples with two labels, and the next those with one of them.
#ifndef ASSAY_DATASETS_LABEL_FOLDS_H
#define ASSAY_DATASETS_LABEL_FOLDS_H

#include "datasets/units.h"

// The order in which units are dealt: the largest first, single samples by their set of labels.
Status label_folds_sort(Arena *arena, Units *units, Error *err) MUST_CHECK;
// shares [k] add up to 1. fold [n_samples] gets the fold of each sample; units stay whole.
Status label_folds_deal(Arena *arena, const Units *units, size_t n_labels, const double *shares,
                        size_t k, int32_t *fold, Error *err) MUST_CHECK;

#endif
