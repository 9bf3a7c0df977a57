// metrics/distributions.h: distribution functions, to about 1e-12 relative in both tails.
//
// cdf is P(X <= x), sf is P(X > x) without the cancellation of 1 - cdf, quantile is the inverse of cdf. Arguments
// outside a function's domain give NaN; p = 0 and 1 give the ends of the range.
// Sources: Loader 2000, "Fast and accurate computation of binomial probabilities" (the leading factors); DiDonato
// & Morris 1992 and DLMF 8.9.2 (continued fractions); Lentz's method as in DLMF 3.10.
#ifndef ASSAY_METRICS_DISTRIBUTIONS_H
#define ASSAY_METRICS_DISTRIBUTIONS_H

double normal_cdf(double x);
double normal_sf(double x);
double normal_quantile(double p);

// Student's t; df > 0, INFINITY gives the normal.
double t_cdf(double t, double df);
double t_sf(double t, double df);
double t_quantile(double p, double df);
// The t with P(T > t) = q, for q too near 0 to be written as 1 - p.
double t_upper_quantile(double q, double df);

double chi2_cdf(double x, double df);
double chi2_sf(double x, double df);
double chi2_quantile(double p, double df);

// Regularised incomplete beta function I_x(a, b); a, b > 0.
double beta_cdf(double x, double a, double b);
double beta_sf(double x, double a, double b);
double beta_quantile(double p, double a, double b);

double f_cdf(double x, double df1, double df2);
double f_sf(double x, double df1, double df2);
double f_quantile(double p, double df1, double df2);

// P(X <= k), P(X = k) and P(X >= k) of k successes in n trials, each with chance p.
double binomial_cdf(double k, double n, double p);
double binomial_pmf(double k, double n, double p);
double binomial_sf_inclusive(double k, double n, double p);

#endif
