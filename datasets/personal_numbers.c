// Accounts and cards; checks that numbers share.
//
// Sources: ISO 13616 (IBAN; lengths from SWIFT's registry), ISO/IEC 7812 (cards; Luhn's check in its annex B).
#include "datasets/personal_internal.h"

#include <string.h>

bool personal_luhn(const char *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned digit = (unsigned)(digits[n - 1 - i] - '0');
        const unsigned twice = digit * 2;
        sum += i % 2 == 0 ? digit : twice > 9 ? twice - 9 : twice;
    }
    return sum % 10 == 0;
}

unsigned personal_mod97(const char *text, size_t n)
{
    unsigned rest = 0;
    for (size_t i = 0; i < n; i++) {
        if (personal_is_digit(text[i]))
            rest = (rest * 10 + (unsigned)(text[i] - '0')) % 97;
        else
            rest = (rest * 100 + (unsigned)(text[i] - 'A') + 10) % 97;
    }
    return rest;
}

char personal_sign(Slice text, size_t at, size_t *len)
{
    static const struct {
        const char *bytes;
        char sign;
    } known[] = {{"\xc2\xa0", ' '},     {"\xe2\x80\xaf", ' '}, {"\xe2\x80\x89", ' '},
                 {"\xe2\x80\x87", ' '}, {"\xe2\x80\x90", '-'}, {"\xe2\x80\x91", '-'}};
    const char c = personal_byte(text, at);
    *len = 1;
    for (size_t i = 0; (unsigned char)c >= 0x80 && i < sizeof known / sizeof *known; i++) {
        const size_t n = strlen(known[i].bytes);
        if (!slice_starts_with(slice_sub(text, at, text.len), (Slice){known[i].bytes, n})) continue;
        *len = n;
        return known[i].sign;
    }
    return c;
}

static bool fits(Slice text, size_t at, const char *shape, char *out, size_t *end)
{
    size_t n = 0, len;
    for (; *shape; shape++, at += len) {
        const char c = personal_sign(text, at, &len);
        const bool is_kept = *shape == '9' || *shape == 'A' || *shape == '*';
        const bool is_right = *shape == '9'   ? personal_is_digit(c)
                              : *shape == 'A' ? personal_is_letter(c)
                              : *shape == '*' ? personal_is_alnum(c)
                                              : c == *shape;
        if (!is_right) return false;
        if (is_kept && n < PERSONAL_LONGEST_ID) out[n++] = personal_upper(c);
    }
    out[n] = '\0';
    *end = at;
    return personal_ends_number(text, at);
}

size_t personal_shape(Slice text, size_t at, const char *const *shapes,
                      char out[PERSONAL_LONGEST_ID + 1])
{
    size_t end = 0;
    if (!personal_begins_number(text, at)) return 0;
    for (; *shapes; shapes++) {
        if (fits(text, at, *shapes, out, &end)) return end;
    }
    return 0;
}

// ---- groups of digits ----

static bool is_sign(char c)
{
    return c == ' ' || c == '-' || c == '.' || c == '/';
}

void personal_groups(Slice text, size_t at, DigitGroups *out)
{
    size_t n_digits = 0, sign_len = 1;
    char before = 0;
    *out = (DigitGroups){0};
    while (out->n < PERSONAL_GROUPS) {
        const bool in_parens = personal_byte(text, at) == '(';
        const size_t begin = at + in_parens;
        size_t end = begin;
        while (personal_is_digit(personal_byte(text, end)) &&
               n_digits + (end - begin) <= PERSONAL_DIGITS)
            end++;
        const size_t len = end - begin;
        if (len == 0 || n_digits + len > PERSONAL_DIGITS) return;
        if (in_parens && personal_byte(text, end) != ')') return;
        memcpy(out->digits + n_digits, text.ptr + begin, len);
        n_digits += len;
        end += in_parens;
        out->len[out->n] = len;
        out->end[out->n] = end;
        out->before[out->n] = before;
        out->in_parens[out->n++] = in_parens;
        before = personal_sign(text, end, &sign_len);
        if (is_sign(before))
            at = end + sign_len;
        else if (before == '(' || in_parens)
            at = end, before = 0;
        else
            return;
    }
}

// ---- IBAN ----

// Characters of a country's IBAN, or 0.
static size_t iban_length(char a, char b)
{
    static const char lengths[] =
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29"
        "ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20"
        "LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29"
        "PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20"
        "YE30";
    for (size_t i = 0; i + 3 < sizeof lengths; i += 4) {
        if (lengths[i] == a && lengths[i + 1] == b)
            return (size_t)(lengths[i + 2] - '0') * 10 + (size_t)(lengths[i + 3] - '0');
    }
    return 0;
}

size_t match_iban(Slice text, size_t at)
{
    enum { LONGEST = 33 };
    char number[LONGEST + 1];
    if (!personal_is_letter(personal_byte(text, at + 1)) ||
        !personal_is_digit(personal_byte(text, at + 2)) ||
        !personal_is_digit(personal_byte(text, at + 3)))
        return 0;
    const char a = personal_upper(text.ptr[at]), b = personal_upper(text.ptr[at + 1]);
    const size_t length = iban_length(a, b);
    for (size_t n = 0; n < length; n++, at++) {
        size_t len;
        const char c = personal_sign(text, at, &len);
        if (c == ' ' && n > 0 && n % 4 == 0) at += len; // written in fours
        if (!personal_is_alnum(personal_byte(text, at))) return 0;
        // Country and check digits count last.
        number[(n + length - 4) % length] = personal_upper(text.ptr[at]);
    }
    if (length == 0 || personal_word_char(text, at) > 0) return 0;
    return personal_mod97(number, length) == 1 ? at : 0;
}

// ---- cards ----

static unsigned prefix(const char *digits, size_t n)
{
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) value = 10 * value + (unsigned)(digits[i] - '0');
    return value;
}

static bool is_issued(const char *digits, size_t n)
{
    static const struct {
        unsigned lowest, highest; // of the first `len` digits
        unsigned char len, shortest, longest;
    } ranges[] = {
        {4, 4, 1, 13, 19},                              // Visa
        {51, 55, 2, 16, 16},                            // Mastercard
        {2221, 2720, 4, 16, 16},                        // Mastercard
        {34, 34, 2, 15, 15},                            // American Express
        {37, 37, 2, 15, 15},     {300, 305, 3, 14, 19}, // Diners Club
        {36, 36, 2, 14, 19},     {38, 39, 2, 14, 19},     {6011, 6011, 4, 16, 19}, // Discover
        {644, 659, 3, 16, 19},   {3528, 3589, 4, 16, 19},                          // JCB
        {62, 62, 2, 16, 19},                                                       // UnionPay
        {50, 50, 2, 13, 19},                                                       // Maestro
        {56, 58, 2, 13, 19},     {6, 6, 1, 16, 19},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const unsigned begin = prefix(digits, ranges[i].len);
        if (begin < ranges[i].lowest || begin > ranges[i].highest) continue;
        if (n >= ranges[i].shortest && n <= ranges[i].longest) return true;
    }
    return false;
}

// One group, or the groups in which cards are embossed.
static bool is_card_groups(const DigitGroups *g, size_t n)
{
    static const unsigned char shapes[][5] = {
        {4, 4, 4, 4}, {4, 4, 4, 4, 3}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 1}};
    if (n == 1) return !g->in_parens[0];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        bool is_right = n == 5 || shapes[s][n] == 0;
        for (size_t i = 0; i < n && is_right; i++)
            is_right = shapes[s][i] == g->len[i] && !g->in_parens[i] &&
                       (i == 0 || g->before[i] == g->before[1]);
        if (is_right) return g->before[1] == ' ' || g->before[1] == '-';
    }
    return false;
}

size_t match_card(Slice text, size_t at)
{
    DigitGroups g;
    if (!personal_begins_number(text, at)) return 0;
    personal_groups(text, at, &g);
    for (size_t n = g.n < 5 ? g.n : 5; n > 0; n--) {
        size_t n_digits = 0;
        for (size_t i = 0; i < n; i++) n_digits += g.len[i];
        if (n_digits < 13 || n_digits > 19 || !is_card_groups(&g, n)) continue;
        if (!is_issued(g.digits, n_digits) || !personal_luhn(g.digits, n_digits)) continue;
        if (personal_ends_number(text, g.end[n - 1])) return g.end[n - 1];
    }
    return 0;
}
