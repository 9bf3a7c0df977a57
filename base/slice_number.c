// Numbers read from slices. strtod needs a NUL, which a slice does not have, and takes more than we allow (blanks,
// hexadecimal, inf): so the grammar is checked here and only then a copy goes through strtod.
#include "base/slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(Slice s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && is_digit(s.ptr[at + n])) n++;
    return n;
}

bool slice_to_u64(Slice s, uint64_t *out)
{
    if (s.len == 0 || count_digits(s, 0) != s.len) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (__builtin_mul_overflow(value, 10u, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value)) return false;
    }
    *out = value;
    return true;
}

bool slice_to_i64(Slice s, int64_t *out)
{
    const bool is_negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t magnitude;
    if (!slice_to_u64(slice_sub(s, is_negative, s.len), &magnitude)) return false;
    if (magnitude > (uint64_t)INT64_MAX + is_negative) return false;
    *out = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

// [-] digits [. digits] [e [+|-] digits], with a digit on at least one side of the point.
static bool is_decimal(Slice s)
{
    size_t at = s.len > 0 && s.ptr[0] == '-';
    size_t n_digits = count_digits(s, at);
    at += n_digits;
    if (at < s.len && s.ptr[at] == '.') {
        const size_t n_fraction = count_digits(s, at + 1);
        at += 1 + n_fraction;
        n_digits += n_fraction;
    }
    if (n_digits == 0) return false;
    if (at < s.len && (s.ptr[at] == 'e' || s.ptr[at] == 'E')) {
        at++;
        if (at < s.len && (s.ptr[at] == '+' || s.ptr[at] == '-')) at++;
        const size_t n_exponent = count_digits(s, at);
        if (n_exponent == 0) return false;
        at += n_exponent;
    }
    return at == s.len;
}

bool slice_to_double(Slice s, double *out)
{
    if (!is_decimal(s)) return false;
    char near[128];
    char *copy = s.len < sizeof near ? near : malloc(s.len + 1);
    if (copy == NULL) return false;
    memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    const double value = strtod(copy, NULL);
    if (copy != near) free(copy);
    if (!isfinite(value)) return false;
    *out = value;
    return true;
}

int slice_hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int32_t slice_hex4(Slice s, size_t at)
{
    if (at > s.len || s.len - at < 4) return -1;
    int32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        const int digit = slice_hex_digit(s.ptr[at + i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

int slice_cmp_values(Slice a, Slice b)
{
    double x, y;
    const bool a_is_number = slice_to_double(a, &x), b_is_number = slice_to_double(b, &y);
    if (a_is_number != b_is_number) return a_is_number ? -1 : 1;
    if (a_is_number && x != y) return x < y ? -1 : 1;
    return slice_cmp(a, b);
}
