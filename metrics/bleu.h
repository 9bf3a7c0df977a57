// metrics/bleu.h: BLEU's tokens, for those who want to see or time them.
#ifndef ASSAY_METRICS_BLEU_H
#define ASSAY_METRICS_BLEU_H

#include "metrics/metric.h"
#include "metrics/tokens.h"

// A text's tokens under the options of a plan of metric_bleu.
Status bleu_tokens(const MetricPlan *plan, Slice text, Arena *arena, Tokens *out,
                   Error *err) MUST_CHECK;

#endif
