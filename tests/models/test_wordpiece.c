#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/models/test_tokenizer_support.h"
#include "tests/support/shared.h"

static const char *const folders[] = {"tok-wp_uncased", "tok-wp_cased", "all-MiniLM-L6-v2"};
enum { N_FOLDERS = sizeof folders / sizeof *folders };

Test(wordpiece, texts_encode_and_decode_as_the_goldens_say)
{
    for (size_t i = 0; i < N_FOLDERS; i++) {
        Tokenizer *tokenizer = golden_open(folders[i]);
        cr_assert_eq(golden_check_texts(tokenizer, folders[i], false), 50, "%s", folders[i]);
        tokenizer_close(&tokenizer);
    }
}

Test(wordpiece, pairs_are_cut_into_the_windows_of_the_goldens)
{
    for (size_t i = 0; i < N_FOLDERS; i++) {
        Tokenizer *tokenizer = golden_open(folders[i]);
        cr_assert_eq(golden_check_pairs(tokenizer, folders[i]), 16, "%s", folders[i]);
        tokenizer_close(&tokenizer);
    }
}

Test(wordpiece, a_vocab_txt_gives_the_same_ids)
{
    for (size_t i = 0; i < N_FOLDERS; i++) {
        char relative[256];
        snprintf(relative, sizeof relative, "models/%s/vocab.txt", folders[i]);
        const char *path = shared_need(relative);
        const WordPieceOptions options = {.is_cased = i == 1};
        Tokenizer *tokenizer = NULL;
        Error err = {0};
        cr_assert_eq(tokenizer_open_vocab(path, &options, &tokenizer, &err), STATUS_OK, "%s",
                     err.text);
        cr_assert_eq(golden_check_texts(tokenizer, folders[i], true), 50, "%s", folders[i]);
        tokenizer_close(&tokenizer);
    }
}
