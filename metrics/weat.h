// metrics/weat.h: the permutation test of WEAT and SEAT; the effect size is the metric "weat".
//
// Items are embeddings in four groups, in this order: two sets of targets X, Y and two sets of attributes A, B.
#ifndef ASSAY_METRICS_WEAT_H
#define ASSAY_METRICS_WEAT_H

#include "metrics/metric.h"

enum { WEAT_X, WEAT_Y, WEAT_A, WEAT_B, N_WEAT_GROUPS, DEFAULT_WEAT_PERMUTATIONS = 100000 };

typedef struct WeatTest {
    // One-sided: how often targets dealt at random into sets of the same sizes are associated at least as strongly.
    double p;            // NaN where a set is empty
    bool is_exact;       // every way to deal them was looked at
    size_t n_partitions; // ways looked at: all, or drawn ones and the one that was seen
} WeatTest;

// Caliskan et al. 2017; May et al. 2019, appendix A: equal ones count, and drawn ones give (k + 1) / (n + 1). All ways are
// looked at where there are at most n_permutations (0 means the default). Weights other than 0 count as 1.
Status weat_test(const MetricPlan *plan, const Item *items, size_t n_items, size_t n_permutations,
                 uint64_t seed, WeatTest *out, Error *err) MUST_CHECK;

// The same from associations s(w) [n], those of the first n_first in one set: the metric "seat" has them in its rows.
Status weat_test_associations(const double *s, size_t n, size_t n_first, size_t n_permutations,
                              uint64_t seed, WeatTest *out, Error *err) MUST_CHECK;

#endif
