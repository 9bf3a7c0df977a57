// Scores by groups of samples, from a run's data to its store.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "results/slices.h"
#include "tests/harness/runs.h"
#include "tests/support/folder.h"

enum { N_SENTENCES = 60 };

// The sentences of two classes with two more columns: where they come from, and a shop that is a group of its own.
static const char *with_places(void)
{
    static char text[16384];
    static const char *const places[] = {"north", "south", ""};
    size_t at = (size_t)snprintf(text, sizeof text, "text\tlabel\tplace\tshop\n");
    Slice lines = slice_from_cstr(runs_sentences(N_SENTENCES, 1)), line;
    for (size_t i = 0; slice_split(&lines, '\n', &line); i++) {
        if (i == 0 || line.len == 0) continue;
        at += (size_t)snprintf(text + at, sizeof text - at, SLICE_FMT "\t%s\ts%zu\n",
                               SLICE_ARG(line), places[i % 7 == 0 ? 2 : i % 3 == 0], i / 10);
    }
    return text;
}

// The folder of a run on them, with these members in its task, and this block of settings (NULL: the usual one).
static const char *places_folder_with(const char *task, const char *tune)
{
    Error err = {0};
    Slice suite = {0};
    Buffer changed = {0};
    const char *folder = runs_folder(&(RunsSuite){.train = with_places(), .tune = tune});
    const char *path = folder_path(folder, "suite.json");
    const Slice columns = SLICE("\"data\": \"data\"");
    cr_assert_eq(file_map(path, &suite, &err), STATUS_OK, "%s", err.text);
    const size_t at = slice_find(suite, columns);
    cr_assert_neq(at, SIZE_MAX);
    buffer_printf(&changed, SLICE_FMT "%s, " SLICE_FMT, SLICE_ARG(slice_sub(suite, 0, at)), task,
                  SLICE_ARG(slice_sub(suite, at, suite.len)));
    cr_assert_eq(file_write(path, buffer_slice(&changed), &err), STATUS_OK, "%s", err.text);
    file_unmap(&suite);
    buffer_release(&changed);
    return folder;
}

static const char *places_folder(const char *task)
{
    return places_folder_with(task, NULL);
}

static const char *balance_folder(const char *task, const char *balance)
{
    char tune[400];
    snprintf(tune, sizeof tune,
             "{\"learning_rate\": 1e-3, \"batch_size\": 8, \"epochs\": 1, \"balance\": %s}",
             balance);
    return places_folder_with(task, tune);
}

static const char all_columns[] =
    "\"columns\": {\"text\": \"text\", \"label\": \"label\", \"group\": \"shop\", "
    "\"attributes\": [\"place\"]}";

static const RunSlice *find_slice(const RunSlice *slices, size_t n, TrialRole role,
                                  const char *attribute, const char *value)
{
    for (size_t i = 0; i < n; i++) {
        const bool is_value = value ? slice_eq_cstr(slices[i].value, value) : !slices[i].value.ptr;
        if (slices[i].role == role && slice_eq_cstr(slices[i].attribute, attribute) && is_value)
            return &slices[i];
    }
    cr_assert_fail("no slice %s of %s", value ? value : "(gap)", attribute);
    return NULL;
}

// Right answers and answers of samples with this place, from the stored outputs.
static void count_place(Store *store, Slice run, const char *place, double *right, double *n)
{
    Arena arena = {0};
    Error err = {0};
    RunTrial *plan = NULL;
    StoredDataset data;
    size_t n_plan = 0;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"place\":\"%s\"", place);
    *right = *n = 0;
    cr_assert_eq(store_get_plan(store, &arena, run, &plan, NULL, &n_plan, &err), STATUS_OK);
    for (size_t i = 0; i < n_plan; i++) {
        Trial trial;
        if (plan[i].role != TRIAL_OUTER || !plan[i].is_chosen) continue;
        cr_assert_eq(store_get_trial(store, &arena, plan[i].trial_id, TRIAL_OUTPUTS, &trial, &err),
                     STATUS_OK);
        cr_assert_eq(store_get_dataset(store, &arena, trial.dataset_key, &data, &err), STATUS_OK);
        for (size_t k = 0; k < trial.n_outputs; k++) {
            const StoredSample *sample = &data.samples[trial.outputs[k].ordinal];
            if (slice_find(sample->attributes, slice_from_cstr(wanted)) == SIZE_MAX) continue;
            *right += sample->label == trial.outputs[k].label;
            ++*n;
        }
    }
    arena_release(&arena);
}

static Store *run_and_open(const char *folder, RunResult *result)
{
    Error err = {0};
    Store *store = NULL;
    cr_assert_eq(runs_run(folder, NULL, result, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_open(folder_path(folder, "a.db"), STORE_READ_ONLY, &store, &err), STATUS_OK,
                 "%s", err.text);
    return store;
}

Test(slices, are_the_scores_of_each_groups_samples)
{
    Arena arena = {0};
    Error err = {0};
    RunResult result = {0};
    RunSlice *slices = NULL;
    size_t n = 0;
    const char *folder = places_folder(all_columns);
    Store *store = run_and_open(folder, &result);
    const Slice run = slice_from_cstr(result.run_id);
    cr_assert_eq(store_get_run_slices(store, &arena, run, &slices, &n, &err), STATUS_OK, "%s",
                 err.text);
    double scores[2], right, count, all = 0;
    static const char *const places[] = {"north", "south"};
    for (size_t p = 0; p < 2; p++) {
        count_place(store, run, places[p], &right, &count);
        const RunSlice *slice = find_slice(slices, n, TRIAL_OUTER, "place", places[p]);
        scores[p] = right / count;
        all += count;
        cr_expect_float_eq(slice->score.estimate, scores[p], 1e-12);
        cr_expect_eq(slice->score.n, (uint64_t)count);
        cr_expect(slice->score.lo <= scores[p] && scores[p] <= slice->score.hi);
        cr_expect(slice_eq_cstr(slice->score.name, "accuracy"));
        cr_expect_eq(slice->n_without, (uint64_t)(N_SENTENCES / 7));
    }
    const RunSlice *gap = find_slice(slices, n, TRIAL_OUTER, "place", NULL);
    cr_expect_float_eq(gap->score.estimate, fabs(scores[0] - scores[1]), 1e-12);
    cr_expect_eq(gap->score.n, (uint64_t)all);
    for (size_t p = 0; p < 2; p++) {
        const RunSlice *slice = find_slice(slices, n, TRIAL_OUTER, "place", places[p]);
        cr_expect_float_eq(slice->difference, scores[p] - scores[1 - p], 1e-12);
        cr_expect_eq(slice->is_worst, scores[p] < scores[1 - p]);
    }
    find_slice(slices, n, TRIAL_OUTER, "group", "s0");
    // Settings are compared by their groups too, without intervals.
    cr_expect(isnan(find_slice(slices, n, TRIAL_INNER, "place", "north")->score.lo));
    Slice report = {0};
    cr_assert_eq(file_map(folder_path(folder, "a.db.report/report.json"), &report, &err),
                 STATUS_OK);
    cr_expect_neq(slice_find(report, SLICE("By place, ")), SIZE_MAX, "no words in the report");
    file_unmap(&report);
    store_close(&store);
    arena_release(&arena);
    run_result_release(&result);
    folder_remove(folder);
}

// Before and after: settings that balance the places stand beside the one that does not, each with its worst group.
Test(balance, settings_stand_side_by_side_with_their_worst_groups)
{
    Error err = {0};
    RunResult result = {0};
    Slice report = {0};
    const char *folder = balance_folder(
        all_columns, "[false, {\"by\": [\"place\", \"place,class\"], \"how\": [\"resample\", "
                     "\"reweight\"]}]");
    cr_assert_eq(runs_run(folder, NULL, &result, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(result.n_failed, 0);
    cr_assert_eq(file_map(folder_path(folder, "a.db.report/report.json"), &report, &err),
                 STATUS_OK);
    static const char *const labels[] = {"\"balance no\"", "\"balance place, resample\"",
                                         "\"balance place,class, reweight\""};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        cr_expect_neq(slice_find(report, slice_from_cstr(labels[i])), SIZE_MAX, "%s", labels[i]);
    file_unmap(&report);
    run_result_release(&result);
    folder_remove(folder);
}

Test(balance, refuses_groups_that_are_not_there)
{
    static const struct {
        const char *balance, *says;
    } cases[] = {
        {"{\"by\": \"gender\"}", "no sample of the training part has that attribute"},
        {"{\"by\": \"\"}", "wants \"by\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        RunResult result = {0};
        const char *folder = balance_folder(all_columns, cases[i].balance);
        cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
        cr_expect_not_null(strstr(err.text, cases[i].says), "%s", err.text);
        cr_expect_eq(result.n_done, 0);
        run_result_release(&result);
        folder_remove(folder);
    }
}

// Which slices are wanted changes the run and what is stored of it, but no trial.
Test(slices, are_those_that_the_task_names)
{
    Arena arena = {0};
    Error err = {0};
    RunSlice *slices = NULL;
    size_t n = 0;
    char task[400];
    static const char *const wanted[] = {"[]", "[\"group\"]"};
    for (size_t i = 0; i < 2; i++) {
        RunResult result = {0};
        snprintf(task, sizeof task, "%s, \"slices\": %s", all_columns, wanted[i]);
        const char *folder = places_folder(task);
        Store *store = run_and_open(folder, &result);
        cr_assert_eq(
            store_get_run_slices(store, &arena, slice_from_cstr(result.run_id), &slices, &n, &err),
            STATUS_OK);
        cr_expect_eq(n == 0, i == 0, "%s: %zu slices", wanted[i], n);
        for (size_t k = 0; k < n; k++) cr_expect(slice_eq_cstr(slices[k].attribute, "group"));
        store_close(&store);
        run_result_release(&result);
        folder_remove(folder);
    }
    RunResult result = {0};
    snprintf(task, sizeof task, "%s, \"slices\": [\"plaec\"]", all_columns);
    const char *folder = places_folder(task);
    cr_expect_eq(runs_run(folder, NULL, &result, &err), STATUS_INVALID);
    cr_expect_not_null(
        strstr(err.text, "no sample has the attribute \"plaec\"; there are \"place\""), "%s",
        err.text);
    cr_expect_eq(result.n_done, 0);
    run_result_release(&result);
    folder_remove(folder);
    arena_release(&arena);
}

// Every metric of the task has slices where a model is judged; settings are compared by the primary score alone.
Test(slices, are_of_each_metric_where_models_are_judged)
{
    Error err = {0};
    RunResult result = {0};
    Arena arena = {0};
    RunSlice *slices = NULL;
    size_t n = 0, n_first = 0, n_other = 0, n_worst = 0, n_compared = 0;
    const char *folder = places_folder(all_columns);
    Store *store = run_and_open(folder, &result);
    cr_assert_eq(
        store_get_run_slices(store, &arena, slice_from_cstr(result.run_id), &slices, &n, &err),
        STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        const bool is_first = slice_eq_cstr(slices[i].score.metric, "accuracy");
        const bool is_judged = slices[i].role == TRIAL_OUTER;
        if (!is_judged) {
            cr_expect(is_first, "settings are compared by " SLICE_FMT,
                      SLICE_ARG(slices[i].score.metric));
            n_compared++;
            continue;
        }
        n_first += is_first;
        n_other += !is_first;
        if (is_first) continue;
        cr_expect(slice_eq_cstr(slices[i].score.metric, "f1"));
        n_worst += slices[i].is_worst;
    }
    cr_expect_eq(n_first, n_other, "%zu and %zu", n_first, n_other);
    cr_expect_gt(n_first, 0);
    cr_expect_gt(n_compared, 0);
    cr_expect_leq(n_worst, 2); // one an attribute
    const Slice words = buffer_slice(&result.table);
    cr_expect(words.len == 0 || n_worst == 0 || slice_find(words, SLICE("in f1")) != SIZE_MAX);
    store_close(&store);
    run_result_release(&result);
    arena_release(&arena);
    folder_remove(folder);
}
