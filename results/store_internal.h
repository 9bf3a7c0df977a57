// results/store_internal.h: what the files of the store share. Not for other rooms.
//
// A Query is a prepared statement in use: bind its parameters in order, walk its rows, take each row's columns in order,
// end it. Failures inside are remembered and reported by query_end or query_do, so that callers check once.
#ifndef ASSAY_RESULTS_STORE_INTERNAL_H
#define ASSAY_RESULTS_STORE_INTERNAL_H

#include <sqlite3.h>

#include "results/store.h"

enum { STORE_APPLICATION_ID = 0x61736179, STORE_BUSY_MS = 10000, STORE_BLOCK_ROWS = 1024 };

typedef struct StoreStatement {
    const char *sql; // the literal itself: compared by address
    sqlite3_stmt *stmt;
} StoreStatement;

enum { STORE_MAX_STATEMENTS = 96 };

struct Store {
    sqlite3 *db;
    char *path; // owned
    bool is_read_only;
    StoreStatement statements[STORE_MAX_STATEMENTS];
    size_t n_statements;
};

// schema.c: the steps that lead from an empty file to the present schema, from 1 to store_schema_version(): statements,
// NULL at the end.
const char *const *store_migration(int version);

// store_rows.c: the table-valued view metric_rows(trial id, metric name).
int store_register_metric_rows(sqlite3 *db);

// The failure that SQLite reports now, in our words: "store runs.db: DOING: what happened; remedy".
Status store_error(Store *store, int rc, Error *err, const char *doing);
// Runs SQL without parameters or rows.
Status store_exec(Store *store, const char *sql, Error *err);

// BEGIN IMMEDIATE; a read-only store is refused by name.
Status store_transaction_begin(Store *store, Error *err);
// Commits where status is STATUS_OK, else rolls back and returns status.
Status store_transaction_end(Store *store, Status status, Error *err);

typedef struct Query {
    Store *store;
    sqlite3_stmt *stmt;
    int rc; // first failure
    int parameter, column;
    bool out_of_memory;
} Query;

// sql must be a string literal (statements are kept by its address).
Status query_begin(Store *store, const char *sql, Query *query, Error *err);
void query_bind_text(Query *query, Slice text); // ptr NULL binds NULL
void query_bind_cstr(Query *query, const char *text);
void query_bind_blob(Query *query, const void *bytes, size_t len); // NULL binds NULL
void query_bind_i64(Query *query, int64_t value);
void query_bind_double(Query *query, double value); // NaN binds NULL
// NULL where value equals absent.
void query_bind_optional(Query *query, int64_t value, int64_t absent);
// One step to the next row; false at the end or after a failure. Columns start anew.
bool query_row(Query *query);
Slice query_text(Query *query, Arena *arena);    // copied; ptr NULL for NULL
Slice query_blob(Query *query);                  // borrowed until the next step
int64_t query_i64(Query *query, int64_t absent); // absent for NULL
double query_double(Query *query);               // NaN for NULL
// Ends the walk: the statement is reset, the first failure reported.
Status query_end(Query *query, Error *err);
// For statements without rows: steps, resets, and leaves the query ready to bind the next values.
Status query_do(Query *query, Error *err);

// For a list (items: pointer to the list's pointer) that grows in an arena row by row: makes room for one more item of
// `size` bytes. False when memory runs out, which query_end then reports.
bool query_room(Query *query, Arena *arena, void *items, size_t n, size_t *capacity, size_t size);

// A score's columns, in the order of the tables score and run_score: metric to highest.
void store_bind_score(Query *query, const StoredScore *score);
void store_read_score(Query *query, Arena *arena, StoredScore *score);

// Replaces a run's list: its rows go, the new ones come, in one transaction. put binds the values behind run and position.
typedef Status (*StorePutRow)(Query *query, const void *rows, size_t i, Error *err);
Status store_replace_rows(Store *store, Slice run_id, const char *delete_sql,
                          const char *insert_sql, StorePutRow put, const void *rows, size_t n_rows,
                          Error *err);

// Row ids by text keys; -1 where absent.
Status store_dataset_row(Store *store, Slice key, int64_t *row, int64_t *n_samples, Error *err);
Status store_trial_row(Store *store, Slice id, int64_t *row, TrialStatus *status, Error *err);
Status store_run_row(Store *store, Slice id, int64_t *row,
                     Error *err); // STATUS_NOT_FOUND where absent

#endif
