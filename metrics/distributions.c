#include "metrics/distributions.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "metrics/distributions_internal.h"

#define SQRT_HALF   0.70710678118654752440084436210485
#define SQRT_TWO_PI 2.5066282746310005024157652848110

double normal_cdf(double x)
{
    return 0.5 * erfc(-x * SQRT_HALF);
}

double normal_sf(double x)
{
    return 0.5 * erfc(x * SQRT_HALF);
}

double normal_quantile(double p)
{
    if (!(p >= 0 && p <= 1)) return NAN;
    if (p == 0) return -INFINITY;
    if (p == 1) return INFINITY;
    if (p == 0.5) return 0;
    if (p > 0.5) return -normal_quantile(1 - p); // exact: 1 - p loses nothing for p in [0.5, 1]
    // A rough start (Abramowitz & Stegun 26.2.23, error below 5e-4), then Halley's steps on the cdf.
    const double t = sqrt(-2 * log(p));
    double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                         (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
    for (int i = 0; i < 4; i++) {
        const double u = (normal_cdf(x) - p) * SQRT_TWO_PI * exp(0.5 * x * x);
        if (!isfinite(u)) break; // p is subnormal: the start is all there is
        x -= u / (1 + 0.5 * x * u);
    }
    return x;
}

// Both tails of t, the smaller one accurate.
static double t_tail(double t, double df)
{
    const double tt = t * t;
    if (isinf(tt)) return 0;
    return 0.5 * beta_tails(df / (df + tt), tt / (df + tt), 0.5 * df, 0.5).lower;
}

double t_sf(double t, double df)
{
    if (isnan(t) || !(df > 0)) return NAN;
    if (isinf(df)) return normal_sf(t);
    return t >= 0 ? t_tail(t, df) : 1 - t_tail(t, df);
}

double t_cdf(double t, double df)
{
    return t_sf(-t, df);
}

double t_upper_quantile(double q, double df)
{
    if (!(q >= 0 && q <= 1) || !(df > 0)) return NAN;
    if (q > 0.5) return -t_upper_quantile(1 - q, df);
    if (isinf(df)) return -normal_quantile(q);
    if (q == 0) return INFINITY;
    if (q == 0.5) return 0;
    const Tails point = beta_point(2 * q, 1 - 2 * q, 0.5 * df, 0.5);
    return sqrt(df * point.upper / point.lower);
}

double t_quantile(double p, double df)
{
    if (!(p >= 0 && p <= 1)) return NAN;
    return p < 0.5 ? -t_upper_quantile(p, df) : t_upper_quantile(1 - p, df);
}

double chi2_cdf(double x, double df)
{
    if (isnan(x) || !(df > 0)) return NAN;
    return gamma_tails(0.5 * x, 0.5 * df).lower;
}

double chi2_sf(double x, double df)
{
    if (isnan(x) || !(df > 0)) return NAN;
    return gamma_tails(0.5 * x, 0.5 * df).upper;
}

double beta_cdf(double x, double a, double b)
{
    if (isnan(x) || !(a > 0) || !(b > 0)) return NAN;
    return beta_tails(x, 1 - x, a, b).lower;
}

double beta_sf(double x, double a, double b)
{
    if (isnan(x) || !(a > 0) || !(b > 0)) return NAN;
    return beta_tails(x, 1 - x, a, b).upper;
}

// Newton's method for u = log(x) on the logarithm of the smaller tail, which is nearly straight there, kept inside a
// bracket. tails_at gives both tails, factor_at the density times x, at exp(u).
typedef struct Curve {
    double a, b;
    bool is_beta; // else gamma with shape a
} Curve;

static Tails curve_tails(const Curve *c, double x)
{
    return c->is_beta ? beta_tails(x, 1 - x, c->a, c->b) : gamma_tails(x, c->a);
}

// d tail / d log(x), positive.
static double curve_slope(const Curve *c, double x)
{
    return c->is_beta ? beta_factor(x, 1 - x, c->a, c->b) / (1 - x) : gamma_factor(x, c->a);
}

static double solve_log(const Curve *c, double p, double q, double u, double lo, double hi)
{
    const bool use_lower = p <= q;
    for (int i = 0; i < 400; i++) {
        const double x = exp(u);
        const Tails t = curve_tails(c, x);
        const double tail = use_lower ? t.lower : t.upper;
        const double error =
            use_lower ? log(t.lower) - log(p) : log(q) - log(t.upper); // rises with u
        if (error == 0) break;
        if (error > 0) {
            hi = u;
        } else {
            lo = u;
        }
        double next = u - error * tail / curve_slope(c, x);
        if (!(next > lo && next < hi)) next = 0.5 * (lo + hi);
        const double moved = fabs(next - u);
        u = next;
        if (moved <= DBL_EPSILON * fmax(1, fabs(u)) * 0.5) break;
    }
    return exp(u);
}

Tails beta_point(double p, double q, double a, double b)
{
    if (p <= 0) return (Tails){.lower = 0, .upper = 1};
    if (q <= 0) return (Tails){.lower = 1, .upper = 0};
    const Tails middle = beta_tails(0.5, 0.5, a, b);
    const bool is_small =
        middle.lower >= p; // the answer lies in (0, 1/2]: solve for x, else for 1 - x
    Curve c = {.a = a, .b = b, .is_beta = true};
    if (!is_small) c = (Curve){.a = b, .b = a, .is_beta = true};
    const double start = fmin(0.5, c.a / (c.a + c.b));
    const double x = is_small ? solve_log(&c, p, q, log(start), -1e5, log(0.5) + 1e-9)
                              : solve_log(&c, q, p, log(start), -1e5, log(0.5) + 1e-9);
    return is_small ? (Tails){.lower = x, .upper = 1 - x} : (Tails){.lower = 1 - x, .upper = x};
}

double beta_quantile(double p, double a, double b)
{
    if (!(p >= 0 && p <= 1) || !(a > 0) || !(b > 0)) return NAN;
    return beta_point(p, 1 - p, a, b).lower;
}

double chi2_quantile(double p, double df)
{
    if (!(p >= 0 && p <= 1) || !(df > 0)) return NAN;
    if (p == 0) return 0;
    if (p == 1) return INFINITY;
    const Curve c = {.a = 0.5 * df};
    return 2 * solve_log(&c, p, 1 - p, log(c.a), -1e5, 709);
}

double f_cdf(double x, double df1, double df2)
{
    if (isnan(x) || !(df1 > 0) || !(df2 > 0)) return NAN;
    if (x <= 0) return 0;
    if (isinf(x)) return 1;
    const double scaled = df1 * x;
    return beta_tails(scaled / (scaled + df2), df2 / (scaled + df2), 0.5 * df1, 0.5 * df2).lower;
}

double f_sf(double x, double df1, double df2)
{
    if (isnan(x) || !(df1 > 0) || !(df2 > 0)) return NAN;
    if (x <= 0) return 1;
    if (isinf(x)) return 0;
    const double scaled = df1 * x;
    return beta_tails(scaled / (scaled + df2), df2 / (scaled + df2), 0.5 * df1, 0.5 * df2).upper;
}

double f_quantile(double p, double df1, double df2)
{
    if (!(p >= 0 && p <= 1) || !(df1 > 0) || !(df2 > 0)) return NAN;
    if (p == 1) return INFINITY;
    const Tails point = beta_point(p, 1 - p, 0.5 * df1, 0.5 * df2);
    return df2 * point.lower / (df1 * point.upper);
}

double binomial_cdf(double k, double n, double p)
{
    k = floor(k);
    if (!(n >= 0) || !(p >= 0 && p <= 1) || isnan(k)) return NAN;
    if (k < 0) return 0;
    if (k >= n) return 1;
    return beta_tails(p, 1 - p, k + 1, n - k).upper;
}

double binomial_sf_inclusive(double k, double n, double p)
{
    k = ceil(k);
    if (!(n >= 0) || !(p >= 0 && p <= 1) || isnan(k)) return NAN;
    if (k <= 0) return 1;
    if (k > n) return 0;
    return beta_tails(p, 1 - p, k, n - k + 1).lower;
}

double binomial_pmf(double k, double n, double p)
{
    if (!(n >= 0) || !(p >= 0 && p <= 1) || !(k >= 0 && k <= n)) return NAN;
    if (k == 0) return p < 1 ? exp(n * log1p(-p)) : (n == 0);
    if (k == n) return p > 0 ? exp(n * log(p)) : 0;
    if (p == 0 || p == 1) return 0;
    // beta_factor(p, q, k, n - k) is the probability times k (n - k) / n.
    return beta_factor(p, 1 - p, k, n - k) * n / (k * (n - k));
}
