#include "base/json.h"
#include "base/json_writer.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

static void write_all(JsonWriter *w)
{
    json_begin_object(w);
    json_put_key(w, "a");
    json_put_i64(w, INT64_MIN);
    json_put_key(w, "b");
    json_begin_array(w);
    json_put_u64(w, UINT64_MAX);
    json_put_double(w, 0.1);
    json_put_bool(w, true);
    json_put_null(w);
    json_put_cstr(w, NULL);
    json_put_raw(w, SLICE("{\"r\":1}"));
    json_end_array(w);
    json_put_key(w, "c");
    json_begin_object(w);
    json_end_object(w);
    json_put_key_slice(w, SLICE("d\n"));
    json_begin_array(w);
    json_end_array(w);
    json_end_object(w);
}

Test(json_writer, writes_one_line_without_indent)
{
    Buffer out = {0};
    JsonWriter w = json_writer(&out, 0);
    write_all(&w);
    cr_assert_str_eq(out.ptr, "{\"a\":-9223372036854775808,\"b\":[18446744073709551615,0.1,true,"
                              "null,null,{\"r\":1}],\"c\":{},\"d\\n\":[]}");
    buffer_release(&out);
}

Test(json_writer, lays_out_with_indent)
{
    Buffer out = {0};
    JsonWriter w = json_writer(&out, 2);
    write_all(&w);
    cr_assert_str_eq(out.ptr,
                     "{\n  \"a\": -9223372036854775808,\n  \"b\": [\n    18446744073709551615,\n"
                     "    0.1,\n    true,\n    null,\n    null,\n    {\"r\":1}\n  ],\n"
                     "  \"c\": {},\n  \"d\\n\": []\n}");
    buffer_release(&out);
}

Test(json_writer, escapes_and_repairs_text)
{
    static const struct {
        Slice text;
        const char *json;
    } cases[] = {
        {SLICE_LIT(""), "\"\""},
        {SLICE_LIT("a\"\\\b\f\n\r\t\x01\x7f\0z"),
         "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f\\u0000z\""},
        {SLICE_LIT("é€\xf0\x9f\x98\x80"), "\"é€\xf0\x9f\x98\x80\""},
        {SLICE_LIT("a\xff\xc3z\xe2\x82"), "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buffer out = {0};
        json_escape(&out, cases[i].text);
        cr_expect_str_eq(out.ptr, cases[i].json);
        buffer_release(&out);
    }
}

Test(json_writer, writes_non_finite_numbers_as_strings)
{
    Buffer out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_begin_array(&w);
    json_put_double(&w, NAN);
    json_put_double(&w, INFINITY);
    json_put_float(&w, -INFINITY);
    json_end_array(&w);
    cr_assert_str_eq(out.ptr, "[\"NaN\",\"Infinity\",\"-Infinity\"]");
    buffer_release(&out);
}

Test(json_writer, floats_read_back_the_same_and_are_short)
{
    static const struct {
        float value;
        const char *text;
    } cases[] = {{0.1f, "0.1"},       {1.0f / 3, "0.33333334"}, {16777216.0f, "16777216"},
                 {-0.0f, "-0"},       {3e-5f, "3e-05"},         {FLT_MAX, "3.4028235e+38"},
                 {0x1p-149f, "1e-45"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Buffer out = {0};
        JsonWriter w = json_writer(&out, 0);
        json_put_float(&w, cases[i].value);
        cr_expect_str_eq(out.ptr, cases[i].text);
        cr_expect_eq(strtof(out.ptr, NULL), cases[i].value);
        buffer_release(&out);
    }
}

Test(json_writer, what_it_writes_reads_back_equal)
{
    for (unsigned seed = 0; seed < 200; seed++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (char)((seed * 2654435761u + (unsigned)i * 40503u) >> 8 | 1); // no NUL
            if ((unsigned char)bytes[i] >= 0x80)
                bytes[i] = (char)(bytes[i] & 0x7F ? bytes[i] & 0x7F : 'x');
        }
        const Slice text = {bytes, sizeof bytes};
        const double value = (double)seed * 0.1 / 3 - 2;
        Buffer out = {0};
        JsonWriter w = json_writer(&out, (int)(seed % 3));
        json_begin_object(&w);
        json_put_key_slice(&w, text);
        json_put_string(&w, text);
        json_put_key(&w, "");
        json_put_double(&w, value);
        json_end_object(&w);
        Error err = {0};
        JsonDocument *d = NULL;
        cr_assert_eq(json_parse(SLICE("w"), buffer_slice(&out), JSON_STRICT, &d, &err), STATUS_OK,
                     "%s in %s", err.text, out.ptr);
        const Json *member = json_first(json_root(d));
        cr_assert(slice_eq(json_key(member), text));
        cr_assert(slice_eq(json_string(member), text));
        cr_assert_eq(json_double(json_next(member)), value);
        json_close(&d);
        buffer_release(&out);
    }
}

Test(json_writer, members_are_a_key_and_its_value_or_null)
{
    Buffer out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_begin_object(&w);
    json_member_string(&w, "s", SLICE("\""));
    json_member_cstr(&w, "c", NULL);
    json_member_i64(&w, "i", -1);
    json_member_u64(&w, "u", UINT64_MAX);
    json_member_double(&w, "d", NAN);
    json_member_float(&w, "f", 0.1f);
    json_member_bool(&w, "b", true);
    json_member_array(&w, "a");
    json_end_array(&w);
    json_member_object(&w, "o");
    json_member_raw(&w, "r", SLICE("[1]"));
    json_end_object(&w);
    json_member_string_or_null(&w, "s0", (Slice){0});
    json_member_string_or_null(&w, "s1", SLICE(""));
    json_member_raw_or_null(&w, "r0", SLICE(""));
    json_member_i64_or_null(&w, "i0", 7, 7);
    json_member_i64_or_null(&w, "i1", 6, 7);
    json_member_double_or_null(&w, "d0", NAN);
    json_end_object(&w);
    cr_expect_str_eq(buffer_slice(&out).ptr,
                     "{\"s\":\"\\\"\",\"c\":null,\"i\":-1,\"u\":18446744073709551615,\"d\":\"NaN\","
                     "\"f\":0.1,\"b\":true,\"a\":[],\"o\":{\"r\":[1]},\"s0\":null,\"s1\":\"\","
                     "\"r0\":null,\"i0\":null,\"i1\":6,\"d0\":null}");
    buffer_release(&out);
}
