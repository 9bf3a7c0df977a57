// results/store_rows.c: metric rows as a table, for SQL:
//
//     SELECT ordinal, "column", value FROM metric_rows('<trial id>', 'accuracy')
//
// An eponymous table-valued function over metric_block: nothing of it is stored in the file, so that any SQLite client
// opens the store; outside assay the blobs are read by their layout (README.md).
#include "results/store_internal.h"

typedef struct RowsTable {
    sqlite3_vtab base; // must be first
    sqlite3 *db;
} RowsTable;

typedef struct RowsCursor {
    sqlite3_vtab_cursor base; // must be first
    sqlite3_stmt *blocks;     // NULL before the first filter
    int64_t width, n_rows;    // of the present block
    int64_t row, column;
    const unsigned char *ordinals;
    const unsigned char *values;
    int64_t rowid;
    bool is_done;
} RowsCursor;

enum { COLUMN_ORDINAL, COLUMN_COLUMN, COLUMN_VALUE, COLUMN_TRIAL, COLUMN_METRIC };

static int rows_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **message)
{
    (void)aux, (void)argc, (void)argv, (void)message;
    const int rc = sqlite3_declare_vtab(
        db,
        "CREATE TABLE x (ordinal INTEGER, \"column\" INTEGER, value REAL, trial TEXT HIDDEN, metric TEXT HIDDEN)");
    if (rc != SQLITE_OK) return rc;
    RowsTable *table = sqlite3_malloc(sizeof *table);
    if (table == NULL) return SQLITE_NOMEM;
    *table = (RowsTable){.db = db};
    *out = &table->base;
    return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

// Both arguments must be given by equality; they arrive in rows_filter as trial, metric.
static int rows_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    int found[2] = {-1, -1};
    for (int i = 0; i < info->nConstraint; i++) {
        const int argument = info->aConstraint[i].iColumn - COLUMN_TRIAL;
        if (argument < 0 || argument > 1 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
        found[argument] = i;
    }
    if (found[0] < 0 || found[1] < 0) {
        sqlite3_free(table->zErrMsg);
        table->zErrMsg =
            sqlite3_mprintf("metric_rows wants two arguments: a trial's id and a metric's name");
        return SQLITE_ERROR;
    }
    for (int i = 0; i < 2; i++) {
        info->aConstraintUsage[found[i]].argvIndex = i + 1;
        info->aConstraintUsage[found[i]].omit = 1;
    }
    info->estimatedCost = 1000;
    return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    (void)table;
    RowsCursor *cursor = sqlite3_malloc(sizeof *cursor);
    if (cursor == NULL) return SQLITE_NOMEM;
    *cursor = (RowsCursor){.is_done = true};
    *out = &cursor->base;
    return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *base)
{
    RowsCursor *cursor = (RowsCursor *)base;
    sqlite3_finalize(cursor->blocks);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

// The next block whose blobs have the sizes its numbers promise.
static int next_block(RowsCursor *cursor)
{
    int rc;
    while ((rc = sqlite3_step(cursor->blocks)) == SQLITE_ROW) {
        cursor->width = sqlite3_column_int64(cursor->blocks, 0);
        cursor->n_rows = sqlite3_column_int64(cursor->blocks, 1);
        cursor->ordinals = sqlite3_column_blob(cursor->blocks, 2);
        cursor->values = sqlite3_column_blob(cursor->blocks, 3);
        cursor->row = cursor->column = 0;
        const int64_t n_ordinal_bytes = sqlite3_column_bytes(cursor->blocks, 2);
        const int64_t n_value_bytes = sqlite3_column_bytes(cursor->blocks, 3);
        if (cursor->n_rows <= 0 || cursor->width <= 0) continue;
        if (n_ordinal_bytes / 4 != cursor->n_rows ||
            n_value_bytes / 8 / cursor->width != cursor->n_rows)
            return SQLITE_CORRUPT;
        return SQLITE_OK;
    }
    cursor->is_done = true;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int rows_filter(sqlite3_vtab_cursor *base, int index, const char *name, int argc,
                       sqlite3_value **argv)
{
    (void)index, (void)name, (void)argc;
    RowsCursor *cursor = (RowsCursor *)base;
    sqlite3_finalize(cursor->blocks);
    cursor->blocks = NULL;
    int rc = sqlite3_prepare_v2(
        ((RowsTable *)base->pVtab)->db,
        "SELECT m.width, b.n_rows, b.ordinals, b.rows FROM trial t JOIN metric m USING (trial_id)"
        " JOIN metric_block b USING (metric_id) WHERE t.id = ? AND m.name = ?"
        " ORDER BY m.position, b.block",
        -1, &cursor->blocks, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_bind_value(cursor->blocks, 1, argv[0]);
    if (rc == SQLITE_OK) rc = sqlite3_bind_value(cursor->blocks, 2, argv[1]);
    cursor->is_done = false;
    cursor->rowid = 0;
    return rc == SQLITE_OK ? next_block(cursor) : rc;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
    RowsCursor *cursor = (RowsCursor *)base;
    cursor->rowid++;
    if (++cursor->column < cursor->width) return SQLITE_OK;
    cursor->column = 0;
    return ++cursor->row < cursor->n_rows ? SQLITE_OK : next_block(cursor);
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
    return ((const RowsCursor *)base)->is_done;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const RowsCursor *cursor = (const RowsCursor *)base;
    uint32_t ordinal;
    double value;
    switch (column) {
    case COLUMN_ORDINAL:
        memcpy(&ordinal, cursor->ordinals + (size_t)cursor->row * sizeof ordinal, sizeof ordinal);
        sqlite3_result_int64(context, ordinal);
        break;
    case COLUMN_COLUMN:
        sqlite3_result_int64(context, cursor->column);
        break;
    case COLUMN_VALUE:
        memcpy(&value,
               cursor->values +
                   (size_t)(cursor->row * cursor->width + cursor->column) * sizeof value,
               sizeof value);
        sqlite3_result_double(context, value);
        break;
    default: // the hidden arguments: their constraints are taken care of, so nobody needs their values
        sqlite3_result_null(context);
    }
    return SQLITE_OK;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((const RowsCursor *)base)->rowid;
    return SQLITE_OK;
}

int store_register_metric_rows(sqlite3 *db)
{
    // No xCreate: the table exists under its own name without CREATE VIRTUAL TABLE.
    static const sqlite3_module module = {
        .xConnect = rows_connect,
        .xBestIndex = rows_best_index,
        .xDisconnect = rows_disconnect,
        .xOpen = rows_open,
        .xClose = rows_close,
        .xFilter = rows_filter,
        .xNext = rows_next,
        .xEof = rows_eof,
        .xColumn = rows_column,
        .xRowid = rows_rowid,
    };
    return sqlite3_create_module(db, "metric_rows", &module, NULL);
}
