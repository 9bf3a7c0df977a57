#include <criterion/criterion.h>

#include <math.h>

#include "base/distinct.h"
#include "base/slice.h"

static Slice text_of(const char *text)
{
    return slice_from_cstr(text);
}

Test(slice, of_null_is_empty)
{
    cr_assert_eq(slice_from_cstr(NULL).len, 0);
    cr_assert(slice_eq(slice_from_cstr(NULL), text_of("")));
}

Test(slice, sub_cuts_at_the_end)
{
    cr_assert(slice_eq_cstr(slice_sub(text_of("abc"), 1, 99), "bc"));
    cr_assert_eq(slice_sub(text_of("abc"), 2, 1).len, 0);
    cr_assert_eq(slice_sub(text_of("abc"), 7, 9).len, 0);
}

Test(slice, orders_by_unsigned_bytes_and_then_length)
{
    cr_assert_lt(slice_cmp(text_of("ab"), text_of("abc")), 0);
    cr_assert_gt(slice_cmp(text_of("\xff"), text_of("a")), 0);
    cr_assert_eq(slice_cmp((Slice){0}, text_of("")), 0);
    cr_assert_lt(slice_cmp((Slice){"a\0b", 3}, (Slice){"a\0c", 3}), 0);
}

Test(slice, knows_its_starts_and_ends)
{
    cr_assert(slice_starts_with(text_of("abc"), text_of("ab")));
    cr_assert(slice_starts_with(text_of(""), text_of("")));
    cr_assert_not(slice_starts_with(text_of("a"), text_of("ab")));
    cr_assert(slice_ends_with(text_of("abc"), text_of("bc")));
    cr_assert(slice_ends_with(text_of("abc"), text_of("")));
    cr_assert_not(slice_ends_with(text_of("c"), text_of("bc")));
}

Test(slice, finds_texts_and_bytes)
{
    cr_assert_eq(slice_find(text_of("banana"), text_of("nan")), 2);
    cr_assert_eq(slice_find(text_of("banana"), text_of("")), 0);
    cr_assert_eq(slice_find(text_of("ba"), text_of("ban")), SIZE_MAX);
    cr_assert_eq(slice_find((Slice){"a\0b", 3}, (Slice){"\0b", 2}), 1);
    cr_assert_eq(slice_find_byte(text_of("abc"), 'c'), 2);
    cr_assert_eq(slice_find_byte((Slice){0}, 'c'), SIZE_MAX);
}

Test(slice, trim_takes_blanks_off_both_ends)
{
    cr_assert(slice_eq_cstr(slice_trim(text_of(" \t\r\n\v\fa b \n")), "a b"));
    cr_assert_eq(slice_trim(text_of(" \n ")).len, 0);
}

Test(slice, take_changes_nothing_where_too_little_is_left)
{
    Slice rest = text_of("abc");
    Slice taken = {0};
    cr_assert_not(slice_take(&rest, 4, &taken));
    cr_assert_not(slice_take(&rest, SIZE_MAX, &taken));
    cr_assert(slice_eq_cstr(rest, "abc"));
    cr_assert(slice_take(&rest, 2, &taken));
    cr_assert(slice_eq_cstr(taken, "ab"));
    cr_assert(slice_eq_cstr(rest, "c"));
    uint32_t word = 7;
    cr_assert_not(slice_take_u32le(&rest, &word));
    cr_assert_eq(word, 7);
}

Test(slice, takes_little_endian_numbers)
{
    Slice bytes = {"\x01\x02\x03\x84\xff\xfe\xfd\xfc\xfb\xfa\xf9\x88", 12};
    uint32_t word;
    uint64_t wide;
    cr_assert(slice_take_u32le(&bytes, &word));
    cr_assert_eq(word, 0x84030201u);
    cr_assert(slice_take_u64le(&bytes, &wide));
    cr_assert_eq(wide, 0x88f9fafbfcfdfeffull);
    cr_assert_eq(bytes.len, 0);
}

static void expect_fields(const char *text, size_t n_wanted, const char *const *wanted)
{
    Slice rest = text_of(text);
    Slice field;
    size_t n = 0;
    for (; slice_split(&rest, ',', &field); n++) {
        cr_assert_lt(n, n_wanted, "%s: too many fields", text);
        cr_assert(slice_eq_cstr(field, wanted[n]), "%s: field %zu", text, n);
    }
    cr_assert_eq(n, n_wanted, "%s: %zu fields", text, n);
}

Test(slice, split_keeps_empty_fields_but_the_last)
{
    expect_fields("", 0, NULL);
    expect_fields("a", 1, (const char *const[]){"a"});
    expect_fields("a,b,", 2, (const char *const[]){"a", "b"});
    expect_fields(",,a", 3, (const char *const[]){"", "", "a"});
}

Test(slice, reads_integers_up_to_their_limits)
{
    int64_t i;
    uint64_t u;
    cr_assert(slice_to_i64(text_of("9223372036854775807"), &i) && i == INT64_MAX);
    cr_assert(slice_to_i64(text_of("-9223372036854775808"), &i) && i == INT64_MIN);
    cr_assert_not(slice_to_i64(text_of("9223372036854775808"), &i));
    cr_assert_not(slice_to_i64(text_of("-9223372036854775809"), &i));
    cr_assert(slice_to_u64(text_of("18446744073709551615"), &u) && u == UINT64_MAX);
    cr_assert_not(slice_to_u64(text_of("18446744073709551616"), &u));
    cr_assert(slice_to_i64(text_of("-0"), &i) && i == 0);
}

Test(slice, refuses_what_is_no_whole_integer)
{
    static const char *const wrong[] = {"",    "-",   "+1",  " 1",  "1 ",
                                        "1.0", "0x1", "1e3", "--1", "1-"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        int64_t i = 7;
        cr_assert_not(slice_to_i64(text_of(wrong[k]), &i), "'%s' was taken", wrong[k]);
        cr_assert_eq(i, 7);
    }
    cr_assert_not(slice_to_i64((Slice){"1\0", 2}, &(int64_t){0}));
}

Test(slice, reads_doubles)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {{"0.1", 0.1},       {"-2", -2},
                 {"1e-5", 1e-5},     {"1E+05", 1e5},
                 {".5", 0.5},        {"5.", 5},
                 {"5e-324", 5e-324}, {"1e-400", 0},
                 {"0", 0},           {"1.7976931348623157e308", 0x1.fffffffffffffp1023}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double value = NAN;
        cr_assert(slice_to_double(text_of(cases[k].text), &value), "%s", cases[k].text);
        cr_assert_eq(value, cases[k].value, "%s: %.17g", cases[k].text, value);
    }
}

Test(slice, reads_a_double_of_a_thousand_digits)
{
    char digits[1002];
    memset(digits, '0', sizeof digits);
    digits[0] = '1';
    digits[1] = '.';
    digits[1001] = '5';
    double value = 0;
    cr_assert(slice_to_double((Slice){digits, sizeof digits}, &value));
    cr_assert_eq(value, 1);
}

Test(slice, refuses_what_is_no_finite_decimal)
{
    static const char *const wrong[] = {"",    ".",   "-",         "e5",  "1e",    "1e+",
                                        "nan", "inf", "-Infinity", "NaN", "1e999", "0x1p3",
                                        " 1",  "1 ",  "+1",        "1,5", "1.2.3"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        double value = 7;
        cr_assert_not(slice_to_double(text_of(wrong[k]), &value), "'%s' was taken", wrong[k]);
        cr_assert_eq(value, 7);
    }
}

Test(slice, orders_numbers_before_texts)
{
    static const char *const ascending[] = {"-3", "1e-2", "2", "10", "10.0", "", "a", "b"};
    const size_t n = sizeof ascending / sizeof *ascending;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            const int order = slice_cmp_values(text_of(ascending[i]), text_of(ascending[k]));
            cr_expect_eq((order > 0) - (order < 0), (i > k) - (i < k), "'%s' and '%s'",
                         ascending[i], ascending[k]);
        }
    }
}

Test(slice, reads_hexadecimal_digits)
{
    cr_expect_eq(slice_hex_digit('9'), 9);
    cr_expect_eq(slice_hex_digit('f'), 15);
    cr_expect_eq(slice_hex_digit('A'), 10);
    cr_expect_eq(slice_hex_digit('g'), -1);
    cr_expect_eq(slice_hex4(SLICE("u20aC"), 1), 0x20ac);
    cr_expect_eq(slice_hex4(SLICE("20a"), 0), -1);
    cr_expect_eq(slice_hex4(SLICE("20a-"), 0), -1);
    cr_expect_eq(slice_hex4(SLICE("20ac"), 5), -1);
}

static int by_bytes(const void *a, const void *b)
{
    return slice_cmp(*(const Slice *)a, *(const Slice *)b);
}

Test(slice, distinct_values_are_numbered_in_order)
{
    const Slice values[] = {SLICE("b"), {0}, SLICE("a"), SLICE("b"), SLICE("c")};
    enum { N = sizeof values / sizeof *values };
    static const int32_t wanted[N] = {1, -1, 0, 1, 2};
    Arena arena = {0};
    int32_t index[N];
    Slice *distinct = NULL;
    size_t n = 0;
    cr_assert_eq(distinct_index(values, N, by_bytes, &arena, index, &distinct, &n, NULL),
                 STATUS_OK);
    cr_assert_arr_eq(index, wanted, sizeof wanted);
    cr_assert_eq(n, 3);
    cr_expect(slice_eq_cstr(distinct[0], "a") && slice_eq_cstr(distinct[2], "c"));
    arena_release(&arena);
}
