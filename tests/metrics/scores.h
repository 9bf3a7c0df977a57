// tests/metrics/scores.h: scores of items by a metric's name, which must be there.
#ifndef ASSAY_TESTS_METRICS_SCORES_H
#define ASSAY_TESTS_METRICS_SCORES_H

#include "metrics/evaluate.h"

// All scores with their intervals (50 resamples), in the arena.
Score *score_all(const char *metric, const MetricSetup *setup, const Item *items, size_t n,
                 Arena *arena);
// Fails the test unless the metric refuses the item with this in its message.
void expect_refused(const char *metric, const MetricSetup *setup, const Item *item,
                    const char *message);
// Fails the test unless a metric of texts refuses an item without a reference, and one whose hypothesis is no UTF-8.
void expect_bad_texts_refused(const char *metric);

#endif
