// How words are cut by the names that tokenizer.ggml.pre may have: ids of llama.cpp (llama-cpp-python 0.3.36) for GPT-2's
// vocabulary with each name put into its file.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "models/gguf/gguf_export.h"
#include "models/tokenizers/gguf_words.h"
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

#define WORDS_OF(pre, merges)                                             \
    "{\"pre_tokenizer\": " pre ", \"model\": {\"type\": \"BPE\", " merges \
    "\"vocab\": {\"a\": 0}, \"merges\": []}}"
#define SPLIT(regex) \
    "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"" regex "\"}, \"behavior\": \"Isolated\"}"
#define SEQUENCE(steps) \
    "{\"type\": \"Sequence\", \"pretokenizers\": [" steps ", {\"type\": \"ByteLevel\"}]}"
#define CASED_WORDS \
    "[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+|"

Test(gguf_words, have_the_name_by_which_llama_cpp_cuts_them)
{
    static const struct {
        const char *tokenizer, *name;
    } tokenizers[] = {
        {WORDS_OF("{\"type\": \"ByteLevel\"}", ""), "gpt-2"},
        {WORDS_OF(SEQUENCE("{\"type\": \"Digits\", \"individual_digits\": true}"), ""),
         "starcoder"},
        {WORDS_OF(SEQUENCE(SPLIT("\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s]+")),
                  "\"ignore_merges\": true, "),
         "llama-bpe"},
        {WORDS_OF(SEQUENCE(SPLIT("\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s]+")), ""), "smaug-bpe"},
        {WORDS_OF(SEQUENCE(SPLIT("\\\\p{L}+|\\\\p{N}| ?[^\\\\s]+")), ""), "qwen2"},
        {WORDS_OF(SEQUENCE(SPLIT(CASED_WORDS "\\\\p{N}{1,3}| ?[^\\\\s]+")), ""), "gpt-4o"},
        {WORDS_OF(SEQUENCE(SPLIT(CASED_WORDS "\\\\p{N}| ?[^\\\\s]+")), ""), "tekken"},
        {WORDS_OF(SEQUENCE(SPLIT("\\\\p{N}{1,3}") ", " SPLIT("[!~][A-Za-z]+|[\\\\p{P}\\\\p{S}]+")),
                  ""),
         "deepseek-v3"},
        {WORDS_OF(SEQUENCE(SPLIT("\\\\s?\\\\p{L}+") ", " SPLIT("\\\\s?\\\\p{P}+")), ""),
         "deepseek-coder"},
    };
    const char *folder = folder_make(), *path = folder_path(folder, "words.gguf");
    for (size_t i = 0; i < sizeof tokenizers / sizeof *tokenizers; i++) {
        JsonDocument *tokenizer = NULL, *config = NULL;
        GgufBuilder b = {0};
        Gguf file;
        Slice name = {0};
        MUST(json_parse(SLICE("tokenizer.json"), slice_from_cstr(tokenizers[i].tokenizer), 0,
                        &tokenizer, &err));
        MUST(json_parse(SLICE("config.json"), SLICE("{}"), 0, &config, &err));
        MUST(gguf_put_tokenizer(&b, json_root(tokenizer), json_root(config), 1, &err));
        MUST(gguf_write(path, &b, NULL, 0, NULL, NULL, &err));
        MUST(gguf_open(path, &file, &err));
        MUST(gguf_get_string(&file, "tokenizer.ggml.pre", &name, NULL, &err));
        cr_expect(slice_eq_cstr(name, tokenizers[i].name), "%s: " SLICE_FMT, tokenizers[i].name,
                  SLICE_ARG(name));
        gguf_close(&file);
        gguf_builder_release(&b);
        json_close(&tokenizer);
        json_close(&config);
    }
    folder_remove(folder);
}

Test(gguf_words, a_name_of_phi3_is_blurred)
{
    static const struct {
        const char *name, *blurred; // NULL: it is none
    } names[] = {{"Phi-3-mini", "Phi 3-mini"},
                 {"tiny-phi3", "tiny-phi 3"},
                 {"phi3-phi-3", "phi 3-phi 3"},
                 {"phi-", NULL},
                 {"phi-2", NULL},
                 {"", NULL}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Buffer out = {0};
        const Slice name = slice_from_cstr(names[i].name);
        cr_expect_eq(gguf_words_is_phi3(name), names[i].blurred != NULL, "%s", names[i].name);
        gguf_words_blur_phi3(name, &out);
        cr_expect(
            slice_eq_cstr(buffer_slice(&out), names[i].blurred ? names[i].blurred : names[i].name),
            "%s: " SLICE_FMT, names[i].name, SLICE_ARG(buffer_slice(&out)));
        buffer_release(&out);
    }
}
