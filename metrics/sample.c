#include "metrics/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "metrics/bootstrap.h"

const char *quantile_kind_name(QuantileKind kind)
{
    static const char *const names[] = {"linear",   "lower", "higher",         "nearest",
                                        "midpoint", "hazen", "median_unbiased"};
    return names[kind];
}

// Place among the values counted from 0, by m(q) = alpha + q (1 - alpha - beta) with alpha = beta.
static double between(const double *sorted, size_t n, double q, double alpha)
{
    const double at = (double)n * q + alpha + q * (1 - 2 * alpha) - 1;
    const double held = fmin(fmax(at, 0), (double)(n - 1));
    const size_t below = size_min((size_t)held, n - 1), above = size_min(below + 1, n - 1);
    return sorted[below] + (held - (double)below) * (sorted[above] - sorted[below]);
}

double quantile_of_kind(const double *sorted, size_t n, double q, QuantileKind kind)
{
    if (n == 0 || !(q >= 0 && q <= 1)) return NAN;
    const double at = q * (double)(n - 1);
    const size_t below = size_min((size_t)floor(at), n - 1);
    const size_t above = size_min((size_t)ceil(at), n - 1);
    switch (kind) {
    case QUANTILE_LINEAR:
        return quantile_sorted(sorted, n, q);
    case QUANTILE_LOWER:
        return sorted[below];
    case QUANTILE_HIGHER:
        return sorted[above];
    case QUANTILE_NEAREST:
        return sorted[size_min((size_t)nearbyint(at), n - 1)];
    case QUANTILE_MIDPOINT:
        return 0.5 * (sorted[below] + sorted[above]);
    case QUANTILE_HAZEN:
        return between(sorted, n, q, 0.5);
    case QUANTILE_MEDIAN_UNBIASED:
        return between(sorted, n, q, 1.0 / 3);
    }
    return NAN;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// In NumPy's order of summation (pairwise in blocks of 128, eight sums at a time). A resample that is the sample itself in
// another order has the same statistic but for rounding, and BCa counts how many lie below what was observed: only in the
// reference's own order do the two agree on those.
static double sum_of(const double *values, size_t n)
{
    enum { LANES = 8, BLOCK = 128 };
    double sums[LANES], sum = 0;
    size_t i = 0;
    if (n > BLOCK) {
        const size_t half = n / 2 - n / 2 % LANES;
        return sum_of(values, half) + sum_of(values + half, n - half);
    }
    if (n >= LANES) {
        memcpy(sums, values, sizeof sums);
        for (i = LANES; i < n - n % LANES; i += LANES) {
            for (size_t k = 0; k < LANES; k++) sums[k] += values[i + k];
        }
        sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
              ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    }
    for (; i < n; i++) sum += values[i];
    return sum;
}

static double mean_in_order(const double *values, size_t n)
{
    return n > 0 ? sum_of(values, n) / (double)n : (double)NAN;
}

// With n in the denominator. Overwrites values.
static double spread_of(double *values, size_t n)
{
    const double mean = mean_in_order(values, n);
    for (size_t i = 0; i < n; i++) values[i] = (values[i] - mean) * (values[i] - mean);
    return sqrt(mean_in_order(values, n));
}

// Sorts or overwrites values where the statistic wants it.
static double statistic_of(Statistic statistic, double *values, size_t n)
{
    switch (statistic) {
    case STATISTIC_MEAN:
        return mean_in_order(values, n);
    case STATISTIC_MEDIAN:
        if (n > 1) qsort(values, n, sizeof *values, compare_doubles);
        return n > 0 ? 0.5 * (values[(n - 1) / 2] + values[n / 2]) : (double)NAN;
    case STATISTIC_SD:
        return spread_of(values, n);
    }
    return NAN;
}

typedef struct Work {
    double *drawn, *replicates, *left_out;
} Work;

static Status fill(const double *values, size_t n, Statistic statistic, const uint32_t *draws,
                   size_t n_resamples, Work *work, Error *err)
{
    for (size_t r = 0; r < n_resamples; r++) {
        for (size_t i = 0; i < n; i++) {
            const uint32_t at = draws[r * n + i];
            if (at >= n)
                return error_set(err, STATUS_INVALID, "draw %zu of resample %zu is %u of %zu", i, r,
                                 at, n);
            work->drawn[i] = values[at];
        }
        work->replicates[r] = statistic_of(statistic, work->drawn, n);
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(work->drawn, values, i * sizeof *values);
        memcpy(work->drawn + i, values + i + 1, (n - 1 - i) * sizeof *values);
        work->left_out[i] = statistic_of(statistic, work->drawn, n - 1);
    }
    return STATUS_OK;
}

static Interval interval_of(BootstrapKind kind, const Work *work, size_t n, size_t n_resamples,
                            double observed, double level)
{
    switch (kind) {
    case BOOTSTRAP_PERCENTILE:
        return interval_percentile(work->replicates, n_resamples, level);
    case BOOTSTRAP_BASIC:
        return interval_basic(work->replicates, n_resamples, observed, level);
    case BOOTSTRAP_BCA:
        return interval_bca(work->replicates, n_resamples, observed, work->left_out, n, level);
    }
    return (Interval){NAN, NAN};
}

Status sample_bootstrap(const double *values, size_t n, Statistic statistic, BootstrapKind kind,
                        double level, const uint32_t *draws, size_t n_resamples,
                        SampleBootstrap *out, Error *err)
{
    Arena arena = {0};
    Work work;
    *out = (SampleBootstrap){.observed = NAN, .interval = {NAN, NAN}, .standard_error = NAN};
    Status s = arena_take(&arena, n, sizeof(double), "a resample", &work.drawn, err);
    if (s == STATUS_OK)
        s = arena_take(&arena, n_resamples, sizeof(double), "replicates", &work.replicates, err);
    if (s == STATUS_OK)
        s = arena_take(&arena, n, sizeof(double), "jackknife values", &work.left_out, err);
    if (s == STATUS_OK && n > 0) s = fill(values, n, statistic, draws, n_resamples, &work, err);
    if (s == STATUS_OK && n > 0) {
        memcpy(work.drawn, values, n * sizeof *values);
        out->observed = statistic_of(statistic, work.drawn, n);
        out->standard_error = standard_deviation(work.replicates, n_resamples);
        out->interval = interval_of(kind, &work, n, n_resamples, out->observed, level);
    }
    arena_release(&arena);
    return s;
}
