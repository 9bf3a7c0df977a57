// results/judged.h: the metric rows behind a pooled score, sample by sample, and the pooled scores themselves.
//
// Folds, seeds and trials are merged by putting their rows end to end, never by averaging scores. Rows that are not
// independent share a cluster: the sample's group, or the sample itself where it was judged more than once.
#ifndef ASSAY_RESULTS_JUDGED_H
#define ASSAY_RESULTS_JUDGED_H

#include "metrics/evaluate.h"
#include "results/store.h"

// Which trials of a run. A setting whose ptr is NULL means the nested estimate: the setting chosen in each outer fold. Of
// TRIAL_CURVE it is the point alone, {"train_samples":50}, for TRIAL_AFTER the step, {"after":"q8_0"}: each fold has its own
// winner there.
typedef struct JudgedQuery {
    Slice model, task;
    Slice setting;
    TrialRole role;
} JudgedQuery;

typedef struct JudgedSample {
    Slice id;
    Slice input_hash; // of input and pair: the same id with another text is another sample
    Slice cluster;    // empty: a unit of its own
    Slice group;      // the sample's; empty = none
    Slice attributes; // JSON object, as StoredSample has it; empty = none
    uint64_t seed;
    uint32_t ordinal;
    int32_t predicted;
    int32_t fold; // the outer fold it was left out of training for, or STORE_NO_FOLD
} JudgedSample;

typedef struct JudgedMetric {
    Slice name, params, signature;
    size_t width;
    const double *rows; // [n_samples, width]
} JudgedMetric;

typedef struct JudgedRows {
    const Slice *labels;
    size_t n_labels;
    JudgedSample *samples; // by trial in the order of the plan, then by ordinal
    size_t n_samples;
    JudgedMetric *metrics; // those that every trial has with the same signature
    size_t n_metrics;
    uint32_t n_trials, n_folds, n_seeds;
} JudgedRows;

// Everything in the arena. No matching trial gives n_trials 0, which is no failure.
Status judged_rows_read(Store *store, Slice run_id, const JudgedQuery *query, Arena *arena,
                        JudgedRows *out, Error *err) MUST_CHECK;

// What the scores of a run are pooled over, each once, in the order of the plan: for each model and task the nested
// estimate (or single trials and the baseline), points of a learning curve, and each setting in each other role.
Status judged_queries(Store *store, Slice run_id, Arena *arena, JudgedQuery **queries, size_t *n,
                      Error *err) MUST_CHECK;

// A stored metric made ready to score rows; document holds its params and is closed with json_close. Fails for a metric
// that this program does not know.
Status judged_plan(const JudgedRows *rows, const JudgedMetric *stored, Arena *arena,
                   MetricPlan *plan, JsonDocument **document, Error *err) MUST_CHECK;

// Rows of a metric under the samples' clusters; released by the caller with row_table_release.
Status judged_table(const JudgedRows *rows, const JudgedMetric *metric, const MetricPlan *plan,
                    RowTable *out, Error *err) MUST_CHECK;

// Computes all pooled scores of a run, one for each of judged_queries, and stores them (store_set_run_scores). options may be
// NULL.
Status run_scores_pool(Store *store, Slice run_id, const IntervalOptions *options,
                       Error *err) MUST_CHECK;

#endif
