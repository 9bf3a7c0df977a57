// GGUF files: parsing never crashes; what it accepts lies within the file, and every element of it can be walked. An input with
// "GGUF" at several places is read as shards too, which begin there.
#include "models/formats/gguf.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

// clang-format off
#define HEADER(tensors, pairs) "GGUF\x03\0\0\0" tensors "\0\0\0\0\0\0\0" pairs "\0\0\0\0\0\0\0"
#define NAME_A "\x01\0\0\0\0\0\0\0" "a"

// Of two: "m" is its general.name; the tensor has two numbers, behind 20 bytes of padding.
#define SHARD(no, name) HEADER("\x01", "\x04") \
    "\x0c\0\0\0\0\0\0\0general.name\x08\0\0\0\x01\0\0\0\0\0\0\0m" \
    "\x08\0\0\0\0\0\0\0split.no\x02\0\0\0" no "\0" \
    "\x0b\0\0\0\0\0\0\0split.count\x02\0\0\0\x02\0" \
    "\x13\0\0\0\0\0\0\0split.tensors.count\x05\0\0\0\x02\0\0\0" \
    name "\x01\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\1\2\3\4\5\6\7\x08"

const Slice fuzz_seeds[] = {
    // One pair of each shape: u32, string, an array of strings, an array of arrays of u8, f64, bool.
    SLICE_LIT(HEADER("\0", "\x06") NAME_A "\x04\0\0\0\x07\0\0\0"
        "\x02\0\0\0\0\0\0\0ab\x08\0\0\0\x03\0\0\0\0\0\0\0xyz"
        "\x01\0\0\0\0\0\0\0c\x09\0\0\0\x08\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0q\0\0\0\0\0\0\0\0"
        "\x01\0\0\0\0\0\0\0d\x09\0\0\0\x09\0\0\0\x01\0\0\0\0\0\0\0\x00\0\0\0\x02\0\0\0\0\0\0\0\x05\x06"
        "\x01\0\0\0\0\0\0\0e\x0c\0\0\0\0\0\0\0\0\0\xf0\x3f"
        "\x01\0\0\0\0\0\0\0f\x07\0\0\0\x01"),
    // One F32 tensor of two numbers at offset 0 (the data begin at byte 64).
    SLICE_LIT(HEADER("\x01", "\0") NAME_A "\x01\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\1\2\3\4\5\6\7\10"),
    // One Q8_0 tensor of 32 numbers.
    SLICE_LIT(HEADER("\x01", "\0") NAME_A "\x01\0\0\0\x20\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\x3cqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"),
    SLICE_LIT(HEADER("\0", "\x01") "\x11\0\0\0\0\0\0\0general.alignment\x04\0\0\0\x10\0\0\0"),
    // Two shards of a tensor each, which both say general.name.
    SLICE_LIT(SHARD("\0", "\x01\0\0\0\0\0\0\0" "a") SHARD("\1", "\x01\0\0\0\0\0\0\0" "b")),
    SLICE_LIT("GGUF\x02\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
};
// clang-format on
const size_t fuzz_seed_count = sizeof fuzz_seeds / sizeof *fuzz_seeds;

static void walk(const Gguf *file, const GgufPair *pair)
{
    size_t seen = 0;
    Slice text;
    int64_t number = 0;
    double real = 0;
    for (GgufItems items = gguf_items(&pair->value); gguf_next_string(&items, &text);) seen++;
    for (GgufItems items = gguf_items(&pair->value); gguf_next_int(&items, &number);) seen++;
    const bool is_real = pair->value.type == GGUF_F32 || pair->value.type == GGUF_F64;
    for (GgufItems items = gguf_items(&pair->value); is_real && gguf_next_real(&items, &real);)
        seen++;
    const bool walks = pair->value.is_array && pair->value.type != GGUF_ARRAY;
    if (seen != (walks ? pair->value.n : 0)) abort();
    if (pair->key.len == 0) abort();
    char *key = malloc(pair->key.len + 1);
    if (!key) abort();
    for (size_t i = 0; i < pair->key.len; i++) key[i] = pair->key.ptr[i];
    key[pair->key.len] = '\0';
    const GgufValue *found = gguf_find(file, key);
    if (slice_find_byte(pair->key, '\0') == SIZE_MAX && found != &pair->value) abort();
    free(key);
}

static void read_tensor(const SafeTensor *tensor, Slice bytes)
{
    Error err = {0};
    size_t n = 0, size = 0;
    if (!tensor_type_bytes(tensor->type, tensor->n_dims, tensor->shape, &n, &size)) abort();
    if (n != tensor->n_elements || size != tensor->data.len) abort();
    if (size > 0 &&
        (tensor->data.ptr < bytes.ptr || tensor->data.ptr + size > bytes.ptr + bytes.len)) {
        abort();
    }
    float *floats = malloc((n + 1) * sizeof *floats);
    if (!floats) abort();
    if (safetensor_read_f32(tensor, floats, &err) != STATUS_OK && err.text[0] == '\0') abort();
    free(floats);
}

// All of what was accepted.
static void check(Status s, Gguf *file, const Error *err, Slice bytes)
{
    if (s != STATUS_OK) {
        if (err->text[0] == '\0' || file->n_tensors != 0 || file->n_pairs != 0) abort();
        return;
    }
    size_t total = 0, n_tensors = 0;
    for (size_t i = 0; i < file->n_pairs; i++) walk(file, &file->pairs[i]);
    for (size_t i = 0; i < file->n_tensors; i++) {
        read_tensor(&file->tensors[i], bytes);
        total += file->tensors[i].data.len;
    }
    for (size_t i = 0; i < file->n_files; i++) n_tensors += file->files[i].n_tensors;
    if (total > bytes.len || n_tensors != file->n_tensors) abort();
    gguf_close(file);
}

// Every "GGUF" begins a shard.
static size_t cut(Slice bytes, Slice *shards, size_t capacity)
{
    size_t n = 0, begin = 0;
    while (n < capacity && begin < bytes.len) {
        const Slice rest = slice_sub(bytes, begin, bytes.len);
        const size_t next = slice_find(slice_sub(rest, 1, rest.len), SLICE("GGUF"));
        const size_t len = next == SIZE_MAX || n + 1 == capacity ? rest.len : next + 1;
        shards[n++] = slice_sub(rest, 0, len);
        begin += len;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const Slice names[] = {SLICE_LIT("fuzz-1"), SLICE_LIT("fuzz-2"), SLICE_LIT("fuzz-3"),
                                  SLICE_LIT("fuzz-4")};
    Error err = {0};
    Gguf file;
    Slice shards[4];
    const Slice bytes = {(const char *)data, size};
    check(gguf_parse(SLICE("fuzz"), bytes, &file, &err), &file, &err, bytes);
    const size_t n = cut(bytes, shards, 4);
    if (n < 2) return 0;
    err = (Error){0};
    const Status s = gguf_parse_shards(names, shards, n, &file, &err);
    if (s == STATUS_OK && file.n_files != n) abort();
    check(s, &file, &err, bytes);
    return 0;
}
