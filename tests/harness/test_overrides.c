// What the command line changes in a suite.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/suite/overrides.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"

static const char base[] = "{\n"
                           "  \"suite\": \"s\", // the name\n"
                           "  \"models\": [{\"name\": \"m\", \"path\": \"model\"}],\n"
                           "  \"tasks\": [{\"name\": \"t\", \"data\": \"data\"}],\n"
                           "  \"tune\": {\"batch_size\": 8 /* small */, \"epochs\": [1, 2]}\n"
                           "}\n";

static Suite *load_with(const char *folder, const char *const *set, size_t n_set)
{
    Slice slices[8];
    for (size_t i = 0; i < n_set; i++) slices[i] = slice_from_cstr(set[i]);
    const SuiteOverrides overrides = {.set = slices, .n_set = n_set};
    return suites_load(folder, &overrides);
}

Test(overrides, a_value_is_replaced_added_or_nested)
{
    const char *folder = suites_folder(base);
    static const char *const set[] = {"tune.batch_size=32",
                                      "tune.learning_rate=[1e-5,3e-5]",
                                      "tune.early_stopping.patience=4",
                                      "folds.k=2",
                                      "tasks.t.primary=mcc",
                                      "tasks[0].max_length=40",
                                      "models.0.name=other",
                                      "tune.batch_size=64"};
    Suite *suite = load_with(folder, set, 8);
    cr_expect_eq(suite->models[0].n_settings, 4);
    cr_expect_eq(suite->models[0].settings[3].batch_size, 64);
    cr_expect_eq(suite->models[0].settings[3].patience, 4);
    cr_expect_float_eq(suite->models[0].settings[3].epochs, 2, 0);
    cr_expect_eq(suite->folds.k, 2);
    cr_expect(slice_eq_cstr(suite->tasks[0].primary, "mcc"));
    cr_expect_eq(suite->tasks[0].max_length, 40);
    cr_expect(slice_eq_cstr(suite->models[0].name, "other"));
    cr_expect(
        slice_eq_cstr(
            suite->settings_json,
            "{\"suite\":\"s\",\"models\":[{\"name\":\"other\",\"path\":\"model\"}],"
            "\"tasks\":[{\"name\":\"t\",\"data\":\"data\",\"primary\":\"mcc\",\"max_length\":40}],"
            "\"tune\":{\"batch_size\":64,\"epochs\":[1,2],\"learning_rate\":[1e-5,3e-5],"
            "\"early_stopping\":{\"patience\":4}},\"folds\":{\"k\":2}}"),
        "%.*s", SLICE_ARG(suite->settings_json));
    suite_close(&suite);
    folder_remove(folder);
}

Test(overrides, seed_limit_and_filter_are_settings_too)
{
    const char *folder = suites_folder(base);
    const SuiteOverrides overrides = {
        .has_seed = true, .seed = 0, .limit = 40, .filter = SLICE_LIT("epochs=2,model=m*")};
    Suite *suite = suites_load(folder, &overrides);
    cr_expect_eq(suite->seed, 0);
    cr_expect_eq(suite->limit, 40);
    cr_assert_eq(suite->models[0].n_settings, 1);
    cr_expect_float_eq(suite->models[0].settings[0].epochs, 2, 0);
    cr_expect_neq(slice_find(suite->settings_json,
                             SLICE("\"seed\":0,\"limit\":40,\"filter\":\"epochs=2,model=m*\"")),
                  SIZE_MAX, "%.*s", SLICE_ARG(suite->settings_json));
    suite_close(&suite);
    folder_remove(folder);
}

Test(overrides, a_model_of_a_known_name_is_read_from_elsewhere_and_a_new_name_adds_one)
{
    const char *folder = suites_folder(
        "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"create\": {}, \"tune\": {\"epochs\": 7}}],\n"
        "\"tasks\": [{\"name\": \"t\", \"data\": \"data\"}], \"tune\": {}}\n");
    const char *path = folder_path(folder, "model");
    const SuiteNamedPath models[] = {{SLICE("m"), slice_from_cstr(path)},
                                     {SLICE("new"), slice_from_cstr(path)}};
    const SuiteOverrides overrides = {.models = models, .n_models = 2};
    Suite *suite = suites_load(folder, &overrides);
    cr_assert_eq(suite->n_models, 2);
    cr_expect_eq(suite->models[0].kind, SUITE_MODEL_SAVED);
    cr_expect_str_eq(suite->models[0].path, path);
    cr_expect_float_eq(suite->models[0].settings[0].epochs, 7, 0, "its own grid stays");
    cr_expect(slice_eq_cstr(suite->models[1].name, "new"));
    cr_expect_float_eq(suite->models[1].settings[0].epochs, 3, 0);
    suite_close(&suite);
    folder_remove(folder);
}

Test(overrides, data_of_a_task_is_replaced_and_a_defined_task_is_added)
{
    const char *folder = suites_folder(base);
    const char *path = folder_path(folder, "data");
    const SuiteNamedPath data[] = {{SLICE("sst2"), slice_from_cstr(path)},
                                   {SLICE("t"), slice_from_cstr(path)}};
    const SuiteOverrides overrides = {.data = data, .n_data = 2};
    Suite *suite = suites_load(folder, &overrides);
    cr_assert_eq(suite->n_tasks, 2);
    cr_expect(slice_eq_cstr(suite->tasks[1].name, "sst2"));
    cr_expect_eq(suite->tasks[1].read.n_labels, 2);
    suite_close(&suite);
    folder_remove(folder);
}

Test(overrides, paths_of_the_command_line_are_relative_to_the_current_folder)
{
    const char *folder = suites_folder(base);
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(rename("data", "elsewhere"), 0);
    const SuiteNamedPath data[] = {{SLICE("t"), SLICE("elsewhere")}};
    const SuiteOverrides overrides = {.data = data, .n_data = 1};
    Suite *suite = suites_load(folder, &overrides);
    cr_expect_str_eq(suite->tasks[0].train, "elsewhere/train.tsv");
    suite_close(&suite);
    folder_remove(folder);
}

// --- messages ------------------------------------------------------------------------------------------------------

static const struct {
    const char *set, *message;
} wrong[] = {
    {"tune.batch_size=many",
     "--set tune.batch_size=many: tune.batch_size: found \"many\", want an integer"},
    {"tune.batch_size=0",
     "--set tune.batch_size=0: tune.batch_size: found 0, want an integer from 1"},
    {"tune.batchsize=8",
     "--set tune.batchsize=8: tune: unknown key \"batchsize\"; did you mean \"batch_size\"?"},
    {"tune.early_stopping.patients=8", "unknown key \"patients\"; did you mean \"patience\"?"},
    {"folds.k=1", "--set folds.k=1: folds.k: found 1, want 0 for no folds"},
    {"tune.batch_size", "--set tune.batch_size: want KEY.PATH=VALUE"},
    {"=3", "--set =3: want KEY.PATH=VALUE"},
    {"tune..x=3", "--set tune..x=3: want KEY.PATH=VALUE"},
    {"tune.batch_size.x=3", "--set tune.batch_size.x=3: there is nothing below a number for \"x\""},
    {"tasks.u.name=3", "there is no \"u\" among the 1 elements"},
    {"tasks[7].name=3", "there is no \"7\" among the 1 elements"},
    {"models.m.path=gone", "--set models.m.path=gone: models[0].path: gone is not there"},
};

Test(overrides, a_wrong_value_is_refused_by_its_flag)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const Slice set = slice_from_cstr(wrong[i].set);
        const SuiteOverrides overrides = {.set = &set, .n_set = 1};
        const char *message = suites_refusal(base, &overrides);
        cr_expect_not_null(strstr(message, wrong[i].message), "%s\n  gives: %s\n  want:  %s",
                           wrong[i].set, message, wrong[i].message);
        cr_expect_eq(strncmp(message, "--set ", 6), 0, "%s", message);
    }
}

Test(overrides, a_grid_that_no_model_uses_is_checked_and_not_changed_in_vain)
{
    static const char text[] =
        "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"model\", \"tune\": {}}],"
        "\"tasks\": [{\"name\": \"t\", \"data\": \"data\"}], \"tune\": {\"epochs\": 3}}";
    static const struct {
        const char *set, *message;
    } cases[] = {{"tune.epochs=4", "--set tune.epochs=4: tune.epochs: this changes nothing"},
                 {"tune.clip=2", "set models.NAME.tune.clip instead"},
                 {"tune.clpi=2", "did you mean \"clip\"?"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Slice set = slice_from_cstr(cases[i].set);
        const SuiteOverrides overrides = {.set = &set, .n_set = 1};
        const char *message = suites_refusal(text, &overrides);
        cr_expect_not_null(strstr(message, cases[i].message), "%s: %s", cases[i].set, message);
    }
}

Test(overrides, a_mistake_of_the_file_keeps_its_place)
{
    // The overrides change the text before the mistake: in its line and in others, longer and shorter.
    static const char text[] =
        "{\"suite\": \"s\", \"seed\": 123456,\n"
        "  \"models\": [{\"name\": \"m\", \"path\": \"model\"}],\n"
        "  \"tasks\": [{\"name\": \"t\", \"data\": \"data\"}],\n"
        "  \"tune\": {\"epochs\": [1, 2], \"clip\": \"\u00e9\", \"batch_size\": 0}}\n";
    static const Slice set[] = {SLICE_LIT("tune.epochs=[1,2,3,4,5,6,7]"), SLICE_LIT("seed=1"),
                                SLICE_LIT("tune.clip=1"), SLICE_LIT("report.dir=somewhere/else")};
    const SuiteOverrides overrides = {.set = set, .n_set = 4};
    const char *message = suites_refusal(text, &overrides);
    cr_expect_eq(strncmp(message, "suite.json:4:57: tune.batch_size: found 0", 41), 0, "%s",
                 message);
}

Test(overrides, an_unknown_task_or_model_path_is_refused_by_its_flag)
{
    const SuiteNamedPath given[] = {{SLICE("sst3"), SLICE("data")}};
    const SuiteOverrides data = {.data = given, .n_data = 1};
    const char *message = suites_refusal(base, &data);
    cr_expect_not_null(strstr(message, "--data sst3=data: the suite has no task \"sst3\""), "%s",
                       message);
    cr_expect_not_null(strstr(message, "the suite's tasks: \"t\""), "%s", message);
    const SuiteOverrides models = {.models = given, .n_models = 1};
    message = suites_refusal(base, &models);
    cr_expect_not_null(strstr(message, "--model sst3=data: models[1].path: data is not there"),
                       "%s", message);
}

static const struct {
    const char *filter, *message;
} wrong_filters[] = {
    {"m", "found \"m\", want at most 64 terms KEY=VALUE"},
    {"modle=m", "did you mean \"model\"?"},
    {"model=x", "nothing of the suite is left"},
    {"epochs=5", "nothing of the suite is left"},
    {"fold=0", "found fold 0, but the suite has 0, from 0"},
};

Test(overrides, a_wrong_filter_is_refused_by_its_flag)
{
    for (size_t i = 0; i < sizeof wrong_filters / sizeof *wrong_filters; i++) {
        const SuiteOverrides overrides = {.filter = slice_from_cstr(wrong_filters[i].filter)};
        const char *message = suites_refusal(base, &overrides);
        cr_expect_not_null(strstr(message, wrong_filters[i].message), "%s: %s",
                           wrong_filters[i].filter, message);
        cr_expect_eq(strncmp(message, "--filter ", 9), 0, "%s", message);
    }
}

Test(overrides, the_flag_splits_at_its_first_equals_sign)
{
    SuiteNamedPath got;
    Error err = {0};
    cr_assert_eq(suite_split_named_path(SLICE("a=b=c"), "--model", &got, &err), STATUS_OK);
    cr_expect(slice_eq_cstr(got.name, "a") && slice_eq_cstr(got.path, "b=c"));
    static const char *const bad[] = {"a", "=b", "a=", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(suite_split_named_path(slice_from_cstr(bad[i]), "--model", &got, &err),
                     STATUS_INVALID, "%s", bad[i]);
        cr_expect_not_null(strstr(err.text, "want NAME=PATH"), "%s", err.text);
    }
}
