// DeLong's variance of the area under the ROC curve, and BCa's leaving out of items.
#include <criterion/criterion.h>
#include <math.h>

#include "base/philox.h"
#include "metrics/delong.h"
#include "metrics/resample.h"
#include "tests/metrics/golden.h"

enum { N = 60 };

typedef struct Scored {
    double first[N], second[N];
    bool is_positive[N];
} Scored;

// Two correlated systems, with ties.
static Scored draw(uint64_t seed)
{
    Scored out;
    Philox rng = philox_stream(seed, 1);
    for (size_t i = 0; i < N; i++) {
        out.is_positive[i] = i % 3 == 0;
        out.first[i] = round(4 * (philox_normal(&rng) + out.is_positive[i])) / 4;
        out.second[i] = out.first[i] + philox_normal(&rng);
    }
    return out;
}

// Components by all pairs, and the covariance of two areas straight from the definition.
static void components_by_pairs(const double *scores, const bool *is_positive, double *out)
{
    for (size_t i = 0; i < N; i++) {
        double sum = 0, n = 0;
        for (size_t j = 0; j < N; j++) {
            if (is_positive[j] == is_positive[i]) continue;
            const double above = is_positive[i] ? scores[i] - scores[j] : scores[j] - scores[i];
            sum += above > 0 ? 1 : above == 0 ? 0.5 : 0;
            n += 1;
        }
        out[i] = sum / n;
    }
}

static double covariance_of(const double *x, const double *y, const bool *is_positive)
{
    double total = 0;
    for (int class = 0; class < 2; class ++) {
        double n = 0, sx = 0, sy = 0, sxy = 0;
        for (size_t i = 0; i < N; i++) {
            if (is_positive[i] != (class == 1)) continue;
            n += 1;
            sx += x[i];
            sy += y[i];
            sxy += x[i] * y[i];
        }
        total += (sxy - sx * sy / n) / (n - 1) / n;
    }
    return total;
}

Test(delong, equals_its_definition_over_all_pairs)
{
    const Scored s = draw(3);
    double x[N], y[N];
    AucDifference got;
    Error err = {0};
    components_by_pairs(s.first, s.is_positive, x);
    components_by_pairs(s.second, s.is_positive, y);
    cr_assert_eq(auc_delong_paired(s.first, s.second, s.is_positive, NULL, N, 0.95, &got, &err),
                 STATUS_OK, "%s", err.text);
    const double xx = covariance_of(x, x, s.is_positive), yy = covariance_of(y, y, s.is_positive);
    const double xy = covariance_of(x, y, s.is_positive);
    expect_close(got.first.standard_error, sqrt(xx), 1e-9, "first", 0);
    expect_close(got.second.standard_error, sqrt(yy), 1e-9, "second", 0);
    expect_close(got.standard_error, sqrt(xx + yy - 2 * xy), 1e-9, "difference", 0);
    cr_expect(got.first.interval.lo < got.first.auc && got.first.auc < got.first.interval.hi);
    cr_expect(got.first.interval.lo > 0 && got.first.interval.hi < 1);
}

// Each item twice, both copies in one cluster, says no more than the item once.
Test(delong, copies_in_a_cluster_are_no_evidence)
{
    enum { TWICE = 2 * N };
    const Scored s = draw(4);
    double first[TWICE], second[TWICE];
    bool is_positive[TWICE];
    uint32_t own[N], of[TWICE];
    AucDifference plain, alone, twice;
    Error err = {0};
    for (size_t i = 0; i < TWICE; i++) {
        first[i] = s.first[i / 2];
        second[i] = s.second[i / 2];
        is_positive[i] = s.is_positive[i / 2];
        of[i] = own[i / 2] = (uint32_t)(i / 2);
    }
    const ItemClusters each = {own, N}, pairs = {of, N};
    cr_assert_eq(auc_delong_paired(s.first, s.second, s.is_positive, NULL, N, 0.95, &plain, &err),
                 STATUS_OK);
    cr_assert_eq(auc_delong_paired(s.first, s.second, s.is_positive, &each, N, 0.95, &alone, &err),
                 STATUS_OK);
    cr_assert_eq(auc_delong_paired(first, second, is_positive, &pairs, TWICE, 0.95, &twice, &err),
                 STATUS_OK);
    const AucDifference *const others[] = {&alone, &twice};
    for (size_t k = 0; k < 2; k++) {
        expect_close(others[k]->first.standard_error, plain.first.standard_error, 1e-9, "first", k);
        expect_close(others[k]->second.standard_error, plain.second.standard_error, 1e-9, "second",
                     k);
        expect_close(others[k]->standard_error, plain.standard_error, 1e-9, "difference", k);
    }
}

// By Obuchowski's equations in NumPy, of classes that share clusters.
Test(delong, clusters_vary_as_obuchowski_has_it)
{
    enum { FEW = 12 };
    static const double first[FEW] = {.9, .8, .7, .6, .55, .5, .45, .4, .35, .3, .2, .65},
                        second[FEW] = {.7, .9, .2, .5, .6, .3, .8, .1, .4, .35, .5, .3};
    static const bool is_positive[FEW] = {1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1};
    static const uint32_t of[FEW] = {0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4};
    const ItemClusters clusters = {of, 5}, one = {(const uint32_t[FEW]){0}, 1};
    AucDifference got;
    Error err = {0};
    cr_assert_eq(auc_delong_paired(first, second, is_positive, &clusters, FEW, 0.95, &got, &err),
                 STATUS_OK);
    expect_close(got.first.auc, 0.75, 1e-9, "first", 0);
    expect_close(got.first.standard_error, 0.07917884896521792, 1e-9, "first", 0);
    expect_close(got.second.standard_error, 0.18064456495487657, 1e-9, "second", 0);
    expect_close(got.standard_error, 0.22680460581325723, 1e-9, "difference", 0);
    cr_assert_eq(auc_delong_paired(first, second, is_positive, &one, FEW, 0.95, &got, &err),
                 STATUS_OK);
    cr_expect(isnan(got.first.standard_error) && isnan(got.test.p));
}

Test(delong, says_what_is_undefined)
{
    const double scores[] = {0.1, 0.2, 0.8, 0.9};
    const bool one_class[] = {true, true, true, true}, perfect[] = {false, false, true, true};
    AucDifference got;
    Error err = {0};
    cr_assert_eq(auc_delong_paired(scores, scores, one_class, NULL, 4, 0.95, &got, &err),
                 STATUS_OK);
    cr_expect(isnan(got.first.auc) && isnan(got.test.p));
    cr_assert_eq(auc_delong_paired(scores, scores, perfect, NULL, 4, 0.95, &got, &err), STATUS_OK);
    cr_expect_eq(got.first.auc, 1);
    cr_expect(isnan(got.first.interval.lo));
    cr_expect_eq(got.test.p, 1);
    const double broken[] = {0.1, NAN, 0.8, 0.9};
    cr_expect_eq(auc_delong_paired(broken, scores, perfect, NULL, 4, 0.95, &got, &err),
                 STATUS_INVALID);
}

Test(delong, rejects_equal_systems_as_often_as_it_says)
{
    enum { RUNS = 800 };
    size_t n_rejected = 0;
    Error err = {0};
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        Scored s = draw(seed + 100);
        Philox rng = philox_stream(seed, 2);
        for (size_t i = 0; i < N; i++) { // both as good as each other
            s.first[i] = s.is_positive[i] + philox_normal(&rng);
            s.second[i] = s.is_positive[i] + philox_normal(&rng);
        }
        AucDifference got;
        cr_assert_eq(auc_delong_paired(s.first, s.second, s.is_positive, NULL, N, 0.95, &got, &err),
                     STATUS_OK);
        n_rejected += got.test.p < 0.05;
    }
    // Nominally 40; the normal approximation is a little free at 20 positive items. Five standard deviations.
    cr_expect_float_eq((double)n_rejected, 44, 32, "%zu of %d", n_rejected, RUNS);
}

// ---- Leaving out ----

static RowSet rows_of(Arena *arena, const MetricPlan *plan, const Item *items, size_t n)
{
    RowSet rows;
    Error err = {0};
    cr_assert_eq(rows_of_items(plan, items, n, NULL, arena, &rows, &err), STATUS_OK, "%s",
                 err.text);
    return rows;
}

// One by one, as the definition has it.
static void leave_out_slowly(const MetricPlan *plan, const RowSet *rows, double *out)
{
    double weights[1000];
    Error err = {0};
    cr_assert_leq(rows->n_rows, (size_t)1000);
    for (size_t left = 0; left < rows->n_rows; left++) {
        for (size_t i = 0; i < rows->n_rows; i++) weights[i] = i == left ? 0 : weight_of(rows, i);
        cr_assert_eq(estimates_of_rows(plan, rows, weights, out + left * plan->n_scores, &err),
                     STATUS_OK);
    }
}

static void expect_left_out(const char *metric, const Item *items, size_t n, size_t n_labels)
{
    TestPlan plan;
    Arena arena = {0};
    Error err = {0};
    size_t n_out;
    plan_open(&plan, metric, NULL, n_labels);
    const RowSet rows = rows_of(&arena, &plan.plan, items, n);
    double *slow = ARENA_NEW(&arena, double, n *plan.plan.n_scores);
    double *fast = ARENA_NEW(&arena, double, n *plan.plan.n_scores);
    leave_out_slowly(&plan.plan, &rows, slow);
    cr_assert_eq(jackknife(&plan.plan, &rows, NULL, fast, &n_out, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(n_out, n);
    for (size_t i = 0; i < n * plan.plan.n_scores; i++)
        expect_close(fast[i], slow[i], 1e-12, metric, i);
    plan_release(&plan);
    arena_release(&arena);
}

Test(jackknife, of_auc_and_of_labels_equals_leaving_out_one_by_one)
{
    enum { ITEMS = 600 };
    static Item items[ITEMS];
    static double probabilities[ITEMS][2];
    Philox rng = philox_stream(4, 0);
    for (size_t i = 0; i < ITEMS; i++) {
        const double p = (double)philox_below(&rng, 41) / 40;
        probabilities[i][0] = 1 - p;
        probabilities[i][1] = p;
        items[i] = item_empty();
        items[i].label = philox_double(&rng) < p;
        items[i].predicted = philox_double(&rng) < 0.7 * p;
        items[i].probabilities = probabilities[i];
        items[i].n_classes = 2;
        items[i].weight = 1 + 0.5 * (double)(i % 3);
    }
    expect_left_out("auc", items, ITEMS, 2);
    expect_left_out("f1", items, ITEMS, 2);
    expect_left_out("kappa", items, ITEMS, 2);
}

Test(jackknife, of_many_different_rows_leaves_out_groups_of_them)
{
    enum { ITEMS = 3000 };
    TestPlan plan;
    Arena arena = {0};
    Error err = {0};
    size_t n_out;
    plan_open(&plan, "spearman", NULL, 0);
    Item *items = ARENA_NEW(&arena, Item, ITEMS);
    Philox rng = philox_stream(6, 0);
    for (size_t i = 0; i < ITEMS; i++) {
        items[i] = item_empty();
        items[i].value = philox_normal(&rng);
        items[i].predicted_value = items[i].value + philox_normal(&rng);
    }
    const RowSet rows = rows_of(&arena, &plan.plan, items, ITEMS);
    double *out = ARENA_NEW(&arena, double, ITEMS), estimate;
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, &estimate, &err), STATUS_OK);
    cr_assert_eq(jackknife(&plan.plan, &rows, NULL, out, &n_out, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(n_out, (size_t)JACKKNIFE_GROUPS);
    // The jackknife's error from groups against the formula for normal data, (1 - r^2) / sqrt(n) and a little more.
    const double g = (double)n_out, error = standard_deviation(out, n_out) * (g - 1) / sqrt(g);
    cr_expect_float_eq(error, 0.57 / sqrt(ITEMS), 0.15 / sqrt(ITEMS), "%g", error);
    plan_release(&plan);
    arena_release(&arena);
}

// Ties, one class, zeros and ones, and all in one bucket: the same area as the metric's.
Test(delong, finds_the_area_alone_from_sorted_words)
{
    enum { N = 5000 };
    static double probabilities[2 * N], rows[2 * N];
    static int32_t labels[N];
    unsigned state = 9;
    for (size_t round = 0; round < 24; round++) {
        const size_t n = round < 4 ? round : N - 400 * (round % 7);
        TestPlan test;
        Error err = {0};
        double got, want;
        for (size_t i = 0; i < n; i++) {
            state = state * 1664525u + 1013904223u;
            double p = (double)(state >> 8) / 16777215.0;
            if (round % 4 == 1) p = floor(10 * p) / 10;
            if (round % 4 == 2) p = 0.3 + p * 1e-9;
            if (round % 4 == 3) p = p < 0.1 ? -0.0 : p > 0.9 ? 1 : p;
            state = state * 1664525u + 1013904223u;
            labels[i] = round == 5 ? 1 : (int32_t)((state >> 16) % 3 == 0);
            probabilities[2 * i + 1] = rows[2 * i + 1] = p;
            rows[2 * i] = labels[i];
        }
        const RowSet set = {.values = rows, .n_rows = n, .n_clusters = n};
        plan_open(&test, "auc", NULL, 2);
        cr_assert_eq(auc_of_probabilities(probabilities + 1, 2, labels, 1, n, &got, &err),
                     STATUS_OK);
        cr_assert_eq(estimates_of_rows(&test.plan, &set, NULL, &want, &err), STATUS_OK);
        cr_assert(is_close(got, want, 1e-12, 1e-15), "round %zu: %.17g, not %.17g", round, got,
                  want);
        plan_release(&test);
    }
}
