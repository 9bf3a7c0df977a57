#include <criterion/criterion.h>

#include "tests/models/test_tokenizer_support.h"

Test(unigram, texts_encode_and_decode_as_the_goldens_say)
{
    Tokenizer *tokenizer = golden_open("tok-unigram_t5");
    cr_assert_eq(golden_check_texts(tokenizer, "tok-unigram_t5", false), 50);
    cr_assert_eq(golden_check_pairs(tokenizer, "tok-unigram_t5"), 16);
    tokenizer_close(&tokenizer);
}
