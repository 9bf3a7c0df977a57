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
    cr_assert_eq(suite_identify(suite, store, (Device){0}, COMPUTE_F32, &arena, &identity, &err),
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

static void read_run(const char *path, const char *run_id, Arena *arena, RunTrial **plan,
                     Trial **trials, size_t *n)
{
    Store *store = NULL;
    Error err = {0};
    TrialStatus *status = NULL;
    cr_assert_eq(store_open(path, STORE_READ_ONLY, &store, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_get_plan(store, arena, slice_from_cstr(run_id), plan, &status, n, &err),
                 STATUS_OK, "%s", err.text);
    *trials = arena_alloc(arena, *n, sizeof **trials);
    for (size_t i = 0; i < *n; i++) {
        cr_assert_eq(
            store_get_trial(store, arena, (*plan)[i].trial_id, TRIAL_ALL, &(*trials)[i], &err),
            STATUS_OK, "%s", err.text);
    }
    store_close(&store);
}

static void run_it(const char *folder, const char *store, RunResult *result)
{
    Error err = {0};
    const RunsHow how = {.store = store};
    cr_assert_eq(runs_run(folder, &how, result, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(result->n_failed, 0);
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
    run_it(folder, "h.db", &halved);
    read_run(folder_path(folder, "h.db"), halved.run_id, &arena, &plan, &trials, &n);
    snprintf(keep, sizeof keep, "%s", folder);
    const char *grid = runs_folder(&(RunsSuite){.tune = RATES});
    run_it(grid, "g.db", &whole);
    read_run(folder_path(grid, "g.db"), whole.run_id, &arena, &whole_plan, &whole_trials, &n_whole);
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
    run_it(folder, "c.db", &result);
    read_run(folder_path(folder, "c.db"), result.run_id, &arena, &plan, &trials, &n);
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

// ---- honest choice ----

#define RATES_THAT_LEARN                                                               \
    "{\"learning_rate\": [2e-3, 1e-2, 2e-2, 4e-2], \"batch_size\": 4, \"epochs\": 6, " \
    "\"early_stopping\": {\"patience\": 0}}"

enum { N_SENTENCES = 60, N_FOLDS = 2 };

// Sentences with ids, labels of fold `permuted` swapped, each with its neighbour's; -1 leaves all as they are.
static void write_sentences(const char *folder, int permuted)
{
    Error err = {0};
    Buffer data = {0}, folds = {0};
    Slice rest = slice_from_cstr(runs_sentences(N_SENTENCES, 1)), line;
    Slice labels[N_SENTENCES], texts[N_SENTENCES];
    slice_split(&rest, '\n', &line);
    for (int i = 0; i < N_SENTENCES; i++) {
        cr_assert(slice_split(&rest, '\n', &line));
        const size_t tab = slice_find_byte(line, '\t');
        texts[i] = slice_sub(line, 0, tab);
        labels[i] = slice_sub(line, tab + 1, line.len);
    }
    buffer_append_cstr(&data, "id\ttext\tlabel\n");
    for (int i = 0; i < N_SENTENCES; i++) {
        const int fold = i / 2 % N_FOLDS; // neighbours have different labels, and share a fold
        const int from = fold == permuted && i / 4 % 2 == 0 ? i ^ 1 : i;
        buffer_printf(&data, "s%d\t" SLICE_FMT "\t" SLICE_FMT "\n", i, SLICE_ARG(texts[i]),
                      SLICE_ARG(labels[from]));
        buffer_printf(&folds, "s%d\t%d\n", i, fold);
    }
    cr_assert_eq(file_write(folder_path(folder, "data/train.tsv"), buffer_slice(&data), &err),
                 STATUS_OK);
    cr_assert_eq(file_write(folder_path(folder, "folds.tsv"), buffer_slice(&folds), &err),
                 STATUS_OK);
    buffer_release(&data);
    buffer_release(&folds);
}

static bool has_same_hits(const Trial *a, const Trial *b)
{
    return memcmp(a->metrics[0].rows, b->metrics[0].rows,
                  a->n_outputs * a->metrics[0].width * sizeof(double)) == 0;
}

static bool has_same_scores(const Trial *a, const Trial *b)
{
    bool same = a->n_scores == b->n_scores;
    for (size_t i = 0; same && i < a->n_scores; i++)
        same = a->scores[i].estimate == b->scores[i].estimate;
    return same;
}

Test(search, labels_of_the_fold_left_out_change_no_hyperparameter)
{
    static const char *const searches[] = {
        HALVES, ", \"search\": {\"kind\": \"random\", \"trials\": 3}, \"learning_curve\": [20]"};
    for (size_t k = 0; k < sizeof searches / sizeof *searches; k++) {
        Arena arena = {0};
        RunResult honest = {0};
        RunTrial *plan = NULL;
        Trial *trials = NULL;
        size_t n = 0;
        const char *folder = runs_folder(
            &(RunsSuite){.tune = RATES_THAT_LEARN,
                         .more = searches[k],
                         .folds = "{\"k\": 2, \"inner\": 0.25, \"file\": \"folds.tsv\"}"});
        write_sentences(folder, -1);
        run_it(folder, "a.db", &honest);
        read_run(folder_path(folder, "a.db"), honest.run_id, &arena, &plan, &trials, &n);
        for (int fold = 0; fold < N_FOLDS; fold++) {
            char name[16];
            RunResult permuted = {0};
            RunTrial *other_plan = NULL;
            Trial *other = NULL;
            size_t n_other = 0, n_choices = 0, n_changed = 0, n_felt = 0;
            snprintf(name, sizeof name, "p%d.db", fold);
            write_sentences(folder, fold);
            run_it(folder, name, &permuted);
            read_run(folder_path(folder, name), permuted.run_id, &arena, &other_plan, &other,
                     &n_other);
            cr_assert_eq(n_other, n);
            for (size_t i = 0; i < n; i++) {
                if (plan[i].role == TRIAL_BASELINE) continue;
                if (plan[i].outer_fold != fold) { // it learns from the permuted labels
                    n_felt += !has_same_scores(&trials[i], &other[i]) ||
                              trials[i].best_step != other[i].best_step;
                    continue;
                }
                cr_expect(slice_eq(plan[i].setting, other_plan[i].setting), "trial %zu", i);
                cr_expect_eq(plan[i].is_chosen, other_plan[i].is_chosen, "trial %zu", i);
                cr_expect_eq(trials[i].best_step, other[i].best_step, "trial %zu", i);
                if (plan[i].role == TRIAL_INNER) {
                    cr_expect(has_same_scores(&trials[i], &other[i]), "inner trial %zu", i);
                } else {
                    n_choices++;
                    n_changed += !has_same_hits(&trials[i], &other[i]);
                }
            }
            cr_expect_gt(n_choices, 0);
            cr_expect_gt(n_changed, 0, "search %zu, fold %d: no label was permuted", k, fold);
            cr_expect_gt(n_felt, 0, "search %zu, fold %d: labels matter nowhere", k, fold);
            run_result_release(&permuted);
        }
        run_result_release(&honest);
        arena_release(&arena);
        folder_remove(folder);
    }
}

// Pruned and quantised variants of a tuned model stand side by side, each with its size.
Test(search, variants_of_a_tuned_model_are_judged_with_their_sizes)
{
    Arena arena = {0};
    RunResult result = {0};
    RunTrial *plan = NULL;
    Trial *trials = NULL;
    size_t n = 0, n_whole = 0, n_small = 0;
    double whole = 0, small = 0;
    const char *folder = runs_folder(&(RunsSuite){
        .tune = "{\"learning_rate\": 5e-3, \"batch_size\": 8, \"epochs\": 1, \"prune\": [0, 0.5], "
                "\"quantize\": [\"none\", \"q8_0\"]}",
        .folds = "{\"k\": 2, \"inner\": 0.25, \"explore\": true}"});
    run_it(folder, "v.db", &result);
    read_run(folder_path(folder, "v.db"), result.run_id, &arena, &plan, &trials, &n);
    for (size_t i = 0; i < n; i++) {
        if (plan[i].role != TRIAL_EXPLORE && plan[i].role != TRIAL_OUTER) continue;
        const bool is_small = slice_find(plan[i].setting, SLICE("\"q8_0\"")) != SIZE_MAX;
        for (size_t k = 0; k < trials[i].n_curves; k++) {
            if (!slice_eq_cstr(trials[i].curves[k].series, "model/bytes")) continue;
            n_whole += !is_small;
            n_small += is_small;
            *(is_small ? &small : &whole) = trials[i].curves[k].points[0].value;
        }
    }
    cr_expect_eq(n_whole, 4, "%zu of 2 shares in 2 folds", n_whole);
    cr_expect_eq(n_small, 4, "%zu of 2 shares in 2 folds", n_small);
    cr_expect_gt(small, 0);
    cr_expect_lt(small, 0.75 * whole, "%g bytes of %g", small, whole);
    run_result_release(&result);
    arena_release(&arena);
    folder_remove(folder);
}

// What is tuned is the same; how the products are computed where it is judged shows in the last digits of its probabilities.
Test(search, a_tuned_model_is_judged_as_each_setting_computes)
{
    static const char *const kinds[] = {"\"f32\"", "\"bf16\"", "\"int8\""};
    Arena arena = {0};
    RunResult result = {0};
    RunTrial *plan = NULL;
    Trial *trials = NULL;
    size_t n = 0, n_seen[3] = {0};
    double sums[3] = {0}, learnt[3] = {0};
    const char *folder = runs_folder(
        &(RunsSuite){.tune = "{\"learning_rate\": 5e-3, \"batch_size\": 8, \"epochs\": 1, "
                             "\"compute\": [\"f32\", \"bf16\", \"int8\"]}",
                     .folds = "{\"k\": 2, \"inner\": 0.25, \"explore\": true}"});
    run_it(folder, "c.db", &result);
    read_run(folder_path(folder, "c.db"), result.run_id, &arena, &plan, &trials, &n);
    for (size_t i = 0; i < n; i++) {
        if (plan[i].role != TRIAL_INNER) continue;
        size_t kind = 0;
        while (kind < 3 && slice_find(plan[i].setting, slice_from_cstr(kinds[kind])) == SIZE_MAX)
            kind++;
        cr_assert_lt(kind, 3, "a setting without its kind");
        n_seen[kind]++;
        for (size_t k = 0; k < trials[i].n_outputs; k++)
            sums[kind] += (double)trials[i].outputs[k].probabilities[0];
        for (size_t k = 0; k < trials[i].n_curves; k++) {
            const TrialCurve *curve = &trials[i].curves[k];
            if (slice_eq_cstr(curve->series, "train/loss"))
                learnt[kind] += curve->points[curve->n_points - 1].value;
        }
    }
    for (size_t kind = 0; kind < 3; kind++) {
        cr_expect_eq(n_seen[kind], n_seen[0], "%zu trials of %s", n_seen[kind], kinds[kind]);
        cr_expect(learnt[kind] == learnt[0] && learnt[0] > 0, "%s learnt %.17g, not %.17g",
                  kinds[kind], learnt[kind], learnt[0]);
        cr_expect_float_eq(sums[kind], sums[0], 0.05 * sums[0], "%s", kinds[kind]);
        cr_expect(kind == 0 || sums[kind] != sums[0], "%s gives the same bits", kinds[kind]);
    }
    run_result_release(&result);
    arena_release(&arena);
    folder_remove(folder);
}
