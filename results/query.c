// results/query.c: statements prepared once and walked with deferred errors.
#include <math.h>

#include "results/store_internal.h"

Status query_begin(Store *store, const char *sql, Query *query, Error *err)
{
    *query = (Query){.store = store};
    for (size_t i = 0; i < store->n_statements; i++) {
        if (store->statements[i].sql != sql) continue;
        query->stmt = store->statements[i].stmt;
        return STATUS_OK;
    }
    if (store->n_statements == STORE_MAX_STATEMENTS)
        return error_set(err, STATUS_INTERNAL, "store: more than %d statements",
                         STORE_MAX_STATEMENTS);
    const int rc =
        sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &query->stmt, NULL);
    if (rc != SQLITE_OK) return store_error(store, rc, err, "reading its tables");
    store->statements[store->n_statements++] = (StoreStatement){sql, query->stmt};
    return STATUS_OK;
}

static void note(Query *query, int rc)
{
    if (query->rc == SQLITE_OK && rc != SQLITE_OK) query->rc = rc;
}

void query_bind_text(Query *query, Slice text)
{
    const int i = ++query->parameter;
    if (text.ptr == NULL) {
        note(query, sqlite3_bind_null(query->stmt, i));
    } else {
        note(query,
             sqlite3_bind_text64(query->stmt, i, text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8));
    }
}

void query_bind_cstr(Query *query, const char *text)
{
    query_bind_text(query, text == NULL ? (Slice){0} : slice_from_cstr(text));
}

void query_bind_blob(Query *query, const void *bytes, size_t len)
{
    const int i = ++query->parameter;
    if (bytes == NULL) {
        note(query, sqlite3_bind_null(query->stmt, i));
    } else {
        note(query, sqlite3_bind_blob64(query->stmt, i, bytes, len, SQLITE_STATIC));
    }
}

void query_bind_i64(Query *query, int64_t value)
{
    note(query, sqlite3_bind_int64(query->stmt, ++query->parameter, value));
}

void query_bind_double(Query *query, double value)
{
    note(query,
         sqlite3_bind_double(query->stmt, ++query->parameter, value)); // SQLite makes NaN NULL
}

void query_bind_optional(Query *query, int64_t value, int64_t absent)
{
    if (value != absent) {
        query_bind_i64(query, value);
    } else {
        note(query, sqlite3_bind_null(query->stmt, ++query->parameter));
    }
}

bool query_row(Query *query)
{
    query->column = 0;
    if (query->rc != SQLITE_OK || query->out_of_memory) return false;
    const int rc = sqlite3_step(query->stmt);
    if (rc == SQLITE_ROW) return true;
    if (rc != SQLITE_DONE) note(query, rc);
    return false;
}

Slice query_text(Query *query, Arena *arena)
{
    const int column = query->column++;
    if (sqlite3_column_type(query->stmt, column) == SQLITE_NULL) return (Slice){0};
    const char *text = (const char *)sqlite3_column_text(query->stmt, column);
    const size_t len = (size_t)sqlite3_column_bytes(query->stmt, column);
    const Slice copy = text == NULL ? (Slice){0} : arena_copy(arena, (Slice){text, len});
    if (copy.ptr == NULL) query->out_of_memory = true;
    return copy;
}

Slice query_blob(Query *query)
{
    const int column = query->column++;
    const char *bytes = sqlite3_column_blob(query->stmt, column);
    return (Slice){bytes, bytes == NULL ? 0 : (size_t)sqlite3_column_bytes(query->stmt, column)};
}

int64_t query_i64(Query *query, int64_t absent)
{
    const int column = query->column++;
    if (sqlite3_column_type(query->stmt, column) == SQLITE_NULL) return absent;
    return sqlite3_column_int64(query->stmt, column);
}

double query_double(Query *query)
{
    const int column = query->column++;
    if (sqlite3_column_type(query->stmt, column) == SQLITE_NULL) return NAN;
    return sqlite3_column_double(query->stmt, column);
}

Status query_end(Query *query, Error *err)
{
    Status s = STATUS_OK;
    if (query->out_of_memory) {
        s = error_set(err, STATUS_MEMORY, "store %s: out of memory while reading",
                      query->store->path);
    } else if (query->rc != SQLITE_OK) {
        s = store_error(query->store, query->rc, err, "reading or writing its tables");
    }
    sqlite3_reset(query->stmt); // repeats the failure reported above
    sqlite3_clear_bindings(query->stmt);
    query->rc = SQLITE_OK;
    query->parameter = 0;
    return s;
}

Status query_do(Query *query, Error *err)
{
    if (query_row(query)) note(query, SQLITE_MISUSE);
    if (query->rc != SQLITE_OK) return query_end(query, err);
    sqlite3_reset(query->stmt);
    query->parameter = 0;
    return STATUS_OK;
}

bool query_room(Query *query, Arena *arena, void *items, size_t n, size_t *capacity, size_t size)
{
    Error ignored = {0}; // query_end says it
    if (arena_make_room(arena, n, capacity, size, "rows", items, &ignored) == STATUS_OK)
        return true;
    query->out_of_memory = true;
    return false;
}
