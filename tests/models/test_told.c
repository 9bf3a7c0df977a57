// Tokenizers of before tokenizer.json: ids, offsets and texts are those of the tokenizer.json made of the same files.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "models/tokenizers/tokenizer_internal.h"
#include "tests/models/test_tokenizer_support.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"

#define MUST(call) cr_assert_eq((call), STATUS_OK, "%s: %s", #call, err.text)

static Error err;

Test(told, vocabularies_and_merges_give_what_their_tokenizer_json_gives)
{
    static const struct {
        const char *name, *type, *config;
    } cases[] = {
        {"tok-bbpe_gpt2", "gpt2", "{\"tokenizer_class\": \"GPT2TokenizerFast\"}"},
        {"tok-bbpe_roberta", "roberta",
         "{\"tokenizer_class\": \"RobertaTokenizer\", \"mask_token\": {\"content\": \"<mask>\", "
         "\"lstrip\": true, \"normalized\": false}}"},
        {"tok-bbpe_qwen2", "qwen2",
         "{\"added_tokens_decoder\": {\"1\": {\"content\": \"<|im_start|>\", \"special\": true}, "
         "\"2\": {\"content\": \"<|im_end|>\", \"special\": true}}, \"bos_token\": null}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128], config[64];
        Tokenizer *t = NULL;
        const char *folder = folder_make();
        snprintf(config, sizeof config, "{\"model_type\": \"%s\"}", cases[i].type);
        snprintf(path, sizeof path, "models/%s/vocab.json", cases[i].name);
        shared_copy(folder, path, "vocab.json");
        snprintf(path, sizeof path, "models/%s/merges.txt", cases[i].name);
        shared_copy(folder, path, "merges.txt");
        folder_write(folder, "tokenizer_config.json", cases[i].config);
        folder_write(folder, "config.json", config);
        MUST(tokenizer_open(folder, &t, &err));
        cr_expect_geq(golden_check_texts(t, cases[i].name, false), 50, "%s", cases[i].name);
        tokenizer_close(&t);
        folder_remove(folder);
    }
}

// Ids of Transformers 5.23 (AutoTokenizer) for the same files.
Test(told, pieces_have_the_ids_of_fairseq)
{
    static const struct {
        const char *type;
        size_t size, n;
        int32_t ids[17], mask;
    } cases[] = {
        {"xlm-roberta",
         1002,
         16,
         {0, 10, 33, 89, 33, 126, 275, 33, 16, 5, 322, 121, 33, 205, 121, 2},
         1001},
        {"camembert",
         1005,
         16,
         {5, 13, 36, 92, 36, 129, 278, 36, 19, 8, 325, 124, 36, 208, 124, 6},
         1004},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char config[64];
        Tokenizer *t = NULL;
        Arena arena = {0};
        Encoding e = {0};
        const char *folder = folder_make();
        snprintf(config, sizeof config, "{\"model_type\": \"%s\"}", cases[i].type);
        shared_copy(folder, "models/spm-botchan/botchan.model", "sentencepiece.bpe.model");
        folder_write(folder, "config.json", config);
        MUST(tokenizer_open(folder, &t, &err));
        cr_expect_eq(tokenizer_vocab_size(t), cases[i].size);
        cr_expect_eq(tokenizer_special(t, SPECIAL_MASK), cases[i].mask);
        MUST(tokenizer_encode(t, SLICE("I'll've don't WE'RE"), NULL, NULL, &arena, &e, &err));
        cr_assert_eq(e.n_tokens, cases[i].n, "%s: %zu tokens", cases[i].type, e.n_tokens);
        cr_expect_arr_eq(e.ids, cases[i].ids, cases[i].n * sizeof *e.ids);
        tokenizer_close(&t);
        arena_release(&arena);
        folder_remove(folder);
    }
}

typedef struct PieceCase {
    const char *type, *file, *config;
    size_t size, n;
    int32_t mask, ids[22];
    uint32_t mask_begin,
        types_from; // the byte where [MASK] begins, or the blank that it takes; the token from which on types are 1:
    // ALBERT's are all 0
    const char *text; // without special tokens
} PieceCase;

static void check_pair(const PieceCase *c)
{
    Arena arena = {0};
    Encoding e = {0};
    Buffer text = {0};
    const Slice pair = SLICE("x,y  ");
    const char *folder = folder_make();
    Tokenizer *t =
        open_pieces(folder, "models/spm-botchan/botchan.model", c->file, c->type, c->config);
    cr_expect_eq(tokenizer_vocab_size(t), c->size, "%s: %zu", c->config, tokenizer_vocab_size(t));
    cr_expect_eq(tokenizer_special(t, SPECIAL_MASK), c->mask);
    MUST(tokenizer_encode(t, SLICE("``CAF\xC3\x89''  don't! [MASK] a"), &pair, NULL, &arena, &e,
                          &err));
    cr_assert_eq(e.n_tokens, c->n, "%s: %zu tokens", c->config, e.n_tokens);
    cr_expect_arr_eq(e.ids, c->ids, c->n * sizeof *e.ids, "%s", c->config);
    for (size_t i = 0; i < c->n; i++) {
        cr_expect_eq(e.type_ids[i], i >= c->types_from, "%s: token %zu", c->config, i);
        if (e.ids[i] == c->mask) cr_expect_eq(e.offsets[i].begin, c->mask_begin);
    }
    MUST(tokenizer_decode(t, e.ids, e.n_tokens, true, &text, &err));
    cr_expect(slice_eq_cstr(buffer_slice(&text), c->text), "%s: " SLICE_FMT, c->config,
              SLICE_ARG(buffer_slice(&text)));
    buffer_release(&text);
    tokenizer_close(&t);
    arena_release(&arena);
    folder_remove(folder);
}

// Ids, offsets, types and texts of Transformers 5.24 (AutoTokenizer) for the same files.
Test(told, albert_and_deberta_put_special_tokens_around_pieces)
{
    static const PieceCase cases[] = {
        {"albert",
         "spiece.model",
         "{\"cls_token\": \"<s>\", \"sep_token\": \"</s>\"}",
         1004,
         19,
         1003,
         {1, 23, 28, 19, 57, 16, 143, 274, 32, 15, 147, 1003, 11, 2, 4, 297, 5, 34, 2},
         18,
         19,
         "\"cafe\" don't! a x,y"},
        {"albert",
         "spiece.model",
         "{\"cls_token\": \"<s>\", \"sep_token\": \"</s>\", \"do_lower_case\": false, "
         "\"keep_accents\": true, \"additional_special_tokens\": [\"CAF\"]}",
         1005,
         18,
         1003,
         {1, 23, 1004, 4, 1, 143, 274, 32, 15, 147, 1003, 11, 2, 4, 297, 5, 34, 2},
         18,
         18,
         "\" \" don't! a x,y"},
        {"deberta-v2",
         "spm.model",
         "{}",
         1005,
         21,
         1004,
         {1000, 4,   0,    381, 194,  362, 0,   32, 32, 274, 32,
          15,   147, 1004, 11,  1001, 4,   297, 5,  34, 1001},
         18,
         16,
         "<unk>CAF<unk>'' don't! a x,y"},
        {"deberta-v2",
         "spm.model",
         "{\"do_lower_case\": true, \"split_by_punct\": true, \"add_prefix_space\": false, "
         "\"mask_token\": {\"content\": \"[MASK]\", \"lstrip\": true}}",
         1005,
         22,
         1004,
         {1000, 4,  0,   0,    28, 19,   57, 0,   32, 32, 274,
          32,   15, 147, 1004, 11, 1001, 4,  297, 5,  34, 1001},
         17,
         17,
         "<unk><unk>caf<unk>'' don't! a x,y"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_pair(&cases[i]);
}

Test(told, what_albert_cannot_be_is_refused_by_name)
{
    static const char *const cases[][2] = {
        {"{}", "no piece \"[CLS]\", which an AlbertTokenizer"},
        {"{\"cls_token\": \"<s>\", \"sep_token\": null}", "\"sep_token\" is null"},
        {"{\"cls_token\": \"<s>\", \"sep_token\": \"</s>\", \"add_bos_token\": false}",
         "\"add_bos_token\" or \"add_eos_token\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tokenizer *t = NULL;
        const char *folder = folder_make();
        shared_copy(folder, "models/spm-botchan/botchan.model", "spiece.model");
        folder_write(folder, "config.json", "{\"model_type\": \"albert\"}");
        folder_write(folder, "tokenizer_config.json", cases[i][0]);
        err = (Error){0};
        cr_expect_eq(tokenizer_open(folder, &t, &err), STATUS_INVALID, "case %zu", i);
        cr_expect(strstr(err.text, cases[i][1]) != NULL, "case %zu: %s", i, err.text);
        tokenizer_close(&t);
        folder_remove(folder);
    }
}

Test(told, ids_of_added_tokens_json_hold)
{
    Tokenizer *t = NULL;
    const char *folder = folder_make();
    shared_copy(folder, "models/spm-botchan/botchan.model", "spm.model");
    folder_write(folder, "config.json", "{\"model_type\": \"deberta-v2\"}");
    folder_write(folder, "added_tokens.json", "{\"<new>\": 1000, \"[MASK]\": 1001}");
    MUST(tokenizer_open(folder, &t, &err));
    cr_expect_eq(tokenizer_id(t, SLICE("<new>")), 1000);
    cr_expect_eq(tokenizer_special(t, SPECIAL_MASK), 1001);
    cr_expect_eq(tokenizer_special(t, SPECIAL_CLS), 1002);
    cr_expect_not(tokenizer_is_special(t, 1000));
    tokenizer_close(&t);
    folder_remove(folder);
}

// Ids of Transformers 5.24 (AutoTokenizer) for the same files.
Test(told, a_vocab_txt_has_the_special_tokens_of_its_class)
{
    static const struct {
        const char *config, *added;
        size_t n;
        int32_t ids[13];
    } cases[] = {
        // <s> 0, <pad> 1, </s> 2, [UNK] 3, <mask> 4, a 5, b 6, ##a 7, [CLS] 8, [SEP] 9, < 10
        {"{\"tokenizer_class\": \"MPNetTokenizer\"}", "{}", 9, {0, 5, 4, 5, 7, 2, 2, 6, 2}},
        {"{\"tokenizer_class\": \"MPNetTokenizerFast\", \"additional_special_tokens\": [\"aa\"]}",
         "{}",
         8,
         {0, 5, 4, 11, 2, 2, 6, 2}},
        {"{\"cls_token\": \"<s>\", \"mask_token\": \"<mask>\"}",
         "{\"aa\": 11}",
         7,
         {0, 5, 4, 11, 9, 6, 9}},
        {"{\"tokenizer_class\": \"ElectraTokenizer\", \"mask_token\": \"<mask>\"}",
         "{}",
         8,
         {8, 5, 4, 5, 7, 9, 6, 9}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tokenizer *t = NULL;
        Arena arena = {0};
        Encoding e = {0};
        const Slice pair = SLICE("B");
        const char *folder = folder_make();
        folder_write(folder, "vocab.txt",
                     "<s>\n<pad>\n</s>\n[UNK]\n<mask>\na\nb\n##a\n[CLS]\n[SEP]\n<\n");
        folder_write(folder, "tokenizer_config.json", cases[i].config);
        folder_write(folder, "added_tokens.json", cases[i].added);
        MUST(tokenizer_open(folder, &t, &err));
        MUST(tokenizer_encode(t, SLICE("a <mask> aa"), &pair, NULL, &arena, &e, &err));
        cr_assert_eq(e.n_tokens, cases[i].n, "case %zu: %zu tokens", i, e.n_tokens);
        cr_expect_arr_eq(e.ids, cases[i].ids, cases[i].n * sizeof *e.ids, "case %zu", i);
        cr_expect_eq(e.type_ids[e.n_tokens - 1], i >= 2, "case %zu", i);
        cr_expect_eq(e.offsets[2].begin, 2, "case %zu: the blank before a mask is left out", i);
        tokenizer_close(&t);
        arena_release(&arena);
        folder_remove(folder);
    }
}

Test(told, classes_that_read_otherwise_are_refused_by_name)
{
    static const char *const cases[][3] = {
        {"spiece.model", "{\"tokenizer_class\": \"XLNetTokenizer\"}", "a XLNetTokenizer has other"},
        {"tokenizer.model", "{\"tokenizer_class\": \"GPTNeoXTokenizerFast\"}", "GPTNeoXTokenizer"},
        {"tokenizer.model", "{}", "a CohereTokenizer has other"},
        {"vocab.txt", "{\"tokenizer_class\": \"BertJapaneseTokenizer\"}",
         "not how a BertJapaneseTokenizer"},
        {"vocab.txt", "{\"tokenizer_class\": \"BertTokenizer\", \"sep_token\": null}",
         "\"sep_token\" is null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tokenizer *t = NULL;
        const char *folder = folder_make();
        if (strcmp(cases[i][0], "vocab.txt") == 0)
            folder_write(folder, "vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n");
        else
            shared_copy(folder, "models/spm-botchan/botchan.model", cases[i][0]);
        folder_write(folder, "config.json", "{\"model_type\": \"cohere\"}");
        folder_write(folder, "tokenizer_config.json", cases[i][1]);
        err = (Error){0};
        cr_expect_eq(tokenizer_open(folder, &t, &err), STATUS_INVALID, "case %zu", i);
        cr_expect(strstr(err.text, cases[i][2]) != NULL, "case %zu: %s", i, err.text);
        tokenizer_close(&t);
        folder_remove(folder);
    }
}

Test(told, damage_is_refused_with_its_place)
{
    static const struct {
        const char *vocab, *merges, *config, *wrong;
    } cases[] = {
        {"{\"a\": 0,\n\"b\" 1}", "", "{\"tokenizer_class\": \"GPT2Tokenizer\"}", "vocab.json:2:"},
        {"{\"a\": 0, \"b\": 0}", "", "{\"tokenizer_class\": \"GPT2Tokenizer\"}",
         "id 0 belongs to two tokens"},
        {"{\"a\": 0, \"b\": 1}", "#version: 0.2\na b c\n",
         "{\"tokenizer_class\": \"GPT2Tokenizer\"}", "merges.txt:2: a merge is two tokens"},
        {"{\"a\": 0, \"b\": 1}", "a b\n", "{\"tokenizer_class\": \"GPT2Tokenizer\"}", "\"ab\""},
        {"{\"a\": 0, \"b\": 1}", "", "{\"tokenizer_class\": \"BioGptTokenizer\"}",
         "not how a BioGptTokenizer cuts texts"},
        {"{\"a\": 0, \"b\": 1}", "", "{}", "known are those of GPT2Tokenizer"},
        {"{\"a\": 0, \"b\": 1}", "",
         "{\"tokenizer_class\": \"RobertaTokenizer\", \"sep_token\": null}",
         "\"sep_token\" is null"},
        {"{\"a\": 0, \"b\": 1}", "",
         "{\"tokenizer_class\": \"GPT2Tokenizer\", \"added_tokens_decoder\": {\"-1\": {}}}",
         "\"-1\" is no token id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tokenizer *t = NULL;
        const char *folder = folder_make();
        folder_write(folder, "vocab.json", cases[i].vocab);
        folder_write(folder, "merges.txt", cases[i].merges);
        folder_write(folder, "tokenizer_config.json", cases[i].config);
        err = (Error){0};
        cr_expect_eq(tokenizer_open(folder, &t, &err), STATUS_INVALID, "case %zu: %s", i, err.text);
        cr_expect(strstr(err.text, cases[i].wrong) != NULL, "case %zu: %s", i, err.text);
        tokenizer_close(&t);
        folder_remove(folder);
    }
}

// By content and by id, the first of several, whatever was changed before.
Test(added_list, finds_the_first_of_a_key)
{
    enum { MANY = 300 };
    Arena arena = {0};
    Error err = {0};
    AddedList list = {0};
    size_t at = 0;
    for (int32_t i = 0; i < MANY; i++) {
        const Slice content = slice_from_cstr(arena_printf(&arena, "<unused%d>", (int)i));
        const AddedToken token = {.content = content, .id = i / 2};
        MUST(added_list_put(&list, &arena, token, &err));
        MUST(added_list_put(&list, &arena, token, &err));
    }
    cr_expect_eq(list.n, MANY);
    const AddedToken sought = {.content = SLICE("<unused201>"), .id = 100};
    MUST(added_list_find(&list, &arena, &sought, ADDED_BY_CONTENT, &at, &err));
    cr_expect_eq(at, 201);
    MUST(added_list_find(&list, &arena, &sought, ADDED_BY_ID, &at, &err));
    cr_expect_eq(at, 200);
    list.tokens[7] = sought;
    added_list_changed(&list);
    MUST(added_list_find(&list, &arena, &sought, ADDED_BY_CONTENT, &at, &err));
    cr_expect_eq(at, 7);
    MUST(added_list_find(&list, &arena, &sought, ADDED_BY_ID, &at, &err));
    cr_expect_eq(at, 7);
    const AddedToken absent = {.content = SLICE("<unused7>"), .id = MANY};
    MUST(added_list_find(&list, &arena, &absent, ADDED_BY_CONTENT, &at, &err));
    cr_expect_eq(at, MANY);
    MUST(added_list_find(&list, &arena, &absent, ADDED_BY_ID, &at, &err));
    cr_expect_eq(at, MANY);
    arena_release(&arena);
}
