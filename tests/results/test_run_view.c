#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "results/run_view.h"
#include "tests/results/fixture.h"

static Store *store;
static RunView view;
static char run_id[RUN_ID_SIZE];

static void load(const FixtureOptions *options)
{
    Error err = {0};
    cr_assert_eq(store_open(":memory:", STORE_WRITE, &store, &err), STATUS_OK, "%s", err.text);
    fixture_fill(store, options, run_id);
    cr_assert_eq(run_view_load(store, slice_from_cstr(run_id), NULL, &view, &err), STATUS_OK, "%s",
                 err.text);
}

static void unload(void)
{
    run_view_release(&view);
    store_close(&store);
}

TestSuite(run_view, .fini = unload);

Test(run_view, lists_models_tasks_settings_and_axes_in_the_order_of_the_plan)
{
    load(NULL);
    cr_assert_eq(view.n_models, 3);
    cr_expect(slice_eq_cstr(view.models[0].name, "minilm") &&
              slice_eq_cstr(view.models[1].name, "tiny"));
    cr_expect(view.models[2].is_baseline && !view.models[0].is_baseline);
    cr_assert_eq(view.n_tasks, 1);
    cr_expect(slice_eq_cstr(view.tasks[0].primary, "accuracy"));
    cr_expect_eq(view.tasks[0].n_labels, 3);
    cr_expect_eq(view.n_settings, 7, "six of the grid and the baseline's");
    cr_assert_eq(view.n_axes, 2);
    cr_expect(slice_eq_cstr(view.axes[0].key, "learning_rate"));
    cr_expect(slice_eq_cstr(view.axes[0].values[0], "1e-5") &&
              slice_eq_cstr(view.axes[0].values[2], "5e-5"));
    cr_expect(slice_eq_cstr(view.settings_table[0].label, "lr 1e-5, batch 16"), SLICE_FMT,
              SLICE_ARG(view.settings_table[0].label));
}

Test(run_view, counts_each_judged_sample_once_in_the_confusion_matrix)
{
    load(NULL);
    cr_assert_eq(view.n_confusions, 3);
    for (size_t i = 0; i < 3; i++) {
        const ViewConfusion *c = &view.confusions[i];
        uint64_t total = 0, hits = 0;
        for (size_t r = 0; r < 3; r++) {
            for (size_t j = 0; j < 4; j++) total += c->counts[r * 4 + j];
            hits += c->counts[r * 4 + r];
        }
        cr_expect_eq(total, 500);
        cr_expect_eq(c->n_samples, 500);
        const ViewScore *headline = run_view_headline(&view, c->model, 0, (Slice){0});
        cr_assert_not_null(headline);
        cr_expect_float_eq((double)hits / 500, headline->score.estimate, 1e-12, "model %d",
                           c->model);
    }
}

Test(run_view, orders_worst_samples_by_the_probability_of_the_reference)
{
    load(NULL);
    size_t n = 0;
    double last = -1;
    for (size_t i = 0; i < view.n_worst; i++) {
        cr_expect_neq(view.worst[i].model, 2, "a baseline has none");
        if (view.worst[i].model != 0) continue;
        cr_expect_geq(view.worst[i].p_reference, last);
        last = view.worst[i].p_reference;
        n++;
    }
    cr_expect_eq(n, 20);
    for (size_t i = 1; i < n; i++)
        cr_expect_not(slice_eq(view.worst[i].sample_id, view.worst[i - 1].sample_id));
}

Test(run_view, finds_the_best_model_and_the_setting_chosen_most_often)
{
    load(NULL);
    cr_expect_eq(run_view_best_model(&view, 0), 0);
    size_t n_won = 0, n_folds = 0, counted = 0;
    const int setting = run_view_best_setting(&view, 0, 0, &n_won, &n_folds);
    for (size_t i = 0; i < view.n_trials; i++) {
        const ViewTrial *t = &view.trials[i];
        counted += t->model == 0 && t->role == TRIAL_OUTER && t->is_chosen && t->setting == setting;
    }
    cr_expect_eq(n_folds, 5);
    cr_expect_eq(n_won, counted);
}

static bool has_note(const char *words)
{
    for (size_t i = 0; i < view.n_notes; i++) {
        if (slice_find(view.notes[i].text, slice_from_cstr(words)) != SIZE_MAX) return true;
    }
    return false;
}

Test(run_view, warns_of_rising_validation_loss_only_where_it_rises)
{
    load(NULL);
    cr_expect(has_note("first after epoch 2 with lr 5e-5, batch 16"));
    cr_expect_not(has_note("lr 1e-5"));
    for (size_t i = 0; i < view.n_gaps; i++) {
        const ViewGap *gap = &view.gaps[i];
        cr_expect_gt(gap->validation_loss, 0);
        const bool is_high =
            slice_find(view.settings_table[gap->setting].label, SLICE("lr 5e-5")) == 0;
        cr_expect_eq(gap->n_rising > 0, is_high, SLICE_FMT,
                     SLICE_ARG(view.settings_table[gap->setting].label));
    }
}

Test(run_view, says_what_failed_and_what_is_missing)
{
    const FixtureOptions options = {.with_failure = true, .stop_after = 60};
    load(&options);
    cr_expect_eq(view.n_failed, 1);
    cr_expect(has_note("loss became NaN at step 37"));
    cr_expect(has_note("15 of 75 trials are missing"));
    cr_expect_null(run_view_headline(&view, 2, 0, (Slice){0}));
}

Test(run_view, hashes_contents_and_not_the_time_of_the_last_start)
{
    load(NULL);
    char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE];
    Error err = {0};
    snprintf(before, sizeof before, "%s", view.inputs_hash);
    const RunRecord again = {.suite = view.suite,
                             .identity = SLICE("{\"n\":500,\"seed\":17,\"skill\":0,\"class\":0}"),
                             .settings = view.settings,
                             .manifest = view.manifest,
                             .manifest_machine = SLICE("{}"),
                             .primary_metric = SLICE("accuracy"),
                             .started_unix_ns = 5};
    char id[RUN_ID_SIZE];
    bool resumed = false;
    cr_assert_eq(store_begin_run(store, &again, id, &resumed, &err), STATUS_OK, "%s", err.text);
    cr_assert(resumed);
    cr_assert_str_eq(id, run_id);
    cr_assert_eq(store_finish_run(store, slice_from_cstr(id), SLICE("done"), 6, &err), STATUS_OK,
                 "%s", err.text);
    cr_assert_eq(run_view_hash(store, slice_from_cstr(id), after, &err), STATUS_OK, "%s", err.text);
    cr_expect_str_eq(before, after);
    const TrialCost cost = {.wall_ns = 1};
    cr_assert_eq(store_put_cost(store, view.trials[0].id, &cost, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(run_view_hash(store, slice_from_cstr(id), after, &err), STATUS_OK, "%s", err.text);
    cr_expect_str_neq(before, after, "a trial timed again changes a report");
}

Test(run_view, thins_long_curves_and_keeps_their_mean)
{
    Error err = {0};
    cr_assert_eq(store_open(":memory:", STORE_WRITE, &store, &err), STATUS_OK, "%s", err.text);
    enum { N = 1801 };
    static CurvePoint points[N];
    for (int i = 0; i < N; i++) points[i] = (CurvePoint){i, i};
    const TrialCurve curve = {SLICE("train/loss"), points, N};
    char key[SHA256_HEX_SIZE];
    sha256_of(SLICE("t"), key);
    const Trial trial = {.id = slice_from_cstr(key),
                         .setting = SLICE("{}"),
                         .role = TRIAL_SINGLE,
                         .outer_fold = -1,
                         .inner_fold = -1,
                         .status = TRIAL_DONE,
                         .best_step = -1,
                         .curves = &curve,
                         .n_curves = 1};
    const RunTrial plan = {.trial_id = trial.id,
                           .model = SLICE("m"),
                           .task = SLICE("t"),
                           .setting = SLICE("{}"),
                           .role = TRIAL_SINGLE,
                           .outer_fold = -1,
                           .inner_fold = -1};
    const RunRecord run = {.suite = SLICE("s"), .identity = SLICE("{}")};
    bool resumed;
    cr_assert_eq(store_put_trial(store, &trial, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_begin_run(store, &run, run_id, &resumed, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_set_plan(store, slice_from_cstr(run_id), &plan, 1, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(run_view_load(store, slice_from_cstr(run_id), NULL, &view, &err), STATUS_OK, "%s",
                 err.text);
    const ViewSeries *series = run_view_series(&view.trials[0], "train/loss");
    cr_assert_not_null(series);
    cr_expect_leq(series->n_points, VIEW_MAX_POINTS);
    cr_expect_eq(series->n_recorded, N);
    cr_expect_float_eq(series->points[0].value, 2, 1e-12, "the mean of 0..4");
    cr_expect_eq(series->points[1].step, 5);
}
