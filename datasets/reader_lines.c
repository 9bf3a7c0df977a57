// Plain text: a sample a line, labels in a file beside it.
#include "base/file.h"
#include "base/sha256.h"
#include "datasets/encoding.h"
#include "datasets/readers.h"

#include <string.h>

enum { MAX_LABELS_BYTES = 1 << 30 };

// Takes the next line off the front, without LF or CRLF. A break at the very end begins no further line.
static bool take_line(Slice *rest, Slice *line)
{
    if (rest->len == 0) return false;
    const size_t found = slice_find_byte(*rest, '\n');
    *line = slice_sub(*rest, 0, found);
    *rest = slice_sub(*rest, found == SIZE_MAX ? rest->len : found + 1, rest->len);
    if (line->len && line->ptr[line->len - 1] == '\r') line->len--;
    return true;
}

static size_t count_lines(Slice text)
{
    size_t n = 0;
    for (Slice line; take_line(&text, &line);) n++;
    return n;
}

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

// The data set is both files: its hash covers them.
static void mix_hash(char sha256[SHA256_HEX_SIZE], Slice labels)
{
    Sha256 hash;
    unsigned char digest[32];
    sha256_init(&hash);
    sha256_update_field(&hash, slice_from_cstr(sha256));
    sha256_update_field(&hash, labels);
    sha256_finish(&hash, digest);
    sha256_hex(digest, sha256);
}

static Status load_labels(const ReadInput *input, const char *path, Slice *out, Error *err)
{
    Slice bytes = {0};
    TRY(file_read(input->arena, path, MAX_LABELS_BYTES, &bytes, err));
    mix_hash(input->sha256, bytes);
    TRY(encoding_decode(input->arena, slice_from_cstr(path), bytes, input->options->encoding,
                        input->options->speech, out, err));
    const size_t n_labels = count_lines(*out), n_texts = count_lines(input->text);
    if (n_labels == n_texts) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     "%s has %zu lines, but " SLICE_FMT " has %zu: they must go together line by "
                     "line",
                     path, n_labels, SLICE_ARG(input->path), n_texts);
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
    if (labels_path) TRY(load_labels(input, labels_path, &labels, err));
    Sample sample = {.gold = SAMPLE_NO_LABEL};
    while (take_line(&texts, &sample.text)) {
        sample.line++;
        const bool has_label = labels_path && take_line(&labels, &label);
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
