// Addresses of the net: e-mail (the dot-atom of RFC 5322 without its rarer signs), IPv4, IPv6 (RFC 4291, section 2.2).
#include "datasets/personal_internal.h"

#include <string.h>

// ---- e-mail ----

static bool is_local_sign(char c)
{
    return c == '.' || c == '-' || c == '+' || c == '%' || c == '\'';
}

// Letters, digits and inner hyphens.
static size_t label_end(Slice text, size_t at)
{
    enum { LONGEST = 63 };
    size_t end = at, n, last = at;
    if (personal_byte(text, at) == '-') return at;
    while (end - at < LONGEST) {
        n = personal_word_char(text, end);
        if (n == 0 && personal_byte(text, end) == '-') {
            end++;
            continue;
        }
        if (n == 0 || text.ptr[end] == '_') break;
        last = end += n;
    }
    return personal_word_char(text, last) > 0 ? at : last; // too long
}

static bool is_top_level(Slice label)
{
    if (label.len < 2) return false;
    if (slice_starts_with(label, SLICE("xn--"))) return true;
    for (size_t i = 0; i < label.len; i++) {
        if ((unsigned char)label.ptr[i] < 0x80 && !personal_is_letter(label.ptr[i])) return false;
    }
    return true;
}

// The end of a domain of two labels and more.
static size_t domain_end(Slice text, size_t at)
{
    enum { LONGEST = 253 };
    size_t end = 0, n_labels = 0;
    const size_t begin = at;
    while (at - begin < LONGEST) {
        const size_t label = label_end(text, at);
        if (label == at) break;
        n_labels++;
        if (n_labels > 1 && is_top_level(slice_sub(text, at, label))) end = label;
        if (personal_byte(text, label) != '.') break;
        at = label + 1;
    }
    return end;
}

size_t match_email(Slice text, size_t at, size_t *looked_at)
{
    enum { LONGEST = 64 };
    size_t end = at;
    while (end < text.len && end - at <= LONGEST) {
        size_t n = personal_word_char(text, end);
        if (n == 0 && is_local_sign(text.ptr[end])) n = 1;
        if (n == 0 || (text.ptr[end] == '.' && personal_byte(text, end + 1) == '.')) break;
        end += n;
    }
    if (end - at > LONGEST) return 0;
    if (personal_byte(text, end) != '@') {
        *looked_at = end;
        return 0;
    }
    if (text.ptr[end - 1] == '.') return 0;
    const size_t domain = domain_end(text, end + 1);
    if (domain == 0 || personal_byte(text, domain) == '@') return 0;
    return personal_word_char(text, domain) > 0 ? 0 : domain;
}

// ---- IP ----

// A number from 0 to 255 without leading zeros.
static size_t octet_end(Slice text, size_t at)
{
    size_t end = at, value = 0;
    for (; end - at < 3 && personal_is_digit(personal_byte(text, end)); end++)
        value = 10 * value + (size_t)(text.ptr[end] - '0');
    const bool is_padded = end - at > 1 && text.ptr[at] == '0';
    return end == at || value > 255 || is_padded ? 0 : end;
}

static size_t octets_end(Slice text, size_t at)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && personal_byte(text, at++) != '.') return 0;
        at = octet_end(text, at);
        if (at == 0) return 0;
    }
    const bool goes_on =
        personal_byte(text, at) == '.' && personal_is_digit(personal_byte(text, at + 1));
    return goes_on || personal_word_char(text, at) > 0 ? 0 : at;
}

size_t match_ipv4(Slice text, size_t at)
{
    return personal_begins_number(text, at) ? octets_end(text, at) : 0;
}

static bool is_hex(char c)
{
    return slice_hex_digit(c) >= 0;
}

static bool is_gap(Slice text, size_t at)
{
    return personal_byte(text, at) == ':' && personal_byte(text, at + 1) == ':';
}

// Groups of hex digits, of which one run of zeros may be left out.
typedef struct Groups6 {
    size_t n, first_len;
    bool has_gap, has_digit;
} Groups6;

static size_t groups6_end(Slice text, size_t at, Groups6 *g)
{
    if (is_gap(text, at)) {
        g->has_gap = true;
        at += 2;
    }
    while (g->n < 8) {
        size_t end = at;
        for (; end - at < 4 && is_hex(personal_byte(text, end)); end++)
            g->has_digit = g->has_digit || personal_is_digit(text.ptr[end]);
        if (end == at) break;
        if (personal_byte(text, end) == '.') { // the last two as an IPv4 address
            const size_t v4 = octets_end(text, at);
            g->n += v4 ? 2 : 0;
            return v4;
        }
        if (g->n++ == 0) g->first_len = end - at;
        at = end;
        if (is_gap(text, at) && !g->has_gap) {
            g->has_gap = true;
            at += 2;
        } else if (personal_byte(text, at) == ':' && is_hex(personal_byte(text, at + 1)) &&
                   g->n < 8) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

size_t match_ipv6(Slice text, size_t at)
{
    Groups6 g = {0};
    const char c = text.ptr[at];
    const bool begins_with_gap = is_gap(text, at);
    if (!begins_with_gap && !is_hex(c)) return 0;
    if (at > 0 && (text.ptr[at - 1] == ':' || personal_is_alnum(text.ptr[at - 1]))) return 0;
    const size_t end = groups6_end(text, at, &g);
    if (end == 0 || personal_word_char(text, end) > 0 || personal_byte(text, end) == ':') return 0;
    if (!g.has_gap) return g.n == 8 ? end : 0;
    // "a::b", "1::2" and "::5" are more often something else; "::1" is the machine itself, but for "a[::1]".
    const bool is_own = begins_with_gap && end == at + 3 && text.ptr[at + 2] == '1' &&
                        !(at > 1 && text.ptr[at - 1] == '[' && personal_is_alnum(text.ptr[at - 2]));
    const bool is_plain = g.n >= 3 || is_own || (g.n == 2 && (g.first_len >= 3 || begins_with_gap));
    return g.n <= 7 && g.has_digit && is_plain ? end : 0;
}
