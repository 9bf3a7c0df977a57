// metrics/distributions_internal.h: the two special functions behind the distributions, both tails at once.
#ifndef ASSAY_METRICS_DISTRIBUTIONS_INTERNAL_H
#define ASSAY_METRICS_DISTRIBUTIONS_INTERNAL_H

// A probability and its complement, each accurate on its own.
typedef struct Tails {
    double lower, upper;
} Tails;

// I_x(a, b) with y = 1 - x given apart, so that neither end loses digits; a, b > 0, x, y >= 0.
Tails beta_tails(double x, double y, double a, double b);
// Regularised incomplete gamma functions P(a, x) and Q(a, x); a > 0, x >= 0.
Tails gamma_tails(double x, double a);
// x^a y^b / B(a, b) and x^a e^-x / Gamma(a): densities times x y and times x.
double beta_factor(double x, double y, double a, double b);
double gamma_factor(double x, double a);

// x with I_x(a, b) = p where q = 1 - p is given apart; lower is x and upper is 1 - x.
Tails beta_point(double p, double q, double a, double b);

#endif
