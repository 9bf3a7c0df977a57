// Tests with closed forms. Those that go by rank are in ranks.c.
#include "metrics/hypothesis.h"

#include <math.h>

#include "metrics/bootstrap.h"
#include "metrics/distributions.h"

double mcnemar_exact(double b, double c)
{
    const double n = b + c;
    if (n == 0) return 1;
    return fmin(1, 2 * binomial_cdf(fmin(b, c), n, 0.5));
}

double mcnemar_mid_p(double b, double c)
{
    const double n = b + c;
    if (n == 0) return 1;
    return fmin(1, 2 * binomial_cdf(fmin(b, c), n, 0.5) - binomial_pmf(fmin(b, c), n, 0.5));
}

TestResult mcnemar_chi2(double b, double c, double correction)
{
    const double distance = fabs(b - c) - correction;
    const double statistic = distance * distance / (b + c);
    return (TestResult){.statistic = statistic,
                        .df = 1,
                        .p = chi2_sf(statistic, 1),
                        .p_less = NAN,
                        .p_greater = NAN};
}

static TestResult t_result(double t, double df)
{
    if (isnan(t)) {
        return (TestResult){.statistic = t, .df = df, .p = NAN, .p_less = NAN, .p_greater = NAN};
    }
    return (TestResult){.statistic = t,
                        .df = df,
                        .p = fmin(1, 2 * t_sf(fabs(t), df)),
                        .p_less = t_cdf(t, df),
                        .p_greater = t_sf(t, df)};
}

typedef struct Moments {
    double mean, variance; // with n - 1
} Moments;

static Moments moments_of(const double *x, size_t n)
{
    const double sd = standard_deviation(x, n);
    return (Moments){mean_of(x, n), sd * sd};
}

// Of x_i - y_i, without a copy.
static Moments difference_moments(const double *x, const double *y, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] - y[i];
    const double mean = n > 0 ? sum / (double)n : (double)NAN;
    for (size_t i = 0; i < n; i++) squares += (x[i] - y[i] - mean) * (x[i] - y[i] - mean);
    return (Moments){mean, n > 1 ? squares / (double)(n - 1) : (double)NAN};
}

TestResult t_paired(const double *x, const double *y, size_t n)
{
    const Moments d = difference_moments(x, y, n);
    return t_result(d.mean / sqrt(d.variance / (double)n), (double)n - 1);
}

Interval t_paired_interval(const double *x, const double *y, size_t n, double level)
{
    const Moments d = difference_moments(x, y, n);
    return interval_t(d.mean, sqrt(d.variance / (double)n), (double)n - 1, level);
}

TestResult t_student(const double *x, size_t n_x, const double *y, size_t n_y)
{
    const Moments a = moments_of(x, n_x), b = moments_of(y, n_y);
    const double na = (double)n_x, nb = (double)n_y, df = na + nb - 2;
    const double pooled = ((na - 1) * a.variance + (nb - 1) * b.variance) / df;
    return t_result((a.mean - b.mean) / sqrt(pooled * (1 / na + 1 / nb)), df);
}

TestResult t_welch(const double *x, size_t n_x, const double *y, size_t n_y)
{
    const Moments a = moments_of(x, n_x), b = moments_of(y, n_y);
    const double na = (double)n_x, nb = (double)n_y;
    const double va = a.variance / na, vb = b.variance / nb;
    const double df = (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1));
    return t_result((a.mean - b.mean) / sqrt(va + vb), df);
}

TestResult t_folds(const double *differences, size_t k, double n_test, double n_train)
{
    const Moments d = moments_of(differences, k);
    const double error = sqrt(d.variance * (1 / (double)k + n_test / n_train));
    return t_result(d.mean / error, (double)k - 1);
}

Interval t_folds_interval(const double *differences, size_t k, double n_test, double n_train,
                          double level)
{
    const Moments d = moments_of(differences, k);
    const double error = sqrt(d.variance * (1 / (double)k + n_test / n_train));
    return interval_t(d.mean, error, (double)k - 1, level);
}

TestResult f_5x2cv(const double *differences)
{
    double squares = 0, variances = 0;
    for (size_t i = 0; i < 5; i++) {
        const double a = differences[2 * i], b = differences[2 * i + 1], mean = 0.5 * (a + b);
        squares += a * a + b * b;
        variances += (a - mean) * (a - mean) + (b - mean) * (b - mean);
    }
    const double f = squares / (2 * variances);
    return (TestResult){
        .statistic = f, .df = 10, .p = f_sf(f, 10, 5), .p_less = NAN, .p_greater = NAN};
}

double noninferiority_p(double improvement, double standard_error, double df, double margin)
{
    return t_sf((improvement + margin) / standard_error, df);
}

double equivalence_p(double difference, double standard_error, double df, double margin)
{
    return t_sf((margin - fabs(difference)) / standard_error, df);
}

TestResult sign_test(const double *x, const double *y, size_t n)
{
    double n_positive = 0, n_signed = 0;
    for (size_t i = 0; i < n; i++) {
        n_positive += x[i] > y[i];
        n_signed += x[i] != y[i];
    }
    return (TestResult){.statistic = n_positive,
                        .df = n_signed,
                        .p = mcnemar_exact(n_positive, n_signed - n_positive),
                        .p_less = binomial_cdf(n_positive, n_signed, 0.5),
                        .p_greater = binomial_sf_inclusive(n_positive, n_signed, 0.5)};
}

double cohen_d_paired(const double *x, const double *y, size_t n)
{
    const Moments d = difference_moments(x, y, n);
    return d.mean / sqrt(d.variance);
}

double cohen_d(const double *x, size_t n_x, const double *y, size_t n_y)
{
    const Moments a = moments_of(x, n_x), b = moments_of(y, n_y);
    const double na = (double)n_x, nb = (double)n_y;
    return (a.mean - b.mean) /
           sqrt(((na - 1) * a.variance + (nb - 1) * b.variance) / (na + nb - 2));
}

double hedges_g(const double *x, size_t n_x, const double *y, size_t n_y)
{
    return cohen_d(x, n_x, y, n_y) * (1 - 3 / (4 * ((double)n_x + (double)n_y) - 9));
}

double cohen_h(double p, double q)
{
    if (!(p >= 0 && p <= 1 && q >= 0 && q <= 1)) return NAN;
    return 2 * asin(sqrt(p)) - 2 * asin(sqrt(q));
}

// Sums that differ by rounding alone count as equal.
static bool is_as_far(double sum, double observed)
{
    return fabs(sum) >= fabs(observed) * (1 - 1e-12);
}

static double flip_all(const double *d, size_t n, double observed)
{
    const size_t n_flips = (size_t)1 << n;
    size_t n_far = 0;
    for (size_t flips = 0; flips < n_flips; flips++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += flips >> i & 1 ? -d[i] : d[i];
        n_far += is_as_far(sum, observed);
    }
    return (double)n_far / (double)n_flips;
}

Status sign_flip_test(const double *d, size_t n, size_t n_draws, uint64_t seed, double *p,
                      Error *err)
{
    enum { MAX_EXACT = 20 };
    double observed = 0;
    for (size_t i = 0; i < n; i++) observed += d[i];
    if (n <= MAX_EXACT) {
        *p = flip_all(d, n, observed);
        return STATUS_OK;
    }
    Arena arena = {0};
    unsigned char *flips;
    const Status s = arena_take(&arena, n, sizeof *flips, "sign flips", &flips, err);
    size_t n_far = 0;
    for (size_t r = 0; s == STATUS_OK && r < n_draws; r++) {
        bootstrap_swaps(seed, r, n, flips);
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += flips[i] ? -d[i] : d[i];
        n_far += is_as_far(sum, observed);
    }
    *p = ((double)n_far + 1) / ((double)n_draws + 1);
    arena_release(&arena);
    return s;
}
