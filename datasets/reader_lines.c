// Plain text: a sample a line, labels in a file beside it.
#include "base/file.h"
#include "base/input.h"
#include "datasets/label_sets.h"
#include "datasets/lines.h"
#include "datasets/readers.h"

Status dataset_labels_beside(Arena *arena, Slice path, char **out, Error *err)
{
    const Slice plain = input_plain_name(path), suffix = SLICE_LIT("_text.txt");
    *out = NULL;
    if (!slice_ends_with(plain, suffix)) return STATUS_OK;
    TRY(packed_or_not(arena, slice_sub(plain, 0, plain.len - suffix.len), SLICE("_labels.txt"), out,
                      err));
    if (!file_exists(*out)) *out = NULL;
    return STATUS_OK;
}

// The path of the labels: as given, else the file beside. NULL where neither is there.
static Status find_labels(const ReadInput *input, char **out, Error *err)
{
    const Slice given = input->options->labels_path;
    if (!given.len) return dataset_labels_beside(input->arena, input->path, out, err);
    *out = arena_cstr(input->arena, given);
    return *out ? STATUS_OK : error_set_memory(err, given.len, 1, "a path");
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
        if (has_label && label.len == 0 && !labels_may_be_empty(input->options)) {
            return error_set(err, STATUS_INVALID, "%s:%zu: the label is missing", labels_path,
                             sample.line);
        }
        TRY(labelled_add(input, &sample, has_label ? label : (Slice){0}, err));
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
