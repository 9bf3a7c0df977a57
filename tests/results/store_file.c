#include "tests/results/store_file.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>

#include "tests/support/folder.h"

const char *db_folder;
char db_path[320];

void store_file_make(void)
{
    db_folder = folder_make();
    snprintf(db_path, sizeof db_path, "%s/runs.db", db_folder);
}

void store_file_remove(void)
{
    folder_remove(db_folder);
}

Store *open_store(StoreFlags flags)
{
    Store *store = NULL;
    Error err = {0};
    cr_assert_eq(store_open(db_path, flags, &store, &err), STATUS_OK, "%s", err.text);
    return store;
}

void db_sql(const char *text)
{
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(db_path, &db), SQLITE_OK);
    char *message = NULL;
    cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, &message), SQLITE_OK, "%s", message);
    sqlite3_close(db);
}

Slice key_of(char key[SHA256_HEX_SIZE], const char *text)
{
    sha256_of(slice_from_cstr(text), key);
    return slice_from_cstr(key);
}
