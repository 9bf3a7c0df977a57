// datasets/personal_internal.h: between the sources of personal. Internal to datasets/.
#ifndef ASSAY_DATASETS_PERSONAL_INTERNAL_H
#define ASSAY_DATASETS_PERSONAL_INTERNAL_H

#include "datasets/personal.h"

// Classes of characters that begin a find.
enum {
    BEGINS_DIGIT = 1,
    BEGINS_LETTER = 2, // of ASCII
    BEGINS_OTHER = 4,  // a letter of another alphabet, or '_'
    BEGINS_SIGN = 8,   // + ( :
};

static inline bool personal_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool personal_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool personal_is_alnum(char c)
{
    return personal_is_digit(c) || personal_is_letter(c);
}
static inline char personal_upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}
// The byte at `at`, or NUL behind the end.
static inline char personal_byte(Slice text, size_t at)
{
    return (char)(at < text.len ? text.ptr[at] : 0);
}

// The same, where blanks and hyphens at which no line breaks (and narrow ones), as texts are set, are a blank and a hyphen.
// *len: its bytes.
char personal_sign(Slice text, size_t at, size_t *len);

// Bytes of the character at `at` where it goes on a word: an ASCII letter, digit or '_', or a letter of an alphabet. Of
// scripts without blanks between words (from U+2E80 on) each character is a word of its own: 0.
size_t personal_word_char(Slice text, size_t at);
// Whether a number that stands there is no part of a longer one, as "4-55" is of "123-4-55".
bool personal_begins_number(Slice text, size_t at);
bool personal_ends_number(Slice text, size_t end);

// The characters of a shape at `at`, blanks and signs left out, in upper case, with a NUL. Of shapes ended by NULL the
// first that fits: '9' is a digit, 'A' a letter, '*' either, all else itself. The end, or 0.
enum { PERSONAL_LONGEST_ID = 24 };
size_t personal_shape(Slice text, size_t at, const char *const *shapes,
                      char out[PERSONAL_LONGEST_ID + 1]);

// Luhn's check over digits [n].
bool personal_luhn(const char *digits, size_t n);
// A number of digits and letters (10 to 35) modulo 97, as ISO 7064 has it.
unsigned personal_mod97(const char *text, size_t n);

// personal_net.c
size_t match_email(Slice text, size_t at,
                   size_t *looked_at); // *looked_at: no address begins before it
size_t match_ipv4(Slice text, size_t at);
size_t match_ipv6(Slice text, size_t at);
// personal_numbers.c
size_t match_iban(Slice text, size_t at);
size_t match_card(Slice text, size_t at);
// personal_phone.c
size_t match_phone(Slice text, size_t at);
// personal_ids.c
size_t match_us_ssn(Slice text, size_t at);
size_t match_uk_nino(Slice text, size_t at);
size_t match_es_dni(Slice text, size_t at);
size_t match_es_nie(Slice text, size_t at);
size_t match_it_cf(Slice text, size_t at);
size_t match_de_tax(Slice text, size_t at);
size_t match_fr_nir(Slice text, size_t at);
size_t match_ch_ahv(Slice text, size_t at);
size_t match_be_nrn(Slice text, size_t at);
size_t match_pl_pesel(Slice text, size_t at);
size_t match_se_pnr(Slice text, size_t at);
size_t match_fi_hetu(Slice text, size_t at);
size_t match_br_cpf(Slice text, size_t at);
size_t match_cn_id(Slice text, size_t at);

// Groups of digits as people write long numbers: "(030) 123-45".
enum { PERSONAL_GROUPS = 8, PERSONAL_DIGITS = 24 };
typedef struct DigitGroups {
    size_t n;
    size_t len[PERSONAL_GROUPS];
    size_t end[PERSONAL_GROUPS]; // behind the group, and its parenthesis
    char before
        [PERSONAL_GROUPS]; // the sign in front: ' ', '-', '.', '/', 0 = a parenthesis alone, or nothing
    bool in_parens[PERSONAL_GROUPS];
    char digits[PERSONAL_DIGITS];
} DigitGroups;
// A group that would not fit ends the reading; a group of digits is taken whole or not at all.
void personal_groups(Slice text, size_t at, DigitGroups *out);

#endif
