// TSV and CSV.
#include "datasets/columns.h"
#include "datasets/readers.h"
#include "datasets/rows.h"
#include "datasets/text_index.h"

static Status ragged(const ReadInput *input, const RowReader *rows, const ColumnMap *map,
                     size_t first_line, Error *err)
{
    if (rows->is_blank) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT
                         ":%zu: the line is empty and others follow it, where line %zu has "
                         "%zu columns: take it away",
                         SLICE_ARG(input->path), rows->line, first_line, map->n_fields);
    }
    const char *delimiter = rows->delimiter == '\t'  ? "a tab"
                            : rows->delimiter == ',' ? "a comma"
                                                     : "a delimiter";
    return error_set(
        err, STATUS_INVALID,
        SLICE_FMT ":%zu: %zu column%s where line %zu has %zu: %s is missing, or one too "
                  "many stands inside a field%s",
        SLICE_ARG(input->path), rows->line, rows->n_fields, rows->n_fields == 1 ? "" : "s",
        first_line, map->n_fields, delimiter, rows->is_quoted ? " without quotes" : "");
}

// How often a byte stands in the next line from `at`.
static size_t count_in_line(Slice text, size_t *at, char byte)
{
    const size_t len = slice_find_byte(slice_sub(text, *at, text.len), '\n');
    const Slice line = slice_sub(text, *at, len == SIZE_MAX ? text.len : *at + len);
    size_t n = 0;
    for (size_t i = 0; i < line.len; i++) n += line.ptr[i] == byte;
    *at += line.len + 1;
    return n;
}

// Commas are not what stands between the columns of a file whose lines have none of them, and all the same number of
// semicolons or of tabs.
static Status check_delimiter(const ReadInput *input, const RowReader *rows, Error *err)
{
    static const struct {
        char byte;
        const char *option, *key;
    } others[] = {{';', "--delimiter ';'", "\"delimiter\": \"semicolon\""},
                  {'\t', "--delimiter tab", "\"delimiter\": \"tab\""}};
    const Slice text = slice_trim(input->text);
    if (input->options->delimiter || rows->delimiter != ',' ||
        slice_find_byte(text, ',') != SIZE_MAX)
        return STATUS_OK;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        size_t at = 0, n_lines = 1;
        const size_t n = count_in_line(text, &at, others[k].byte);
        bool is_even = n > 0;
        for (; is_even && at < text.len; n_lines++)
            is_even = count_in_line(text, &at, others[k].byte) == n;
        if (!is_even || n_lines < 2) continue;
        return error_set(
            err, STATUS_INVALID,
            SLICE_FMT ":1: there is no comma in the file, and %zu of '%s' in every line: are "
                      "its columns cut there? Then give %s",
            SLICE_ARG(input->path), n, others[k].byte == '\t' ? "\\t" : ";",
            input->options->speech == SPEECH_OPTIONS ? others[k].option : others[k].key);
    }
    return STATUS_OK;
}

// Only empty lines follow.
static bool is_at_end(const RowReader *rows)
{
    return slice_trim(slice_sub(rows->text, rows->at, rows->text.len)).len == 0;
}

// Whether a first row taken as data looks like headings after all: its label stands nowhere else, and every other label
// does, so that a class of one sample would be learnt from a heading.
typedef struct FirstRow {
    size_t line;
    Slice label; // empty where there is none, or where someone said whether there is a header
    TextIndex others;
    size_t *counts, capacity;
    size_t n_rows;
    bool is_repeated;
} FirstRow;

static Status count_label(FirstRow *first, Arena *arena, Slice label, Error *err)
{
    size_t index = 0;
    if (first->label.len == 0 || first->is_repeated) return STATUS_OK;
    if (first->n_rows++ == 0) return STATUS_OK;
    first->is_repeated = slice_eq(label, first->label);
    TRY(text_index_add(&first->others, label, &index, err));
    TRY(arena_make_room(arena, index, &first->capacity, sizeof *first->counts, "labels",
                        &first->counts, err));
    first->counts[index]++;
    return STATUS_OK;
}

static Status check_first_row(const ReadInput *input, const FirstRow *first, Error *err)
{
    enum { FEWEST_ROWS = 8 };
    if (first->label.len == 0 || first->is_repeated || first->n_rows < FEWEST_ROWS)
        return STATUS_OK;
    for (size_t i = 0; i < first->others.n; i++) {
        if (first->counts[i] < 2) return STATUS_OK;
    }
    const bool options = input->options->speech == SPEECH_OPTIONS;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT
                     ":%zu: the label \"" SLICE_FMT
                     "\" stands in this row alone: is it a heading? Say so with %s, or %s "
                     "where it is a sample",
                     SLICE_ARG(input->path), first->line, SLICE_ARG(slice_sub(first->label, 0, 80)),
                     options ? "--header yes" : "\"header\": true",
                     options ? "--header no" : "\"header\": false");
}

// The first row that is no blank line says what the columns are; *is_data where it is a sample too.
static Status take_first_row(const ReadInput *input, const RowReader *rows, ColumnMap *map,
                             FirstRow *first, bool *is_data, Error *err)
{
    first->line = rows->line;
    TRY(columns_resolve(input, rows->fields, rows->n_fields, first->line, map, err));
    *is_data = !map->has_header;
    if (input->options->wants_value || input->options->wants_label_set) return STATUS_OK;
    if (*is_data && input->options->header == READ_HEADER_AUTO &&
        map->role[COLUMN_LABEL] != NO_COLUMN)
        first->label = slice_trim(rows->fields[map->role[COLUMN_LABEL]]);
    return STATUS_OK;
}

static Status take_row(const ReadInput *input, const RowReader *rows, const ColumnMap *map,
                       FirstRow *first, Error *err)
{
    if (rows->n_fields != map->n_fields) return ragged(input, rows, map, first->line, err);
    TRY(columns_add_row(input, map, rows->fields, rows->line, err));
    if (first->label.len == 0) return STATUS_OK;
    return count_label(first, input->arena, slice_trim(rows->fields[map->role[COLUMN_LABEL]]), err);
}

static Status read_rows(const ReadInput *input, RowReader *rows, Error *err)
{
    FirstRow first = {.others = {.arena = input->arena}};
    ColumnMap map = {0};
    for (;;) {
        bool more, is_data = true;
        TRY(row_next(rows, &more, err));
        if (!more || (rows->is_blank && is_at_end(rows)))
            return check_first_row(input, &first, err);
        if (first.line == 0 && rows->is_blank) continue; // above the first row
        if (first.line == 0) TRY(take_first_row(input, rows, &map, &first, &is_data, err));
        if (is_data) TRY(take_row(input, rows, &map, &first, err));
    }
}

static Status read_delimited(const ReadInput *input, char delimiter, bool is_quoted, Error *err)
{
    if (input->options->delimiter) delimiter = input->options->delimiter;
    RowReader rows = {.path = input->path,
                      .text = input->text,
                      .arena = input->arena,
                      .delimiter = delimiter,
                      .is_quoted = is_quoted};
    TRY(check_delimiter(input, &rows, err));
    if (delimiter == ' ') {
        rows.max_fields = columns_highest_number(&input->options->columns);
        if (rows.max_fields == 0) {
            return error_set(
                err, STATUS_INVALID,
                SLICE_FMT
                ": a space as delimiter needs columns by number, such as %s: the last one "
                "takes the rest of the line",
                SLICE_ARG(input->path),
                input->options->speech == SPEECH_OPTIONS
                    ? "--label 1 --text 2"
                    : "\"columns\": {\"label\": 1, \"text\": 2}");
        }
    }
    return read_rows(input, &rows, err);
}

static Status read_tsv(const ReadInput *input, Error *err)
{
    return read_delimited(input, '\t', false, err);
}

static Status read_csv(const ReadInput *input, Error *err)
{
    return read_delimited(input, ',', true, err);
}

static const char *const tsv_extensions[] = {".tsv", ".tab", NULL};
static const char *const csv_extensions[] = {".csv", NULL};

const Reader reader_tsv = {
    .name = "tsv",
    .summary = "a sample a line, columns between tabs, no quoting; with or without a header",
    .extensions = tsv_extensions,
    .read = read_tsv,
};

const Reader reader_csv = {
    .name = "csv",
    .summary = "comma-separated values (RFC 4180: quoted fields may hold commas and line breaks)",
    .extensions = csv_extensions,
    .read = read_csv,
};
