// What is wrong in a suite is said with its place and a remedy.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/suites.h"

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
