// metrics/preferences.h: what the metrics of pairwise comparisons share. Systems are MetricSetup.labels.
//
// A row is (first system, second system, preference): 1 where the first won, 0.5 for a tie, 0 where the second won.
#ifndef ASSAY_METRICS_PREFERENCES_H
#define ASSAY_METRICS_PREFERENCES_H

#include "metrics/metric.h"

// At least two systems, and at most as many as a table of all pairs is sensible for.
enum { MAX_SYSTEMS = 1000 };
Status preferences_check_setup(const MetricSetup *setup, Error *err) MUST_CHECK;
// The system that score 0 is about: params.system, or the first. *system is its index.
Status preferences_system(const MetricSetup *setup, size_t *system, Error *err) MUST_CHECK;
// Two different systems, and a preference of 0, 0.5 or 1.
Status preferences_check_item(const MetricSetup *setup, const Item *item, Error *err) MUST_CHECK;
Status preferences_row(const MetricPlan *plan, const Item *item, Arena *scratch, double *row,
                       Error *err) MUST_CHECK;

#endif
