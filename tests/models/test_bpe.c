#include <criterion/criterion.h>

#include "tests/models/test_tokenizer_support.h"

static const char *const folders[] = {"tok-bbpe_gpt2",   "tok-gpt2-real",  "tok-bbpe_roberta",
                                      "tok-bbpe_llama3", "tok-bbpe_qwen2", "tok-spbpe_llama2",
                                      "stories260K"};
enum { N_FOLDERS = sizeof folders / sizeof *folders };

Test(bpe, texts_encode_and_decode_as_the_goldens_say)
{
    for (size_t i = 0; i < N_FOLDERS; i++) {
        Tokenizer *tokenizer = golden_open(folders[i]);
        cr_assert_geq(golden_check_texts(tokenizer, folders[i], false), 46, "%s", folders[i]);
        tokenizer_close(&tokenizer);
    }
}

Test(bpe, pairs_are_cut_into_the_windows_of_the_goldens)
{
    for (size_t i = 0; i < N_FOLDERS; i++) {
        Tokenizer *tokenizer = golden_open(folders[i]);
        cr_assert_geq(golden_check_pairs(tokenizer, folders[i]), 16, "%s", folders[i]);
        tokenizer_close(&tokenizer);
    }
}
