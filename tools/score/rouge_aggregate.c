// rouge_score's aggregator: percentiles of bootstrap means of precision, recall and F. Its middle is the median of the means.
#include <math.h>

#include "base/size.h"
#include "metrics/bootstrap.h"
#include "metrics/numpy_legacy.h"
#include "metrics/rouge.h"
#include "tools/score/case_json.h"
#include "tools/score/rouge.h"

static const char *const ends[ROUGE_ENDS] = {"low", "mid", "high"};

// means [n_samples] of one part.
static void take_percentiles(double *means, size_t n_samples, double confidence, double out[3])
{
    const Interval interval = interval_percentile(means, n_samples, confidence); // sorts them
    out[0] = interval.lo;
    out[1] = n_samples > 0 ? quantile_sorted(means, n_samples, 0.5) : (double)NAN;
    out[2] = interval.hi;
}

// ---- of rows ----

Status rouge_aggregate_rows(const RowSet *rows, size_t n_samples, NumpyLegacy *rng,
                            double confidence, RougeAggregate *out, Error *err)
{
    static const size_t columns[3] = {2, 3, 0}; // precision, recall, F in a row of rouge.c
    enum { WIDTH = 4 };
    Arena arena = {0};
    double *means = NULL;
    const size_t n = rows->n_rows;
    Status s = arena_take(&arena, n_samples, 3 * sizeof *means, "means", &means, err);
    for (size_t r = 0; s == STATUS_OK && r < n_samples; r++) {
        double sums[3] = {0};
        for (size_t i = 0; i < n; i++) {
            const size_t drawn = numpy_legacy_below(rng, (uint32_t)n);
            for (size_t p = 0; p < 3; p++) sums[p] += rows->values[drawn * WIDTH + columns[p]];
        }
        for (size_t p = 0; p < 3; p++) means[p * n_samples + r] = sums[p] / (double)n;
    }
    for (size_t p = 0; s == STATUS_OK && p < 3; p++) {
        take_percentiles(means + p * n_samples, n_samples, confidence, out->parts[p]);
    }
    arena_release(&arena);
    return s;
}

void rouge_put_aggregate(JsonWriter *w, const RougeAggregate *a)
{
    for (size_t e = 0; e < ROUGE_ENDS; e++) {
        json_member_array(w, ends[e]);
        for (size_t p = 0; p < 3; p++) json_put_double(w, a->parts[p][e]);
        json_end_array(w);
    }
}

// ---- of a case ----

// The row's mean in one part under a list of draws.
static Status mean_under(const Json *draws, const Numbers *scores, size_t n, size_t part,
                         double *out, Error *err)
{
    double sum = 0;
    if (json_kind(draws) != JSON_ARRAY || json_len(draws) != n)
        return json_error(draws, err, "must be a list of %zu draws, one for each score", n);
    for (const Json *v = json_first(draws); v != NULL; v = json_next(v)) {
        int64_t index;
        TRY(json_as_i64(v, 0, (int64_t)n - 1, &index, err));
        sum += scores->values[3 * (size_t)index + part];
    }
    *out = sum / (double)n;
    return STATUS_OK;
}

static Status aggregate_given(const ScoreCase *c, const Json *indices, const Numbers *scores,
                              double confidence, RougeAggregate *out, Error *err)
{
    const size_t n = scores->n / 3, n_samples = json_len(indices);
    double *means;
    TRY(arena_take(c->arena, n_samples, sizeof *means, "means", &means, err));
    for (size_t p = 0; p < 3; p++) {
        size_t r = 0;
        for (const Json *v = json_first(indices); v != NULL; v = json_next(v), r++) {
            TRY(mean_under(v, scores, n, p, &means[r], err));
        }
        take_percentiles(means, n_samples, confidence, out->parts[p]);
    }
    return STATUS_OK;
}

static Status aggregate_drawn(const ScoreCase *c, const Numbers *scores, double confidence,
                              RougeAggregate *out, Error *err)
{
    int64_t n_samples = 1000, seed = 12345;
    NumpyLegacy rng;
    const size_t n = scores->n / 3;
    double *values;
    TRY(json_opt_i64(c->root, "n_samples", 1, 10000000, &n_samples, err));
    TRY(json_opt_i64(c->root, "np_random_seed", 0, UINT32_MAX, &seed, err));
    numpy_legacy_seed(&rng, (uint32_t)seed);
    TRY(arena_take(c->arena, n, 4 * sizeof *values, "rows", &values, err));
    for (size_t i = 0; i < n; i++) {
        values[4 * i] = scores->values[3 * i + 2];
        values[4 * i + 2] = scores->values[3 * i];
        values[4 * i + 3] = scores->values[3 * i + 1];
    }
    const RowSet rows = {.values = values, .n_rows = n, .n_clusters = n};
    return rouge_aggregate_rows(&rows, (size_t)n_samples, &rng, confidence, out, err);
}

Status rouge_aggregate_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers scores;
    size_t columns;
    double confidence = 0.95;
    const Json *indices = NULL;
    RougeAggregate out;
    TRY(case_matrix(c, "scores", &scores, &columns, err));
    if (scores.n == 0 || columns != 3)
        return json_error(json_get(c->root, "scores"), err,
                          "must be a list of [precision, recall, F]");
    TRY(case_opt_share(c, "confidence", &confidence, err));
    TRY(json_opt_kind(c->root, "indices", JSON_ARRAY, &indices, err));
    if (indices != NULL && json_len(indices) > 0) {
        TRY(aggregate_given(c, indices, &scores, confidence, &out, err));
    } else {
        TRY(aggregate_drawn(c, &scores, confidence, &out, err));
    }
    rouge_put_aggregate(w, &out);
    return STATUS_OK;
}
