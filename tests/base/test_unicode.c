#include <criterion/criterion.h>

#include "base/unicode.h"

static Arena arena;
static Error err;

static void tear_down(void)
{
    arena_release(&arena);
}

TestSuite(unicode, .fini = tear_down);

Test(unicode, every_code_point_survives_utf8)
{
    for (CodePoint c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        char bytes[4];
        const size_t len = utf8_encode(c, bytes);
        size_t offset = 0;
        cr_assert_eq(utf8_next((Slice){bytes, len}, &offset), c, "U+%04X", (unsigned)c);
        cr_assert_eq(offset, len, "U+%04X", (unsigned)c);
        cr_assert_eq(utf8_invalid_at((Slice){bytes, len}), SIZE_MAX, "U+%04X", (unsigned)c);
    }
}

Test(unicode, what_is_no_code_point_is_encoded_as_a_replacement)
{
    static const CodePoint wrong[] = {-1, 0xD800, 0xDFFF, 0x110000, INT32_MAX};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        char bytes[4];
        cr_assert_eq(utf8_encode(wrong[k], bytes), 3);
        cr_assert_arr_eq(bytes, "\xEF\xBF\xBD", 3);
    }
}

Test(unicode, broken_utf8_is_found_and_passed_a_byte_at_a_time)
{
    static const struct {
        const char *text;
        size_t at, count;
    } cases[] = {
        {"abc", SIZE_MAX, 3},
        {"a\x80", 1, 2},
        {"\xC0\x80", 0, 2},         // overlong
        {"\xC1\xBF", 0, 2},         // overlong
        {"\xE0\x80\x80", 0, 3},     // overlong
        {"\xED\xA0\x80", 0, 3},     // surrogate
        {"\xF0\x80\x80\x80", 0, 4}, // overlong
        {"\xF4\x90\x80\x80", 0, 4}, // above U+10FFFF
        {"\xF5\x80\x80\x80", 0, 4},
        {"ok\xE2\x82", 2, 4}, // ends too early
        {"\xE2\x82"
         "a",
         0, 3},
        {"\xF0\x9F\x98\x80", SIZE_MAX, 1},
        {"", SIZE_MAX, 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        cr_assert_eq(utf8_invalid_at(slice_from_cstr(cases[k].text)), cases[k].at, "case %zu", k);
        cr_assert_eq(utf8_count(slice_from_cstr(cases[k].text)), cases[k].count, "case %zu", k);
    }
}

Test(unicode, normalises_to_all_four_forms)
{
    static const struct {
        UnicodeForm form;
        const char *text, *wanted;
    } cases[] = {
        {UNICODE_NFC, "e\xCC\x81", "\xC3\xA9"},
        {UNICODE_NFD, "\xC3\xA9", "e\xCC\x81"},
        {UNICODE_NFKC, "\xEF\xAC\x81\xC2\xBD",
         "fi1\xE2\x81\x84"
         "2"},
        {UNICODE_NFKD, "\xEF\xBC\xA1\xC3\xA9", "Ae\xCC\x81"},
        {UNICODE_NFD, "\xEA\xB0\x81", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8"},
        {UNICODE_NFC, "plain", "plain"},
        {UNICODE_NFC, "", ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        Slice out = {0};
        const Slice text = slice_from_cstr(cases[k].text);
        cr_assert_eq(unicode_normalize(&arena, text, cases[k].form, &out, &err), STATUS_OK, "%s",
                     err.text);
        cr_assert(slice_eq_cstr(out, cases[k].wanted), "case %zu: " SLICE_FMT, k, SLICE_ARG(out));
    }
}

Test(unicode, normal_text_is_given_back_itself)
{
    Slice out = {0};
    const Slice text = SLICE("caf\xC3\xA9");
    cr_assert_eq(unicode_normalize(&arena, text, UNICODE_NFC, &out, &err), STATUS_OK);
    cr_assert_eq(out.ptr, text.ptr);
}

Test(unicode, keeps_nul_bytes)
{
    Slice out = {0};
    cr_assert_eq(unicode_normalize(&arena, (Slice){"\0\xC3\xA9\0", 4}, UNICODE_NFD, &out, &err),
                 STATUS_OK);
    cr_assert(slice_eq(out, (Slice){"\0e\xCC\x81\0", 5}));
    cr_assert_eq(unicode_lower(&arena, (Slice){"\0\xC3\x89\0", 4}, &out, &err), STATUS_OK);
    cr_assert(slice_eq(out, (Slice){"\0\xC3\xA9\0", 4}));
}

Test(unicode, refuses_broken_utf8_and_says_where)
{
    Slice out = {0};
    const Slice text = SLICE("ab\xFF");
    cr_assert_eq(unicode_normalize(&arena, text, UNICODE_NFC, &out, &err), STATUS_INVALID);
    cr_assert_not_null(strstr(err.text, "0xFF at offset 2"), "%s", err.text);
    cr_assert_eq(unicode_lower(&arena, text, &out, &err), STATUS_INVALID);
    cr_assert_eq(unicode_fold_case(&arena, text, &out, &err), STATUS_INVALID);
}

typedef Status CaseFunction(Arena *arena, Slice text, Slice *out, Error *err);

static void expect_case(CaseFunction *function, const char *text, const char *wanted)
{
    Slice out = {0};
    cr_assert_eq(function(&arena, slice_from_cstr(text), &out, &err), STATUS_OK, "%s", err.text);
    cr_assert(slice_eq_cstr(out, wanted), "%s: " SLICE_FMT, text, SLICE_ARG(out));
}

Test(unicode, lowers_whole_texts)
{
    expect_case(unicode_lower, "Hello, WORLD @[`{", "hello, world @[`{");
    expect_case(unicode_lower, "\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3",
                "\xCE\xBF\xCE\xB4\xCE\xBF\xCF\x82"); // final sigma
    expect_case(unicode_lower, "\xCE\xA3\xCE\x91", "\xCF\x83\xCE\xB1");
    expect_case(unicode_lower, "\xC4\xB0I", "i\xCC\x87i"); // U+0130; I stays i in the root locale
    expect_case(unicode_lower, "\xC8\xBA\xC8\xBA\xC8\xBA",
                "\xE2\xB1\xA5\xE2\xB1\xA5\xE2\xB1\xA5"); // grows
    expect_case(unicode_lower, "", "");
}

Test(unicode, folds_case_fully)
{
    expect_case(unicode_fold_case,
                "Stra\xC3\x9F"
                "e",
                "strasse");
    expect_case(unicode_fold_case, "\xCE\xA3\xCF\x82", "\xCF\x83\xCF\x83");
    expect_case(unicode_fold_case, "ABC", "abc");
}

Test(unicode, reports_that_memory_ran_out)
{
    Slice out = {0};
    arena_fail_after(1);
    cr_assert_eq(unicode_lower(&arena, SLICE("\xC3\x89"), &out, &err), STATUS_MEMORY);
    arena_fail_after(1);
    cr_assert_eq(unicode_normalize(&arena, SLICE("\xC3\xA9"), UNICODE_NFD, &out, &err),
                 STATUS_MEMORY);
    arena_fail_after(2); // the second try, with the right size
    cr_assert_eq(unicode_lower(&arena, SLICE("\xC8\xBA\xC8\xBA"), &out, &err), STATUS_MEMORY);
}

Test(unicode, decomposes_single_code_points)
{
    CodePoint out[4];
    cr_assert_eq(unicode_decompose('a', out), 1);
    cr_assert_eq(out[0], 'a');
    cr_assert_eq(unicode_decompose(0x1F82, out), 4);
    cr_assert_arr_eq(out, ((CodePoint[]){0x3B1, 0x313, 0x300, 0x345}), sizeof out);
    cr_assert_eq(unicode_decompose(0xAC01, out), 3);
    cr_assert_eq(unicode_decompose(0xFB01, out), 1, "a compatibility decomposition was taken");
}

Test(unicode, lowers_single_code_points)
{
    CodePoint out[3];
    cr_assert_eq(unicode_lower_point(0x130, out), 2);
    cr_assert_eq(out[0], 'i');
    cr_assert_eq(out[1], 0x307);
    cr_assert_eq(unicode_lower_point(0x3A3, out), 1);
    cr_assert_eq(out[0], 0x3C3);
    cr_assert_eq(unicode_lower_point('!', out), 1);
    cr_assert_eq(out[0], '!');
}

Test(unicode, knows_categories)
{
    static const struct {
        CodePoint c;
        const char *name;
    } cases[] = {{'A', "Lu"},     {'a', "Ll"},    {0x1C5, "Lt"},  {0x2B0, "Lm"},  {0x4E00, "Lo"},
                 {0x300, "Mn"},   {0x488, "Me"},  {0x903, "Mc"},  {'1', "Nd"},    {0x2160, "Nl"},
                 {0xBD, "No"},    {' ', "Zs"},    {0x2028, "Zl"}, {0x2029, "Zp"}, {0, "Cc"},
                 {0xAD, "Cf"},    {0xE000, "Co"}, {0xD800, "Cs"}, {'-', "Pd"},    {'(', "Ps"},
                 {')', "Pe"},     {'_', "Pc"},    {'!', "Po"},    {'+', "Sm"},    {'$', "Sc"},
                 {'^', "Sk"},     {0xA9, "So"},   {0xAB, "Pi"},   {0xBB, "Pf"},   {0x378, "Cn"},
                 {0x10FFFF, "Cn"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        cr_assert_str_eq(unicode_category(cases[k].c), cases[k].name, "U+%04X",
                         (unsigned)cases[k].c);
    }
}

static bool in_python_list(CodePoint c)
{
    static const CodePoint ranges[][2] = {
        {0x9, 0xD},       {0x1C, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
        if (c >= ranges[k][0] && c <= ranges[k][1]) return true;
    }
    return false;
}

Test(unicode, python_spaces_are_those_of_str_isspace)
{
    for (CodePoint c = 0; c <= 0x10FFFF; c++) {
        cr_assert_eq(unicode_is_python_space(c), in_python_list(c), "U+%04X", (unsigned)c);
        // The two definitions differ by U+001C..001F alone.
        const bool is_separator = c >= 0x1C && c <= 0x1F;
        cr_assert_eq(unicode_is_white_space(c), in_python_list(c) && !is_separator, "U+%04X",
                     (unsigned)c);
    }
}

Test(unicode, knows_letters_and_digits)
{
    static const CodePoint yes[] = {'a', '9', 0xE9, 0x4E00, 0x2160, 0xBD, 0x660};
    static const CodePoint no[] = {' ', '_', '-', 0x300, 0x1F600, 0};
    for (size_t k = 0; k < sizeof yes / sizeof *yes; k++)
        cr_assert(unicode_is_alphanumeric(yes[k]));
    for (size_t k = 0; k < sizeof no / sizeof *no; k++)
        cr_assert_not(unicode_is_alphanumeric(no[k]));
}

Test(unicode, counts_columns)
{
    cr_assert_eq(unicode_text_columns(SLICE("abc")), 3);
    cr_assert_eq(unicode_text_columns(SLICE("e\xCC\x81")), 1);
    cr_assert_eq(unicode_text_columns(SLICE("\xE4\xB8\xAD\xE6\x96\x87")), 4);
    cr_assert_eq(unicode_text_columns(SLICE("\xFFx")), 2);
}

Test(unicode, names_its_version)
{
    cr_assert_eq(strncmp(unicode_version(), "ICU ", 4), 0);
    cr_assert_not_null(strstr(unicode_version(), ", Unicode "));
}
