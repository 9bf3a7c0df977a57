#include "tests/harness/runs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/philox.h"
#include "tests/support/folder.h"

const char *runs_sentences(size_t n, unsigned seed)
{
    static char texts[2][16384];
    static int next;
    static const char *const words[] = {"film", "plot", "scene", "cast", "music", "story", "end"};
    static const char *const told[2][2] = {{"dull", "weak"}, {"fine", "warm"}};
    char *text = texts[next = 1 - next];
    size_t at = (size_t)snprintf(text, sizeof texts[0], "text\tlabel\n");
    Philox rng = philox_stream(seed, 1);
    for (size_t i = 0; i < n && at < sizeof texts[0] - 100; i++) {
        at += (size_t)snprintf(text + at, sizeof texts[0] - at, "%s %s %s %zu\t%s\n",
                               words[philox_below(&rng, 7)], told[i % 2][philox_below(&rng, 2)],
                               words[philox_below(&rng, 7)], i, i % 2 ? "good" : "bad");
    }
    return text;
}

const char *runs_folder(const RunsSuite *suite)
{
    static const char fresh[] =
        "[{\"name\": \"tiny\", \"create\": {\"architecture\": \"bert\", \"hidden_size\": 16, "
        "\"n_layers\": 1, \"n_heads\": 2, \"intermediate_size\": 32, \"max_positions\": 24, "
        "\"tokenizer\": \"wordpiece\", \"vocab_size\": 120}}]";
    static const char tune[] =
        "{\"learning_rate\": [1e-3, 5e-3], \"batch_size\": 8, \"epochs\": 2}";
    char text[8192];
    Error err = {0};
    const char *folder = folder_make();
    snprintf(text, sizeof text,
             "{\"suite\": \"tiny\", \"seed\": 3, \"models\": %s,\n"
             "\"tasks\": [{\"name\": \"films\", \"metrics\": [%s], "
             "\"data\": \"data\"%s}],\n\"tune\": %s, \"folds\": %s%s,\n"
             "\"report\": {\"formats\": [\"json\"]}}\n",
             suite->models ? suite->models : fresh,
             suite->metrics ? suite->metrics : "\"accuracy\", \"f1\"",
             suite->task ? suite->task : "", suite->tune ? suite->tune : tune,
             suite->folds ? suite->folds : "{\"k\": 2, \"inner\": 0.25}",
             suite->more ? suite->more : "");
    folder_write(folder, "suite.json", text);
    cr_assert_eq(file_make_directories(folder_path(folder, "data"), &err), STATUS_OK, "%s",
                 err.text);
    folder_write(folder, "data/train.tsv", suite->train ? suite->train : runs_sentences(60, 1));
    if (suite->has_parts) {
        folder_write(folder, "data/dev.tsv", runs_sentences(20, 2));
        folder_write(folder, "data/test.tsv", suite->test ? suite->test : runs_sentences(20, 3));
    }
    return folder;
}

Suite *runs_load(const char *folder)
{
    Suite *suite = NULL;
    Error err = {0};
    cr_assert_eq(suite_load(folder_path(folder, "suite.json"), NULL, &suite, &err), STATUS_OK, "%s",
                 err.text);
    return suite;
}

Status runs_run(const char *folder, const RunsHow *how, RunResult *result, Error *err)
{
    static const RunsHow defaults = {0};
    char store[4096], report[4200];
    if (how == NULL) how = &defaults;
    snprintf(store, sizeof store, "%s/%s", folder, how->store ? how->store : "a.db");
    snprintf(report, sizeof report, "%s.report", store);
    Suite *suite = runs_load(folder);
    const RunOptions options = {.store_path = store,
                                .report_dir = report,
                                .n_jobs = how->n_jobs,
                                .n_threads = how->n_threads ? how->n_threads : 1,
                                .retime = how->retime,
                                .cancel = how->cancel,
                                .program_version = "test"};
    const Status s = run_suite(suite, &options, result, err);
    suite_close(&suite);
    return s;
}

Buffer runs_export(const char *folder, const RunsHow *how)
{
    Error err = {0};
    RunResult result = {0};
    Store *store = NULL;
    Buffer out = {0};
    cr_assert_eq(runs_run(folder, how, &result, &err), STATUS_OK, "%s", err.text);
    const char *path = folder_path(folder, how && how->store ? how->store : "a.db");
    cr_assert_eq(store_open(path, STORE_READ_ONLY, &store, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_export_canonical_buffer(store, slice_from_cstr(result.run_id), &out, &err),
                 STATUS_OK, "%s", err.text);
    store_close(&store);
    run_result_release(&result);
    return out;
}

Buffer runs_findings(const char *folder, char run_id[64])
{
    Buffer out = {0};
    Error err = {0};
    Arena arena = {0};
    RunResult result = {0};
    Store *store = NULL;
    CheckRow *rows = NULL;
    RunNote *notes = NULL;
    size_t n = 0;
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    const Slice id = slice_from_cstr(result.run_id);
    if (run_id) memcpy(run_id, result.run_id, strlen(result.run_id) + 1);
    cr_assert_eq(store_open(folder_path(folder, "a.db"), STORE_READ_ONLY, &store, &err), STATUS_OK);
    cr_assert_eq(store_get_data_checks(store, &arena, id, &rows, &n, &err), STATUS_OK);
    for (size_t i = 0; i < n; i++)
        buffer_printf(&out, SLICE_FMT "|" SLICE_FMT "|" SLICE_FMT "\n", SLICE_ARG(rows[i].section),
                      SLICE_ARG(rows[i].item), SLICE_ARG(rows[i].value));
    cr_assert_eq(store_get_notes(store, &arena, id, &notes, &n, &err), STATUS_OK);
    for (size_t i = 0; i < n; i++)
        buffer_printf(&out, "note " SLICE_FMT "\n", SLICE_ARG(notes[i].text));
    store_close(&store);
    arena_release(&arena);
    run_result_release(&result);
    return out;
}

double runs_pooled(const Buffer *export, const char *model, const char *score)
{
    char name[96], row[96];
    snprintf(name, sizeof name, "\"name\":\"%s\",\"estimate\":", score);
    snprintf(row, sizeof row, "{\"kind\":\"run_score\",\"model\":\"%s\"", model);
    const char *at = strstr(export->ptr, row);
    cr_assert_not_null(at);
    at = strstr(at, name);
    cr_assert_not_null(at, "%s", score);
    return strtod(at + strlen(name), NULL);
}

double runs_best(const Buffer *export, const char *score)
{
    static const char key[] = "\"estimate\":";
    char wanted[64];
    double best = 0;
    snprintf(wanted, sizeof wanted, "\"name\":\"%s\"", score);
    for (const char *at = export->ptr; (at = strstr(at, wanted)) != NULL; at++) {
        const char *estimate = strstr(at, key);
        if (!estimate) break;
        const double value = strtod(estimate + sizeof key - 1, NULL);
        if (value > best) best = value;
    }
    return best;
}

void runs_trials(const char *path, const char *run_id, Arena *arena, RunTrial **plan,
                 Trial **trials, size_t *n)
{
    Store *store = NULL;
    Error err = {0};
    TrialStatus *status = NULL;
    cr_assert_eq(store_open(path, STORE_READ_ONLY, &store, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_get_plan(store, arena, slice_from_cstr(run_id), plan, &status, n, &err),
                 STATUS_OK, "%s", err.text);
    *trials = arena_alloc(arena, *n, sizeof **trials);
    for (size_t i = 0; i < *n; i++) {
        cr_assert_eq(
            store_get_trial(store, arena, (*plan)[i].trial_id, TRIAL_ALL, &(*trials)[i], &err),
            STATUS_OK, "%s", err.text);
    }
    store_close(&store);
}

void runs_finish(const char *folder, const char *store, RunResult *result)
{
    Error err = {0};
    const RunsHow how = {.store = store};
    cr_assert_eq(runs_run(folder, &how, result, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(result->n_failed, 0);
}
