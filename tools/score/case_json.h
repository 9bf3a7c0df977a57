// tools/score/case_json.h: reading numbers of a case of `assay score FAMILY --cases`, and writing them.
#ifndef ASSAY_TOOLS_SCORE_CASE_JSON_H
#define ASSAY_TOOLS_SCORE_CASE_JSON_H

#include "metrics/hypothesis.h"
#include "tools/score/score.h"

typedef struct Numbers {
    double *values; // in the arena
    size_t n;
} Numbers;

// record[key], an array of them. case_opt_numbers leaves *out empty (values NULL) where the key is missing or null.
Status case_numbers(const ScoreCase *c, const char *key, Numbers *out, Error *err) MUST_CHECK;
Status case_opt_numbers(const ScoreCase *c, const char *key, Numbers *out, Error *err) MUST_CHECK;
Status case_array(const ScoreCase *c, const Json *array, Numbers *out, Error *err) MUST_CHECK;
// An array of arrays of one length, end to end: *columns values each.
Status case_matrix(const ScoreCase *c, const char *key, Numbers *out, size_t *columns,
                   Error *err) MUST_CHECK;
// Refuses lists that do not have n values: "sample_weight has 2 values, y_true 3".
Status case_same_length(const ScoreCase *c, const char *key, size_t n, const char *other,
                        size_t n_other, Error *err) MUST_CHECK;
// Weights are finite and not negative.
Status case_check_weights(const ScoreCase *c, const Numbers *weights, Error *err) MUST_CHECK;
// record[key] as a probability in (0, 1), such as alpha; *out is left where the key is missing.
Status case_opt_share(const ScoreCase *c, const char *key, double *out, Error *err) MUST_CHECK;

void put_interval(JsonWriter *w, const char *key, Interval interval);

// A member {"statistic": .., "p": ..}. Reference records wrap a result whose computation might have raised in
// {"expected": ..}; wrapped results carry both forms, so that either reading finds its numbers.
typedef struct PutResult {
    const char *statistic; // its key: "t", "W", "U"
    bool has_df, has_sides, is_wrapped;
} PutResult;
void put_result(JsonWriter *w, const char *key, const TestResult *result, const PutResult *how);

// Why numbers are NaN: collected on the way and written at the end as "undefined": ["roc_auc: ..", ..], an absent member
// where there are none.
enum { MAX_REASONS = 16 };
typedef struct Reasons {
    const char *texts[MAX_REASONS];
    size_t n;
} Reasons;
void reason_add(Reasons *reasons, bool is_so, const char *text);
void put_reasons(JsonWriter *w, const Reasons *reasons);

#endif
