// Copies to learn from in whole runs: which are made, which are left out, and that nothing else hangs on them.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/runs.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"

Test(augmentation, what_is_wrong_with_it_is_refused_by_name)
{
    static const struct {
        const char *augment, *says;
    } cases[] = {
        {"true", "tune.augment: found true or false, want an object such as"},
        {"{}", "tune.augment: the key \"kind\" is missing"},
        {"{\"kind\": \"edda\"}", "tune.augment.kind: there is no \"edda\"; did you mean \"eda\"?"},
        {"{\"kind\": \"swap\", \"lexicon\": \"en\"}",
         "tune.augment.lexicon: copies of this kind do not look at \"lexicon\""},
        {"{\"kind\": \"eda\", \"lexicon\": \"klingon\"}", "klingon"},
        {"{\"kind\": \"eda\", \"lexicon\": \"./none.json\"}",
         "none.json is not there; want a lexicon"},
        {"{\"kind\": \"eda\", \"share\": 0}", "tune.augment.share"},
        {"{\"kind\": \"back-translate\", \"forward\": \"model\"}", "the key \"back\" is missing"},
        {"{\"kind\": \"back-translate\", \"forward\": \"x\", \"back\": \"x\"}",
         "is not there; the model"},
        {"{\"kind\": \"back-translate\", \"forward\": \"m\", \"back\": \"m\"}",
         "is tuned here, but the model that translates is done learning"},
        {"{\"kind\": \"paraphrase\", \"generator\": \"model\", \"prompt\": \"x\"}",
         "the prompt has no {text}"},
        {"{\"kind\": \"eda\", \"copie\": 2}", "did you mean \"copies\"?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char tune[512];
        snprintf(tune, sizeof tune, "{\"augment\": %s}", cases[i].augment);
        const char *message = suites_refusal(suites_with_tune(tune), NULL);
        cr_expect(strstr(message, cases[i].says), "%s: %s", cases[i].augment, message);
    }
}

Test(augmentation, is_an_axis_of_the_grid_and_part_of_a_trials_identity)
{
    const char *folder = runs_folder(&(RunsSuite){
        .tune = "{\"batch_size\": 8, \"epochs\": 1, \"augment\": [false, {\"kind\": [\"eda\", "
                "\"delete\"], \"copies\": 2, \"share\": 0.5}]}"});
    Suite *suite = runs_load(folder);
    cr_assert_eq(suite->models[0].n_settings, 3);
    cr_expect_not(suite->models[0].settings[0].augment.is_on);
    cr_expect_eq(suite->models[0].settings[1].augment.kind, AUGMENT_EDA);
    cr_expect_not_null(suite->models[0].settings[1].augment.lexicon_path);
    cr_expect_null(suite->models[0].settings[2].augment.lexicon_path);
    cr_expect(slice_find(suite->models[0].settings[0].json, SLICE("augment")) == SIZE_MAX);
    suite_close(&suite);
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    Buffer threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&threads)));
    cr_expect(strstr(plain.ptr, "copies to learn from"));
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&threads);
    folder_remove(folder);
}

// "big" and "large" are all that the lexicon knows.
#define TEXTS                                                                              \
    "text\tlabel\nbig film\tgood\nbig plot\tbad\nlarge scene\tgood\nbig scene\tbad\ndull " \
    "end\tbad\nbig end\tgood\n"

static const char *lexicon_folder(const char *test)
{
    const char *folder = runs_folder(&(RunsSuite){
        .tune = "{\"max_steps\": 2, \"batch_size\": 4, \"augment\": {\"kind\": \"synonyms\", "
                "\"lexicon\": \"./mine.json\"}}",
        .folds = "{\"k\": 0, \"inner\": 0}",
        .has_parts = true,
        .train = TEXTS,
        .test = test});
    folder_write(folder, "mine.json",
                 "{\"lexicon\": \"mine\", \"groups\": [[\"big\", \"large\"]]}");
    return folder;
}

Test(augmentation, no_copy_stands_in_the_data)
{
    const char *folder = lexicon_folder("text\tlabel\nlarge plot\tbad\nx\tgood\n");
    Buffer text = runs_findings(folder, NULL);
    // Of six samples "dull end" has no synonym, two scenes are each other's copies, and one plot is judged.
    cr_expect(text.ptr &&
                  strstr(text.ptr, "|synonyms, words 0.1, lexicon ./mine.json|2 copies of 6 of 6 "
                                   "samples"),
              "%s", text.ptr);
    cr_expect(text.ptr &&
                  strstr(text.ptr, "; 1 left out: nothing new; 3 left out: they stand in the data"),
              "%s", text.ptr);
    buffer_release(&text);
    folder_remove(folder);
}

Test(augmentation, a_lexicon_that_serves_no_sample_is_refused)
{
    Error err = {0};
    RunResult result = {0};
    const char *folder = lexicon_folder(NULL);
    folder_write(folder, "mine.json", "{\"groups\": [[\"qqq\", \"rrr\"]]}");
    cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "\"augment\" makes no copy of 6 samples (6 had nothing to change"),
              "%s", err.text);
    run_result_release(&result);
    folder_remove(folder);
}

// An encoder-decoder and a causal model of a few steps, tuned in a folder of their own and saved there.
static void make_writers(char *translator, char *generator, size_t size)
{
    static const char pairs[] =
        "source\ttarget\na dog runs\tein Hund rennt\na cat runs\teine Katze rennt\na dog "
        "sleeps\tein Hund schl\xc3\xa4"
        "ft\na cat sleeps\teine Katze schl\xc3\xa4"
        "ft\n";
    static const char suite[] =
        "{\"suite\": \"w\", \"models\": [{\"name\": \"m\", \"create\": {\"architecture\": \"%s\", "
        "\"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 32, "
        "\"max_positions\": 64, \"tokenizer\": \"bpe\", \"vocab_size\": 280}}], \"tasks\": [{\"name\": "
        "\"t\", \"family\": \"%s\", \"data\": \"data.tsv\"%s}], \"tune\": {\"max_steps\": 3}, "
        "\"folds\": {\"k\": 2, \"inner\": 0, \"final\": \"out\"}, \"report\": {\"formats\": [\"json\"]}}";
    static const char prompt[] = ", \"prompt\": {\"text\": \"{text}:\", \"max_new_tokens\": 4}";
    for (int i = 0; i < 2; i++) {
        char text[2048];
        Error err = {0};
        RunResult result = {0};
        const char *folder = folder_make();
        snprintf(text, sizeof text, suite, i ? "gpt2" : "marian", i ? "generate" : "translate",
                 i ? prompt : "");
        folder_write(folder, "suite.json", text);
        folder_write(folder, "data.tsv", pairs);
        cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
        run_result_release(&result);
        snprintf(i ? generator : translator, size, "%s/out", folder);
    }
}

static void remove_writer(char *directory)
{
    *strrchr(directory, '/') = '\0';
    folder_remove(directory);
}

Test(augmentation, models_write_texts_anew)
{
    char translator[512], generator[512], tune[4096];
    make_writers(translator, generator, sizeof translator);
    snprintf(tune, sizeof tune,
             "{\"max_steps\": 2, \"batch_size\": 8, \"augment\": [{\"kind\": \"back-translate\", "
             "\"forward\": \"%s\", \"back\": \"%s\", \"share\": 0.5}, {\"kind\": \"paraphrase\", "
             "\"generator\": \"%s\", \"copies\": 2, \"share\": 0.5, \"max_new_tokens\": 6}]}",
             translator, translator, generator);
    const char *folder = runs_folder(&(RunsSuite){.tune = tune});
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2, .n_threads = 2});
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect(strstr(plain.ptr, "back-translate, share 0.5, forward"));
    cr_expect(strstr(plain.ptr, "paraphrase, share 0.5, 2 copies, generator"));
    buffer_release(&plain);
    buffer_release(&jobs);
    folder_remove(folder);
    // A model of another kind is refused by name.
    Error err = {0};
    RunResult result = {0};
    snprintf(tune, sizeof tune, "{\"augment\": {\"kind\": \"paraphrase\", \"generator\": \"%s\"}}",
             translator);
    folder = runs_folder(&(RunsSuite){.tune = tune});
    cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "want a causal language model"), "%s", err.text);
    run_result_release(&result);
    folder_remove(folder);
    remove_writer(translator);
    remove_writer(generator);
}
