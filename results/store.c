// results/store.c: opening, identity of the file, transactions, and what SQLite's failures mean for people.
#include <errno.h>

#include "base/clock.h"
#include "base/file.h"
#include "results/store_internal.h"

typedef struct Failure {
    int rc; // primary result code
    Status status;
    const char *text; // what happened, and the remedy
} Failure;

static const Failure failures[] = {
    {SQLITE_FULL, STATUS_IO,
     "the disk is full; what was committed is kept: free some space or name another file with --store, then run again"},
    {SQLITE_BUSY, STATUS_IO,
     "another process has been writing to it for 10 s; wait for it or name another file with --store"},
    {SQLITE_LOCKED, STATUS_IO, "it is in use within this process; close the other reader first"},
    {SQLITE_READONLY, STATUS_IO,
     "it cannot be written; change the permissions of the file and its folder or name another with --store"},
    {SQLITE_PERM, STATUS_IO,
     "access is denied; change its permissions or name another with --store"},
    {SQLITE_CANTOPEN, STATUS_IO,
     "it cannot be opened; check that its folder exists and may be written, or name another with --store"},
    {SQLITE_IOERR, STATUS_IO,
     "the file system refused to read or write; what was committed is kept: check the disk, then run again"},
    {SQLITE_CORRUPT, STATUS_INVALID,
     "the file is damaged; restore a copy, or save what can be read with: sqlite3 FILE .recover"},
    {SQLITE_NOTADB, STATUS_INVALID,
     "the file is no SQLite database (or is damaged at its start); name another with --store"},
    {SQLITE_NOMEM, STATUS_MEMORY, "out of memory"},
    {SQLITE_TOOBIG, STATUS_INVALID,
     "a text or a row is larger than 1 GB, which SQLite cannot hold"},
    {SQLITE_CONSTRAINT, STATUS_INVALID, "its rules refuse the row"},
};

Status store_error(Store *store, int rc, Error *err, const char *doing)
{
    const char *detail = store->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(store->db);
    const int system = store->db == NULL ? 0 : sqlite3_system_errno(store->db);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].rc != (rc & 0xff)) continue;
        const bool says_more = (rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_IOERR;
        if (says_more && system != 0) {
            return error_set(err, failures[i].status, "store %s: %s: %s (%s)", store->path, doing,
                             failures[i].text, strerror(system));
        }
        return error_set(err, failures[i].status, "store %s: %s: %s (%s)", store->path, doing,
                         failures[i].text, detail);
    }
    return error_set(err, STATUS_INTERNAL, "store %s: %s: SQLite says %d: %s", store->path, doing,
                     rc, detail);
}

Status store_exec(Store *store, const char *sql, Error *err)
{
    const int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : store_error(store, rc, err, "writing");
}

static Status pragma_i64(Store *store, const char *sql, int64_t *out, Error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
    const Status s = rc == SQLITE_ROW ? STATUS_OK : store_error(store, rc, err, "opening");
    sqlite3_finalize(stmt);
    return s;
}

Status store_transaction_begin(Store *store, Error *err)
{
    if (store->is_read_only)
        return error_set(err, STATUS_INVALID, "store %s was opened for reading only", store->path);
    const int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : store_error(store, rc, err, "beginning to write");
}

Status store_transaction_end(Store *store, Status status, Error *err)
{
    if (status == STATUS_OK) {
        const int rc = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
        if (rc == SQLITE_OK) return STATUS_OK;
        status = store_error(store, rc, err, "committing");
    }
    // A full disk may have rolled the transaction back already; then there is nothing to undo.
    if (!sqlite3_get_autocommit(store->db)) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

// What stands in the file: nothing yet, a store of ours (with its schema's version), or somebody else's database.
static Status check_identity(Store *store, bool *is_empty, int64_t *version, Error *err)
{
    int64_t application = 0, n_tables = 0;
    TRY(pragma_i64(store, "SELECT count(*) FROM sqlite_schema", &n_tables, err));
    TRY(pragma_i64(store, "PRAGMA application_id", &application, err));
    TRY(pragma_i64(store, "PRAGMA user_version", version, err));
    *is_empty = application == 0 && n_tables == 0 && *version == 0;
    if (*is_empty) return STATUS_OK;
    if (application != STORE_APPLICATION_ID) {
        return error_set(
            err, STATUS_INVALID,
            "store %s: an SQLite database of another program (application id 0x%08llx, not assay's "
            "0x%08x); it was left as it is: name another file with --store",
            store->path, (unsigned long long)application & 0xffffffffULL,
            (unsigned)STORE_APPLICATION_ID);
    }
    if (*version > store_schema_version()) {
        return error_set(
            err, STATUS_INVALID,
            "store %s: written by a newer assay (schema %lld; this program knows up to %d); update "
            "assay or name another file with --store",
            store->path, (long long)*version, store_schema_version());
    }
    return STATUS_OK;
}

static Status apply_migration(Store *store, int version, Error *err)
{
    for (const char *const *sql = store_migration(version); *sql != NULL; sql++)
        TRY(store_exec(store, *sql, err));
    char text[160];
    snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             STORE_APPLICATION_ID, version);
    TRY(store_exec(store, text, err));
    Query q;
    TRY(query_begin(store, "INSERT INTO migration VALUES (?, ?, ?)", &q, err));
    query_bind_i64(&q, version);
    query_bind_i64(&q, clock_unix_ns());
    query_bind_cstr(&q, sqlite3_libversion());
    return query_do(&q, err);
}

static Status migrate(Store *store, Error *err)
{
    bool is_empty = false;
    int64_t version = 0;
    TRY(check_identity(store, &is_empty, &version, err));
    if (version == store_schema_version()) return STATUS_OK;
    TRY(store_transaction_begin(store, err));
    // Seen again under the lock: another process may have come first.
    Status s = check_identity(store, &is_empty, &version, err);
    while (s == STATUS_OK && version < store_schema_version())
        s = apply_migration(store, (int)++version, err);
    return store_transaction_end(store, s, err);
}

static Status check_readable(Store *store, Error *err)
{
    bool is_empty = false;
    int64_t version = 0;
    TRY(check_identity(store, &is_empty, &version, err));
    if (is_empty) {
        return error_set(err, STATUS_INVALID,
                         "store %s: the file is empty; no run was stored in it yet", store->path);
    }
    if (version == store_schema_version()) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "store %s: written by an older assay (schema %lld, this program wants %d); open it once for "
        "writing, for example with `assay run`, and it is brought up to date",
        store->path, (long long)version, store_schema_version());
}

static int open_handle(Store *store, const char *name, int flags)
{
    sqlite3_close(store->db);
    store->db = NULL;
    const int rc = sqlite3_open_v2(name, &store->db,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc == SQLITE_OK) sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    return rc;
}

// "file:/a%20b?immutable=1": SQLite then reads without making the files that WAL needs beside the store.
static int open_immutable(Store *store)
{
    Buffer uri = {0};
    buffer_append_cstr(&uri, "file:");
    for (const char *c = store->path; *c != '\0'; c++) {
        if (strchr("%?#", *c) != NULL) {
            buffer_printf(&uri, "%%%02x", (unsigned)(unsigned char)*c);
        } else {
            buffer_append_byte(&uri, *c);
        }
    }
    buffer_append_cstr(&uri, "?immutable=1");
    const int rc = buffer_status(&uri, NULL) != STATUS_OK
                       ? SQLITE_NOMEM
                       : open_handle(store, uri.ptr, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    buffer_release(&uri);
    return rc;
}

static Status open_to_read(Store *store, Error *err)
{
    if (!file_exists(store->path)) {
        return error_set(
            err, STATUS_NOT_FOUND,
            "store %s: no such file; run a suite first (`assay run`) or name another with --store",
            store->path);
    }
    int rc = open_handle(store, store->path, SQLITE_OPEN_READONLY);
    if (rc == SQLITE_OK) {
        // A WAL store in a folder that we may not write shows only at the first read.
        rc = sqlite3_exec(store->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
        const int primary = rc & 0xff;
        if (primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY) rc = open_immutable(store);
    }
    if (rc != SQLITE_OK) return store_error(store, rc, err, "opening");
    return check_readable(store, err);
}

static Status open_to_write(Store *store, Error *err)
{
    if (file_is_directory(store->path))
        return error_set(err, STATUS_INVALID, "store %s: is a directory; name a file", store->path);
    int rc = open_handle(store, store->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (rc != SQLITE_OK) return store_error(store, rc, err, "opening");
    bool is_empty = false;
    int64_t version = 0;
    TRY(check_identity(store, &is_empty, &version, err)); // before anything is changed
    if (sqlite3_db_readonly(store->db, "main") == 1)
        return store_error(store, SQLITE_READONLY, err, "opening");
    // FULL: a commit is on the disk when it returns; one fsync a trial costs nothing beside the trial.
    rc = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL,
                      NULL, NULL);
    if (rc != SQLITE_OK) return store_error(store, rc, err, "opening");
    return migrate(store, err);
}

Status store_open(const char *path, StoreFlags flags, Store **out, Error *err)
{
    *out = NULL;
    Store *store = calloc(1, sizeof *store);
    if (store == NULL) return error_set_memory(err, 1, sizeof *store, "a store");
    store->path = strdup(path);
    store->is_read_only = (flags & STORE_READ_ONLY) != 0;
    Status s = STATUS_OK;
    if (store->path == NULL) {
        s = error_set_memory(err, strlen(path) + 1, 1, "a path");
    } else if (*path == '\0') {
        s = error_set(err, STATUS_INVALID, "store: an empty file name; name a file with --store");
    } else {
        s = store->is_read_only ? open_to_read(store, err) : open_to_write(store, err);
    }
    if (s == STATUS_OK)
        s = store_exec(store, "PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384;", err);
    if (s == STATUS_OK) {
        const int rc = store_register_metric_rows(store->db);
        if (rc != SQLITE_OK) s = store_error(store, rc, err, "registering metric_rows");
    }
    if (s == STATUS_OK) {
        *out = store;
    } else {
        store_close(&store);
    }
    return s;
}

void store_close(Store **store)
{
    if (*store == NULL) return;
    for (size_t i = 0; i < (*store)->n_statements; i++)
        sqlite3_finalize((*store)->statements[i].stmt);
    sqlite3_close((*store)->db);
    free((*store)->path);
    free(*store);
    *store = NULL;
}

const char *store_path(const Store *store)
{
    return store->path;
}
