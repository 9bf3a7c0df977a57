// GGUF files: parsing never crashes; what it accepts lies within the file, and every element of it can be walked.
#include "models/formats/gguf.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

// clang-format off
#define HEADER(tensors, pairs) "GGUF\x03\0\0\0" tensors "\0\0\0\0\0\0\0" pairs "\0\0\0\0\0\0\0"
#define NAME_A "\x01\0\0\0\0\0\0\0" "a"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err = {0};
    Gguf file;
    const Slice bytes = {(const char *)data, size};
    if (gguf_parse(SLICE("fuzz"), bytes, &file, &err) != STATUS_OK) {
        if (err.text[0] == '\0' || file.n_tensors != 0 || file.n_pairs != 0) abort();
        return 0;
    }
    size_t total = 0;
    for (size_t i = 0; i < file.n_pairs; i++) walk(&file, &file.pairs[i]);
    for (size_t i = 0; i < file.n_tensors; i++) {
        read_tensor(&file.tensors[i], bytes);
        total += file.tensors[i].data.len;
    }
    if (total > size) abort();
    gguf_close(&file);
    return 0;
}
