// TSV and CSV.
#include "datasets/columns.h"
#include "datasets/readers.h"
#include "datasets/rows.h"

static Status ragged(const ReadInput *input, const RowReader *rows, const ColumnMap *map,
                     size_t first_line, Error *err)
{
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

// Only empty lines follow.
static bool is_at_end(const RowReader *rows)
{
    return slice_trim(slice_sub(rows->text, rows->at, rows->text.len)).len == 0;
}

static Status read_rows(const ReadInput *input, RowReader *rows, Error *err)
{
    ColumnMap map = {0};
    bool more;
    size_t first_line = 0;
    for (;;) {
        TRY(row_next(rows, &more, err));
        if (!more) return STATUS_OK;
        if (rows->is_blank && is_at_end(rows)) return STATUS_OK;
        if (first_line == 0) {
            if (rows->is_blank) continue; // above the first row
            first_line = rows->line;
            TRY(columns_resolve(input, rows->fields, rows->n_fields, first_line, &map, err));
            if (map.has_header) continue;
        }
        if (rows->n_fields != map.n_fields) return ragged(input, rows, &map, first_line, err);
        TRY(columns_add_row(input, &map, rows->fields, rows->line, err));
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
    if (delimiter == ' ') {
        rows.max_fields = columns_highest_number(&input->options->columns);
        if (rows.max_fields == 0) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT
                             ": a space as delimiter needs columns by number, such as "
                             "\"columns\": {\"label\": 1, \"text\": 2}: the last one takes "
                             "the rest of the line",
                             SLICE_ARG(input->path));
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
