#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kernels/quant.h"
#include "models/formats/gguf.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static void number(Buffer *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) buffer_append_byte(out, (char)(value >> (8 * i) & 255));
}

static void text(Buffer *out, const char *value)
{
    number(out, strlen(value), 8);
    buffer_append_cstr(out, value);
}

static void header(Buffer *out, uint64_t tensors, uint64_t pairs)
{
    buffer_append_cstr(out, "GGUF");
    number(out, 3, 4);
    number(out, tensors, 8);
    number(out, pairs, 8);
}

static void tensor(Buffer *out, const char *name, uint64_t n, uint32_t type, uint64_t offset)
{
    text(out, name);
    number(out, 1, 4);
    number(out, n, 8);
    number(out, type, 4);
    number(out, offset, 8);
}

static void pad(Buffer *out, size_t data_bytes)
{
    while (out->len % 32 != 0) buffer_append_byte(out, '\0');
    for (size_t i = 0; i < data_bytes; i++) buffer_append_byte(out, '\0');
}

// The file must be refused, with these words.
static void refuse(Buffer *bytes, const char *says)
{
    Gguf file;
    Error err = {0};
    // A copy of exactly this length, so that a sanitizer sees a read behind it.
    char *copy = malloc(bytes->len + 1);
    cr_assert_not_null(copy);
    memcpy(copy, bytes->ptr, bytes->len);
    cr_expect(gguf_parse(SLICE("f.gguf"), (Slice){copy, bytes->len}, &file, &err) == STATUS_INVALID,
              "accepted, but should say: %s", says);
    cr_expect(strstr(err.text, says) && strstr(err.text, "f.gguf"), "wanted \"%s\": %s", says,
              err.text);
    free(copy);
    buffer_release(bytes);
}

Test(gguf, refuses_what_is_no_such_file)
{
    Buffer b = {0};
    buffer_append_cstr(&b, "GGUX");
    refuse(&b, "not a GGUF file");
    buffer_append_cstr(&b, "GGUF");
    number(&b, 1, 4);
    refuse(&b, "versions 2 and 3");
    buffer_append_cstr(&b, "GGUF");
    number(&b, 3u << 24, 4);
    refuse(&b, "big-endian");
    header(&b, UINT64_MAX, 0);
    refuse(&b, "18446744073709551615 tensors cannot stand");
    header(&b, 0, UINT64_C(1) << 60);
    refuse(&b, "metadata pairs cannot stand");
}

Test(gguf, refuses_broken_metadata)
{
    Buffer b = {0};
    header(&b, 0, 1);
    number(&b, UINT64_MAX - 3, 8); // a string that would wrap around
    pad(&b, 64);
    refuse(&b, "cannot stand");
    header(&b, 0, 1);
    text(&b, "k");
    number(&b, 13, 4);
    number(&b, 0, 8);
    refuse(&b, "unknown type of value 13");
    header(&b, 0, 1);
    text(&b, "k");
    number(&b, GGUF_BOOL, 4);
    number(&b, 2, 1);
    refuse(&b, "0 or 1");
    header(&b, 0, 1);
    text(&b, "k");
    number(&b, GGUF_ARRAY, 4);
    number(&b, GGUF_U64, 4);
    number(&b, UINT64_C(1) << 61, 8); // times 8 is 0 modulo 2^64
    refuse(&b, "elements of an array cannot stand");
    header(&b, 0, 2);
    for (int i = 0; i < 2; i++) {
        text(&b, "same");
        number(&b, GGUF_U8, 4);
        number(&b, 1, 1);
    }
    refuse(&b, "\"same\" occurs twice");
    header(&b, 0, 1);
    text(&b, "general.alignment");
    number(&b, GGUF_U32, 4);
    number(&b, 24, 4);
    refuse(&b, "no power of two");
    header(&b, 0, 1);
    text(&b, "general.alignment");
    number(&b, GGUF_STRING, 4);
    text(&b, "32");
    refuse(&b, "must be an integer, but it is string");
}

Test(gguf, refuses_arrays_nested_too_deep)
{
    Buffer b = {0};
    header(&b, 0, 1);
    text(&b, "deep");
    number(&b, GGUF_ARRAY, 4);
    for (int i = 0; i < 100000; i++) {
        number(&b, GGUF_ARRAY, 4);
        number(&b, 1, 8);
    }
    number(&b, GGUF_U8, 4);
    number(&b, 0, 8);
    refuse(&b, "nest deeper");
}

Test(gguf, refuses_broken_tensors)
{
    static const struct {
        uint64_t n_a, n_b;
        uint32_t type_b;
        uint64_t offset_b;
        const char *name_b, *says;
    } cases[] = {
        {8, 8, 0, 32, "a", "\"a\" occurs twice"},
        {16, 8, 0, 32, "b", "overlap"},
        {8, 8, 0, 33, "b", "no multiple of the alignment 32"},
        {8, 9, 0, 32, "b", "outside the 64 bytes"},
        {8, 8, 0, UINT64_MAX - 31, "b", "outside the 64 bytes"},
        {8, UINT64_MAX / 2, 0, 32, "b", "overflows"},
        {8, UINT64_MAX, 0, 32, "b", "too large"},
        {8, 33, 8, 32, "b", "no whole blocks of Q8_0"},
        {8, 256, 21, 32, "b", "(IQ3_S) is not supported; supported are"},
        {8, 8, 999, 32, "b", "(unknown) is not supported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buffer b = {0};
        header(&b, 2, 0);
        tensor(&b, "a", cases[i].n_a, 0, 0);
        tensor(&b, cases[i].name_b, cases[i].n_b, cases[i].type_b, cases[i].offset_b);
        pad(&b, 64);
        refuse(&b, cases[i].says);
    }
    Buffer b = {0};
    header(&b, 1, 0);
    text(&b, "a");
    number(&b, 5, 4);
    pad(&b, 64);
    refuse(&b, "5 dimensions are more than 4");
}

// One pair of every kind, and two tensors.
static void build(GgufBuilder *b)
{
    const Slice texts[] = {SLICE("x"), SLICE(""), SLICE("a\0b")};
    gguf_put_string(b, "general.architecture", SLICE("llama"));
    gguf_put_u32(b, "u", 4000000000u);
    gguf_put_i32(b, "i", -5);
    gguf_put_f32(b, "f", 0.5f);
    gguf_put_bool(b, "b", true);
    gguf_put_strings(b, "texts", texts, 3);
    gguf_put_i32s(b, "ints", (const int32_t[]){1, -2, 3}, 3);
    gguf_put_u32s(b, "sizes", (const uint32_t[]){7, 8}, 2);
    gguf_put_f32s(b, "reals", (const float[]){0.25f, -1.0f}, 2);
    gguf_put_bools(b, "bools", (const bool[]){true, false}, 2);
}

static Status fill_ramp(void *context, size_t index, size_t first, size_t n, void *data, Error *err)
{
    (void)err;
    *(size_t *)context = index;
    float x[64];
    for (int i = 0; i < 64; i++) x[i] = (float)i - 20.0f;
    quant_encode(DTYPE_Q8_0, 32 * n, x + 32 * first, data);
    return STATUS_OK;
}

static Status write(const char *path, Error *err)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    const SafeItem items[] = {
        {.name = SLICE("w"), .type = TENSOR_F32, .n_dims = 2, .shape = {2, 3}, .data = values},
        {.name = SLICE("q"), .type = TENSOR_Q8_0, .n_dims = 2, .shape = {2, 32}},
    };
    GgufBuilder b = {0};
    size_t filled = 0;
    build(&b);
    const Status s = gguf_write(path, &b, items, 2, fill_ramp, &filled, err);
    cr_assert(s != STATUS_OK || filled == 1);
    gguf_builder_release(&b);
    return s;
}

static void check_pairs(const Gguf *file)
{
    Error err = {0};
    int64_t n = 0;
    double real = 0;
    bool found = false, is_set = false;
    Slice name = {0};
    cr_expect(gguf_get_int(file, "u", 0, UINT32_MAX, &n, &found, &err) == STATUS_OK && found);
    cr_expect_eq(n, 4000000000);
    cr_expect(gguf_get_int(file, "i", -5, 0, &n, NULL, &err) == STATUS_OK && n == -5);
    cr_expect(gguf_get_int(file, "u", 0, 10, &n, &found, &err) == STATUS_INVALID);
    cr_expect(strstr(err.text, "\"u\" is 4000000000, but must be from 0 to 10"), "%s", err.text);
    cr_expect(gguf_get_int(file, "none", 0, 10, &n, &found, &err) == STATUS_OK && !found);
    cr_expect(gguf_get_int(file, "b", 0, 10, &n, &found, &err) == STATUS_INVALID);
    cr_expect(gguf_get_int(file, "ints", 0, 10, &n, &found, &err) == STATUS_INVALID);
    cr_expect(gguf_get_real(file, "f", &real, NULL, &err) == STATUS_OK && real == 0.5);
    cr_expect(gguf_get_bool(file, "b", &is_set, NULL, &err) == STATUS_OK && is_set);
    cr_expect(gguf_get_bool(file, "u", &is_set, NULL, &err) == STATUS_INVALID);
    cr_expect(gguf_get_string(file, "general.architecture", &name, NULL, &err) == STATUS_OK);
    cr_expect(slice_eq_cstr(name, "llama"));
}

static void check_arrays(const Gguf *file)
{
    Error err = {0};
    GgufItems items;
    bool found = false;
    int64_t n = 0;
    double real = 0;
    Slice s = {0};
    cr_assert(gguf_get_array(file, "texts", GGUF_STRING, &items, &found, &err) == STATUS_OK);
    cr_expect_eq(items.n, 3);
    cr_expect(gguf_next_string(&items, &s) && slice_eq_cstr(s, "x"));
    cr_expect(gguf_next_string(&items, &s) && s.len == 0);
    cr_expect(gguf_next_string(&items, &s) && s.len == 3);
    cr_expect(!gguf_next_string(&items, &s));
    cr_assert(gguf_get_array(file, "ints", GGUF_I64, &items, NULL, &err) == STATUS_OK);
    cr_expect(gguf_next_int(&items, &n) && gguf_next_int(&items, &n) && n == -2);
    cr_assert(gguf_get_array(file, "reals", GGUF_F64, &items, NULL, &err) == STATUS_OK);
    cr_expect(gguf_next_real(&items, &real) && gguf_next_real(&items, &real) && real == -1.0);
    cr_expect(gguf_get_array(file, "reals", GGUF_STRING, &items, NULL, &err) == STATUS_INVALID);
    cr_expect(strstr(err.text, "must be an array of strings, but it is an array of f32"), "%s",
              err.text);
    cr_expect(gguf_get_array(file, "none", GGUF_STRING, &items, &found, &err) == STATUS_OK);
    cr_expect(!found && items.n == 0);
}

Test(gguf, reads_what_it_writes)
{
    Error err = {0};
    Gguf file;
    float x[64];
    const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
    cr_assert(write(path, &err) == STATUS_OK, "%s", err.text);
    cr_assert(gguf_open(path, &file, &err) == STATUS_OK, "%s", err.text);
    cr_expect_eq(file.n_pairs, 10);
    check_pairs(&file);
    check_arrays(&file);
    const SafeTensor *w = gguf_tensor(&file, SLICE("w")), *q = gguf_tensor(&file, SLICE("q"));
    cr_assert(w && q && !gguf_tensor(&file, SLICE("none")));
    cr_expect(w->n_dims == 2 && w->shape[0] == 2 && w->shape[1] == 3);
    cr_expect(safetensor_read_f32(w, x, &err) == STATUS_OK && x[5] == 6.0f);
    cr_expect(safetensor_read_f32(q, x, &err) == STATUS_OK && fabsf(x[63] - 43.0f) < 0.2f);
    // The pairs copied are the pairs.
    GgufBuilder copy = {0};
    for (size_t i = 0; i < file.n_pairs; i++)
        gguf_put_value(&copy, file.pairs[i].key, &file.pairs[i].value);
    GgufBuilder again = {0};
    build(&again);
    cr_expect(slice_eq(buffer_slice(&copy.pairs), buffer_slice(&again.pairs)));
    gguf_builder_release(&copy);
    gguf_builder_release(&again);
    gguf_close(&file);
    folder_remove(folder);
}

Test(gguf, refuses_to_write_what_readers_refuse)
{
    Error err = {0};
    GgufBuilder b = {0};
    const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
    static const float x[33];
    const SafeItem twice[] = {
        {.name = SLICE("w"), .type = TENSOR_F32, .n_dims = 1, .shape = {33}, .data = x},
        {.name = SLICE("w"), .type = TENSOR_F32, .n_dims = 1, .shape = {33}, .data = x},
    };
    cr_expect(gguf_write(path, &b, twice, 2, NULL, NULL, &err) == STATUS_INVALID);
    SafeItem odd = twice[0];
    odd.type = TENSOR_Q8_0;
    cr_expect(gguf_write(path, &b, &odd, 1, NULL, NULL, &err) == STATUS_INVALID);
    cr_expect(strstr(err.text, "whole blocks of 32"), "%s", err.text);
    odd = twice[0];
    odd.name = SLICE("a name of more than sixty-three bytes, which other readers refuse....");
    cr_expect(gguf_write(path, &b, &odd, 1, NULL, NULL, &err) == STATUS_INVALID);
    cr_expect(!file_exists(path));
    folder_remove(folder);
}

Test(gguf, refuses_every_truncation)
{
    Error err = {0};
    Slice whole = {0};
    const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
    cr_assert(write(path, &err) == STATUS_OK, "%s", err.text);
    cr_assert(file_map(path, &whole, &err) == STATUS_OK);
    // The last tensor has 68 bytes and is padded to 96: what is cut of the padding is not missed.
    for (size_t len = 0; len + 28 < whole.len; len++) {
        Gguf file;
        char *copy = malloc(len + 1);
        memcpy(copy, whole.ptr, len);
        cr_assert(gguf_parse(SLICE("f"), (Slice){copy, len}, &file, &err) != STATUS_OK, "%zu", len);
        free(copy);
    }
    file_unmap(&whole);
    folder_remove(folder);
}

Test(gguf, survives_every_allocation_that_fails)
{
    Error first = {0};
    Slice whole = {0};
    const char *folder = folder_make(), *path = folder_path(folder, "f.gguf");
    cr_assert(write(path, &first) == STATUS_OK && file_map(path, &whole, &first) == STATUS_OK);
    Status s = STATUS_MEMORY;
    for (size_t n = 1; s != STATUS_OK; n++) {
        Gguf file;
        Error err = {0};
        cr_assert(n < 100, "it never succeeds");
        arena_fail_after(n);
        s = gguf_parse(SLICE("f"), whole, &file, &err);
        arena_fail_after(0);
        cr_assert(s == STATUS_OK || s == STATUS_MEMORY, "allocation %zu: %s", n, err.text);
        if (s == STATUS_OK) gguf_close(&file);
    }
    file_unmap(&whole);
    folder_remove(folder);
}

Test(gguf, reads_files_of_other_writers)
{
    static const struct {
        const char *path;
        size_t n_pairs, n_tensors, n_tokens;
    } files[] = {
        {"models/stories260K/stories260K-q4_0.gguf", 22, 47, 512},
        {"models/stories260K/stories260K-bf16.gguf", 22, 47, 512},
        {"models/vocab-gguf/ggml-vocab-bert-bge.gguf", 20, 0, 30522},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        Error err = {0};
        Gguf file;
        GgufItems items;
        const char *path = shared_need(files[i].path);
        cr_assert(gguf_open(path, &file, &err) == STATUS_OK, "%s", err.text);
        cr_expect_eq(file.n_pairs, files[i].n_pairs);
        cr_expect_eq(file.n_tensors, files[i].n_tensors);
        cr_assert(gguf_get_array(&file, "tokenizer.ggml.tokens", GGUF_STRING, &items, NULL, &err) ==
                  STATUS_OK);
        cr_expect_eq(items.n, files[i].n_tokens);
        gguf_close(&file);
    }
}

// Its tokens are spelled otherwise in GGUF; a byte of 0 inside one is a byte like any other.
Test(gguf, words_may_hold_any_byte)
{
    const Slice tokens[] = {SLICE("[PAD]"),
                            SLICE("[UNK]"),
                            SLICE("[CLS]"),
                            SLICE("[SEP]"),
                            SLICE("[MASK]"),
                            SLICE("x\0yzyzyzyz"),
                            SLICE("\xe2\x96\x81"
                                  "a")};
    const int32_t types[] = {3, 2, 3, 3, 3, 1, 1};
    GgufBuilder b = {0};
    Error err = {0};
    Tokenizer *t = NULL;
    const char *folder = folder_make(), *path = folder_path(folder, "words.gguf");
    gguf_put_string(&b, "general.architecture", SLICE("bert"));
    gguf_put_string(&b, "tokenizer.ggml.model", SLICE("bert"));
    gguf_put_strings(&b, "tokenizer.ggml.tokens", tokens, 7);
    gguf_put_i32s(&b, "tokenizer.ggml.token_type", types, 7);
    gguf_put_u32(&b, "tokenizer.ggml.unknown_token_id", 1);
    gguf_put_u32(&b, "tokenizer.ggml.cls_token_id", 2);
    gguf_put_u32(&b, "tokenizer.ggml.seperator_token_id", 3);
    cr_assert(gguf_write(path, &b, NULL, 0, NULL, NULL, &err) == STATUS_OK, "%s", err.text);
    cr_assert(tokenizer_open_file(path, &t, &err) == STATUS_OK, "%s", err.text);
    cr_expect(slice_eq(tokenizer_token(t, 5), SLICE("##x\0yzyzyzyz")));
    cr_expect(slice_eq_cstr(tokenizer_token(t, 6), "a"));
    tokenizer_close(&t);
    gguf_builder_release(&b);
    folder_remove(folder);
}

// llama.cpp's "no token" is -1, which some files have as an unsigned number.
Test(gguf, an_id_of_all_ones_is_no_token)
{
    const Slice tokens[] = {SLICE("[UNK]"), SLICE("[CLS]"), SLICE("[SEP]")};
    GgufBuilder b = {0};
    Error err = {0};
    Tokenizer *t = NULL;
    const char *folder = folder_make(), *path = folder_path(folder, "words.gguf");
    gguf_put_string(&b, "general.architecture", SLICE("bert"));
    gguf_put_string(&b, "tokenizer.ggml.model", SLICE("bert"));
    gguf_put_strings(&b, "tokenizer.ggml.tokens", tokens, 3);
    gguf_put_u32(&b, "tokenizer.ggml.unknown_token_id", 0);
    gguf_put_u32(&b, "tokenizer.ggml.cls_token_id", 1);
    gguf_put_u32(&b, "tokenizer.ggml.seperator_token_id", 2);
    gguf_put_u32(&b, "tokenizer.ggml.padding_token_id", UINT32_MAX);
    cr_assert(gguf_write(path, &b, NULL, 0, NULL, NULL, &err) == STATUS_OK, "%s", err.text);
    cr_assert(tokenizer_open_file(path, &t, &err) == STATUS_OK, "%s", err.text);
    cr_expect(tokenizer_special(t, SPECIAL_PAD) < 0);
    tokenizer_close(&t);
    gguf_builder_release(&b);
    folder_remove(folder);
}
