// Language modelling: models learn plain texts and are judged by perplexity.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/harness/runs.h"
#include "tests/support/folder.h"

#define MODEL(name, architecture, vocab)                                                    \
    "{\"name\": \"" name "\", \"create\": {\"architecture\": \"" architecture               \
    "\", \"hidden_size\": 16, \"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 32, " \
    "\"max_positions\": 48, \"vocab_size\": " vocab "}}"

// A column of texts is all that is looked at of the sentences.
static const char *texts_folder(const char *models, const char *tune, const char *folds)
{
    return runs_folder(&(RunsSuite){.models = models,
                                    .tune = tune,
                                    .folds = folds,
                                    .has_parts = true,
                                    .metrics = "\"perplexity\"",
                                    .task = ", \"family\": \"texts\""});
}

// The last one of the run's scores: those that chose a setting stand before.
static double perplexity_of(Slice export, const char *model)
{
    static const char key[] = "\"name\":\"perplexity\",\"estimate\":";
    char begin[128];
    double last = NAN;
    Slice rest = export, line;
    snprintf(begin, sizeof begin, "{\"kind\":\"run_score\",\"model\":\"%s\"", model);
    while (slice_split(&rest, '\n', &line)) {
        const size_t at = slice_find(line, slice_from_cstr(key));
        if (at != SIZE_MAX && slice_starts_with(line, slice_from_cstr(begin)))
            last = strtod(line.ptr + at + sizeof key - 1, NULL);
    }
    cr_expect(!isnan(last), "no score of %s", model);
    return last;
}

Test(texts, are_learnt_by_filling_in_and_by_going_on)
{
    static const char two[] = "[" MODEL("bert", "bert", "150") ", " MODEL("gpt", "gpt2", "300") "]";
    static const char tune[] =
        "{\"learning_rate\": [1e-2, 1e-4], \"batch_size\": 8, \"epochs\": 10}";
    const char *folder = texts_folder(two, tune, "{\"inner\": 0.25}");
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"}),
           jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2}),
           threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
    const Slice export = buffer_slice(&plain);
    cr_expect(slice_eq(export, buffer_slice(&jobs)));
    cr_expect(slice_eq(export, buffer_slice(&threads)));
    const double baseline = perplexity_of(export, "byte frequencies");
    cr_expect(baseline > 10 && baseline < 40, "of bytes %g", baseline);
    const double bert = perplexity_of(export, "bert"), gpt = perplexity_of(export, "gpt");
    cr_expect(bert < 40 && gpt < 40, "%g and %g of 150 and 300 tokens", bert, gpt);
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&threads);
    folder_remove(folder);
}

// A masked model that was opened to be tuned answers for all tokens, one that is judged as saved for the one asked about.
Test(texts, have_the_same_likelihood_however_the_model_was_opened)
{
    char models[1024];
    Error err = {0};
    RunResult result = {0};
    const char *made = texts_folder("[" MODEL("bert", "bert", "150") "]",
                                    "{\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 2}",
                                    "{\"final\": \"best\"}");
    cr_assert_eq(runs_run(made, NULL, &result, &err), STATUS_OK, "%s", err.text);
    run_result_release(&result);
    snprintf(
        models, sizeof models,
        "[{\"name\": \"before\", \"path\": \"%s/best\", \"tune\": false}, {\"name\": \"same\", "
        "\"path\": \"%s/best\"}, {\"name\": \"after\", \"path\": \"%s/best\", \"tune\": "
        "{\"learning_rate\": 1e-2, \"batch_size\": 8, \"epochs\": 6}}]",
        made, made, made);
    char kept[512];
    snprintf(kept, sizeof kept, "%s", made);
    const char *folder = texts_folder(models, "{\"learning_rate\": 1e-10, \"max_steps\": 1}", "{}");
    Buffer export = runs_export(folder, NULL);
    const double before = perplexity_of(buffer_slice(&export), "before"),
                 same = perplexity_of(buffer_slice(&export), "same"),
                 after = perplexity_of(buffer_slice(&export), "after");
    cr_expect(fabs(before - same) < 1e-4 * before, "%.9g as saved, %.9g after no step", before,
              same);
    cr_expect_lt(after, 0.9 * before);
    buffer_release(&export);
    folder_remove(folder);
    folder_remove(kept);
}

Test(texts, cannot_be_learnt_from_a_teacher_or_be_empty)
{
    Error err = {0};
    RunResult result = {0};
    const char *folder = texts_folder(
        "[" MODEL("a", "bert", "150") ", " MODEL("b", "bert", "150") "]", "{\"epochs\": 1}", "{}");
    run_result_release(&result);
    char path[600];
    Arena arena = {0};
    Slice suite;
    snprintf(path, sizeof path, "%s/suite.json", folder);
    cr_assert_eq(file_read(&arena, path, 1 << 20, &suite, &err), STATUS_OK);
    char text[4096];
    const size_t at = slice_find(suite, SLICE("{\"epochs\": 1}"));
    cr_assert_neq(at, SIZE_MAX);
    snprintf(text, sizeof text,
             SLICE_FMT "{\"epochs\": 1, \"distill\": {\"teacher\": \"%s\"}}" SLICE_FMT,
             SLICE_ARG(slice_sub(suite, 0, at)), folder,
             SLICE_ARG(slice_sub(suite, at + 13, suite.len)));
    cr_assert_eq(file_write(path, slice_from_cstr(text), &err), STATUS_OK);
    cr_expect_neq(runs_run(folder, NULL, &result, &err), STATUS_OK);
    run_result_release(&result);
    err = (Error){0};
    cr_assert_eq(file_write(path, suite, &err), STATUS_OK);
    snprintf(path, sizeof path, "%s/data/test.tsv", folder);
    cr_assert_eq(file_write(path, SLICE("text\tlabel\na b\t1\n \t0\n"), &err), STATUS_OK);
    cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    cr_expect_neq(slice_find(slice_from_cstr(err.text), SLICE("test.tsv:3: the text is empty")),
                  SIZE_MAX, "%s", err.text);
    run_result_release(&result);
    arena_release(&arena);
    folder_remove(folder);
}

Test(texts, have_no_classes_to_weigh)
{
    Error err = {0};
    RunResult result = {0};
    const char *folder =
        texts_folder("[" MODEL("a", "bert", "150") "]", "{\"class_weights\": \"balanced\"}", "{}");
    cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    cr_expect_neq(slice_find(slice_from_cstr(err.text), SLICE("weighs classes")), SIZE_MAX, "%s",
                  err.text);
    run_result_release(&result);
    folder_remove(folder);
}
