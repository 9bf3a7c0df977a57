// Tokenizers of before tokenizer.json: ids, offsets and texts are those of the tokenizer.json made of the same files.
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

static void copy_shared(const char *folder, const char *relative, const char *name)
{
    Slice bytes = {0};
    const char *path = shared_need(relative);
    MUST(file_map(path, &bytes, &err));
    MUST(file_write(folder_path(folder, name), bytes, &err));
    file_unmap(&bytes);
}

Test(told, vocabularies_and_merges_give_what_their_tokenizer_json_gives)
{
    static const struct {
        const char *name, *config;
    } cases[] = {
        {"tok-bbpe_gpt2", "{\"tokenizer_class\": \"GPT2TokenizerFast\"}"},
        {"tok-bbpe_roberta",
         "{\"tokenizer_class\": \"RobertaTokenizer\", \"mask_token\": {\"content\": \"<mask>\", "
         "\"lstrip\": true, \"normalized\": false}}"},
        {"tok-bbpe_qwen2",
         "{\"added_tokens_decoder\": {\"1\": {\"content\": \"<|im_start|>\", \"special\": true}, "
         "\"2\": {\"content\": \"<|im_end|>\", \"special\": true}}, \"bos_token\": null}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128];
        Tokenizer *t = NULL;
        const char *folder = folder_make();
        snprintf(path, sizeof path, "models/%s/vocab.json", cases[i].name);
        copy_shared(folder, path, "vocab.json");
        snprintf(path, sizeof path, "models/%s/merges.txt", cases[i].name);
        copy_shared(folder, path, "merges.txt");
        folder_write(folder, "tokenizer_config.json", cases[i].config);
        folder_write(folder, "config.json", "{\"model_type\": \"qwen2\"}");
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
        copy_shared(folder, "models/spm-botchan/botchan.model", "sentencepiece.bpe.model");
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
        {"{\"a\": 0, \"b\": 1}", "", "{\"tokenizer_class\": \"CodeGenTokenizer\"}",
         "not how a CodeGenTokenizer cuts texts"},
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
