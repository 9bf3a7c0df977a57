#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/size.h"
#include "models/formats/safetensors.h"

// An item and its place among those given, for sorting.
typedef struct Place {
    const SafeItem *item;
    size_t index;
    size_t size_bytes;
} Place;

static int by_width_and_name(const void *a, const void *b)
{
    const Place *x = a, *y = b;
    // TensorType lists wider types first, as the reference writer does.
    if (x->item->type != y->item->type) return x->item->type < y->item->type ? -1 : 1;
    return slice_cmp(x->item->name, y->item->name);
}

static Status sort_items(Arena *arena, const SafeItem *items, size_t n_items, Place **out,
                         Error *err)
{
    Place *places = NULL;
    TRY(arena_take(arena, n_items, sizeof *places, "the order of tensors", &places, err));
    for (size_t i = 0; i < n_items; i++) {
        size_t size = tensor_type_size(items[i].type);
        for (size_t d = 0; d < items[i].n_dims; d++) {
            if (!size_mul(size, items[i].shape[d], &size)) {
                return error_set(err, STATUS_INVALID, "tensor \"" SLICE_FMT "\" is too large",
                                 SLICE_ARG(items[i].name));
            }
        }
        places[i] = (Place){.item = &items[i], .index = i, .size_bytes = size};
    }
    if (n_items > 0) qsort(places, n_items, sizeof *places, by_width_and_name);
    for (size_t i = 1; i < n_items; i++) {
        if (slice_eq(places[i - 1].item->name, places[i].item->name)) {
            return error_set(err, STATUS_INVALID, "tensor \"" SLICE_FMT "\" is given twice",
                             SLICE_ARG(places[i].item->name));
        }
    }
    *out = places;
    return STATUS_OK;
}

static void put_header(const Place *places, size_t n_items, const SafeMetadata *metadata,
                       size_t n_metadata, Buffer *out)
{
    JsonWriter w = json_writer(out, 0);
    json_begin_object(&w);
    if (n_metadata > 0) {
        json_member_object(&w, "__metadata__");
        for (size_t i = 0; i < n_metadata; i++) {
            json_put_key_slice(&w, metadata[i].key);
            json_put_string(&w, metadata[i].value);
        }
        json_end_object(&w);
    }
    size_t at = 0;
    for (size_t i = 0; i < n_items; i++) {
        const SafeItem *item = places[i].item;
        json_put_key_slice(&w, item->name);
        json_begin_object(&w);
        json_member_cstr(&w, "dtype", tensor_type_name(item->type));
        json_member_array(&w, "shape");
        for (size_t d = 0; d < item->n_dims; d++) json_put_u64(&w, item->shape[d]);
        json_end_array(&w);
        json_member_array(&w, "data_offsets");
        json_put_u64(&w, at);
        json_put_u64(&w, at + places[i].size_bytes);
        json_end_array(&w);
        json_end_object(&w);
        at += places[i].size_bytes;
    }
    json_end_object(&w);
    while (out->len % 8 != 0 && !out->failed) buffer_append_byte(out, ' ');
}

static Status write_data(FileWriter *writer, const Place *place, SafeFill fill, void *context,
                         Buffer *scratch, Error *err)
{
    if (place->size_bytes == 0) return STATUS_OK;
    if (place->item->data)
        return file_writer_write(writer, place->item->data, place->size_bytes, err);
    if (scratch->capacity < place->size_bytes) {
        char *larger = realloc(scratch->ptr, place->size_bytes);
        if (!larger) return error_set_memory(err, place->size_bytes, 1, "a tensor to be written");
        scratch->ptr = larger;
        scratch->capacity = place->size_bytes;
    }
    TRY(fill(context, place->index, scratch->ptr, err));
    return file_writer_write(writer, scratch->ptr, place->size_bytes, err);
}

Status safetensors_write(const char *path, const SafeItem *items, size_t n_items,
                         const SafeMetadata *metadata, size_t n_metadata, SafeFill fill,
                         void *context, Error *err)
{
    Arena arena = {0};
    Place *places = NULL;
    FileWriter *writer = NULL;
    Buffer header = {0}, scratch = {0};
    unsigned char len_bytes[8];
    Status s = sort_items(&arena, items, n_items, &places, err);
    if (s != STATUS_OK) goto done;
    put_header(places, n_items, metadata, n_metadata, &header);
    s = buffer_status(&header, err);
    if (s != STATUS_OK) goto done;
    for (size_t i = 0; i < 8; i++) len_bytes[i] = (unsigned char)((uint64_t)header.len >> (8 * i));
    s = file_writer_open(path, &writer, err);
    if (s == STATUS_OK) s = file_writer_write(writer, len_bytes, sizeof len_bytes, err);
    if (s == STATUS_OK) s = file_writer_write(writer, header.ptr, header.len, err);
    for (size_t i = 0; s == STATUS_OK && i < n_items; i++)
        s = write_data(writer, &places[i], fill, context, &scratch, err);
    if (s == STATUS_OK) s = file_writer_commit(&writer, err);
done:
    file_writer_discard(&writer);
    buffer_release(&header);
    buffer_release(&scratch);
    arena_release(&arena);
    return s == STATUS_OK ? s : error_wrap_path(err, "writing", path);
}
