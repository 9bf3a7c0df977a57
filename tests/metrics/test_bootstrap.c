// Bootstrap intervals against scipy's under the same draws, and the generator's promises.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/bootstrap.h"
#include "tests/metrics/golden.h"

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// mean, median or std (n in the denominator, as numpy has it) of values, which are sorted in place.
static double statistic(Slice name, double *values, size_t n)
{
    if (slice_eq_cstr(name, "mean")) return mean_of(values, n);
    if (slice_eq_cstr(name, "std")) {
        return standard_deviation(values, n) * sqrt((double)(n - 1) / (double)n);
    }
    qsort(values, n, sizeof *values, compare);
    return quantile_sorted(values, n, 0.5);
}

typedef struct Sample {
    double *data, *replicates, *left_out, *buffer;
    size_t n, n_replicates;
    double observed;
} Sample;

static Sample resample(Arena *arena, const Json *r, Slice name)
{
    Sample s = {0};
    const Json *indices = json_get(r, "indices");
    s.data = golden_doubles(arena, json_get(r, "data"), &s.n);
    s.n_replicates = json_len(indices);
    s.replicates = ARENA_NEW(arena, double, s.n_replicates);
    s.left_out = ARENA_NEW(arena, double, s.n);
    s.buffer = ARENA_NEW(arena, double, s.n);
    size_t at = 0;
    for (const Json *row = json_first(indices); row != NULL; row = json_next(row), at++) {
        size_t i = 0;
        for (const Json *v = json_first(row); v != NULL; v = json_next(v)) {
            s.buffer[i++] = s.data[(size_t)json_double(v)];
        }
        s.replicates[at] = statistic(name, s.buffer, s.n);
    }
    for (size_t i = 0; i < s.n; i++) {
        size_t kept = 0;
        for (size_t j = 0; j < s.n; j++) {
            if (j != i) s.buffer[kept++] = s.data[j];
        }
        s.left_out[i] = statistic(name, s.buffer, kept);
    }
    memcpy(s.buffer, s.data, s.n * sizeof *s.data);
    s.observed = statistic(name, s.buffer, s.n);
    return s;
}

static Interval interval_of(const Sample *s, Slice method)
{
    if (slice_eq_cstr(method, "basic")) {
        return interval_basic(s->replicates, s->n_replicates, s->observed, 0.95);
    }
    if (slice_eq_cstr(method, "BCa")) {
        return interval_bca(s->replicates, s->n_replicates, s->observed, s->left_out, s->n, 0.95);
    }
    return interval_percentile(s->replicates, s->n_replicates, 0.95);
}

Test(bootstrap, intervals_agree_with_scipy_under_the_same_draws)
{
    Golden golden = golden_open("stats/bootstrap.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        if (json_get(r, "indices") == NULL || json_get(r, "data") == NULL) continue;
        Arena arena = {0};
        const Sample s = resample(&arena, r, json_string(json_get(r, "statistic")));
        const Json *expected = json_get(r, "expected"), *ci = json_get(expected, "ci95");
        expect_close(s.observed, golden_get(expected, "observed"), 1e-9, "observed", golden.line);
        expect_close(standard_deviation(s.replicates, s.n_replicates),
                     golden_get(expected, "standard_error"), 1e-9, "error", golden.line);
        const Interval got = interval_of(&s, json_string(json_get(r, "method")));
        expect_close(got.lo, golden_double(json_at(ci, 0)), 1e-9, "low", golden.line);
        expect_close(got.hi, golden_double(json_at(ci, 1)), 1e-9, "high", golden.line);
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_geq(n_cases, (size_t)18);
}

Test(bootstrap, quantiles_agree_with_numpy)
{
    Golden golden = golden_open("stats/bootstrap.jsonl");
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *kind = json_get(r, "kind");
        if (kind == NULL || !slice_eq_cstr(json_string(kind), "quantile")) continue;
        Arena arena = {0};
        size_t n, n_q;
        double *data = golden_doubles(&arena, json_get(r, "data"), &n);
        const double *q = golden_doubles(&arena, json_get(r, "q"), &n_q);
        qsort(data, n, sizeof *data, compare);
        for (size_t i = 0; i < n_q; i++) {
            const Json *want = json_at(json_get(json_get(r, "expected"), "linear"), i);
            expect_close(quantile_sorted(data, n, q[i]), golden_double(want), 1e-12, "quantile",
                         golden.line);
        }
        arena_release(&arena);
    }
    golden_close(&golden);
}

Test(bootstrap, large_cases_agree_within_monte_carlo_error)
{
    Golden golden = golden_open("stats/bootstrap.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *data = json_get(r, "data");
        if (json_get(r, "indices") != NULL || data == NULL || json_get(r, "kind") != NULL) continue;
        if (!slice_eq_cstr(json_string(json_get(r, "statistic")), "mean")) continue;
        if (slice_eq_cstr(json_string(json_get(r, "method")), "basic")) continue;
        Arena arena = {0};
        size_t n;
        const double *x = golden_doubles(&arena, data, &n);
        double *rows = ARENA_NEW(&arena, double, 2 * n);
        for (size_t i = 0; i < n; i++) {
            rows[2 * i] = x[i];
            rows[2 * i + 1] = 1;
        }
        TestPlan plan;
        plan_open(&plan, "log_loss", NULL, 2); // any mean over items
        const RowSet set = {.values = rows, .n_rows = n, .n_clusters = n};
        const bool is_bca = slice_eq_cstr(json_string(json_get(r, "method")), "BCa");
        const IntervalOptions options = {.method = is_bca ? INTERVAL_BCA : INTERVAL_PERCENTILE,
                                         .n_resamples = 20000,
                                         .seed = 17};
        Score *scores;
        Error err = {0};
        cr_assert_eq(scores_of_rows(&plan.plan, &set, &options, &arena, &scores, &err), STATUS_OK,
                     "%s", err.text);
        const Json *ci = json_get(json_get(r, "expected"), "ci95");
        const double lo = golden_double(json_at(ci, 0)), hi = golden_double(json_at(ci, 1));
        // The reference's own ends move by 2% of the width (its draws), and for BCa by 2% more (its z0).
        const double slack = (is_bca ? 0.1 : 0.05) * (hi - lo);
        cr_expect_float_eq(scores[0].lo, lo, slack, "line %zu: %g", golden.line, scores[0].lo);
        cr_expect_float_eq(scores[0].hi, hi, slack, "line %zu: %g", golden.line, scores[0].hi);
        plan_release(&plan);
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_geq(n_cases, (size_t)4);
}

Test(bootstrap, draws_are_uniform_and_complete)
{
    enum { N = 10, RESAMPLES = 20000 };
    uint32_t counts[N];
    double totals[N] = {0};
    for (size_t r = 0; r < RESAMPLES; r++) {
        bootstrap_counts(3, r, N, counts);
        size_t sum = 0;
        for (size_t i = 0; i < N; i++) {
            sum += counts[i];
            totals[i] += counts[i];
        }
        cr_assert_eq(sum, (size_t)N);
    }
    // Each total is binomial(200000, 1/10): five standard deviations.
    for (size_t i = 0; i < N; i++) cr_expect_float_eq(totals[i], RESAMPLES, 5 * 134.2);
}

Test(bootstrap, swaps_are_fair_and_differ_by_resample)
{
    enum { N = 1000 };
    unsigned char a[N], b[N];
    size_t n_set = 0, n_equal = 0;
    bootstrap_swaps(3, 0, N, a);
    bootstrap_swaps(3, 1, N, b);
    for (size_t i = 0; i < N; i++) {
        cr_assert_leq(a[i], 1);
        n_set += a[i];
        n_equal += a[i] == b[i];
    }
    cr_expect_float_eq((double)n_set, 500, 80);
    cr_expect_float_eq((double)n_equal, 500, 80);
}

Test(bootstrap, does_not_depend_on_threads)
{
    enum { N = 200, RESAMPLES = 300 };
    static const char *const names[] = {"accuracy", "f1"};
    Item items[N];
    for (size_t i = 0; i < N; i++) {
        items[i] = item_empty();
        items[i].label = (int32_t)(i % 3);
        items[i].predicted = (int32_t)(i * i % 3);
        items[i].weight = 1 + 0.25 * (double)(i % 4);
    }
    Error err = {0};
    Pool *pool = NULL;
    cr_assert_eq(pool_open(3, &pool, &err), STATUS_OK, "%s", err.text);
    for (size_t m = 0; m < 2; m++) {
        TestPlan plan;
        plan_open(&plan, names[m], NULL, 3);
        RowSet rows;
        cr_assert_eq(rows_of_items(&plan.plan, items, N, pool, &plan.arena, &rows, &err),
                     STATUS_OK);
        const System system = {&plan.plan, &rows};
        const size_t cells = RESAMPLES * plan.plan.n_scores;
        double *one = ARENA_NEW(&plan.arena, double, cells),
               *many = ARENA_NEW(&plan.arena, double, cells);
        cr_assert_eq(
            bootstrap_replicates(&system, 1, RESAMPLE_BOOTSTRAP, RESAMPLES, 9, NULL, one, &err),
            STATUS_OK);
        cr_assert_eq(
            bootstrap_replicates(&system, 1, RESAMPLE_BOOTSTRAP, RESAMPLES, 9, pool, many, &err),
            STATUS_OK);
        cr_expect_eq(memcmp(one, many, cells * sizeof *one), 0, "%s", names[m]);
        plan_release(&plan);
    }
    pool_close(&pool);
}

Test(bootstrap, refuses_systems_over_different_items)
{
    const double values[] = {1, 1, 0, 1, 1, 1};
    const RowSet three = {.values = values, .n_rows = 3, .n_clusters = 3};
    const RowSet two = {.values = values, .n_rows = 2, .n_clusters = 2};
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    const System systems[] = {{&plan.plan, &three}, {&plan.plan, &two}};
    double out[8];
    Error err = {0};
    cr_expect_eq(bootstrap_replicates(systems, 2, RESAMPLE_BOOTSTRAP, 2, 1, NULL, out, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "same items") != NULL, "%s", err.text);
    plan_release(&plan);
}

// Whole sums are added in 16-bit lanes, others as doubles: halves of whole numbers take the second way, and a metric that is
// a ratio of sums must not see it.
Test(bootstrap, adds_small_whole_sums_exactly)
{
    enum { N = 2500, RESAMPLES = 40 };
    static const double largest[] = {3, 60, 1000, 2000,
                                     70000}; // the last two are too large for lanes
    TestPlan plan;
    Error err = {0};
    plan_open(&plan, "log_loss", NULL, 2); // any mean over items
    const size_t n = N, n_resamples = RESAMPLES;
    for (size_t k = 0; k < sizeof largest / sizeof *largest; k++) {
        for (size_t kind = RESAMPLE_BOOTSTRAP; kind <= RESAMPLE_SWAP; kind++) {
            Arena arena = {0};
            double *whole = ARENA_NEW(&arena, double, 4 * n),
                   *halved = ARENA_NEW(&arena, double, 4 * n);
            double *a = ARENA_NEW(&arena, double, 2 * n_resamples),
                   *b = ARENA_NEW(&arena, double, 2 * n_resamples);
            for (size_t i = 0; i < 4 * n; i++) {
                whole[i] = floor(fmod((double)(i * i) * 0.731, 1) * (largest[k] + 1));
                halved[i] = whole[i] / 2;
            }
            const RowSet rows[] = {{.values = whole, .n_rows = N, .n_clusters = N},
                                   {.values = whole + 2 * n, .n_rows = N, .n_clusters = N},
                                   {.values = halved, .n_rows = N, .n_clusters = N},
                                   {.values = halved + 2 * n, .n_rows = N, .n_clusters = N}};
            const System first[] = {{&plan.plan, &rows[0]}, {&plan.plan, &rows[1]}};
            const System second[] = {{&plan.plan, &rows[2]}, {&plan.plan, &rows[3]}};
            cr_assert_eq(
                bootstrap_replicates(first, 2, (ResampleKind)kind, RESAMPLES, 5, NULL, a, &err),
                STATUS_OK);
            cr_assert_eq(
                bootstrap_replicates(second, 2, (ResampleKind)kind, RESAMPLES, 5, NULL, b, &err),
                STATUS_OK);
            for (size_t r = 0; r < 2 * n_resamples; r++)
                cr_expect_eq(a[r], b[r], "largest %g, replicate %zu", largest[k], r);
            arena_release(&arena);
        }
    }
    plan_release(&plan);
}
