#include "datasets/sniff_table.h"

#include "base/unicode.h"
#include "datasets/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 60, FEW_CLASSES = 20 };

Status sniff_table_init(SniffTable *table, Arena *scratch, Error *err)
{
    *table = (SniffTable){.arena = scratch};
    return arena_take(scratch, SNIFF_MAX_COLUMNS, sizeof *table->columns, "columns",
                      &table->columns, err);
}

static bool is_mark(Slice value)
{
    static const char *const marks[] = {"0", "1", "true", "false", "True", "False"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (slice_eq_cstr(value, marks[i])) return true;
    }
    return false;
}

static void look_at_value(SniffStats *stats, Slice value)
{
    double number = 0;
    stats->are_numbers = stats->are_numbers && slice_to_double(value, &number);
    stats->are_whole = stats->are_whole && stats->are_numbers && number == floor(number);
    stats->are_marks = stats->are_marks && is_mark(value);
    stats->are_lists = stats->are_lists && value.ptr[0] == '[' && value.ptr[value.len - 1] == ']';
}

Status sniff_table_add(SniffTable *table, size_t column, Slice value, Error *err)
{
    if (column >= SNIFF_MAX_COLUMNS) return STATUS_OK;
    SniffStats *stats = &table->columns[column];
    if (column == table->n_columns) {
        table->n_columns++;
        stats->values.arena = table->arena;
        stats->are_numbers = stats->are_whole = stats->are_marks = stats->are_lists = true;
        TRY(arena_take(table->arena, SNIFF_MAX_DISTINCT, sizeof *stats->counts, "columns",
                       &stats->counts, err));
    }
    if (stats->n++ == 0) stats->first = value;
    stats->sum_length += (double)utf8_count(value);
    value = slice_trim(value);
    if (value.len) look_at_value(stats, value);
    size_t index = text_index_find(&stats->values, value);
    if (index == SIZE_MAX && stats->values.n == SNIFF_MAX_DISTINCT) {
        stats->is_full = true;
        return STATUS_OK;
    }
    TRY(text_index_add(&stats->values, value, &index, err));
    stats->counts[index]++;
    return STATUS_OK;
}

static bool is_default_name(Slice name)
{
    for (int role = 0; role < N_COLUMN_ROLES; role++) {
        if (column_default_rank((ColumnRole)role, false, name) != SIZE_MAX) return true;
    }
    return false;
}

bool sniff_table_is_header(const SniffTable *table, const Slice *fields, size_t n_fields)
{
    bool has_known_name = false, has_words_over_numbers = false, has_new_word = false;
    for (size_t i = 0; i < n_fields && i < table->n_columns; i++) {
        const SniffStats *stats = &table->columns[i];
        const Slice field = slice_trim(fields[i]);
        double number;
        // A heading is no value of its own column, and no number.
        if (text_index_find(&stats->values, field) != SIZE_MAX && field.len) return false;
        if (slice_to_double(field, &number)) return false;
        has_known_name = has_known_name || is_default_name(field);
        // An index often stands under no heading.
        has_words_over_numbers =
            has_words_over_numbers || (stats->are_numbers && (field.len || i == 0));
        has_new_word = has_new_word || stats->values.n * 5 <= table->n_records;
    }
    return has_known_name || ((has_words_over_numbers || has_new_word) && table->n_records > 1);
}

static size_t n_distinct(const SniffStats *stats)
{
    return stats->values.n + stats->is_full;
}

static double mean_length(const SniffStats *stats)
{
    return stats->n ? stats->sum_length / (double)stats->n : 0;
}

// The column that bears a role's first default name.
static int named_column(const SniffTable *table, ColumnRole role)
{
    int best = SNIFF_NO_COLUMN;
    size_t best_rank = SIZE_MAX;
    for (size_t i = 0; i < table->n_columns; i++) {
        const size_t rank = column_default_rank(role, false, table->columns[i].name);
        if (rank >= best_rank) continue;
        best = (int)i;
        best_rank = rank;
    }
    return best;
}

// Few enough values to be classes: two or more, at most 20 or a tenth of the records.
static bool could_be_label(const SniffTable *table, const SniffStats *stats)
{
    const size_t n = n_distinct(stats);
    return !stats->is_full && n >= 2 && (n <= FEW_CLASSES || n <= table->n_records / 10) &&
           (n < table->n_records || table->n_records < 10);
}

static int longest_column(const SniffTable *table, int but)
{
    int best = SNIFF_NO_COLUMN;
    for (int i = 0; i < (int)table->n_columns; i++) {
        const SniffStats *stats = &table->columns[i];
        if (i == but || stats->are_numbers) continue;
        if (best != SNIFF_NO_COLUMN && mean_length(stats) <= mean_length(&table->columns[best]))
            continue;
        best = i;
    }
    return best;
}

// Of the columns that could be the label, the one with the fewest values; the later one on ties.
static int likely_label(const SniffTable *table, int text, int pair, int id)
{
    int best = SNIFF_NO_COLUMN;
    for (int i = 0; i < (int)table->n_columns; i++) {
        const SniffStats *stats = &table->columns[i];
        if (i == text || i == pair || i == id || !could_be_label(table, stats)) continue;
        if (best != SNIFF_NO_COLUMN && n_distinct(stats) > n_distinct(&table->columns[best]))
            continue;
        best = i;
    }
    return best;
}

static SniffValues values_of(const SniffStats *stats)
{
    enum { FEW_MEASURES = 10 };
    if (stats->values.n == 0 || (stats->values.n == 1 && stats->values.keys[0].len == 0))
        return SNIFF_WORDS;
    if (stats->are_lists) return SNIFF_LISTS;
    if (stats->are_marks) return SNIFF_MARKS;
    const bool measures = stats->is_full || (!stats->are_whole && n_distinct(stats) > FEW_MEASURES);
    return stats->are_numbers && measures ? SNIFF_NUMBERS : SNIFF_WORDS;
}

static void choose_columns(const SniffTable *table, Sniff *out)
{
    if (table->is_of_tags) {
        out->label_column = 0;
        return;
    }
    out->id_column = named_column(table, COLUMN_ID);
    out->pair_column = named_column(table, COLUMN_PAIR);
    out->label_column = named_column(table, COLUMN_LABEL);
    if (out->label_column != SNIFF_NO_COLUMN) {
        const SniffStats *stats = &table->columns[out->label_column];
        const SniffValues values = values_of(stats);
        if (values == SNIFF_NUMBERS || values == SNIFF_LISTS)
            out->measure_column = out->label_column;
        if (stats->is_full || out->measure_column != SNIFF_NO_COLUMN)
            out->label_column = SNIFF_NO_COLUMN; // a number or a text of that name
        out->label_is_named = out->label_column != SNIFF_NO_COLUMN;
    }
    out->text_column = named_column(table, COLUMN_TEXT);
    if (out->text_column == SNIFF_NO_COLUMN) {
        out->text_column =
            longest_column(table, out->measure_column != SNIFF_NO_COLUMN ? out->measure_column
                                                                         : out->label_column);
    }
    if (out->label_column == SNIFF_NO_COLUMN && out->measure_column == SNIFF_NO_COLUMN) {
        out->label_column = likely_label(table, out->text_column, out->pair_column, out->id_column);
    }
}

static int compare_names(const void *left, const void *right)
{
    return slice_cmp(((const SniffClass *)left)->name, ((const SniffClass *)right)->name);
}

static int compare_values(const void *left, const void *right)
{
    int64_t a = 0, b = 0;
    const bool are_integers = slice_to_i64(((const SniffClass *)left)->name, &a) &&
                              slice_to_i64(((const SniffClass *)right)->name, &b);
    if (are_integers && a != b) return a < b ? -1 : 1;
    return compare_names(left, right);
}

static Status list_classes(const SniffStats *stats, Sniff *out, Error *err)
{
    bool are_integers = true;
    int64_t ignored;
    TRY(arena_take(&out->arena, stats->values.n, sizeof *out->classes, "classes", &out->classes,
                   err));
    for (size_t i = 0; i < stats->values.n; i++) {
        const Slice name = stats->values.keys[i];
        if (name.len == 0) continue; // a missing label
        SniffClass *added = &out->classes[out->n_classes++];
        *added = (SniffClass){arena_copy(&out->arena, name), stats->counts[i]};
        if (!added->name.ptr) return error_set_memory(err, name.len, 1, "a class");
        are_integers = are_integers && slice_to_i64(name, &ignored);
    }
    if (out->n_classes) {
        qsort(out->classes, out->n_classes, sizeof *out->classes,
              are_integers ? compare_values : compare_names);
    }
    return STATUS_OK;
}

static Slice cut_text(Slice text)
{
    if (text.len <= SHOWN_BYTES) return text;
    size_t cut = SHOWN_BYTES; // not inside a code point
    while (cut > 0 && ((unsigned char)text.ptr[cut] & 0xC0) == 0x80) cut--;
    return slice_sub(text, 0, cut);
}

Status sniff_table_finish(const SniffTable *table, Sniff *out, Error *err)
{
    out->n_records = table->n_records;
    TRY(arena_take(&out->arena, table->n_columns, sizeof *out->columns, "columns", &out->columns,
                   err));
    for (size_t i = 0; i < table->n_columns; i++) {
        const SniffStats *stats = &table->columns[i];
        SniffColumn *column = &out->columns[out->n_columns++];
        column->name = stats->name.len ? arena_copy(&out->arena, stats->name)
                                       : slice_from_cstr(arena_printf(&out->arena, "%zu", i + 1));
        column->sample = arena_copy(&out->arena, cut_text(stats->first));
        if (!column->name.ptr || !column->sample.ptr) {
            return error_set_memory(err, SHOWN_BYTES, 1, "a column");
        }
        column->values = values_of(stats);
        column->n_distinct = n_distinct(stats);
        column->mean_length = mean_length(stats);
    }
    choose_columns(table, out);
    return out->label_column == SNIFF_NO_COLUMN
               ? STATUS_OK
               : list_classes(&table->columns[out->label_column], out, err);
}
