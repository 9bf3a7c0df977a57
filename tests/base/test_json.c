#include "base/json.h"
#include "base/json_reader.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Status parse(const char *text, JsonFlags flags, JsonDocument **out, Error *err)
{
    return json_parse(SLICE("a.json"), slice_from_cstr(text), flags, out, err);
}

static JsonDocument *parsed(const char *text)
{
    Error err = {0};
    JsonDocument *document = NULL;
    cr_assert_eq(parse(text, JSON_COMMENTS, &document, &err), STATUS_OK, "%s: %s", text, err.text);
    return document;
}

Test(json, builds_a_tree_in_document_order)
{
    JsonDocument *d = parsed("{\"b\": [1, {\"x\": null}, \"s\"], \"a\": true, \"B\": false}");
    const Json *root = json_root(d);
    cr_assert_eq(json_kind(root), JSON_OBJECT);
    cr_assert_eq(json_len(root), 3);
    cr_assert(slice_eq(json_key(json_at(root, 0)), SLICE("b")));
    const Json *b = json_get(root, "b");
    size_t n = 0;
    for (const Json *v = json_first(b); v; v = json_next(v)) {
        static const JsonKind kinds[] = {JSON_NUMBER, JSON_OBJECT, JSON_STRING};
        cr_assert_lt(n, sizeof kinds / sizeof *kinds);
        cr_assert_eq(json_kind(v), kinds[n++]);
    }
    cr_assert_eq(n, 3);
    cr_assert_null(json_at(b, 3));
    cr_assert_null(json_next(root));
    cr_assert_null(json_first(json_get(root, "a")));
    cr_assert_eq(json_key(root).len, 0);
    json_close(&d);
    cr_assert_null(d);
    json_close(&d);
}

Test(json, looks_keys_up_with_regard_to_case)
{
    JsonDocument *d = parsed("{\"a\": 1, \"A\": 2, \"\": 3}");
    cr_assert_eq(json_double(json_get(json_root(d), "A")), 2);
    cr_assert_eq(json_double(json_get(json_root(d), "a")), 1);
    cr_assert_eq(json_double(json_get(json_root(d), "")), 3);
    cr_assert_null(json_get(json_root(d), "b"));
    cr_assert_null(json_get(NULL, "a"));
    cr_assert_null(json_get(json_get(json_root(d), "a"), "a"));
    json_close(&d);
}

Test(json, unescapes_strings)
{
    JsonDocument *d = parsed("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\u20AC é\"]");
    cr_assert(slice_eq(json_string(json_first(json_root(d))),
                       SLICE("\"\\/\b\f\n\r\té\xf0\x9f\x98\x80€ é")));
    json_close(&d);
}

Test(json, keeps_integers_exact_to_64_bits)
{
    JsonDocument *d = parsed("{\"max\": 9223372036854775807, \"min\": -9223372036854775808, "
                             "\"over\": 9223372036854775808, \"odd\": 9007199254740993}");
    Error err = {0};
    int64_t n = 0;
    const Json *root = json_root(d);
    cr_assert_eq(json_want_i64(root, "max", INT64_MIN, INT64_MAX, &n, &err), STATUS_OK);
    cr_assert_eq(n, INT64_MAX);
    cr_assert_eq(json_want_i64(root, "min", INT64_MIN, INT64_MAX, &n, &err), STATUS_OK);
    cr_assert_eq(n, INT64_MIN);
    cr_assert_eq(json_want_i64(root, "odd", 0, INT64_MAX, &n, &err), STATUS_OK);
    cr_assert_eq(n, 9007199254740993);
    cr_assert_eq(json_want_i64(root, "over", INT64_MIN, INT64_MAX, &n, &err), STATUS_INVALID);
    cr_assert_str_eq(err.text, "a.json:1:67: over: found 9223372036854775808, want an integer");
    cr_assert(slice_eq(json_number_text(json_get(root, "over")), SLICE("9223372036854775808")));
    json_close(&d);
}

Test(json, reads_numbers_longer_than_cjson_does)
{
    char text[512] = "[3.";
    for (size_t i = 0; i < 400; i++) text[3 + i] = '1';
    memcpy(text + 403, ", 7]", 5);
    JsonDocument *d = parsed(text);
    cr_assert_float_eq(json_double(json_at(json_root(d), 0)), 28.0 / 9, 1e-15);
    cr_assert_eq(json_double(json_at(json_root(d), 1)), 7);
    cr_assert_eq(json_number_text(json_at(json_root(d), 0)).len, 402);
    json_close(&d);
}

Test(json, blanks_comments_and_keeps_places_after_them)
{
    JsonDocument *d =
        parsed("// head é\n{ /* é */ \"a\": 1, // tail \"x\n \"b\": \"// kept /* */\"}");
    const JsonPlace a = json_place(json_get(json_root(d), "a"));
    cr_assert_eq(a.line, 2);
    cr_assert_eq(a.column, 16);
    const Json *b = json_get(json_root(d), "b");
    cr_assert(slice_eq(json_string(b), SLICE("// kept /* */")));
    cr_assert_eq(json_place(b).line, 3);
    cr_assert_eq(json_place(b).column, 7);
    json_close(&d);
}

Test(json, skips_a_byte_order_mark)
{
    JsonDocument *d = parsed("\xef\xbb\xbf[1]");
    cr_assert_eq(json_place(json_first(json_root(d))).column, 2);
    json_close(&d);
}

Test(json, says_of_utf16_what_it_is)
{
    Error err = {0};
    JsonDocument *d = NULL;
    cr_assert_eq(json_parse(SLICE("a.json"), SLICE("\xff\xfe{\0}\0"), JSON_STRICT, &d, &err),
                 STATUS_INVALID);
    cr_expect_not_null(strstr(err.text, "a.json:1:1: the text is UTF-16: save it as UTF-8"), "%s",
                       err.text);
}

Test(json, refuses_what_is_not_json_and_says_where)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "a.json:1:1: the text is empty"},
        {"  \n ", "a.json:2:2: found the end of the text where a value was expected"},
        {"{\"a\": 1} x", "a.json:1:10: found 'x' after the end of the document"},
        {"[1, 2", "a.json:1:6: found the end of the text where ',' or ']' was expected"},
        {"[1, ]", "a.json:1:5: found ']' where a value was expected"},
        {"[1 2]", "a.json:1:4: found '2' where ',' or ']' was expected"},
        {"{\"a\": 1,}", "a.json:1:9: found '}' where a key was expected"},
        {"{\"a\" 1}", "a.json:1:6: found '1' where ':' was expected"},
        {"{a: 1}", "a.json:1:2: found 'a' where a key was expected"},
        {"[01]", "a.json:1:2: found '0' in a number: a number must not begin with 0"},
        {"[1.]", "a.json:1:4: found ']' in a number: a digit was expected"},
        {"[1e999]", "a.json:1:2: the number 1e999 is out of range"},
        {"[nul]", "a.json:1:2: only true, false and null may stand without quotes"},
        {"[\"a\nb\"]", "a.json:1:4: control characters inside a string must be escaped"},
        {"[\"\\x\"]",
         "a.json:1:4: unknown escape: a backslash is followed by one of \" \\ / b f n r t u"},
        {"[\"\\u12g4\"]", "a.json:1:4: \\u needs four hexadecimal digits"},
        {"[\"\\ud800\"]",
         "a.json:1:3: half of a surrogate pair: U+D800 to U+DFFF must come in pairs"},
        {"[\"\\udc00\\ud800\"]",
         "a.json:1:3: half of a surrogate pair: U+D800 to U+DFFF must come in pairs"},
        {"[\"abc", "a.json:1:2: a string has no closing quote"},
        {"[\"a\xff\"]", "a.json:1:4: invalid UTF-8"},
        {"[\"\xed\xa0\x80\"]", "a.json:1:3: invalid UTF-8"},
        {"[\"\\u0000\"]", "a.json:1:2: U+0000 (\\u0000) in a string is not allowed here"},
        {"{\"x\\u0000\": 1}", "a.json:1:2: U+0000 (\\u0000) in a string is not allowed here"},
        {"{\n \"a\": 1,\n \"\\u0061\": 2}",
         "a.json:3:2: the key \"a\" stands here a second time (first in line 2, column 2)"},
        {"[1] // no", "a.json:1:5: found '/' after the end of the document"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        JsonDocument *d = NULL;
        cr_expect_eq(parse(cases[i].text, JSON_STRICT, &d, &err), STATUS_INVALID, "%s",
                     cases[i].text);
        cr_expect_str_eq(err.text, cases[i].message, "%s gives: %s", cases[i].text, err.text);
        cr_expect_null(d);
    }
}

Test(json, refuses_broken_comments)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[1] /* no end", "a.json:1:5: a comment has no closing */"},
        {"[1] /*/", "a.json:1:5: a comment has no closing */"},
        {"[1] /x", "a.json:1:5: found '/' where a comment was expected"},
        {"// \xff\n[1]", "a.json:1:4: invalid UTF-8 in a comment"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error err = {0};
        JsonDocument *d = NULL;
        cr_expect_eq(parse(cases[i].text, JSON_COMMENTS, &d, &err), STATUS_INVALID);
        cr_expect_str_eq(err.text, cases[i].message, "%s gives: %s", cases[i].text, err.text);
    }
}

Test(json, refuses_a_nul_byte)
{
    Error err = {0};
    JsonDocument *d = NULL;
    const char text[] = "[1]\0[2]";
    cr_assert_eq(json_parse(SLICE("a.json"), (Slice){text, sizeof text - 1}, JSON_STRICT, &d, &err),
                 STATUS_INVALID);
    cr_assert_str_eq(err.text, "a.json:1:4: found byte 0x00 after the end of the document");
}

// open repeated n times, then the same number of closes.
static char *nested(size_t n)
{
    char *text = calloc(2 * n + 1, 1);
    memset(text, '[', n);
    memset(text + n, ']', n);
    return text;
}

Test(json, allows_a_depth_of_128_and_no_more)
{
    Error err = {0};
    JsonDocument *d = NULL;
    char *deep = nested(128), *deeper = nested(129), *deepest = nested(100000);
    cr_assert_eq(parse(deep, JSON_STRICT, &d, &err), STATUS_OK, "%s", err.text);
    json_close(&d);
    cr_assert_eq(parse(deeper, JSON_STRICT, &d, &err), STATUS_INVALID);
    cr_assert_str_eq(err.text, "a.json:1:129: nested more than 128 deep");
    cr_assert_eq(parse(deepest, JSON_STRICT, &d, &err), STATUS_INVALID);
    free(deep), free(deeper), free(deepest);
}

Test(json, finds_duplicates_in_large_objects)
{
    char text[4096];
    size_t len = 0;
    text[len++] = '{';
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "\"k%d\": %d, ", i, i);
    }
    snprintf(text + len, sizeof text - len, "\"k7\": 0}");
    Error err = {0};
    JsonDocument *d = NULL;
    cr_assert_eq(parse(text, JSON_STRICT, &d, &err), STATUS_INVALID);
    cr_assert(strstr(err.text, "the key \"k7\" stands here a second time (first in line 1, "), "%s",
              err.text);
    snprintf(text + len, sizeof text - len, "\"k100\": 0}");
    cr_assert_eq(parse(text, JSON_STRICT, &d, &err), STATUS_OK, "%s", err.text);
    json_close(&d);
}

Test(json, names_place_and_path_of_a_wrong_value)
{
    JsonDocument *d =
        parsed("{\"tune\": {\"batch size\": [16, \"x\"], \"lr\": 2.5},\n \"n\": null}");
    const Json *root = json_root(d), *tune = json_get(root, "tune");
    Error err = {0};
    int64_t n = 5;
    double x = 0;
    Slice s = {0};
    bool flag = true;
    const Json *v = NULL;
    cr_expect_eq(json_as_i64(json_at(json_get(tune, "batch size"), 1), 1, 64, &n, &err),
                 STATUS_INVALID);
    cr_expect_str_eq(err.text, "a.json:1:30: tune[\"batch size\"][1]: found \"x\", want an integer "
                               "from 1 to 64");
    cr_expect_eq(json_want_i64(tune, "lr", 1, INT64_MAX, &n, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text, "a.json:1:42: tune.lr: found 2.5, want an integer of at least 1");
    cr_expect_eq(json_want_double(tune, "lr", 0, 1, &x, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text, "a.json:1:42: tune.lr: found 2.5, want a number from 0 to 1");
    cr_expect_eq(json_want_string(root, "tune", &s, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text, "a.json:1:10: tune: found an object, want a string");
    cr_expect_eq(json_want_bool(tune, "lr", &flag, &err), STATUS_INVALID);
    cr_expect_eq(json_want_kind(tune, "lr", JSON_ARRAY, &v, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text, "a.json:1:42: tune.lr: found 2.5, want an array");
    cr_expect_eq(json_want_string(tune, "name", &s, &err), STATUS_INVALID);
    cr_expect_str_eq(err.text, "a.json:1:10: tune: the key \"name\" is missing");
    cr_expect_eq(json_want_string(root, "n", &s, &err), STATUS_INVALID);
    cr_expect_eq(n, 5);
    cr_expect_eq(json_opt_i64(root, "n", 0, 1, &n, &err), STATUS_OK);
    cr_expect_eq(json_opt_bool(root, "absent", &flag, &err), STATUS_OK);
    cr_expect_eq(n, 5);
    cr_expect(flag);
    cr_expect_eq(json_error(tune, &err, "is %s", "odd"), STATUS_INVALID);
    cr_expect_str_eq(err.text, "a.json:1:10: tune: is odd");
    json_close(&d);
}

Test(json, cuts_long_values_in_messages_between_characters)
{
    JsonDocument *d = parsed("[\"aéééééééééééééééééééééééééééééééééééé\"]");
    Error err = {0};
    bool flag;
    cr_assert_eq(json_want_bool(json_root(d), "x", &flag, &err), STATUS_INVALID);
    cr_assert_str_eq(err.text, "a.json:1:1: found an array, want an object");
    double x;
    cr_assert_eq(json_as_double(json_first(json_root(d)), 0, INFINITY, &x, &err), STATUS_INVALID);
    cr_assert_str_eq(err.text,
                     "a.json:1:2: [0]: found \"aééééééééééééééééééé..., want a number of at "
                     "least 0");
    json_close(&d);
}

Test(json, names_the_nearest_key)
{
    static const char *const known[] = {"batch_size", "epochs", "learning_rate"};
    JsonDocument *d = parsed("{\"epochs\": 1,\n  \"batchsize\": 2}");
    Error err = {0};
    cr_assert_eq(json_check_keys(json_root(d), known, 3, &err), STATUS_INVALID);
    cr_assert_str_eq(err.text,
                     "a.json:2:3: unknown key \"batchsize\"; did you mean \"batch_size\"?");
    json_close(&d);
    d = parsed("{\"colour\": 1}");
    cr_assert_eq(json_check_keys(json_root(d), known, 3, &err), STATUS_INVALID);
    cr_assert_str_eq(err.text, "a.json:1:2: unknown key \"colour\"; the known ones are "
                               "\"batch_size\", \"epochs\", \"learning_rate\"");
    json_close(&d);
    d = parsed("{\"epochs\": 1}");
    cr_assert_eq(json_check_keys(json_root(d), known, 3, &err), STATUS_OK);
    json_close(&d);
}

Test(json, nearest_name_takes_slips_and_leaves_other_words)
{
    static const char *const known[] = {"--threads", "--device", "--seed"};
    cr_expect_str_eq(nearest_name(SLICE("--thread"), known, 3), "--threads");
    cr_expect_str_eq(nearest_name(SLICE("--Devcie"), known, 3), "--device");
    cr_expect_str_eq(nearest_name(SLICE("__seed"), known, 3), "--seed");
    cr_expect_null(nearest_name(SLICE("--output"), known, 3));
    cr_expect_null(nearest_name(SLICE(""), known, 3));
    static const char *const shortest[] = {"k", "on"};
    cr_expect_null(nearest_name(SLICE("x"), shortest, 2));
    cr_expect_str_eq(nearest_name(SLICE("no"), shortest, 2), "on");
    char longest[200];
    memset(longest, 'a', sizeof longest);
    cr_expect_null(nearest_name((Slice){longest, sizeof longest}, known, 3));
}

Test(json, survives_every_failed_allocation)
{
    const char *text = "{\"a\": [1, 2, \"\\n\"], \"b\": 1, \"c\": 2, \"d\": 3, \"e\": 4, \"f\": 5, "
                       "\"g\": 6, \"h\": 7, \"i\": 8, \"j\": 9, \"k\": 10, \"l\": 11, \"m\": 12, "
                       "\"n\": 13, \"o\": 14, \"p\": 15, \"q\": 16}";
    for (size_t n = 1;; n++) {
        Error err = {0};
        JsonDocument *d = NULL;
        arena_fail_after(n);
        const Status s = parse(text, JSON_COMMENTS, &d, &err);
        arena_fail_after(0);
        if (s == STATUS_OK) {
            json_close(&d);
            cr_assert_gt(n, 5);
            return;
        }
        cr_assert_eq(s, STATUS_MEMORY, "allocation %zu: %s", n, err.text);
        cr_assert_null(d);
        cr_assert_lt(n, 100);
    }
}

Test(json, loads_files_and_names_missing_ones)
{
    char folder[] = "/tmp/assay_json_XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char path[64], missing[64];
    snprintf(path, sizeof path, "%s/a.json", folder);
    snprintf(missing, sizeof missing, "%s/b.json", folder);
    FILE *f = fopen(path, "w");
    fputs("{\"a\": x}", f);
    cr_assert_eq(fclose(f), 0);
    Error err = {0};
    JsonDocument *d = NULL;
    cr_expect_eq(json_load(path, JSON_STRICT, &d, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "/a.json:1:7: found 'x'"), "%s", err.text);
    cr_expect_eq(json_load(missing, JSON_STRICT, &d, &err), STATUS_NOT_FOUND);
    cr_expect(strstr(err.text, "b.json"), "%s", err.text);
    unlink(path);
    rmdir(folder);
}
