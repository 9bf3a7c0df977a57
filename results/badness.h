// results/badness.h: how bad an answer is, to find those that are worth a look.
#ifndef ASSAY_RESULTS_BADNESS_H
#define ASSAY_RESULTS_BADNESS_H

#include "results/store.h"

// Less is worse: the probability of the reference; without one whether the class is right; for texts how much they have in
// common with it.
double answer_badness(const TrialOutput *output, int32_t label, Slice reference);

#endif
