// Phone numbers: "+49 30 1234567" (ITU-T E.164), "0049 30 ..", "(030) 123 45 67" with the 0 of long distance, "212-555-0123" of
// the North American plan. Numbers without any of these signs are left: every number would be one.
#include "datasets/personal_internal.h"

enum { MOST_DIGITS = 15 };

// Digits of the country code that a number begins with, or 0.
static size_t code_length(const char *digits, size_t n)
{
    static const char two[] =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 "
        "58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";
    static const char three[] =
        "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99 ";
    if (n < 4) return 0;
    if (digits[0] == '1' || digits[0] == '7') return 1;
    for (size_t i = 0; i + 2 < sizeof two; i += 3) {
        if (two[i] == digits[0] && two[i + 1] == digits[1]) return 2;
    }
    for (size_t i = 0; i + 2 < sizeof three; i += 3) {
        if (three[i] == digits[0] && three[i + 1] == digits[1]) return 3;
    }
    return 0;
}

// Ten digits, of which area and exchange begin with 2 to 9.
static bool is_north_american(const char *digits)
{
    return digits[0] >= '2' && digits[3] >= '2';
}

static bool is_international(const DigitGroups *g, size_t n_groups, size_t n)
{
    const size_t code = code_length(g->digits, n);
    if (code == 0 || n > MOST_DIGITS || n < (n_groups > 1 ? 8u : 9u)) return false;
    if (n_groups > 1 && g->len[0] < code) return false; // "+50 000 000" is an amount
    for (size_t i = 2; i < n_groups; i++) {
        if (g->in_parens[i]) return false; // another number begins there
    }
    if (g->digits[0] == '1') return n == 11 && is_north_american(g->digits + 1);
    const bool is_italy = g->digits[0] == '3' && g->digits[1] == '9';
    const bool has_zero_in_parens = n_groups > 1 && g->in_parens[1];
    return g->digits[code] != '0' || is_italy || has_zero_in_parens;
}

// The longest run of groups that makes a number.
static size_t international_end(Slice text, size_t at, bool needs_groups)
{
    DigitGroups g;
    personal_groups(text, at, &g);
    for (size_t n = g.n; n > (needs_groups ? 1u : 0u); n--) {
        size_t n_digits = 0;
        for (size_t i = 0; i < n; i++) n_digits += g.len[i];
        if (is_international(&g, n, n_digits) && personal_ends_number(text, g.end[n - 1]))
            return g.end[n - 1];
    }
    return 0;
}

static size_t north_american_end(Slice text, size_t at, const DigitGroups *g)
{
    const size_t first = g->n > 3 && g->len[0] == 1 && g->digits[0] == '1' ? 1 : 0;
    if (g->n < first + 3) return 0;
    const bool is_right = g->len[first] == 3 && g->len[first + 1] == 3 && g->len[first + 2] == 4 &&
                          !g->in_parens[first + 1] && !g->in_parens[first + 2] &&
                          g->before[first + 1] != '/' && g->before[first + 2] != '/' &&
                          g->before[first + 2] != 0;
    const size_t end = g->end[first + 2];
    (void)at;
    return is_right && is_north_american(g->digits + first) && personal_ends_number(text, end) ? end
                                                                                               : 0;
}

static bool is_date(const DigitGroups *g)
{
    return g->n >= 3 && g->len[0] == 2 && g->len[1] == 2 && g->len[2] == 4 && g->before[1] != ' ' &&
           g->before[1] == g->before[2];
}

// Groups go on while the sign between them stays that behind the second.
static size_t same_signs(const DigitGroups *g)
{
    size_t n = g->n < 2 ? g->n : 2;
    while (n < g->n && g->len[n] >= 2 && !g->in_parens[n] && g->before[n] == g->before[2]) n++;
    return n;
}

static size_t national_end(Slice text, const DigitGroups *g)
{
    if (g->n == 0 || g->len[0] < 2 || g->digits[0] != '0' || g->digits[1] == '0' || is_date(g))
        return 0;
    for (size_t n = same_signs(g); n > 0; n--) {
        size_t n_digits = 0;
        for (size_t i = 0; i < n; i++) n_digits += g->len[i];
        const bool is_right = n > 1 ? n_digits >= 9 && n_digits <= 12
                                    : !g->in_parens[0] && (n_digits == 10 || n_digits == 11);
        if (is_right && personal_ends_number(text, g->end[n - 1])) return g->end[n - 1];
    }
    return 0;
}

size_t match_phone(Slice text, size_t at)
{
    DigitGroups g;
    const char c = text.ptr[at];
    if (c == ':' || !personal_begins_number(text, at)) return 0;
    if (at > 0 && (personal_is_alnum(text.ptr[at - 1]) || text.ptr[at - 1] == '+')) return 0;
    if (c == '+') return international_end(text, at + 1, false);
    if (c == '0' && personal_byte(text, at + 1) == '0')
        return international_end(text, at + 2, true);
    personal_groups(text, at, &g);
    const size_t end = north_american_end(text, at, &g);
    return end > 0 ? end : national_end(text, &g);
}
