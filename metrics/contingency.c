// Tests of tables of counts.
#include <math.h>

#include "metrics/distributions.h"
#include "metrics/hypothesis.h"

static const TestResult undefined = {
    .statistic = NAN, .df = NAN, .p = NAN, .p_less = NAN, .p_greater = NAN};

static double row_sum(const double *table, size_t n_columns, size_t row)
{
    double sum = 0;
    for (size_t c = 0; c < n_columns; c++) sum += table[row * n_columns + c];
    return sum;
}

static double column_sum(const double *table, size_t n_rows, size_t n_columns, size_t column)
{
    double sum = 0;
    for (size_t r = 0; r < n_rows; r++) sum += table[r * n_columns + column];
    return sum;
}

TestResult chi2_table(const double *table, size_t n_rows, size_t n_columns, bool is_corrected)
{
    double total = 0, statistic = 0;
    for (size_t r = 0; r < n_rows; r++) total += row_sum(table, n_columns, r);
    const double df = ((double)n_rows - 1) * ((double)n_columns - 1);
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t c = 0; c < n_columns; c++) {
            const double seen = table[r * n_columns + c];
            const double expected =
                row_sum(table, n_columns, r) * column_sum(table, n_rows, n_columns, c) / total;
            if (!(seen >= 0) || !isfinite(seen) || !(expected > 0)) return undefined;
            double apart = fabs(seen - expected);
            if (is_corrected && df == 1) apart -= fmin(0.5, apart);
            statistic += apart * apart / expected;
        }
    }
    TestResult out = undefined;
    if (n_rows == 0 || n_columns == 0) return out;
    out.statistic = statistic;
    out.df = df;
    out.p = df > 0 ? chi2_sf(statistic, df) : 1;
    return out;
}

// The chance of k among n drawn from total of which `marked` are marked, by the saddle-point form of the binomials
// (Loader 2000), which loses no digits to large factorials.
static double hypergeometric(double k, double n, double marked, double total)
{
    const double p = n / total;
    if (n == 0 || n == total) return 1;
    return binomial_pmf(k, marked, p) * binomial_pmf(n - k, total - marked, p) /
           binomial_pmf(n, total, p);
}

TestResult fisher_exact(const double table[4])
{
    TestResult out = undefined;
    for (size_t i = 0; i < 4; i++) {
        if (!(table[i] >= 0) || table[i] != floor(table[i]) || table[i] > 1e9) return out;
    }
    const double n = table[0] + table[1], marked = table[0] + table[2];
    const double total = n + table[2] + table[3];
    out.statistic = table[0] * table[3] / (table[1] * table[2]);
    out.p = out.p_less = out.p_greater = 1;
    if (n == 0 || marked == 0 || n == total || marked == total) return out; // one table only
    out.p = out.p_less = out.p_greater = 0;
    const double seen = hypergeometric(table[0], n, marked, total);
    const double lowest = fmax(0, n - (total - marked)), highest = fmin(n, marked);
    const size_t n_tables = (size_t)(highest - lowest) + 1;
    for (size_t i = 0; i < n_tables; i++) {
        const double k = lowest + (double)i;
        const double chance = hypergeometric(k, n, marked, total);
        if (chance <= seen * (1 + 1e-7)) out.p += chance; // equal but for rounding counts as equal
        if (k <= table[0]) out.p_less += chance;
        if (k >= table[0]) out.p_greater += chance;
    }
    out.p = fmin(1, out.p);
    out.p_less = fmin(1, out.p_less);
    out.p_greater = fmin(1, out.p_greater);
    return out;
}
