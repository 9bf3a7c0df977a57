// Plain text: a sample a line, labels in a file beside it.
#include "base/file.h"
#include "datasets/lines.h"
#include "datasets/readers.h"

// The path of the labels: as given, else X_labels.txt beside X_text.txt. NULL where neither is there.
static Status find_labels(const ReadInput *input, char **out, Error *err)
{
    const Slice given = input->options->labels_path, suffix = SLICE_LIT("_text.txt");
    *out = NULL;
    if (given.len) {
        *out = arena_cstr(input->arena, given);
    } else if (slice_ends_with(input->path, suffix)) {
        *out = arena_printf(input->arena, SLICE_FMT "_labels.txt",
                            SLICE_ARG(slice_sub(input->path, 0, input->path.len - suffix.len)));
    } else {
        return STATUS_OK;
    }
    if (!*out) return error_set_memory(err, input->path.len, 1, "a path");
    if (!given.len && !file_exists(*out)) *out = NULL;
    return STATUS_OK;
}

static Status read_lines(const ReadInput *input, Error *err)
{
    char *labels_path = NULL;
    Slice texts = input->text, labels = {0}, label = {0};
    TRY(find_labels(input, &labels_path, err));
    if (!labels_path && !input->options->label_optional) {
        return error_set(
            err, STATUS_INVALID,
            SLICE_FMT
            ": a file of plain lines has no labels: name the file that holds "
            "them, a line a sample, with \"labels_file\" in a suite's task, or give the file "
            "another format",
            SLICE_ARG(input->path));
    }
    if (labels_path) TRY(second_file_read(input, labels_path, &labels, err));
    Sample sample = {.gold = SAMPLE_NO_LABEL};
    while (line_take(&texts, &sample.text)) {
        sample.line++;
        const bool has_label = labels_path && line_take(&labels, &label);
        label = slice_trim(label);
        if (has_label && label.len == 0 && !input->options->label_optional) {
            return error_set(err, STATUS_INVALID, "%s:%zu: the label is missing", labels_path,
                             sample.line);
        }
        const bool is_given = has_label && label.len > 0;
        TRY(dataset_builder_add(input->builder, &sample, is_given ? &label : NULL, err));
    }
    return STATUS_OK;
}

static const char *const lines_extensions[] = {".txt", NULL};

const Reader reader_lines = {
    .name = "lines",
    .summary = "plain text, a sample a line; labels a line each in a second file",
    .extensions = lines_extensions,
    .read = read_lines,
};
