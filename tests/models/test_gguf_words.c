// How words are cut by the names that tokenizer.ggml.pre may have: ids of llama.cpp (llama-cpp-python 0.3.36) for GPT-2's
// vocabulary with each name put into its file.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

static Error err;

#define MUST(call) cr_assert_eq((call), STATUS_OK, "%s: %s", #call, err.text)

static const char text[] =
    "He'Ll iPHONE's 12345\u00b2 a.b,c \u2026x\u65e5\u672c\u304b(1) n\u0303o ~=\r\n\n  !Foo 99";

static const struct {
    const char *names;
    size_t n;
    int32_t ids[64];
} cases[] = {
    {"gpt-2", 39, {1544, 6,  43,   75, 9736,  39,  11651, 338,  17031, 2231, 31185, 257, 13,  65,
                   11,   66, 3926, 87, 33768, 98,  17312, 105,  27370, 7,    16,    8,   299, 136,
                   225,  78, 5299, 28, 201,   628, 220,   5145, 37,    2238, 7388}},
    {"starcoder qwen2 qwen35 laguna ufakzeka seed-coder bailingmoe exaone-moe viking",
     45,
     {1544, 6,   43,  75, 9736, 39,   11651, 338,   220, 16,    17,  18,    19,  20, 31185,
      257,  13,  65,  11, 66,   3926, 87,    33768, 98,  17312, 105, 27370, 7,   16, 8,
      299,  136, 225, 78, 5299, 28,   201,   628,   220, 5145,  37,  2238,  220, 24, 24}},
    {"llama-bpe jais-2 minicpm5 tiny_aya deepseek-v3 afmoe kimi-k2",
     41,
     {1544, 6,   43, 75,   9736, 39,    11651, 338,   220,  10163, 2231, 31185, 257, 13,
      65,   11,  66, 3926, 87,   33768, 98,    17312, 105,  27370, 7,    16,    8,   299,
      136,  225, 78, 5299, 28,   201,   628,   220,   5145, 37,    2238, 220,   2079}},
    {"falcon", 44, {1544, 6,     43,  75,    9736, 39,  11651, 6,   82,   220,  10163,
                    2231, 31185, 257, 13,    65,   11,  66,    220, 1399, 87,   33768,
                    98,   17312, 105, 27370, 7,    16,  8,     299, 136,  225,  78,
                    220,  93,    28,  201,   628,  220, 220,   0,   37,   2238, 7388}},
    {"default", 45, {1544,  6,     43,  75,  9736, 39,  11651, 6,    82,  220,   10163, 2231,
                     31185, 257,   13,  65,  11,   66,  220,   1399, 87,  33768, 98,    17312,
                     105,   27370, 7,   16,  8,    299, 136,   225,  78,  220,   93,    28,
                     201,   628,   220, 220, 0,    37,  2238,  220,  2079}},
    {"tekken", 45, {1544,  6,   43,    75,   1312, 11909, 11651, 338, 220,  16, 17,    18,
                    19,    20,  31185, 257,  13,   65,    11,    66,  3926, 87, 33768, 98,
                    17312, 105, 27370, 7,    16,   8,     299,   136, 225,  78, 5299,  28,
                    201,   628, 220,   5145, 37,   2238,  220,   24,  24}},
    {"gpt-4o granite-embed-multi-97m",
     41,
     {1544, 6,   43, 75,   1312, 11909, 11651, 338,   220,  10163, 2231, 31185, 257, 13,
      65,   11,  66, 3926, 87,   33768, 98,    17312, 105,  27370, 7,    16,    8,   299,
      136,  225, 78, 5299, 28,   201,   628,   220,   5145, 37,    2238, 220,   2079}},
    {"youtu", 46, {1544, 6,     43,    75,    9736, 39, 11651, 338, 220, 16,   17, 18,
                   19,   20,    31185, 257,   13,   65, 11,    66,  220, 1399, 87, 33768,
                   98,   17312, 105,   27370, 7,    16, 8,     299, 136, 225,  78, 5299,
                   28,   201,   628,   220,   5145, 37, 2238,  220, 24,  24}},
    {"deepseek-llm", 44, {1544, 6,     43,  75,    9736, 39,  11651, 6,   82,   220, 10163,
                          2231, 31185, 257, 13,    65,   11,  66,    220, 1399, 87,  33768,
                          98,   17312, 105, 27370, 7,    16,  8,     299, 136,  225, 78,
                          5299, 28,    201, 198,   198,  220, 5145,  37,  2238, 220, 2079}},
    {"deepseek-coder", 48, {1544,  6,  43,    75,    9736,  39,  11651, 6,  82,   220, 16,   17,
                            18,    19, 20,    31185, 257,   13,  65,    11, 66,   220, 1399, 87,
                            33768, 98, 17312, 105,   27370, 7,   16,    8,  299,  136, 225,  78,
                            5299,  28, 201,   198,   198,   220, 5145,  37, 2238, 220, 24,   24}},
    {"spark2_5", 46, {1544,  6,   43,    75,  9736, 39, 11651, 338, 220,  16, 17,    18,
                      19,    20,  31185, 257, 13,   65, 11,    66,  3926, 87, 33768, 98,
                      17312, 105, 27370, 7,   16,   8,  299,   136, 225,  78, 5299,  28,
                      201,   198, 198,   220, 5145, 37, 2238,  220, 24,   24}},
    {"superbpe", 41, {1544,  6,     43,  75,   9736, 39,   11651, 338, 220,   1065, 27712,
                      31185, 257,   13,  65,   11,   66,   3926,  87,  33768, 98,   17312,
                      105,   27370, 7,   16,   8,    299,  136,   225, 78,    5299, 28,
                      201,   628,   220, 5145, 37,   2238, 220,   2079}},
    {"chameleon", 50, {1544,  6,   43,    75,  9736, 39, 11651, 6,    82,  220,  16,  17,    18,
                       19,    20,  31185, 257, 13,   65, 11,    66,   220, 1399, 87,  33768, 98,
                       17312, 105, 27370, 7,   16,   8,  299,   136,  225, 78,   220, 93,    28,
                       201,   198, 198,   220, 220,  0,  37,    2238, 220, 24,   24}},
};

// The file with another name in it: a length and bytes behind the key and the number of its type.
static void write_named(const char *path, Slice file, Slice name)
{
    const Slice key = SLICE("tokenizer.ggml.pre");
    const size_t at = slice_find(file, key);
    cr_assert_neq(at, SIZE_MAX);
    const size_t length_at = at + key.len + 4;
    size_t old = 0;
    for (size_t i = 0; i < 8; i++) old |= (size_t)(unsigned char)file.ptr[length_at + i] << (8 * i);
    Buffer out = {0};
    buffer_append(&out, slice_sub(file, 0, length_at));
    for (size_t i = 0; i < 8; i++) buffer_append_byte(&out, (char)(name.len >> (8 * i)));
    buffer_append(&out, name);
    buffer_append(&out, slice_sub(file, length_at + 8 + old, file.len));
    MUST(file_write(path, buffer_slice(&out), &err));
    buffer_release(&out);
}

Test(gguf_words, are_cut_as_llama_cpp_cuts_them)
{
    Slice file = {0};
    const char *folder = folder_make();
    const char *path = folder_path(folder, "named.gguf");
    MUST(file_map(shared_need("models/vocab-gguf/ggml-vocab-gpt-2.gguf"), &file, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Slice names = slice_from_cstr(cases[i].names), name = {0};
        while (slice_split(&names, ' ', &name)) {
            Tokenizer *t = NULL;
            Arena arena = {0};
            TokenBatch batch;
            const Slice texts = slice_from_cstr(text);
            const EncodeOptions bare = {.no_special = true};
            write_named(path, file, name);
            MUST(tokenizer_open_file(path, &t, &err));
            MUST(tokenizer_encode_batch(t, &texts, NULL, 1, &bare, &arena, &batch, &err));
            cr_expect_eq(batch.starts[1], cases[i].n, SLICE_FMT ": %zu tokens", SLICE_ARG(name),
                         batch.starts[1]);
            if (batch.starts[1] == cases[i].n)
                cr_expect_arr_eq(batch.ids, cases[i].ids, cases[i].n * sizeof *batch.ids, SLICE_FMT,
                                 SLICE_ARG(name));
            tokenizer_close(&t);
            arena_release(&arena);
        }
    }
    Tokenizer *t = NULL;
    write_named(path, file, SLICE("nobody"));
    cr_expect_eq(tokenizer_open_file(path, &t, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "tokenizer.ggml.pre \"nobody\" is not supported"), "%s", err.text);
    file_unmap(&file);
    folder_remove(folder);
}
