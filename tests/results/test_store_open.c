// Files that are no store of ours, newer, damaged, held by another or only for reading.
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/results/fixture.h"
#include "tests/results/store_file.h"

TestSuite(store_open, .init = store_file_make, .fini = store_file_remove);

static void expect_refusal(StoreFlags flags, Status status, const char *const *words,
                           size_t n_words)
{
    Store *store = NULL;
    Error err = {0};
    cr_expect_eq(store_open(db_path, flags, &store, &err), status, "%s", err.text);
    cr_expect_null(store);
    cr_expect_not_null(strstr(err.text, db_path), "names no file: %s", err.text);
    for (size_t i = 0; i < n_words; i++)
        cr_expect_not_null(strstr(err.text, words[i]), "wants \"%s\": %s", words[i], err.text);
}

static void write_file(const char *bytes, size_t len)
{
    FILE *f = fopen(db_path, "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

Test(store_open, refuses_a_file_that_is_no_database)
{
    static char text[4096];
    memset(text, 'x', sizeof text);
    write_file(text, sizeof text);
    expect_refusal(STORE_WRITE, STATUS_INVALID, (const char *[]){"no SQLite database", "--store"},
                   2);
    expect_refusal(STORE_READ_ONLY, STATUS_INVALID, (const char *[]){"no SQLite database"}, 1);
}

Test(store_open, refuses_a_database_of_another_program_and_leaves_it_alone)
{
    db_sql("CREATE TABLE notes (t TEXT); PRAGMA user_version = 7;");
    expect_refusal(STORE_WRITE, STATUS_INVALID, (const char *[]){"another program", "--store"}, 2);
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(db_path, &db), SQLITE_OK);
    sqlite3_stmt *stmt = NULL;
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_schema", -1, &stmt, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    cr_expect_eq(sqlite3_column_int(stmt, 0), 1);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

Test(store_open, refuses_a_newer_schema)
{
    Store *store = open_store(STORE_WRITE);
    store_close(&store);
    db_sql("PRAGMA user_version = 99;");
    expect_refusal(STORE_WRITE, STATUS_INVALID, (const char *[]){"newer assay", "99", "update"}, 3);
    expect_refusal(STORE_READ_ONLY, STATUS_INVALID, (const char *[]){"newer assay"}, 1);
}

Test(store_open, names_what_is_missing)
{
    expect_refusal(STORE_READ_ONLY, STATUS_NOT_FOUND, (const char *[]){"no such file", "assay run"},
                   2);
    snprintf(db_path, sizeof db_path, "%s/none/runs.db", db_folder);
    expect_refusal(STORE_WRITE, STATUS_IO, (const char *[]){"folder", "--store"}, 2);
    snprintf(db_path, sizeof db_path, "%s", db_folder);
    expect_refusal(STORE_WRITE, STATUS_INVALID, (const char *[]){"directory"}, 1);
}

Test(store_open, refuses_a_damaged_file)
{
    Store *store = open_store(STORE_WRITE);
    char run_id[RUN_ID_SIZE];
    fixture_fill(store, NULL, run_id);
    store_close(&store);
    FILE *f = fopen(db_path, "r+b");
    static char junk[65536];
    memset(junk, 0x5a, sizeof junk);
    cr_assert_eq(fseek(f, 4096, SEEK_SET), 0);
    cr_assert_eq(fwrite(junk, 1, sizeof junk, f), sizeof junk);
    cr_assert_eq(fclose(f), 0);
    Error err = {0};
    Arena arena = {0};
    RunRecord record;
    RunSummary summary;
    Status s = store_open(db_path, STORE_READ_ONLY, &store, &err);
    if (s == STATUS_OK)
        s = store_get_run(store, &arena, slice_from_cstr(run_id), &record, &summary, &err);
    cr_expect_eq(s, STATUS_INVALID, "%s", err.text);
    cr_expect_not_null(strstr(err.text, "damaged"), "%s", err.text);
    arena_release(&arena);
    store_close(&store);
}

Test(store_open, says_when_another_process_holds_it_and_when_it_is_read_only)
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
