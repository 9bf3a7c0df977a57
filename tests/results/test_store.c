#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "tests/support/folder.h"

static const char *folder;
static char path[320];

static void setup(void)
{
    folder = folder_make();
    snprintf(path, sizeof path, "%s/runs.db", folder);
}

static void teardown(void)
{
    folder_remove(folder);
}

TestSuite(store, .init = setup, .fini = teardown);

static Store *open_store(StoreFlags flags)
{
    Store *store = NULL;
    Error err = {0};
    cr_assert_eq(store_open(path, flags, &store, &err), STATUS_OK, "%s", err.text);
    return store;
}

static void expect_refusal(StoreFlags flags, Status status, const char *const *words,
                           size_t n_words)
{
    Store *store = NULL;
    Error err = {0};
    cr_expect_eq(store_open(path, flags, &store, &err), status, "%s", err.text);
    cr_expect_null(store);
    cr_expect_not_null(strstr(err.text, path), "names no file: %s", err.text);
    for (size_t i = 0; i < n_words; i++)
        cr_expect_not_null(strstr(err.text, words[i]), "wants \"%s\": %s", words[i], err.text);
}

static void write_file(const char *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

static void sql(const char *text)
{
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    char *message = NULL;
    cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, &message), SQLITE_OK, "%s", message);
    sqlite3_close(db);
}

Test(store, refuses_a_file_that_is_no_database)
{
    static char text[4096];
    memset(text, 'x', sizeof text);
    write_file(text, sizeof text);
    expect_refusal(STORE_WRITE, STATUS_INVALID, (const char *[]){"no SQLite database", "--store"},
                   2);
    expect_refusal(STORE_READ_ONLY, STATUS_INVALID, (const char *[]){"no SQLite database"}, 1);
}

Test(store, refuses_a_database_of_another_program_and_leaves_it_alone)
{
    sql("CREATE TABLE notes (t TEXT); PRAGMA user_version = 7;");
    expect_refusal(STORE_WRITE, STATUS_INVALID, (const char *[]){"another program", "--store"}, 2);
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_stmt *stmt = NULL;
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_schema", -1, &stmt, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    cr_expect_eq(sqlite3_column_int(stmt, 0), 1);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

Test(store, refuses_a_newer_schema)
{
    Store *store = open_store(STORE_WRITE);
    store_close(&store);
    sql("PRAGMA user_version = 99;");
    expect_refusal(STORE_WRITE, STATUS_INVALID, (const char *[]){"newer assay", "99", "update"}, 3);
    expect_refusal(STORE_READ_ONLY, STATUS_INVALID, (const char *[]){"newer assay"}, 1);
}

Test(store, names_what_is_missing)
{
    expect_refusal(STORE_READ_ONLY, STATUS_NOT_FOUND, (const char *[]){"no such file", "assay run"},
                   2);
    snprintf(path, sizeof path, "%s/none/runs.db", folder);
    expect_refusal(STORE_WRITE, STATUS_IO, (const char *[]){"folder", "--store"}, 2);
    snprintf(path, sizeof path, "%s", folder);
    expect_refusal(STORE_WRITE, STATUS_INVALID, (const char *[]){"directory"}, 1);
}

Test(store, refuses_a_damaged_file)
{
    Store *store = open_store(STORE_WRITE);
    char run_id[RUN_ID_SIZE];
    fixture_fill(store, NULL, run_id);
    store_close(&store);
    FILE *f = fopen(path, "r+b");
    static char junk[65536];
    memset(junk, 0x5a, sizeof junk);
    cr_assert_eq(fseek(f, 4096, SEEK_SET), 0);
    cr_assert_eq(fwrite(junk, 1, sizeof junk, f), sizeof junk);
    cr_assert_eq(fclose(f), 0);
    Error err = {0};
    Arena arena = {0};
    RunRecord record;
    RunSummary summary;
    Status s = store_open(path, STORE_READ_ONLY, &store, &err);
    if (s == STATUS_OK)
        s = store_get_run(store, &arena, slice_from_cstr(run_id), &record, &summary, &err);
    cr_expect_eq(s, STATUS_INVALID, "%s", err.text);
    cr_expect_not_null(strstr(err.text, "damaged"), "%s", err.text);
    arena_release(&arena);
    store_close(&store);
}

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

static Slice a_key(char key[SHA256_HEX_SIZE], const char *text)
{
    sha256_of(slice_from_cstr(text), key);
    return slice_from_cstr(key);
}

Test(store, replaces_a_failed_trial_and_keeps_a_done_one)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    char key[SHA256_HEX_SIZE];
    Trial trial = {.id = a_key(key, "t"),
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
    const StoredDataset dataset = {.key = a_key(key, "d"), .samples = samples, .n_samples = 2};
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

static Buffer export_of(Store *store, const char *run_id)
{
    Buffer out = {0};
    Error err = {0};
    cr_assert_eq(store_export_canonical_buffer(store, slice_from_cstr(run_id), &out, &err),
                 STATUS_OK, "%s", err.text);
    return out;
}

Test(store, exports_the_same_bytes_whatever_the_order_time_and_interruptions)
{
    char run_id[RUN_ID_SIZE], other_id[RUN_ID_SIZE];
    Store *store = open_store(STORE_WRITE);
    fixture_fill(store, NULL, run_id);
    Buffer straight = export_of(store, run_id);
    cr_expect_gt(straight.len, 100000);
    store_close(&store);

    snprintf(path, sizeof path, "%s/second.db", folder);
    store = open_store(STORE_WRITE);
    const FixtureOptions other_suite = {.seed = 5, .suite = "another"};
    fixture_fill(store, &other_suite, other_id); // other rows first: row ids differ
    for (size_t stop = 1; stop < 75; stop += 10) {
        const FixtureOptions part = {
            .stop_after = stop, .reversed = true, .time_offset_ns = (int64_t)stop * 1000003};
        fixture_fill(store, &part, other_id);
        cr_expect_str_eq(other_id, run_id);
        store_close(&store);
        store = open_store(STORE_WRITE);
    }
    const FixtureOptions rest = {.time_offset_ns = 77};
    fixture_fill(store, &rest, other_id);
    Buffer resumed = export_of(store, other_id);
    cr_expect_eq(resumed.len, straight.len);
    cr_expect_eq(memcmp(resumed.ptr, straight.ptr, straight.len), 0);
    buffer_release(&straight);
    buffer_release(&resumed);
    store_close(&store);
}

Test(store, makes_run_ids_that_a_shell_takes_as_they_are)
{
    static const struct {
        const char *suite, *beginning;
    } cases[] = {{"sst2", "sst2-"},       {"a b/c", "a-b-c-"}, {"--help", "help-"},
                 {"`rm` \"x\"", "rm-x-"}, {"../etc", "etc-"},  {"v1.2_x", "v1.2_x-"}};
    Store *store = open_store(STORE_WRITE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char run_id[RUN_ID_SIZE];
        bool resumed;
        Error err = {0};
        const RunRecord run = {.suite = slice_from_cstr(cases[i].suite), .identity = SLICE("{}")};
        cr_assert_eq(store_begin_run(store, &run, run_id, &resumed, &err), STATUS_OK, "%s",
                     err.text);
        const size_t len = strlen(cases[i].beginning);
        cr_expect_eq(strncmp(run_id, cases[i].beginning, len), 0, "case %zu: %s", i, run_id);
        cr_expect_eq(strlen(run_id), len + 12, "case %zu: %s", i, run_id);
    }
    store_close(&store);
}

Test(store, tells_the_export_of_an_unfinished_run_from_a_finished_one)
{
    char run_id[RUN_ID_SIZE];
    Store *store = open_store(STORE_WRITE);
    const FixtureOptions part = {.stop_after = 3};
    fixture_fill(store, &part, run_id);
    Buffer out = export_of(store, run_id);
    cr_expect_not_null(strstr(out.ptr, "\"status\":\"absent\""));
    buffer_release(&out);
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
    const StoredDataset dataset = {.key = a_key(key, "d"), .samples = samples, .n_samples = N};
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

Test(store, says_when_another_process_holds_it_and_when_it_is_read_only)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    char run_id[RUN_ID_SIZE];
    fixture_fill(store, NULL, run_id);
    store_close(&store);
    store = open_store(STORE_READ_ONLY);
    cr_expect_eq(store_finish_run(store, slice_from_cstr(run_id), SLICE("done"), 1, &err),
                 STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "reading only"), "%s", err.text);
    RunSummary *runs = NULL;
    size_t n = 0;
    Arena arena = {0};
    cr_assert_eq(store_list_runs(store, &arena, &runs, &n, &err), STATUS_OK, "%s", err.text);
    cr_expect_eq(n, 1);
    cr_expect_eq(runs[0].n_done, runs[0].n_trials);
    arena_release(&arena);
    store_close(&store);
}

// In a child of its own, since the limit on file sizes cannot be raised again.
static int write_under_a_limit(void)
{
    signal(SIGXFSZ, SIG_IGN);
    Store *store = NULL;
    Error err = {0};
    if (store_open(path, STORE_WRITE, &store, &err) != STATUS_OK) return 10;
    const struct rlimit limit = {300000, 300000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 11;
    static char text[200000];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 8; i++) {
        char key[SHA256_HEX_SIZE];
        sha256_of((Slice){text, (size_t)i + 1}, key);
        const StoredSample sample = {.id = SLICE("s"), .input = {text, sizeof text}};
        const StoredDataset dataset = {
            .key = slice_from_cstr(key), .samples = &sample, .n_samples = 1};
        const Status s = store_put_dataset(store, &dataset, &err);
        if (s == STATUS_OK) continue;
        const bool said =
            s == STATUS_IO && strstr(err.text, path) && strstr(err.text, "committed is kept");
        store_close(&store);
        return said ? i : 12;
    }
    return 13;
}

Test(store, loses_nothing_committed_when_writing_fails)
{
    Store *store = open_store(STORE_WRITE);
    char run_id[RUN_ID_SIZE];
    const RunRecord run = {.suite = SLICE("s"), .identity = SLICE("{}")};
    bool resumed;
    Error err = {0};
    cr_assert_eq(store_begin_run(store, &run, run_id, &resumed, &err), STATUS_OK, "%s", err.text);
    store_close(&store);
    const pid_t child = fork();
    if (child == 0) _exit(write_under_a_limit());
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    const int n_written = WEXITSTATUS(status);
    cr_assert_lt(n_written, 10, "exit %d", n_written);
    store = open_store(STORE_WRITE);
    double n = -1;
    cr_assert_eq(fixture_numbers(store, "SELECT count(*) FROM dataset", &n, 1, &err), STATUS_OK,
                 "%s", err.text);
    cr_expect_eq((int)n, n_written, "%g kept, %d committed", n, n_written);
    cr_assert_eq(store_find_run(store, SLICE("last"), run_id, &err), STATUS_OK, "%s", err.text);
    store_close(&store);
}

Test(store, keeps_what_was_committed_when_the_process_is_killed)
{
    for (int round = 0; round < 4; round++) {
        int pipe_fd[2];
        cr_assert_eq(pipe(pipe_fd), 0);
        const pid_t child = fork();
        if (child == 0) {
            Store *store = NULL;
            if (store_open(path, STORE_WRITE, &store, NULL) != STATUS_OK) _exit(1);
            for (int i = 0; i < 20; i++) {
                char key[SHA256_HEX_SIZE], text[32];
                snprintf(text, sizeof text, "%d %d", round, i);
                const Trial trial = {.id = a_key(key, text), .status = TRIAL_DONE, .best_step = -1};
                if (store_put_trial(store, &trial, NULL) != STATUS_OK) _exit(2);
                if (write(pipe_fd[1], "x", 1) != 1) _exit(3);
                if (i == 5 + round) raise(SIGKILL);
            }
            _exit(0);
        }
        close(pipe_fd[1]);
        int status = 0;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFSIGNALED(status), "round %d", round);
        char said[64];
        const ssize_t n_committed = read(pipe_fd[0], said, sizeof said);
        close(pipe_fd[0]);
        Store *store = open_store(STORE_WRITE);
        for (int i = 0; i < n_committed; i++) {
            char key[SHA256_HEX_SIZE], text[32];
            TrialStatus state;
            snprintf(text, sizeof text, "%d %d", round, i);
            cr_assert_eq(store_trial_status(store, a_key(key, text), &state, NULL), STATUS_OK);
            cr_expect_eq(state, TRIAL_DONE, "round %d trial %d", round, i);
        }
        store_close(&store);
    }
}

Test(store, remembers_the_hash_of_a_file_until_the_file_changes)
{
    Store *store = open_store(STORE_WRITE);
    Error err = {0};
    char file[320], first[SHA256_HEX_SIZE], again[SHA256_HEX_SIZE];
    snprintf(file, sizeof file, "%s/weights", folder);
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
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
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
