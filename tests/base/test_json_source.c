// Documents as they were written.
#include <criterion/criterion.h>

#include "base/json_source.h"

static JsonDocument *parse(const char *text)
{
    JsonDocument *document = NULL;
    Error err = {0};
    cr_assert_eq(json_parse(SLICE("d.json"), slice_from_cstr(text), JSON_COMMENTS, &document, &err),
                 STATUS_OK, "%s", err.text);
    return document;
}

static void expect_text(Slice got, const char *want)
{
    cr_expect(slice_eq_cstr(got, want), "got <%.*s>, want <%s>", SLICE_ARG(got), want);
}

Test(json_source, a_value_reaches_to_its_closing_bracket)
{
    JsonDocument *d =
        parse("// first\n{\"a\": [1, {\"b\": {} /* } */ } // ]\n ], \"c\": \"]\"} // end\n");
    const Json *root = json_root(d);
    expect_text(json_source(json_get(root, "a")), "[1, {\"b\": {} /* } */ } // ]\n ]");
    expect_text(json_source(json_at(json_get(root, "a"), 1)), "{\"b\": {} /* } */ }");
    expect_text(json_source(json_get(json_at(json_get(root, "a"), 1), "b")), "{}");
    expect_text(json_source(json_get(root, "c")), "\"]\"");
    expect_text(json_source(root), "{\"a\": [1, {\"b\": {} /* } */ } // ]\n ], \"c\": \"]\"}");
    cr_expect_eq(json_source(root).ptr, json_document_text(root).ptr + 9);
    json_close(&d);
}

Test(json_source, a_written_value_loses_blanks_and_comments_only)
{
    JsonDocument *d =
        parse("{\"n\": 1.50e-5, // digits stay\n\"l\": [true, null, \"\\u00e9\\n\"], \"o\": {}}");
    Buffer out = {0};
    JsonWriter w = json_writer(&out, 0);
    json_put_value(&w, json_root(d));
    expect_text(buffer_slice(&out), "{\"n\":1.50e-5,\"l\":[true,null,\"\u00e9\\n\"],\"o\":{}}");
    buffer_release(&out);
    json_close(&d);
}
