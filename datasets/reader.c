#include "datasets/reader.h"

#include "base/file.h"
#include "base/input.h"
#include "base/name_list.h"
#include "datasets/encoding.h"
#include "datasets/readers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_FILE_BYTES ((size_t)4 << 30)

const Reader *const readers_all[] = {&reader_tsv,        &reader_csv,
                                     &reader_jsonl,      &reader_lines,
                                     &reader_parallel,   &reader_conll,
                                     &reader_squad,      &reader_crows_pairs,
                                     &reader_stereoset,  &reader_bbq,
                                     &reader_winobias,   &reader_winobias_coreference,
                                     &reader_winogender, &reader_winogender_coreference,
                                     &reader_seat,       &reader_hellaswag};
const size_t readers_count = sizeof readers_all / sizeof *readers_all;

static bool has_extension(const Reader *reader, Slice path)
{
    path = input_plain_name(path);
    for (size_t i = 0; reader->extensions[i]; i++) {
        const Slice extension = slice_from_cstr(reader->extensions[i]);
        if (path.len > extension.len &&
            strncasecmp(path.ptr + path.len - extension.len, extension.ptr, extension.len) == 0) {
            return true;
        }
    }
    return false;
}

Status reader_for(Slice path, Slice name, const Reader **out, Error *err)
{
    const char *names[64];
    for (size_t i = 0; i < readers_count; i++) {
        names[i] = readers_all[i]->name;
        const bool fits =
            name.len ? slice_eq_cstr(name, names[i]) : has_extension(readers_all[i], path);
        if (!fits) continue;
        *out = readers_all[i];
        return STATUS_OK;
    }
    NameList known = {0};
    for (size_t i = 0; i < readers_count; i++) name_list_add_cstr(&known, names[i]);
    if (!name.len) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT
                         ": the name does not tell the format: say it with \"format\": one "
                         "of %s",
                         SLICE_ARG(path), known.text);
    }
    const char *nearest = nearest_name(name, names, readers_count);
    return error_set(err, STATUS_INVALID, "unknown format \"" SLICE_FMT "\"%s%s%s; there are %s",
                     SLICE_ARG(slice_sub(name, 0, 80)), nearest ? "; did you mean \"" : "",
                     nearest ? nearest : "", nearest ? "\"?" : "", known.text);
}

// Lines that end in carriage returns alone would all be one. A JSON document may have them.
static Status check_line_ends(const ReadInput *input, Error *err)
{
    const Slice text = slice_trim(input->text);
    if (slice_find_byte(text, '\r') == SIZE_MAX || slice_find_byte(text, '\n') != SIZE_MAX)
        return STATUS_OK;
    if (text.ptr[0] == '{' || text.ptr[0] == '[') return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT
                     ":1: the lines end in carriage returns alone, as on old Macs: make them line "
                     "feeds (tr '\\r' '\\n' < OLD > NEW)",
                     SLICE_ARG(input->path));
}

// Labels with a column each are known before the first sample, in the order of the columns.
static Status open_builder(const ReadInput *input, DatasetBuilder **out, Error *err)
{
    const ReadOptions *options = input->options;
    const Slice *labels = options->labels;
    size_t n = options->n_labels;
    Slice *names = NULL;
    if (n == 0 && options->columns.n_labels > 0) {
        n = options->columns.n_labels;
        TRY(arena_take(input->arena, n, sizeof *names, "labels", &names, err));
        for (size_t i = 0; i < n; i++) names[i] = options->columns.labels[i].name;
        labels = names;
    }
    return dataset_builder_open(input->dataset, input->path, labels, n, options->adds_labels, out,
                                err);
}

static Status read_into(const char *path, const ReadOptions *options, Dataset *out,
                        DatasetBuilder **builder, Error *err)
{
    const Reader *reader = NULL;
    Slice bytes = {0};
    size_t n_dropped = 0;
    ReadInput input = {.path = slice_from_cstr(path),
                       .options = options,
                       .arena = &out->arena,
                       .dataset = out,
                       .n_dropped = &n_dropped};
    if (file_is_directory(path)) {
        return error_set(err, STATUS_INVALID,
                         "%s is a directory, want a file: name one of the files in it", path);
    }
    TRY(reader_for(input.path, options->format, &reader, err));
    TRY(file_read_data(&out->arena, path, MAX_FILE_BYTES, &bytes, out->sha256, err));
    if (bytes.len == 0) return error_set(err, STATUS_INVALID, "%s: the file is empty", path);
    TRY(encoding_decode(&out->arena, input.path, bytes, options->encoding, options->speech,
                        &input.text, err));
    TRY(check_line_ends(&input, err));
    TRY(open_builder(&input, builder, err));
    input.builder = *builder;
    input.sha256 = out->sha256;
    TRY(reader->read(&input, err));
    if (n_dropped > 0)
        TRY(dataset_add_note(out, SLICE("dropped, a side is empty"), n_dropped, err,
                             "%zu pairs were left out: a side is empty", n_dropped));
    return dataset_builder_finish(*builder, err);
}

Status dataset_read(const char *path, const ReadOptions *options, Dataset *out, Error *err)
{
    DatasetBuilder *builder = NULL;
    *out = (Dataset){0};
    const Status s = read_into(path, options, out, &builder, err);
    dataset_builder_close(&builder);
    if (s != STATUS_OK) dataset_release(out);
    return s;
}
