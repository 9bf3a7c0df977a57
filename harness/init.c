#include "harness/init.h"

#include "base/file.h"
#include "base/json_writer.h"
#include "base/size.h"
#include "harness/init_internal.h"

enum {
    MAX_CLASSES_LISTED = 50,
    MAX_COLUMNS_SHOWN = 12,
    MAX_NAME_SHOWN = 60,
    MAX_SUITE_NAME = 100, // bytes
    FOLDS_USUAL = 5,
    FOLDS_FEW = 3,
    // A class of the usual folds should leave something to learn from, to choose by and to judge on.
    ENOUGH_FOR_USUAL = 10,
};
static const double IMBALANCE_NOTED = 3; // the largest class over the smallest

typedef struct Init {
    const char *path;
    const InitOptions *options;
    Sniff sniff;
    ReadOptions read;
    Dataset data;
    size_t *counts; // [data.n_labels], in sniff.arena
    size_t smallest, largest;
    Buffer *out;
} Init;

// --- what the file is ----------------------------------------------------------------------------------------------

// "1" (9 values, such as "a man, a plan"), ...
static void list_columns(const Sniff *sniff, Buffer *out)
{
    const size_t n = size_min(sniff->n_columns, MAX_COLUMNS_SHOWN);
    for (size_t i = 0; i < n; i++) {
        const SniffColumn *column = &sniff->columns[i];
        buffer_append_cstr(out, i ? ", " : "");
        json_escape(out, slice_sub(column->name, 0, MAX_NAME_SHOWN));
        buffer_printf(out, " (%zu values, such as ", column->n_distinct);
        json_escape(out, column->sample);
        buffer_append_cstr(out, ")");
    }
    if (sniff->n_columns > n) buffer_printf(out, " and %zu more", sniff->n_columns - n);
}

static Status no_label_column(const Init *init, Error *err)
{
    Buffer columns = {0};
    list_columns(&init->sniff, &columns);
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
        return sniff->label_column == SNIFF_NO_COLUMN && init->options->label.len == 0
                   ? no_label_column(init, err)
                   : STATUS_OK;
    case SNIFF_LINES:
        break;
    }
    return STATUS_OK;
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
    init->read = (ReadOptions){.format = slice_from_cstr(sniff_format_name(sniff->format)),
                               .encoding = sniff->encoding};
    if (has_columns) {
        ReadColumns *columns = &init->read.columns;
        columns->text = choose_column(sniff, o->text, sniff->text_column);
        columns->label = choose_column(sniff, o->label, sniff->label_column);
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
        if (data->samples[i].label >= 0) init->counts[data->samples[i].label]++;
    }
    init->smallest = SIZE_MAX;
    for (size_t i = 0; i < data->n_labels; i++) {
        init->smallest = size_min(init->smallest, init->counts[i]);
        init->largest = size_max(init->largest, init->counts[i]);
    }
    return STATUS_OK;
}

static Status check_classes(const Init *init, Error *err)
{
    const Dataset *data = &init->data;
    const Slice label = init->read.columns.label;
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

// --- writing the suite ---------------------------------------------------------------------------------------------

void init_put_member(Buffer *out, const char *key, Slice value)
{
    buffer_printf(out, "\"%s\": ", key);
    json_escape(out, value);
}

// A name in a comment: escaped, so that no line break leaves the comment.
void init_put_shown(Buffer *out, Slice name)
{
    json_escape(out, slice_sub(name, 0, MAX_NAME_SHOWN));
}

Slice init_suite_name(const char *path, const InitOptions *options)
{
    if (options->name.len > 0) return options->name;
    const Slice file = slice_sub(file_name_of(slice_from_cstr(path)), 0, MAX_SUITE_NAME);
    const size_t dot = slice_find_byte(file, '.');
    return dot == 0 || dot == SIZE_MAX ? file : slice_sub(file, 0, dot);
}

static bool is_imbalanced(const Init *init)
{
    return (double)init->largest >= IMBALANCE_NOTED * (double)init->smallest;
}

static void put_head(const Init *init)
{
    Buffer *out = init->out;
    const Dataset *data = &init->data;
    const double majority = (double)init->largest / (double)data->n_samples;
    buffer_append_cstr(out, "// Written by `assay init` from ");
    init_put_shown(out, file_name_of(slice_from_cstr(init->path)));
    buffer_printf(out, ": " SLICE_FMT ", %zu samples, %zu classes.\n", SLICE_ARG(init->read.format),
                  data->n_samples, data->n_labels);
    buffer_append_cstr(out, "// Why so: ");
    json_escape(out, init->sniff.why); // one sentence
    buffer_printf(
        out,
        "\n//\n//     assay run THIS-FILE --dry-run     # the plan\n"
        "//     assay run THIS-FILE\n//\n"
        "// Always answering with the largest class is right %.1f%% of the time: every model is shown "
        "beside that.\n"
        "// Every key is explained in docs/suite.md.\n{\n  ",
        100 * majority);
    init_put_member(out, "suite", init_suite_name(init->path, init->options));
    buffer_append_cstr(out, ",\n  \"seed\": 17,\n\n");
}

void init_put_models(const InitOptions *options, const char *name, const char *create,
                     const char *tune, Buffer *out)
{
    if (options->model_path.len > 0) {
        buffer_append_cstr(out, "  \"models\": [{\"name\": \"model\", ");
        init_put_member(out, "path", options->model_path);
        buffer_append_cstr(out, "}],\n\n");
        return;
    }
    buffer_append_cstr(
        out,
        "  // A small model from nothing, so that this runs at once. A pretrained one does far better:\n"
        "  //     {\"name\": \"saved\", \"path\": \"DIRECTORY\"}     or     assay run THIS-FILE --model "
        "saved=DIRECTORY\n");
    buffer_printf(
        out,
        "  \"models\": [\n"
        "    {\n"
        "      \"name\": \"%s\",\n"
        "      \"create\": {%s},\n"
        "      // From nothing: a higher rate and more epochs than weights want that have read "
        "much.\n"
        "      \"tune\": {%s}\n    }\n  ],\n\n",
        name, create, tune);
}

static void put_column(Buffer *out, const char *key, Slice column, bool is_numbered, bool *is_first)
{
    if (column.len == 0) return;
    buffer_printf(out, "%s\"%s\": ", *is_first ? "" : ", ", key);
    if (is_numbered) {
        buffer_append(out, column);
    } else {
        json_escape(out, column);
    }
    *is_first = false;
}

static void put_columns(const Init *init)
{
    Buffer *out = init->out;
    const ReadColumns *columns = &init->read.columns;
    const bool is_numbered = init->read.header == READ_HEADER_NO;
    bool is_first = true;
    buffer_append_cstr(out, "      \"columns\": {");
    put_column(out, "text", columns->text, is_numbered, &is_first);
    put_column(out, "pair", columns->pair, is_numbered, &is_first);
    put_column(out, "label", columns->label, is_numbered, &is_first);
    put_column(out, "id", columns->id, is_numbered, &is_first);
    buffer_append_cstr(out, "},\n");
    if (init->sniff.n_columns > 2) {
        buffer_append_cstr(out, "      // Columns there are: ");
        list_columns(&init->sniff, out);
        buffer_append_cstr(out,
                           ".\n      // One that says which samples belong together (a person, a "
                           "document): \"group\" in columns, \"grouped\" folds.\n");
    }
}

static void put_reading(const Init *init)
{
    Buffer *out = init->out;
    const char delimiter[2] = {init->read.delimiter, '\0'};
    buffer_append_cstr(out, "      ");
    init_put_member(out, "format", init->read.format);
    buffer_append_cstr(out, ",\n");
    if (init->read.header != READ_HEADER_AUTO) {
        buffer_printf(out, "      \"header\": %s,\n",
                      init->read.header == READ_HEADER_YES ? "true" : "false");
    }
    if (init->read.delimiter) {
        buffer_append_cstr(out, "      ");
        init_put_member(out, "delimiter",
                        init->read.delimiter == '\t' ? SLICE("tab") : slice_from_cstr(delimiter));
        buffer_append_cstr(out, ",\n");
    }
    if (init->read.encoding != ENCODING_UTF8) {
        buffer_append_cstr(out,
                           "      \"encoding\": \"windows-1252\", // its bytes are no UTF-8\n");
    }
    if (!slice_eq_cstr(init->read.format, "lines")) put_columns(init);
}

static void put_labels(const Init *init)
{
    Buffer *out = init->out;
    const Dataset *data = &init->data;
    if (data->n_labels > MAX_CLASSES_LISTED) {
        buffer_printf(out, "      // %zu classes, found in the file.\n", data->n_labels);
        return;
    }
    buffer_append_cstr(out, "      \"labels\": [\n");
    for (size_t i = 0; i < data->n_labels; i++) {
        buffer_append_cstr(out, "        ");
        json_escape(out, data->labels[i]);
        buffer_printf(out, "%s // %zu samples\n", i + 1 < data->n_labels ? "," : "",
                      init->counts[i]);
    }
    buffer_append_cstr(out, "      ],\n");
}

static void put_task(const Init *init)
{
    Buffer *out = init->out;
    const Slice path =
        init->options->data_path.len > 0 ? init->options->data_path : slice_from_cstr(init->path);
    buffer_append_cstr(out, "  \"tasks\": [\n    {\n      ");
    init_put_member(out, "name", init_suite_name(init->path, init->options));
    buffer_append_cstr(
        out, ",\n      // A file to judge on apart from this one: \"data\": {\"train\": FILE, "
             "\"test\": FILE}, and no folds.\n      ");
    init_put_member(out, "data", path);
    buffer_append_cstr(out, ",\n");
    put_reading(init);
    put_labels(init);
    buffer_append_cstr(out, "      \"metrics\": [\"accuracy\", \"f1\", \"mcc\", \"log_loss\"],\n");
    if (is_imbalanced(init)) {
        buffer_printf(
            out,
            "      // The largest class has %.1f times as many samples as the smallest: macro F1 gives "
            "each class the same say.\n      \"primary\": \"f1\",\n",
            (double)init->largest / (double)init->smallest);
    } else {
        buffer_append_cstr(out, "      // Settings are chosen by this one.\n"
                                "      \"primary\": \"accuracy\",\n");
    }
    buffer_append_cstr(
        out, "      // Tokens a text; longer ones are cut, and the report says how many were.\n"
             "      \"max_length\": 128\n    }\n  ],\n\n");
}

static void put_tune(const Init *init)
{
    Buffer *out = init->out;
    buffer_append_cstr(
        out,
        "  // Every array is an axis of the grid: these are values that suit pretrained encoders.\n"
        "  \"tune\": {\n"
        "    \"learning_rate\": [2e-5, 5e-5],\n"
        "    \"batch_size\": 16,\n"
        "    \"epochs\": 3,\n"
        "    \"warmup\": 0.1,\n"
        "    \"weight_decay\": 0.01");
    if (is_imbalanced(init)) {
        buffer_append_cstr(out,
                           ",\n    // Without and with more weight on rare classes in the loss.\n"
                           "    \"class_weights\": [\"none\", \"balanced\"]");
    }
    buffer_append_cstr(out, "\n  },\n\n");
}

static void put_folds(const Init *init)
{
    Buffer *out = init->out;
    const size_t k = init->smallest >= ENOUGH_FOR_USUAL ? FOLDS_USUAL
                     : init->smallest >= FOLDS_FEW      ? FOLDS_FEW
                                                        : 2;
    buffer_append_cstr(
        out,
        "  // Each fold is judged once, by models tuned on the others; the setting is chosen on the "
        "10% held out of those.\n");
    if (k < FOLDS_USUAL) {
        buffer_printf(out, "  // Few folds, because the smallest class has %zu sample%s.\n",
                      init->smallest, init->smallest == 1 ? "" : "s");
    }
    buffer_printf(out, "  \"folds\": {\"k\": %zu, \"inner\": 0.1", k);
    if (init->smallest < k) {
        buffer_append_cstr(out, ", \"allow_rare\": true");
    }
    buffer_append_cstr(out, "},\n\n  \"report\": {\"formats\": [\"html\", \"markdown\"]}\n}\n");
}

static Status build(Init *init, Error *err)
{
    TRY(sniff_file(init->path, &init->sniff, err));
    if (init_is_translation(init->options, &init->sniff))
        return init_translate(init->path, init->options, &init->sniff, init->out, err);
    TRY(refuse_without_classes(init, err));
    if (init->sniff.format == SNIFF_CONLL || init->sniff.format == SNIFF_SQUAD)
        return init_families(init->path, init->options, &init->sniff, init->out, err);
    choose_options(init);
    TRY(read_data(init, err));
    TRY(count_classes(init, err));
    TRY(check_classes(init, err));
    put_head(init);
    init_put_models(
        init->options, "small-encoder",
        "\"hidden_size\": 64, \"n_layers\": 2, \"n_heads\": 4, \"intermediate_size\": 256",
        is_imbalanced(init) ? "\"learning_rate\": [5e-4, 1e-3], \"epochs\": 10, \"warmup\": 0.1, "
                              "\"class_weights\": \"balanced\""
                            : "\"learning_rate\": [5e-4, 1e-3], \"epochs\": 10, \"warmup\": 0.1",
        init->out);
    put_task(init);
    put_tune(init);
    put_folds(init);
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
