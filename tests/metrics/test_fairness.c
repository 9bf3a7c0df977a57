// Differences between groups: fairlearn's for three definitions, any metric's gaps, counterfactual flips.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "metrics/group_gaps.h"
#include "tests/metrics/golden.h"

enum { N = 40, N_GROUPS = 3 };
static const Slice groups[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
static const Slice labels[] = {SLICE_LIT("no"), SLICE_LIT("yes")};

// numpy default_rng(11).
static const char truth[] = "0010111000011010111110010110100101011111";
static const char answer[] = "0010011001011000111111011110001101001011";
static const char group[] = "2200012121212012222021200022010022001220";

static void make_items(Item *items)
{
    for (size_t i = 0; i < N; i++) {
        items[i] = item_empty();
        items[i].label = truth[i] - '0';
        items[i].predicted = answer[i] - '0';
        items[i].group = group[i] - '0';
    }
}

static MetricPlan plan_for(const char *metric, Arena *arena)
{
    MetricPlan plan;
    Error err = {0};
    const MetricSetup setup = {
        .labels = labels, .n_labels = 2, .groups = groups, .n_groups = N_GROUPS};
    cr_assert_eq(metric_plan(metric_find(slice_from_cstr(metric)), &setup, arena, &plan, &err),
                 STATUS_OK, "%s", err.text);
    return plan;
}

static Score *score_all(const char *metric, const Item *items, size_t n, Arena *arena)
{
    const MetricPlan plan = plan_for(metric, arena);
    Score *scores;
    Error err = {0};
    const IntervalOptions options = {.method = INTERVAL_NONE};
    cr_assert_eq(scores_of_items(&plan, items, n, &options, arena, &scores, &err), STATUS_OK, "%s",
                 err.text);
    return scores;
}

// fairlearn 0.15.0: demographic_parity_difference and _ratio, equal_opportunity_*, equalized_odds_* (also agg="mean").
Test(fairness, differences_agree_with_fairlearn)
{
    Arena arena = {0};
    Item items[N];
    make_items(items);
    const Score *parity = score_all("demographic_parity", items, N, &arena);
    expect_close(parity[0].estimate, 0.125, 1e-12, "demographic parity", 0);
    expect_close(parity[1].estimate, 0.8, 1e-12, "demographic parity ratio", 0);
    const Score *opportunity = score_all("equal_opportunity", items, N, &arena);
    expect_close(opportunity[0].estimate, 0.2333333333333334, 1e-12, "equal opportunity", 0);
    expect_close(opportunity[1].estimate, 0.7407407407407407, 1e-12, "its ratio", 0);
    const Score *odds = score_all("equalized_odds", items, N, &arena);
    expect_close(odds[0].estimate, 0.5, 1e-12, "equalised odds", 0);
    expect_close(odds[1].estimate, 0, 1e-12, "equalised odds ratio", 0);
    expect_close(odds[2].estimate, 0.3666666666666667, 1e-12, "equalised odds average", 0);
    cr_expect(slice_eq_cstr(odds[3].name, "equalized_odds/tpr/a"));
    cr_expect(slice_eq_cstr(odds[8].name, "equalized_odds/fpr/c"));
    arena_release(&arena);
}

Test(fairness, a_group_without_positives_has_no_recall)
{
    Arena arena = {0};
    Item items[N];
    make_items(items);
    for (size_t i = 0; i < N; i++) {
        if (items[i].group == 1) items[i].label = 0;
    }
    const Score *scores = score_all("equal_opportunity", items, N, &arena);
    cr_expect(isnan(scores[0].estimate) && isnan(scores[1].estimate));
    cr_expect(isnan(scores[3].estimate) && !isnan(scores[2].estimate));
    cr_expect(isnan(score_all("equalized_odds", items, N, &arena)[0].estimate));
    cr_expect(!isnan(score_all("demographic_parity", items, N, &arena)[0].estimate));
    arena_release(&arena);
}

Test(fairness, flips_are_counted)
{
    Arena arena = {0};
    Item items[3];
    for (size_t i = 0; i < 3; i++) {
        items[i] = item_empty();
        items[i].predicted = (int32_t)(i % 2);
        items[i].counterfactual = 1;
    }
    const MetricPlan plan = plan_for("flip_rate", &arena);
    Score *score;
    RowSet rows;
    Error err = {0};
    cr_assert_eq(scores_of_items(&plan, items, 3, NULL, &arena, &score, &err), STATUS_OK);
    cr_expect_float_eq(score->estimate, 2.0 / 3, 1e-15);
    cr_expect(slice_eq_cstr(score->method, "wilson"));
    items[1].counterfactual = ITEM_NO_LABEL;
    cr_expect_eq(rows_of_items(&plan, items, 3, NULL, &arena, &rows, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "item 1: has no answer to the text with the group swapped") != NULL,
              "%s", err.text);
    arena_release(&arena);
}

// Accuracy by group, by hand.
static void accuracies(double *out)
{
    double n[N_GROUPS] = {0};
    for (size_t g = 0; g < N_GROUPS; g++) out[g] = 0;
    for (size_t i = 0; i < N; i++) {
        out[group[i] - '0'] += truth[i] == answer[i];
        n[group[i] - '0']++;
    }
    for (size_t g = 0; g < N_GROUPS; g++) out[g] /= n[g];
}

static void gaps_of(const char *metric, const Item *items, size_t n, const IntervalOptions *options,
                    Arena *arena, GroupGaps *out)
{
    const MetricPlan plan = plan_for(metric, arena);
    RowSet rows;
    Error err = {0};
    int32_t *of = ARENA_NEW(arena, int32_t, n);
    for (size_t i = 0; i < n; i++) of[i] = items[i].group;
    cr_assert_eq(rows_of_items(&plan, items, n, NULL, arena, &rows, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(group_gaps(&plan, 0, &rows, of, groups, N_GROUPS, options, arena, out, &err),
                 STATUS_OK, "%s", err.text);
}

Test(group_gaps, are_the_differences_of_the_groups_own_scores)
{
    Arena arena = {0};
    Item items[N];
    GroupGaps gaps;
    double own[N_GROUPS];
    make_items(items);
    accuracies(own);
    gaps_of("accuracy", items, N, NULL, &arena, &gaps);
    const double lo = fmin(own[0], fmin(own[1], own[2])), hi = fmax(own[0], fmax(own[1], own[2]));
    for (size_t g = 0; g < N_GROUPS; g++) {
        cr_expect_float_eq(gaps.groups[g].estimate, own[g], 1e-15);
        cr_expect(gaps.groups[g].lo < own[g] && own[g] < gaps.groups[g].hi);
    }
    cr_expect_float_eq(gaps.gap.estimate, hi - lo, 1e-15);
    cr_expect_float_eq(gaps.ratio.estimate, lo / hi, 1e-15);
    cr_expect_eq(gaps.worst.estimate, lo);
    cr_expect_eq(own[gaps.worst_group], lo);
    cr_expect_eq(own[gaps.best_group], hi);
    cr_expect(slice_eq_cstr(gaps.gap.name, "accuracy/gap"));
    cr_expect(gaps.p > 0.02 && gaps.p <= 1, "%g", gaps.p);
    // F1 is a metric of rows, not of sums.
    GroupGaps of_rows;
    gaps_of("f1", items, N, &(IntervalOptions){.n_resamples = 50}, &arena, &of_rows);
    for (size_t g = 0; g < N_GROUPS; g++) {
        Item kept[N];
        size_t n = 0;
        for (size_t i = 0; i < N; i++) {
            if (items[i].group == (int32_t)g) kept[n++] = items[i];
        }
        const Score *alone = score_all("f1", kept, n, &arena);
        cr_expect_float_eq(of_rows.groups[g].estimate, alone->estimate, 1e-12);
        cr_expect_eq(of_rows.groups[g].n, n);
    }
    arena_release(&arena);
}

// A group against all others together: what the score of the others is, they say themselves.
Test(group_gaps, each_group_is_compared_with_all_others)
{
    static const char *const metrics[] = {"accuracy", "f1"}; // of sums, of rows
    Arena arena = {0};
    Item items[N];
    make_items(items);
    for (size_t m = 0; m < 2; m++) {
        GroupGaps gaps;
        gaps_of(metrics[m], items, N, &(IntervalOptions){.n_resamples = 200}, &arena, &gaps);
        double least = 1;
        for (size_t g = 0; g < N_GROUPS; g++) {
            Item rest[N];
            size_t n = 0;
            for (size_t i = 0; i < N; i++) {
                if (items[i].group != (int32_t)g) rest[n++] = items[i];
            }
            const Score *others = score_all(metrics[m], rest, n, &arena);
            const Score *seen = &gaps.from_rest[g];
            cr_expect_float_eq(seen->estimate, gaps.groups[g].estimate - others->estimate, 1e-12);
            cr_expect(seen->lo < seen->estimate && seen->estimate < seen->hi);
            cr_expect(gaps.p_rest[g] > 0 && gaps.p_rest[g] <= gaps.p_adjusted[g] &&
                      gaps.p_adjusted[g] <= 1);
            least = fmin(least, gaps.p_rest[g]);
        }
        double adjusted = 1;
        for (size_t g = 0; g < N_GROUPS; g++) adjusted = fmin(adjusted, gaps.p_adjusted[g]);
        cr_expect_float_eq(adjusted, fmin(1, N_GROUPS * least), 1e-12, "%s: Holm", metrics[m]);
    }
    arena_release(&arena);
}

// The same bits on any number of threads.
Test(group_gaps, do_not_depend_on_threads)
{
    Arena arena = {0};
    Item items[N];
    GroupGaps alone, shared;
    Pool *pool = NULL;
    Error err = {0};
    make_items(items);
    cr_assert_eq(pool_open(3, &pool, &err), STATUS_OK, "%s", err.text);
    gaps_of("accuracy", items, N, &(IntervalOptions){.n_resamples = 100}, &arena, &alone);
    gaps_of("accuracy", items, N, &(IntervalOptions){.n_resamples = 100, .pool = pool}, &arena,
            &shared);
    cr_expect_eq(alone.gap.lo, shared.gap.lo);
    cr_expect_eq(alone.gap.hi, shared.gap.hi);
    cr_expect_eq(alone.p, shared.p);
    pool_close(&pool);
    arena_release(&arena);
}

// Groups dealt at random differ by chance alone: p below 0.1 about one time in ten. Groups that differ are seen.
Test(group_gaps, p_is_even_without_a_difference_and_small_with_one)
{
    enum { SETS = 200, SIZE = 60 };
    Philox rng = philox_stream(8, 0);
    double n_below = 0;
    for (size_t s = 0; s <= SETS; s++) {
        Arena arena = {0};
        Item items[SIZE];
        GroupGaps gaps;
        const bool differs = s == SETS;
        for (size_t i = 0; i < SIZE; i++) {
            items[i] = item_empty();
            items[i].group = (int32_t)philox_below(&rng, N_GROUPS);
            items[i].label = 1;
            items[i].predicted = differs ? items[i].group != 0 : philox_double(&rng) < 0.7;
        }
        gaps_of("accuracy", items, SIZE, &(IntervalOptions){.n_resamples = 199, .seed = s}, &arena,
                &gaps);
        if (differs) {
            cr_expect_leq(gaps.p, 0.01);
            cr_expect_eq(gaps.gap.estimate, 1);
            cr_expect_eq(gaps.worst_group, (size_t)0);
        } else {
            n_below += gaps.p <= 0.1;
        }
        arena_release(&arena);
    }
    cr_expect_leq(n_below / SETS, 0.1 + 3 * sqrt(0.1 * 0.9 / SETS));
    cr_expect_gt(n_below / SETS, 0.02);
}

Test(group_gaps, what_is_undefined_says_so)
{
    Arena arena = {0};
    Item items[N];
    GroupGaps gaps;
    make_items(items);
    for (size_t i = 0; i < N; i++) {
        if (items[i].group == 2) items[i].group = ITEM_NO_LABEL;
    }
    gaps_of("accuracy", items, N, &(IntervalOptions){.n_resamples = 20}, &arena, &gaps);
    cr_expect(isnan(gaps.groups[2].estimate) && isnan(gaps.gap.estimate) && isnan(gaps.p));
    cr_expect(isnan(gaps.from_rest[2].estimate) && isnan(gaps.p_adjusted[2]));
    cr_expect_eq(gaps.worst_group, SIZE_MAX);
    cr_expect_eq(gaps.groups[2].n, (size_t)0);
    // Pairs that lie across groups: what is dealt out is whole clusters, so there is no p.
    make_items(items);
    for (size_t i = 0; i < N; i++) items[i].cluster = i % 4 < 2 ? SLICE("x") : SLICE("y");
    gaps_of("accuracy", items, N, &(IntervalOptions){.n_resamples = 20}, &arena, &gaps);
    cr_expect(isnan(gaps.p) && !isnan(gaps.gap.estimate));
    cr_expect(gaps.p_rest[0] >= 0 && gaps.p_rest[0] <= 1); // of the standard error
    arena_release(&arena);
}
