#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "results/compare.h"
#include "results/judged.h"
#include "tests/results/fixture.h"

static Store *store;

static void setup(void)
{
    Error err = {0};
    cr_assert_eq(store_open(":memory:", STORE_WRITE, &store, &err), STATUS_OK, "%s", err.text);
}

static void teardown(void)
{
    store_close(&store);
}

TestSuite(compare, .init = setup, .fini = teardown);

static bool has(const Buffer *text, const char *words)
{
    return slice_find(buffer_slice(text), slice_from_cstr(words)) != SIZE_MAX;
}

Test(compare, finds_the_better_of_two_models_on_the_same_samples)
{
    char run[RUN_ID_SIZE];
    fixture_fill(store, NULL, run);
    const CompareSide base = {store, slice_from_cstr(run), SLICE("tiny"), {0}};
    const CompareSide candidate = {store, slice_from_cstr(run), SLICE("minilm"), {0}};
    Comparison c;
    Error err = {0};
    cr_assert_eq(compare_runs(&base, &candidate, NULL, &c, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(c.n_pairs, 500);
    cr_expect_eq(c.n_metrics, 2);
    const ComparedMetric *m = &c.metrics[c.primary];
    cr_expect(slice_eq_cstr(m->name, "accuracy"));
    cr_expect_float_eq(m->paired.first, 0.844, 1e-12);
    cr_expect_float_eq(m->paired.second, 0.924, 1e-12);
    cr_expect_float_eq(m->paired.difference, (m->paired.only_second - m->paired.only_first) / 500,
                       1e-12);
    cr_expect_eq(m->verdict, COMPARE_BETTER);
    cr_expect_lt(m->p, 0.001);
    cr_expect_geq(m->p_adjusted, m->p);
    // Five folds of a hundred samples each: their mean is that of all.
    cr_expect_eq(m->folds.n, 5);
    cr_expect_float_eq(m->folds.difference, m->paired.difference, 1e-12);
    cr_expect(m->folds.lo < m->folds.difference && m->folds.difference < m->folds.hi);
    cr_expect(m->folds.p > m->p && m->folds.p < 1, "%g", m->folds.p);
    Buffer text = {0};
    comparison_text(&c, 100, &text);
    cr_expect(has(&text, "over 5 folds, training included"), "%s", text.ptr);
    cr_expect(has(&text, "the candidate is better") && has(&text, "verdict: better"), "%s",
              text.ptr);
    buffer_clear(&text);
    comparison_json(&c, &text);
    JsonDocument *document = NULL;
    cr_expect_eq(json_parse(SLICE("c"), buffer_slice(&text), JSON_STRICT, &document, &err),
                 STATUS_OK, "%s", err.text);
    json_close(&document);
    buffer_clear(&text);
    comparison_junit(&c, &text);
    cr_expect(has(&text, "failures=\"0\""), "%s", text.ptr);
    comparison_release(&c);

    cr_assert_eq(compare_runs(&candidate, &base, NULL, &c, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(c.metrics[c.primary].verdict, COMPARE_WORSE);
    buffer_clear(&text);
    comparison_junit(&c, &text);
    cr_expect(has(&text, "failures=\"1\"") && has(&text, "<failure message=\""), "%s", text.ptr);
    buffer_release(&text);
    comparison_release(&c);
}

Test(compare, calls_a_run_identical_with_itself_and_equivalent_within_a_margin)
{
    char run[RUN_ID_SIZE];
    fixture_fill(store, NULL, run);
    const CompareSide base = {store, slice_from_cstr(run), SLICE("tiny"), {0}};
    const CompareSide candidate = {store, slice_from_cstr(run), SLICE("minilm"), {0}};
    const CompareOptions wide = {.margin = 0.5};
    Comparison c;
    Error err = {0};
    cr_assert_eq(compare_runs(&base, &base, NULL, &c, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(c.metrics[c.primary].verdict, COMPARE_IDENTICAL);
    cr_expect_float_eq(c.metrics[c.primary].p, 1, 0);
    cr_expect_float_eq(c.metrics[c.primary].folds.p, 1, 0);
    comparison_release(&c);
    cr_assert_eq(compare_runs(&base, &candidate, &wide, &c, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(c.metrics[c.primary].verdict, COMPARE_EQUIVALENT);
    comparison_release(&c);
}

Test(compare, counts_and_names_samples_that_have_no_pair)
{
    char first[RUN_ID_SIZE], second[RUN_ID_SIZE];
    const FixtureOptions short_one = {.n_samples = 480};
    fixture_fill(store, NULL, first);
    fixture_fill(store, &short_one, second);
    const CompareSide base = {store, slice_from_cstr(first), SLICE("tiny"), {0}};
    const CompareSide candidate = {store, slice_from_cstr(second), {0}, {0}};
    Comparison c;
    Error err = {0};
    cr_assert_eq(compare_runs(&base, &candidate, NULL, &c, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(c.n_pairs, 480);
    cr_expect_eq(c.only_base.n, 20);
    cr_expect(slice_eq_cstr(c.only_base.named[0], "review-0480"));
    cr_expect_eq(c.only_candidate.n, 0);
    comparison_release(&c);

    const FixtureOptions other_texts = {.seed = 3};
    fixture_fill(store, &other_texts, second);
    cr_assert_eq(compare_runs(&base, &candidate, NULL, &c, &err), STATUS_OK, "%s", err.text);
    cr_expect_gt(c.changed.n, 0, "the same ids with other texts are no pairs");
    cr_expect_eq(c.changed.n + c.n_pairs, 500);
    comparison_release(&c);
}

Test(compare, asks_for_a_model_where_there_are_several)
{
    char run[RUN_ID_SIZE];
    fixture_fill(store, NULL, run);
    const CompareSide side = {store, slice_from_cstr(run), {0}, {0}},
                      wrong = {store, slice_from_cstr(run), SLICE("huge"), {0}};
    Comparison c;
    Error err = {0};
    cr_expect_eq(compare_runs(&side, &side, NULL, &c, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "\"minilm\", \"tiny\""), "%s", err.text);
    cr_expect_eq(compare_runs(&wrong, &wrong, NULL, &c, &err), STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "huge"), "%s", err.text);
}

Test(compare, pools_rows_of_folds_into_the_scores_of_the_run)
{
    char run[RUN_ID_SIZE];
    fixture_fill(store, NULL, run);
    Error err = {0};
    Arena arena = {0};
    RunScore *scores = NULL;
    size_t n = 0, n_nested = 0, n_settings = 0;
    cr_assert_eq(run_scores_pool(store, slice_from_cstr(run), NULL, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(store_get_run_scores(store, &arena, slice_from_cstr(run), &scores, &n, &err),
                 STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < n; i++) {
        if (!slice_eq_cstr(scores[i].score.name, "accuracy")) continue;
        n_nested += scores[i].role == TRIAL_OUTER;
        n_settings += scores[i].role == TRIAL_INNER;
        cr_expect_eq(scores[i].n_folds, 5);
        cr_expect(scores[i].score.lo < scores[i].score.estimate &&
                  scores[i].score.estimate < scores[i].score.hi);
        if (scores[i].role != TRIAL_OUTER || !slice_eq_cstr(scores[i].model, "minilm")) continue;
        cr_expect_float_eq(scores[i].score.estimate, 0.924, 1e-12);
        cr_expect_eq(scores[i].score.n, 500);
        cr_expect(slice_eq_cstr(scores[i].score.method, "wilson"));
    }
    cr_expect_eq(n_nested, 2);
    cr_expect_eq(n_settings, 12);
    arena_release(&arena);
}
