// What goes into a store comes back.
#include <criterion/criterion.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/results/fixture.h"
#include "tests/results/store_file.h"

TestSuite(store, .init = store_file_make, .fini = store_file_remove);

Test(store, gives_a_trial_back_as_it_went_in)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    Arena arena = {0};
    const Slice labels[] = {SLICE("a'b\"`@%{}<script>"), SLICE("\xe2\x98\x83\n")};
    const StoredSample samples[] = {
        {.id = SLICE("x"), .input = SLICE("one"), .label = 1, .reference = SLICE("\xe2\x98\x83\n")},
        {.id = SLICE("y"),
         .input = SLICE(""),
         .pair = SLICE("two"),
         .label = STORE_NO_LABEL,
         .group = SLICE("g"),
         .attributes = SLICE("{\"d\":1}")},
        {.id = SLICE("z"), .input = SLICE("three"), .label = 0}};
    char key[SHA256_HEX_SIZE];
    sha256_of(SLICE("k"), key);
    const StoredDataset dataset = {.key = slice_from_cstr(key),
                                   .name = SLICE("d"),
                                   .sha256 = slice_from_cstr(key),
                                   .labels = labels,
                                   .n_labels = 2,
                                   .samples = samples,
                                   .n_samples = 3};
    cr_assert_eq(store_put_dataset(store, &dataset, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_put_dataset(store, &dataset, &err), STATUS_OK, "a second put is a no-op: %s",
                 err.text);
    StoredDataset read;
    cr_assert_eq(store_get_dataset(store, &arena, slice_from_cstr(key), &read, &err), STATUS_OK,
                 "%s", err.text);
    cr_expect_eq(read.n_samples, 3);
    cr_expect_eq(read.n_labels, 2);
    cr_expect(slice_eq(read.labels[0], labels[0]) && slice_eq(read.labels[1], labels[1]));
    cr_expect(read.samples[0].pair.ptr == NULL && slice_eq_cstr(read.samples[1].pair, "two"));
    cr_expect(read.samples[1].label == STORE_NO_LABEL &&
              slice_eq_cstr(read.samples[1].attributes, "{\"d\":1}"));

    const float p[] = {0.25f, 0.75f};
    const TrialOutput outputs[] = {
        {.ordinal = 0, .label = 1, .probabilities = p, .n_probabilities = 2, .latency_ns = 12},
        {.ordinal = 2, .label = STORE_NO_LABEL, .text = SLICE("t"), .latency_ns = STORE_NO_TIME}};
    const double rows[] = {1, 0.1, NAN, -3};
    const TrialMetric metric = {SLICE("m"), SLICE("{}"), SLICE("m|1"), 2, rows};
    const StoredScore score = {.metric = SLICE("m"),
                               .name = SLICE("m/x"),
                               .estimate = NAN,
                               .lo = 0.1,
                               .hi = INFINITY,
                               .level = 0.95,
                               .method = SLICE("none"),
                               .n = 2,
                               .direction = -1,
                               .lowest = -INFINITY,
                               .highest = 1};
    const CurvePoint points[] = {{0, 1.5}, {7, NAN}};
    const TrialCurve curve = {SLICE("train/loss"), points, 2};
    const Trial trial = {.id = slice_from_cstr(key),
                         .identity = SLICE("{\"a\":1}"),
                         .setting = SLICE("{}"),
                         .dataset_key = slice_from_cstr(key),
                         .role = TRIAL_SINGLE,
                         .outer_fold = -1,
                         .inner_fold = 3,
                         .seed = UINT64_MAX,
                         .status = TRIAL_DONE,
                         .best_step = 7,
                         .outputs = outputs,
                         .n_outputs = 2,
                         .metrics = &metric,
                         .n_metrics = 1,
                         .scores = &score,
                         .n_scores = 1,
                         .curves = &curve,
                         .n_curves = 1};
    cr_assert_eq(store_put_trial(store, &trial, &err), STATUS_OK, "%s", err.text);
    Trial out;
    cr_assert_eq(store_get_trial(store, &arena, slice_from_cstr(key), TRIAL_ALL, &out, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect(out.role == TRIAL_SINGLE && out.outer_fold == -1 && out.inner_fold == 3 &&
              out.seed == UINT64_MAX && out.best_step == 7);
    cr_expect_eq(out.n_outputs, 2);
    cr_expect(out.outputs[0].ordinal == 0 && out.outputs[0].label == 1 &&
              out.outputs[0].latency_ns == 12);
    cr_expect_arr_eq(out.outputs[0].probabilities, p, sizeof p);
    cr_expect(out.outputs[1].probabilities == NULL && slice_eq_cstr(out.outputs[1].text, "t"));
    cr_expect_arr_eq(out.metrics[0].rows, rows, sizeof rows);
    cr_expect(isnan(out.scores[0].estimate) && out.scores[0].hi == INFINITY &&
              out.scores[0].lowest == -INFINITY);
    cr_expect(out.curves[0].n_points == 2 && out.curves[0].points[1].step == 7 &&
              isnan(out.curves[0].points[1].value));
    cr_expect_null(out.cost);
    arena_release(&arena);
    store_close(&store);
}

Test(store, replaces_a_failed_trial_and_keeps_a_done_one)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    char key[SHA256_HEX_SIZE];
    Trial trial = {.id = key_of(key, "t"),
                   .outer_fold = -1,
                   .inner_fold = -1,
                   .status = TRIAL_FAILED,
                   .error = SLICE("no"),
                   .best_step = -1};
    const TrialStatus expected[] = {TRIAL_FAILED, TRIAL_DONE, TRIAL_DONE};
    TrialStatus status;
    cr_assert_eq(store_trial_status(store, trial.id, &status, &err), STATUS_OK);
    cr_expect_eq(status, TRIAL_ABSENT);
    for (int i = 0; i < 3; i++) {
        trial.status = i == 1 ? TRIAL_DONE : TRIAL_FAILED; // the third is not believed
        cr_assert_eq(store_put_trial(store, &trial, &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(store_trial_status(store, trial.id, &status, &err), STATUS_OK);
        cr_expect_eq(status, expected[i], "put %d", i);
    }
    store_close(&store);
}

Test(store, stores_nothing_of_a_trial_that_breaks_a_rule)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    char key[SHA256_HEX_SIZE];
    const StoredSample samples[2] = {{.id = SLICE("a"), .input = SLICE("x")},
                                     {.id = SLICE("b"), .input = SLICE("y")}};
    const StoredDataset dataset = {.key = key_of(key, "d"), .samples = samples, .n_samples = 2};
    cr_assert_eq(store_put_dataset(store, &dataset, &err), STATUS_OK, "%s", err.text);
    const TrialOutput descending[] = {{.ordinal = 1}, {.ordinal = 0}},
                      outside[] = {{.ordinal = 0}, {.ordinal = 2}};
    const TrialOutput *const cases[] = {descending, outside};
    for (int i = 0; i < 2; i++) {
        const Trial trial = {.id = dataset.key,
                             .dataset_key = dataset.key,
                             .outer_fold = -1,
                             .inner_fold = -1,
                             .status = TRIAL_DONE,
                             .outputs = cases[i],
                             .n_outputs = 2};
        cr_expect_eq(store_put_trial(store, &trial, &err), STATUS_INTERNAL, "case %d", i);
        TrialStatus status;
        cr_assert_eq(store_trial_status(store, trial.id, &status, &err), STATUS_OK);
        cr_expect_eq(status, TRIAL_ABSENT, "case %d", i);
    }
    store_close(&store);
}

Test(store, finds_runs_by_id_beginning_and_last)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    char run_id[RUN_ID_SIZE], found[RUN_ID_SIZE];
    cr_expect_eq(store_find_run(store, SLICE("last"), found, &err), STATUS_NOT_FOUND);
    cr_expect_not_null(strstr(err.text, "no run is stored yet"), "%s", err.text);
    const RunRecord runs[] = {
        {.suite = SLICE("a b/c"), .identity = SLICE("{}"), .started_unix_ns = 1},
        {.suite = SLICE("a b/c"), .identity = SLICE("{\"x\":1}"), .started_unix_ns = 2}};
    bool resumed = true;
    cr_assert_eq(store_begin_run(store, &runs[0], run_id, &resumed, &err), STATUS_OK, "%s",
                 err.text);
    cr_expect_not(resumed);
    cr_expect_eq(strncmp(run_id, "a-b-c-", 6), 0, "%s", run_id);
    cr_assert_eq(store_find_run(store, SLICE("a-b"), found, &err), STATUS_OK, "%s", err.text);
    cr_expect_str_eq(found, run_id);
    cr_assert_eq(store_begin_run(store, &runs[1], run_id, &resumed, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(store_find_run(store, SLICE("last"), found, &err), STATUS_OK, "%s", err.text);
    cr_expect_str_eq(found, run_id);
    cr_assert_eq(store_find_run(store, slice_from_cstr(run_id), found, &err), STATUS_OK, "%s",
                 err.text);
    cr_expect_eq(store_find_run(store, SLICE("a-b"), found, &err), STATUS_NOT_FOUND);
    cr_expect_not_null(strstr(err.text, "more than one"), "%s", err.text);
    cr_expect_eq(store_find_run(store, SLICE("zzz"), found, &err), STATUS_NOT_FOUND);
    cr_expect_not_null(strstr(err.text, run_id), "names the runs there are: %s", err.text);
    cr_expect_eq(store_find_run(store, SLICE(""), found, &err), STATUS_NOT_FOUND);
    cr_assert_eq(store_begin_run(store, &runs[1], run_id, &resumed, &err), STATUS_OK, "%s",
                 err.text);
    cr_expect(resumed);
    store_close(&store);
}

Test(store, moves_the_mark_of_the_chosen_setting)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    Arena arena = {0};
    char run_id[RUN_ID_SIZE];
    bool resumed;
    const RunRecord run = {.suite = SLICE("s"), .identity = SLICE("{}")};
    cr_assert_eq(store_begin_run(store, &run, run_id, &resumed, &err), STATUS_OK, "%s", err.text);
    const Slice id = slice_from_cstr(run_id);
    const RunTrial plan[] = {{.trial_id = SLICE("1"),
                              .model = SLICE("m"),
                              .task = SLICE("t"),
                              .setting = SLICE("{\"a\":1}"),
                              .outer_fold = 0,
                              .inner_fold = -1,
                              .is_chosen = true},
                             {.trial_id = SLICE("2"),
                              .model = SLICE("m"),
                              .task = SLICE("t"),
                              .setting = SLICE("{\"a\":2}"),
                              .outer_fold = 0,
                              .inner_fold = -1},
                             {.trial_id = SLICE("3"),
                              .model = SLICE("m"),
                              .task = SLICE("t"),
                              .setting = SLICE("{\"a\":1}"),
                              .outer_fold = 1,
                              .inner_fold = -1,
                              .is_chosen = true}};
    cr_assert_eq(store_set_plan(store, id, plan, 3, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_set_chosen(store, id, SLICE("m"), SLICE("t"), 0, SLICE("{\"a\":2}"), &err),
                 STATUS_OK, "%s", err.text);
    RunTrial *read = NULL;
    TrialStatus *status = NULL;
    size_t n = 0;
    cr_assert_eq(store_get_plan(store, &arena, id, &read, &status, &n, &err), STATUS_OK, "%s",
                 err.text);
    cr_assert_eq(n, 3);
    cr_expect(!read[0].is_chosen && read[1].is_chosen && read[2].is_chosen);
    cr_expect_eq(status[0], TRIAL_ABSENT);
    arena_release(&arena);
    store_close(&store);
}

Test(store, shows_metric_rows_as_a_table)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    char key[SHA256_HEX_SIZE];
    enum { N = 2500 }; // three blocks
    static StoredSample samples[N];
    static TrialOutput outputs[N];
    static double rows[N * 2];
    for (size_t i = 0; i < N; i++) {
        samples[i] = (StoredSample){.id = SLICE("s"), .input = SLICE("x")};
        outputs[i] = (TrialOutput){.ordinal = (uint32_t)i, .label = 0};
        rows[2 * i] = (double)i;
        rows[2 * i + 1] = -(double)i;
    }
    const StoredDataset dataset = {.key = key_of(key, "d"), .samples = samples, .n_samples = N};
    const TrialMetric metric = {SLICE("m"), {0}, {0}, 2, rows};
    const Trial trial = {.id = dataset.key,
                         .dataset_key = dataset.key,
                         .status = TRIAL_DONE,
                         .outputs = outputs,
                         .n_outputs = N,
                         .metrics = &metric,
                         .n_metrics = 1};
    cr_assert_eq(store_put_dataset(store, &dataset, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(store_put_trial(store, &trial, &err), STATUS_OK, "%s", err.text);
    double sum[3] = {0};
    char text[256];
    snprintf(
        text, sizeof text,
        "SELECT count(*), sum(value), max(ordinal) FROM metric_rows('%s', 'm') WHERE \"column\" = 0",
        key);
    cr_assert_eq(fixture_numbers(store, text, sum, 3, &err), STATUS_OK, "%s", err.text);
    cr_expect_float_eq(sum[0], N, 0);
    cr_expect_float_eq(sum[1], (double)N * (N - 1) / 2, 0);
    cr_expect_float_eq(sum[2], N - 1, 0);
    cr_expect_neq(fixture_numbers(store, "SELECT count(*) FROM metric_rows", sum, 1, &err),
                  STATUS_OK);
    store_close(&store);
}

Test(store, remembers_the_hash_of_a_file_until_the_file_changes)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    char file[320], first[SHA256_HEX_SIZE], again[SHA256_HEX_SIZE];
    snprintf(file, sizeof file, "%s/weights", db_folder);
    FILE *f = fopen(file, "wb");
    fputs("abc", f);
    cr_assert_eq(fclose(f), 0);
    bool found = true;
    cr_assert_eq(store_get_file_hash(store, file, first, &found, &err), STATUS_OK, "%s", err.text);
    cr_expect_not(found);
    cr_assert_eq(store_file_hash(store, file, first, &err), STATUS_OK, "%s", err.text);
    cr_expect_str_eq(first, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_assert_eq(store_get_file_hash(store, file, again, &found, &err), STATUS_OK, "%s", err.text);
    cr_expect(found);
    cr_expect_str_eq(first, again);
    f = fopen(file, "wb");
    fputs("abcd", f);
    cr_assert_eq(fclose(f), 0);
    cr_assert_eq(store_get_file_hash(store, file, again, &found, &err), STATUS_OK, "%s", err.text);
    cr_expect_not(found);
    store_close(&store);
}

Test(store, has_views_that_any_client_can_read)
{
    static const char *const views[] = {"v_trials",      "v_scores", "v_run_scores",
                                        "v_predictions", "v_curves", "v_costs"};
    Store *store = open_store(STORE_WRITE);
    char run_id[RUN_ID_SIZE];
    fixture_fill(store, NULL, run_id);
    store_close(&store);
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(db_path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        char text[64];
        snprintf(text, sizeof text, "SELECT count(*) FROM %s", views[i]);
        sqlite3_stmt *stmt = NULL;
        cr_assert_eq(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK, "%s: %s", views[i],
                     sqlite3_errmsg(db));
        cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
        cr_expect_gt(sqlite3_column_int(stmt, 0), 5, "%s", views[i]);
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
}
