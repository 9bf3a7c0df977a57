// Agreement of raters against the krippendorff package and statsmodels.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "metrics/evaluate.h"
#include "tests/metrics/golden.h"

enum { MAX_ITEMS = 16, MAX_RATERS = 5 };

// ratings [n_items, n_raters], from 0; -1 where there is none.
static Score *score_ratings(const char *metric, const char *params, const Slice *labels,
                            size_t n_labels, const int32_t *ratings, size_t n_items,
                            size_t n_raters, Arena *arena)
{
    Item items[MAX_ITEMS];
    JsonDocument *document = NULL;
    MetricPlan plan;
    Score *scores;
    Error err = {0};
    cr_assert_eq(json_parse(SLICE("params"), slice_from_cstr(params), JSON_STRICT, &document, &err),
                 STATUS_OK, "%s", err.text);
    const MetricSetup setup = {
        .labels = labels, .n_labels = n_labels, .params = json_root(document)};
    for (size_t i = 0; i < n_items; i++) {
        items[i] = item_empty();
        items[i].ratings = ratings + i * n_raters;
        items[i].n_ratings = n_raters;
    }
    cr_assert_eq(metric_plan(metric_find(slice_from_cstr(metric)), &setup, arena, &plan, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(scores_of_items(&plan, items, n_items, NULL, arena, &scores, &err), STATUS_OK,
                 "%s", err.text);
    json_close(&document);
    return scores;
}

// Four observers, twelve units: Krippendorff 2011, section C, who gives 0.743 (nominal), 0.815 (ordinal), 0.849
// (interval).
static const int32_t reliability[12][4] = {
    {0, 0, -1, 0}, {1, 1, 2, 1}, {2, 2, 2, 2}, {2, 2, 2, 2},  {1, 1, 1, 1},   {0, 1, 2, 3},
    {3, 3, 3, 3},  {0, 0, 1, 0}, {1, 1, 1, 1}, {-1, 4, 4, 4}, {-1, -1, 0, 0}, {-1, 2, -1, -1}};

typedef struct AlphaCase {
    const char *params;
    const Slice *labels;
    double alpha;
} AlphaCase;

static const Slice plain[] = {SLICE_LIT("1"), SLICE_LIT("2"), SLICE_LIT("3"), SLICE_LIT("4"),
                              SLICE_LIT("5")};
static const Slice uneven[] = {SLICE_LIT("-3.5"), SLICE_LIT("0"), SLICE_LIT("0.25"),
                               SLICE_LIT("10"), SLICE_LIT("1e3")};

// krippendorff 0.9.0: alpha(reliability_data=.., level_of_measurement=..).
static const AlphaCase alpha_cases[] = {
    {"{}", plain, 0.743421052631579},
    {"{\"level\": \"ordinal\"}", plain, 0.8153875037548814},
    {"{\"level\": \"interval\"}", plain, 0.8491071428571428},
    {"{\"level\": \"interval\"}", uneven, 0.9999483478032976},
};

Test(agreement, alpha_agrees_with_the_reference)
{
    for (size_t i = 0; i < sizeof alpha_cases / sizeof *alpha_cases; i++) {
        const AlphaCase *c = &alpha_cases[i];
        Arena arena = {0};
        const Score *score = score_ratings("krippendorff_alpha", c->params, c->labels, 5,
                                           &reliability[0][0], 12, 4, &arena);
        expect_close(score->estimate, c->alpha, 1e-12, c->params, i);
        cr_expect(score->lo < score->estimate && score->estimate <= score->hi);
        arena_release(&arena);
    }
}

// Ten items, five raters (numpy default_rng(7)).
static const int32_t five_raters[10][5] = {
    {2, 2, 2, 2, 2}, {1, 1, 1, 1, 1}, {1, 1, 1, 0, 1}, {1, 0, 1, 0, 1}, {2, 0, 0, 0, 2},
    {0, 2, 1, 1, 1}, {1, 1, 1, 2, 2}, {2, 2, 1, 1, 2}, {1, 0, 2, 0, 2}, {1, 0, 0, 1, 0}};

// statsmodels 0.15.0: fleiss_kappa(aggregate_raters(R)[0], method="fleiss" and "randolph").
Test(agreement, fleiss_agrees_with_statsmodels)
{
    Arena arena = {0};
    const Score *scores =
        score_ratings("fleiss_kappa", "{}", plain, 3, &five_raters[0][0], 10, 5, &arena);
    expect_close(scores[0].estimate, 0.235330836454432, 1e-12, "fleiss", 0);
    expect_close(scores[2].estimate, 0.265, 1e-12, "randolph", 0);
    expect_close(scores[1].estimate, (0.265 * 2 + 1) / 3, 1e-12, "agreement", 0);
    arena_release(&arena);
}

// scikit-learn 1.9.1: cohen_kappa_score of the first two raters, weights None, "linear", "quadratic".
Test(agreement, cohen_takes_two_raters)
{
    static const char *const params[] = {"{}", "{\"weights\": \"linear\"}",
                                         "{\"weights\": \"quadratic\"}"};
    static const double expected[] = {0.2753623188405797, 0.16666666666666652, 0.03508771929824561};
    int32_t two[10][2];
    for (size_t i = 0; i < 10; i++) memcpy(two[i], five_raters[i], sizeof two[i]);
    for (size_t i = 0; i < 3; i++) {
        Arena arena = {0};
        const Score *score =
            score_ratings("cohen_kappa", params[i], plain, 3, &two[0][0], 10, 2, &arena);
        expect_close(score->estimate, expected[i], 1e-12, params[i], i);
        arena_release(&arena);
    }
}

Test(agreement, perfect_raters_score_one_and_a_single_class_nothing)
{
    static const char *const names[] = {"krippendorff_alpha", "fleiss_kappa", "cohen_kappa"};
    static const int32_t same[3][2] = {{0, 0}, {1, 1}, {2, 2}}, one_class[3][2] = {{0}};
    for (size_t m = 0; m < 3; m++) {
        Arena arena = {0};
        const Score *good = score_ratings(names[m], "{}", plain, 3, &same[0][0], 3, 2, &arena);
        const Score *none = score_ratings(names[m], "{}", plain, 3, &one_class[0][0], 3, 2, &arena);
        cr_expect_float_eq(good->estimate, 1, 1e-15, "%s", names[m]);
        cr_expect(isnan(none->estimate), "%s: %g", names[m], none->estimate);
        arena_release(&arena);
    }
}

// Items with fewer than two ratings say nothing; one item alone has no interval.
Test(agreement, lone_ratings_are_left_out)
{
    static const int32_t lone[3][2] = {{0, -1}, {-1, -1}, {-1, 2}};
    static const char *const names[] = {"krippendorff_alpha", "fleiss_kappa"};
    for (size_t m = 0; m < 2; m++) {
        Arena arena = {0};
        const Score *score = score_ratings(names[m], "{}", plain, 3, &lone[0][0], 3, 2, &arena);
        cr_expect(isnan(score->estimate), "%s", names[m]);
        cr_expect(isnan(score->lo) && isnan(score->hi));
        arena_release(&arena);
    }
}

Test(agreement, bad_ratings_are_refused_by_number)
{
    static const int32_t bad[] = {0, 7}, missing[] = {0, -1}, three[] = {0, 1, 1};
    static const struct {
        const char *metric;
        const int32_t *ratings;
        size_t n;
        const char *message;
    } cases[] = {{"fleiss_kappa", bad, 2, "item 0: rating 1 is 7, none of the 3 labels"},
                 {"krippendorff_alpha", bad, 2, "rating 1 is 7"},
                 {"cohen_kappa", bad, 2, "7"},
                 {"cohen_kappa", missing, 2, "lacks a rating"},
                 {"cohen_kappa", three, 3, "has 3 ratings, not two"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TestPlan plan;
        RowSet rows;
        Error err = {0};
        Item item = item_empty();
        item.ratings = cases[i].ratings;
        item.n_ratings = cases[i].n;
        plan_open(&plan, cases[i].metric, NULL, 3);
        cr_expect_eq(rows_of_items(&plan.plan, &item, 1, NULL, &plan.arena, &rows, &err),
                     STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].message) != NULL, "%s", err.text);
        plan_release(&plan);
    }
    Arena arena = {0};
    JsonDocument *params = NULL;
    MetricPlan plan;
    Error err = {0};
    const Slice words[] = {SLICE("bad"), SLICE("good")};
    cr_assert_eq(
        json_parse(SLICE("params"), SLICE("{\"level\": \"interval\"}"), JSON_STRICT, &params, &err),
        STATUS_OK);
    const MetricSetup setup = {.labels = words, .n_labels = 2, .params = json_root(params)};
    cr_expect_eq(metric_plan(metric_find(SLICE("krippendorff_alpha")), &setup, &arena, &plan, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "\"bad\" is no number") != NULL, "%s", err.text);
    json_close(&params);
    arena_release(&arena);
}
