// results/report/report_internal.h: what the formats share: texts for people, and tables built once for all of them.
#ifndef ASSAY_RESULTS_REPORT_INTERNAL_H
#define ASSAY_RESULTS_REPORT_INTERNAL_H

#include "base/buffer_count.h"
#include "results/report/report.h"

// --- texts (report_text.c): appended to a buffer -------------------------------------------------------------------

// A value on the scale of its score: three decimals where the score's highest value is at most 1, else two. NaN: "n/a".
void text_value(Buffer *out, double value, double highest);
// "0.874 [0.842, 0.900]"; the estimate alone where there is no interval.
void text_score(Buffer *out, const StoredScore *score);
void text_duration(Buffer *out, int64_t ns);       // "12.3 s"; "n/a" for STORE_NO_TIME
void text_bytes(Buffer *out, uint64_t size_bytes); // "700 MiB"; "n/a" for 0
// What stands behind a pooled score: "500 samples, 5 folds, 1 seed".
void text_source(Buffer *out, const ViewScore *score);
// Escapes for HTML and XML: & < > " ' and, since XML 1.0 has no place for them, control characters as U+FFFD.
void text_html(Buffer *out, Slice text);
// Escapes for a cell of a Markdown table: what Markdown or HTML would read as markup; line breaks become blanks.
void text_markdown(Buffer *out, Slice text);
// One line for a terminal: control characters (escape sequences above all) become visible, broken UTF-8 U+FFFD.
void text_plain(Buffer *out, Slice text);
// A CSV field (RFC 4180), quoted where it must be. Fields that a spreadsheet would run as a formula get a leading '.
void text_csv(Buffer *out, Slice text);

// --- tables (tables.c, tables_cost.c) ------------------------------------------------------------------------------

typedef struct TableColumn {
    Slice name;
    bool is_number;   // aligned to the right
    bool is_text;     // long text: the column that gives way where there is little room
    bool is_optional; // left out where there is no room at all (terminal)
} TableColumn;

typedef struct ReportTable {
    const char *id; // "scores": an anchor
    Slice title;
    Slice note; // where the numbers come from, one sentence; may be empty
    TableColumn *columns;
    size_t n_columns;
    Slice *cells; // [n_rows, n_columns], unescaped
    size_t n_rows;
    int best_row; // shown in bold, or VIEW_NONE
    // [n_rows] samples whose long text a page may shade by what answers hang on; NULL = none.
    const ViewWorst **explained;
} ReportTable;

// Each takes what it is about; a table without rows means that there is nothing to show. In the arena.
Status table_scores(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err);
// The scores that table_scores has no column for: averages and classes, a row each.
Status table_averages(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err);
Status table_folds(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err);
Status table_after(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err);
Status table_curve(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err);
// What a model is judged by, by the groups of each attribute.
Status table_slices(const RunView *view, int model, int task, bool all_scores, Arena *arena,
                    ReportTable *out, Error *err);
Status table_settings(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err);
Status table_confusion(const RunView *view, const ViewConfusion *confusion, Arena *arena,
                       ReportTable *out, Error *err);
Status table_worst(const RunView *view, int model, int task, Arena *arena, ReportTable *out,
                   Error *err);
Status table_metrics(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err);
Status table_checks(const RunView *view, int task, Arena *arena, ReportTable *out, Error *err);
Status table_manifest(const RunView *view, Arena *arena, ReportTable *out, Error *err);
Status table_machine(const RunView *view, Arena *arena, ReportTable *out, Error *err);

// All tables of a report in its order. For renderers that only list them.
Status report_tables(const RunView *view, Arena *arena, ReportTable **tables, size_t *n_tables,
                     Error *err);

// "sentiment, run sentiment-1f3a9c0b27e4, 2026-01-31T12:34:56Z, done: 75 of 75 trials".
void report_subtitle(const RunView *view, Buffer *out);

// A sentence for each attribute that a model's scores are sliced by: its worst group, and how far the groups lie apart.
void report_worst_groups(const RunView *view, int model, int task, Buffer *out);

// The comment every file carries: hash of inputs, renderer, format and whether plots could be drawn. 64 hex digits.
Status report_mark(const char *inputs_hash, const ReportFormat *format,
                   const ReportOptions *options, char mark[SHA256_HEX_SIZE], Error *err);
extern const char report_mark_label[]; // what stands before it in the file: "assay-report-inputs"

// --- the formats ---------------------------------------------------------------------------------------------------

Status render_terminal(const RunView *view, const ReportOptions *options, Buffer *out, Error *err);
Status render_markdown(const RunView *view, const ReportOptions *options, Buffer *out, Error *err);
Status render_json(const RunView *view, const ReportOptions *options, Buffer *out, Error *err);
Status render_csv(const RunView *view, const ReportOptions *options, Buffer *out, Error *err);
Status render_html(const RunView *view, const ReportOptions *options, Buffer *out, Error *err);

#endif
