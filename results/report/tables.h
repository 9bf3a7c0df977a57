// results/report/tables.h: building a table cell by cell.
#ifndef ASSAY_RESULTS_REPORT_TABLES_H
#define ASSAY_RESULTS_REPORT_TABLES_H

#include "results/report/report_internal.h"

typedef struct TableBuild {
    ReportTable *table;
    Arena *arena;
    Buffer text; // of the cell being written: append, then table_cell
    size_t n_cells, capacity;
    size_t column_capacity;
    bool failed;
} TableBuild;

// COLUMN_DETAIL is a number that a narrow terminal can do without.
typedef enum ColumnKind { COLUMN_WORD, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_DETAIL } ColumnKind;

TableBuild table_begin(ReportTable *table, Arena *arena, const char *id);
void table_title(TableBuild *build, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_note(TableBuild *build, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Columns come before the first cell.
void table_column(TableBuild *build, Slice name, ColumnKind kind);
// Ends the cell whose text was appended to build->text.
void table_cell(TableBuild *build);
void table_cell_slice(TableBuild *build, Slice text);
void table_cell_printf(TableBuild *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Counts rows, releases the buffer, reports what failed on the way.
Status table_end(TableBuild *build, Error *err);

#endif
