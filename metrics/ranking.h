// metrics/ranking.h: what the metrics of ranked results share: options, checks, names of scores.
//
// An item is one query: the gains of the results in the order returned, and of every judged document. A document is
// relevant where its gain is positive and at least "relevant". Results that the system holds for equal have been put in
// some order before they come here: who reads a file of scores says how (trec_eval: higher score first, equal ones by
// document name from the last to the first). Queries for which nothing is relevant have no recall, average precision,
// reciprocal rank or nDCG: they are left out of the mean, or count 0 with "no_relevant": "zero".
#ifndef ASSAY_METRICS_RANKING_H
#define ASSAY_METRICS_RANKING_H

#include "metrics/metric.h"

typedef struct RankingOptions {
    int64_t k;             // results looked at; 0 = all
    double least_relevant; // the lowest gain of a relevant document
    bool counts_empty;     // a query without a relevant document counts 0
    bool is_exponential;   // nDCG: gains are 2^gain - 1
} RankingOptions;

// Reads params k, relevant, no_relevant; k holds the default.
Status ranking_options(MetricPlan *plan, int64_t k, Arena *arena, RankingOptions **out,
                       Error *err) MUST_CHECK;
// Gains are finite, and what was returned is among what was judged. Sets how many judged documents are relevant.
Status ranking_check(const RankingOptions *o, const Item *item, size_t *n_relevant,
                     Error *err) MUST_CHECK;
static inline bool ranking_is_relevant(const RankingOptions *o, double gain)
{
    return gain > 0 && gain >= o->least_relevant;
}
// How many of the results are looked at.
size_t ranking_depth(const RankingOptions *o, size_t n);
// "|k:10|relevant:1|no_relevant:undefined", in the arena.
Status ranking_signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err) MUST_CHECK;

#endif
