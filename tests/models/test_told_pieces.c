// SentencePiece models with the ids and words of a class of Transformers, and what files beside older tokenizers add to them. Ids
// and texts are those of Transformers 5.24 (AutoTokenizer) for the same files.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer.h"
#include "tests/models/test_tokenizer_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

#define MUST(call) cr_assert_eq((call), STATUS_OK, "%s: %s", #call, err.text)

static Error err;

static const char botchan[] = "models/spm-botchan/botchan.model",
                  tiny_t5[] = "models/tiny-t5-relu/spiece.model",
                  llama2[] = "models/tok-spbpe_llama2/tokenizer.model";

typedef struct PairCase {
    const char *model, *file, *type, *config;
    size_t size, n;
    int32_t ids[24];
    const char *text; // without special tokens
} PairCase;

static void check_pair(const PairCase *c)
{
    Arena arena = {0};
    Encoding e = {0};
    Buffer text = {0};
    const Slice pair = SLICE("x y");
    const char *folder = folder_make();
    Tokenizer *t = open_pieces(folder, c->model, c->file, c->type, c->config);
    cr_expect_eq(tokenizer_vocab_size(t), c->size, "%s %s: %zu", c->type, c->config,
                 tokenizer_vocab_size(t));
    MUST(tokenizer_encode(t,
                          strcmp(c->type, "t5") == 0 && c->config[1] == '}'
                              ? SLICE("I'll  caf\xC3\xA9 <extra_id_0> don't.")
                              : SLICE("I'll  caf\xC3\xA9 <mask> don't."),
                          &pair, NULL, &arena, &e, &err));
    cr_assert_eq(e.n_tokens, c->n, "%s %s: %zu tokens", c->type, c->config, e.n_tokens);
    cr_expect_arr_eq(e.ids, c->ids, c->n * sizeof *e.ids, "%s %s", c->type, c->config);
    for (size_t i = 0; i < c->n; i++) cr_expect_eq(e.type_ids[i], 0, "%s: token %zu", c->type, i);
    MUST(tokenizer_decode(t, e.ids, e.n_tokens, true, &text, &err));
    cr_expect(slice_eq_cstr(buffer_slice(&text), c->text), "%s: " SLICE_FMT, c->type,
              SLICE_ARG(buffer_slice(&text)));
    buffer_release(&text);
    tokenizer_close(&t);
    arena_release(&arena);
    folder_remove(folder);
}

Test(told_pieces, classes_give_the_pieces_of_a_model_their_own_ids)
{
    static const PairCase cases[] = {
        {botchan,
         "sentencepiece.bpe.model",
         "mbart",
         "{\"src_lang\": \"de_DE\"}",
         1027,
         18,
         {10, 33, 89, 79, 20, 58, 3, 1026, 275, 33, 16, 7, 5, 298, 5, 35, 2, 1003},
         "I'll caf don't. x y"},
        {botchan,
         "sentencepiece.bpe.model",
         "mbart",
         "{\"tokenizer_class\": \"MBart50TokenizerFast\"}",
         1054,
         18,
         {1004, 10, 33, 89, 79, 20, 58, 3, 1053, 275, 33, 16, 7, 5, 298, 5, 35, 2},
         "I'll caf don't. x y"},
        {tiny_t5,
         "spiece.model",
         "pegasus",
         "{\"mask_token\": \"<mask>\", \"mask_token_sent\": \"<mask_1>\"}",
         503,
         19,
         {147, 128, 332, 224, 124, 160, 129, 106, 2, 217, 113, 128, 110, 108, 106, 257, 106, 117,
          1},
         "I'll caf\xC3\xA9  don't. x y"},
        {tiny_t5,
         "spiece.model",
         "pegasus",
         "{\"offset\": 5}",
         405,
         23,
         {49, 30,  234, 126, 26, 62, 31, 8,   292, 38, 44, 50,
          7,  119, 15,  30,  12, 10, 8,  159, 8,   19, 1},
         "I'll caf\xC3\xA9 <mask don't. x y"},
        {tiny_t5,
         "spiece.model",
         "t5",
         "{}",
         500,
         19,
         {44, 25, 229, 121, 21, 57, 26, 499, 114, 10, 25, 7, 5, 1, 3, 154, 3, 14, 1},
         "I'll caf\xC3\xA9 don't. x y"},
        {tiny_t5,
         "spiece.model",
         "t5",
         "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 8, \"mask_token\": \"<mask>\"}",
         409,
         19,
         {44, 25, 229, 121, 21, 57, 26, 408, 114, 10, 25, 7, 5, 1, 3, 154, 3, 14, 1},
         "I'll caf\xC3\xA9 don't. x y"},
        {botchan,
         "spiece.model",
         "big_bird",
         "{}",
         1004,
         24,
         {1002, 9, 32,  88, 78, 19, 57,   0, 4,   0, 26, 185,
          46,   0, 274, 32, 15, 6,  1000, 4, 297, 4, 34, 1000},
         "I'll caf mask don't. x y"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_pair(&cases[i]);
}

// With the decoder of its added tokens, as NLLB's files have it; without one ids are those of the models, the mask behind the
// languages.
Test(told_pieces, nllb_merges_pieces_in_the_order_of_their_ids)
{
    static const int32_t usual[] = {507, 272, 310, 304, 281, 281, 663, 272, 294, 2};
    static const int32_t legacy[] = {272, 310, 304, 281, 281, 663, 272, 294, 2, 517};
    static const char *const configs[] = {
        "{\"tokenizer_class\": \"NllbTokenizer\"}",
        "{\"tokenizer_class\": \"NllbTokenizer\", \"src_lang\": \"fra_Latn\", \"legacy_behaviour\": "
        "true}"};
    for (size_t i = 0; i < 2; i++) {
        Tokenizer *t = NULL;
        Arena arena = {0};
        Encoding e = {0};
        int32_t zulu = 0;
        const char *folder = folder_make();
        shared_copy(folder, llama2, "sentencepiece.bpe.model");
        folder_write(folder, "tokenizer_config.json", configs[i]);
        MUST(tokenizer_open(folder, &t, &err));
        cr_expect_eq(tokenizer_vocab_size(t), 664);
        cr_expect_eq(tokenizer_n_languages(t), 202);
        MUST(tokenizer_find_language(t, SLICE("zul_Latn"), &zulu, &err));
        cr_expect_eq(zulu, 662);
        MUST(tokenizer_encode(t, SLICE("I'll <mask> y"), NULL, NULL, &arena, &e, &err));
        cr_assert_eq(e.n_tokens, 10, "case %zu: %zu tokens", i, e.n_tokens);
        cr_expect_arr_eq(e.ids, i == 0 ? usual : legacy, sizeof usual, "case %zu", i);
        tokenizer_close(&t);
        arena_release(&arena);
        folder_remove(folder);
    }
}

static void want_ids(const Tokenizer *t, const char *text, const int32_t *ids, size_t n)
{
    Arena arena = {0};
    Encoding e = {0};
    const EncodeOptions bare = {.no_special = true};
    MUST(tokenizer_encode(t, slice_from_cstr(text), NULL, &bare, &arena, &e, &err));
    cr_assert_eq(e.n_tokens, n, "%s: %zu tokens", text, e.n_tokens);
    cr_expect_arr_eq(e.ids, ids, n * sizeof *ids, "%s: %d", text, e.ids[0]);
    arena_release(&arena);
}

// Transformers takes the ids that files give as an order, no more.
Test(told_pieces, added_tokens_get_the_next_ids)
{
    static const struct {
        const char *model, *file, *config, *added;
        int32_t a, b;
    } cases[] = {
        {"models/tok-bbpe_gpt2/vocab.json", "vocab.json",
         "{\"tokenizer_class\": \"GPT2Tokenizer\", \"added_tokens_decoder\": {\"2000\": {\"content\": "
         "\"<b>\"}, \"5\": {\"content\": \"<a>\"}}}",
         NULL, 440, 441},
        {"models/tok-bbpe_gpt2/vocab.json", "vocab.json",
         "{\"tokenizer_class\": \"GPT2Tokenizer\"}", "{\"<b>\": 2000, \"<a>\": 1005}", 440, 441},
        {llama2, "tokenizer.model",
         "{\"tokenizer_class\": \"LlamaTokenizer\", \"added_tokens_decoder\": {\"900\": {\"content\": "
         "\"<a>\"}, \"1200\": {\"content\": \"<b>\"}}}",
         NULL, 460, 461},
        {llama2, "tokenizer.model",
         "{\"tokenizer_class\": \"LlamaTokenizer\", \"pad_token\": \"<a>\", "
         "\"additional_special_tokens\": [\"<b>\"]}",
         NULL, 460, 461},
        {"models/tok-wp_uncased/vocab.txt", "vocab.txt",
         "{\"tokenizer_class\": \"BertTokenizer\", \"added_tokens_decoder\": {\"900\": {\"content\": "
         "\"<a>\"}, \"1000\": {\"content\": \"<b>\"}}}",
         NULL, 420, 421},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tokenizer *t = NULL;
        const char *folder = folder_make();
        shared_copy(folder, cases[i].model, cases[i].file);
        if (strcmp(cases[i].file, "vocab.json") == 0)
            shared_copy(folder, "models/tok-bbpe_gpt2/merges.txt", "merges.txt");
        folder_write(folder, "tokenizer_config.json", cases[i].config);
        folder_write(folder, "config.json", "{\"model_type\": \"llama\"}");
        if (cases[i].added) folder_write(folder, "added_tokens.json", cases[i].added);
        MUST(tokenizer_open(folder, &t, &err));
        want_ids(t, "<b><a>", (int32_t[]){cases[i].b, cases[i].a}, 2);
        tokenizer_close(&t);
        folder_remove(folder);
    }
}

Test(told_pieces, a_piece_that_gets_another_name_is_refused)
{
    Tokenizer *t = NULL;
    const char *folder = folder_make();
    shared_copy(folder, llama2, "tokenizer.model");
    folder_write(folder, "config.json", "{\"model_type\": \"olmo2\"}");
    folder_write(folder, "tokenizer_config.json",
                 "{\"added_tokens_decoder\": {\"5\": {\"content\": \"<n>\"}}}");
    cr_assert_eq(tokenizer_open(folder, &t, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "token 5 is named \"<n>\", but is the piece \"<0x02>\""), "%s",
              err.text);
    folder_remove(folder);
}

// A text holds a language's token only where the files name it among the special ones.
Test(told_pieces, m2m100_reads_a_language_in_a_text_as_text)
{
    static const int32_t text[] = {4, 3, 3, 7, 3, 3, 5}, token[] = {4, 20, 5};
    static const char *const configs[] = {
        "{\"tokenizer_class\": \"M2M100Tokenizer\"}",
        "{\"tokenizer_class\": \"M2M100Tokenizer\", \"additional_special_tokens\": "
        "[\"__af__\",\"__am__\",\"__ar__\",\"__ast__\",\"__az__\",\"__ba__\",\"__be__\",\"__bg__\","
        "\"__bn__\",\"__br__\",\"__bs__\",\"__ca__\",\"__ceb__\"]}"};
    for (size_t i = 0; i < 2; i++) {
        Tokenizer *t = NULL;
        const char *folder = folder_make();
        shared_copy(folder, botchan, "sentencepiece.bpe.model");
        folder_write(folder, "vocab.json",
                     "{\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3,\"\xe2\x96\x81the\":4,"
                     "\"\xe2\x96\x81of\":5,\".\":6,\"ce\":7}");
        folder_write(folder, "tokenizer_config.json", configs[i]);
        MUST(tokenizer_open(folder, &t, &err));
        cr_expect_eq(tokenizer_n_languages(t), 100);
        want_ids(t, "the __ceb__ of", i == 0 ? text : token, i == 0 ? 7 : 3);
        tokenizer_close(&t);
        folder_remove(folder);
    }
}

Test(told_pieces, marian_may_have_a_vocabulary_a_side)
{
    static const int32_t source[] = {173, 173, 227, 19}, target[] = {5, 9, 5, 1, 1, 1, 1},
                         ids[] = {9, 7, 0};
    Tokenizer *t = NULL;
    Buffer text = {0};
    const char *folder = folder_make();
    shared_copy(folder, "models/tiny-marian/source.spm", "source.spm");
    shared_copy(folder, "models/tiny-marian/target.spm", "target.spm");
    shared_copy(folder, "models/tiny-marian/vocab.json", "vocab.json");
    folder_write(folder, "target_vocab.json",
                 "{\"</s>\": 0, \"<unk>\": 1, \"h\": 9, \"\xe2\x96\x81\": 5, "
                 "\"\xe2\x96\x81hello\": 7}");
    folder_write(folder, "tokenizer_config.json", "{\"separate_vocabs\": true}");
    MUST(tokenizer_open(folder, &t, &err));
    want_ids(t, "h hello", source, 4);
    want_ids(tokenizer_target(t), "h hello", target, 7);
    MUST(tokenizer_decode(t, ids, 3, false, &text, &err));
    cr_expect(slice_eq_cstr(buffer_slice(&text), "h hello</s>"), SLICE_FMT,
              SLICE_ARG(buffer_slice(&text)));
    buffer_release(&text);
    tokenizer_close(&t);
    (void)remove(folder_path(folder, "target_vocab.json"));
    cr_assert_eq(tokenizer_open(folder, &t, &err), STATUS_NOT_FOUND);
    cr_expect(strstr(err.text, "target_vocab.json"), "%s", err.text);
    folder_remove(folder);
}

// tokenizer_config.json beside any tokenizer.
Test(told_pieces, a_config_says_how_texts_are_shown_and_which_types_there_are)
{
    static const char json[] =
        "{\"version\":\"1.0\",\"added_tokens\":[],\"normalizer\":null,\"pre_tokenizer\":{\"type\":"
        "\"WhitespaceSplit\"},\"post_processor\":null,\"decoder\":null,\"model\":{\"type\":\"WordLevel\","
        "\"vocab\":{\"a\":0,\"n't\":1,\".\":2},\"unk_token\":\"a\"}}";
    static const struct {
        const char *config, *text;
        int32_t type;
    } cases[] = {
        {"{}", "a n't .", 1},
        {"{\"clean_up_tokenization_spaces\": true}", "an't.", 1},
        {"{\"model_input_names\": [\"input_ids\", \"attention_mask\"]}", "a n't .", 0},
        {"{\"tokenizer_class\": \"AlbertTokenizerFast\"}", "a n't .", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tokenizer *t = NULL;
        Arena arena = {0};
        TokenBatch batch;
        Buffer text = {0};
        const Slice first = SLICE("a n't ."), pair = SLICE("a");
        const char *folder = folder_make();
        folder_write(folder, "tokenizer.json", json);
        folder_write(folder, "tokenizer_config.json", cases[i].config);
        MUST(tokenizer_open(folder, &t, &err));
        MUST(tokenizer_encode_batch(t, &first, &pair, 1, NULL, &arena, &batch, &err));
        cr_assert_eq(batch.starts[1], 4);
        cr_expect_eq(batch.type_ids[3], cases[i].type, "%s", cases[i].config);
        MUST(tokenizer_decode(t, batch.ids, 3, true, &text, &err));
        cr_expect(slice_eq_cstr(buffer_slice(&text), cases[i].text), "%s: " SLICE_FMT,
                  cases[i].config, SLICE_ARG(buffer_slice(&text)));
        buffer_release(&text);
        tokenizer_close(&t);
        arena_release(&arena);
        folder_remove(folder);
    }
}
