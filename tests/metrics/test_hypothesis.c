// Significance tests against scipy's and statsmodels'.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "metrics/hypothesis.h"
#include "tests/metrics/golden.h"

typedef struct Pairs {
    const double *x, *y;
    size_t n;
} Pairs;

static void expect_p(double got, const Json *record, const char *key, const char *what, size_t line)
{
    const Json *want = json_get(record, key);
    if (want == NULL) return;
    const double p = golden_double(want);
    cr_expect(is_close(got, p, 1e-7, 1e-12), "line %zu: %s %s: got %.17g, want %.17g", line, what,
              key, got, p);
}

static void expect_result(const TestResult *got, const Json *record, const char *statistic,
                          const char *what, size_t line)
{
    if (record == NULL) return;
    if (json_get(record, "expected") != NULL) record = json_get(record, "expected");
    expect_close(got->statistic, golden_get(record, statistic), 1e-9, what, line);
    expect_p(got->p, record, "p", what, line);
    expect_p(got->p_less, record, "p_less", what, line);
    expect_p(got->p_greater, record, "p_greater", what, line);
}

static void expect_mcnemar(const Json *r, size_t line)
{
    const Json *table = json_get(r, "table"), *e = json_get(r, "expected");
    const double b = golden_double(json_at(json_at(table, 0), 1));
    const double c = golden_double(json_at(json_at(table, 1), 0));
    const TestResult plain = mcnemar_chi2(b, c, 0), corrected = mcnemar_chi2(b, c, 1);
    const TestResult exact = {.statistic = fmin(b, c), .p = mcnemar_exact(b, c)};
    expect_result(&exact, json_get(e, "exact"), "statistic", "exact", line);
    expect_result(&plain, json_get(e, "chi2"), "statistic", "chi2", line);
    expect_result(&corrected, json_get(e, "chi2_corrected"), "statistic", "chi2 corrected", line);
}

static void expect_wilcoxon(const Pairs *d, const Json *e, size_t line)
{
    static const char *const zeros[] = {"wilcox", "pratt", "zsplit"};
    TestResult got;
    Error err = {0};
    for (size_t z = 0; z < 3; z++) {
        for (int corrected = 0; corrected < 2; corrected++) {
            char key[64];
            snprintf(key, sizeof key, "wilcoxon_approx_%s_corr%d", zeros[z], corrected);
            cr_assert_eq(wilcoxon(d->x, d->y, d->n, (WilcoxonZeros)z, WILCOXON_NORMAL, corrected,
                                  &got, &err),
                         STATUS_OK, "%s", err.text);
            expect_result(&got, json_get(e, key), "W", key, line);
        }
    }
    cr_assert_eq(wilcoxon(d->x, d->y, d->n, WILCOXON_DROP, WILCOXON_EXACT, false, &got, &err),
                 STATUS_OK, "%s", err.text);
    expect_result(&got, json_get(e, "wilcoxon_exact"), "W", "wilcoxon exact", line);
    cr_assert_eq(wilcoxon(d->x, d->y, d->n, WILCOXON_DROP, WILCOXON_AUTO, false, &got, &err),
                 STATUS_OK, "%s", err.text);
    expect_result(&got, json_get(e, "wilcoxon_auto"), "W", "wilcoxon auto", line);
}

static void expect_mann_whitney(const Pairs *d, const Json *e, size_t line)
{
    TestResult got;
    Error err = {0};
    cr_assert_eq(mann_whitney(d->x, d->n, d->y, d->n, false, &got, &err), STATUS_OK, "%s",
                 err.text);
    expect_result(&got, json_get(e, "mannwhitney_asymptotic"), "U", "mann-whitney", line);
    if (json_get(e, "mannwhitney_exact") == NULL) return;
    cr_assert_eq(mann_whitney(d->x, d->n, d->y, d->n, true, &got, &err), STATUS_OK, "%s", err.text);
    expect_result(&got, json_get(e, "mannwhitney_exact"), "U", "mann-whitney exact", line);
}

static void expect_paired(const Json *r, size_t line)
{
    Arena arena = {0};
    Pairs d = {0};
    d.x = golden_doubles(&arena, json_get(r, "x"), &d.n);
    d.y = golden_doubles(&arena, json_get(r, "y"), &d.n);
    const Json *e = json_get(r, "expected");
    const TestResult t = t_paired(d.x, d.y, d.n);
    expect_result(&t, json_get(e, "paired_t"), "t", "paired t", line);
    const Json *ci = json_get(json_get(e, "paired_t"), "ci95");
    const Interval interval = t_paired_interval(d.x, d.y, d.n, 0.95);
    expect_close(interval.lo, golden_double(json_at(ci, 0)), 1e-9, "ci95", line);
    expect_close(interval.hi, golden_double(json_at(ci, 1)), 1e-9, "ci95", line);
    const TestResult welch = t_welch(d.x, d.n, d.y, d.n), student = t_student(d.x, d.n, d.y, d.n);
    expect_result(&welch, json_get(e, "welch_t"), "t", "welch", line);
    expect_result(&student, json_get(e, "student_t"), "t", "student", line);
    expect_wilcoxon(&d, e, line);
    expect_mann_whitney(&d, e, line);
    const TestResult signs = sign_test(d.x, d.y, d.n);
    expect_result(&signs, json_get(e, "sign_test"), "k", "sign test", line);
    cr_expect_eq(signs.df, golden_get(json_get(e, "sign_test"), "n"));
    expect_close(cohen_d_paired(d.x, d.y, d.n), golden_get(e, "cohen_d_paired"), 1e-9, "d", line);
    double delta;
    Error err = {0};
    cr_assert_eq(cliffs_delta(d.x, d.n, d.y, d.n, &delta, &err), STATUS_OK);
    expect_close(delta, golden_get(e, "cliffs_delta"), 1e-9, "cliff's delta", line);
    arena_release(&arena);
}

Test(hypothesis, agrees_with_scipy_and_statsmodels)
{
    Golden golden = golden_open("stats/tests.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Slice kind = json_string(json_get(r, "kind"));
        if (slice_eq_cstr(kind, "mcnemar")) expect_mcnemar(r, golden.line);
        if (slice_eq_cstr(kind, "paired")) expect_paired(r, golden.line);
        n_cases += slice_eq_cstr(kind, "mcnemar") || slice_eq_cstr(kind, "paired");
    }
    golden_close(&golden);
    cr_expect_geq(n_cases, (size_t)20);
}

Test(hypothesis, all_sign_flips_give_the_exact_permutation_p)
{
    Golden golden = golden_open("stats/bootstrap.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *kind = json_get(r, "kind");
        if (kind == NULL || !slice_starts_with(json_string(kind), SLICE("exact paired"))) continue;
        Arena arena = {0};
        size_t n;
        double *x = golden_doubles(&arena, json_get(r, "x"), &n), p;
        const double *y = golden_doubles(&arena, json_get(r, "y"), &n);
        for (size_t i = 0; i < n; i++) x[i] -= y[i];
        Error err = {0};
        cr_assert_eq(sign_flip_test(x, n, 0, 0, &p, &err), STATUS_OK);
        expect_close(p, golden_get(json_get(r, "expected"), "p_two_sided"), 1e-12, "p",
                     golden.line);
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_geq(n_cases, (size_t)2);
}

Test(hypothesis, systems_that_agree_everywhere_have_p_one)
{
    static const double x[30] = {1, 0, 1};
    TestResult got;
    Error err = {0};
    double p;
    static const double zeros[30] = {0};
    cr_expect_eq(mcnemar_exact(0, 0), 1);
    cr_expect_eq(mcnemar_mid_p(0, 0), 1);
    cr_assert_eq(wilcoxon(x, x, 30, WILCOXON_DROP, WILCOXON_AUTO, false, &got, &err), STATUS_OK);
    cr_expect_eq(got.p, 1);
    cr_assert_eq(sign_flip_test(zeros, 30, 999, 1, &p, &err), STATUS_OK);
    cr_expect_eq(p, 1);
    cr_expect_eq(sign_test(x, x, 30).p, 1);
}

Test(hypothesis, drawn_sign_flips_approach_all_of_them)
{
    double d[21];
    for (size_t i = 0; i < 21; i++) d[i] = sin((double)i) + 0.2;
    double exact, drawn;
    Error err = {0};
    cr_assert_eq(sign_flip_test(d, 20, 0, 5, &exact, &err), STATUS_OK);
    d[20] = 0; // changes nothing but the method
    cr_assert_eq(sign_flip_test(d, 21, 20000, 5, &drawn, &err), STATUS_OK);
    cr_expect_float_eq(drawn, exact, 4 * sqrt(exact * (1 - exact) / 20000));
}

Test(hypothesis, overlapping_folds_widen_t)
{
    static const double differences[] = {0.01, 0.02, 0.015, 0.03, 0.005};
    static const double zeros[5] = {0};
    const TestResult naive = t_paired(differences, zeros, 5);
    const TestResult corrected = t_folds(differences, 5, 100, 400);
    // The variance of the mean is (1/5 + 1/4) instead of 1/5 of the spread.
    cr_expect_float_eq(corrected.statistic, naive.statistic / sqrt(0.45 / 0.2), 1e-12);
    cr_expect_gt(corrected.p, naive.p);
    cr_expect_eq(corrected.df, 4);
}
