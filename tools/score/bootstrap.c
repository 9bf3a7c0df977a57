// The bootstrap of a plain sample, permutation of pairs, quantiles: with given draws, or NumPy's for a seed.
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "metrics/evaluate.h"
#include "metrics/numpy_rng.h"
#include "metrics/sample.h"
#include "tools/score/case_json.h"

typedef struct Draws {
    uint32_t *values; // [n_resamples, n]
    size_t n_resamples;
} Draws;

static Status take_draws(const ScoreCase *c, size_t n, size_t n_resamples, Draws *out, Error *err)
{
    size_t cells;
    if (!size_mul(n, n_resamples, &cells)) return error_set_memory(err, n, n_resamples, "draws");
    out->n_resamples = n_resamples;
    return arena_take(c->arena, cells, sizeof *out->values, "draws", &out->values, err);
}

static Status given_draws(const ScoreCase *c, const Json *rows, size_t n, Draws *out, Error *err)
{
    TRY(take_draws(c, n, json_len(rows), out, err));
    size_t at = 0;
    for (const Json *row = json_first(rows); row != NULL; row = json_next(row)) {
        if (json_kind(row) != JSON_ARRAY || json_len(row) != n)
            return json_error(row, err, "must be a list of %zu draws, one for each value", n);
        for (const Json *v = json_first(row); v != NULL; v = json_next(v)) {
            int64_t index;
            TRY(json_as_i64(v, 0, (int64_t)n - 1, &index, err));
            out->values[at++] = (uint32_t)index;
        }
    }
    return STATUS_OK;
}

// "indices", or as many of NumPy's default generator as "n_resamples" says.
static Status read_draws(const ScoreCase *c, size_t n, Draws *out, Error *err)
{
    const Json *rows = NULL;
    int64_t n_resamples = DEFAULT_RESAMPLES, seed = 0;
    TRY(json_opt_kind(c->root, "indices", JSON_ARRAY, &rows, err));
    if (rows != NULL) return given_draws(c, rows, n, out, err);
    TRY(json_opt_i64(c->root, "n_resamples", 1, 10000000, &n_resamples, err));
    TRY(json_opt_i64(c->root, "seed", 0, INT64_MAX, &seed, err));
    TRY(take_draws(c, n, (size_t)n_resamples, out, err));
    NumpyRng rng = numpy_rng((uint64_t)seed);
    for (size_t i = 0; i < n * (size_t)n_resamples; i++)
        out->values[i] = numpy_below(&rng, (uint32_t)n);
    return STATUS_OK;
}

static Status read_choice(const ScoreCase *c, const char *key, const char *const *names, size_t n,
                          size_t *out, Error *err)
{
    Slice text = {0};
    TRY(json_opt_string(c->root, key, &text, err));
    if (text.ptr == NULL) return STATUS_OK;
    for (size_t i = 0; i < n; i++) {
        if (!slice_eq_cstr(text, names[i])) continue;
        *out = i;
        return STATUS_OK;
    }
    const char *nearest = nearest_name(text, names, n);
    return json_error(json_get(c->root, key), err,
                      "\"" SLICE_FMT "\" is not known: did you mean \"%s\"?", SLICE_ARG(text),
                      nearest != NULL ? nearest : names[0]);
}

static Status check_sample(const ScoreCase *c, const char *key, const Numbers *sample, Error *err)
{
    if (sample->n == 0) return json_error(json_get(c->root, key), err, "is empty");
    if (sample->n > UINT32_MAX) return json_error(json_get(c->root, key), err, "is too long");
    for (size_t i = 0; i < sample->n; i++) {
        if (!isfinite(sample->values[i]))
            return json_error(json_get(c->root, key), err, "value %zu is %g, not a finite number",
                              i, sample->values[i]);
    }
    return STATUS_OK;
}

static Status put_bootstrap(const ScoreCase *c, const char *key, const Numbers *sample,
                            JsonWriter *w, Error *err)
{
    static const char *const statistics[] = {"mean", "median", "std"};
    static const char *const methods[] = {"percentile", "basic", "BCa"};
    size_t statistic = STATISTIC_MEAN, method = BOOTSTRAP_PERCENTILE;
    double level = 0.95;
    Draws draws;
    SampleBootstrap out;
    TRY(check_sample(c, key, sample, err));
    TRY(read_choice(c, "statistic", statistics, 3, &statistic, err));
    TRY(read_choice(c, "method", methods, 3, &method, err));
    TRY(case_opt_share(c, "level", &level, err));
    TRY(read_draws(c, sample->n, &draws, err));
    TRY(sample_bootstrap(sample->values, sample->n, (Statistic)statistic, (BootstrapKind)method,
                         level, draws.values, draws.n_resamples, &out, err));
    json_member_double(w, "observed", out.observed);
    put_interval(w, "ci95", out.interval);
    json_member_double(w, "standard_error", out.standard_error);
    Reasons reasons = {0};
    reason_add(&reasons, isnan(out.interval.lo),
               "ci95: every resample lies on one side of what was observed");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

static Status run_sample(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers data;
    TRY(case_numbers(c, "data", &data, err));
    return put_bootstrap(c, "data", &data, w, err);
}

// x - y, pair by pair.
static Status read_differences(const ScoreCase *c, Numbers *out, Error *err)
{
    Numbers y;
    TRY(case_numbers(c, "x", out, err));
    TRY(case_numbers(c, "y", &y, err));
    TRY(case_same_length(c, "y", y.n, "x", out->n, err));
    for (size_t i = 0; i < y.n; i++) out->values[i] -= y.values[i];
    return STATUS_OK;
}

static Status run_paired(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers d;
    TRY(read_differences(c, &d, err));
    return put_bootstrap(c, "x", &d, w, err);
}

static Status run_permutation(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers d;
    double p;
    int64_t n_draws = 10000, seed = 17;
    TRY(read_differences(c, &d, err));
    TRY(check_sample(c, "x", &d, err));
    TRY(json_opt_i64(c->root, "n_resamples", 1, 100000000, &n_draws, err));
    TRY(json_opt_i64(c->root, "seed", 0, INT64_MAX, &seed, err));
    TRY(sign_flip_test(d.values, d.n, (size_t)n_draws, (uint64_t)seed, &p, err));
    json_member_double(w, "statistic", mean_of(d.values, d.n));
    json_member_double(w, "p_two_sided", p);
    return STATUS_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static Status run_quantile(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Numbers data, q;
    double *out;
    TRY(case_numbers(c, "data", &data, err));
    TRY(case_numbers(c, "q", &q, err));
    TRY(check_sample(c, "data", &data, err));
    for (size_t i = 0; i < q.n; i++) {
        if (!(q.values[i] >= 0 && q.values[i] <= 1))
            return json_error(json_get(c->root, "q"), err, "%g must lie in [0, 1]", q.values[i]);
    }
    TRY(arena_take(c->arena, q.n, sizeof *out, "quantiles", &out, err));
    qsort(data.values, data.n, sizeof *data.values, compare_doubles);
    for (size_t k = 0; k < N_QUANTILE_KINDS; k++) {
        for (size_t i = 0; i < q.n; i++)
            out[i] = quantile_of_kind(data.values, data.n, q.values[i], (QuantileKind)k);
        score_put_numbers(w, quantile_kind_name((QuantileKind)k), out, q.n);
    }
    return STATUS_OK;
}

// The kinds as the references name them, and short ones.
static const struct {
    const char *name;
    Status (*run)(const ScoreCase *c, JsonWriter *w, Error *err);
} kinds[] = {
    {"sample", run_sample},
    {"paired", run_paired},
    {"paired difference of means", run_paired},
    {"permutation", run_permutation},
    {"exact paired permutation test (all 2^n sign flips)", run_permutation},
    {"quantile", run_quantile},
};

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    Slice kind = SLICE("sample");
    TRY(json_opt_string(c->root, "kind", &kind, err));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (slice_eq_cstr(kind, kinds[i].name)) return kinds[i].run(c, w, err);
    }
    return json_error(json_get(c->root, "kind"), err,
                      "\"" SLICE_FMT "\" must be sample, paired, permutation or quantile",
                      SLICE_ARG(kind));
}

const ScoreFamily score_bootstrap = {
    .name = "bootstrap",
    .summary = "bootstrap intervals of a sample, permutation of pairs, quantiles",
    .fields =
        "A case is {\"data\": [..], \"statistic\": \"mean\"|\"median\"|\"std\", \"method\": "
        "\"percentile\"|\"basic\"|\"BCa\", \"indices\": [[..], ..]} or \"n_resamples\" and \"seed\" for "
        "NumPy's draws; kind \"paired\" and \"permutation\" take \"x\" and \"y\", \"quantile\" \"q\".",
    .run_case = run_case,
};
