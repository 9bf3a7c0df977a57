// metrics/group_gaps.h: how much a metric differs between groups of items: any metric that is scored from rows.
//
// The largest gap of several noisy scores is more than nothing even where no group differs, and its interval does not
// reach 0: judge it by p, which deals the groups out at random, and by the groups' own intervals.
#ifndef ASSAY_METRICS_GROUP_GAPS_H
#define ASSAY_METRICS_GROUP_GAPS_H

#include "metrics/evaluate.h"

typedef struct GroupGaps {
    Score *groups; // [n_groups]: the score over each group's items; NaN where undefined
    size_t n_groups;
    Score
        *from_rest; // [n_groups]: each group's score less that of all other groups' items together
    // [n_groups] of no such difference, two-sided: how often dealing the groups out at random gives one as large; of the
    // difference and its standard error where units lie across groups. Adjusted: Holm's correction over the groups.
    double *p_rest, *p_adjusted;
    Score gap;   // highest less lowest; undefined where some group's score is
    Score ratio; // lowest over highest; undefined unless both are positive or 0 over positive
    Score worst; // the worst group's score; undefined for a metric without direction
    size_t worst_group, best_group; // SIZE_MAX where undefined; the first of equal ones
    // How often dealing the groups out at random gives as large a gap: (k + 1) / (n + 1). NaN where units (clusters) lie
    // across groups.
    double p;
} GroupGaps;

// score: which of the plan's scores, from 0. groups [rows->n_rows]: each row's group below n_groups, or ITEM_NO_LABEL to
// leave it out. names [n_groups]. Intervals are percentile bootstraps over units whatever options->method says, except
// INTERVAL_NONE: neither intervals nor p. options may be NULL. Names and scores are in the arena. Refuses METRIC_WHOLE,
// fewer than two groups, and no rows.
Status group_gaps(const MetricPlan *plan, size_t score, const RowSet *rows, const int32_t *groups,
                  const Slice *names, size_t n_groups, const IntervalOptions *options, Arena *arena,
                  GroupGaps *out, Error *err) MUST_CHECK;

#endif
