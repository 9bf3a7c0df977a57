// Incomplete beta and gamma functions.
#include "metrics/distributions_internal.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

#define TWO_PI          6.283185307179586476925286766559
#define HALF_LOG_TWO_PI 0.91893853320467274178032973640562

enum { MAX_TERMS = 200000 };

// log(Gamma(n + 1)) - Stirling's approximation. The series is exact to double from 15 on (Loader 2000, section 3).
static double stirling_error(double n)
{
    if (n <= 15) {
        return lgamma(n + 1) - (n + 0.5) * log(n) + n - HALF_LOG_TWO_PI;
    }
    const double s0 = 1.0 / 12, s1 = 1.0 / 360, s2 = 1.0 / 1260, s3 = 1.0 / 1680, s4 = 1.0 / 1188;
    const double s5 = 691.0 / 360360, nn = n * n;
    return (s0 - (s1 - (s2 - (s3 - (s4 - s5 / nn) / nn) / nn) / nn) / nn) / n;
}

// x log(x / m) + m - x without cancellation near x = m (Loader 2000, equation 5).
static double deviance(double x, double m)
{
    if (fabs(x - m) < 0.1 * (x + m)) {
        const double v = (x - m) / (x + m);
        double sum = (x - m) * v;
        double term = 2 * x * v;
        for (int j = 1; j < 1000; j++) {
            term *= v * v;
            const double next = sum + term / (2 * j + 1);
            if (next == sum) break;
            sum = next;
        }
        return sum;
    }
    return x * log(x / m) + m - x;
}

double beta_factor(double x, double y, double a, double b)
{
    if (x <= 0 || y <= 0) return 0;
    const double n = a + b;
    // The binomial probability of a in n at x, as Loader 2000 has it, times a b / n.
    const double exponent = stirling_error(n) - stirling_error(a) - stirling_error(b) -
                            deviance(a, n * x) - deviance(b, n * y);
    return sqrt(n / (TWO_PI * a * b)) * exp(exponent) * (a * b / n);
}

double gamma_factor(double x, double a)
{
    if (x <= 0) return 0;
    return a * exp(-stirling_error(a) - deviance(a, x)) / sqrt(TWO_PI * a);
}

// Keeps Lentz's quotients away from zero.
static double away_from_zero(double v)
{
    return fabs(v) < DBL_MIN * 1e10 ? DBL_MIN * 1e10 : v;
}

// The reciprocal of a continued fraction for I_x(a, b) (DiDonato & Morris 1992, equation 9: the even part of DLMF
// 8.17.22), by Lentz's method; converges fast for x < (a + 1) / (a + b + 2). y = 1 - x keeps it exact near 1.
static double beta_fraction(double x, double y, double a, double b)
{
    const double lambda = a * y - b * x;
    double f = away_from_zero(a * (lambda + 1) / (a + 1));
    double c = f, d = 0;
    for (int m = 1; m < MAX_TERMS; m++) {
        const double down = a + 2 * m - 1;
        const double numerator =
            (a + m - 1) / down * ((a + b + m - 1) / down) * m * (b - m) * x * x;
        const double denominator =
            m + m * (b - m) * x / down + (a + m) / (down + 2) * (lambda + 1 + m * (1 + y));
        d = 1 / away_from_zero(denominator + numerator * d);
        c = away_from_zero(denominator + numerator / c);
        const double step = c * d;
        f *= step;
        if (fabs(step - 1) <= DBL_EPSILON) break;
    }
    return 1 / f;
}

Tails beta_tails(double x, double y, double a, double b)
{
    if (x <= 0) return (Tails){.lower = 0, .upper = 1};
    if (y <= 0) return (Tails){.lower = 1, .upper = 0};
    const double factor = beta_factor(x, y, a, b);
    Tails t;
    if (x <= (a + 1) / (a + b + 2)) {
        t.lower = fmin(1, factor * beta_fraction(x, y, a, b));
        t.upper = 1 - t.lower;
    } else {
        t.upper = fmin(1, factor * beta_fraction(y, x, b, a));
        t.lower = 1 - t.upper;
    }
    return t;
}

Tails gamma_tails(double x, double a)
{
    if (x <= 0) return (Tails){.lower = 0, .upper = 1};
    if (isinf(x)) return (Tails){.lower = 1, .upper = 0};
    const double factor = gamma_factor(x, a);
    Tails t;
    if (x < a + 1) { // the series of DLMF 8.7.1
        double term = 1 / a, sum = term;
        for (int n = 1; n < MAX_TERMS; n++) {
            term *= x / (a + n);
            sum += term;
            if (term <= sum * DBL_EPSILON * 0.25) break;
        }
        t.lower = fmin(1, factor * sum);
        t.upper = 1 - t.lower;
    } else { // the continued fraction of DLMF 8.9.2
        double b = x + 1 - a, c = 1 / (DBL_MIN * 1e10), d = 1 / away_from_zero(b), h = d;
        for (int n = 1; n < MAX_TERMS; n++) {
            const double an = -n * (n - a);
            b += 2;
            d = 1 / away_from_zero(an * d + b);
            c = away_from_zero(b + an / c);
            const double step = d * c;
            h *= step;
            if (fabs(step - 1) <= DBL_EPSILON) break;
        }
        t.upper = fmin(1, factor * h);
        t.lower = 1 - t.upper;
    }
    return t;
}
