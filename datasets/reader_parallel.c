// Parallel text: a source a line in one file, its targets on the same line of others.
#include "base/file.h"
#include "base/input.h"
#include "datasets/lines.h"
#include "datasets/pairs.h"
#include "datasets/readers.h"

enum { MAX_TARGETS = 64 };

Status parallel_target_path(Arena *arena, Slice path, const ReadColumns *columns, Slice *out,
                            Error *err)
{
    const Slice source = columns->text, plain = input_plain_name(path), target = columns->target;
    if (source.len == 0 || target.len == 0) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT
                         ": parallel text wants the ends of its files' names, as in \"columns\": "
                         "{\"text\": \"en\", \"target\": \"de\"}, or the path of the targets",
                         SLICE_ARG(path));
    }
    const size_t stem = plain.len > source.len ? plain.len - source.len : 0;
    if (stem < 2 || path.ptr[stem - 1] != '.' ||
        !slice_eq(slice_sub(plain, stem, plain.len), source)) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": the name does not end in \"." SLICE_FMT
                                   "\", so that no file with the targets can be found beside it: "
                                   "name the source's file, or say where the targets are",
                         SLICE_ARG(path), SLICE_ARG(source));
    }
    char *found = NULL;
    TRY(packed_or_not(arena, slice_sub(path, 0, stem), target, &found, err));
    *out = slice_from_cstr(found);
    return STATUS_OK;
}

static Status find_targets(const ReadInput *input, const Slice **paths, size_t *n, Error *err)
{
    Slice *found = NULL;
    *paths = input->options->target_paths;
    *n = input->options->n_target_paths;
    if (*n > MAX_TARGETS)
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": %zu files of targets; at most %d are taken",
                         SLICE_ARG(input->path), *n, MAX_TARGETS);
    if (*n > 0) return STATUS_OK;
    TRY(arena_take(input->arena, 1, sizeof *found, "a path", &found, err));
    TRY(parallel_target_path(input->arena, input->path, &input->options->columns, found, err));
    *paths = found;
    *n = 1;
    return STATUS_OK;
}

static Status read_parallel(const ReadInput *input, Error *err)
{
    const Slice *paths = NULL;
    size_t n = 0;
    Slice rest[MAX_TARGETS], targets[MAX_TARGETS], sources = input->text;
    TRY(find_targets(input, &paths, &n, err));
    for (size_t i = 0; i < n; i++) {
        const char *path = arena_cstr(input->arena, paths[i]);
        if (!path) return error_set_memory(err, paths[i].len, 1, "a path");
        TRY(second_file_read(input, path, &rest[i], err));
    }
    Sample sample = {.gold = SAMPLE_NO_LABEL, .targets = targets, .n_targets = n};
    while (line_take(&sources, &sample.text)) {
        sample.line++;
        for (size_t i = 0; i < n; i++) {
            targets[i] = (Slice){0};
            (void)line_take(&rest[i], &targets[i]); // as many lines as the source
        }
        TRY(pairs_add(input, &sample, err));
    }
    return STATUS_OK;
}

static const char *const parallel_extensions[] = {NULL};

const Reader reader_parallel = {
    .name = "parallel",
    .summary =
        "a source a line in one file, its translation on the same line of another (or of several)",
    .extensions = parallel_extensions,
    .read = read_parallel,
};
