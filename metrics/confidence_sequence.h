// metrics/confidence_sequence.h: intervals for a mean that hold at every moment at once, so that one may look after each
// item and stop when the answer is clear.
//
// For values in [lowest, highest] that come in random order, with mean mu, the chance that mu ever lies outside the
// interval is at most alpha, whenever one stops and for whatever reason. Both are from Waudby-Smith & Ramdas 2024,
// "Estimating means of bounded random variables by betting", JRSS B 86(1), arXiv:2010.09686:
//   CONFIDENCE_BETTING    hedged capital, theorem 3 with c = 1/2: the narrower one; the mean is sought on a grid of 1,000
//                         steps, whose ends are taken outwards
//   CONFIDENCE_BERNSTEIN  predictable plug-in empirical Bernstein, theorem 2 with c = 1/2: closed form
// Intervals only ever narrow (running intersection).
#ifndef ASSAY_METRICS_CONFIDENCE_SEQUENCE_H
#define ASSAY_METRICS_CONFIDENCE_SEQUENCE_H

#include "base/arena.h"
#include "base/error.h"
#include "metrics/intervals.h"

typedef enum ConfidenceMethod { CONFIDENCE_BETTING, CONFIDENCE_BERNSTEIN } ConfidenceMethod;

enum { CONFIDENCE_STEPS = 1000 };

typedef struct ConfidenceSequence {
    ConfidenceMethod method;
    double lowest, highest, alpha;
    double n, sum, squares; // of values scaled to [0, 1]; squares about the running means
    Interval interval;      // as it stands, on the values' own scale; at first [lowest, highest]
    double lo, hi;          // the same on [0, 1]
    double bets, won, risk; // sums of lambda, lambda x and of the variance process (Bernstein)
    double *up,
        *down; // [CONFIDENCE_STEPS + 1] logarithms of capital at each candidate mean (betting)
} ConfidenceSequence;

// In the arena. alpha in (0, 1), lowest < highest, both finite.
Status confidence_sequence_open(ConfidenceMethod method, double lowest, double highest,
                                double alpha, Arena *arena, ConfidenceSequence *out,
                                Error *err) MUST_CHECK;
// Refuses a value outside [lowest, highest].
Status confidence_sequence_add(ConfidenceSequence *sequence, double value, Error *err) MUST_CHECK;

#endif
