// metrics/correlation_tests.h: is a correlation real? The coefficients of correlation.c with their p-values.
//
// p is two-sided, against no correlation at all. A constant side, or fewer values than a test wants, gives NaN.
#ifndef ASSAY_METRICS_CORRELATION_TESTS_H
#define ASSAY_METRICS_CORRELATION_TESTS_H

#include "base/error.h"
#include "metrics/intervals.h"

typedef struct CorrelationResult {
    double r;
    double p;
    double lo,
        hi; // of Pearson's r by Fisher's transformation; NaN below four values and for the others
} CorrelationResult;

typedef struct CorrelationTests {
    CorrelationResult pearson;  // exact under normality: Student 1908
    CorrelationResult spearman; // t with n - 2 degrees of freedom on the ranks' r
    CorrelationResult
        kendall_b; // exact without ties up to 33 values or next to none out of order, else normal
    CorrelationResult kendall_c;      // Stuart 1953; with tau-b's p
    double mse, mae, r2, concordance; // of y as prediction of x
} CorrelationTests;

// x, y [n], finite. level is that of the interval.
Status correlation_tests(const double *x, const double *y, size_t n, double level,
                         CorrelationTests *out, Error *err) MUST_CHECK;

#endif
