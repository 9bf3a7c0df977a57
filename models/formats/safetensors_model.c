// A model's directory: one file, or shards that an index names (a JSON document, which one file does without).
#include "base/file.h"
#include "base/json.h"
#include "models/formats/safetensors.h"

typedef struct Shards {
    Slice *tensors, *files; // the weight map, pair by pair
    size_t n_pairs;
    Slice *names; // each file once
    size_t n_names;
} Shards;

static Status read_weight_map(const Json *map, Arena *arena, Shards *out, Error *err)
{
    const size_t n = json_len(map);
    TRY(arena_take(arena, n, sizeof *out->tensors, "the weight map", &out->tensors, err));
    TRY(arena_take(arena, n, sizeof *out->files, "the weight map", &out->files, err));
    TRY(arena_take(arena, n, sizeof *out->names, "the weight map", &out->names, err));
    for (const Json *member = json_first(map); member; member = json_next(member)) {
        Slice file;
        TRY(json_as_string(member, &file, err));
        if (file.len == 0 || slice_find_byte(file, '/') != SIZE_MAX) {
            return json_error(member, err, "a shard must be a plain file name beside the index");
        }
        out->tensors[out->n_pairs] = arena_copy(arena, json_key(member));
        out->files[out->n_pairs] = arena_copy(arena, file);
        if (!out->tensors[out->n_pairs].ptr || !out->files[out->n_pairs].ptr) {
            return error_set_memory(err, n, sizeof file, "the weight map");
        }
        size_t i = 0;
        while (i < out->n_names && !slice_eq(out->names[i], file)) i++;
        if (i == out->n_names) out->names[out->n_names++] = out->files[out->n_pairs];
        out->n_pairs++;
    }
    return STATUS_OK;
}

static Status check_weight_map(const Safetensors *file, const Shards *shards, Error *err)
{
    for (size_t i = 0; i < shards->n_pairs; i++) {
        const SafeTensor *tensor = safetensors_find(file, shards->tensors[i]);
        if (!tensor || !slice_eq(file_name_of(tensor->file), shards->files[i])) {
            return error_set(err, STATUS_INVALID,
                             "the index places tensor \"" SLICE_FMT "\" in " SLICE_FMT
                             ", which does not have it: fetch the shards again",
                             SLICE_ARG(shards->tensors[i]), SLICE_ARG(shards->files[i]));
        }
    }
    return STATUS_OK;
}

static Status open_shards(Slice directory, const char *index, Safetensors *out, Error *err)
{
    Arena arena = {0};
    JsonDocument *document = NULL;
    Shards shards = {0};
    const Json *map = NULL;
    const char **paths = NULL;
    Status s = json_load(index, JSON_STRICT, &document, err);
    if (s != STATUS_OK) goto done;
    s = json_want_kind(json_root(document), "weight_map", JSON_OBJECT, &map, err);
    if (s != STATUS_OK) goto done;
    s = read_weight_map(map, &arena, &shards, err);
    if (s == STATUS_OK) s = arena_take(&arena, shards.n_names, sizeof *paths, "paths", &paths, err);
    for (size_t i = 0; s == STATUS_OK && i < shards.n_names; i++) {
        paths[i] = file_join(&arena, directory, shards.names[i]);
        if (!paths[i]) s = error_set_memory(err, 1, directory.len, "a path");
    }
    if (s == STATUS_OK) s = safetensors_open_files(paths, shards.n_names, out, err);
    if (s == STATUS_OK) s = check_weight_map(out, &shards, err);
    if (s != STATUS_OK) {
        safetensors_close(out);
        s = error_wrap(err, "%s", index);
    }
done:
    json_close(&document);
    arena_release(&arena);
    return s;
}

Status safetensors_open_model(const char *directory, Safetensors *out, Error *err)
{
    *out = (Safetensors){0};
    Arena paths = {0};
    Status s = STATUS_OK;
    const Slice folder = slice_from_cstr(directory);
    const char *single = file_join(&paths, folder, SLICE("model.safetensors"));
    const char *index = file_join(&paths, folder, SLICE("model.safetensors.index.json"));
    if (!single || !index) {
        s = error_set_memory(err, 2, folder.len, "paths");
    } else if (file_exists(single)) {
        s = safetensors_open(single, out, err);
    } else if (file_exists(index)) {
        s = open_shards(folder, index, out, err);
    } else if (file_is_broken_link(single) || file_is_broken_link(index)) {
        s = error_set(
            err, STATUS_INVALID,
            "%s: a link to a file that is not there: the download was not finished, or the "
            "file was cleared away; fetch the model again",
            file_is_broken_link(single) ? single : index);
    } else {
        s = error_set(
            err, STATUS_NOT_FOUND,
            "%s: neither model.safetensors nor model.safetensors.index.json is there: if the folder was fetched, fetch "
            "it again whole; weights of TensorFlow or Flax are converted with Transformers' save_pretrained",
            directory);
    }
    arena_release(&paths);
    return s;
}
