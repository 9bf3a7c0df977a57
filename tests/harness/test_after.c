// Steps on the tuned winner: nothing is tuned again, whatever the folds, and a stop, jobs and threads change no byte.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "harness/plan.h"
#include "results/judged.h"
#include "tests/harness/runs.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"

#define STEPS                                                                                   \
    ", \"after\": [{\"prune\": 0.9}, {\"quantize\": \"q8_0\"}, {\"prune\": 0.5, \"quantize\": " \
    "\"q4_0\"}, {\"compute\": \"bf16\"}]"
#define N_STEPS ((size_t)4)

static const char tune[] = "{\"learning_rate\": [5e-3, 1e-3], \"batch_size\": 8, \"epochs\": 1}";
static const char one[] = "{\"learning_rate\": 5e-3, \"batch_size\": 8, \"epochs\": 1}";

typedef struct Shape {
    const char *tune, *folds;
    bool has_parts;
    size_t n_steps; // trials after tuning that come of it
} Shape;

// With an inner part, tuned again, with inner folds, without choice, without folds.
static const Shape shapes[] = {
    {tune, "{\"k\": 2, \"inner\": 0.25}", false, 2 * N_STEPS},
    {tune, "{\"k\": 2, \"inner\": 0.25, \"refit\": true}", false, 2 * N_STEPS},
    {tune, "{\"k\": 2, \"inner\": 2, \"explore\": true}", false, 2 * N_STEPS},
    {one, "{\"k\": 2, \"inner\": 0}", false, 2 * N_STEPS},
    {one, "{\"inner\": 0}", true, N_STEPS},
};

static const char *folder_of(const Shape *shape)
{
    return runs_folder(&(RunsSuite){
        .tune = shape->tune, .folds = shape->folds, .has_parts = shape->has_parts, .more = STEPS});
}

static const TrialCurve *series_of(const Trial *trial, const char *name)
{
    for (size_t k = 0; k < trial->n_curves; k++) {
        if (slice_eq_cstr(trial->curves[k].series, name)) return &trial->curves[k];
    }
    return NULL;
}

// Each step is of the winner of its fold, of the right size, and was not tuned.
static void check_steps(const char *folder, const char *store_name, Slice run_id, size_t wanted)
{
    Store *store = NULL;
    Error err = {0};
    Arena arena = {0};
    RunTrial *plan = NULL;
    size_t n = 0, n_steps = 0, n_small = 0;
    cr_assert_eq(store_open(folder_path(folder, store_name), STORE_READ_ONLY, &store, &err),
                 STATUS_OK);
    cr_assert_eq(store_get_plan(store, &arena, run_id, &plan, NULL, &n, &err), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        Trial trial;
        if (plan[i].role != TRIAL_AFTER) continue;
        n_steps++;
        cr_assert_eq(store_get_trial(store, &arena, plan[i].trial_id, TRIAL_CURVES | TRIAL_HEAD,
                                     &trial, &err),
                     STATUS_OK, "%s", err.text);
        cr_expect_eq(trial.cost->train_ns, 0, "step %zu was tuned for %lld ns", n_steps,
                     (long long)trial.cost->train_ns);
        cr_expect_null(series_of(&trial, "train/loss"));
        const TrialCurve *size = series_of(&trial, "model/bytes");
        cr_assert_not_null(size);
        n_small += slice_find(plan[i].setting, SLICE("\"quantize\":\"q")) != SIZE_MAX;
        cr_expect_gt(size->points[0].value, 0);
    }
    cr_expect_eq(n_steps, wanted, "%zu steps, not %zu", n_steps, wanted);
    cr_expect_eq(n_small, wanted / 2);
    arena_release(&arena);
    store_close(&store);
}

Test(after, steps_are_taken_on_the_tuned_winner_without_tuning_again)
{
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        Error err = {0};
        RunResult result = {0};
        const char *folder = folder_of(&shapes[s]);
        cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "shape %zu: %s", s,
                     err.text);
        cr_expect_eq(result.n_failed, 0);
        check_steps(folder, "a.db", slice_from_cstr(result.run_id), shapes[s].n_steps);
        run_result_release(&result);
        folder_remove(folder);
    }
}

Test(after, jobs_and_threads_change_no_byte)
{
    for (size_t s = 0; s < 2; s++) {
        const char *folder = folder_of(&shapes[s]);
        Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
        Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 3});
        Buffer threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
        cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
        cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&threads)));
        cr_expect_neq(slice_find(buffer_slice(&plain), SLICE("{\"after\":\"prune 0.5, q4_0\"}")),
                      SIZE_MAX);
        buffer_release(&plain);
        buffer_release(&jobs);
        buffer_release(&threads);
        folder_remove(folder);
    }
}

Test(after, what_cannot_be_a_step_is_refused)
{
    static const struct {
        const char *after, *tune, *says;
    } cases[] = {
        {"[{}]", one, "does nothing"},
        {"[{\"prune\": 0}]", one, "does nothing"},
        {"[{\"prune_scope\": \"global\", \"quantize\": \"q8_0\"}]", one, "no \"prune\" beside it"},
        {"[{\"prune\": 1}]", one, "prune"},
        {"[{\"quantize\": \"q9\"}]", one, "q9"},
        {"[{\"bake\": 1}]", one, "bake"},
        {"[\"q8_0\"]", one, "want an object"},
        {"{\"quantize\": \"q8_0\"}", one, "after"},
        {"[{\"quantize\": \"q8_0\"}, {\"quantize\": \"q8_0\"}]", one, "stands twice"},
        {"[{\"prune\": 0.5}]", "{\"prune\": [0, 0.3]}", "prune already"},
        {"[{\"quantize\": \"q8_0\"}]", "{\"after\": \"q4_0\"}", "list of steps"},
        {"[{\"quantize\": \"q8_0\"}]", "null", "add a \"tune\" block"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s, \"after\": %s", cases[i].tune, cases[i].after);
        const char *suite = suites_with_tune(text);
        const char *message = suites_refusal(suite, NULL);
        cr_expect_neq(slice_find(slice_from_cstr(message), slice_from_cstr(cases[i].says)),
                      SIZE_MAX, "%s: %s", cases[i].after, message);
    }
}

// ---- the same keys as axes of the grid ----

// Trials of a fold's choice; those of one tuning took its time, once.
static void check_shared(const char *folder, Slice run_id, const char *alone, Slice alone_run)
{
    Store *store = NULL, *other = NULL;
    Error err = {0};
    Arena arena = {0};
    RunTrial *plan = NULL;
    size_t n = 0, n_inner = 0, n_alike = 0;
    int64_t took_ns[2] = {-1, -1};
    cr_assert_eq(store_open(folder_path(folder, "a.db"), STORE_READ_ONLY, &store, &err), STATUS_OK);
    cr_assert_eq(store_get_plan(store, &arena, run_id, &plan, NULL, &n, &err), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        Trial trial;
        if (plan[i].role != TRIAL_INNER) continue;
        cr_assert_eq(store_get_trial(store, &arena, plan[i].trial_id, TRIAL_CURVES, &trial, &err),
                     STATUS_OK);
        const size_t fold = (size_t)plan[i].outer_fold;
        n_inner++;
        cr_expect_not_null(series_of(&trial, "train/loss"));
        cr_expect_gt(trial.best_step, 0);
        if (took_ns[fold] < 0) took_ns[fold] = trial.cost->train_ns;
        cr_expect_eq(trial.cost->train_ns, took_ns[fold], "setting " SLICE_FMT " tuned anew",
                     SLICE_ARG(plan[i].setting));
    }
    cr_expect_eq(n_inner, 8);
    // A setting in a suite of its own has the same trials, and they come to the same.
    cr_assert_eq(store_open(folder_path(alone, "a.db"), STORE_READ_ONLY, &other, &err), STATUS_OK);
    cr_assert_eq(store_get_plan(other, &arena, alone_run, &plan, NULL, &n, &err), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        Trial mine, its;
        TrialStatus status;
        if (plan[i].role != TRIAL_INNER) continue;
        cr_assert_eq(store_trial_status(store, plan[i].trial_id, &status, &err), STATUS_OK);
        cr_assert_eq(status, TRIAL_DONE);
        cr_assert_eq(store_get_trial(store, &arena, plan[i].trial_id, TRIAL_HEAD, &mine, &err),
                     STATUS_OK);
        cr_assert_eq(store_get_trial(other, &arena, plan[i].trial_id, TRIAL_HEAD, &its, &err),
                     STATUS_OK);
        cr_assert_eq(mine.n_scores, its.n_scores);
        for (size_t k = 0; k < mine.n_scores; k++)
            cr_expect_eq(mine.scores[k].estimate, its.scores[k].estimate);
        n_alike++;
    }
    cr_expect_eq(n_alike, 2);
    store_close(&store);
    store_close(&other);
    arena_release(&arena);
}

#define ALIKE(more) "{\"learning_rate\": 5e-3, \"batch_size\": 8, \"epochs\": 2, " more "}"

Test(after, settings_that_tune_alike_share_one_tuned_model)
{
    static const char folds[] = "{\"k\": 2, \"inner\": 0.25, \"explore\": true}";
    char alone[512];
    Error err = {0};
    RunResult result = {0}, single = {0};
    snprintf(alone, sizeof alone, "%s",
             runs_folder(&(RunsSuite){.tune = ALIKE("\"prune\": 0.6, \"quantize\": \"q8_0\""),
                                      .folds = folds}));
    cr_assert_eq(runs_run(alone, NULL, &single, &err), STATUS_OK, "%s", err.text);
    const char *folder =
        runs_folder(&(RunsSuite){.tune = ALIKE("\"prune\": [0, 0.6], \"quantize\": [\"none\", "
                                               "\"q8_0\"]"),
                                 .folds = folds});
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    check_shared(folder, slice_from_cstr(result.run_id), alone, slice_from_cstr(single.run_id));
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"}),
           jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 3});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    buffer_release(&plain);
    buffer_release(&jobs);
    run_result_release(&result);
    run_result_release(&single);
    folder_remove(alone);
    folder_remove(folder);
}
