#include "tests/models/shards.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static void must(Status s, const Error *err)
{
    cr_assert_eq(s, STATUS_OK, "%s", err->text);
}

static void put_u16(GgufBuilder *b, const char *key, size_t value)
{
    const char bytes[2] = {(char)(value & 0xff), (char)(value >> 8)};
    const GgufValue pair = {.type = GGUF_U16, .n = 1, .bytes = {bytes, 2}};
    gguf_put_value(b, slice_from_cstr(key), &pair);
}

static void put_metadata(const Gguf *file, const Shard *shard, GgufBuilder *b)
{
    for (size_t i = 0; i < file->n_pairs && shard->no == 0; i++)
        gguf_put_value(b, file->pairs[i].key, &file->pairs[i].value);
    if (shard->is_named) gguf_put_string(b, "general.name", SLICE("a stranger"));
    if (!shard->is_unsaid) put_u16(b, "split.no", shard->no);
    put_u16(b, "split.count", shard->count);
    gguf_put_i32(b, "split.tensors.count", (int32_t)shard->n_tensors);
}

void write_shard(const char *from, const char *to, const Shard *shard)
{
    Error err = {0};
    Gguf file;
    GgufBuilder b = {0};
    must(gguf_open(from, &file, &err), &err);
    SafeItem *items = calloc(shard->n + 1, sizeof *items);
    cr_assert(items && shard->first + shard->n <= file.n_tensors);
    for (size_t i = 0; i < shard->n; i++) {
        const SafeTensor *t = &file.tensors[shard->first + i];
        items[i] =
            (SafeItem){.name = t->name, .type = t->type, .n_dims = t->n_dims, .data = t->data.ptr};
        memcpy(items[i].shape, t->shape, sizeof t->shape);
    }
    put_metadata(&file, shard, &b);
    must(gguf_write(to, &b, items, shard->n, NULL, NULL, &err), &err);
    gguf_builder_release(&b);
    free(items);
    gguf_close(&file);
}

const char *shard_path(const char *folder, const char *name, size_t number, size_t count)
{
    static char paths[3][1024];
    static size_t turn;
    char *path = paths[turn++ % 3];
    snprintf(path, sizeof paths[0], "%s/%s-%05zu-of-%05zu.gguf", folder, name, number, count);
    return path;
}

void cut_gguf(const char *from, const char *folder, const char *name, size_t count,
              bool first_is_bare)
{
    Error err = {0};
    Gguf file;
    must(gguf_open(from, &file, &err), &err);
    const size_t n = file.n_tensors, n_full = first_is_bare ? count - 1 : count;
    gguf_close(&file);
    must(file_make_directories(folder, &err), &err);
    for (size_t i = 0, first = 0; i < count; i++) {
        const size_t place = first_is_bare ? i : i + 1, end = n * place / n_full;
        const Shard shard = {
            .no = i, .count = count, .n_tensors = n, .first = first, .n = end - first};
        write_shard(from, shard_path(folder, name, i + 1, count), &shard);
        first = end;
    }
}
