#include "base/json_reader.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static JsonReader reader(const char *text, Arena *arena)
{
    return json_reader(SLICE("r.jsonl"), slice_from_cstr(text), arena);
}

Test(json_reader, reads_objects_member_by_member)
{
    Arena arena = {0};
    Error err = {0};
    JsonReader r =
        reader("{\"text\": \"a\\tb\", \"n\": [1, -2], \"skip\": {\"x\": [true, null]}}", &arena);
    Slice key, text = {0};
    bool more, inner;
    int64_t n, sum = 0;
    cr_assert_eq(json_read_object(&r, &err), STATUS_OK, "%s", err.text);
    while (json_read_key(&r, &key, &more, &err) == STATUS_OK && more) {
        if (slice_eq_cstr(key, "text")) {
            cr_assert_eq(json_read_string(&r, &text, &err), STATUS_OK);
        } else if (slice_eq_cstr(key, "n")) {
            cr_assert_eq(json_read_array(&r, &err), STATUS_OK);
            while (json_read_element(&r, &inner, &err) == STATUS_OK && inner) {
                cr_assert_eq(json_read_i64(&r, &n, &err), STATUS_OK);
                sum += n * n;
            }
        } else {
            cr_assert_eq(json_skip(&r, &err), STATUS_OK);
        }
    }
    cr_assert_eq(json_read_end(&r, &err), STATUS_OK, "%s", err.text);
    cr_assert(slice_eq_cstr(text, "a\tb"));
    cr_assert_eq(sum, 5);
    arena_release(&arena);
}

Test(json_reader, keeps_nul_and_surrogate_pairs_in_strings)
{
    Arena arena = {0};
    Error err = {0};
    JsonReader r = reader("\"a\\u0000b\\uD83D\\uDE00\"", &arena);
    Slice text;
    cr_assert_eq(json_read_string(&r, &text, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(text.len, 7);
    cr_assert(slice_eq(text, SLICE("a\0b\xf0\x9f\x98\x80")));
    arena_release(&arena);
}

Test(json_reader, borrows_strings_without_escapes)
{
    const char *source = "\"plain é\"";
    JsonReader r = reader(source, NULL);
    Slice text;
    Error err = {0};
    cr_assert_eq(json_read_string(&r, &text, &err), STATUS_OK);
    cr_assert_eq(text.ptr, source + 1);
}

Test(json_reader, reads_numbers_exactly)
{
    JsonReader r =
        reader("[9223372036854775807, 18446744073709551615, 0.1, \"NaN\", \"-Infinity\"]", NULL);
    Error err = {0};
    bool more;
    int64_t i;
    uint64_t u;
    double x, nan, infinity;
    cr_assert_eq(json_read_array(&r, &err), STATUS_OK);
    cr_assert_eq(json_read_element(&r, &more, &err) | json_read_i64(&r, &i, &err), STATUS_OK);
    cr_assert_eq(json_read_element(&r, &more, &err) | json_read_u64(&r, &u, &err), STATUS_OK);
    cr_assert_eq(json_read_element(&r, &more, &err) | json_read_double(&r, &x, &err), STATUS_OK);
    cr_assert_eq(json_read_element(&r, &more, &err) | json_read_double(&r, &nan, &err), STATUS_OK);
    cr_assert_eq(json_read_element(&r, &more, &err) | json_read_double(&r, &infinity, &err),
                 STATUS_OK);
    cr_assert_eq(i, INT64_MAX);
    cr_assert_eq(u, UINT64_MAX);
    cr_assert_eq(x, 0.1);
    cr_assert(isnan(nan));
    cr_assert_eq(infinity, -INFINITY);
}

Test(json_reader, refuses_fractions_where_integers_are_read)
{
    static const char *const cases[] = {"1.0", "1e2", "9223372036854775808", "\"1\"", "null"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        JsonReader r = reader(cases[i], NULL);
        Error err = {0};
        int64_t n;
        cr_expect_eq(json_read_i64(&r, &n, &err), STATUS_INVALID, "%s", cases[i]);
    }
    JsonReader r = reader("-1", NULL);
    Error err = {0};
    uint64_t u;
    cr_expect_eq(json_read_u64(&r, &u, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text,
                     "r.jsonl:1:1: found -1, want an integer of 64 bits that is not negative");
}

Test(json_reader, gives_raw_text_and_goes_on_behind_it)
{
    JsonReader r = reader(" [ {\"a\" : [1, {}]} , 2]", NULL);
    Error err = {0};
    Slice raw;
    bool more;
    int64_t n;
    cr_assert_eq(json_read_array(&r, &err), STATUS_OK);
    cr_assert_eq(json_read_element(&r, &more, &err), STATUS_OK);
    cr_assert_eq(json_read_raw(&r, &raw, &err), STATUS_OK);
    cr_assert(slice_eq_cstr(raw, "{\"a\" : [1, {}]}"));
    cr_assert_eq(json_read_element(&r, &more, &err), STATUS_OK);
    cr_assert_eq(json_read_i64(&r, &n, &err), STATUS_OK);
    cr_assert_eq(n, 2);
    cr_assert_eq(json_read_element(&r, &more, &err), STATUS_OK);
    cr_assert(!more);
    cr_assert_eq(json_read_end(&r, &err), STATUS_OK);
}

Test(json_reader, counts_lines_from_first_line)
{
    JsonReader r = reader("{\"a\":\n x}", NULL);
    r.first_line = 41;
    Error err = {0};
    cr_assert_eq(json_skip(&r, &err), STATUS_INVALID);
    cr_assert_str_eq(err.text, "r.jsonl:42:2: found 'x' where a value was expected");
}

Test(json_reader, reports_kinds_that_do_not_fit)
{
    JsonReader r = reader("{\"a\": 1}", NULL);
    Error err = {0};
    bool flag;
    cr_expect_eq(json_read_array(&r, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text, "r.jsonl:1:1: found an object, want an array");
    cr_expect_eq(json_read_bool(&r, &flag, &err), STATUS_INVALID);
    cr_expect_eq(json_read_null(&r, &err), STATUS_INVALID);
    cr_expect_eq(json_read_element(&r, &flag, &err), STATUS_INTERNAL);
    cr_expect_eq(json_reader_error(&r, &err, "is %d", 3), STATUS_INVALID);
    cr_expect_str_eq(err.text, "r.jsonl:1:1: is 3");
}

Test(json_reader, stops_at_its_depth_without_recursion)
{
    static char text[200001];
    memset(text, '[', sizeof text - 1);
    JsonReader r = reader(text, NULL);
    Error err = {0};
    cr_assert_eq(json_skip(&r, &err), STATUS_INVALID);
    cr_assert_str_eq(err.text, "r.jsonl:1:129: nested more than 128 deep");
}

Test(json_reader, reports_a_failed_allocation)
{
    Arena arena = {0};
    JsonReader r = reader("\"a\\n\"", &arena);
    Error err = {0};
    Slice text;
    arena_fail_after(1);
    cr_assert_eq(json_read_string(&r, &text, &err), STATUS_MEMORY);
    arena_fail_after(0);
    arena_release(&arena);
}
