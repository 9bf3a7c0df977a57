// What answers hang on, as words.
#include <criterion/criterion.h>
#include <string.h>

#include "results/explained.h"

Test(explained, joins_the_pieces_of_a_word_and_keeps_marks_apart)
{
    Arena arena = {0};
    Error err = {0};
    Explained out;
    const Slice input = SLICE("unaffable \xc3\xa9t\xc3\xa9, \xe6\x97\xa5\xe6\x9c\xac"),
                pair = SLICE("so");
    const Slice json = SLICE(
        "{\"method\":\"integrated-gradients\",\"steps\":32,\"answers\":[{\"about\":\"good\",\"score\":1.5,"
        "\"baseline\":0.5,\"completeness_error\":null,\"tokens\":[[0,0,2,0.5],[0,2,9,-0.25],[0,10,12,1],"
        "[0,12,15,1],[0,15,16,0.1],[0,17,20,3],[0,20,23,-4],[1,0,2,0.2]]}]}");
    cr_assert_eq(explained_parse(json, input, pair, &arena, &out, &err), STATUS_OK, "%s", err.text);
    cr_assert_eq(out.n_answers, 1);
    const ExplainedAnswer *a = &out.answers[0];
    static const struct {
        int field;
        size_t begin, end;
        double attribution;
    } want[] = {{0, 0, 9, 0.25}, {0, 10, 15, 2},  {0, 15, 16, 0.1},
                {0, 17, 20, 3},  {0, 20, 23, -4}, {1, 0, 2, 0.2}};
    cr_assert_eq(a->n_words, 6, "%zu words", a->n_words);
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(a->words[i].field, want[i].field);
        cr_expect_eq(a->words[i].begin, want[i].begin, "word %zu", i);
        cr_expect_eq(a->words[i].end, want[i].end, "word %zu", i);
        cr_expect_float_eq(a->words[i].attribution, want[i].attribution, 1e-12);
    }
    cr_expect_float_eq(a->largest, 4, 0);
    size_t order[3];
    cr_assert_eq(explained_strongest(a, 3, order), 3);
    cr_expect(order[0] == 4 && order[1] == 3 && order[2] == 1);
    arena_release(&arena);
}

Test(explained, refuses_what_does_not_fit_the_text)
{
    static const char *const wrong[] = {
        "{\"answers\":[{\"tokens\":[[0,0,9,1]]}]}", "{\"answers\":[{\"tokens\":[[2,0,1,1]]}]}",
        "{\"answers\":[{\"tokens\":[[0,3,1,1]]}]}", "{\"answers\":[{\"tokens\":[[0,0]]}]}",
        "{\"answers\":[{\"tokens\":[[1,0,1,1]]}]}", "{",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Arena arena = {0};
        Error err = {0};
        Explained out;
        cr_expect_eq(explained_parse(slice_from_cstr(wrong[i]), SLICE("text"), (Slice){0}, &arena,
                                     &out, &err),
                     STATUS_INVALID, "%s", wrong[i]);
        arena_release(&arena);
    }
}
