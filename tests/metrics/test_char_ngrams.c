#include <criterion/criterion.h>
#include <stdio.h>

#include "metrics/char_ngrams.h"
#include "metrics/error_rate.h"
#include "metrics/ngrams.h"

// A text of characters drawn from an alphabet, some beyond ASCII, by a small generator.
static size_t write_text(char *out, size_t n, unsigned alphabet, unsigned *state)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        *state = *state * 1664525u + 1013904223u;
        const unsigned c = (*state >> 16) % alphabet;
        if (c < 26) {
            out[len++] = (char)('a' + c);
        } else { // U+0400..
            out[len++] = (char)(0xD0 + (c - 26) / 64);
            out[len++] = (char)(0x80 + (c - 26) % 64);
        }
    }
    return len;
}

Test(char_ngrams, agrees_with_n_grams_of_tokens)
{
    unsigned state = 5;
    Arena arena = {0};
    Error err = {0};
    char first[1000], second[1000];
    for (size_t round = 0; round < 300; round++) {
        const unsigned alphabet = 2 + (unsigned)round % 60;
        const Slice a = {first, write_text(first, round % 97 + 1, alphabet, &state)};
        const Slice b = {second, write_text(second, round * 7 % 89 + 1, alphabet, &state)};
        CharNumbers numbers = {0};
        CharText x, y;
        Tokens hypothesis, reference;
        bool fits;
        double fast[6], slow[6];
        cr_assert_eq(char_text(&numbers, a, false, true, &arena, &x, &fits, &err), STATUS_OK);
        cr_assert(fits);
        cr_assert_eq(char_text(&numbers, b, false, false, &arena, &y, &fits, &err), STATUS_OK);
        cr_assert_eq(error_rate_characters(a, &arena, &hypothesis, &err), STATUS_OK);
        cr_assert_eq(error_rate_characters(b, &arena, &reference, &err), STATUS_OK);
        cr_assert_eq(char_ngram_matches(&x, &y, numbers.n, 6, &arena, fast, &err), STATUS_OK);
        cr_assert_eq(ngram_matches(&hypothesis, &reference, 1, 6, &arena, slow, &err), STATUS_OK);
        for (size_t k = 0; k < 6; k++) {
            cr_assert_eq(fast[k], slow[k], "round %zu, order %zu: %g for %g", round, k + 1, fast[k],
                         slow[k]);
        }
        arena_release(&arena);
    }
}

Test(char_ngrams, says_when_there_are_too_many_characters)
{
    Arena arena = {0};
    Error err = {0};
    char text[1000];
    size_t len = 0;
    for (unsigned c = 0; c < 300; c++) { // U+0400 to U+052B
        text[len++] = (char)(0xD0 + c / 64);
        text[len++] = (char)(0x80 + c % 64);
    }
    CharNumbers numbers = {0};
    CharText out;
    bool fits = true;
    cr_assert_eq(char_text(&numbers, (Slice){text, len}, false, true, &arena, &out, &fits, &err),
                 STATUS_OK);
    cr_expect_not(fits);
    arena_release(&arena);
}
