// Closed-form intervals against statsmodels', and the clustered mean against its definition.
#include <criterion/criterion.h>
#include <math.h>

#include "metrics/distributions.h"
#include "tests/metrics/golden.h"

typedef Interval (*ProportionInterval)(double k, double n, double level);

static const struct {
    const char *key;
    ProportionInterval interval;
} methods[] = {{"wilson", interval_wilson},
               {"wilson_cc", interval_wilson_corrected},
               {"clopper_pearson", interval_clopper_pearson},
               {"agresti_coull", interval_agresti_coull},
               {"jeffreys", interval_jeffreys},
               {"normal", interval_wald}};

Test(intervals, agree_with_statsmodels)
{
    Golden golden = golden_open("stats/intervals.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const double k = golden_get(r, "k"), n = golden_get(r, "n");
        const double level = 1 - golden_get(r, "alpha");
        const Json *expected = json_get(r, "expected");
        for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
            const Json *want = json_get(expected, methods[m].key);
            if (want == NULL || json_kind(want) != JSON_ARRAY) continue;
            const Interval got = methods[m].interval(k, n, level);
            expect_close(got.lo, golden_double(json_at(want, 0)), 1e-9, methods[m].key,
                         golden.line);
            expect_close(got.hi, golden_double(json_at(want, 1)), 1e-9, methods[m].key,
                         golden.line);
            n_cases++;
        }
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)500);
}

Test(intervals, twenty_nine_of_thirty_is_the_known_case)
{
    const Interval i = interval_wilson(29, 30, 0.95);
    cr_expect_float_eq(i.lo, 0.833, 0.0005);
    cr_expect_float_eq(i.hi, 0.994, 0.0005);
}

Test(intervals, of_nothing_are_undefined)
{
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        cr_expect(isnan(methods[m].interval(0, 0, 0.95).lo), "%s", methods[m].key);
        cr_expect(isnan(methods[m].interval(2, 1, 0.95).lo), "%s", methods[m].key);
    }
    cr_expect(isnan(interval_t(0, NAN, 3, 0.95).lo));
}

Test(intervals, a_mean_without_clusters_has_the_textbook_error)
{
    const double values[] = {1, 1, 3, 1, 4, 1, 8, 1}; // (x, 1) pairs: 1, 3, 4, 8
    const RowSet rows = {.values = values, .n_rows = 4, .n_clusters = 4};
    ClusteredMean m;
    Error err = {0};
    cr_assert_eq(clustered_mean(&rows, 2, &m, &err), STATUS_OK);
    cr_expect_float_eq(m.mean, 4, 1e-15);
    cr_expect_float_eq(m.standard_error, sqrt(26.0 / 3 / 4), 1e-14);
    cr_expect_float_eq(m.design_effect, 1, 1e-14);
}

Test(intervals, copies_of_items_in_clusters_add_no_certainty)
{
    const double once[] = {1, 1, 0, 1, 1, 1};
    const double twice[] = {1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1};
    const uint32_t clusters[] = {0, 0, 1, 1, 2, 2};
    const RowSet a = {.values = once, .n_rows = 3, .n_clusters = 3};
    const RowSet b = {.values = twice, .clusters = clusters, .n_rows = 6, .n_clusters = 3};
    ClusteredMean ma, mb;
    Error err = {0};
    cr_assert_eq(clustered_mean(&a, 2, &ma, &err), STATUS_OK);
    cr_assert_eq(clustered_mean(&b, 2, &mb, &err), STATUS_OK);
    cr_expect_float_eq(ma.standard_error, mb.standard_error, 1e-14);
    cr_expect_gt(mb.design_effect, 1.5);
}
