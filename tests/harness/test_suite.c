// Suites as they are read and checked.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "harness/suite/members.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static void expect_text(Slice got, const char *want)
{
    cr_expect(slice_eq_cstr(got, want), "got <%.*s>, want <%s>", SLICE_ARG(got), want);
}

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
    expect_text(suite->name, "mine");
    cr_expect_eq(suite->seed, 23);
    cr_expect_eq(suite_seed(suite, 2), 25);
    cr_expect_eq(suite->repeats, 3);
    cr_expect_eq(suite->limit, 500);
    cr_assert_eq(suite->n_models, 2);
    cr_expect_eq(suite->models[0].kind, SUITE_MODEL_SAVED);
    expect_ends(suite->models[0].path, "/model");
    cr_expect_eq(suite->models[1].kind, SUITE_MODEL_CREATE);
    const SuiteCreate *create = &suite->models[1].create;
    expect_text(create->architecture, "bert");
    cr_expect_eq(create->hidden_size, 48);
    cr_expect_eq(create->n_layers, 2);
    expect_text(create->tokenizer, "wordpiece");
    cr_expect_eq(create->vocab_size, 900);
    cr_expect_not(create->is_cased);
    cr_assert_eq(suite->n_tasks, 1);
    const SuiteTask *task = &suite->tasks[0];
    expect_text(task->family, "classify");
    expect_ends(task->train, "/data/train.tsv");
    expect_ends(task->test, "/data/test.tsv");
    cr_expect_null(task->valid);
    expect_text(task->read.columns.label, "2");
    expect_text(task->read.columns.group, "author");
    cr_expect_eq(task->max_length, 64);
    cr_assert_eq(task->n_metrics, 2);
    expect_text(task->metrics[0].params_json, "{\"average\":\"micro\"}");
    expect_text(task->metrics[1].params_json, "");
    expect_text(task->primary, "f1");
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
    expect_text(suite->tasks[0].primary, "accuracy");
    cr_expect_eq(suite->tasks[0].n_metrics, 3);
    expect_ends(suite->tasks[0].valid, "/data/dev.tsv");
    const TuneSetting *s = &suite->models[0].settings[0];
    cr_expect_float_eq(s->learning_rate, 5e-5, 1e-15);
    cr_expect_eq(s->batch_size, 16);
    cr_expect_float_eq(s->epochs, 3, 0);
    cr_expect_lt(s->dropout, 0);
    cr_expect_eq(s->monitor, MONITOR_NONE);
    expect_text(
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
    expect_text(suite->models[0].settings[0].json, "{}");
    suite_close(&suite);
    folder_remove(folder);
}

// --- the grid ------------------------------------------------------------------------------------------------------

Test(suite, arrays_at_any_depth_are_axes_and_the_first_key_varies_slowest)
{
    const char *folder = suites_folder(suites_with_tune(
        "{\"batch_size\": [16, 32], \"early_stopping\": [false, {\"patience\": [1, 3], \"monitor\": \"primary\"}],"
        "\"class_weights\": {\"positive\": [1, 2], \"negative\": 1}, \"warmup\": 0.1}"));
    Suite *suite = suites_load(folder, NULL);
    static const struct {
        size_t batch_size;
        TrainMonitor monitor;
        unsigned patience;
        double positive;
    } want[] = {{16, MONITOR_NONE, 0, 1},   {16, MONITOR_NONE, 0, 2},   {16, MONITOR_METRIC, 1, 1},
                {16, MONITOR_METRIC, 1, 2}, {16, MONITOR_METRIC, 3, 1}, {16, MONITOR_METRIC, 3, 2},
                {32, MONITOR_NONE, 0, 1},   {32, MONITOR_NONE, 0, 2},   {32, MONITOR_METRIC, 1, 1},
                {32, MONITOR_METRIC, 1, 2}, {32, MONITOR_METRIC, 3, 1}, {32, MONITOR_METRIC, 3, 2}};
    cr_assert_eq(suite->models[0].n_settings, 12, "%zu settings", suite->models[0].n_settings);
    for (size_t i = 0; i < 12; i++) {
        const TuneSetting *s = &suite->models[0].settings[i];
        cr_expect_eq(s->batch_size, want[i].batch_size, "setting %zu: batch %zu", i, s->batch_size);
        cr_expect_eq(s->monitor, want[i].monitor, "setting %zu", i);
        cr_expect_eq(s->patience, want[i].patience, "setting %zu: patience %u", i, s->patience);
        cr_assert_eq(s->n_class_weights, 2);
        expect_text(s->class_weights[1].label, "positive");
        cr_expect_float_eq(s->class_weights[1].weight, want[i].positive, 0, "setting %zu", i);
    }
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, groups_to_balance_are_an_axis)
{
    const char *folder = suites_folder(suites_with_tune(
        "{\"balance\": [false, true, {\"by\": \"gender\", \"how\": [\"resample\", \"reweight\"]}]}"));
    Suite *suite = suites_load(folder, NULL);
    static const struct {
        bool is_on;
        BalanceHow how;
        const char *by, *text;
    } want[] = {
        {false, BALANCE_RESAMPLE, NULL, "\"balance\":false"},
        {true, BALANCE_RESAMPLE, "class", "\"balance\":true"},
        {true, BALANCE_RESAMPLE, "gender", "\"balance\":{\"by\":\"gender\",\"how\":\"resample\"}"},
        {true, BALANCE_REWEIGHT, "gender", "\"balance\":{\"by\":\"gender\",\"how\":\"reweight\"}"}};
    cr_assert_eq(suite->models[0].n_settings, 4, "%zu settings", suite->models[0].n_settings);
    for (size_t i = 0; i < 4; i++) {
        const TuneSetting *s = &suite->models[0].settings[i];
        cr_expect_eq(s->balance.is_on, want[i].is_on, "setting %zu", i);
        if (want[i].by) {
            cr_expect_eq(s->balance.how, want[i].how, "setting %zu", i);
            expect_text(s->balance.by, want[i].by);
        }
        cr_expect_neq(slice_find(s->json, slice_from_cstr(want[i].text)), SIZE_MAX, SLICE_FMT,
                      SLICE_ARG(s->json));
    }
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, a_canonical_text_gives_its_setting_again)
{
    static const char *const tunes[] = {
        "{}",
        "{\"learning_rate\": 0.00003, \"dropout\": 0, \"warmup\": 100, \"schedule\": \"cosine-restarts\", \"cycles\": 4}",
        "{\"max_steps\": 12, \"epochs\": 9, \"max_length\": 77, \"class_weights\": \"balanced\", \"balance\": true}",
        "{\"balance\": {\"by\": \"gender,class\", \"how\": \"reweight\"}}",
        "{\"freeze\": \"embeddings,0-3\", \"class_weights\": {\"b\": 2, \"a\": 0.5}, \"layer_decay\": 0.9}",
        "{\"lora\": \"rank=8,targets=query+value\"}",
        "{\"early_stopping\": {\"monitor\": \"f1\", \"patience\": 0, \"min_delta\": 0.01}, \"clip\": 0}",
    };
    for (size_t i = 0; i < sizeof tunes / sizeof *tunes; i++) {
        Arena arena = {0};
        Error err = {0};
        TuneSetting first, again;
        cr_assert_eq(tune_setting_parse(&arena, slice_from_cstr(tunes[i]), &first, &err), STATUS_OK,
                     "%s", err.text);
        cr_assert_eq(tune_setting_parse(&arena, first.json, &again, &err), STATUS_OK, "%s",
                     err.text);
        cr_expect(slice_eq(first.json, again.json), "%.*s\n%.*s", SLICE_ARG(first.json),
                  SLICE_ARG(again.json));
        arena_release(&arena);
    }
}

Test(suite, equal_settings_have_equal_texts)
{
    Arena arena = {0};
    Error err = {0};
    TuneSetting a, b;
    cr_assert_eq(
        tune_setting_parse(&arena,
                           SLICE("{\"class_weights\": {\"x\": 1, \"y\": 2}, \"epochs\": 3.0, "
                                 "\"max_steps\": 5, \"learning_rate\": 5e-5}"),
                           &a, &err),
        STATUS_OK, "%s", err.text);
    cr_assert_eq(tune_setting_parse(&arena,
                                    SLICE("{\"learning_rate\": 0.00005, \"max_steps\": 5, "
                                          "\"class_weights\": {\"y\": 2.0, \"x\": 1}}"),
                                    &b, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect(slice_eq(a.json, b.json), "%.*s\n%.*s", SLICE_ARG(a.json), SLICE_ARG(b.json));
    arena_release(&arena);
}

Test(suite, training_gets_what_the_setting_says)
{
    Arena arena = {0};
    Error err = {0};
    TuneSetting setting;
    TrainOptions options;
    const Slice labels[] = {SLICE_LIT("a"), SLICE_LIT("b"), SLICE_LIT("c")};
    const size_t counts[] = {6, 2, 0};
    cr_assert_eq(tune_setting_parse(&arena,
                                    SLICE("{\"warmup\": 0.25, \"clip\": 2, \"class_weights\": "
                                          "\"balanced\", \"lanes\": 8}"),
                                    &setting, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(tune_setting_options(&setting, labels, 3, counts, &arena, &options, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect_float_eq(options.warmup_ratio, 0.25, 0);
    cr_expect_float_eq(options.clip_norm, 2, 0);
    cr_expect_eq(options.n_lanes, 8);
    // 8 samples, 2 classes present: 8 / (2 * 6) and 8 / (2 * 2)
    cr_expect_float_eq(options.class_weights[0], 8.0f / 12, 1e-6);
    cr_expect_float_eq(options.class_weights[1], 2, 1e-6);
    cr_expect_float_eq(options.class_weights[2], 1, 0);
    cr_assert_eq(
        tune_setting_parse(&arena, SLICE("{\"class_weights\": {\"d\": 2}}"), &setting, &err),
        STATUS_OK);
    cr_expect_eq(tune_setting_options(&setting, labels, 3, counts, &arena, &options, &err),
                 STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "\"d\""), "%s", err.text);
    arena_release(&arena);
}

// --- refusals ------------------------------------------------------------------------------------------------------

static const struct {
    const char *tune, *message;
} wrong_tunes[] = {
    {"{\"batchsize\": 16}",
     "suite.json:3:10: tune: unknown key \"batchsize\"; did you mean \"batch_size\"?"},
    {"{\"batch_size\": 0}", "tune.batch_size: found 0, want an integer from 1 to 1000000"},
    {"{\"batch_size\": \"x\"}", "tune.batch_size: found \"x\", want an integer from 1 to 1000000"},
    {"{\"learning_rate\": [1e-5, 0]}",
     "tune.learning_rate[1]: found 0, want a number from 1e-10 to 1000000000000"},
    {"{\"learning_rate\": []}", "tune.learning_rate: an axis needs at least one value"},
    {"{\"learning_rate\": [[1e-5]]}",
     "tune.learning_rate[0]: an array of arrays is no axis of the grid"},
    {"{\"learning_rate\": [1e-5, 0.00001]}", "settings 1 and 2 of the grid are equal"},
    {"{\"schedule\": \"linaer\"}",
     "tune.schedule: there is no \"linaer\"; did you mean \"linear\"?"},
    {"{\"schedule\": \"square wave\"}", "there are \"linear\", \"cosine\", \"constant\""},
    {"{\"warmup\": 1.5}", "tune.warmup: found 1.5, want a share of all steps below 1"},
    {"{\"dropout\": 1}", "tune.dropout: found 1, want a number from 0 to 0.999"},
    {"{\"freeze\": \"tail\"}", "tune.freeze: "},
    {"{\"freeze\": \"0,name:\"}", "tune.freeze: "},
    {"{\"lora\": \"alpha=8\"}", "tune.lora: LoRA wants its rank"},
    {"{\"lora\": \"rank=4,init=x\"}", "tune.lora: init= is for"},
    {"{\"balance\": 1}", "tune.balance: found a number, want true, false or an object"},
    {"{\"balance\": {\"bye\": \"x\"}}", "unknown key \"bye\"; did you mean \"by\"?"},
    {"{\"balance\": {\"how\": \"resampel\"}}", "did you mean \"resample\"?"},
    {"{\"early_stopping\": true}", "tune.early_stopping: found true or false, want an object"},
    {"{\"early_stopping\": {\"patients\": 1}}",
     "unknown key \"patients\"; did you mean \"patience\"?"},
    {"{\"early_stopping\": {\"monitor\": \"acuracy\"}}", "did you mean \"accuracy\"?"},
    {"{\"early_stopping\": {\"monitor\": \"log_loss\"}}",
     "belongs to none of the metrics of task \"t\""},
    {"{\"class_weights\": \"even\"}", "found \"even\", want \"balanced\", \"none\""},
    {"{\"class_weights\": {}}", "tune.class_weights: no class is named"},
    {"{\"class_weights\": {\"a\": -1}}", "tune.class_weights.a: found -1, want a number from 0"},
    {"{\"class_weights\": {\"a\": {}}}",
     "tune.class_weights.a: found an object, want a number from 0"},
    {"17", "tune: found a number, want an object"},
};

Test(suite, a_wrong_tune_block_is_refused_with_place_and_remedy)
{
    for (size_t i = 0; i < sizeof wrong_tunes / sizeof *wrong_tunes; i++) {
        const char *message = suites_refusal(suites_with_tune(wrong_tunes[i].tune), NULL);
        cr_expect_not_null(strstr(message, wrong_tunes[i].message), "%s\n  gives: %s\n  want:  %s",
                           wrong_tunes[i].tune, message, wrong_tunes[i].message);
        cr_expect_eq(strncmp(message, "suite.json:", 11), 0, "%s", message);
    }
}

#define MODELS "\"models\": [{\"name\": \"m\", \"path\": \"model\"}]"
#define TASKS  "\"tasks\": [{\"name\": \"t\", \"data\": \"data\"}]"

static const struct {
    const char *text, *message;
} wrong_suites[] = {
    {"[]", "suite.json:1:1: found an array, want an object"},
    {"{\"suite\": \"s\"", "suite.json:1:14: "},
    {"{\"suite\": \"s\", \"suite\": \"t\"}", "stands here a second time"},
    {"{" MODELS "," TASKS "}", "the key \"suite\" (its name) is missing"},
    {"{\"suite\": \"\"," MODELS "," TASKS "}", "suite: the name has 0 bytes; want 1 to 200"},
    {"{\"suite\": \"s\",\n \"model\": []," TASKS "}",
     "suite.json:2:2: unknown key \"model\"; did you mean \"models\"?"},
    {"{\"suite\": \"s\"," TASKS "}",
     "the suite has no models; name one, or give --model NAME=DIRECTORY"},
    {"{\"suite\": \"s\"," MODELS "}", "the suite has no tasks; name one, or give --data NAME=PATH"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\"}]," TASKS "}",
     "models[0]: the model \"m\" has no path; write one, or give --model m=DIRECTORY"},
    {"{\"suite\": \"s\",\"models\": [{\"path\": \"model\"}]," TASKS "}",
     "models[0]: the key \"name\" is missing"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\", \"path\": \"gone\"}]," TASKS "}",
     "gone is not there; want a directory with config.json"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\", \"path\": \"data/dev.tsv\"}]," TASKS "}",
     "is no directory"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\", \"endpoint\": \"http://x\"}]," TASKS "}",
     "models[0].endpoint: models behind an endpoint are not in this version"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\", \"predictions\": \"p\"}]," TASKS "}",
     "recorded predictions are not in this version"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\", \"create\": {}}]," TASKS "}",
     "a fresh model knows nothing"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\", \"path\": \"model\", \"create\": {}}]," TASKS
     "}",
     "give \"path\" or \"create\", not both"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\", \"create\": {\"n_heads\": 7}}]," TASKS
     ", \"tune\": {}}",
     "hidden_size 128 is no multiple of n_heads 7"},
    {"{\"suite\": \"s\",\"models\": [{\"name\": \"m\", \"path\": \"model\"}, {\"name\": \"m\", \"path\": \"model\"}]," TASKS
     "}",
     "models[1]: two models are called \"m\""},
    {"{\"suite\": \"s\"," MODELS ",\"tasks\": [{\"data\": \"data\"}]}",
     "tasks[0]: a task needs \"use\" (a definition) or \"name\""},
    {"{\"suite\": \"s\"," MODELS ",\"tasks\": [{\"use\": \"sst3\", \"data\": \"data\"}]}",
     "tasks[0].use: there is no task definition \"sst3\"; did you mean \"sst2\"?"},
    {"{\"suite\": \"s\"," MODELS ",\"tasks\": [{\"name\": \"t\"}]}",
     "the task \"t\" has no data; write some, or give --data t=PATH"},
    {"{\"suite\": \"s\"," MODELS ",\"tasks\": [{\"name\": \"t\", \"data\": 5}]}",
     "tasks[0].data: found a number, want a path, or an object"},
    {"{\"suite\": \"s\"," MODELS ",\"tasks\": [{\"name\": \"t\", \"data\": \"none\"}]}",
     "none is not there; want a file"},
    {"{\"suite\": \"s\"," MODELS ",\"tasks\": [{\"name\": \"t\", \"data\": \"model\"}]}",
     "has no file that is named for train, dev or test"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": {\"test\": \"model\"}}]}",
     "tasks[0].data.test: "},
    {"{\"suite\": \"s\"," MODELS ",\"tasks\": [{\"name\": \"t\", \"data\": {\"trian\": \"x\"}}]}",
     "unknown key \"trian\"; did you mean \"train\"?"},
    {"{\"suite\": \"s\"," MODELS ",\"tasks\": [{\"name\": \"t\", \"data\": \"data/dev.tsv\"}]}",
     "there is nothing to judge on"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": {\"test\": \"data/dev.tsv\"}}], \"tune\": {}}",
     "tasks[0].data: tuning needs a train file"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"metrics\": [\"acc\"]}]}",
     "tasks[0].metrics[0]: there is no \"acc\""},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"metrics\": [\"bleu\"]}]}",
     "bleu is no metric for a \"classify\" task"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"metrics\": []}]}",
     "found an empty list, want a list of metrics"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"metrics\": [\"f1\", \"f1\"]}]}",
     "f1 stands twice among the metrics"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"metrics\": [{\"name\": \"f1\", \"params\": {\"averge\": 1}}]}]}",
     "did you mean \"average\"?"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"primary\": \"bleu\"}]}",
     "tasks[0].primary: the primary score \"bleu\" belongs to none"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"labels\": [\"x\", \"x\"]}]}",
     "tasks[0].labels[1]: the class \"x\" stands twice"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"labels\": [\"x\"]}]}",
     "a task needs at least two classes"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"family\": \"tags\"}]}",
     "tasks[0].family: there is no \"tags\"; did you mean \"tag\"?"},
    {"{\"suite\": \"s\"," MODELS
     ",\"tasks\": [{\"name\": \"t\", \"data\": \"data\", \"columns\": {\"txt\": 1}}]}",
     "did you mean \"text\"?"},
    {"{\"suite\": \"s\"," MODELS "," TASKS ", \"folds\": {\"k\": 5}}",
     "folds: folds are for tuning"},
    {"{\"suite\": \"s\"," MODELS "," TASKS ", \"tune\": {}, \"folds\": {\"k\": 1}}",
     "folds.k: found 1, want 0 for no folds or at least 2"},
    {"{\"suite\": \"s\"," MODELS "," TASKS
     ", \"tune\": {}, \"folds\": {\"k\": 2, \"keep_near\": 0.8, \"shuffle\": false}}",
     "folds.keep_near: folds in file order are as they are"},
    {"{\"suite\": \"s\"," MODELS "," TASKS ", \"tune\": {}, \"folds\": {\"inner\": 1}}",
     "folds.inner: found 1, want a share below 1"},
    {"{\"suite\": \"s\"," MODELS "," TASKS ", \"tune\": {}, \"folds\": {\"inner\": 2.5}}",
     "folds.inner: found 2.5, want a share below 1"},
    {"{\"suite\": \"s\"," MODELS "," TASKS
     ", \"tune\": {\"epochs\": [1, 2]}, \"folds\": {\"k\": 2, \"inner\": 0}}",
     "nothing to choose among the 2 settings of \"m\" by"},
    {"{\"suite\": \"s\"," MODELS "," TASKS
     ", \"tune\": {\"early_stopping\": {}}, \"folds\": {\"k\": 2, \"inner\": 0}}",
     "early stopping has nothing to watch"},
    {"{\"suite\": \"s\"," MODELS "," TASKS
     ", \"tune\": {}, \"folds\": {\"k\": 2, \"kind\": \"grouped\"}}",
     "grouped folds need a column of groups"},
    {"{\"suite\": \"s\"," MODELS "," TASKS ", \"tune\": {}, \"folds\": {\"file\": \"f\"}}",
     "folds.file: a file of folds needs \"k\" beside it"},
    {"{\"suite\": \"s\"," MODELS "," TASKS ", \"report\": {\"formats\": [\"htlm\"]}}",
     "report.formats[0]: there is no \"htlm\"; did you mean \"html\"?"},
    {"{\"suite\": \"s\"," MODELS "," TASKS ", \"seed\": -1}",
     "seed: found -1, want an integer from 0"},
    {"{\"suite\": \"s\"," MODELS "," TASKS ", \"repeats\": 0}",
     "repeats: found 0, want an integer from 1 to 1000"},
};

Test(suite, a_wrong_suite_is_refused_with_place_and_remedy)
{
    for (size_t i = 0; i < sizeof wrong_suites / sizeof *wrong_suites; i++) {
        const char *message = suites_refusal(wrong_suites[i].text, NULL);
        cr_expect_not_null(strstr(message, wrong_suites[i].message), "%s\n  gives: %s\n  want:  %s",
                           wrong_suites[i].text, message, wrong_suites[i].message);
        cr_expect_eq(strncmp(message, "suite.json:", 11), 0, "%s\n  gives: %s",
                     wrong_suites[i].text, message);
    }
}

Test(suite, a_grid_beyond_all_reason_is_refused_at_once)
{
    char tune[4096] = "{";
    size_t len = 1;
    static const char *const keys[] = {"learning_rate", "batch_size", "epochs",     "dropout",
                                       "warmup",        "clip",       "max_length", "cycles"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        len += (size_t)snprintf(
            tune + len, sizeof tune - len, "%s\"%s\": [%s]", i ? ", " : "", keys[i],
            i == 3 || i == 4 ? "0.1, 0.2, 0.3, 0.4, 0.5, 0.6" : "4, 5, 6, 7, 8, 9");
    }
    snprintf(tune + len, sizeof tune - len, "}");
    const char *message = suites_refusal(suites_with_tune(tune), NULL);
    cr_expect_not_null(strstr(message, "the grid has more than 10000 settings"), "%s", message);
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
    expect_text(suite->models[0].settings[0].json, "{\"compute\":\"int8\"}");
    expect_text(suite->models[2].settings[0].json, "{}");
    for (size_t i = 0; i < 2; i++) {
        const TuneSetting *setting = &suite->models[1].settings[i];
        expect_text(setting->compute, "bf16");
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

// --- what is shipped -----------------------------------------------------------------------------------------------

Test(suite, a_task_takes_over_what_its_definition_says_unless_it_says_otherwise)
{
    const char *folder = suites_folder(
        "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"model\"}], \"tasks\": ["
        "{\"use\": \"sst2\", \"data\": \"data\", \"columns\": {\"label\": 3}, \"metrics\": [\"mcc\"]},"
        "{\"use\": \"sst2\", \"name\": \"again\", \"data\": \"data\"}]}");
    Suite *suite = suites_load(folder, NULL);
    cr_assert_eq(suite->n_tasks, 2);
    expect_text(suite->tasks[0].name, "sst2");
    expect_text(suite->tasks[0].read.columns.text, "1");
    expect_text(suite->tasks[0].read.columns.label, "3");
    cr_expect_eq(suite->tasks[0].read.header, READ_HEADER_NO);
    cr_expect_eq(suite->tasks[0].read.n_labels, 2);
    expect_text(suite->tasks[0].primary, "mcc");
    expect_text(suite->tasks[1].name, "again");
    expect_text(suite->tasks[1].primary, "accuracy");
    cr_expect_gt(suite->tasks[1].summary.len, 10);
    suite_close(&suite);
    folder_remove(folder);
}

Test(suite, every_shipped_suite_and_task_is_valid)
{
    Arena arena = {0};
    Error err = {0};
    SuiteEntry *suites, *tasks;
    size_t n_suites, n_tasks;
    cr_assert_eq(suite_list_suites(&arena, &suites, &n_suites, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(suite_list_tasks(&arena, &tasks, &n_tasks, &err), STATUS_OK, "%s", err.text);
    cr_expect_geq(n_suites, 2);
    cr_expect_geq(n_tasks, 6);
    for (size_t i = 0; i < n_suites; i++) {
        const SuiteOverrides overrides = {.without_files = true};
        Suite *suite = NULL;
        const char *path = arena_cstr(&arena, suites[i].path);
        SuiteMembers members;
        cr_expect_gt(suites[i].summary.len, 10, "%s", path);
        cr_expect_eq(suite_members_load(&arena, path, &members, &err), STATUS_OK, "%s", err.text);
        if (members.n > 0) continue; // each of them is in this list
        cr_expect_eq(suite_load(path, &overrides, &suite, &err), STATUS_OK, "%s", err.text);
        suite_close(&suite);
    }
    for (size_t i = 0; i < n_tasks; i++) {
        const char *text =
            arena_printf(&arena, "{\"suite\": \"s\", \"tasks\": [{\"use\": \"%.*s\"}]}",
                         SLICE_ARG(tasks[i].name));
        const SuiteOverrides overrides = {.without_files = true};
        Suite *suite = NULL;
        cr_expect_eq(suite_parse("s.json", slice_from_cstr(text), &overrides, &suite, &err),
                     STATUS_OK, "%s", err.text);
        if (suite) cr_expect(slice_eq(suite->tasks[0].name, tasks[i].name));
        cr_expect_gt(tasks[i].summary.len, 10);
        suite_close(&suite);
    }
    arena_release(&arena);
}

static const struct {
    const char *text, *message;
} wrong_members[] = {
    {"{\"suite\": \"s\", \"suites\": []}", "members.json:1:26: suites: the list names no suite"},
    {"{\"suite\": \"s\", \"suites\": [\"nerr\"]}", "did you mean \"ner\"?"},
    {"{\"suite\": \"s\", \"suites\": [\"ner\", \"ner\"]}", "two of the suites are called \"ner\""},
    {"{\"suite\": \"s\", \"suites\": [\"./gone.json\"]}", "gone.json is not there"},
    {"{\"suite\": \"s\", \"suites\": [\"ner\"], \"seed\": 3}", "a suite of suites has no \"seed\""},
    {"{\"suite\": \"s\", \"suites\": [3]}", "want a string"},
};

Test(suite, a_suite_of_suites_that_is_wrong_is_refused_by_place)
{
    const char *folder = folder_make();
    const char *path = folder_path(folder, "members.json");
    for (size_t i = 0; i < sizeof wrong_members / sizeof *wrong_members; i++) {
        Arena arena = {0};
        SuiteMembers members;
        Error err = {0};
        cr_assert_eq(file_write(path, slice_from_cstr(wrong_members[i].text), &err), STATUS_OK);
        cr_expect_eq(suite_members_load(&arena, path, &members, &err), STATUS_INVALID);
        cr_expect_not_null(strstr(err.text, wrong_members[i].message), "%s", err.text);
        arena_release(&arena);
    }
    folder_remove(folder);
}

Test(suite, a_suite_of_suites_names_its_members_in_order)
{
    const char *folder = folder_make();
    const char *path = folder_path(folder, "members.json");
    Arena arena = {0};
    SuiteMembers members;
    Error err = {0};
    cr_assert_eq(
        file_write(path, SLICE("{\"suite\": \"s\", \"suites\": [\"sentiment\", \"ner\"]}"), &err),
        STATUS_OK);
    cr_assert_eq(suite_members_load(&arena, path, &members, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(members.n, 2);
    expect_text(members.suite, "s");
    expect_text(members.all[0].name, "sentiment");
    expect_text(members.all[1].name, "ner");
    arena_release(&arena);
    folder_remove(folder);
}

static const struct {
    const char *task, *file;
    size_t n_samples;
} shared_files[] = {
    {"sst2", "data/sst2/dev.tsv", 872},
    {"mr", "data/mr/rt-polarity.all", 10662},
    {"trec", "data/trec/TREC.test.all", 500},
    {"tweeteval-sentiment", "data/tweeteval/sentiment/val_text.txt", 2000},
    {"tweeteval-offensive", "data/tweeteval/offensive/test_text.txt", 860},
    {"squad", "data/squad1/dev-v1.1.json", 10570},
    {"wnut17", "data/wnut17/wnut17train.conll", 3394},
};

Test(suite, shipped_tasks_read_the_data_they_are_for)
{
    for (size_t i = 0; i < sizeof shared_files / sizeof *shared_files; i++) {
        const char *path = shared_need(shared_files[i].file);
        char text[256];
        const SuiteOverrides overrides = {.without_files = true};
        Suite *suite = NULL;
        Dataset data = {0};
        Error err = {0};
        snprintf(text, sizeof text, "{\"suite\": \"s\", \"tasks\": [{\"use\": \"%s\"}]}",
                 shared_files[i].task);
        cr_assert_eq(suite_parse("s.json", slice_from_cstr(text), &overrides, &suite, &err),
                     STATUS_OK, "%s", err.text);
        cr_expect_eq(dataset_read(path, &suite->tasks[0].read, &data, &err), STATUS_OK, "%s",
                     err.text);
        cr_expect_eq(data.n_samples, shared_files[i].n_samples, "%s: %zu samples",
                     shared_files[i].task, data.n_samples);
        dataset_release(&data);
        suite_close(&suite);
    }
}
