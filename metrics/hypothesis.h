// metrics/hypothesis.h: significance tests on plain numbers. For two systems judged by one metric see paired.h.
//
// p-values are two-sided unless a name says otherwise; p_less asks whether x (or x - y) is lower, p_greater whether it
// is higher. A test that the data cannot feed (one value, no spread) gives NaN.
#ifndef ASSAY_METRICS_HYPOTHESIS_H
#define ASSAY_METRICS_HYPOTHESIS_H

#include "base/error.h"
#include "metrics/intervals.h"

typedef struct TestResult {
    double statistic;
    double df; // degrees of freedom; NaN where the test has none
    double p, p_less, p_greater;
} TestResult;

// McNemar 1947 on the discordant pairs: b where only the first is right, c where only the second is. Without any
// discordant pair the exact p is 1.
double mcnemar_exact(double b, double c);
// Lancaster's mid-p (Fagerland, Lydersen & Laake 2013): less conservative than the exact one.
double mcnemar_mid_p(double b, double c);
// (|b - c| - correction)^2 / (b + c), correction 0 or 1; against chi-squared with one degree of freedom.
TestResult mcnemar_chi2(double b, double c, double correction);

// Student's t on differences x_i - y_i, and on two groups with equal or unequal (Welch) variances.
TestResult t_paired(const double *x, const double *y, size_t n);
Interval t_paired_interval(const double *x, const double *y, size_t n, double level);
TestResult t_student(const double *x, size_t n_x, const double *y, size_t n_y);
TestResult t_welch(const double *x, size_t n_x, const double *y, size_t n_y);
// Nadeau & Bengio 2003, equation 14: t over k differences of cross-validation folds, whose training sets overlap: the
// variance is multiplied by 1/k + n_test / n_train. differences [k].
TestResult t_folds(const double *differences, size_t k, double n_test, double n_train);
Interval t_folds_interval(const double *differences, size_t k, double n_test, double n_train,
                          double level);
// Alpaydin 1999: five repetitions of two folds, differences [5, 2]; the statistic is F with 10 and 5 degrees of freedom.
TestResult f_5x2cv(const double *differences);

// Is what was improved by `improvement` (with this standard error) worse by less than margin >= 0? One-sided: the
// chance of so good a result if it were worse by exactly the margin. df INFINITY for the normal.
double noninferiority_p(double improvement, double standard_error, double df, double margin);
// Two one-sided tests (Schuirmann 1987): do the two differ by less than the margin, either way?
double equivalence_p(double difference, double standard_error, double df, double margin);

typedef enum WilcoxonZeros { WILCOXON_DROP, WILCOXON_PRATT, WILCOXON_SPLIT } WilcoxonZeros;
typedef enum WilcoxonMethod {
    WILCOXON_AUTO, // exact up to 50 differences without ties or zeros and up to 13 with them, else normal
    WILCOXON_EXACT, // all sign assignments of the ranks (ties too), zeros dropped; at most 5,000 differences
    WILCOXON_NORMAL, // with the correction of the variance for ties
} WilcoxonMethod;
// Signed ranks of x_i - y_i. The statistic is the smaller rank sum.
Status wilcoxon(const double *x, const double *y, size_t n, WilcoxonZeros zeros,
                WilcoxonMethod method, bool is_corrected, TestResult *out, Error *err) MUST_CHECK;

// Mann & Whitney's U of x over y: exact for untied values (n_x * n_y at most 100,000), or normal with corrections for
// ties and continuity.
Status mann_whitney(const double *x, size_t n_x, const double *y, size_t n_y, bool is_exact,
                    TestResult *out, Error *err) MUST_CHECK;
// Signs of x_i - y_i: statistic is how many are positive, df how many are not zero.
TestResult sign_test(const double *x, const double *y, size_t n);

// Mean difference over the standard deviation of differences.
double cohen_d_paired(const double *x, const double *y, size_t n);
// Difference of means over the pooled standard deviation of two groups, and the same times Hedges' correction for small
// groups, 1 - 3 / (4 (n_x + n_y) - 9).
double cohen_d(const double *x, size_t n_x, const double *y, size_t n_y);
double hedges_g(const double *x, size_t n_x, const double *y, size_t n_y);
// Of two proportions: 2 asin(sqrt(p)) - 2 asin(sqrt(q)) (Cohen 1988).
double cohen_h(double p, double q);
// P(x > y) - P(x < y) over all pairs.
Status cliffs_delta(const double *x, size_t n_x, const double *y, size_t n_y, double *out,
                    Error *err) MUST_CHECK;

// Fisher-Pitman test of paired values: sign flips of the differences, all of them for n <= 20, else n_draws drawn ones
// with p = (k + 1) / (n_draws + 1); k counts draws at least as far from 0 as what was seen.
Status sign_flip_test(const double *differences, size_t n, size_t n_draws, uint64_t seed, double *p,
                      Error *err) MUST_CHECK;

// Several groups. Kruskal & Wallis 1952 (ranks, corrected for ties) and the F of one-way analysis of variance take
// groups of any length; statistics stand against chi-squared and F with k - 1 (and N - k) degrees of freedom.
Status kruskal(const double *const *groups, const size_t *lengths, size_t k, TestResult *out,
               Error *err) MUST_CHECK;
TestResult anova(const double *const *groups, const size_t *lengths, size_t k, double *df_within);
// Friedman 1937: k systems over the same n data sets, ranked within each, corrected for ties. Wants k >= 3.
Status friedman(const double *const *systems, size_t k, size_t n, TestResult *out,
                Error *err) MUST_CHECK;

// Counts table [n_rows, n_columns]: Pearson's chi-squared for independence; with one degree of freedom optionally with
// Yates's correction. Negative or infinite counts and margins of zero give NaN.
TestResult chi2_table(const double *table, size_t n_rows, size_t n_columns, bool is_corrected);
// Fisher's exact test of a table {a, b, c, d}; the statistic is the odds ratio ad / bc. Two-sided: every table that is no
// more likely than this one. Wants whole counts.
TestResult fisher_exact(const double table[4]);

// Ranks from 1, ties sharing their mean; ranks [n]. Returns sum(t^3 - t) over tie groups through *ties (may be NULL).
Status rank_average(const double *values, size_t n, double *ranks, double *ties,
                    Error *err) MUST_CHECK;

#endif
