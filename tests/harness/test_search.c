// Random search, successive halving, learning curves, and that none of them sees the fold left out.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "harness/plan.h"
#include "tests/harness/runs.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"

static Suite *load(const char *tune, const char *more, const char **folder)
{
    *folder = runs_folder(&(RunsSuite){.tune = tune, .more = more});
    return runs_load(*folder);
}

static void drop(Suite *suite, const char *folder)
{
    suite_close(&suite);
    folder_remove(folder);
}

#define DRAWN                                                                                   \
    "{\"learning_rate\": {\"log_uniform\": [1e-5, 1e-2]}, \"batch_size\": [4, 8, 16], "         \
    "\"epochs\": {\"int\": [1, 3]}, \"dropout\": {\"uniform\": [0, 0.5]}, \"early_stopping\": " \
    "[false, {\"patience\": [1, 2]}], \"class_weights\": {\"good\": {\"uniform\": [1, 2]}}}"

Test(search, draws_within_the_bounds_and_more_trials_keep_the_first)
{
    const char *folder;
    Suite *few = load(DRAWN, ", \"search\": {\"kind\": \"random\", \"trials\": 5}", &folder);
    folder_remove(folder);
    Suite *many = load(DRAWN, ", \"search\": {\"kind\": \"random\", \"trials\": 60}", &folder);
    folder_remove(folder);
    cr_assert_eq(few->models[0].n_settings, 5);
    cr_assert_eq(many->models[0].n_settings, 60);
    for (size_t i = 0; i < 5; i++)
        cr_expect(slice_eq(few->models[0].settings[i].json, many->models[0].settings[i].json),
                  "setting %zu", i);
    size_t n_low = 0, n_stops = 0, n_epochs[4] = {0};
    for (size_t i = 0; i < 60; i++) {
        const TuneSetting *s = &many->models[0].settings[i];
        cr_expect(s->learning_rate >= 1e-5 && s->learning_rate <= 1e-2);
        cr_expect(s->dropout >= 0 && s->dropout <= 0.5);
        cr_expect(s->batch_size == 4 || s->batch_size == 8 || s->batch_size == 16);
        cr_assert(s->epochs >= 1 && s->epochs <= 3);
        n_epochs[(int)s->epochs]++;
        n_low += s->learning_rate < 3.2e-4; // the middle of the logarithm
        n_stops += s->monitor != MONITOR_NONE;
    }
    cr_expect(n_low > 15 && n_low < 45, "%zu of 60 below the middle", n_low);
    cr_expect(n_stops > 15 && n_stops < 45, "%zu of 60 stop early", n_stops);
    for (int e = 1; e <= 3; e++) cr_expect_gt(n_epochs[e], 8, "%d epochs", e);
    Suite *other =
        load(DRAWN, ", \"search\": {\"kind\": \"random\", \"trials\": 5, \"seed\": 4}", &folder);
    cr_expect_not(slice_eq(other->models[0].settings[0].json, few->models[0].settings[0].json));
    suite_close(&few);
    suite_close(&many);
    drop(other, folder);
}

Test(search, equal_draws_count_once)
{
    const char *folder;
    Suite *suite = load("{\"learning_rate\": [1e-3, 2e-3], \"batch_size\": [4, 8]}",
                        ", \"search\": {\"kind\": \"random\", \"trials\": 9}", &folder);
    cr_expect_eq(suite->models[0].n_settings, 4);
    Buffer text = {0};
    suite_describe_search(suite, 0, &text);
    cr_expect_neq(slice_find(buffer_slice(&text), SLICE("9 were asked for")), SIZE_MAX);
    buffer_release(&text);
    drop(suite, folder);
}

typedef struct Refusal {
    const char *tune, *more, *says;
} Refusal;

Test(search, refuses_what_cannot_be_searched)
{
    static const Refusal cases[] = {
        {"{\"learning_rate\": {\"uniform\": [1e-5, 1e-3]}}", "", "a distribution is drawn from"},
        {"{}", ", \"search\": {\"kind\": \"random\"}", "needs \"trials\""},
        {"{}", ", \"search\": {\"kind\": \"grid\", \"trials\": 3}", "all combinations"},
        {"{}", ", \"search\": {\"kind\": \"random\", \"trials\": 3, \"eta\": 2}", "halving"},
        {"{\"learning_rate\": {\"log_uniform\": [0, 1]}}",
         ", \"search\": {\"kind\": \"random\", \"trials\": 3}", "learning_rate"},
        {"{\"dropout\": {\"uniform\": [0.5, 0.1]}}",
         ", \"search\": {\"kind\": \"random\", \"trials\": 3}", "the lowest value comes first"},
        {"{\"dropout\": {\"uniform\": [0.5, 2]}}",
         ", \"search\": {\"kind\": \"random\", \"trials\": 3}", "tune.dropout"},
        {"{\"batch_size\": {\"int\": [1.5, 3]}}",
         ", \"search\": {\"kind\": \"random\", \"trials\": 3}", "batch_size"},
        {"{\"batch_size\": {\"int\": [3]}}", ", \"search\": {\"kind\": \"random\", \"trials\": 3}",
         "the lowest and the highest"},
        {"{\"epochs\": 3, \"batch_size\": [4, 8]}",
         ", \"search\": {\"kind\": \"halving\", \"min_epochs\": 3}", "nothing to halve"},
        {"{\"epochs\": 3, \"batch_size\": [4, 8]}",
         ", \"search\": {\"kind\": \"halving\", \"min_steps\": 3}", "max_steps"},
        {"{}", ", \"learning_curve\": []", "at least one point"},
        {"{}", ", \"learning_curve\": [50, 50]", "stands twice"},
        {"{}", ", \"learning_curve\": [1.5]", "a share of the training part below 1"},
        {"{\"train_samples\": 10}", ", \"learning_curve\": [20]", "leave it out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder =
            runs_folder(&(RunsSuite){.tune = cases[i].tune, .more = cases[i].more});
        Suite *suite = NULL;
        Error err = {0};
        const Status s = suite_load(folder_path(folder, "suite.json"), NULL, &suite, &err);
        cr_expect_eq(s, STATUS_INVALID, "case %zu was taken", i);
        cr_expect(strstr(err.text, cases[i].says), "case %zu: %s", i, err.text);
        cr_expect(strstr(err.text, "suite.json:"), "case %zu: %s", i, err.text);
        suite_close(&suite);
        folder_remove(folder);
    }
}

// ---- halving ----

#define RATES                                                                          \
    "{\"learning_rate\": [1e-3, 2e-3, 3e-3, 4e-3], \"batch_size\": 8, \"epochs\": 4, " \
    "\"early_stopping\": {\"patience\": 0}}"
#define HALVES ", \"search\": {\"kind\": \"halving\", \"eta\": 2}"

Test(search, halving_plans_rungs_and_the_best_go_on)
{
    const char *folder;
    Suite *suite = load(RATES, HALVES, &folder);
    Store *store = NULL;
    Arena arena = {0};
    SuiteIdentity identity;
    Plan plan;
    Error err = {0};
    cr_assert_eq(suite->models[0].n_rungs, 3);
    cr_assert_eq(store_open(":memory:", STORE_WRITE, &store, &err), STATUS_OK);
    cr_assert_eq(
        suite_identify(suite, store, (Device){0}, COMPUTE_F32, DTYPE_F32, &arena, &identity, &err),
        STATUS_OK, "%s", err.text);
    cr_assert_eq(plan_make(suite, &identity, &arena, &plan, &err), STATUS_OK, "%s", err.text);
    // A fold: 4 trials to epoch 1, 2 to epoch 2, 1 to the end, and the one that is judged.
    static const size_t rungs[] = {0, 0, 0, 0, 1, 1, 2};
    static const double scores[] = {0.5, 0.9, 0.7, 0.6, 0.8, 0.85, 0.7};
    cr_assert_eq(plan.groups[0].end - plan.groups[0].begin, 8);
    for (size_t i = 0; i < 7; i++) {
        cr_expect_eq(plan.trials[i].rung, rungs[i], "trial %zu", i);
        cr_assert_eq(plan.trials[i].state, PLANNED_READY, "trial %zu", i);
        if (i < 6) cr_expect_eq(plan.trials[6].state, PLANNED_BLOCKED);
        cr_assert_eq(plan_finish_trial(&plan, i, true, scores[i], 3, NULL, &err), STATUS_OK);
    }
    const TuneSetting *all = suite->models[0].settings;
    cr_expect_float_eq(all[plan.trials[4].spec.setting].learning_rate, 2e-3, 1e-12);
    cr_expect_float_eq(all[plan.trials[5].spec.setting].learning_rate, 3e-3, 1e-12);
    cr_expect_float_eq(all[plan.trials[5].spec.setting].until_epoch, 2, 0);
    cr_expect_eq(plan.trials[6].spec.setting, 2, "the last rung has the setting itself");
    cr_expect_eq(plan.trials[7].spec.setting, 2);
    cr_expect(plan.trials[7].is_chosen);
    cr_expect_eq(plan_tuned_trial(&plan, 7), 6);
    cr_expect_eq(plan_rung_before(&plan, 6), 5);
    cr_expect_eq(plan_rung_before(&plan, 5), 2);
    cr_expect_eq(plan_rung_before(&plan, 0), SIZE_MAX);
    cr_expect_not(plan_may_go_on(&plan, 0));
    cr_expect_not(plan_may_go_on(&plan, 5), "its follower has ended");
    store_close(&store);
    arena_release(&arena);
    drop(suite, folder);
}

// What went on from rung to rung has the bits of a run without stops.
Test(search, a_setting_that_went_through_the_rungs_equals_one_that_never_stopped)
{
    Arena arena = {0};
    RunResult halved = {0}, whole = {0};
    RunTrial *plan = NULL, *whole_plan = NULL;
    Trial *trials = NULL, *whole_trials = NULL;
    size_t n = 0, n_whole = 0, n_equal = 0;
    char keep[4096];
    const char *folder = runs_folder(&(RunsSuite){.tune = RATES, .more = HALVES});
    runs_finish(folder, "h.db", &halved);
    runs_trials(folder_path(folder, "h.db"), halved.run_id, &arena, &plan, &trials, &n);
    snprintf(keep, sizeof keep, "%s", folder);
    const char *grid = runs_folder(&(RunsSuite){.tune = RATES});
    runs_finish(grid, "g.db", &whole);
    runs_trials(folder_path(grid, "g.db"), whole.run_id, &arena, &whole_plan, &whole_trials,
                &n_whole);
    for (size_t i = 0; i < n; i++) {
        if (plan[i].role != TRIAL_INNER ||
            slice_find(plan[i].setting, SLICE("until_epoch")) != SIZE_MAX)
            continue;
        for (size_t j = 0; j < n_whole; j++) {
            if (!slice_eq(plan[i].trial_id, whole_plan[j].trial_id)) continue;
            const Trial *a = &trials[i], *b = &whole_trials[j];
            cr_assert_eq(a->n_outputs, b->n_outputs);
            cr_assert_eq(a->n_curves, b->n_curves);
            cr_expect_eq(a->best_step, b->best_step);
            for (size_t k = 0; k < a->n_outputs; k++)
                cr_expect(memcmp(a->outputs[k].probabilities, b->outputs[k].probabilities,
                                 2 * sizeof(float)) == 0,
                          "output %zu", k);
            for (size_t k = 0; k < a->n_curves; k++) {
                cr_assert_eq(a->curves[k].n_points, b->curves[k].n_points);
                for (size_t p = 0; p < a->curves[k].n_points; p++)
                    cr_expect_eq(a->curves[k].points[p].value, b->curves[k].points[p].value);
            }
            n_equal++;
        }
    }
    cr_expect_eq(n_equal, 2, "one a fold, found %zu", n_equal);
    run_result_release(&halved);
    run_result_release(&whole);
    arena_release(&arena);
    folder_remove(keep);
    folder_remove(grid);
}

Test(search, a_run_in_rungs_that_was_stopped_or_has_jobs_goes_on_to_the_same)
{
    const char *folder =
        runs_folder(&(RunsSuite){.tune = RATES, .more = HALVES ", \"learning_curve\": [12, 0.5]"});
    const atomic_int stop = 1;
    Error err = {0};
    RunResult result = {0};
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    const RunsHow stopped = {.store = "stopped.db", .cancel = &stop};
    cr_expect_eq(runs_run(folder, &stopped, &result, &err), STATUS_CANCELLED);
    run_result_release(&result);
    Buffer resumed = runs_export(folder, &(RunsHow){.store = "stopped.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 3});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&resumed)));
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect_not(file_exists(folder_path(folder, "plain.db.state")));
    buffer_release(&plain);
    buffer_release(&resumed);
    buffer_release(&jobs);
    folder_remove(folder);
}

// ---- learning curve ----

Test(search, each_point_of_the_curve_has_so_many_labels_and_a_score)
{
    Arena arena = {0};
    RunResult result = {0};
    RunTrial *plan = NULL;
    Trial *trials = NULL;
    size_t n = 0, n_points = 0;
    const char *folder =
        runs_folder(&(RunsSuite){.more = ", \"learning_curve\": [12, 0.5, 20, 1.0]"});
    runs_finish(folder, "c.db", &result);
    runs_trials(folder_path(folder, "c.db"), result.run_id, &arena, &plan, &trials, &n);
    for (size_t i = 0; i < n; i++) {
        if (plan[i].role != TRIAL_CURVE) continue;
        const TrialCurve *last = &trials[i].curves[trials[i].n_curves - 1];
        double wanted = 0;
        if (slice_find(plan[i].setting, SLICE("\"train_samples\":12,")) != SIZE_MAX) wanted = 12;
        if (slice_find(plan[i].setting, SLICE("\"train_samples\":0.5,")) != SIZE_MAX) wanted = 15;
        if (slice_find(plan[i].setting, SLICE("\"train_samples\":20,")) != SIZE_MAX) wanted = 20;
        cr_assert(slice_eq_cstr(last->series, "train/samples"));
        cr_expect_float_eq(last->points[0].value, wanted, 0, SLICE_FMT, SLICE_ARG(plan[i].setting));
        n_points++;
    }
    cr_expect_eq(n_points, 6, "3 points in 2 folds; the whole is the run itself");
    Store *store = NULL;
    RunScore *scores = NULL;
    size_t n_scores = 0, n_curve = 0;
    Error err = {0};
    cr_assert_eq(store_open(folder_path(folder, "c.db"), STORE_READ_ONLY, &store, &err), STATUS_OK);
    cr_assert_eq(store_get_run_scores(store, &arena, slice_from_cstr(result.run_id), &scores,
                                      &n_scores, &err),
                 STATUS_OK);
    for (size_t i = 0; i < n_scores; i++) {
        if (scores[i].role != TRIAL_CURVE || !slice_eq_cstr(scores[i].score.name, "accuracy"))
            continue;
        n_curve++;
        cr_expect_eq(scores[i].n_folds, 2);
        cr_expect_eq(scores[i].score.n, 60);
        cr_expect(scores[i].score.lo <= scores[i].score.estimate);
    }
    cr_expect_eq(n_curve, 3);
    store_close(&store);
    run_result_release(&result);
    arena_release(&arena);
    folder_remove(folder);
}

Test(search, a_point_beyond_the_data_is_named)
{
    const char *folder = runs_folder(&(RunsSuite){.more = ", \"learning_curve\": [4000]"});
    Error err = {0};
    RunResult result = {0};
    cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "asks for 4000 samples, but 30 are there"), "%s", err.text);
    run_result_release(&result);
    folder_remove(folder);
}
