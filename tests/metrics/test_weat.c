// WEAT against its closed formula.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "metrics/weat.h"
#include "tests/metrics/golden.h"
#include "tests/metrics/scores.h"

enum { N_VECTORS = 14, DIM = 5 };
// numpy default_rng(5).normal, rounded: X is the first four, Y the next four, A and B three each.
static const float vectors[N_VECTORS][DIM] = {
    {-0.8f, -1.32f, -0.25f, 0.42f, 1.14f},  {0.11f, -0.55f, -0.78f, 0.75f, 1.63f},
    {0.27f, -1.23f, -0.96f, 1.6f, 0.2f},    {-1.73f, -0.08f, -1.16f, -0.63f, -0.49f},
    {-0.71f, 0.55f, -0.06f, -0.59f, 0.41f}, {0.83f, -1.64f, -0.26f, -0.98f, -0.17f},
    {-1.29f, 0.02f, -0.04f, -0.3f, -1.05f}, {-0.4f, -1.09f, -1.36f, 0.22f, -1.11f},
    {1.17f, 0.72f, -2.f, 0.27f, -1.1f},     {0.03f, 0.04f, -1.99f, -0.23f, -0.26f},
    {0.96f, -1.18f, 0.74f, -1.1f, -0.33f},  {-0.84f, 1.45f, 0.57f, 2.43f, 0.64f},
    {0.84f, 0.84f, -0.61f, -0.07f, 1.35f},  {-0.4f, 0.19f, -0.02f, 0.61f, -0.36f}};
static const Slice sets[] = {SLICE_LIT("X"), SLICE_LIT("Y"), SLICE_LIT("A"), SLICE_LIT("B")};
static const MetricSetup weat_setup = {.groups = sets, .n_groups = 4};

static void weat_items(Item *items)
{
    for (size_t i = 0; i < N_VECTORS; i++) {
        items[i] = item_empty();
        items[i].embedding = vectors[i];
        items[i].embedding_size = DIM;
        items[i].group = i < 4 ? WEAT_X : i < 8 ? WEAT_Y : i < 11 ? WEAT_A : WEAT_B;
    }
}

static MetricPlan weat_plan(Arena *arena)
{
    MetricPlan plan;
    Error err = {0};
    cr_assert_eq(metric_plan(metric_find(SLICE("weat")), &weat_setup, arena, &plan, &err),
                 STATUS_OK, "%s", err.text);
    return plan;
}

// The formulas in NumPy 2.4.6 (std with ddof 1 and 0; all 70 partitions, 63 of them at least as strong).
Test(weat, effect_size_and_exact_p_follow_the_formula)
{
    Arena arena = {0};
    Item items[N_VECTORS];
    JsonDocument *params = NULL;
    WeatTest test;
    Error err = {0};
    weat_items(items);
    const Score *scores = score_all("weat", &weat_setup, items, N_VECTORS, &arena);
    expect_close(scores[0].estimate, -0.9317921554447133, 1e-9, "effect size", 0);
    expect_close(scores[1].estimate, -0.39451019767255896, 1e-9, "difference", 0);
    cr_expect(scores[0].lo < scores[0].estimate && scores[0].estimate < scores[0].hi);
    const MetricPlan plan = weat_plan(&arena);
    cr_assert_eq(weat_test(&plan, items, N_VECTORS, 0, 1, &test, &err), STATUS_OK, "%s", err.text);
    cr_expect(test.is_exact);
    cr_expect_eq(test.n_partitions, (size_t)70);
    cr_expect_float_eq(test.p, 63.0 / 70, 1e-15);
    cr_assert_eq(weat_test(&plan, items, N_VECTORS, 69, 1, &test, &err), STATUS_OK);
    cr_expect(!test.is_exact);
    cr_expect_float_eq(test.p, 63.0 / 70, 4 * sqrt(0.9 * 0.1 / 69) + 1.0 / 69);
    cr_assert_eq(json_parse(SLICE("params"), SLICE("{\"ddof\": 0}"), JSON_STRICT, &params, &err),
                 STATUS_OK);
    const MetricSetup setup = {.groups = sets, .n_groups = 4, .params = json_root(params)};
    expect_close(score_all("weat", &setup, items, N_VECTORS, &arena)->estimate, -0.9961277146736355,
                 1e-9, "ddof 0", 0);
    json_close(&params);
    arena_release(&arena);
}

// Swapping the targets, or the attributes, turns the sign; the length of a vector means nothing.
Test(weat, swapped_sets_turn_the_sign_and_lengths_mean_nothing)
{
    Arena arena = {0};
    Item items[N_VECTORS], swapped[N_VECTORS];
    float longer[DIM];
    weat_items(items);
    const double d = score_all("weat", &weat_setup, items, N_VECTORS, &arena)->estimate;
    for (int32_t first = WEAT_X; first <= WEAT_A; first += 2) {
        weat_items(swapped);
        for (size_t i = 0; i < N_VECTORS; i++) {
            const int32_t g = items[i].group;
            if (g == first || g == first + 1) swapped[i].group = 2 * first + 1 - g;
        }
        const Score *scores = score_all("weat", &weat_setup, swapped, N_VECTORS, &arena);
        cr_expect_float_eq(scores[0].estimate, -d, 1e-12);
    }
    for (size_t k = 0; k < DIM; k++) longer[k] = 4 * vectors[2][k];
    items[2].embedding = longer;
    cr_expect_float_eq(score_all("weat", &weat_setup, items, N_VECTORS, &arena)->estimate, d,
                       1e-12);
    arena_release(&arena);
}

Test(weat, empty_sets_are_undefined_and_bad_vectors_refused)
{
    static const float zero[DIM] = {0}, infinite[DIM] = {INFINITY};
    Arena arena = {0};
    Item items[N_VECTORS];
    WeatTest test;
    Score *scores;
    Error err = {0};
    const MetricPlan plan = weat_plan(&arena);
    weat_items(items);
    cr_assert_eq(weat_test(&plan, items, 11, 0, 1, &test, &err), STATUS_OK);
    cr_expect(isnan(test.p), "B is empty");
    cr_expect(isnan(score_all("weat", &weat_setup, items, 11, &arena)->estimate));
    cr_expect(isnan(score_all("weat", &weat_setup, items + 4, 10, &arena)->estimate), "X is empty");
    const float *const bad[] = {zero, infinite, NULL};
    static const char *const messages[] = {"zero or not finite", "zero or not finite",
                                           "has no embedding"};
    for (size_t i = 0; i < 3; i++) {
        items[3].embedding = bad[i];
        err = (Error){0};
        cr_expect_eq(scores_of_items(&plan, items, N_VECTORS, NULL, &arena, &scores, &err),
                     STATUS_INVALID);
        cr_expect(strstr(err.text, "weat: item 3: ") != NULL &&
                      strstr(err.text, messages[i]) != NULL,
                  "%s", err.text);
        cr_expect_eq(weat_test(&plan, items, N_VECTORS, 0, 1, &test, &err), STATUS_INVALID);
    }
    weat_items(items);
    items[5].embedding_size = 4;
    err = (Error){0};
    cr_expect_eq(weat_test(&plan, items, N_VECTORS, 0, 1, &test, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "of 4 numbers, others have 5") != NULL, "%s", err.text);
    arena_release(&arena);
}
