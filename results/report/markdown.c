// results/report/markdown.c: the tables as GitHub-flavoured Markdown.
#include "results/report/report_internal.h"

static void put_table(const ReportTable *table, Buffer *out)
{
    if (table->n_rows == 0) return;
    buffer_append_cstr(out, "\n## ");
    text_markdown(out, table->title);
    buffer_append_cstr(out, "\n\n|");
    for (size_t j = 0; j < table->n_columns; j++) {
        buffer_append_byte(out, ' ');
        text_markdown(out, table->columns[j].name);
        buffer_append_cstr(out, " |");
    }
    buffer_append_cstr(out, "\n|");
    for (size_t j = 0; j < table->n_columns; j++)
        buffer_append_cstr(out, table->columns[j].is_number ? " ---: |" : " --- |");
    for (size_t i = 0; i < table->n_rows; i++) {
        const bool is_best = (int)i == table->best_row;
        buffer_append_cstr(out, "\n|");
        for (size_t j = 0; j < table->n_columns; j++) {
            const Slice cell = table->cells[i * table->n_columns + j];
            const char *emphasis = is_best && slice_trim(cell).len > 0 ? "**" : "";
            buffer_printf(out, " %s", emphasis);
            text_markdown(out, cell);
            buffer_printf(out, "%s |", emphasis);
        }
    }
    buffer_append_byte(out, '\n');
    if (table->note.len == 0) return;
    buffer_append_byte(out, '\n');
    text_markdown(out, table->note);
    buffer_append_byte(out, '\n');
}

static void put_head(const RunView *view, Buffer *out)
{
    Buffer text = {0};
    buffer_append_cstr(out, "# ");
    text_markdown(out, view->suite);
    buffer_append_cstr(out, "\n\n");
    report_subtitle(view, &text);
    text_markdown(out, buffer_slice(&text));
    buffer_append_byte(out, '\n');
    for (size_t i = 0; i < view->n_tasks; i++) {
        buffer_clear(&text);
        report_verdict(view, (int)i, &text);
        buffer_append_byte(out, '\n');
        text_markdown(out, buffer_slice(&text));
        buffer_append_byte(out, '\n');
    }
    for (size_t i = 0; i < view->n_notes; i++) {
        buffer_append_cstr(out,
                           view->notes[i].level == NOTE_WARNING ? "\n> **Warning.** " : "\n> ");
        text_markdown(out, view->notes[i].text);
        buffer_append_byte(out, '\n');
    }
    if (text.failed) out->failed = true;
    buffer_release(&text);
}

Status render_markdown(const RunView *view, const ReportOptions *options, Buffer *out, Error *err)
{
    char mark[SHA256_HEX_SIZE];
    TRY(report_mark(view->inputs_hash, report_find(SLICE("markdown")), options, mark, err));
    buffer_printf(out, "<!-- %s %s -->\n\n", report_mark_label, mark);
    put_head(view, out);
    Arena arena = {0};
    ReportTable *tables = NULL;
    size_t n_tables = 0;
    const Status s = report_tables(view, &arena, &tables, &n_tables, err);
    for (size_t i = 0; s == STATUS_OK && i < n_tables; i++) put_table(&tables[i], out);
    arena_release(&arena);
    return s == STATUS_OK ? buffer_status(out, err) : s;
}
