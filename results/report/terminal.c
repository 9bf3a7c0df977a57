// results/report/terminal.c: tables aligned by the columns that text takes on a terminal.
#include "base/unicode.h"
#include "results/keep.h"
#include "results/report/report_internal.h"

enum { DEFAULT_WIDTH = 100, LEAST_TEXT_COLUMNS = 16, LEAST_WORD_COLUMNS = 8, GAP_COLUMNS = 2 };

typedef struct Terminal {
    Buffer *out;
    size_t width;
    bool colour;
} Terminal;

static void style(const Terminal *t, const char *code)
{
    if (t->colour) buffer_printf(t->out, "\x1b[%sm", code);
}

// At most `columns` of a text, an ellipsis in place of the rest, padded on the left or right.
static void put_cell(const Terminal *t, Slice text, size_t columns, bool is_number, bool is_last)
{
    const size_t total = unicode_text_columns(text);
    size_t used = 0, end = 0;
    if (total <= columns) {
        used = total;
        end = text.len;
    }
    for (size_t i = 0; total > columns && i < text.len;) {
        const CodePoint c = utf8_next(text, &i);
        const size_t w = c < 0 ? 1 : (size_t)unicode_columns(c);
        if (used + w + 1 > columns) break;
        used += w;
        end = i;
    }
    for (size_t i = used; is_number && i < columns; i++) buffer_append_byte(t->out, ' ');
    buffer_append(t->out, slice_sub(text, 0, end));
    if (total > columns) {
        buffer_append_cstr(t->out, "\xe2\x80\xa6");
        used++;
    }
    for (size_t i = used; !is_number && !is_last && i < columns; i++)
        buffer_append_byte(t->out, ' ');
}

static size_t total_columns(const ReportTable *table, const size_t *columns)
{
    size_t total = 0;
    for (size_t j = 0; j < table->n_columns; j++)
        total += columns[j] > 0 ? columns[j] + GAP_COLUMNS : 0;
    return total > 0 ? total - GAP_COLUMNS : 0;
}

static size_t widest_of(const ReportTable *table, const size_t *columns, bool texts_only)
{
    size_t widest = SIZE_MAX;
    for (size_t j = 0; j < table->n_columns; j++) {
        const bool gives_way =
            texts_only ? table->columns[j].is_text : !table->columns[j].is_number;
        if (gives_way && (widest == SIZE_MAX || columns[j] > columns[widest])) widest = j;
    }
    return widest;
}

// Columns as wide as their widest cell. Where the line is too long, long texts shrink, then optional columns go (width 0),
// from the right, then words shrink. Numbers are never cut: rather the line runs over.
static void fit_columns(const ReportTable *table, const Slice *plain, size_t width, size_t *columns)
{
    for (size_t j = 0; j < table->n_columns; j++) {
        columns[j] = 1;
        for (size_t i = 0; i <= table->n_rows; i++) {
            const size_t w = unicode_text_columns(plain[i * table->n_columns + j]);
            if (w > columns[j]) columns[j] = w;
        }
    }
    for (size_t j = widest_of(table, columns, true);
         j != SIZE_MAX && columns[j] > LEAST_TEXT_COLUMNS && total_columns(table, columns) > width;
         j = widest_of(table, columns, true))
        columns[j]--;
    for (size_t j = table->n_columns; j > 0 && total_columns(table, columns) > width; j--) {
        if (table->columns[j - 1].is_optional) columns[j - 1] = 0;
    }
    for (size_t j = widest_of(table, columns, false);
         j != SIZE_MAX && columns[j] > LEAST_WORD_COLUMNS && total_columns(table, columns) > width;
         j = widest_of(table, columns, false))
        columns[j]--;
}

// Words of a paragraph, broken at the terminal's width.
static void put_paragraph(const Terminal *t, Slice text)
{
    size_t used = 0;
    Slice word;
    while (slice_split(&text, ' ', &word)) {
        const size_t w = unicode_text_columns(word);
        if (used > 0 && used + 1 + w > t->width) {
            buffer_append_byte(t->out, '\n');
            used = 0;
        }
        if (used > 0) {
            buffer_append_byte(t->out, ' ');
            used++;
        }
        buffer_append(t->out, word);
        used += w;
    }
    buffer_append_byte(t->out, '\n');
}

static void put_paragraph_plain(const Terminal *t, Slice text)
{
    Buffer plain = {0};
    text_plain(&plain, text);
    if (plain.failed) t->out->failed = true;
    put_paragraph(t, buffer_slice(&plain));
    buffer_release(&plain);
}

// Takes from a text what fits a line of so many columns: up to a blank where there is one, else to the last character that fits.
static Slice take_line(Slice *text, size_t columns)
{
    size_t used = 0, end = 0, blank = 0;
    while (end < text->len) {
        size_t next = end;
        const CodePoint c = utf8_next(*text, &next);
        used += c < 0 ? 1 : (size_t)unicode_columns(c);
        if (used > columns) break;
        end = next;
        if (c == ' ') blank = end;
    }
    if (end < text->len && text->ptr[end] == ' ') blank = end;
    const size_t cut = end == text->len || blank == 0 ? end : blank;
    const Slice line = slice_trim(slice_sub(*text, 0, cut));
    *text = cut == 0 ? (Slice){0} : slice_sub(*text, cut, text->len);
    while (text->len > 0 && text->ptr[0] == ' ') *text = slice_sub(*text, 1, text->len);
    return line;
}

// Words (names of settings, say) are never cut: what does not fit goes on in further lines. Long texts are.
static void put_row(const Terminal *t, const ReportTable *table, Slice *cells,
                    const size_t *columns)
{
    bool is_first = true, is_left = true;
    for (; is_left; is_first = false) {
        is_left = false;
        for (size_t j = 0; j < table->n_columns; j++) {
            const bool wraps = !table->columns[j].is_number && !table->columns[j].is_text;
            if (columns[j] == 0) continue;
            if (j > 0) buffer_append_cstr(t->out, "  ");
            const Slice line = wraps      ? take_line(&cells[j], columns[j])
                               : is_first ? cells[j]
                                          : SLICE("");
            is_left = is_left || (wraps && cells[j].len > 0);
            put_cell(t, line, columns[j], table->columns[j].is_number, j + 1 == table->n_columns);
        }
        buffer_append_byte(t->out, '\n');
    }
}

static void put_rows(const Terminal *t, const ReportTable *table, Slice *plain,
                     const size_t *columns)
{
    for (size_t i = 0; i <= table->n_rows; i++) {
        const bool is_best = i > 0 && (int)i - 1 == table->best_row;
        if (i == 0) style(t, "4");
        if (is_best) style(t, "1");
        put_row(t, table, plain + i * table->n_columns, columns);
        if (i == 0 || is_best) style(t, "0");
    }
}

static Status put_table(const Terminal *t, const ReportTable *table, Arena *arena, Error *err)
{
    if (table->n_rows == 0) return STATUS_OK;
    Slice *plain = NULL;
    size_t *columns = NULL;
    TRY(arena_take(arena, (table->n_rows + 1) * table->n_columns, sizeof *plain, "cells", &plain,
                   err));
    TRY(arena_take(arena, table->n_columns, sizeof *columns, "columns", &columns, err));
    Buffer text = {0};
    for (size_t i = 0; i < (table->n_rows + 1) * table->n_columns; i++) {
        buffer_clear(&text);
        text_plain(&text, i < table->n_columns ? table->columns[i].name
                                               : table->cells[i - table->n_columns]);
        plain[i] = keep_text(arena, buffer_slice(&text), &text.failed);
    }
    const Status s = buffer_status(&text, err);
    buffer_release(&text);
    TRY(s);
    buffer_append_byte(t->out, '\n');
    style(t, "1");
    put_paragraph_plain(t, table->title);
    style(t, "0");
    fit_columns(table, plain, t->width, columns);
    put_rows(t, table, plain, columns);
    style(t, "2");
    if (table->note.len > 0) put_paragraph_plain(t, table->note);
    style(t, "0");
    return STATUS_OK;
}

static void put_head(const Terminal *t, const RunView *view)
{
    Buffer text = {0};
    style(t, "1");
    put_paragraph_plain(t, view->suite);
    style(t, "0");
    report_subtitle(view, &text);
    put_paragraph_plain(t, buffer_slice(&text));
    for (size_t i = 0; i < view->n_tasks; i++) {
        buffer_clear(&text);
        report_verdict(view, (int)i, &text);
        buffer_append_byte(t->out, '\n');
        put_paragraph_plain(t, buffer_slice(&text));
    }
    if (text.failed) t->out->failed = true;
    buffer_release(&text);
}

static void put_notes(const Terminal *t, const RunView *view)
{
    for (size_t i = 0; i < view->n_notes; i++) {
        Buffer text = {0};
        buffer_append_cstr(&text, view->notes[i].level == NOTE_WARNING ? "warning: " : "note: ");
        buffer_append(&text, view->notes[i].text);
        buffer_append_byte(t->out, '\n');
        if (view->notes[i].level == NOTE_WARNING) style(t, "33");
        put_paragraph_plain(t, buffer_slice(&text));
        if (view->notes[i].level == NOTE_WARNING) style(t, "0");
        if (text.failed) t->out->failed = true;
        buffer_release(&text);
    }
}

Status render_terminal(const RunView *view, const ReportOptions *options, Buffer *out, Error *err)
{
    const Terminal t = {out, options->width == 0 ? DEFAULT_WIDTH : options->width, options->colour};
    Arena arena = {0};
    Status s = STATUS_OK;
    put_head(&t, view);
    put_notes(&t, view);
    for (size_t i = 0; s == STATUS_OK && i < view->n_tasks; i++) {
        ReportTable tables[5], slices;
        s = table_scores(view, (int)i, &arena, &tables[0], err);
        if (s == STATUS_OK) s = table_curve(view, (int)i, &arena, &tables[1], err);
        if (s == STATUS_OK) s = table_after(view, (int)i, &arena, &tables[2], err);
        if (s == STATUS_OK) s = table_settings(view, (int)i, &arena, &tables[3], err);
        if (s == STATUS_OK) s = table_folds(view, (int)i, &arena, &tables[4], err);
        for (size_t j = 0; s == STATUS_OK && j < 5; j++) s = put_table(&t, &tables[j], &arena, err);
        for (size_t m = 0; s == STATUS_OK && m < view->n_models; m++) {
            s = table_slices(view, (int)m, (int)i, false, &arena, &slices, err);
            if (s == STATUS_OK) s = put_table(&t, &slices, &arena, err);
        }
    }
    arena_release(&arena);
    return s == STATUS_OK ? buffer_status(out, err) : s;
}
