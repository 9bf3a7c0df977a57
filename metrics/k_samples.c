// Tests of several groups.
#include <math.h>

#include "base/size.h"
#include "metrics/distributions.h"
#include "metrics/hypothesis.h"

static const TestResult undefined = {
    .statistic = NAN, .df = NAN, .p = NAN, .p_less = NAN, .p_greater = NAN};

static TestResult chi2_result(double statistic, double df)
{
    TestResult out = undefined;
    out.statistic = statistic;
    out.df = df;
    out.p = chi2_sf(statistic, df);
    return out;
}

static Status gather_groups(const double *const *groups, const size_t *lengths, size_t k,
                            Arena *arena, double **values, size_t *n, Error *err)
{
    *n = 0;
    for (size_t g = 0; g < k; g++) {
        if (!size_add(*n, lengths[g], n)) return error_set_memory(err, *n, lengths[g], "values");
    }
    TRY(arena_take(arena, *n, sizeof **values, "values", values, err));
    for (size_t g = 0, at = 0; g < k; g++) {
        for (size_t i = 0; i < lengths[g]; i++) {
            if (isnan(groups[g][i]))
                return error_set(err, STATUS_INVALID, "value %zu of group %zu is not a number", i,
                                 g);
            (*values)[at++] = groups[g][i];
        }
    }
    return STATUS_OK;
}

static Status kruskal_in(Arena *arena, const double *const *groups, const size_t *lengths, size_t k,
                         TestResult *out, Error *err)
{
    double *values, *ranks, cubes, sum = 0;
    size_t n;
    TRY(gather_groups(groups, lengths, k, arena, &values, &n, err));
    TRY(arena_take(arena, n, sizeof *ranks, "ranks", &ranks, err));
    TRY(rank_average(values, n, ranks, &cubes, err));
    for (size_t g = 0, at = 0; g < k; g++) {
        double ranked = 0;
        if (lengths[g] == 0) return STATUS_OK;
        for (size_t i = 0; i < lengths[g]; i++) ranked += ranks[at++];
        sum += ranked * ranked / (double)lengths[g];
    }
    const double m = (double)n, spread = 1 - cubes / (m * m * m - m);
    if (k < 2 || !(spread > 0)) return STATUS_OK;
    *out = chi2_result((12 / (m * (m + 1)) * sum - 3 * (m + 1)) / spread, (double)k - 1);
    return STATUS_OK;
}

Status kruskal(const double *const *groups, const size_t *lengths, size_t k, TestResult *out,
               Error *err)
{
    Arena arena = {0};
    *out = undefined;
    const Status s = kruskal_in(&arena, groups, lengths, k, out, err);
    arena_release(&arena);
    return s;
}

TestResult anova(const double *const *groups, const size_t *lengths, size_t k, double *df_within)
{
    double n = 0, total = 0, between = 0, within = 0;
    TestResult out = undefined;
    *df_within = NAN;
    for (size_t g = 0; g < k; g++) {
        if (lengths[g] == 0) return out;
        for (size_t i = 0; i < lengths[g]; i++) total += groups[g][i];
        n += (double)lengths[g];
    }
    if (k < 2 || n <= (double)k) return out;
    for (size_t g = 0; g < k; g++) {
        double mean = 0;
        for (size_t i = 0; i < lengths[g]; i++) mean += groups[g][i];
        mean /= (double)lengths[g];
        for (size_t i = 0; i < lengths[g]; i++)
            within += (groups[g][i] - mean) * (groups[g][i] - mean);
        between += (double)lengths[g] * (mean - total / n) * (mean - total / n);
    }
    out.df = (double)k - 1;
    *df_within = n - (double)k;
    out.statistic = between / out.df / (within / *df_within);
    out.p = f_sf(out.statistic, out.df, *df_within);
    return out;
}

static Status friedman_in(Arena *arena, const double *const *systems, size_t k, size_t n,
                          TestResult *out, Error *err)
{
    double *values, *ranks, *sums, cubes = 0, squares = 0;
    TRY(arena_take(arena, k, sizeof *values, "values", &values, err));
    TRY(arena_take(arena, k, sizeof *ranks, "ranks", &ranks, err));
    TRY(arena_take(arena, k, sizeof *sums, "sums of ranks", &sums, err));
    for (size_t i = 0; i < n; i++) {
        double tied;
        for (size_t s = 0; s < k; s++) {
            values[s] = systems[s][i];
            if (isnan(values[s]))
                return error_set(err, STATUS_INVALID, "value %zu of system %zu is not a number", i,
                                 s);
        }
        TRY(rank_average(values, k, ranks, &tied, err));
        cubes += tied;
        for (size_t s = 0; s < k; s++) sums[s] += ranks[s];
    }
    for (size_t s = 0; s < k; s++) squares += sums[s] * sums[s];
    const double m = (double)k, b = (double)n, spread = 1 - cubes / (m * (m * m - 1) * b);
    if (n == 0 || !(spread > 0)) return STATUS_OK;
    *out = chi2_result((12 / (m * b * (m + 1)) * squares - 3 * b * (m + 1)) / spread, m - 1);
    return STATUS_OK;
}

Status friedman(const double *const *systems, size_t k, size_t n, TestResult *out, Error *err)
{
    *out = undefined;
    if (k < 3) return error_set(err, STATUS_INVALID, "wants three systems or more, not %zu", k);
    Arena arena = {0};
    const Status s = friedman_in(&arena, systems, k, n, out, err);
    arena_release(&arena);
    return s;
}
