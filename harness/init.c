#include "harness/init.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "base/size.h"
#include "harness/init_internal.h"

enum { MAX_COLUMNS_SHOWN = 12 };

// --- what the file is ----------------------------------------------------------------------------------------------

void init_list_columns(const Sniff *sniff, Buffer *out)
{
    const size_t n = size_min(sniff->n_columns, MAX_COLUMNS_SHOWN);
    for (size_t i = 0; i < n; i++) {
        const SniffColumn *column = &sniff->columns[i];
        buffer_append_cstr(out, i ? ", " : "");
        json_escape(out, slice_sub(column->name, 0, INIT_NAME_SHOWN));
        buffer_printf(out, " (%zu values, such as ", column->n_distinct);
        json_escape(out, column->sample);
        buffer_append_cstr(out, ")");
    }
    if (sniff->n_columns > n) buffer_printf(out, " and %zu more", sniff->n_columns - n);
}

static Status no_label_column(const Init *init, Error *err)
{
    Buffer columns = {0};
    init_list_columns(&init->sniff, &columns);
    const Status s = error_set(
        err, STATUS_INVALID, "%s: no column looks like classes; name the one that is. Columns: %s",
        init->path, columns.ptr ? columns.ptr : "none");
    buffer_release(&columns);
    return s;
}

static Status refuse_without_classes(const Init *init, Error *err)
{
    const Sniff *sniff = &init->sniff;
    switch (sniff->format) {
    case SNIFF_CONLL: // have suites of their own
    case SNIFF_SQUAD:
        break;
    case SNIFF_UNKNOWN:
        return error_set(err, STATUS_INVALID,
                         "%s: " SLICE_FMT
                         ". A suite needs TSV, CSV or JSON Lines with a text and a class "
                         "a row",
                         init->path, SLICE_ARG(sniff->why));
    case SNIFF_TSV:
    case SNIFF_CSV:
    case SNIFF_JSONL:
        return init->kind == INIT_CLASSES && sniff->label_column == SNIFF_NO_COLUMN &&
                       init->options->label.len == 0
                   ? no_label_column(init, err)
                   : STATUS_OK;
    case SNIFF_LINES:
        break;
    }
    return STATUS_OK;
}

// --- what is said of texts -----------------------------------------------------------------------------------------

// The columns that are labels by themselves: all but texts and ids hold 0 and 1, and there are two at least.
static Status choose_marks(Init *init, Error *err)
{
    const Sniff *sniff = &init->sniff;
    ReadAttribute *labels = NULL;
    size_t n = 0;
    if (sniff->label_is_named || init->options->label.len > 0) return STATUS_OK;
    TRY(arena_take(&init->sniff.arena, sniff->n_columns, sizeof *labels, "columns", &labels, err));
    for (int i = 0; i < (int)sniff->n_columns; i++) {
        if (i == sniff->text_column || i == sniff->pair_column || i == sniff->id_column) continue;
        if (sniff->columns[i].values != SNIFF_MARKS) return STATUS_OK;
        labels[n++] = (ReadAttribute){sniff->columns[i].name, sniff->columns[i].name};
    }
    if (n < 2) return STATUS_OK;
    init->kind = INIT_LABELS;
    init->read.columns.labels = labels;
    init->read.columns.n_labels = n;
    return STATUS_OK;
}

// Classes, labels or numbers, by the column asked for or found.
static void choose_kind(Init *init)
{
    const Sniff *sniff = &init->sniff;
    const Slice asked = init->options->label;
    int column = sniff->measure_column;
    if (sniff->format != SNIFF_TSV && sniff->format != SNIFF_CSV && sniff->format != SNIFF_JSONL)
        return;
    if (asked.len > 0) {
        column = SNIFF_NO_COLUMN;
        for (int i = 0; i < (int)sniff->n_columns; i++) {
            if (slice_eq(sniff->columns[i].name, asked)) column = i;
        }
    }
    if (column == SNIFF_NO_COLUMN) return;
    const SniffValues values = sniff->columns[column].values;
    if (values == SNIFF_NUMBERS) init->kind = INIT_NUMBERS;
    if (values == SNIFF_LISTS && sniff->format == SNIFF_JSONL) init->kind = INIT_LABELS;
}

// --- reading it ----------------------------------------------------------------------------------------------------

static Slice choose_column(const Sniff *sniff, Slice asked, int found)
{
    if (asked.len > 0) return asked;
    return found == SNIFF_NO_COLUMN ? (Slice){0} : sniff->columns[found].name;
}

static char usual_delimiter(SniffFormat format)
{
    if (format == SNIFF_TSV) return '\t';
    return format == SNIFF_CSV ? ',' : '\0';
}

static void choose_options(Init *init)
{
    const Sniff *sniff = &init->sniff;
    const InitOptions *o = init->options;
    const bool has_columns = sniff->format != SNIFF_LINES;
    const bool is_table = sniff->format == SNIFF_TSV || sniff->format == SNIFF_CSV;
    const Slice none = SLICE("");
    const ReadColumns marked = init->read.columns;
    init->read = (ReadOptions){.format = slice_from_cstr(sniff_format_name(sniff->format)),
                               .encoding = sniff->encoding,
                               .wants_label_set = init->kind == INIT_LABELS,
                               .wants_value = init->kind == INIT_NUMBERS};
    if (has_columns) {
        ReadColumns *columns = &init->read.columns;
        columns->text = choose_column(sniff, o->text, sniff->text_column);
        columns->label =
            choose_column(sniff, o->label,
                          init->kind == INIT_CLASSES ? sniff->label_column : sniff->measure_column);
        columns->labels = marked.labels;
        columns->n_labels = marked.n_labels;
        if (marked.n_labels > 0) columns->label = none;
        columns->pair = choose_column(sniff, o->pair, sniff->pair_column);
        columns->id = choose_column(sniff, (Slice){0}, sniff->id_column);
        // What is not there is said not to be there, so that reading does not look for it.
        if (columns->pair.len == 0) columns->pair = none;
        if (columns->id.len == 0) columns->id = none;
    }
    if (is_table) init->read.header = sniff->has_header ? READ_HEADER_YES : READ_HEADER_NO;
    if (sniff->delimiter != usual_delimiter(sniff->format)) init->read.delimiter = sniff->delimiter;
}

static bool each_class_stands_twice(const Dataset *data)
{
    for (size_t c = 0; c < data->n_labels; c++) {
        size_t n = 0;
        for (size_t i = 0; i < data->n_samples && n < 2; i++)
            n += data->samples[i].label == (int32_t)c;
        if (n < 2) return false;
    }
    return true;
}

// Lines that begin with their class ("1 a fine film"), as some data sets come: few first words, each of them often.
static bool try_label_first(Init *init)
{
    enum { MOST_CLASSES = 50, FEWEST_SAMPLES_A_CLASS = 5 };
    const ReadOptions as_lines = init->read;
    init->read = (ReadOptions){.format = SLICE("tsv"),
                               .columns = {.label = SLICE("1"),
                                           .text = SLICE("2"),
                                           .pair = {"", 0},
                                           .id = {"", 0},
                                           .group = {"", 0}},
                               .header = READ_HEADER_NO,
                               .delimiter = ' ',
                               .encoding = init->sniff.encoding};
    const size_t n_labels = dataset_read(init->path, &init->read, &init->data, NULL) == STATUS_OK
                                ? init->data.n_labels
                                : 0;
    if (n_labels >= 2 && n_labels <= MOST_CLASSES && each_class_stands_twice(&init->data) &&
        init->data.n_samples >= FEWEST_SAMPLES_A_CLASS * n_labels) {
        init->sniff.why = SLICE("every line begins with one of a few words, taken for its class");
        return true;
    }
    dataset_release(&init->data);
    init->read = as_lines;
    return false;
}

static Status read_data(Init *init, Error *err)
{
    const Status s = dataset_read(init->path, &init->read, &init->data, err);
    if (s == STATUS_OK || init->sniff.format != SNIFF_LINES) return s;
    if (try_label_first(init)) return STATUS_OK;
    return error_set(
        err, s,
        "%s: plain lines without a class; with a file that has their translations, line by line: "
        "assay init %s TARGETS; with classes in another file: a suite's \"format\": \"lines\" and "
        "\"labels_file\"",
        init->path, init->path);
}

static Status count_classes(Init *init, Error *err)
{
    const Dataset *data = &init->data;
    TRY(arena_take(&init->sniff.arena, data->n_labels, sizeof *init->counts, "classes",
                   &init->counts, err));
    for (size_t i = 0; i < data->n_samples; i++) {
        const Sample *sample = &data->samples[i];
        if (sample->label >= 0) init->counts[sample->label]++;
        for (size_t k = 0; k < sample->n_held; k++) init->counts[sample->held[k]]++;
    }
    init->smallest = SIZE_MAX;
    for (size_t i = 0; i < data->n_labels; i++) {
        init->smallest = size_min(init->smallest, init->counts[i]);
        init->largest = size_max(init->largest, init->counts[i]);
    }
    return STATUS_OK;
}

static Status check_labels(const Init *init, Error *err)
{
    const Dataset *data = &init->data;
    bool differs = false;
    if (init->kind == INIT_LABELS && init->largest == 0)
        return error_set(err, STATUS_INVALID, "%s: none of the %zu samples has a label", init->path,
                         data->n_samples);
    for (size_t i = 1; i < data->n_samples; i++)
        differs = differs || data->samples[i].value != data->samples[0].value;
    if (init->kind == INIT_NUMBERS && !differs)
        return error_set(err, STATUS_INVALID, "%s: all %zu samples have one number", init->path,
                         data->n_samples);
    return STATUS_OK;
}

static Status check_classes(const Init *init, Error *err)
{
    const Dataset *data = &init->data;
    const Slice label = init->read.columns.label;
    if (init->kind != INIT_CLASSES) return check_labels(init, err);
    if (data->n_labels < 2) {
        return error_set(err, STATUS_INVALID,
                         "%s: all %zu samples have one class; there is nothing to tell apart",
                         init->path, data->n_samples);
    }
    if (data->n_labels == data->n_samples || init->largest == 1) {
        return error_set(err, STATUS_INVALID,
                         "%s: no value of the column \"" SLICE_FMT
                         "\" stands twice, so it is no class; name the column that is",
                         init->path, SLICE_ARG(label));
    }
    return STATUS_OK;
}

static Status build(Init *init, Error *err)
{
    TRY(sniff_file(init->path, &init->sniff, err));
    if (init_is_translation(init->options, &init->sniff))
        return init_translate(init->path, init->options, &init->sniff, init->out, err);
    choose_kind(init);
    if (init->kind == INIT_CLASSES) TRY(choose_marks(init, err));
    TRY(refuse_without_classes(init, err));
    if (init->sniff.format == SNIFF_CONLL || init->sniff.format == SNIFF_SQUAD)
        return init_families(init->path, init->options, &init->sniff, init->out, err);
    choose_options(init);
    TRY(read_data(init, err));
    TRY(count_classes(init, err));
    TRY(check_classes(init, err));
    init_write(init);
    return buffer_status(init->out, err);
}

Status init_suite(const char *data_path, const InitOptions *options, Buffer *out, Error *err)
{
    static const InitOptions none = {0};
    Init init = {.path = data_path, .options = options ? options : &none, .out = out};
    const Status s = build(&init, err);
    dataset_release(&init.data);
    sniff_release(&init.sniff);
    return s;
}
