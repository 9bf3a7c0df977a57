// Pinned folds: a file of "id TAB fold" lines.
#include "base/buffer.h"
#include "base/file.h"
#include "datasets/encoding.h"
#include "datasets/splits.h"
#include "datasets/text_index.h"
#include "datasets/units.h"

#define MAX_FILE_BYTES ((size_t)1 << 30)

typedef struct Pinned {
    int32_t fold;
    size_t line; // 0 = no line yet
} Pinned;

static Status read_line(Slice path, size_t line, Slice text, const TextIndex *ids, size_t k,
                        Pinned *pinned, Error *err)
{
    size_t tab = text.len;
    while (tab > 0 && text.ptr[tab - 1] != '\t') tab--;
    uint64_t fold;
    if (tab == 0 || !slice_to_u64(slice_trim(slice_sub(text, tab, text.len)), &fold) || fold >= k) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: want an id, a tab and a fold from 0 to %zu",
                         SLICE_ARG(path), line, k - 1);
    }
    const Slice id = slice_sub(text, 0, tab - 1);
    const size_t index = text_index_find(ids, id);
    if (index == SIZE_MAX) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: no sample has the id \"" SLICE_FMT
                                   "\": remove the line, or "
                                   "take the file that belongs to this data",
                         SLICE_ARG(path), line, SLICE_ARG(slice_sub(id, 0, 80)));
    }
    if (pinned[index].line) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ":%zu: the id \"" SLICE_FMT "\" stands already in line %zu",
                         SLICE_ARG(path), line, SLICE_ARG(slice_sub(id, 0, 80)),
                         pinned[index].line);
    }
    pinned[index] = (Pinned){(int32_t)fold, line};
    return STATUS_OK;
}

static Status read_pinned(Arena *arena, const char *path, const Dataset *data, size_t k,
                          Pinned **out, Error *err)
{
    Slice bytes, text, line;
    const Slice name = slice_from_cstr(path);
    TextIndex ids = {.arena = arena};
    size_t index;
    TRY(arena_take(arena, data->n_samples, sizeof **out, "folds", out, err));
    for (size_t i = 0; i < data->n_samples; i++) {
        TRY(text_index_add(&ids, data->samples[i].id, &index, err));
    }
    TRY(file_read_data(arena, path, MAX_FILE_BYTES, &bytes, NULL, err));
    TRY(encoding_decode(arena, name, bytes, ENCODING_UTF8, SPEECH_KEYS, &text, err));
    for (size_t number = 1; slice_split(&text, '\n', &line); number++) {
        if (slice_trim(line).len == 0) continue;
        TRY(read_line(name, number, line, &ids, k, *out, err));
    }
    return STATUS_OK;
}

static Status apply(Arena *arena, const char *path, const Dataset *data, const size_t *which,
                    size_t n, size_t k, int32_t *fold, Error *err)
{
    Pinned *pinned = NULL;
    TRY(read_pinned(arena, path, data, k, &pinned, err));
    if (!which) n = data->n_samples;
    for (size_t i = 0; i < n; i++) {
        const size_t index = which ? which[i] : i;
        if (pinned[index].line) {
            fold[i] = pinned[index].fold;
            continue;
        }
        return error_set(err, STATUS_INVALID,
                         "%s: there is no line for the id \"" SLICE_FMT "\" (" SLICE_FMT ":%zu)",
                         path, SLICE_ARG(slice_sub(data->samples[index].id, 0, 80)),
                         SLICE_ARG(data->path), data->samples[index].line);
    }
    return STATUS_OK;
}

Status folds_read(const char *path, const Dataset *data, const size_t *which, size_t n, size_t k,
                  int32_t *fold, Error *err)
{
    if (k < 2 || k > INT32_MAX) {
        return error_set(err, STATUS_INVALID,
                         "\"k\" is %zu: cross-validation needs at least 2 folds", k);
    }
    Arena arena = {0};
    const Status s = apply(&arena, path, data, which, n, k, fold, err);
    arena_release(&arena);
    return s;
}

Status folds_write(const char *path, const Dataset *data, const size_t *which, size_t n,
                   const int32_t *fold, Error *err)
{
    Buffer out = {0};
    if (!which) n = data->n_samples;
    Status s = STATUS_OK;
    for (size_t i = 0; i < n && s == STATUS_OK; i++) {
        const Sample *sample = &data->samples[which ? which[i] : i];
        if (slice_find_byte(sample->id, '\n') != SIZE_MAX) {
            s = error_set(err, STATUS_INVALID,
                          SLICE_FMT ":%zu: an id with a line break cannot be pinned in a file",
                          SLICE_ARG(data->path), sample->line);
        }
        buffer_append(&out, sample->id);
        buffer_printf(&out, "\t%d\n", (int)fold[i]);
    }
    if (s == STATUS_OK) s = buffer_status(&out, err);
    if (s == STATUS_OK) s = file_write(path, buffer_slice(&out), err);
    buffer_release(&out);
    return s;
}
