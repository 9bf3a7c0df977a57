#include <criterion/criterion.h>

#include "base/escape.h"

static const struct {
    const char *text, *shown;
} cases[] = {
    {"plain \xc3\xa9", "plain \xc3\xa9"},
    {"a\x1b[31mb", "a\\x1b[31mb"},
    {"a\nb", "a\\x0ab"},
    {"\xff", "\\xff"},
    {"user\xe2\x80\xae"
     "cod.exe",
     "user\\xe2\\x80\\xae"
     "cod.exe"}, // U+202E turns the line round
    {"\xe2\x81\xa6x\xe2\x81\xa9", "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9"},
    {"a\xe2\x80\xa8"
     "b",
     "a\\xe2\\x80\\xa8"
     "b"}, // U+2028 breaks it
};

Test(escape, shows_what_would_change_the_line)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[128];
        escape_text(slice_from_cstr(cases[i].text), shown, sizeof shown);
        cr_expect_str_eq(shown, cases[i].shown, "case %zu", i);
    }
}
