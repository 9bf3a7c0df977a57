// Numbers by which states know persons. Where one has a check digit or character, it must be right.
//
// Sources: SSA, POMS RM 10201.035 (US); HMRC NIM39110 (UK); Real Decreto 1553/2005 (ES); D.M. 23/12/1976 (IT); ISO 7064
// mod 11,10 and BZSt (DE); INSEE (FR); ZAS, EAN-13 (CH); Arrete royal 3/4/1984 (BE); Dz.U. 2010 nr 217 (PL); SKV 704 (SE);
// DVV (FI); Receita Federal (BR); GB 11643-1999 (CN).
#include "datasets/personal_internal.h"

#include <string.h>

static unsigned number(const char *digits, size_t n)
{
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) value = 10 * value + (unsigned)(digits[i] - '0');
    return value;
}

static bool is_day(unsigned month, unsigned day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// Sum of digits by weights.
static unsigned weighted(const char *digits, const unsigned char *weights, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) sum += weights[i] * (unsigned)(digits[i] - '0');
    return sum;
}

size_t match_us_ssn(Slice text, size_t at)
{
    static const char *const shapes[] = {"999-99-9999", "999 99 9999", NULL};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0) return 0;
    const unsigned area = number(id, 3), group = number(id + 3, 2), serial = number(id + 5, 4);
    return area > 0 && area != 666 && area < 900 && group > 0 && serial > 0 ? end : 0;
}

size_t match_uk_nino(Slice text, size_t at)
{
    static const char *const shapes[] = {"AA999999A", "AA 99 99 99 A", "AA 999999 A", NULL};
    static const char *const unused[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || strchr("DFIQUV", id[0]) || strchr("DFIOQUV", id[1]) || id[8] > 'D') return 0;
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
        if (memcmp(id, unused[i], 2) == 0) return 0;
    }
    return end;
}

static char spanish_letter(unsigned value)
{
    return "TRWAGMYFPDXBNJZSQVHLCKE"[value % 23];
}

size_t match_es_dni(Slice text, size_t at)
{
    static const char *const shapes[] = {"99999999A", "99999999-A", "99999999 A", "99.999.999-A",
                                         NULL};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    return end && spanish_letter(number(id, 8)) == id[8] ? end : 0;
}

size_t match_es_nie(Slice text, size_t at)
{
    static const char *const shapes[] = {"A9999999A", "A-9999999-A", "A9999999-A", NULL};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || id[0] < 'X') return 0;
    return spanish_letter((unsigned)(id[0] - 'X') * 10000000 + number(id + 1, 7)) == id[8] ? end
                                                                                           : 0;
}

size_t match_it_cf(Slice text, size_t at)
{
    static const char *const shapes[] = {"AAAAAA**A**A***A", "AAA AAA **A** A***A", NULL};
    // Values of characters at odd places, counted from 1; letters as the digits that they may stand for come first.
    static const unsigned char odd[] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                        20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    char id[PERSONAL_LONGEST_ID + 1];
    unsigned sum = 0;
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0) return 0;
    for (size_t i = 0; i < 15; i++) {
        const bool is_digit = personal_is_digit(id[i]);
        const bool is_place = i == 6 || i == 7 || i == 9 || i == 10 || (i >= 12 && i <= 14);
        if (is_place && !is_digit && !strchr("LMNPQRSTUV", id[i])) return 0;
        const unsigned value = (unsigned)(is_digit ? id[i] - '0' : id[i] - 'A');
        sum += i % 2 == 0 ? odd[value] : value;
    }
    return strchr("ABCDEHLMPRST", id[8]) && id[15] == (char)('A' + sum % 26) ? end : 0;
}

size_t match_de_tax(Slice text, size_t at)
{
    static const char *const shapes[] = {"99999999999", "99 999 999 999", NULL};
    char id[PERSONAL_LONGEST_ID + 1];
    unsigned seen[10] = {0}, n_twice = 0, n_thrice = 0, product = 10;
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || id[0] == '0') return 0;
    for (size_t i = 0; i < 10; i++) {
        const unsigned digit = (unsigned)(id[i] - '0'), sum = (digit + product) % 10;
        product = (sum == 0 ? 10 : sum) * 2 % 11;
        seen[digit]++;
    }
    for (size_t d = 0; d < 10; d++) {
        if (seen[d] > 3) return 0;
        n_twice += seen[d] == 2;
        n_thrice += seen[d] == 3;
    }
    if (n_twice + n_thrice != 1)
        return 0; // of the first ten digits one alone stands more than once
    return (11 - product) % 10 == (unsigned)(id[10] - '0') ? end : 0;
}

size_t match_fr_nir(Slice text, size_t at)
{
    static const char *const shapes[] = {"999999*99999999", "9 99 99 9* 999 999 99",
                                         "9 99 99 9* 999 999|99", NULL};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || !strchr("123478", id[0])) return 0;
    const unsigned month = number(id + 3, 2);
    if (month < 1 || (month > 12 && month < 20)) return 0;
    unsigned less = 0; // Corsica's departments count as 19 and 18
    if (!personal_is_digit(id[6])) {
        if (id[5] != '2' || (id[6] != 'A' && id[6] != 'B')) return 0;
        less = id[6] == 'A';
        id[5] = '1';
        id[6] = (char)(less ? '9' : '8');
    }
    return 97 - personal_mod97(id, 13) == number(id + 13, 2) ? end : 0;
}

size_t match_ch_ahv(Slice text, size_t at)
{
    static const char *const shapes[] = {"999.9999.9999.99", "9999999999999", NULL};
    static const unsigned char weights[] = {1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    return end && memcmp(id, "756", 3) == 0 && weighted(id, weights, 13) % 10 == 0 ? end : 0;
}

size_t match_be_nrn(Slice text, size_t at)
{
    static const char *const shapes[] = {"99.99.99-999.99", "99999999999", NULL};
    char id[PERSONAL_LONGEST_ID + 1], later[PERSONAL_LONGEST_ID + 2];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || !is_day(number(id + 2, 2), number(id + 4, 2)) || number(id + 6, 3) == 0)
        return 0;
    later[0] = '2'; // of those born since 2000 it counts in front
    memcpy(later + 1, id, 9);
    const unsigned key = number(id + 9, 2);
    return key == 97 - personal_mod97(id, 9) || key == 97 - personal_mod97(later, 10) ? end : 0;
}

size_t match_pl_pesel(Slice text, size_t at)
{
    static const char *const shapes[] = {"99999999999", NULL};
    static const unsigned char weights[] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || !is_day(number(id + 2, 2) % 20, number(id + 4, 2)))
        return 0; // centuries add 20
    return weighted(id, weights, 11) % 10 == 0 ? end : 0;
}

size_t match_se_pnr(Slice text, size_t at)
{
    static const char *const shapes[] = {"999999-9999", "99999999-9999", "999999+9999", NULL};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0) return 0;
    const char *own = strlen(id) == 12 ? id + 2 : id;
    const unsigned day = number(own + 4, 2);
    if (own > id && memcmp(id, "19", 2) != 0 && memcmp(id, "20", 2) != 0) return 0;
    return is_day(number(own + 2, 2), day > 60 ? day - 60 : day) && personal_luhn(own, 10) ? end
                                                                                           : 0;
}

size_t match_fi_hetu(Slice text, size_t at)
{
    static const char *const shapes[] = {"999999-999*", "999999+999*", "999999A999*", NULL};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || !is_day(number(id + 2, 2), number(id, 2))) return 0;
    // Between date and number stands the century: since 2023 by several signs each.
    const bool has_letter = end - at == 11 && personal_is_letter(text.ptr[at + 6]);
    if (has_letter && !strchr("ABCDEFUVWXY", id[6])) return 0;
    const char *rest = id + 6 + has_letter;
    const unsigned value = number(id, 6) * 1000 + number(rest, 3);
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[value % 31] == rest[3] ? end : 0;
}

size_t match_br_cpf(Slice text, size_t at)
{
    static const char *const shapes[] = {"999.999.999-99", NULL};
    static const unsigned char weights[] = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || strspn(id, (char[]){id[0], '\0'}) == 11) return 0;
    const unsigned first = weighted(id, weights + 1, 9) * 10 % 11 % 10,
                   second = weighted(id, weights, 10) * 10 % 11 % 10;
    return first == number(id + 9, 1) && second == number(id + 10, 1) ? end : 0;
}

size_t match_cn_id(Slice text, size_t at)
{
    static const char *const shapes[] = {"99999999999999999*", NULL};
    static const unsigned char weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    char id[PERSONAL_LONGEST_ID + 1];
    const size_t end = personal_shape(text, at, shapes, id);
    if (end == 0 || id[0] == '0' || !is_day(number(id + 10, 2), number(id + 12, 2))) return 0;
    const unsigned year = number(id + 6, 4);
    return year >= 1900 && year < 2100 && "10X98765432"[weighted(id, weights, 17) % 11] == id[17]
               ? end
               : 0;
}
