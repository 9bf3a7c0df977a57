// Multiple comparisons against statsmodels', and power against known sizes.
#include <criterion/criterion.h>
#include <math.h>

#include "metrics/corrections.h"
#include "metrics/power.h"
#include "tests/metrics/golden.h"

static const char *const reference_names[N_CORRECTIONS] = {
    "bonferroni", "sidak", "holm", "holm-sidak", "simes-hochberg", "hommel", "fdr_bh", "fdr_by"};

Test(corrections, agree_with_statsmodels)
{
    Golden golden = golden_open("stats/multiple_comparisons.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        Arena arena = {0};
        Error err = {0};
        size_t n;
        const double *p = golden_doubles(&arena, json_get(r, "pvalues"), &n);
        const double alpha = golden_get(r, "alpha");
        double *adjusted = ARENA_NEW(&arena, double, n + 1);
        for (size_t m = 0; m < N_CORRECTIONS; m++) {
            const Json *want = json_get(json_get(r, "expected"), reference_names[m]);
            if (want == NULL || json_get(want, "adjusted") == NULL) continue;
            cr_assert_eq(adjust_p_values((Correction)m, p, n, adjusted, &err), STATUS_OK, "%s",
                         err.text);
            for (size_t i = 0; i < n; i++) {
                const double wanted = golden_double(json_at(json_get(want, "adjusted"), i));
                expect_close(adjusted[i], wanted, 1e-9, reference_names[m], golden.line);
                if (fabs(wanted - alpha) < 1e-12) continue; // decided there by rounding
                const Json *reject = json_at(json_get(want, "reject"), i);
                const bool is_rejected =
                    json_kind(reject) == JSON_BOOL ? json_bool(reject) : json_double(reject) != 0;
                cr_expect_eq(adjusted[i] <= alpha, is_rejected, "line %zu: %s rejects %zu: %.17g",
                             golden.line, reference_names[m], i, adjusted[i]);
            }
            n_cases++;
        }
        arena_release(&arena);
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)100);
}

Test(corrections, leave_undefined_tests_out_of_the_family)
{
    const double p[] = {0.02, NAN, 0.03};
    double adjusted[3];
    Error err = {0};
    cr_assert_eq(adjust_p_values(CORRECTION_HOLM, p, 3, adjusted, &err), STATUS_OK);
    cr_expect_float_eq(adjusted[0], 0.04, 1e-15);
    cr_expect(isnan(adjusted[1]));
    cr_expect_float_eq(adjusted[2], 0.04, 1e-15);
}

Test(corrections, refuse_what_is_no_probability)
{
    const double p[] = {0.5, 1.5};
    double adjusted[2];
    Error err = {0};
    cr_expect_eq(adjust_p_values(CORRECTION_BH, p, 2, adjusted, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "p-value 1 is 1.5") != NULL, "%s", err.text);
}

// Accuracy over n items of which 15% are discordant, 80% power (Card et al. 2020 give the same orders).
Test(power, known_test_sets_detect_known_differences)
{
    static const struct {
        double n, points;
    } cases[] = {{200, 7.7}, {872, 3.7}, {1319, 3.0}, {2000, 2.4}, {10570, 1.1}, {14042, 0.9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double error = paired_accuracy_error(0.15, cases[i].n);
        const double points = 100 * minimum_detectable_effect(error, 0.05, 0.8);
        cr_expect_float_eq(points, cases[i].points, 0.06, "n = %g: %g points", cases[i].n, points);
        cr_expect_float_eq(power_of(points / 100, error, 0.05), 0.8, 1e-4);
    }
}

// Miller 2024, section 5: omega^2 = 1/9, sigma^2 = 1/6 in each of two systems, difference 0.03.
Test(power, items_needed_follow_the_published_case)
{
    cr_expect_float_eq(items_needed(0.03, sqrt(1.0 / 9 + 2.0 / 6), 0.05, 0.8), 3876, 1.5);
    cr_expect_float_eq(items_needed(0.03, sqrt(1.0 / 9 + 2.0 / 24), 0.05, 0.8), 1696, 1.5);
}
