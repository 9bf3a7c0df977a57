#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "models/formats/gguf.h"

enum { NAME_MAX_BYTES = 63 };

// ---- metadata ----

static void append_number(Buffer *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) buffer_append_byte(out, (char)(value >> (8 * i) & 255));
}

static void append_string(Buffer *out, Slice text)
{
    append_number(out, text.len, 8);
    buffer_append(out, text);
}

static void begin_pair(GgufBuilder *b, Slice key, GgufType type)
{
    append_string(&b->pairs, key);
    append_number(&b->pairs, (uint64_t)type, 4);
    b->n_pairs++;
}

static void begin_array(GgufBuilder *b, const char *key, GgufType type, size_t n)
{
    begin_pair(b, slice_from_cstr(key), GGUF_ARRAY);
    append_number(&b->pairs, (uint64_t)type, 4);
    append_number(&b->pairs, n, 8);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void gguf_put_u32(GgufBuilder *b, const char *key, uint32_t value)
{
    begin_pair(b, slice_from_cstr(key), GGUF_U32);
    append_number(&b->pairs, value, 4);
}

void gguf_put_i32(GgufBuilder *b, const char *key, int32_t value)
{
    begin_pair(b, slice_from_cstr(key), GGUF_I32);
    append_number(&b->pairs, (uint32_t)value, 4);
}

void gguf_put_f32(GgufBuilder *b, const char *key, float value)
{
    begin_pair(b, slice_from_cstr(key), GGUF_F32);
    append_number(&b->pairs, bits_of(value), 4);
}

void gguf_put_bool(GgufBuilder *b, const char *key, bool value)
{
    begin_pair(b, slice_from_cstr(key), GGUF_BOOL);
    append_number(&b->pairs, value, 1);
}

void gguf_put_string(GgufBuilder *b, const char *key, Slice value)
{
    begin_pair(b, slice_from_cstr(key), GGUF_STRING);
    append_string(&b->pairs, value);
}

void gguf_put_strings(GgufBuilder *b, const char *key, const Slice *values, size_t n)
{
    begin_array(b, key, GGUF_STRING, n);
    for (size_t i = 0; i < n; i++) append_string(&b->pairs, values[i]);
}

void gguf_put_i32s(GgufBuilder *b, const char *key, const int32_t *values, size_t n)
{
    begin_array(b, key, GGUF_I32, n);
    for (size_t i = 0; i < n; i++) append_number(&b->pairs, (uint32_t)values[i], 4);
}

void gguf_put_u32s(GgufBuilder *b, const char *key, const uint32_t *values, size_t n)
{
    begin_array(b, key, GGUF_U32, n);
    for (size_t i = 0; i < n; i++) append_number(&b->pairs, values[i], 4);
}

void gguf_put_f32s(GgufBuilder *b, const char *key, const float *values, size_t n)
{
    begin_array(b, key, GGUF_F32, n);
    for (size_t i = 0; i < n; i++) append_number(&b->pairs, bits_of(values[i]), 4);
}

void gguf_put_bytes(GgufBuilder *b, const char *key, Slice bytes)
{
    begin_array(b, key, GGUF_U8, bytes.len);
    buffer_append(&b->pairs, bytes);
}

void gguf_put_bools(GgufBuilder *b, const char *key, const bool *values, size_t n)
{
    begin_array(b, key, GGUF_BOOL, n);
    for (size_t i = 0; i < n; i++) append_number(&b->pairs, values[i], 1);
}

void gguf_put_value(GgufBuilder *b, Slice key, const GgufValue *value)
{
    begin_pair(b, key, value->is_array ? GGUF_ARRAY : value->type);
    if (value->is_array) {
        append_number(&b->pairs, (uint64_t)value->type, 4);
        append_number(&b->pairs, value->n, 8);
    }
    buffer_append(&b->pairs, value->bytes);
}

void gguf_builder_release(GgufBuilder *b)
{
    buffer_release(&b->pairs);
    *b = (GgufBuilder){0};
}

// ---- the file ----

static int by_name(const void *a, const void *b)
{
    return slice_cmp((*(const SafeItem *const *)a)->name, (*(const SafeItem *const *)b)->name);
}

static Status check_names(const SafeItem *items, size_t n, Error *err)
{
    Arena arena = {0};
    const SafeItem **order = NULL;
    Status s = arena_take(&arena, n, sizeof *order, "names", &order, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        order[i] = &items[i];
        if (items[i].name.len > NAME_MAX_BYTES) {
            s = error_set(err, STATUS_INVALID,
                          "tensor \"" SLICE_FMT
                          "\": its name is longer than the %d bytes of the format",
                          SLICE_ARG(items[i].name), NAME_MAX_BYTES);
        }
    }
    if (s == STATUS_OK && n > 0) qsort(order, n, sizeof *order, by_name);
    for (size_t i = 1; s == STATUS_OK && i < n; i++) {
        if (slice_eq(order[i - 1]->name, order[i]->name))
            s = error_set(err, STATUS_INVALID, "tensor \"" SLICE_FMT "\" is given twice",
                          SLICE_ARG(order[i]->name));
    }
    arena_release(&arena);
    return s;
}

static Status put_infos(const SafeItem *items, size_t n, size_t *sizes, Buffer *out, Error *err)
{
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const SafeItem *item = &items[i];
        uint32_t type = 0;
        size_t n_elements = 0;
        if (!gguf_type_of_tensor(item->type, &type) || item->n_dims > GGUF_MAX_DIMS ||
            !tensor_type_bytes(item->type, item->n_dims, item->shape, &n_elements, &sizes[i])) {
            return error_set(
                err, STATUS_INVALID,
                "tensor \"" SLICE_FMT
                "\" cannot be stored as %s in a GGUF file: its rows must be whole blocks "
                "of %zu numbers, and its dimensions at most %d",
                SLICE_ARG(item->name), tensor_type_name(item->type), tensor_type_block(item->type),
                GGUF_MAX_DIMS);
        }
        append_string(out, item->name);
        append_number(out, item->n_dims, 4);
        for (size_t d = item->n_dims; d-- > 0;) append_number(out, item->shape[d], 8);
        append_number(out, type, 4);
        append_number(out, at, 8);
        at += size_round_up(sizes[i], GGUF_DEFAULT_ALIGNMENT);
    }
    return STATUS_OK;
}

static Status pad(FileWriter *writer, size_t written, Error *err)
{
    static const char zeros[GGUF_DEFAULT_ALIGNMENT];
    const size_t n = size_round_up(written, GGUF_DEFAULT_ALIGNMENT) - written;
    return n > 0 ? file_writer_write(writer, zeros, n, err) : STATUS_OK;
}

// Rows of an item: stretches of its last dimension.
static size_t n_rows(const SafeItem *item)
{
    size_t n = 1;
    for (size_t d = 0; d + 1 < item->n_dims; d++) n *= item->shape[d];
    return n;
}

// Rows that are filled at once.
static size_t rows_at_once(const SafeItem *item, size_t size)
{
    enum { STRETCH_BYTES = 1 << 20 };
    const size_t n = n_rows(item), row_bytes = size_max(size / size_max(n, 1), 1);
    return size_min(n, size_max(STRETCH_BYTES / row_bytes, 1));
}

// room: for the rows of one turn.
static Status write_filled(FileWriter *writer, const SafeItem *item, size_t index, size_t size,
                           GgufFill fill, void *context, void *room, Error *err)
{
    const size_t n = n_rows(item), step = rows_at_once(item, size);
    for (size_t first = 0; first < n; first += step) {
        const size_t here = size_min(step, n - first);
        TRY(fill(context, index, first, here, room, err));
        TRY(file_writer_write(writer, room, size / n * here, err));
    }
    return STATUS_OK;
}

static Status write_tensors(FileWriter *writer, const SafeItem *items, size_t n,
                            const size_t *sizes, GgufFill fill, void *context, Error *err)
{
    size_t largest = 1;
    for (size_t i = 0; i < n; i++) {
        if (items[i].data || sizes[i] == 0) continue;
        largest =
            size_max(largest, sizes[i] / n_rows(&items[i]) * rows_at_once(&items[i], sizes[i]));
    }
    void *room = malloc(largest);
    if (!room) return error_set_memory(err, largest, 1, "a tensor to be written");
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        if (items[i].data && sizes[i] > 0)
            s = file_writer_write(writer, items[i].data, sizes[i], err);
        else if (sizes[i] > 0)
            s = write_filled(writer, &items[i], i, sizes[i], fill, context, room, err);
        if (s == STATUS_OK) s = pad(writer, sizes[i], err);
    }
    free(room);
    return s;
}

Status gguf_write(const char *path, const GgufBuilder *metadata, const SafeItem *items,
                  size_t n_items, GgufFill fill, void *context, Error *err)
{
    FileWriter *writer = NULL;
    Buffer head = {0};
    size_t *sizes = calloc(n_items + 1, sizeof *sizes);
    Status s = sizes ? check_names(items, n_items, err)
                     : error_set_memory(err, n_items, sizeof *sizes, "sizes of tensors");
    if (s != STATUS_OK) goto done;
    buffer_append_cstr(&head, "GGUF");
    append_number(&head, 3, 4);
    append_number(&head, n_items, 8);
    append_number(&head, metadata->n_pairs, 8);
    buffer_append(&head, buffer_slice(&metadata->pairs));
    head.failed = head.failed || metadata->pairs.failed;
    s = put_infos(items, n_items, sizes, &head, err);
    if (s == STATUS_OK) s = buffer_status(&head, err);
    if (s == STATUS_OK) s = file_writer_open(path, &writer, err);
    if (s == STATUS_OK) s = file_writer_write(writer, head.ptr, head.len, err);
    if (s == STATUS_OK) s = pad(writer, head.len, err);
    if (s == STATUS_OK) s = write_tensors(writer, items, n_items, sizes, fill, context, err);
    if (s == STATUS_OK) s = file_writer_commit(&writer, err);
done:
    file_writer_discard(&writer);
    buffer_release(&head);
    free(sizes);
    return s == STATUS_OK ? s : error_wrap_path(err, "writing", path);
}
