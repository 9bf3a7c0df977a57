// Intervals: of k successes of n, of a mean of bounded values watched as they come, and what a comparison can see.
#include <math.h>

#include "metrics/bootstrap.h"
#include "metrics/confidence_sequence.h"
#include "metrics/distributions.h"
#include "metrics/power.h"
#include "tools/score/case_json.h"

// Two-sided exact test against chance one half: all counts no likelier than the one seen.
static double binomial_test_half(double k, double n)
{
    return fmin(1, 2 * binomial_cdf(fmin(k, n - k), n, 0.5));
}

static Status run_proportion(const ScoreCase *c, double level, JsonWriter *w, Error *err)
{
    static const struct {
        const char *key;
        Interval (*interval)(double k, double n, double level);
    } intervals[] = {
        {"wilson", interval_wilson},
        {"clopper_pearson", interval_clopper_pearson},
        {"agresti_coull", interval_agresti_coull},
        {"jeffreys", interval_jeffreys},
        {"normal", interval_wald},
        {"wilson_cc", interval_wilson_corrected},
    };
    double k, n;
    TRY(json_want_double(c->root, "n", 0, 9007199254740992.0, &n, err));
    TRY(json_want_double(c->root, "k", 0, n, &k, err));
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++)
        put_interval(w, intervals[i].key, intervals[i].interval(k, n, level));
    score_put_number(w, "binom_test_p", n > 0 ? binomial_test_half(k, n) : (double)NAN);
    Reasons reasons = {0};
    reason_add(&reasons, n == 0, "intervals: there are no items");
    put_reasons(w, &reasons);
    return STATUS_OK;
}

static Status put_sequence(const ScoreCase *c, const char *key, ConfidenceMethod method,
                           double lowest, double highest, double alpha, const Numbers *values,
                           JsonWriter *w, Error *err)
{
    ConfidenceSequence sequence;
    TRY(confidence_sequence_open(method, lowest, highest, alpha, c->arena, &sequence, err));
    for (size_t i = 0; i < values->n; i++)
        TRY(confidence_sequence_add(&sequence, values->values[i], err));
    put_interval(w, key, sequence.interval);
    return STATUS_OK;
}

// A mean: Student's t for a number of values fixed beforehand, and sequences that hold whenever one stops.
static Status run_mean(const ScoreCase *c, double level, JsonWriter *w, Error *err)
{
    Numbers values;
    double lowest = 0, highest = 1;
    TRY(case_numbers(c, "values", &values, err));
    TRY(json_opt_double(c->root, "lowest", -1e300, 1e300, &lowest, err));
    TRY(json_opt_double(c->root, "highest", -1e300, 1e300, &highest, err));
    const double mean = mean_of(values.values, values.n), n = (double)values.n;
    const double error = standard_deviation(values.values, values.n) / sqrt(n);
    score_put_number(w, "mean", mean);
    score_put_number(w, "standard_error", error);
    put_interval(w, "t", interval_t(mean, error, n - 1, level));
    TRY(put_sequence(c, "betting", CONFIDENCE_BETTING, lowest, highest, 1 - level, &values, w,
                     err));
    return put_sequence(c, "empirical_bernstein", CONFIDENCE_BERNSTEIN, lowest, highest, 1 - level,
                        &values, w, err);
}

// What a difference of this size asks for, or what so many items can see.
static Status run_power(const ScoreCase *c, double alpha, JsonWriter *w, Error *err)
{
    double difference = NAN, sd, n = NAN, power = 0.8;
    TRY(json_want_double(c->root, "standard_deviation", 0, 1e300, &sd, err));
    TRY(json_opt_double(c->root, "difference", 1e-300, 1e300, &difference, err));
    TRY(json_opt_double(c->root, "n", 1, 1e300, &n, err));
    TRY(case_opt_share(c, "power", &power, err));
    score_put_number(w, "items_needed", items_needed(difference, sd, alpha, power));
    score_put_number(w, "detectable", minimum_detectable_effect(sd / sqrt(n), alpha, power));
    score_put_number(w, "power", power_of(difference, sd / sqrt(n), alpha));
    return STATUS_OK;
}

static Status run_case(const ScoreCase *c, JsonWriter *w, Error *err)
{
    double alpha = 0.05;
    TRY(case_opt_share(c, "alpha", &alpha, err));
    if (json_get(c->root, "values") != NULL) return run_mean(c, 1 - alpha, w, err);
    if (json_get(c->root, "standard_deviation") != NULL) return run_power(c, alpha, w, err);
    return run_proportion(c, 1 - alpha, w, err);
}

const ScoreFamily score_intervals = {
    .name = "intervals",
    .summary = "intervals of proportions and means, confidence sequences, detectable differences",
    .fields =
        "A case is {\"k\": successes, \"n\": items, \"alpha\": 0.05}, or {\"values\": [..], \"lowest\": 0, "
        "\"highest\": 1}, or {\"standard_deviation\": of paired differences, \"difference\", \"n\"}.",
    .run_case = run_case,
};
