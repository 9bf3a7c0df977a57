// tools/score/items.h: what families do once they have items: plan metrics, score with intervals, put the answer.
#ifndef ASSAY_TOOLS_SCORE_ITEMS_H
#define ASSAY_TOOLS_SCORE_ITEMS_H

#include "metrics/clusters.h"
#include "metrics/evaluate.h"
#include "tools/score/score.h"

typedef struct ScoreItems {
    const Item *items;
    size_t n;
    MetricSetup setup;  // labels and groups
    const Json *params; // of all metrics of the family, or NULL
    IntervalOptions interval;
    Arena *arena;
} ScoreItems;

// "interval": {"resamples": 0 for none, "level", "seed"} of a case, 2,000 resamples by default.
Status score_interval_of_case(const ScoreCase *c, IntervalOptions *out, Error *err) MUST_CHECK;
// Puts every score under its name, then "intervals": {name: [low, high]}, "signatures": {metric: text} and "n". A metric
// takes those params that it knows, and one that none of them knows (nor `own`, ended by NULL) is refused.
Status score_put_metrics(const ScoreItems *all, const Metric *const *metrics, size_t n_metrics,
                         const char *const *own, JsonWriter *w, Error *err) MUST_CHECK;

// The place of a name among those seen so far, counted from 0 in the order of first sight; an empty name is refused.
Status score_name_index(ClusterNames *names, const Json *value, Slice name, int32_t *out,
                        Error *err) MUST_CHECK;
// A text as it is, or a number as it is written: a class's name.
Status score_name_of(const Json *value, Slice *out, Error *err) MUST_CHECK;
// The same of what score_name_of gives; null leaves *out as it is.
Status score_value_index(ClusterNames *names, const Json *value, int32_t *out,
                         Error *err) MUST_CHECK;
// Classes in order: the case's "labels", or the names seen, by number where all are numbers, else by bytes. They live as
// long as the case and the names.
typedef struct ScoreLabels {
    Slice *names;
    size_t n;
} ScoreLabels;
Status score_find_labels(const ScoreCase *c, const ClusterNames *seen, ScoreLabels *out,
                         Error *err) MUST_CHECK;
// null is ITEM_NO_LABEL.
Status score_label_index(const ScoreLabels *labels, const Json *value, int32_t *out,
                         Error *err) MUST_CHECK;

// Refuses what is no object; `what` says which one: "a pair".
Status score_want_object(const Json *value, const char *what, Error *err) MUST_CHECK;
// A number under a key that must be there.
Status score_want_number(const Json *object, const char *key, double *out, Error *err) MUST_CHECK;
// The place of a member's text among the choices [n]; the error names them.
Status score_choice(const Json *value, const char *const *choices, size_t n, size_t *out,
                    Error *err) MUST_CHECK;
// The array under a key, which must not be empty.
Status score_want_rows(const ScoreCase *c, const char *key, const Json **out,
                       Error *err) MUST_CHECK;

#endif
