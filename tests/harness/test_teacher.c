// Teachers of suites: models learn from one that was saved before, and what does not fit is refused by name.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tests/harness/runs.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"

#define TINY(vocab)                                                                      \
    "{\"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 32, " \
    "\"max_positions\": 32, \"vocab_size\": " vocab "}"

// A teacher tuned on all of the sentences, in a folder of its own.
static void make_teacher(char *directory, size_t size)
{
    RunResult result = {0};
    Error err = {0};
    const char *folder = runs_folder(
        &(RunsSuite){.models = "[{\"name\": \"teacher\", \"create\": " TINY("150") "}]",
                     .tune = "{\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 3}",
                     .folds = "{\"k\": 2, \"final\": \"teacher\"}"});
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    run_result_release(&result);
    snprintf(directory, size, "%s/teacher", folder);
}

static void remove_folders(char *teacher, const char *folder)
{
    *strrchr(teacher, '/') = '\0'; // the folder it was made in
    folder_remove(teacher);
    folder_remove(folder);
}

// A suite whose model learns from the teacher, by the text of its distill block.
static const char *student_folder(const char *distill, const char *more_models)
{
    static char tune[2048], models[2048];
    snprintf(tune, sizeof tune,
             "{\"learning_rate\": 3e-3, \"batch_size\": 8, \"epochs\": 2, \"distill\": %s}",
             distill);
    snprintf(models, sizeof models, "[{\"name\": \"small\", \"create\": " TINY("90") "}%s]",
             more_models);
    return runs_folder(&(RunsSuite){.models = models, .tune = tune, .folds = "{\"k\": 2}"});
}

Test(teacher, is_an_axis_and_part_of_a_trials_identity)
{
    char teacher[512], distill[1024], name[700];
    make_teacher(teacher, sizeof teacher);
    snprintf(distill, sizeof distill,
             "[false, {\"teacher\": \"%s\", \"temperature\": [1, 4], \"alpha\": 0.9}]", teacher);
    const char *folder = student_folder(distill, "");
    Suite *suite = runs_load(folder);
    cr_assert_eq(suite->models[0].n_settings, 3);
    cr_expect_null(suite->models[0].settings[0].teacher_path);
    cr_expect_str_eq(suite->models[0].settings[2].teacher_path, teacher);
    cr_expect(suite->models[0].settings[2].temperature == 4);
    suite_close(&suite);
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    Buffer threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&threads)));
    // Another teacher at the same place gives other trials.
    Error err = {0};
    RunResult result = {0};
    Arena arena = {0};
    Slice config = {0};
    snprintf(name, sizeof name, "%s/config.json", teacher);
    cr_assert_eq(file_read(&arena, name, 1 << 20, &config, &err), STATUS_OK, "%s", err.text);
    Buffer changed = {0};
    buffer_append(&changed, config);
    buffer_append_byte(&changed, '\n');
    cr_assert_eq(file_write(name, buffer_slice(&changed), &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(runs_run(folder, &(RunsHow){.store = "plain.db"}, &result, &err), STATUS_OK, "%s",
                 err.text);
    cr_expect(result.n_cached > 0 && result.n_done > 0, "%zu trials from the store, %zu done anew",
              result.n_cached, result.n_done);
    run_result_release(&result);
    buffer_release(&changed);
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&threads);
    arena_release(&arena);
    remove_folders(teacher, folder);
}

Test(teacher, may_be_a_model_of_the_suite_that_is_not_tuned)
{
    char teacher[512], more[1024];
    Error err = {0};
    RunResult result = {0};
    make_teacher(teacher, sizeof teacher);
    snprintf(more, sizeof more, ", {\"name\": \"big\", \"path\": \"%s\", \"tune\": false}",
             teacher);
    const char *folder = student_folder("{\"teacher\": \"big\"}", more);
    Suite *suite = runs_load(folder);
    cr_expect_str_eq(suite->models[0].settings[0].teacher_path, teacher);
    suite_close(&suite);
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(result.n_failed, 0);
    run_result_release(&result);
    remove_folders(teacher, folder);
}

Test(teacher, what_cannot_teach_is_refused_before_the_first_trial)
{
    char teacher[512], distill[1024], name[700];
    Error err = {0};
    RunResult result = {0};
    Arena arena = {0};
    Slice config = {0};
    make_teacher(teacher, sizeof teacher);
    snprintf(distill, sizeof distill, "{\"teacher\": \"%s\"}", teacher);
    const char *folder = student_folder(distill, "");
    snprintf(name, sizeof name, "%s/config.json", teacher);
    cr_assert_eq(file_read(&arena, name, 1 << 20, &config, &err), STATUS_OK, "%s", err.text);
    const size_t at = slice_find(config, SLICE("\"id2label\""));
    cr_assert_neq(at, SIZE_MAX);
    // Its classes under other names.
    Buffer changed = {0};
    const Slice rest = slice_sub(config, at, config.len);
    const size_t end = slice_find(rest, SLICE("}"));
    cr_assert_neq(end, SIZE_MAX);
    buffer_append(&changed, slice_sub(config, 0, at));
    buffer_append_cstr(&changed, "\"id2label\": {\"0\": \"up\", \"1\": \"down\"");
    buffer_append(&changed, slice_sub(rest, end, rest.len));
    cr_assert_eq(file_write(name, buffer_slice(&changed), &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    const Slice text = slice_from_cstr(err.text);
    cr_expect_neq(slice_find(text, SLICE("has no label")), SIZE_MAX, "%s", err.text);
    cr_expect_neq(slice_find(text, SLICE("\"down\"")), SIZE_MAX, "%s", err.text);
    run_result_release(&result);
    buffer_release(&changed);
    arena_release(&arena);
    remove_folders(teacher, folder);
}

Test(teacher, the_block_is_checked_like_all_others)
{
    static const struct {
        const char *distill, *says;
    } cases[] = {
        {"{}", "\"teacher\" is missing"},
        {"{\"teacher\": \"nowhere\"}", "nowhere is not there"},
        {"{\"teacher\": \"m\", \"temperature\": 0}", "temperature"},
        {"{\"teacher\": \"m\", \"alpha\": 2}", "alpha"},
        {"{\"teacher\": \"m\", \"heat\": 2}", "heat"},
        {"7", "want an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char tune[256];
        snprintf(tune, sizeof tune, "{\"distill\": %s}", cases[i].distill);
        const char *message = suites_refusal(suites_with_tune(tune), NULL);
        cr_expect_neq(slice_find(slice_from_cstr(message), slice_from_cstr(cases[i].says)),
                      SIZE_MAX, "%s: %s", cases[i].distill, message);
    }
}

// ---- a teacher that is tuned in the same suite ----

#define TAUGHT                                                                                            \
    "[{\"name\": \"small\", \"create\": " TINY(                                                           \
        "90") ", \"tune\": {\"learning_rate\": 3e-3, "                                                    \
              "\"batch_size\": 8, \"epochs\": 2, \"distill\": [false, {\"teacher\": \"big\", \"alpha\": " \
              "0.9}]}}, {\"name\": \"big\", \"create\": " TINY(                                           \
                  "150") ", \"tune\": {\"learning_rate\": "                                               \
                         "[1e-2, 1e-3], \"batch_size\": 8, \"epochs\": 2}}]"

// By the folds of the suite, what the judged trials of the small model have learnt from.
static const char *const taught_folds[] = {
    "{\"k\": 2, \"inner\": 0.25, \"explore\": true}", "{\"k\": 2, \"inner\": 2}",
    "{\"k\": 2, \"inner\": 0.25, \"refit\": true}", "{\"k\": 2, \"inner\": 0}"};

static size_t count_of(Slice text, const char *part)
{
    size_t n = 0;
    for (size_t at = 0; (at = slice_find(text, slice_from_cstr(part))) != SIZE_MAX; n++)
        text = slice_sub(text, at + 1, text.len);
    return n;
}

Test(teacher, may_be_tuned_in_the_same_suite_on_the_same_parts)
{
    for (size_t i = 0; i < sizeof taught_folds / sizeof *taught_folds; i++) {
        static const char *const one_setting = "\"distill\": {\"teacher\": \"big\"}";
        char models[2048] = TAUGHT;
        Error err = {0};
        RunResult result = {0};
        if (i == 3) { // nothing is held out: one setting each
            snprintf(models, sizeof models,
                     "[{\"name\": \"small\", \"create\": " TINY(
                         "90") ", \"tune\": {\"epochs\": 1, %s}}, "
                               "{\"name\": \"big\", \"create\": " TINY(
                                   "150") ", \"tune\": {\"epochs\": 1}}]",
                     one_setting);
        }
        const char *folder =
            runs_folder(&(RunsSuite){.models = models, .folds = taught_folds[i], .tune = "null"});
        Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
        Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 3});
        cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)), "folds %zu", i);
        // Each fold has a teacher of its own.
        cr_expect_gt(count_of(buffer_slice(&plain), "\"teacher\":\"big\""), 0);
        cr_assert_eq(runs_run(folder, &(RunsHow){.store = "plain.db"}, &result, &err), STATUS_OK);
        cr_expect(result.n_done == 0 && result.n_failed == 0, "folds %zu: %zu done again", i,
                  result.n_done);
        run_result_release(&result);
        buffer_release(&plain);
        buffer_release(&jobs);
        folder_remove(folder);
    }
}

// Weights of a teacher that is stored go with the state folder: it is tuned again for learners that come later.
Test(teacher, that_was_tuned_before_is_tuned_again_for_who_learns_from_it)
{
    char text[4096];
    Error err = {0};
    const char *folder = runs_folder(&(RunsSuite){.models = TAUGHT,
                                                  .folds = taught_folds[0],
                                                  .tune = "null",
                                                  .more = ", \"filter\": \"model=big\""});
    RunResult result = {0};
    cr_assert_eq(runs_run(folder, &(RunsHow){.store = "late.db"}, &result, &err), STATUS_OK, "%s",
                 err.text);
    run_result_release(&result);
    Arena arena = {0};
    Slice suite;
    const char *path = folder_path(folder, "suite.json");
    cr_assert_eq(file_read(&arena, path, 1 << 20, &suite, &err), STATUS_OK);
    const char filter[] = ", \"filter\": \"model=big\"";
    const size_t at = slice_find(suite, slice_from_cstr(filter));
    cr_assert_neq(at, SIZE_MAX);
    snprintf(text, sizeof text, SLICE_FMT SLICE_FMT, SLICE_ARG(slice_sub(suite, 0, at)),
             SLICE_ARG(slice_sub(suite, at + sizeof filter - 1, suite.len)));
    cr_assert_eq(file_write(path, slice_from_cstr(text), &err), STATUS_OK);
    Buffer late = runs_export(folder, &(RunsHow){.store = "late.db"});
    Buffer whole = runs_export(folder, &(RunsHow){.store = "whole.db"});
    cr_expect(slice_eq(buffer_slice(&late), buffer_slice(&whole)));
    buffer_release(&late);
    buffer_release(&whole);
    arena_release(&arena);
    folder_remove(folder);
}

Test(teacher, that_waits_for_another_or_for_itself_is_refused)
{
    static const struct {
        const char *small, *big, *more, *says;
    } cases[] = {
        {"small", "", "", "its own teacher"},
        {"big", ", \"distill\": {\"teacher\": \"small\"}", "", "tuned here too"},
        {"big", "", ", \"filter\": \"model=small\"", "the filter leaves out"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char models[2048];
        Error err = {0};
        Suite *suite = NULL;
        snprintf(
            models, sizeof models,
            "[{\"name\": \"small\", \"create\": " TINY(
                "90") ", \"tune\": {\"epochs\": 1, "
                      "\"distill\": {\"teacher\": \"%s\"}}}, {\"name\": \"big\", \"create\": " TINY(
                          "150") ", \"tune\": {\"epochs\": 1%s}}]",
            cases[i].small, cases[i].big);
        const char *folder = runs_folder(&(RunsSuite){
            .models = models, .folds = "{\"k\": 2}", .tune = "null", .more = cases[i].more});
        cr_expect_eq(suite_load(folder_path(folder, "suite.json"), NULL, &suite, &err),
                     STATUS_INVALID);
        cr_expect_neq(slice_find(slice_from_cstr(err.text), slice_from_cstr(cases[i].says)),
                      SIZE_MAX, "case %zu: %s", i, err.text);
        suite_close(&suite);
        folder_remove(folder);
    }
}

// A teacher answers for copies of samples as for samples: settings with both learn, and other things than without.
Test(teacher, answers_for_copies_too)
{
    char teacher[512], distill[1024];
    make_teacher(teacher, sizeof teacher);
    snprintf(
        distill, sizeof distill,
        "[false, {\"teacher\": \"%s\", \"alpha\": 0.9}], \"augment\": [false, {\"kind\": \"swap\"}]",
        teacher);
    const char *folder = student_folder(distill, "");
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect_neq(slice_find(buffer_slice(&plain), SLICE("copies to learn from")), SIZE_MAX);
    buffer_release(&plain);
    buffer_release(&jobs);
    remove_folders(teacher, folder);
}
