// Comparisons of two systems on the same items.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "metrics/metrics.h"
#include "tests/metrics/golden.h"

enum { MAX_ITEMS = 1000 };

typedef struct Pair {
    double first[2 * MAX_ITEMS], second[2 * MAX_ITEMS];
    RowSet rows[2];
} Pair;

// Rows of a mean metric over n items, all 0 to begin with.
static void pair_init(Pair *pair, size_t n)
{
    *pair = (Pair){0};
    for (size_t i = 0; i < n; i++) pair->first[2 * i + 1] = pair->second[2 * i + 1] = 1;
    pair->rows[0] = (RowSet){.values = pair->first, .n_rows = n, .n_clusters = n};
    pair->rows[1] = (RowSet){.values = pair->second, .n_rows = n, .n_clusters = n};
}

static Paired compare(TestPlan *plan, const Pair *pair, const PairedOptions *options)
{
    const System first = {&plan->plan, &pair->rows[0]}, second = {&plan->plan, &pair->rows[1]};
    Paired out;
    Error err = {0};
    cr_assert_eq(compare_paired(&first, &second, options, &plan->arena, &out, &err), STATUS_OK,
                 "%s", err.text);
    return out;
}

static Pair pair;

Test(paired, identical_systems_are_called_identical)
{
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    pair_init(&pair, 50);
    for (size_t i = 0; i < 30; i++) pair.first[2 * i] = pair.second[2 * i] = 1;
    const Paired p = compare(&plan, &pair, NULL);
    cr_expect_eq(p.verdict, VERDICT_IDENTICAL);
    cr_expect_eq(p.difference, 0);
    cr_expect_eq(p.p_mcnemar, 1);
    cr_expect_eq(p.p_permutation, 1);
    cr_expect_eq(p.p_bootstrap, 1);
    cr_expect_eq(p.p_t, 1);
    cr_expect(p.is_noninferior);
    // Strictly greater, as sacreBLEU counts: the smallest p there is.
    const PairedOptions strict = {.is_strict = true, .n_permutations = 1000, .n_resamples = 1000};
    const Paired q = compare(&plan, &pair, &strict);
    cr_expect_float_eq(q.p_permutation, 1.0 / 1001, 1e-15);
    cr_expect_float_eq(q.p_bootstrap, 1.0 / 1001, 1e-15);
    plan_release(&plan);
}

// A known case: 1,000 items, identical but for one. Randomisation cannot tell (p = 1). Koehn's share of resamples
// without the item is 0.999^1000 = 0.37; the bootstrap shifted to no difference counts those draws as far as seen
// as well as those with two or more: 0.37 + 0.26.
Test(paired, one_item_of_a_thousand_is_no_evidence)
{
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    pair_init(&pair, 1000);
    pair.second[0] = 1;
    const PairedOptions options = {.n_resamples = 20000, .n_permutations = 2000, .seed = 3};
    const Paired p = compare(&plan, &pair, &options);
    cr_expect_eq(p.p_permutation, 1);
    cr_expect_eq(p.p_mcnemar, 1);
    double *draws = ARENA_NEW(&plan.arena, double, 40000);
    const System systems[] = {{&plan.plan, &pair.rows[0]}, {&plan.plan, &pair.rows[1]}};
    Error err = {0};
    cr_assert_eq(bootstrap_replicates(systems, 2, RESAMPLE_BOOTSTRAP, 20000, 3, NULL, draws, &err),
                 STATUS_OK);
    double n_without = 0, n_beyond = 0;
    for (size_t r = 0; r < 20000; r++) {
        const double d = draws[2 * r + 1] - draws[2 * r];
        n_without += d <= 0;
        n_beyond += d - 0.001 >= 0.001 - 1e-12;
    }
    cr_expect_float_eq(n_without / 20000, 0.3677, 0.015);
    cr_expect_float_eq(n_beyond / 20000, 0.264, 0.015);
    plan_release(&plan);
}

Test(paired, a_clear_difference_is_found_and_measured)
{
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    pair_init(&pair, 400);
    for (size_t i = 0; i < 400; i++) {
        pair.first[2 * i] = i < 240;
        pair.second[2 * i] = i >= 20 && i < 320;
    }
    const Paired p = compare(&plan, &pair, NULL);
    cr_expect_float_eq(p.difference, 0.15, 1e-12);
    cr_expect_eq(p.only_first, 20);
    cr_expect_eq(p.only_second, 80);
    cr_expect_eq(p.p_mcnemar, mcnemar_exact(20, 80));
    cr_expect_eq(p.verdict, VERDICT_BETTER);
    // s_d of +1 (80), -1 (20), 0 (300).
    const double variance = (100.0 - 400 * 0.15 * 0.15) / 399;
    cr_expect_float_eq(p.standard_error, sqrt(variance / 400), 1e-12);
    cr_expect_float_eq(p.detectable, (1.959963984540054 + 0.8416212335729143) * p.standard_error,
                       1e-9);
    const PairedOptions boot = {.method = INTERVAL_PERCENTILE, .n_resamples = 4000};
    const Paired q = compare(&plan, &pair, &boot);
    cr_expect_float_eq(q.lo, p.lo, 0.1 * (p.hi - p.lo));
    cr_expect_float_eq(q.hi, p.hi, 0.1 * (p.hi - p.lo));
    cr_expect(slice_starts_with(q.method, SLICE("bootstrap-percentile 4000")));
    plan_release(&plan);
}

Test(paired, a_gate_asks_for_not_worse_than_a_margin)
{
    TestPlan plan;
    plan_open(&plan, "log_loss", NULL, 2); // lower is better
    pair_init(&pair, 200);
    Philox rng = philox_stream(4, 0);
    for (size_t i = 0; i < 200; i++) {
        pair.first[2 * i] = 1 + 0.1 * philox_normal(&rng);
        pair.second[2 * i] =
            pair.first[2 * i] + 0.02 + 0.05 * philox_normal(&rng); // a little worse
    }
    const PairedOptions narrow = {.margin = 0.01, .n_resamples = 100, .n_permutations = 100};
    const PairedOptions wide = {.margin = 0.05, .n_resamples = 100, .n_permutations = 100};
    const Paired p = compare(&plan, &pair, &narrow), q = compare(&plan, &pair, &wide);
    cr_expect_eq(p.verdict, VERDICT_WORSE);
    cr_expect_not(p.is_noninferior);
    cr_expect(q.is_noninferior);
    // One-sided: difference plus t_{0.95} standard errors, turned to the better side.
    cr_expect_float_eq(p.improvement_bound,
                       -p.difference - t_quantile(0.95, 199) * p.standard_error, 1e-9);
    plan_release(&plan);
}

Test(paired, few_items_are_permuted_exactly)
{
    TestPlan plan;
    plan_open(&plan, "log_loss", NULL, 2);
    pair_init(&pair, 8);
    double differences[8], p_flips;
    for (size_t i = 0; i < 8; i++) {
        pair.first[2 * i] = 1 + 0.3 * (double)(i % 3);
        pair.second[2 * i] = 1.4 + 0.1 * (double)i;
        differences[i] = pair.second[2 * i] - pair.first[2 * i];
    }
    Error err = {0};
    const Paired p = compare(&plan, &pair, NULL);
    cr_assert_eq(sign_flip_test(differences, 8, 0, 0, &p_flips, &err), STATUS_OK);
    cr_expect(p.is_permutation_exact);
    cr_expect_eq(p.n_permutations, (size_t)256);
    cr_expect_float_eq(p.p_permutation, p_flips, 1e-15);
    plan_release(&plan);
}

Test(paired, clusters_are_swapped_and_drawn_whole)
{
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    static uint32_t clusters[200];
    pair_init(&pair, 200);
    for (size_t i = 0; i < 200; i++) {
        clusters[i] = (uint32_t)(i / 20); // ten clusters that agree within
        pair.first[2 * i] = clusters[i] < 4;
        pair.second[2 * i] = clusters[i] < 6;
    }
    const Paired naive = compare(&plan, &pair, NULL);
    for (size_t k = 0; k < 2; k++) {
        pair.rows[k].clusters = clusters;
        pair.rows[k].n_clusters = 10;
    }
    const Paired p = compare(&plan, &pair, NULL);
    cr_expect_lt(naive.p_t, 1e-6);
    cr_expect_gt(p.p_t, 0.05);
    cr_expect_eq(p.p_permutation, 0.5); // of two discordant clusters
    cr_expect(isnan(p.p_mcnemar));
    cr_expect(slice_eq_cstr(p.method, "t clustered"));
    plan_release(&plan);
}

Test(paired, scores_that_are_no_means_are_compared_by_resampling)
{
    TestPlan plan;
    plan_open(&plan, "f1", NULL, 2);
    pair_init(&pair, 300);
    Philox rng = philox_stream(5, 0);
    for (size_t i = 0; i < 300; i++) {
        const double label = (double)(i % 2);
        pair.first[2 * i] = pair.second[2 * i] = label;
        pair.first[2 * i + 1] = philox_double(&rng) < 0.7 ? label : 1 - label;
        pair.second[2 * i + 1] = philox_double(&rng) < 0.9 ? label : 1 - label;
    }
    const PairedOptions options = {.n_permutations = 999};
    const Paired p = compare(&plan, &pair, &options);
    cr_expect_eq(p.verdict, VERDICT_BETTER);
    cr_expect_float_eq(p.p_permutation, 0.001, 1e-12);
    cr_expect_lt(p.p_bootstrap, 0.01);
    cr_expect(isnan(p.p_t));
    plan_release(&plan);
}

Test(paired, opposite_answers_on_every_item_keep_a_width)
{
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    pair_init(&pair, 5);
    for (size_t i = 0; i < 5; i++) pair.first[2 * i] = 1;
    const Paired p = compare(&plan, &pair, NULL);
    cr_expect_eq(p.difference, -1);
    cr_expect_gt(p.hi, p.lo);
    cr_expect(slice_eq_cstr(p.method, "agresti-min"));
    cr_expect_float_eq(p.p_mcnemar, 0.0625, 1e-12);
    plan_release(&plan);
}

Test(paired, systems_over_different_clusters_are_refused)
{
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    static const uint32_t a[] = {0, 0, 1}, b[] = {0, 1, 1};
    pair_init(&pair, 3);
    pair.rows[0].clusters = a;
    pair.rows[1].clusters = b;
    pair.rows[0].n_clusters = pair.rows[1].n_clusters = 2;
    const System first = {&plan.plan, &pair.rows[0]}, second = {&plan.plan, &pair.rows[1]};
    Paired out;
    Error err = {0};
    cr_expect_eq(compare_paired(&first, &second, NULL, &plan.arena, &out, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "item 1") != NULL, "%s", err.text);
    plan_release(&plan);
}
