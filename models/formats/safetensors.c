#include "models/formats/safetensors.h"

#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/json_reader.h"
#include "base/size.h"

// Tensors in the order of the header, growing.
typedef struct Entries {
    SafeTensor *list;
    size_t count, capacity;
} Entries;

static Status add_entry(Safetensors *out, Entries *entries, const SafeTensor *tensor, Error *err)
{
    TRY(arena_make_room(&out->arena, entries->count, &entries->capacity, sizeof *tensor,
                        "a list of tensors", &entries->list, err));
    entries->list[entries->count++] = *tensor;
    return STATUS_OK;
}

// Each shard has its own; the first file's is kept.
static Status read_metadata(JsonReader *r, bool is_kept, Safetensors *out, Error *err)
{
    size_t capacity = 0;
    TRY(json_read_object(r, err));
    for (;;) {
        SafeMetadata pair = {0};
        bool more = false;
        TRY(json_read_key(r, &pair.key, &more, err));
        if (!more) return STATUS_OK;
        TRY(json_read_string(r, &pair.value, err));
        if (!is_kept) continue;
        TRY(arena_make_room(&out->arena, out->n_metadata, &capacity, sizeof pair, "metadata",
                            &out->metadata, err));
        out->metadata[out->n_metadata++] = pair;
    }
}

static Status read_type(JsonReader *r, TensorType *type, Error *err)
{
    Slice name;
    TRY(json_read_string(r, &name, err));
    for (int t = 0; t < TENSOR_SAFE_COUNT; t++) {
        if (slice_eq_cstr(name, tensor_type_name((TensorType)t))) {
            *type = (TensorType)t;
            return STATUS_OK;
        }
    }
    return json_reader_error(r, err,
                             "unknown dtype \"" SLICE_FMT
                             "\"; known are F32, F16, BF16, F64 and the integer types",
                             SLICE_ARG(slice_sub(name, 0, 40)));
}

static Status read_size(JsonReader *r, size_t *out, Error *err)
{
    uint64_t value;
    TRY(json_read_u64(r, &value, err));
    if (value > SIZE_MAX)
        return json_reader_error(r, err, "%llu is too large", (unsigned long long)value);
    *out = (size_t)value;
    return STATUS_OK;
}

// An array of sizes, at most max of them.
static Status read_sizes(JsonReader *r, size_t max, const char *what, size_t *list, size_t *count,
                         Error *err)
{
    *count = 0;
    TRY(json_read_array(r, err));
    for (;;) {
        bool more = false;
        TRY(json_read_element(r, &more, err));
        if (!more) return STATUS_OK;
        if (*count == max)
            return json_reader_error(r, err, "%s has more than %zu numbers", what, max);
        TRY(read_size(r, &list[(*count)++], err));
    }
}

enum { HAS_TYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4, HAS_ALL = 7 };

static Status read_field(JsonReader *r, Slice key, SafeTensor *tensor, size_t offsets[2],
                         unsigned *field, Error *err)
{
    if (slice_eq_cstr(key, "dtype")) {
        *field = HAS_TYPE;
        return read_type(r, &tensor->type, err);
    }
    if (slice_eq_cstr(key, "shape")) {
        *field = HAS_SHAPE;
        return read_sizes(r, SAFETENSORS_MAX_DIMS, "shape", tensor->shape, &tensor->n_dims, err);
    }
    if (slice_eq_cstr(key, "data_offsets")) {
        size_t count = 0;
        *field = HAS_OFFSETS;
        TRY(read_sizes(r, 2, "data_offsets", offsets, &count, err));
        if (count != 2) return json_reader_error(r, err, "data_offsets must be [begin, end]");
        return STATUS_OK;
    }
    return json_reader_error(r, err, "unknown key \"" SLICE_FMT "\"", SLICE_ARG(key));
}

// {"dtype": .., "shape": .., "data_offsets": [begin, end]}
static Status read_entry(JsonReader *r, SafeTensor *tensor, size_t offsets[2], Error *err)
{
    unsigned seen = 0;
    TRY(json_read_object(r, err));
    for (;;) {
        Slice key;
        bool more = false;
        unsigned field = 0;
        TRY(json_read_key(r, &key, &more, err));
        if (!more) break;
        TRY(read_field(r, key, tensor, offsets, &field, err));
        if (seen & field)
            return json_reader_error(r, err, "\"" SLICE_FMT "\" occurs twice", SLICE_ARG(key));
        seen |= field;
    }
    if (seen != HAS_ALL)
        return json_reader_error(r, err, "dtype, shape and data_offsets are all needed");
    return STATUS_OK;
}

// Size by shape and dtype against the offsets, and the offsets against the data.
static Status place_entry(const JsonReader *r, Slice data, const size_t offsets[2],
                          SafeTensor *tensor, Error *err)
{
    size_t size_bytes = 0;
    if (!tensor_type_bytes(tensor->type, tensor->n_dims, tensor->shape, &tensor->n_elements,
                           &size_bytes))
        return json_reader_error(r, err, "the product of its shape overflows");
    if (offsets[0] > offsets[1] || offsets[1] > data.len) {
        return json_reader_error(
            r, err,
            "data_offsets [%zu, %zu] are outside the %zu bytes of data: the file is cut short or broken",
            offsets[0], offsets[1], data.len);
    }
    if (offsets[1] - offsets[0] != size_bytes) {
        return json_reader_error(
            r, err, "data_offsets give %zu bytes, but shape and dtype %s ask for %zu",
            offsets[1] - offsets[0], tensor_type_name(tensor->type), size_bytes);
    }
    tensor->data = slice_sub(data, offsets[0], offsets[1]);
    tensor->data.ptr = data.ptr + offsets[0]; // slice_sub gives no place to an empty tensor
    return STATUS_OK;
}

static Status read_header(JsonReader *r, Slice data, Entries *entries, Safetensors *out, Error *err)
{
    const bool is_first = out->n_metadata == 0;
    bool has_metadata = false;
    TRY(json_read_object(r, err));
    for (;;) {
        SafeTensor tensor = {.file = r->name};
        size_t offsets[2] = {0};
        bool more = false;
        TRY(json_read_key(r, &tensor.name, &more, err));
        if (!more) break;
        if (slice_eq_cstr(tensor.name, "__metadata__")) {
            if (has_metadata) return json_reader_error(r, err, "\"__metadata__\" occurs twice");
            has_metadata = true;
            TRY(read_metadata(r, is_first, out, err));
            continue;
        }
        Status s = read_entry(r, &tensor, offsets, err);
        if (s == STATUS_OK) s = place_entry(r, data, offsets, &tensor, err);
        if (s != STATUS_OK)
            return error_wrap(err, "tensor \"" SLICE_FMT "\"", SLICE_ARG(tensor.name));
        TRY(add_entry(out, entries, &tensor, err));
    }
    return json_read_end(r, err);
}

static int by_place(const void *a, const void *b)
{
    const SafeTensor *x = a, *y = b;
    if (x->data.ptr != y->data.ptr) return x->data.ptr < y->data.ptr ? -1 : 1;
    // An empty tensor comes before the one that begins where it stands.
    return (x->data.len > y->data.len) - (x->data.len < y->data.len);
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp(((const SafeTensor *)a)->name, ((const SafeTensor *)b)->name);
}

// Every byte of data belongs to exactly one tensor.
static Status check_cover(Slice name, Slice data, Entries *entries, Error *err)
{
    size_t at = 0;
    if (entries->count > 0) qsort(entries->list, entries->count, sizeof *entries->list, by_place);
    for (size_t i = 0; i < entries->count; i++) {
        const SafeTensor *t = &entries->list[i];
        const size_t begin = (size_t)(t->data.ptr - data.ptr);
        if (begin != at) {
            return error_set(
                err, STATUS_INVALID,
                SLICE_FMT ": tensor \"" SLICE_FMT
                          "\" begins at byte %zu of the data, but %s byte %zu: the file is broken",
                SLICE_ARG(name), SLICE_ARG(t->name), begin,
                begin < at ? "the tensor before it ends at" : "nothing covers", at);
        }
        at += t->data.len;
    }
    if (at != data.len) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT
                         ": %zu bytes after the last tensor belong to none: the file is broken",
                         SLICE_ARG(name), data.len - at);
    }
    return STATUS_OK;
}

static Status sort_by_name(Entries *entries, Error *err)
{
    if (entries->count > 0) qsort(entries->list, entries->count, sizeof *entries->list, by_name);
    for (size_t i = 1; i < entries->count; i++) {
        const SafeTensor *t = &entries->list[i];
        if (slice_eq(t[-1].name, t->name)) {
            return error_set(err, STATUS_INVALID,
                             SLICE_FMT ": tensor \"" SLICE_FMT "\" occurs twice",
                             SLICE_ARG(t->file), SLICE_ARG(t->name));
        }
    }
    return STATUS_OK;
}

// Adds a file's tensors to entries.
static Status add_file(Slice name, Slice bytes, Entries *entries, Safetensors *out, Error *err)
{
    uint64_t len = 0;
    Slice rest = bytes, header = {0};
    if (file_is_lfs_pointer(bytes)) return file_refuse_lfs_pointer(name, err);
    if (!slice_take_u64le(&rest, &len)) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": %zu bytes are too few for a safetensors file: get it again",
                         SLICE_ARG(name), bytes.len);
    }
    if (len > rest.len) {
        return error_set(
            err, STATUS_INVALID,
            SLICE_FMT
            ": its header should have %llu bytes, but only %zu follow: the file is cut short or "
            "no safetensors file",
            SLICE_ARG(name), (unsigned long long)len, rest.len);
    }
    if (len > SAFETENSORS_MAX_HEADER) {
        return error_set(err, STATUS_INVALID,
                         SLICE_FMT ": a header of %llu bytes is above the limit of %d",
                         SLICE_ARG(name), (unsigned long long)len, SAFETENSORS_MAX_HEADER);
    }
    if (!slice_take(&rest, (size_t)len, &header))
        return error_set(err, STATUS_INTERNAL, "header length changed");
    Entries own = {0};
    JsonReader r = json_reader(name, header, &out->arena);
    TRY(read_header(&r, rest, &own, out, err));
    TRY(check_cover(name, rest, &own, err));
    for (size_t i = 0; i < own.count; i++) TRY(add_entry(out, entries, &own.list[i], err));
    return STATUS_OK;
}

static Status finish(Entries *entries, Safetensors *out, Error *err)
{
    TRY(sort_by_name(entries, err));
    out->tensors = entries->list;
    out->n_tensors = entries->count;
    return STATUS_OK;
}

Status safetensors_parse(Slice name, Slice bytes, Safetensors *out, Error *err)
{
    *out = (Safetensors){0};
    Entries entries = {0};
    const Slice kept = arena_copy(&out->arena, name);
    Status s = kept.ptr ? STATUS_OK : error_set_memory(err, name.len, 1, "a file's name");
    if (s == STATUS_OK) s = add_file(kept, bytes, &entries, out, err);
    if (s == STATUS_OK) s = finish(&entries, out, err);
    if (s != STATUS_OK) safetensors_close(out);
    return s;
}

static Status add_path(const char *path, Entries *entries, Safetensors *out, Error *err)
{
    const Slice name = arena_copy(&out->arena, slice_from_cstr(path));
    if (!name.ptr) return error_set_memory(err, 1, 1, "a file's name");
    TRY(file_map(path, &out->maps[out->n_maps], err));
    return add_file(name, out->maps[out->n_maps++], entries, out, err);
}

void safetensor_drop(const SafeTensor *tensor, Slice part)
{
    // Linux maps 64 KiB around a page that is read (fault_around_bytes), and since 6.18 all of the piece that its cache holds
    // together: 4 MiB were seen.
    enum { AROUND = 4 << 20 };
    const Slice all = tensor->mapped;
    if (!all.ptr || part.len == 0) return;
    const size_t begin = (size_t)(part.ptr - all.ptr), end = begin + part.len;
    // What follows within the tensor is read next.
    const bool is_last = part.ptr + part.len == tensor->data.ptr + tensor->data.len;
    file_drop(slice_sub(all, begin - size_min(begin, AROUND),
                        is_last ? size_min(end + AROUND, all.len) : end));
}

static void tell_mapped(Safetensors *file)
{
    for (size_t i = 0; i < file->n_tensors; i++) {
        SafeTensor *tensor = &file->tensors[i];
        for (size_t m = 0; m < file->n_maps; m++) {
            const Slice map = file->maps[m];
            if (tensor->data.ptr >= map.ptr && tensor->data.ptr < map.ptr + map.len)
                tensor->mapped = map;
        }
    }
}

Status safetensors_open_files(const char *const *paths, size_t n_paths, Safetensors *out,
                              Error *err)
{
    *out = (Safetensors){0};
    Entries entries = {0};
    Status s = arena_take(&out->arena, n_paths, sizeof *out->maps, "mappings", &out->maps, err);
    for (size_t i = 0; s == STATUS_OK && i < n_paths; i++)
        s = add_path(paths[i], &entries, out, err);
    if (s == STATUS_OK) s = finish(&entries, out, err);
    if (s == STATUS_OK) tell_mapped(out);
    if (s != STATUS_OK) safetensors_close(out);
    return s;
}

Status safetensors_open(const char *path, Safetensors *out, Error *err)
{
    return safetensors_open_files(&path, 1, out, err);
}

void safetensors_close(Safetensors *file)
{
    if (!file) return;
    for (size_t i = 0; i < file->n_maps; i++) file_unmap(&file->maps[i]);
    arena_release(&file->arena);
    *file = (Safetensors){0};
}

void safetensors_sort(Safetensors *file)
{
    if (file->n_tensors > 0) qsort(file->tensors, file->n_tensors, sizeof *file->tensors, by_name);
}

Status safetensors_want_distinct(const Safetensors *file, Error *err)
{
    for (size_t i = 1; i < file->n_tensors; i++) {
        if (slice_eq(file->tensors[i - 1].name, file->tensors[i].name))
            return error_set(err, STATUS_INVALID, "two tensors are \"" SLICE_FMT "\"",
                             SLICE_ARG(file->tensors[i].name));
    }
    return STATUS_OK;
}

const SafeTensor *safetensors_find(const Safetensors *file, Slice name)
{
    size_t low = 0, high = file->n_tensors;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = slice_cmp(file->tensors[middle].name, name);
        if (order == 0) return &file->tensors[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static Status join_tensors(Safetensors *to, const Safetensors *from, const char *prefix,
                           SafeTensor *all, Error *err)
{
    if (to->n_tensors > 0) memcpy(all, to->tensors, to->n_tensors * sizeof *all);
    for (size_t i = 0; i < from->n_tensors; i++) {
        SafeTensor *tensor = &all[to->n_tensors + i];
        *tensor = from->tensors[i];
        const char *name =
            arena_printf(&to->arena, "%s" SLICE_FMT, prefix, SLICE_ARG(tensor->name));
        tensor->file = arena_copy(&to->arena, tensor->file);
        if (!name || !tensor->file.ptr)
            return error_set_memory(err, 2, tensor->name.len, "a tensor's name");
        tensor->name = slice_from_cstr(name);
    }
    to->tensors = all;
    to->n_tensors += from->n_tensors;
    safetensors_sort(to);
    return safetensors_want_distinct(to, err);
}

Status safetensors_join(Safetensors *to, Safetensors *from, const char *prefix, Error *err)
{
    SafeTensor *all = NULL;
    Slice *maps = NULL;
    if (!prefix) return error_set_memory(err, 1, 1, "a prefix");
    TRY(arena_take(&to->arena, to->n_tensors + from->n_tensors, sizeof *all, "tensors", &all, err));
    TRY(arena_take(&to->arena, to->n_maps + from->n_maps, sizeof *maps, "mappings", &maps, err));
    TRY(join_tensors(to, from, prefix, all, err));
    if (to->n_maps > 0) memcpy(maps, to->maps, to->n_maps * sizeof *maps);
    if (from->n_maps > 0) memcpy(maps + to->n_maps, from->maps, from->n_maps * sizeof *maps);
    to->maps = maps;
    to->n_maps += from->n_maps;
    from->n_maps = 0;
    safetensors_close(from);
    return STATUS_OK;
}

Slice safetensors_metadata(const Safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->n_metadata; i++) {
        if (slice_eq_cstr(file->metadata[i].key, key)) return file->metadata[i].value;
    }
    return (Slice){0};
}
