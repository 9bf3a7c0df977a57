// Tokenizers with tokens for languages: where they stand, which there are, and what is refused.
#include <criterion/criterion.h>
#include <string.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/models/model_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

// A vocabulary of words: 4 and 5 are words, 6 and 7 languages.
static const char tokenizer_format[] =
    "{\"version\":\"1.0\",\"added_tokens\":[%s{\"id\":2,\"content\":\"</s>\",\"special\":true},"
    "{\"id\":6,\"content\":\"%s\",\"special\":true},{\"id\":7,\"content\":\"%s\",\"special\":true}],"
    "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Whitespace\"},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
    "{\"SpecialToken\":{\"id\":\"</s>\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"%s\",\"type_id\":0}}],"
    "\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],"
    "\"special_tokens\":{\"</s>\":{\"id\":\"</s>\",\"ids\":[2],\"tokens\":[\"</s>\"]},"
    "\"%s\":{\"id\":\"%s\",\"ids\":[6],\"tokens\":[\"%s\"]}}},"
    "\"decoder\":null,\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3,"
    "\"one\":4,\"two\":5,\"%s\":6,\"%s\":7},\"unk_token\":\"<unk>\"}}";

static Tokenizer *open_words(const char *folder, const char *first, const char *second,
                             const char *config)
{
    char text[2048];
    Error err = {0};
    Tokenizer *tokenizer = NULL;
    snprintf(text, sizeof text, tokenizer_format, "", first, second, first, first, first, first,
             first, second);
    folder_write(folder, "tokenizer.json", text);
    folder_write(folder, "tokenizer_config.json", config);
    want_ok(tokenizer_open(folder, &tokenizer, &err), &err);
    return tokenizer;
}

// code NULL: as the files have it.
static void want_ids(const Tokenizer *tokenizer, const char *code, const char *text,
                     const int32_t *ids, size_t n)
{
    Error err = {0};
    Arena arena = {0};
    EncodeOptions options = {0};
    TokenBatch batch;
    Encoding encoding;
    const Slice slice = slice_from_cstr(text);
    if (code)
        want_ok(tokenizer_find_language(tokenizer, slice_from_cstr(code), &options.language, &err),
                &err);
    want_ok(tokenizer_encode_batch(tokenizer, &slice, NULL, 1, &options, &arena, &batch, &err),
            &err);
    want_ok(tokenizer_encode(tokenizer, slice, NULL, &options, &arena, &encoding, &err), &err);
    cr_assert(batch.starts[1] == n && encoding.n_tokens == n, "%s, %s: %zu ids", code, text,
              batch.starts[1]);
    for (size_t i = 0; i < n; i++)
        cr_expect(batch.ids[i] == ids[i] && encoding.ids[i] == ids[i], "%s, %s, token %zu: %d",
                  code, text, i, batch.ids[i]);
    arena_release(&arena);
}

typedef struct Placement {
    const char *first, *second, *config;
    int32_t usual[4], other[4]; // of "one two" in the files' language and in the second
    bool starts;
} Placement;

static const Placement placements[] = {
    // Without a class the tokenizer's own template says where languages stand.
    {"en_XX", "de_DE", "{}", {4, 5, 2, 6}, {4, 5, 2, 7}, true},
    {"en_XX",
     "de_DE",
     "{\"tokenizer_class\": \"MBartTokenizerFast\"}",
     {4, 5, 2, 6},
     {4, 5, 2, 7},
     true},
    {"en_XX",
     "de_DE",
     "{\"tokenizer_class\": \"MBart50Tokenizer\", \"src_lang\": \"de_DE\"}",
     {7, 4, 5, 2},
     {7, 4, 5, 2},
     false},
    {"eng_Latn",
     "zho_Hans",
     "{\"tokenizer_class\": \"NllbTokenizerFast\"}",
     {6, 4, 5, 2},
     {7, 4, 5, 2},
     false},
    {"eng_Latn",
     "zho_Hans",
     "{\"tokenizer_class\": \"NllbTokenizer\", \"legacy_behaviour\": true}",
     {4, 5, 2, 6},
     {4, 5, 2, 7},
     false},
};

Test(languages, stand_where_the_class_of_the_tokenizer_has_them)
{
    for (size_t i = 0; i < sizeof placements / sizeof *placements; i++) {
        const Placement *l = &placements[i];
        const char *folder = folder_make();
        Tokenizer *tokenizer = open_words(folder, l->first, l->second, l->config);
        cr_expect_eq(tokenizer_n_languages(tokenizer), 2, "placement %zu", i);
        cr_expect(slice_eq_cstr(tokenizer_language_code(tokenizer, 1), l->second));
        cr_expect_eq(tokenizer_language_starts(tokenizer), l->starts, "placement %zu", i);
        want_ids(tokenizer, NULL, "one two", l->usual, 4);
        want_ids(tokenizer, l->second, "one two", l->other, 4);
        tokenizer_close(&tokenizer);
        folder_remove(folder);
    }
}

Test(languages, that_are_unknown_are_refused_with_those_there_are)
{
    Error err = {0};
    int32_t id = 0;
    const char *folder = folder_make();
    Tokenizer *tokenizer = open_words(folder, "en_XX", "de_DE", "{}");
    cr_expect_eq(tokenizer_find_language(tokenizer, SLICE("fr_XX"), &id, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text, "unknown language \"fr_XX\"; known are en_XX, de_DE");
    tokenizer_close(&tokenizer);
    tokenizer = open_words(folder, "english", "german", "{}");
    cr_expect_eq(tokenizer_n_languages(tokenizer), 0);
    cr_expect_eq(tokenizer_find_language(tokenizer, SLICE("en_XX"), &id, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "no tokens for languages"), "%s", err.text);
    tokenizer_close(&tokenizer);
    folder_remove(folder);
}

// Ids are those of vocab.json, with the class's languages behind them; Transformers 5.24 has the same.
Test(languages, of_m2m100_follow_its_vocabulary)
{
    static const int32_t belarusian[] = {13, 4, 5, 3, 4, 6, 2}, german[] = {23, 4, 5, 3, 4, 6, 2};
    Error err = {0};
    Arena arena = {0};
    Slice model = {0};
    Tokenizer *tokenizer = NULL;
    const char *folder = folder_make();
    want_ok(
        file_read(&arena, shared_need("models/spm-botchan/botchan.model"), 1 << 24, &model, &err),
        &err);
    want_ok(file_write(folder_path(folder, "sentencepiece.bpe.model"), model, &err), &err);
    folder_write(folder, "vocab.json",
                 "{\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3,\"\xe2\x96\x81the\":4,"
                 "\"\xe2\x96\x81of\":5,\".\":6}");
    folder_write(folder, "tokenizer_config.json",
                 "{\"tokenizer_class\": \"M2M100Tokenizer\", \"src_lang\": \"be\"}");
    want_ok(tokenizer_open(folder, &tokenizer, &err), &err);
    cr_expect_eq(tokenizer_n_languages(tokenizer), 100);
    cr_expect_eq(tokenizer_vocab_size(tokenizer), 107);
    want_ids(tokenizer, NULL, "the of, the.", belarusian, 7);
    want_ids(tokenizer, "de", "the of, the.", german, 7);
    tokenizer_close(&tokenizer);
    folder_write(folder, "tokenizer_config.json", "{\"tokenizer_class\": \"XGLMTokenizer\"}");
    cr_expect_eq(tokenizer_open(folder, &tokenizer, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "XGLMTokenizer has other ids"), "%s", err.text);
    arena_release(&arena);
    folder_remove(folder);
}
