// The suite of a file of texts, or pairs, with classes, labels or numbers.
#include "base/file.h"
#include "base/json_writer.h"
#include "base/size.h"
#include "harness/init_internal.h"

enum {
    MAX_CLASSES_LISTED = 50,
    MAX_SUITE_NAME = 100, // bytes
    FOLDS_USUAL = 5,
    FOLDS_FEW = 3,
    // A class of the usual folds should leave something to learn from, to choose by and to judge on.
    ENOUGH_FOR_USUAL = 10,
    SAMPLES_A_FOLD = 4,
};
static const double IMBALANCE_NOTED = 3; // the largest class over the smallest

void init_put_member(Buffer *out, const char *key, Slice value)
{
    buffer_printf(out, "\"%s\": ", key);
    json_escape(out, value);
}

// A name in a comment: escaped, so that no line break leaves the comment.
void init_put_shown(Buffer *out, Slice name)
{
    json_escape(out, slice_sub(name, 0, INIT_NAME_SHOWN));
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
    return init->kind == INIT_CLASSES &&
           (double)init->largest >= IMBALANCE_NOTED * (double)init->smallest;
}

// What was found, and what a report sets every model beside.
static void put_found(const Init *init)
{
    Buffer *out = init->out;
    const Dataset *data = &init->data;
    buffer_printf(out, ": " SLICE_FMT ", %zu samples", SLICE_ARG(init->read.format),
                  data->n_samples);
    if (init->kind != INIT_NUMBERS)
        buffer_printf(out, ", %zu %s", data->n_labels,
                      init->kind == INIT_CLASSES ? "classes" : "labels, any number of them a text");
    else
        buffer_append_cstr(out, ", each with a number");
    buffer_append_cstr(out, ".\n");
}

static void put_baseline(const Init *init)
{
    Buffer *out = init->out;
    switch (init->kind) {
    case INIT_CLASSES:
        buffer_printf(
            out,
            "// Always answering with the largest class is right %.1f%% of the time: every "
            "model is shown beside that.\n",
            100 * (double)init->largest / (double)init->data.n_samples);
        break;
    case INIT_LABELS:
        buffer_append_cstr(out,
                           "// Every model is shown beside the labels that most texts have.\n");
        break;
    case INIT_NUMBERS:
        buffer_append_cstr(out,
                           "// Every model is shown beside the mean of what was learnt from.\n");
        break;
    }
}

static void put_head(const Init *init)
{
    Buffer *out = init->out;
    buffer_append_cstr(out, "// Written by `assay init` from ");
    init_put_shown(out, file_name_of(slice_from_cstr(init->path)));
    put_found(init);
    buffer_append_cstr(out, "// Why so: ");
    json_escape(out, init->sniff.why); // one sentence
    buffer_append_cstr(out, "\n//\n//     assay run THIS-FILE --dry-run     # the plan\n"
                            "//     assay run THIS-FILE\n//\n");
    put_baseline(init);
    buffer_append_cstr(out, "// Every key is explained in docs/suite.md.\n{\n  ");
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

// A column of 0 and 1 for each label.
static void put_label_columns(const Init *init, bool is_numbered)
{
    Buffer *out = init->out;
    const ReadColumns *columns = &init->read.columns;
    bool is_first = true;
    if (columns->n_labels == 0) return;
    buffer_append_cstr(out, ", \"label\": [");
    for (size_t i = 0; i < columns->n_labels; i++) {
        buffer_append_cstr(out, is_first ? "" : ", ");
        if (is_numbered)
            buffer_append(out, columns->labels[i].column);
        else
            json_escape(out, columns->labels[i].column);
        is_first = false;
    }
    buffer_append_cstr(out, "]");
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
    put_label_columns(init, is_numbered);
    put_column(out, "id", columns->id, is_numbered, &is_first);
    buffer_append_cstr(out, "},\n");
    if (init->sniff.n_columns > 2) {
        buffer_append_cstr(out, "      // Columns there are: ");
        init_list_columns(&init->sniff, out);
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
    const char *what = init->kind == INIT_CLASSES ? "classes" : "labels";
    if (init->kind == INIT_NUMBERS) return;
    if (data->n_labels > MAX_CLASSES_LISTED) {
        buffer_printf(out, "      // %zu %s, found in the file.\n", data->n_labels, what);
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

static void put_metrics_of_classes(const Init *init)
{
    Buffer *out = init->out;
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
}

static void put_metrics(const Init *init)
{
    Buffer *out = init->out;
    switch (init->kind) {
    case INIT_CLASSES:
        put_metrics_of_classes(init);
        break;
    case INIT_LABELS:
        buffer_append_cstr(
            out,
            "      // A label holds from this probability on.\n"
            "      \"threshold\": 0.5,\n"
            "      // F1 over all labels together; macro F1 and that of each label stand beside it.\n"
            "      \"metrics\": [\"multilabel_f1\", \"multilabel_average_precision\", "
            "\"subset_accuracy\"],\n");
        break;
    case INIT_NUMBERS:
        buffer_append_cstr(out, "      // Settings are chosen by the first one.\n"
                                "      \"metrics\": [\"pearson\", \"spearman\", \"mse\"],\n");
        break;
    }
}

static void put_task(const Init *init)
{
    Buffer *out = init->out;
    const Slice path =
        init->options->data_path.len > 0 ? init->options->data_path : slice_from_cstr(init->path);
    buffer_append_cstr(out, "  \"tasks\": [\n    {\n      ");
    init_put_member(out, "name", init_suite_name(init->path, init->options));
    if (init->kind != INIT_CLASSES)
        buffer_printf(out, ",\n      \"family\": \"%s\"",
                      init->kind == INIT_LABELS ? "multilabel" : "regression");
    buffer_append_cstr(
        out, ",\n      // A file to judge on apart from this one: \"data\": {\"train\": FILE, "
             "\"test\": FILE}, and no folds.\n      ");
    init_put_member(out, "data", path);
    buffer_append_cstr(out, ",\n");
    put_reading(init);
    put_labels(init);
    put_metrics(init);
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
    const bool has_classes = init->kind == INIT_CLASSES;
    const size_t of_all = size_max(2, size_min(init->data.n_samples / SAMPLES_A_FOLD, FOLDS_USUAL));
    const size_t k = !has_classes                         ? of_all
                     : init->smallest >= ENOUGH_FOR_USUAL ? FOLDS_USUAL
                     : init->smallest >= FOLDS_FEW        ? FOLDS_FEW
                                                          : 2;
    buffer_append_cstr(
        out,
        "  // Each fold is judged once, by models tuned on the others; the setting is chosen on the "
        "10% held out of those.\n");
    if (has_classes && k < FOLDS_USUAL) {
        buffer_printf(out, "  // Few folds, because the smallest class has %zu sample%s.\n",
                      init->smallest, init->smallest == 1 ? "" : "s");
    }
    buffer_printf(out, "  \"folds\": {\"k\": %zu, \"inner\": 0.1", k);
    if (has_classes && init->smallest < k) {
        buffer_append_cstr(out, ", \"allow_rare\": true");
    }
    buffer_append_cstr(out, "},\n\n  \"report\": {\"formats\": [\"html\", \"markdown\"]}\n}\n");
}

void init_write(const Init *init)
{
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
}
