// A model in several GGUF files, opened as one.
#include <stdlib.h>

#include "base/file.h"
#include "models/formats/gguf.h"

// What the metadata say of a shard; count is 1 of a file that is a whole model.
typedef struct Split {
    size_t no, count, n_tensors; // n_tensors: of all shards
} Split;

static Status read_split(const Gguf *file, Split *out, Error *err)
{
    int64_t no = 0, count = 1, n_tensors = 0;
    bool has_no = false, has_tensors = false;
    *out = (Split){.count = 1};
    TRY(gguf_get_int(file, "split.count", 0, UINT16_MAX, &count, NULL, err));
    if (count <= 1) return STATUS_OK;
    TRY(gguf_get_int(file, "split.no", 0, count - 1, &no, &has_no, err));
    TRY(gguf_get_int(file, "split.tensors.count", 0, INT32_MAX, &n_tensors, &has_tensors, err));
    if (!has_no || !has_tensors) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": metadata \"split.count\" is %lld, but there is no \"%s\", "
                                   "which shards have: cut the model anew with llama-gguf-split",
                         SLICE_ARG(file->name), (long long)count,
                         has_no ? "split.tensors.count" : "split.no");
    }
    *out = (Split){.no = (size_t)no, .count = (size_t)count, .n_tensors = (size_t)n_tensors};
    return STATUS_OK;
}

// ---- names ----

static bool take_five_digits(Slice *rest, size_t *out)
{
    Slice digits;
    if (!slice_take(rest, 5, &digits)) return false;
    *out = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') return false;
        *out = *out * 10 + (size_t)(digits.ptr[i] - '0');
    }
    return true;
}

static bool take_text(Slice *rest, Slice text)
{
    Slice found;
    return slice_take(rest, text.len, &found) && slice_eq(found, text);
}

bool gguf_shard_name(Slice path, GgufShardName *out)
{
    enum { ENDING = sizeof "-00001-of-00003.gguf" - 1 };
    *out = (GgufShardName){0};
    if (path.len < ENDING) return false;
    out->prefix = slice_sub(path, 0, path.len - ENDING);
    Slice rest = slice_sub(path, path.len - ENDING, path.len);
    return take_text(&rest, SLICE("-")) && take_five_digits(&rest, &out->number) &&
           take_text(&rest, SLICE("-of-")) && take_five_digits(&rest, &out->count) &&
           take_text(&rest, SLICE(".gguf")) && out->number >= 1 && out->number <= out->count;
}

static Status refuse_missing(const char *const *paths, size_t n, size_t first, size_t n_missing,
                             Error *err)
{
    if (file_is_broken_link(paths[first])) {
        return error_set(err, STATUS_INVALID,
                         "%s: shard %zu of %zu is a link to a file that is not there: the download "
                         "was not finished, or the file was cleared away; fetch the model again",
                         paths[first], first + 1, n);
    }
    return error_set(err, STATUS_INVALID,
                     "%s: shard %zu of %zu is not there (%zu missing in all): fetch it again, into "
                     "the folder of the others",
                     paths[first], first + 1, n, n_missing);
}

// Of the set that `path`, whose metadata are known, belongs to.
static Status list_shards(Arena *arena, const char *path, const Split *split, const char ***out,
                          Error *err)
{
    GgufShardName name;
    size_t n_missing = 0, first = 0;
    const char **paths = NULL;
    if (!gguf_shard_name(slice_from_cstr(path), &name) || name.count != split->count ||
        name.number != split->no + 1) {
        return error_set(
            err, STATUS_INVALID,
            "%s: its metadata (split.no %zu, split.count %zu) say shard %zu of %zu, whose name must end with "
            "-%05zu-of-%05zu.gguf, as the others are found by their names: name it so again",
            path, split->no, split->count, split->no + 1, split->count, split->no + 1,
            split->count);
    }
    TRY(arena_take(arena, split->count, sizeof *paths, "paths", &paths, err));
    for (size_t i = split->count; i-- > 0;) {
        paths[i] = arena_printf(arena, SLICE_FMT "-%05zu-of-%05zu.gguf", SLICE_ARG(name.prefix),
                                i + 1, split->count);
        if (!paths[i]) return error_set_memory(err, 1, name.prefix.len, "a path");
        if (file_exists(paths[i])) continue;
        n_missing++;
        first = i;
    }
    if (n_missing > 0) return refuse_missing(paths, split->count, first, n_missing, err);
    *out = paths;
    return STATUS_OK;
}

// ---- shards made one ----

// The shard stands in place i of n.
static Status check_split(const Gguf *shard, const Split *split, const Gguf *first,
                          const Split *wanted, size_t i, Error *err)
{
    const size_t n = wanted->count;
    if (split->count == 1) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT
                         ": stands in the place of shard %zu of %zu, but its metadata have "
                         "no split.count: it is a whole model; fetch the shard again",
                         SLICE_ARG(shard->name), i + 1, n);
    }
    if (split->count != n) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": its metadata say one of %zu shards (split.count), but it "
                                   "stands among %zu: the model was cut twice; fetch all shards of "
                                   "one cut again",
                         SLICE_ARG(shard->name), split->count, n);
    }
    if (split->no != i) {
        const Slice twin = split->no < i ? first->files[split->no].path : (Slice){0};
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": its metadata say shard %zu of %zu (split.no %zu)%s" SLICE_FMT
                                   ", but it stands in the place of shard %zu: fetch it again",
                         SLICE_ARG(shard->name), split->no + 1, n, split->no,
                         twin.ptr ? ", which is " : "", SLICE_ARG(twin), i + 1);
    }
    if (split->n_tensors == wanted->n_tensors) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": its split.tensors.count is %zu, but %zu in " SLICE_FMT
                               ": they are of two models; fetch all shards of one again",
                     SLICE_ARG(shard->name), split->n_tensors, wanted->n_tensors,
                     SLICE_ARG(first->name));
}

static bool same_value(const GgufValue *a, const GgufValue *b)
{
    return a->type == b->type && a->is_array == b->is_array && slice_eq(a->bytes, b->bytes);
}

// What each file says of itself.
static bool is_of_file(Slice key)
{
    return slice_starts_with(key, SLICE("split.")) || slice_eq_cstr(key, "general.alignment");
}

// Later shards need not say anything of the model, but what they say must be so.
static Status check_metadata(const Gguf *shard, const Gguf *first, Error *err)
{
    size_t f = 0;
    for (size_t i = 0; i < shard->n_pairs; i++) {
        const GgufPair *pair = shard->by_key[i];
        while (f < first->n_pairs && slice_cmp(first->by_key[f]->key, pair->key) < 0) f++;
        if (f == first->n_pairs) break;
        if (!slice_eq(first->by_key[f]->key, pair->key) || is_of_file(pair->key) ||
            same_value(&first->by_key[f]->value, &pair->value)) {
            continue;
        }
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": metadata \"" SLICE_FMT "\" is not that of " SLICE_FMT
                                   ": they are shards of two models; fetch all shards of one again",
                         SLICE_ARG(shard->name), SLICE_ARG(pair->key), SLICE_ARG(first->name));
    }
    return STATUS_OK;
}

static Status add_tensors(Gguf *out, const Gguf *shard, size_t *capacity, Error *err)
{
    GgufFile *file = &out->files[out->n_files++];
    file->n_tensors = shard->n_tensors;
    file->path = arena_copy(&out->arena, shard->name);
    if (!file->path.ptr) return error_set_memory(err, shard->name.len, 1, "a file's name");
    for (size_t i = 0; i < shard->n_tensors; i++) {
        TRY(arena_make_room(&out->arena, out->n_tensors, capacity, sizeof *out->tensors, "tensors",
                            &out->tensors, err));
        out->tensors[out->n_tensors] = shard->tensors[i];
        out->tensors[out->n_tensors++].file = file->path;
    }
    return STATUS_OK;
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp((*(const SafeTensor *const *)a)->name, (*(const SafeTensor *const *)b)->name);
}

static Status check_distinct(Gguf *out, Error *err)
{
    const SafeTensor **order = NULL;
    TRY(arena_take(&out->arena, out->n_tensors, sizeof *order, "tensors", &order, err));
    for (size_t i = 0; i < out->n_tensors; i++) order[i] = &out->tensors[i];
    if (out->n_tensors > 0) qsort(order, out->n_tensors, sizeof *order, by_name);
    for (size_t i = 1; i < out->n_tensors; i++) {
        if (slice_eq(order[i - 1]->name, order[i]->name)) {
            return error_set(err, STATUS_INVALID,
                             "tensor \"" SLICE_FMT "\" stands both in " SLICE_FMT
                             " and in " SLICE_FMT
                             ": they are of two models or two cuts; fetch all shards of one again",
                             SLICE_ARG(order[i]->name), SLICE_ARG(order[i - 1]->file),
                             SLICE_ARG(order[i]->file));
        }
    }
    return STATUS_OK;
}

static Status add_shard(Gguf *out, Slice name, Slice bytes, const Split *wanted, size_t *capacity,
                        Error *err)
{
    Gguf shard;
    Split split;
    TRY(gguf_parse(name, bytes, &shard, err));
    Status s = read_split(&shard, &split, err);
    if (s == STATUS_OK) s = check_split(&shard, &split, out, wanted, out->n_files, err);
    if (s == STATUS_OK) s = check_metadata(&shard, out, err);
    if (s == STATUS_OK) s = add_tensors(out, &shard, capacity, err);
    gguf_close(&shard);
    return s;
}

// out is the first of n shards.
static Status add_shards(Gguf *out, const Slice *names, const Slice *bytes, size_t n, Error *err)
{
    Split wanted;
    size_t capacity = out->n_tensors;
    TRY(read_split(out, &wanted, err));
    TRY(check_split(out, &wanted, out, &(Split){.count = n, .n_tensors = wanted.n_tensors}, 0,
                    err));
    TRY(arena_grow(&out->arena, 1, n, sizeof *out->files, "files", &out->files, err));
    for (size_t i = 1; i < n; i++) TRY(add_shard(out, names[i], bytes[i], &wanted, &capacity, err));
    TRY(check_distinct(out, err));
    if (out->n_tensors == wanted.n_tensors) return STATUS_OK;
    return error_set(err, STATUS_INVALID,
                     SLICE_FMT ": its split.tensors.count is %zu, but the %zu shards have %zu "
                               "tensors: one of them is of another model; fetch them all again",
                     SLICE_ARG(out->name), wanted.n_tensors, n, out->n_tensors);
}

Status gguf_parse_shards(const Slice *names, const Slice *bytes, size_t n, Gguf *out, Error *err)
{
    TRY(gguf_parse(names[0], bytes[0], out, err));
    const Status s = add_shards(out, names, bytes, n, err);
    if (s != STATUS_OK) gguf_close(out);
    return s;
}

// ---- opening ----

static Status map_file(const char *path, Slice *out, Error *err)
{
    TRY(file_map(path, out, err));
    if (!file_is_lfs_pointer(*out)) return STATUS_OK;
    file_unmap(out);
    return file_refuse_lfs_pointer(slice_from_cstr(path), err);
}

// The mappings become the file's.
static void take_maps(Gguf *file, Slice *maps)
{
    SafeTensor *tensor = file->tensors;
    for (size_t i = 0; i < file->n_files; i++) {
        file->files[i].map = maps[i];
        for (size_t t = 0; t < file->files[i].n_tensors; t++) tensor++->mapped = maps[i];
    }
}

static Status open_alone(const char *path, Gguf *out, Error *err)
{
    Slice map = {0};
    *out = (Gguf){0};
    TRY(map_file(path, &map, err));
    const Status s = gguf_parse(slice_from_cstr(path), map, out, err);
    if (s == STATUS_OK)
        take_maps(out, &map);
    else
        file_unmap(&map);
    return s;
}

static Status open_shards(Arena *arena, const char *const *paths, size_t n, Gguf *out, Error *err)
{
    Slice *maps = NULL, *names = NULL;
    TRY(arena_take(arena, n, sizeof *maps, "files", &maps, err));
    TRY(arena_take(arena, n, sizeof *names, "files", &names, err));
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        names[i] = slice_from_cstr(paths[i]);
        s = map_file(paths[i], &maps[i], err);
    }
    if (s == STATUS_OK) s = gguf_parse_shards(names, maps, n, out, err);
    if (s == STATUS_OK) {
        take_maps(out, maps);
    } else {
        for (size_t i = 0; i < n; i++) file_unmap(&maps[i]);
    }
    return s;
}

Status gguf_open(const char *path, Gguf *out, Error *err)
{
    Arena arena = {0};
    Split split;
    TRY(open_alone(path, out, err));
    Status s = read_split(out, &split, err);
    if (s == STATUS_OK && split.count > 1) {
        const char **paths = NULL;
        gguf_close(out);
        s = list_shards(&arena, path, &split, &paths, err);
        if (s == STATUS_OK) s = open_shards(&arena, paths, split.count, out, err);
    }
    if (s != STATUS_OK) gguf_close(out);
    arena_release(&arena);
    return s;
}

Status gguf_paths(Arena *arena, const char *path, const char ***paths, size_t *n, Error *err)
{
    Gguf file = {0};
    Split split = {.count = 1};
    GgufShardName name;
    Status s = STATUS_OK;
    // Another name is no shard's, or refused where the file is opened: it need not be read here.
    if (gguf_shard_name(slice_from_cstr(path), &name) && name.count > 1) {
        TRY(open_alone(path, &file, err));
        s = read_split(&file, &split, err);
        gguf_close(&file);
    }
    *n = split.count;
    if (s == STATUS_OK && split.count > 1) return list_shards(arena, path, &split, paths, err);
    if (s == STATUS_OK) s = arena_take(arena, 1, sizeof **paths, "paths", paths, err);
    if (s != STATUS_OK) return s;
    (*paths)[0] = arena_cstr(arena, slice_from_cstr(path));
    return (*paths)[0] ? s : error_set_memory(err, 1, 1, "a path");
}
