// Suites as they are read.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/suites.h"
#include "tests/support/folder.h"

static void expect_ends(const char *path, const char *end)
{
    cr_assert_not_null(path);
    cr_expect(slice_ends_with(slice_from_cstr(path), slice_from_cstr(end)), "%s does not end in %s",
              path, end);
}

Test(suite, a_whole_suite_becomes_a_struct)
{
    const char *folder = suites_folder(
        "{ // a comment\n"
        "  \"suite\": \"mine\", \"seed\": 23, \"repeats\": 3, \"limit\": 500,\n"
        "  \"models\": [{\"name\": \"saved\", \"path\": \"model\"},\n"
        "             {\"name\": \"fresh\", \"create\": {\"hidden_size\": 48, \"n_heads\": 3, \"vocab_size\": 900}}],\n"
        "  \"tasks\": [{\"name\": \"opinion\", \"data\": {\"train\": \"data/train.tsv\", \"test\": \"data/test.tsv\"},\n"
        "             \"columns\": {\"text\": \"text\", \"label\": 2, \"group\": \"author\"}, \"max_length\": 64,\n"
        "             \"metrics\": [{\"name\": \"f1\", \"params\": {\"average\": \"micro\"}}, \"accuracy\"]}],\n"
        "  \"tune\": {\"learning_rate\": [1e-5, 3e-5], \"batch_size\": 8},\n"
        "  \"folds\": {\"k\": 4, \"inner\": 3, \"kind\": \"stratified-grouped\", \"shuffle\": false, \"refit\": true,\n"
        "            \"explore\": true, \"final\": \"best\"},\n"
        "  \"report\": {\"formats\": [\"markdown\", \"html\"], \"dir\": \"out\"}\n"
        "}\n");
    Suite *suite = suites_load(folder, NULL);
    suites_want_text(suite->name, "mine");
    cr_expect_eq(suite->seed, 23);
    cr_expect_eq(suite_seed(suite, 2), 25);
    cr_expect_eq(suite->repeats, 3);
    cr_expect_eq(suite->limit, 500);
    cr_assert_eq(suite->n_models, 2);
    cr_expect_eq(suite->models[0].kind, SUITE_MODEL_SAVED);
    expect_ends(suite->models[0].path, "/model");
    cr_expect_eq(suite->models[1].kind, SUITE_MODEL_CREATE);
    const SuiteCreate *create = &suite->models[1].create;
    suites_want_text(create->architecture, "bert");
    cr_expect_eq(create->hidden_size, 48);
    cr_expect_eq(create->n_layers, 2);
    suites_want_text(create->tokenizer, "wordpiece");
    cr_expect_eq(create->vocab_size, 900);
    cr_expect_not(create->is_cased);
    cr_assert_eq(suite->n_tasks, 1);
    const SuiteTask *task = &suite->tasks[0];
    suites_want_text(task->family, "classify");
    expect_ends(task->train, "/data/train.tsv");
    expect_ends(task->test, "/data/test.tsv");
    cr_expect_null(task->valid);
    suites_want_text(task->read.columns.label, "2");
    suites_want_text(task->read.columns.group, "author");
    cr_expect_eq(task->max_length, 64);
    cr_assert_eq(task->n_metrics, 2);
    suites_want_text(task->metrics[0].params_json, "{\"average\":\"micro\"}");
    suites_want_text(task->metrics[1].params_json, "");
    suites_want_text(task->primary, "f1");
    cr_assert_eq(suite->models[0].n_settings, 2);
    cr_expect_eq(suite->models[1].settings[1].batch_size, 8);
    const SuiteFolds *folds = &suite->folds;
    cr_expect_eq(folds->k, 4);
    cr_expect_eq(folds->inner_folds, 3);
    cr_expect_eq(folds->inner_share, 0);
    cr_expect_eq(folds->kind, FOLDS_STRATIFIED_GROUPED);
    cr_expect(folds->file_order && folds->refit && folds->explore);
    expect_ends(folds->final_path, "/best");
    cr_assert_eq(suite->n_report_formats, 2);
    cr_expect_str_eq(suite->report_formats[0]->name, "markdown");
    expect_ends(suite->report_dir, "/out");
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, what_is_not_said_has_its_default)
{
    const char *folder = suites_folder(suites_with_tune("{}"));
    Suite *suite = suites_load(folder, NULL);
    cr_expect_eq(suite->seed, 17);
    cr_expect_eq(suite->repeats, 1);
    cr_expect_eq(suite->folds.k, 0);
    cr_expect_float_eq(suite->folds.inner_share, 0.1, 1e-12);
    cr_expect_str_eq(suite->report_formats[0]->name, "html");
    cr_expect_null(suite->report_dir);
    suites_want_text(suite->tasks[0].primary, "accuracy");
    cr_expect_eq(suite->tasks[0].n_metrics, 3);
    expect_ends(suite->tasks[0].valid, "/data/dev.tsv");
    const TuneSetting *s = &suite->models[0].settings[0];
    cr_expect_float_eq(s->learning_rate, 5e-5, 1e-15);
    cr_expect_eq(s->batch_size, 16);
    cr_expect_float_eq(s->epochs, 3, 0);
    cr_expect_lt(s->dropout, 0);
    cr_expect_eq(s->monitor, MONITOR_NONE);
    suites_want_text(
        s->json,
        "{\"accumulate\":1,\"balance\":false,\"batch_size\":16,\"beta1\":0.9,\"beta2\":0.999,"
        "\"clip\":1,\"cycles\":1,\"epochs\":3,\"epsilon\":1e-08,\"gradual_unfreezing\":0,"
        "\"label_smoothing\":0,\"lanes\":4,\"layer_decay\":1,\"learning_rate\":5e-05,"
        "\"schedule\":\"linear\",\"sort_by_length\":false,\"warmup\":0,\"weight_decay\":0}");
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, a_suite_without_tuning_judges_models_as_saved)
{
    const char *folder =
        suites_folder("{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"model\"}],"
                      "\"tasks\": [{\"name\": \"t\", \"data\": \"data\"}]}");
    Suite *suite = suites_load(folder, NULL);
    cr_expect_not(suite->models[0].does_tune);
    cr_assert_eq(suite->models[0].n_settings, 1);
    suites_want_text(suite->models[0].settings[0].json, "{}");
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, a_task_takes_over_what_its_definition_says_unless_it_says_otherwise)
{
    const char *folder = suites_folder(
        "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"model\"}], \"tasks\": ["
        "{\"use\": \"sst2\", \"data\": \"data\", \"columns\": {\"label\": 3}, \"metrics\": [\"mcc\"]},"
        "{\"use\": \"sst2\", \"name\": \"again\", \"data\": \"data\"}]}");
    Suite *suite = suites_load(folder, NULL);
    cr_assert_eq(suite->n_tasks, 2);
    suites_want_text(suite->tasks[0].name, "sst2");
    suites_want_text(suite->tasks[0].read.columns.text, "1");
    suites_want_text(suite->tasks[0].read.columns.label, "3");
    cr_expect_eq(suite->tasks[0].read.header, READ_HEADER_NO);
    cr_expect_eq(suite->tasks[0].read.n_labels, 2);
    suites_want_text(suite->tasks[0].primary, "mcc");
    suites_want_text(suite->tasks[1].name, "again");
    suites_want_text(suite->tasks[1].primary, "accuracy");
    cr_expect_gt(suite->tasks[1].summary.len, 10);
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, a_model_says_how_it_computes)
{
    const char *folder = suites_folder(
        "{\"suite\": \"s\", \"models\": ["
        "{\"name\": \"a\", \"path\": \"model\", \"tune\": false, \"compute\": \"int8\"},"
        "{\"name\": \"b\", \"path\": \"model\", \"compute\": \"bf16\"},"
        "{\"name\": \"c\", \"path\": \"model\", \"tune\": false}],"
        "\"tasks\": [{\"use\": \"sst2\", \"data\": \"data\"}],"
        "\"tune\": {\"batch_size\": [8, 16]}, \"folds\": {\"k\": 2}}");
    Suite *suite = suites_load(folder, NULL);
    suites_want_text(suite->models[0].settings[0].json, "{\"compute\":\"int8\"}");
    suites_want_text(suite->models[2].settings[0].json, "{}");
    for (size_t i = 0; i < 2; i++) {
        const TuneSetting *setting = &suite->models[1].settings[i];
        suites_want_text(setting->compute, "bf16");
        cr_expect_neq(slice_find(setting->json, SLICE("\"compute\":\"bf16\"")), SIZE_MAX);
    }
    suite_close(&suite);
    folder_remove(folder);
    const char *twice = suites_refusal(
        "{\"suite\": \"s\", \"models\": [{\"name\": \"a\", \"path\": \"model\", \"compute\": \"bf16\", "
        "\"tune\": {\"compute\": \"int8\"}}], \"tasks\": [{\"use\": \"sst2\", \"data\": \"data\"}]}",
        NULL);
    cr_expect_not_null(strstr(twice, "stands both here and in the \"tune\" block"), "%s", twice);
}

Test(suite, one_that_is_not_there_is_named_with_the_nearest)
{
    Suite *suite = NULL;
    Error err = {0};
    cr_expect_eq(suite_load("sentimnet", NULL, &suite, &err), STATUS_NOT_FOUND);
    cr_expect_not_null(strstr(err.text, "did you mean \"sentiment\"?"), "%s", err.text);
    cr_expect_eq(suite_load("gone.json", NULL, &suite, &err), STATUS_NOT_FOUND);
    cr_expect_not_null(strstr(err.text, "gone.json"), "%s", err.text);
}

Test(suite, memory_that_runs_out_is_reported_wherever_it_does)
{
    const char *folder = suites_folder(
        "{\"suite\": \"s\", \"filter\": \"model=m,batch_size=8\","
        "\"models\": [{\"name\": \"m\", \"path\": \"model\"}, {\"name\": \"f\", \"create\": {}}],"
        "\"tasks\": [{\"use\": \"sst2\", \"data\": \"data\"}],"
        "\"tune\": {\"batch_size\": [8, 16], \"class_weights\": {\"0\": 2}, \"freeze\": \"embeddings\"},"
        "\"folds\": {\"k\": 2, \"final\": \"f\"}, \"report\": {\"dir\": \"r\"}}");
    const Slice set[] = {SLICE_LIT("tune.epochs=2"), SLICE_LIT("seed=4")};
    char path[512], data_path[512];
    snprintf(data_path, sizeof data_path, "%s", folder_path(folder, "data"));
    const SuiteNamedPath data[] = {{SLICE("sentiment"), slice_from_cstr(data_path)}};
    const SuiteOverrides overrides = {
        .set = set, .n_set = 2, .limit = 9, .data = data, .n_data = 1};
    size_t n_failed = 0;
    snprintf(path, sizeof path, "%s", folder_path(folder, "suite.json"));
    for (size_t n = 1;; n++) {
        Suite *suite = NULL;
        Error err = {0};
        arena_fail_after(n);
        const Status s = suite_load(path, &overrides, &suite, &err);
        arena_fail_after(0);
        suite_close(&suite);
        if (s == STATUS_OK) break;
        cr_assert_eq(s, STATUS_MEMORY, "allocation %zu: %s: %s", n, status_name(s), err.text);
        n_failed++;
    }
    cr_expect_gt(n_failed, 50);
    folder_remove(folder);
}
