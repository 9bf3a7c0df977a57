// The export that two stores with equal results have in common.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/results/fixture.h"
#include "tests/results/store_file.h"

TestSuite(store_export, .init = store_file_make, .fini = store_file_remove);

static Buffer export_of(Store *store, const char *run_id)
{
    Buffer out = {0};
    Error err = {0};
    cr_assert_eq(store_export_canonical_buffer(store, slice_from_cstr(run_id), &out, &err),
                 STATUS_OK, "%s", err.text);
    return out;
}

Test(store_export, exports_the_same_bytes_whatever_the_order_time_and_interruptions)
{
    char run_id[RUN_ID_SIZE], other_id[RUN_ID_SIZE];
    Store *store = open_store(STORE_WRITE);
    fixture_fill(store, NULL, run_id);
    Buffer straight = export_of(store, run_id);
    cr_expect_gt(straight.len, 100000);
    store_close(&store);

    snprintf(db_path, sizeof db_path, "%s/second.db", db_folder);
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

Test(store_export, makes_run_ids_that_a_shell_takes_as_they_are)
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

Test(store_export, tells_the_export_of_an_unfinished_run_from_a_finished_one)
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
