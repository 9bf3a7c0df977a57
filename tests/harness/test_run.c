// Runs of a tiny fresh encoder from the plan to the report.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/harness/runs.h"
#include "tests/support/folder.h"

static void must_equal(Buffer *a, Buffer *b, const char *what)
{
    cr_expect(slice_eq(buffer_slice(a), buffer_slice(b)),
              "%s: %zu bytes against %zu of the plain run", what, b->len, a->len);
    buffer_release(b);
}

Test(run, jobs_and_threads_change_no_byte)
{
    const char *folder = runs_folder(&(RunsSuite){0});
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 3});
    cr_expect_gt(plain.len, 1000);
    must_equal(&plain, &threads, "3 threads");
    must_equal(&plain, &jobs, "3 jobs");
    buffer_release(&plain);
    folder_remove(folder);
}

Test(run, a_run_that_was_stopped_goes_on_to_the_same)
{
    const char *folder = runs_folder(&(RunsSuite){0});
    const atomic_int stop = 1;
    Error err = {0};
    RunResult result = {0};
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    for (size_t jobs = 1; jobs <= 2; jobs++) {
        const RunsHow how = {.store = "stopped.db", .n_jobs = jobs, .cancel = &stop};
        cr_expect_eq(runs_run(folder, &how, &result, &err), STATUS_CANCELLED);
        run_result_release(&result);
        err = (Error){0};
    }
    Buffer resumed = runs_export(folder, &(RunsHow){.store = "stopped.db"});
    must_equal(&plain, &resumed, "stopped");
    buffer_release(&plain);
    folder_remove(folder);
}

Test(run, a_second_run_takes_all_from_the_store)
{
    const char *folder = runs_folder(&(RunsSuite){0});
    Error err = {0};
    RunResult first = {0}, second = {0}, timed = {0};
    FileStat before, after;
    cr_assert_eq(runs_run(folder, NULL, &first, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(first.n_cached, 0);
    cr_expect_eq(first.n_done, 8, "%zu", first.n_done); // 2 folds x (2 inner, 1 outer, 1 baseline)
    cr_assert_eq(first.n_reports, 1);
    const char *report = folder_path(folder, "a.db.report/report.json");
    cr_assert_eq(file_stat(report, &before, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(runs_run(folder, NULL, &second, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(second.n_cached, 8);
    cr_expect_eq(second.n_done, 0);
    cr_expect_str_eq(second.run_id, first.run_id);
    cr_assert_eq(file_stat(report, &after, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(after.inode, before.inode, "the report was written anew");
    const RunsHow retime = {.retime = true};
    cr_assert_eq(runs_run(folder, &retime, &timed, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(timed.n_done, 6, "%zu", timed.n_done);
    cr_expect_not(file_exists(folder_path(folder, "a.db.state")), "the state folder is left");
    run_result_release(&first);
    run_result_release(&second);
    run_result_release(&timed);
    folder_remove(folder);
}

Test(run, one_trials_failure_does_not_end_the_others)
{
    const char *folder = runs_folder(&(RunsSuite){
        .tune = "{\"learning_rate\": [1e-3, 1e9], \"batch_size\": 8, \"epochs\": 2, \"clip\": 0}"});
    Error err = {0};
    RunResult result = {0};
    Buffer json = {0};
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(result.n_failed, 2, "%zu", result.n_failed);
    cr_expect_eq(result.n_done, 6, "%zu", result.n_done);
    cr_assert_eq(run_result_json(&result, folder_path(folder, "a.db"), &json, &err), STATUS_OK,
                 "%s", err.text);
    cr_expect_neq(slice_find(buffer_slice(&json), SLICE("\"failed\": 2")), SIZE_MAX);
    Store *store = NULL;
    Arena arena = {0};
    RunTrial *plan = NULL;
    TrialStatus *status = NULL;
    size_t n = 0;
    cr_assert_eq(store_open(folder_path(folder, "a.db"), STORE_READ_ONLY, &store, &err), STATUS_OK);
    cr_assert_eq(
        store_get_plan(store, &arena, slice_from_cstr(result.run_id), &plan, &status, &n, &err),
        STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        Trial trial;
        if (status[i] != TRIAL_FAILED) continue;
        cr_assert_eq(store_get_trial(store, &arena, plan[i].trial_id, TRIAL_HEAD, &trial, &err),
                     STATUS_OK);
        cr_expect_neq(slice_find(trial.error, SLICE("step")), SIZE_MAX, SLICE_FMT,
                      SLICE_ARG(trial.error));
        cr_expect_neq(slice_find(trial.error, SLICE("learning rate")), SIZE_MAX, SLICE_FMT,
                      SLICE_ARG(trial.error));
    }
    store_close(&store);
    arena_release(&arena);
    buffer_release(&json);
    run_result_release(&result);
    folder_remove(folder);
}

typedef struct Refused {
    const char *train, *test, *folds, *task, *says;
} Refused;

Test(run, data_that_cannot_be_used_is_refused_before_tuning)
{
    static const Refused cases[] = {
        {"text\tlabel\na\tx\nb\tx\nc\tx\n", NULL, NULL, NULL, "all 3 samples are of class \"x\""},
        {"text\tlabel\na\tx\nb\ty\nc\tx\nd\tx\n", NULL, "{\"k\": 3, \"inner\": 0.25}", NULL,
         "class"},
        {"", NULL, NULL, NULL, "empty"},
        {NULL, "text\tlabel\na\tgood\nb\todd\n", "{\"k\": 0}", ", \"unseen_labels\": \"refuse\"",
         "test.tsv:3: the label \"odd\" is not among the 2 known ones"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = runs_folder(&(RunsSuite){.train = cases[i].train,
                                                      .test = cases[i].test,
                                                      .folds = cases[i].folds,
                                                      .task = cases[i].task,
                                                      .has_parts = cases[i].test != NULL});
        Error err = {0};
        RunResult result = {0};
        cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID, "case %zu: %s", i,
                     err.text);
        cr_expect_not_null(strstr(err.text, cases[i].says), "case %zu: %s", i, err.text);
        cr_expect_eq(result.n_done, 0);
        run_result_release(&result);
        folder_remove(folder);
    }
}

// 20 samples to judge, 5 of them of classes that training never saw.
Test(run, classes_that_training_never_saw_are_counted_and_wrong)
{
    char test[4096];
    snprintf(test, sizeof test, "%sa b\todd\nc d\todd\ne f\todd\ng h\tmeh\ni j\tgood\n",
             runs_sentences(15, 3));
    const char *folder = runs_folder(&(RunsSuite){
        .test = test,
        .folds = "{\"k\": 0}",
        .has_parts = true,
        .tune =
            "{\"learning_rate\": 1e-2, \"epochs\": 8, \"early_stopping\": {\"monitor\": \"primary\"}}"});
    Buffer text = runs_export(folder, NULL);
    cr_expect(strstr(text.ptr,
                     "4 of 20 samples are of classes that the training part has not (\\\"odd\\\", "
                     "\\\"meh\\\"; the first in line 17)"),
              "%.3000s", text.ptr);
    cr_expect(strstr(text.ptr, "\"labels\":[\"bad\",\"good\",\"odd\",\"meh\"]"));
    const char *score = strstr(text.ptr, "\"estimate\":");
    cr_assert(score);
    cr_expect_leq(strtod(score + strlen("\"estimate\":"), NULL), 0.8 + 1e-9, "%.300s", score);
    buffer_release(&text);
    folder_remove(folder);
}

Test(run, a_damaged_model_is_refused_by_name_before_tuning)
{
    const char *folder =
        runs_folder(&(RunsSuite){.models = "[{\"name\": \"broken\", \"path\": \"model\"}]"});
    Error err = {0};
    RunResult result = {0};
    cr_assert_eq(file_make_directories(folder_path(folder, "model"), &err), STATUS_OK);
    folder_write(folder, "model/config.json", "{\"model_type\": \"nothing\"}");
    const Status s = runs_run(folder, NULL, &result, &err);
    cr_expect(s == STATUS_INVALID || s == STATUS_NOT_FOUND, "%s: %s", status_name(s), err.text);
    cr_expect_not_null(strstr(err.text, "broken"), "%s", err.text);
    cr_expect_eq(result.n_failed, 0);
    run_result_release(&result);
    folder_remove(folder);
}

Test(run, without_folds_valid_chooses_and_test_judges)
{
    const char *folder = runs_folder(&(RunsSuite){
        .has_parts = true, .folds = "{\"explore\": true}", .more = ", \"repeats\": 2"});
    Error err = {0};
    RunResult result = {0};
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    // 2 settings x 2 seeds inner, the winner and the other with 2 seeds each, the baseline.
    cr_expect_eq(result.n_done, 9, "%zu", result.n_done);
    cr_expect_eq(result.n_failed, 0);
    run_result_release(&result);
    folder_remove(folder);
}

Test(run, the_final_model_is_saved_made_again_and_judged_as_it_is)
{
    static char folds[4200], models[4200];
    const char *kept = folder_make();
    char model[4096];
    snprintf(model, sizeof model, "%s/final", kept);
    snprintf(folds, sizeof folds, "{\"k\": 2, \"inner\": 2, \"final\": \"%s\"}", model);
    const char *folder = runs_folder(&(RunsSuite){.folds = folds});
    Error err = {0};
    RunResult result = {0};
    char path[4200];
    snprintf(path, sizeof path, "%s/model.safetensors", model);
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(result.n_done, 13, "%zu", result.n_done); // 2 x (4 inner, outer, baseline), final
    cr_expect(file_exists(path));
    run_result_release(&result);
    snprintf(path, sizeof path, "%s/assay.json", model);
    cr_expect_eq(unlink(path), 0);
    snprintf(path, sizeof path, "%s/config.json", model);
    cr_expect_eq(unlink(path), 0);
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(result.n_done, 1, "%zu", result.n_done);
    cr_expect(file_exists(path), "the final model was not made again");
    run_result_release(&result);
    folder_remove(folder);

    snprintf(models, sizeof models, "[{\"name\": \"shipped\", \"path\": \"%s\"}]", model);
    folder = runs_folder(
        &(RunsSuite){.models = models, .tune = "null", .folds = "{}", .has_parts = true});
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(result.n_done, 2, "%zu", result.n_done); // judged on test, and the baseline
    run_result_release(&result);
    folder_remove(folder);
    folder_remove(kept);
}

Test(run, a_plan_can_be_described_without_doing_it)
{
    const char *folder = runs_folder(&(RunsSuite){0});
    char store[4096];
    snprintf(store, sizeof store, "%s/a.db", folder);
    Suite *suite = runs_load(folder);
    const RunOptions options = {.store_path = store, .n_threads = 1};
    Buffer text = {0}, json = {0};
    JsonDocument *document = NULL;
    Error err = {0};
    cr_assert_eq(run_describe(suite, &options, false, &text, &err), STATUS_OK, "%s", err.text);
    cr_expect_neq(slice_find(buffer_slice(&text), SLICE("8 trials, 0 cached")), SIZE_MAX, "%s",
                  text.ptr);
    cr_expect_neq(slice_find(buffer_slice(&text), SLICE("data of films:")), SIZE_MAX, "%s",
                  text.ptr);
    cr_assert_eq(run_describe(suite, &options, true, &json, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(json_parse(SLICE("plan"), buffer_slice(&json), JSON_STRICT, &document, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect_eq(json_len(json_get(json_root(document), "trials")), 8);
    cr_expect_gt(json_len(json_get(json_root(document), "data_checks")), 4);
    cr_expect_gt(json_double(json_get(json_root(document), "estimated_seconds")), 0);
    cr_expect_gt(json_double(json_get(json_root(document), "memory_bytes")), 0);
    cr_expect_not(file_exists(store), "a dry run made a store");
    json_close(&document);
    buffer_release(&text);
    buffer_release(&json);
    suite_close(&suite);
    folder_remove(folder);
}

Test(run, refuses_settings_that_no_trial_could_use_before_the_first)
{
    static const struct {
        const char *tune, *message;
    } cases[] = {
        {"{\"learning_rate\": 1e-3, \"epochs\": 1, \"freeze\": \"9\"}", "outside the model's 0-0"},
        {"{\"learning_rate\": 1e-3, \"epochs\": 1, \"class_weights\": {\"gud\": 2}}",
         "names a class \"gud\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = runs_folder(&(RunsSuite){.tune = cases[i].tune});
        Error err = {0};
        RunResult result = {0};
        cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID, "case %zu: %s", i,
                     err.text);
        cr_expect(strstr(err.text, cases[i].message) != NULL, "case %zu: %s", i, err.text);
        run_result_release(&result);
        folder_remove(folder);
    }
}
