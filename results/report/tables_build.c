// results/report/tables_build.c: building a table cell by cell.
#include <stdarg.h>

#include "results/keep.h"
#include "results/report/tables.h"

TableBuild table_begin(ReportTable *table, Arena *arena, const char *id)
{
    *table = (ReportTable){.id = id, .best_row = VIEW_NONE};
    return (TableBuild){.table = table, .arena = arena};
}

static Slice __attribute__((format(printf, 2, 0)))
format_text(TableBuild *build, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = len < 0 ? NULL : arena_alloc(build->arena, (size_t)len + 1, 1);
    if (text == NULL) {
        build->failed = true;
        return (Slice){0};
    }
    vsnprintf(text, (size_t)len + 1, format, args);
    return (Slice){text, (size_t)len};
}

void table_title(TableBuild *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    build->table->title = format_text(build, format, args);
    va_end(args);
}

void table_note(TableBuild *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    build->table->note = format_text(build, format, args);
    va_end(args);
}

static void grow(TableBuild *build, void *items, size_t n, size_t *capacity, size_t size)
{
    Error ignored = {0};
    if (arena_make_room(build->arena, n, capacity, size, "a table", items, &ignored) != STATUS_OK)
        build->failed = true;
}

void table_column(TableBuild *build, Slice name, ColumnKind kind)
{
    ReportTable *table = build->table;
    grow(build, &table->columns, table->n_columns, &build->column_capacity, sizeof *table->columns);
    if (build->failed) return;
    table->columns[table->n_columns++] =
        (TableColumn){.name = name,
                      .is_number = kind == COLUMN_NUMBER || kind == COLUMN_DETAIL,
                      .is_text = kind == COLUMN_TEXT,
                      .is_optional = kind == COLUMN_DETAIL};
}

void table_cell_slice(TableBuild *build, Slice text)
{
    grow(build, &build->table->cells, build->n_cells, &build->capacity,
         sizeof *build->table->cells);
    if (build->failed) return;
    build->table->cells[build->n_cells++] =
        text.ptr == NULL ? SLICE("") : keep_text(build->arena, text, &build->failed);
}

void table_cell(TableBuild *build)
{
    table_cell_slice(build, buffer_slice(&build->text));
    buffer_clear(&build->text);
}

void table_cell_printf(TableBuild *build, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    table_cell_slice(build, format_text(build, format, args));
    va_end(args);
}

static bool is_empty_column(const ReportTable *table, size_t column)
{
    for (size_t row = 0; row < table->n_rows; row++) {
        if (table->cells[row * table->n_columns + column].len > 0) return false;
    }
    return true;
}

// Columns that no row has anything for are left out: losses where nothing was tuned, groups where there are none.
static void drop_empty_columns(ReportTable *table)
{
    for (size_t column = table->n_rows > 0 ? table->n_columns : 0; column-- > 0;) {
        if (!is_empty_column(table, column)) continue;
        const size_t n_cells = table->n_rows * table->n_columns;
        size_t n_kept = 0;
        for (size_t i = 0; i < n_cells; i++) {
            if (i % table->n_columns != column) table->cells[n_kept++] = table->cells[i];
        }
        table->n_columns--;
        memmove(&table->columns[column], &table->columns[column + 1],
                (table->n_columns - column) * sizeof *table->columns);
    }
}

Status table_end(TableBuild *build, Error *err)
{
    ReportTable *table = build->table;
    const bool failed = build->failed || build->text.failed;
    buffer_release(&build->text);
    if (failed)
        return error_set(err, STATUS_MEMORY, "out of memory while building a table of the report");
    table->n_rows = table->n_columns == 0 ? 0 : build->n_cells / table->n_columns;
    if (table->n_rows * table->n_columns != build->n_cells)
        return error_set(err, STATUS_INTERNAL, "table %s: %zu cells in %zu columns", table->id,
                         build->n_cells, table->n_columns);
    drop_empty_columns(table);
    return STATUS_OK;
}
