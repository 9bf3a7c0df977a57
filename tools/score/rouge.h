// tools/score/rouge.h: rouge_score's aggregator beside the scores themselves.
#ifndef ASSAY_TOOLS_SCORE_ROUGE_H
#define ASSAY_TOOLS_SCORE_ROUGE_H

#include "metrics/metric.h"
#include "metrics/numpy_legacy.h"
#include "tools/score/score.h"

enum { ROUGE_ENDS = 3 };

// Of precision, recall and F: low, middle, high.
typedef struct RougeAggregate {
    double parts[3][ROUGE_ENDS];
} RougeAggregate;

// rows of one ROUGE metric. Draws as rouge_score takes them, one type after the other from one stream.
Status rouge_aggregate_rows(const RowSet *rows, size_t n_samples, NumpyLegacy *rng,
                            double confidence, RougeAggregate *out, Error *err) MUST_CHECK;
// "low", "mid" and "high", each [precision, recall, F].
void rouge_put_aggregate(JsonWriter *w, const RougeAggregate *aggregate);
// {"scores": [[P, R, F]..], "confidence", "n_samples", "np_random_seed" or "indices": the draws of each sample}
Status rouge_aggregate_case(const ScoreCase *c, JsonWriter *w, Error *err) MUST_CHECK;

#endif
