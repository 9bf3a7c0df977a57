// assay scan, as a user runs it.
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/folder.h"
#include "tests/tools/program.h"

static double finds_of(const Json *file, const char *kind, const char *what)
{
    const Json *finds = json_get(json_get(file, "kinds"), kind);
    return finds ? number_of(finds, what) : 0;
}

Test(scan, counts_by_kind_and_shows_nothing_whole)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *path = write_file(&arena, folder, "a.csv",
                                  "text,label\nask ann@example.com or bob@example.org,x\n"
                                  "card 4111 1111 1111 1111,y\nmail cid@example.net,x\n");
    const Program text = RUN(&arena, NULL, "scan", path);
    cr_assert_eq(text.status, 1, SLICE_FMT, SLICE_ARG(text.err));
    cr_expect(text_contains(text.out, "a.csv: 4 finds in 4 lines\n"), SLICE_FMT,
              SLICE_ARG(text.out));
    cr_expect(
        text_contains(text.out, "3 in 2 lines  2: a**@*******.**m, 2: b**@*******.**g, 4: c"));
    cr_expect_not(text_contains(text.out, "ann@") || text_contains(text.out, "4111"));
    const Program json = RUN(&arena, NULL, "scan", "--json", "--examples", "1", path);
    cr_assert_eq(json.status, 1, SLICE_FMT, SLICE_ARG(json.err));
    const Json *file = json_at(json_get(json_of(json.out), "files"), 0);
    cr_expect_eq(finds_of(file, "email", "finds"), 3);
    cr_expect_eq(finds_of(file, "email", "lines"), 2);
    cr_expect_eq(finds_of(file, "card", "finds"), 1);
    cr_expect_eq(json_len(json_get(json_get(json_get(file, "kinds"), "email"), "examples")), 1);
    arena_release(&arena);
    folder_remove(folder);
}

Test(scan, undoes_the_escapes_of_json)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *path = write_file(
        &arena, folder, "a.jsonl",
        "{\"text\": \"x\\n123-45-6789\\t\\u0061\\u0040b.org \\ud83d\\ude00 \\q\\\"c@d.org\\\"\"}\n");
    const Program program = RUN(&arena, NULL, "scan", "--json", path);
    cr_assert_eq(program.status, 1, SLICE_FMT, SLICE_ARG(program.err));
    const Json *file = json_at(json_get(json_of(program.out), "files"), 0);
    cr_expect_eq(finds_of(file, "us-ssn", "finds"), 1);
    cr_expect_eq(finds_of(file, "email", "finds"), 2);
    const Program plain = RUN(&arena, NULL, "scan", "--format", "text", "--kinds", "us-ssn", path);
    program_want(&plain, 0);
    arena_release(&arena);
    folder_remove(folder);
}

Test(scan, tells_by_its_status_what_was_found)
{
    Arena arena = {0};
    const char *folder = folder_make();
    const char *nul = write_file(&arena, folder, "n", "x");
    const Program clean = RUN(&arena, "nothing here\n", "scan", "-");
    program_want(&clean, 0);
    cr_expect(slice_eq_cstr(clean.out, "-: 0 finds in 1 line\n"), SLICE_FMT, SLICE_ARG(clean.out));
    const Program absent = RUN(&arena, NULL, "scan", nul, "/nowhere/at/all");
    program_want(&absent, 2);
    const Program unknown = RUN(&arena, NULL, "scan", "--kinds", "emial", nul);
    program_want(&unknown, 2);
    cr_expect(text_contains(unknown.err, "did you mean \"email\"?"), SLICE_FMT,
              SLICE_ARG(unknown.err));
    arena_release(&arena);
    folder_remove(folder);
}

// A line longer than what is looked at in one piece loses none of its finds.
Test(scan, cuts_long_lines_between_words)
{
    enum { N = 60000 };
    Arena arena = {0};
    Buffer text = {0};
    const char *folder = folder_make();
    for (size_t i = 0; i < N; i++) buffer_printf(&text, "(212) 555-0123 or a%zu@example.com ", i);
    const char *path = write_file(&arena, folder, "long.txt", text.ptr);
    const Program program = RUN(&arena, NULL, "scan", "--json", path);
    cr_assert_eq(program.status, 1, SLICE_FMT, SLICE_ARG(program.err));
    const Json *file = json_at(json_get(json_of(program.out), "files"), 0);
    cr_expect_eq(finds_of(file, "phone", "finds"), N);
    cr_expect_eq(finds_of(file, "email", "finds"), N);
    cr_expect_eq(finds_of(file, "email", "lines"), 1);
    buffer_release(&text);
    arena_release(&arena);
    folder_remove(folder);
}
