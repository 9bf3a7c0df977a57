#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "program.h"
#include "tests/support/folder.h"
#include "tools/score.h"

Test(score, has_the_same_families_in_its_table_and_its_list_of_names)
{
    for (size_t i = 0; i < n_score_families; i++) {
        cr_assert(score_family_names[i] != NULL, "%s", score_families[i]->name);
        cr_expect_str_eq(score_families[i]->name, score_family_names[i]);
        cr_expect(score_families[i]->run_case != NULL, "%s", score_families[i]->name);
    }
    cr_expect(score_family_names[n_score_families] == NULL);
}

Test(score, answers_cases_in_their_order_with_failures_in_their_place)
{
    Arena arena = {0};
    const Program program = RUN(
        &arena,
        "{\"id\": 1, \"hyps\": [\"a b c d\", \"e f g h\"], \"refs\": [[\"a b c d\", \"e f g i\"]]}\n"
        "{\"id\": [2], \"hyps\": [\"a\"], \"refs\": [[\"a\", \"b\"]]}\n"
        "\n"
        "{\"hyps\": [\"a\"], \"refs\": [[\"a\"]], \"params\": {\"tokenise\": \"13a\"}}\n"
        "nothing\n"
        "{\"id\": 5, \"hyps\": \"a b c d\", \"refs\": [null, \"a b c d\"], \"segments\": true}\n",
        "score", "bleu", "--cases");
    program_want(&program, 2);
    cr_assert_eq(count_lines(program.out), 5);
    const Json *first = json_line(program.out, 0);
    cr_expect_eq(number_of(first, "id"), 1);
    cr_expect_float_eq(number_of(first, "score"), 72.31269021297696, 1e-9);
    cr_expect(slice_eq_cstr(text_of(first, "signature"),
                            "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"));
    cr_expect(text_contains(text_of(json_line(program.out, 1), "error"), "2 segments"));
    cr_expect(json_get(json_line(program.out, 1), "score") == NULL);
    cr_expect(text_contains(text_of(json_line(program.out, 2), "error"), "tokenize"));
    cr_expect(text_contains(text_of(json_line(program.out, 3), "error"), "line 5"));
    const Json *last = json_line(program.out, 4);
    cr_expect_float_eq(number_of(last, "score"), 100, 1e-9);
    cr_expect_eq(json_len(json_get(last, "segments")), 1);
    cr_expect(text_contains(program.err, "3 of 5 cases"), "%s", program.err.ptr);
    arena_release(&arena);
}

Test(score, refuses_unknown_scores_and_options_of_the_other_way_of_working)
{
    Arena arena = {0};
    const Program unknown = RUN(&arena, "", "score", "blue", "--cases");
    const Program misplaced = RUN(&arena, "", "score", "bleu", "--in", "x");
    const Program operand = RUN(&arena, "", "score", "bleu", "--cases", "x");
    program_want(&unknown, 2);
    program_want(&misplaced, 2);
    program_want(&operand, 2);
    cr_expect(text_contains(unknown.err, "did you mean 'bleu'"), "%s", unknown.err.ptr);
    arena_release(&arena);
}
