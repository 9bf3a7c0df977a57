// Preparation of a task's texts in whole runs: what is checked, stored and hashed are the texts as prepared.
#include <criterion/criterion.h>
#include <string.h>

#include "tests/harness/runs.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"

#define WITH_STEPS(family, steps)                                                           \
    "{\"suite\": \"s\", \"models\": [{\"name\": \"m\", \"path\": \"model\"}],\n\"tasks\": " \
    "[{\"name\": \"t\", \"family\": \"" family "\", \"data\": \"data\", \"prepare\": " steps "}]}"

Test(preparation, wrong_steps_are_refused_by_name)
{
    static const struct {
        const char *suite, *says;
    } cases[] = {
        {WITH_STEPS("classify", "[\"lowr\"]"),
         "tasks[0].prepare[0]: there is no \"lowr\"; did you "},
        {WITH_STEPS("classify", "\"lower\""),
         "tasks[0].prepare: found a string, want a list of steps"},
        {WITH_STEPS("classify", "[\"nfc\", \"lower\", \"nfc\"]"),
         "prepare[2]: \"nfc\" stands twice"},
        {WITH_STEPS("classify", "[1]"), "tasks[0].prepare[0]"},
        {WITH_STEPS("tag", "[\"lower\", \"punctuation\"]"),
         "prepare[1]: \"punctuation\" is no step for a \"tag\" task: it would remove whole words"},
        {WITH_STEPS("tag", "[\"contractions\"]"), "it would make two words of one"},
        {WITH_STEPS("prefer", "[\"lower\"]"), "compares texts as they are published"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *message = suites_refusal(cases[i].suite, NULL);
        cr_expect(strstr(message, cases[i].says), "%s", message);
    }
}

static const char *shown(const Buffer *text)
{
    return text->ptr ? text->ptr : "";
}

static bool says(const Buffer *text, const char *what)
{
    return strstr(shown(text), what) != NULL;
}

#define TEXTS "text\tlabel\nGood FILM it was\tgood\nbad film\tbad\nfine\tgood\ndull\tbad\n"

Test(preparation, repeated_inputs_are_found_among_the_texts_as_prepared)
{
    char plain_id[64], prepared_id[64];
    const RunsSuite plain = {.folds = "{\"k\": 0, \"inner\": 0}",
                             .tune = "{\"max_steps\": 1}",
                             .has_parts = true,
                             .train = TEXTS,
                             .test = "text\tlabel\ngood film  it was\tgood\nnone\tbad\n"};
    RunsSuite prepared = plain;
    prepared.task = ", \"prepare\": [\"lower\", \"whitespace\"]";
    const char *folder = runs_folder(&plain);
    Buffer text = runs_findings(folder, plain_id);
    cr_expect(!says(&text, "stand in train too"), "%s", shown(&text));
    cr_expect(!says(&text, "changed by"));
    buffer_release(&text);
    folder_remove(folder);
    folder = runs_folder(&prepared);
    text = runs_findings(folder, prepared_id);
    cr_expect(says(&text, "note films: train and test: 1 of the 2 samples of test stand in train"),
              "%s", shown(&text));
    cr_expect(says(&text, "changed by|train lower|1 of 4 samples (25.0%)"), "%s", shown(&text));
    cr_expect(says(&text, "changed by|test whitespace|1 of 2 samples (50.0%)"), "%s", text.ptr);
    cr_expect_str_neq(plain_id, prepared_id);
    buffer_release(&text);
    folder_remove(folder);
}

#define PERSONAL                                                                                   \
    "text\tlabel\nask a@b.com fine\tgood\nbad 123-45-6789 or c@d.org\tbad\nfine film\tgood\ndull " \
    "end\tbad\n"

Test(preparation, personal_data_are_counted_and_taken_out)
{
    RunsSuite how = {.folds = "{\"k\": 0, \"inner\": 0}",
                     .tune = "{\"max_steps\": 1}",
                     .has_parts = true,
                     .train = PERSONAL};
    const char *folder = runs_folder(&how);
    Buffer text = runs_findings(folder, NULL);
    cr_expect(says(&text, "personal data|train|email 2, us-ssn 1, in 2 of 4 samples"), "%s",
              shown(&text));
    cr_expect(says(&text, "personal data|test|nothing found in 20 samples"));
    cr_expect(
        says(&text, "note films, train: there are personal data: email 2, us-ssn 1, in 2 of 4"));
    buffer_release(&text);
    folder_remove(folder);
    how.task = ", \"prepare\": [\"anonymise\"]";
    folder = runs_folder(&how);
    text = runs_findings(folder, NULL);
    cr_expect(says(&text, "personal data|train|nothing found in 4 samples"), "%s", shown(&text));
    cr_expect(says(&text, "changed by|train anonymise|2 of 4 samples (50.0%)"), "%s", shown(&text));
    cr_expect(!says(&text, "note films, train: there are"));
    buffer_release(&text);
    folder_remove(folder);
}
