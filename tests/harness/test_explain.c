// What answers hang on, from a suite's report block to the store.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "results/explained.h"
#include "tests/harness/runs.h"
#include "tests/harness/suites.h"
#include "tests/support/folder.h"

// The suite of a folder with this in its report block.
static void set_explain(const char *folder, const char *explain)
{
    static const char formats[] = "\"report\": {\"formats\": [\"json\"]";
    Error err = {0};
    Slice suite = {0};
    Buffer changed = {0};
    const char *path = folder_path(folder, "suite.json");
    cr_assert_eq(file_map(path, &suite, &err), STATUS_OK, "%s", err.text);
    const size_t at = slice_find(suite, slice_from_cstr(formats));
    cr_assert_neq(at, SIZE_MAX);
    buffer_printf(&changed, SLICE_FMT "%s, \"explain\": %s}}\n", SLICE_ARG(slice_sub(suite, 0, at)),
                  formats, explain);
    cr_assert_eq(file_write(path, buffer_slice(&changed), &err), STATUS_OK, "%s", err.text);
    file_unmap(&suite);
    buffer_release(&changed);
}

// Explanations of the outputs of chosen outer trials: their number, each of which adds up.
static size_t check_explanations(const char *folder, Slice run)
{
    Arena arena = {0};
    Error err = {0};
    Store *store = NULL;
    RunTrial *plan = NULL;
    size_t n = 0, n_explained = 0;
    cr_assert_eq(store_open(folder_path(folder, "a.db"), STORE_READ_ONLY, &store, &err), STATUS_OK);
    cr_assert_eq(store_get_plan(store, &arena, run, &plan, NULL, &n, &err), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        Trial trial;
        StoredDataset data;
        if (plan[i].trial_id.len == 0) continue;
        cr_assert_eq(store_get_trial(store, &arena, plan[i].trial_id, TRIAL_OUTPUTS, &trial, &err),
                     STATUS_OK);
        if (trial.n_outputs == 0) continue;
        cr_assert_eq(store_get_dataset(store, &arena, trial.dataset_key, &data, &err), STATUS_OK);
        for (size_t k = 0; k < trial.n_outputs; k++) {
            const TrialOutput *output = &trial.outputs[k];
            Explained explained;
            double sum = 0;
            if (output->explanation.len == 0) continue;
            cr_expect_eq(trial.role, TRIAL_OUTER);
            n_explained++;
            cr_assert_eq(explained_parse(output->explanation, data.samples[output->ordinal].input,
                                         data.samples[output->ordinal].pair, &arena, &explained,
                                         &err),
                         STATUS_OK, "%s", err.text);
            cr_assert_eq(explained.n_answers, 1);
            const ExplainedAnswer *answer = &explained.answers[0];
            cr_expect(slice_eq(answer->about, data.labels[output->label]));
            for (size_t w = 0; w < answer->n_words; w++) sum += answer->words[w].attribution;
            cr_expect_eq(answer->n_words, 4, "%zu words", answer->n_words);
            cr_expect_float_eq(sum, answer->score - answer->baseline + answer->completeness_error,
                               1e-4);
        }
    }
    store_close(&store);
    arena_release(&arena);
    return n_explained;
}

Test(explain, the_worst_answers_of_judged_folds_are_explained)
{
    Error err = {0};
    RunResult plain = {0}, explained = {0};
    const char *folder = runs_folder(&(RunsSuite){0});
    cr_assert_eq(runs_run(folder, NULL, &plain, &err), STATUS_OK, "%s", err.text);
    set_explain(folder, "{\"samples\": 3, \"steps\": 8}");
    cr_assert_eq(runs_run(folder, NULL, &explained, &err), STATUS_OK, "%s", err.text);
    // What chose the settings, and the baseline, stand; the judged folds are done again.
    cr_expect_eq(explained.n_cached, plain.n_done - 2);
    cr_expect_eq(explained.n_done, 2);
    cr_expect_eq(check_explanations(folder, slice_from_cstr(explained.run_id)), (size_t)6);
    Slice report = {0};
    cr_assert_eq(file_map(folder_path(folder, "a.db.report/report.json"), &report, &err),
                 STATUS_OK);
    cr_expect_neq(slice_find(report, SLICE("\"method\":\"integrated-gradients\"")), SIZE_MAX);
    file_unmap(&report);
    run_result_release(&plain);
    run_result_release(&explained);
    folder_remove(folder);
}

Test(explain, jobs_and_threads_change_no_byte)
{
    const char *folder = runs_folder(&(RunsSuite){0});
    set_explain(folder, "{\"method\": \"gradient-x-input\"}");
    Buffer plain = runs_export(folder, &(RunsHow){.store = "plain.db"});
    Buffer jobs = runs_export(folder, &(RunsHow){.store = "jobs.db", .n_jobs = 2});
    Buffer threads = runs_export(folder, &(RunsHow){.store = "threads.db", .n_threads = 3});
    cr_expect_neq(slice_find(buffer_slice(&plain), SLICE("gradient-x-input")), SIZE_MAX);
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&jobs)));
    cr_expect(slice_eq(buffer_slice(&plain), buffer_slice(&threads)));
    buffer_release(&plain);
    buffer_release(&jobs);
    buffer_release(&threads);
    folder_remove(folder);
}

Test(explain, refuses_what_is_no_explanation)
{
    static const struct {
        const char *explain, *says;
    } cases[] = {
        {"true", "report.explain: found true or false, want an object"},
        {"{\"step\": 3}", "unknown key \"step\"; did you mean \"steps\"?"},
        {"{\"steps\": 0}", "report.explain.steps: found 0"},
        {"{\"method\": \"integrated-gradient\"}", "did you mean \"integrated-gradients\"?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[600];
        snprintf(
            text, sizeof text,
            "{\"suite\": \"x\", \"models\": [{\"name\": \"m\", \"path\": \"model\"}], \"tasks\": "
            "[{\"name\": \"t\", \"data\": \"data\"}], \"report\": {\"explain\": %s}}",
            cases[i].explain);
        const char *said = suites_refusal(text, NULL);
        cr_expect_not_null(strstr(said, cases[i].says), "%s", said);
    }
}
