#include "models/checkpoint.h"

#include <string.h>

#include "base/file.h"
#include "models/architecture.h"
#include "models/checkpoint_experts.h"
#include "models/checkpoint_fp8.h"
#include "models/checkpoint_text.h"
#include "models/gguf/gguf_export.h"
#include "models/tokenizers/tokenizer.h"

// ---- where the files are ----

bool checkpoint_is_gguf(const char *path)
{
    Slice bytes = {0};
    Error ignored = {0};
    if (!file_exists(path) || file_is_directory(path)) return false;
    if (file_map(path, &bytes, &ignored) != STATUS_OK) return false;
    const bool is_gguf = gguf_is(bytes);
    file_unmap(&bytes);
    return is_gguf;
}

// A model's folder in Hugging Face's cache: refs/main names the snapshot. *out stays where it is no such folder.
static Status resolve_cache(Arena *arena, Slice folder, const char **out, Error *err)
{
    const char *ref = file_join(arena, folder, SLICE("refs/main"));
    const char *snapshots = file_join(arena, folder, SLICE("snapshots"));
    Slice *names = NULL, chosen = {0};
    size_t n = 0;
    if (!ref || !snapshots) return error_set_memory(err, 2, folder.len, "paths");
    if (!file_is_directory(snapshots)) return STATUS_OK;
    TRY(file_list(arena, snapshots, &names, &n, err));
    if (file_exists(ref)) {
        TRY(file_read(arena, ref, 4096, &chosen, err));
        chosen = slice_trim(chosen);
    } else if (n == 1) {
        chosen = names[0];
    }
    for (size_t i = 0; i < n; i++) {
        if (!slice_eq(names[i], chosen)) continue;
        *out = file_join(arena, slice_from_cstr(snapshots), chosen);
        return *out ? STATUS_OK : error_set_memory(err, 1, folder.len, "a path");
    }
    return error_set(
        err, STATUS_INVALID,
        SLICE_FMT
        ": of its %zu snapshots none is named by refs/main: give the snapshot's own folder",
        SLICE_ARG(folder), n);
}

// The first shard of a GGUF file that is one of several; others are themselves.
static Status resolve_shard(Arena *arena, const char **out, Error *err)
{
    const char **paths = NULL;
    size_t n = 0;
    TRY(gguf_paths(arena, *out, &paths, &n, err));
    *out = paths[0];
    return STATUS_OK;
}

// Whether two names are those of shards of one model.
static bool same_shards(Slice a, Slice b)
{
    GgufShardName x, y;
    return gguf_shard_name(a, &x) && gguf_shard_name(b, &y) && x.count == y.count &&
           slice_eq(x.prefix, y.prefix);
}

// The GGUF file, or the shards of one, of a directory that has no config.json.
static Status resolve_lone_gguf(Arena *arena, Slice folder, const char **out, Error *err)
{
    Slice *names = NULL, found = {0};
    size_t n = 0;
    const char *config = file_join(arena, folder, SLICE("config.json"));
    if (!config) return error_set_memory(err, 1, folder.len, "a path");
    if (file_exists(config)) return STATUS_OK;
    TRY(file_list(arena, *out, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (!slice_ends_with(names[i], SLICE(".gguf"))) continue;
        if (found.ptr && !same_shards(found, names[i])) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": GGUF files of several models stand there (" SLICE_FMT
                                       ", " SLICE_FMT "): name the one that is meant",
                             SLICE_ARG(folder), SLICE_ARG(found), SLICE_ARG(names[i]));
        }
        if (!found.ptr) found = names[i];
    }
    if (!found.ptr) return STATUS_OK;
    *out = file_join(arena, folder, found);
    return *out ? resolve_shard(arena, out, err) : error_set_memory(err, 1, folder.len, "a path");
}

static bool is_pickled(Slice name)
{
    static const Slice endings[] = {SLICE_LIT(".bin"), SLICE_LIT(".pt"), SLICE_LIT(".pth"),
                                    SLICE_LIT(".ckpt"), SLICE_LIT(".pkl")};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (slice_ends_with(name, endings[i])) return true;
    }
    return false;
}

Status checkpoint_resolve(Arena *arena, const char *path, const char **out, Error *err)
{
    *out = path;
    if (!file_exists(path)) {
        return error_set(
            err, STATUS_NOT_FOUND,
            "%s: no such file or directory; a model is a directory with config.json and weights, or a GGUF "
            "file",
            path);
    }
    if (!file_is_directory(path)) {
        Slice bytes = {0};
        TRY(file_map(path, &bytes, err)); // what cannot be read is not called something else
        const bool is_gguf = gguf_is(bytes), is_pointer = file_is_lfs_pointer(bytes);
        const size_t size = bytes.len;
        file_unmap(&bytes);
        if (is_gguf) return resolve_shard(arena, out, err);
        if (is_pointer) return file_refuse_lfs_pointer(slice_from_cstr(path), err);
        if (slice_ends_with(slice_from_cstr(path), SLICE(".gguf")))
            return error_set(
                err, STATUS_INVALID,
                "%s: its %zu bytes do not begin with \"GGUF\": the file is broken or was "
                "not fetched whole; get it again",
                path, size);
        if (is_pickled(slice_from_cstr(path)))
            return error_set(err, STATUS_INVALID,
                             "%s: pickled weights can run any program when they are read, so they "
                             "never are: name their directory to be told how they are converted",
                             path);
        return error_set(
            err, STATUS_INVALID,
            "%s: neither a directory nor a GGUF file; of a model in safetensors name the directory",
            path);
    }
    TRY(resolve_cache(arena, slice_from_cstr(path), out, err));
    return resolve_lone_gguf(arena, slice_from_cstr(*out), out, err);
}

// ---- weights that are not read ----

// The class that a command may name: a config.json that was not written by a friend may hold anything.
static Slice class_of(const Json *config)
{
    const Slice base = SLICE("AutoModel");
    const Json *classes = json_get(config, "architectures");
    if (!classes || json_len(classes) == 0 || json_kind(json_at(classes, 0)) != JSON_STRING)
        return base;
    const Slice name = json_string(json_at(classes, 0));
    for (size_t i = 0; i < name.len; i++) {
        const unsigned char c = (unsigned char)name.ptr[i], lower = c | 0x20;
        const bool is_letter = (lower >= 'a' && lower <= 'z') || c == '_';
        if (!is_letter && !(i > 0 && c >= '0' && c <= '9')) return base;
    }
    return name.len > 0 ? name : base;
}

// err says that there are no safetensors; where pickled weights stand in their place, it says what to do with them.
static Status explain_pickled(const Json *config, const char *directory, Error *err)
{
    Arena arena = {0};
    Slice *names = NULL, pickled = {0};
    const Slice class_name = class_of(config);
    size_t n = 0;
    Error ignored = {0};
    if (file_list(&arena, directory, &names, &n, &ignored) != STATUS_OK) n = 0;
    for (size_t i = 0; i < n && !pickled.ptr; i++) {
        if (is_pickled(names[i])) pickled = names[i];
    }
    Status s = STATUS_NOT_FOUND;
    if (pickled.ptr) {
        s = error_set(
            err, STATUS_INVALID,
            "%s: its weights are pickled (" SLICE_FMT
            "): such a file can run any program when it is read, so it never is; convert it where you trust it: "
            "python3 -c \"import transformers as t; t." SLICE_FMT
            ".from_pretrained('%s').save_pretrained('%s-safetensors')\"",
            directory, SLICE_ARG(pickled), SLICE_ARG(class_name), directory, directory);
    }
    arena_release(&arena);
    return s;
}

// A folder of an adapter has no config.json: it is no model by itself.
static Status want_no_adapter(const char *directory, const char *config, Error *err)
{
    Arena arena = {0};
    const char *adapter =
        file_join(&arena, slice_from_cstr(directory), SLICE("adapter_config.json"));
    const bool is_adapter = adapter && !file_exists(config) && file_exists(adapter);
    arena_release(&arena);
    if (!is_adapter) return STATUS_OK;
    return error_set(
        err, STATUS_INVALID,
        "%s: an adapter (adapter_config.json), not a model: merge it into the model that it was learnt for (PEFT's "
        "merge_and_unload, then save_pretrained) and name that directory",
        directory);
}

// A folder without config.json holds no model that can be opened.
static Status want_config(const char *directory, const char *config, Error *err)
{
    TRY(want_no_adapter(directory, config, err));
    if (file_exists(config)) return STATUS_OK;
    return error_set(err, STATUS_NOT_FOUND,
                     "%s: no config.json stands there; a model's folder has config.json, "
                     "model.safetensors and the tokenizer's files, or is named by its GGUF file",
                     directory);
}

// ---- opening ----

static Status open_gguf(const char *path, Checkpoint *out, Error *err)
{
    Buffer text = {0};
    Status s = gguf_open(path, &out->gguf, err);
    if (s == STATUS_OK) s = gguf_config(&out->gguf, &text, err);
    if (s == STATUS_OK) {
        char name[1024];
        snprintf(name, sizeof name, "%s: its metadata as config.json", path);
        s = json_parse(slice_from_cstr(name), buffer_slice(&text), JSON_STRICT, &out->config, err);
    }
    buffer_release(&text);
    return s;
}

static Status open_config(const char *path, Checkpoint *out, Error *err)
{
    Arena arena = {0};
    *out = (Checkpoint){0};
    if (checkpoint_is_gguf(path)) return open_gguf(path, out, err);
    const char *config = file_join(&arena, slice_from_cstr(path), SLICE("config.json"));
    Status s =
        config ? want_config(path, config, err) : error_set_memory(err, 1, strlen(path), "a path");
    if (s == STATUS_OK) s = json_load(config, JSON_STRICT, &out->config, err);
    if (s == STATUS_OK) s = checkpoint_text_config(config, &out->config, &out->is_text_part, err);
    arena_release(&arena);
    return s;
}

Status checkpoint_open(const char *path, Checkpoint *out, Error *err)
{
    Status s = open_config(path, out, err);
    if (s == STATUS_OK && out->gguf.n_pairs > 0) {
        s = gguf_tensors(&out->gguf, json_root(out->config), &out->tensors, err);
    } else if (s == STATUS_OK) {
        s = safetensors_open_model(path, &out->tensors, err);
        if (s == STATUS_NOT_FOUND) s = explain_pickled(json_root(out->config), path, err);
    }
    if (s == STATUS_OK && out->is_text_part)
        s = checkpoint_text_tensors(&out->tensors, &out->n_left_out, err);
    if (s == STATUS_OK) s = checkpoint_scale_fp8(json_root(out->config), &out->tensors, err);
    if (s == STATUS_OK) s = checkpoint_unstack_experts(json_root(out->config), &out->tensors, err);
    if (s != STATUS_OK) checkpoint_close(out);
    return s;
}

Status checkpoint_config(Arena *arena, const char *path, ModelConfig *out, Error *err)
{
    Checkpoint checkpoint;
    const char *real = path;
    TRY(checkpoint_resolve(arena, path, &real, err));
    Status s = open_config(real, &checkpoint, err);
    if (s == STATUS_OK) s = model_config_parse(arena, json_root(checkpoint.config), out, err);
    checkpoint_close(&checkpoint);
    return s;
}

// ---- output layers ----

// A tensor by its name with or without the prefix of the encoder.
static const SafeTensor *find_with_prefix(const Safetensors *tensors, const char *prefix,
                                          const char *name)
{
    char full[128];
    const SafeTensor *found = safetensors_find(tensors, slice_from_cstr(name));
    if (found) return found;
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return safetensors_find(tensors, slice_from_cstr(full));
}

static const SafeTensor *find_embedding(const Safetensors *tensors, const char *prefix)
{
    static const char *const names[] = {"embed_tokens.weight", "wte.weight", "shared.weight",
                                        "embeddings.word_embeddings.weight",
                                        "embeddings.tok_embeddings.weight"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const SafeTensor *found = find_with_prefix(tensors, prefix, names[i]);
        if (found) return found;
    }
    return NULL;
}

// Piece by piece, so that a large table does not stay in memory.
static bool same_bytes(Slice a, Slice b)
{
    enum { PIECE = 1 << 24 };
    bool is_same = a.len == b.len;
    for (size_t at = 0; is_same && at < a.len; at += PIECE) {
        const size_t end = a.len - at < PIECE ? a.len : at + PIECE;
        is_same = memcmp(a.ptr + at, b.ptr + at, end - at) == 0;
        file_drop(slice_sub(a, at, end));
        file_drop(slice_sub(b, at, end));
    }
    return is_same;
}

static bool same_tensors(const SafeTensor *a, const SafeTensor *b)
{
    return a == b || (a->type == b->type && same_bytes(a->data, b->data));
}

bool checkpoint_own_output(const Safetensors *tensors, const Architecture *architecture)
{
    static const char *const names[] = {
        "lm_head.weight",         "lm_head.decoder.weight",   "cls.predictions.decoder.weight",
        "vocab_projector.weight", "generator_lm_head.weight", "predictions.decoder.weight",
        "decoder.weight"};
    const SafeTensor *embedding = find_embedding(tensors, architecture->base_prefix);
    for (size_t i = 0; embedding && i < sizeof names / sizeof *names; i++) {
        const SafeTensor *output = safetensors_find(tensors, slice_from_cstr(names[i]));
        if (!output) continue;
        return !same_tensors(output, embedding);
    }
    return false;
}

CheckpointTables checkpoint_own_tables(const Safetensors *tensors, const Architecture *architecture)
{
    static const char *const names[] = {"shared.weight", "encoder.embed_tokens.weight",
                                        "decoder.embed_tokens.weight", "lm_head.weight"};
    const SafeTensor *found[4];
    for (size_t i = 0; i < 4; i++)
        found[i] = find_with_prefix(tensors, architecture->base_prefix, names[i]);
    const SafeTensor *source = found[1] ? found[1] : found[0],
                     *targets = found[2] ? found[2] : found[0], *output = found[3];
    return (CheckpointTables){
        .of_targets = source && targets && !same_tensors(source, targets),
        .of_output = output && targets && !same_tensors(output, targets),
    };
}

void checkpoint_close(Checkpoint *checkpoint)
{
    safetensors_close(&checkpoint->tensors);
    gguf_close(&checkpoint->gguf);
    json_close(&checkpoint->config);
}

Status checkpoint_gguf_tokenizer(const char *path, const Gguf *file, Tokenizer **out, Error *err)
{
    Slice json = {0}, kind = {0};
    TRY(gguf_get_string(file, GGUF_KEY_TOKENIZER, &json, NULL, err));
    TRY(gguf_get_string(file, "tokenizer.ggml.model", &kind, NULL, err));
    char name[1024];
    snprintf(name, sizeof name, "%s: " GGUF_KEY_TOKENIZER, path);
    if (json.len > 0) return tokenizer_parse_json(slice_from_cstr(name), json, out, err);
    const bool is_none = slice_eq_cstr(kind, "none") || slice_eq_cstr(kind, "no_vocab");
    return kind.len > 0 && !is_none ? tokenizer_from_gguf(path, file, out, err) : STATUS_OK;
}

static Status open_gguf_tokenizer(const char *path, Tokenizer **out, Error *err)
{
    Checkpoint files = {0};
    TRY(checkpoint_open(path, &files, err));
    Status s = checkpoint_gguf_tokenizer(path, &files.gguf, out, err);
    if (s == STATUS_OK && !*out)
        s = error_set(err, STATUS_INVALID, "%s has no tokenizer, which texts need", path);
    checkpoint_close(&files);
    return s;
}

Status checkpoint_tokenizer(const char *path, Tokenizer **out, Error *err)
{
    Arena arena = {0};
    const char *real = NULL;
    Status s = checkpoint_resolve(&arena, path, &real, err);
    if (s == STATUS_OK)
        s = file_is_directory(real) ? tokenizer_open(real, out, err)
                                    : open_gguf_tokenizer(real, out, err);
    arena_release(&arena);
    return s;
}
