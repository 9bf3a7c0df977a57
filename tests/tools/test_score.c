#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json_source.h"
#include "program.h"
#include "tests/support/folder.h"
#include "tests/support/shared.h"
#include "tools/score/score.h"

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
    cr_expect(text_contains(text_of(json_line(program.out, 3), "error"), "standard input:5:"));
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

// ---- the reference programs' answers, through the program ----

static const Json *golden_lines(Arena *arena, const char *name, size_t *n)
{
    Error err = {0};
    Slice text = {0}, line;
    const char *path = shared_path(arena_printf(arena, "goldens/metrics/%s", name));
    Buffer all = {0};
    cr_assert(path != NULL, "%s", name);
    cr_assert_eq(file_read(arena, path, 1 << 26, &text, &err), STATUS_OK, "%s", err.text);
    *n = 0;
    while (slice_split(&text, '\n', &line)) {
        if ((*n)++ == 0) continue; // the header
        buffer_append_byte(&all, *n > 2 ? ',' : '[');
        buffer_append(&all, line);
    }
    buffer_append_byte(&all, ']');
    *n -= 1;
    const Json *rows = json_of(buffer_slice(&all));
    buffer_release(&all);
    return rows;
}

// Whether `answer` holds all that is wanted; numbers within 1e-9.
static bool holds(const Json *answer, const Json *wanted)
{
    if (answer == NULL || json_kind(answer) != json_kind(wanted)) return false;
    if (json_kind(wanted) == JSON_NUMBER) {
        const double a = json_double(answer), b = json_double(wanted);
        return fabs(a - b) <= fmax(1e-12, 1e-9 * fabs(b));
    }
    if (json_kind(wanted) == JSON_STRING) return slice_eq(json_string(answer), json_string(wanted));
    if (json_kind(wanted) == JSON_ARRAY && json_len(wanted) != json_len(answer)) return false;
    size_t i = 0;
    for (const Json *v = json_first(wanted); v != NULL; v = json_next(v), i++) {
        char key[64];
        snprintf(key, sizeof key, SLICE_FMT, SLICE_ARG(json_key(v)));
        const Json *at =
            json_kind(wanted) == JSON_ARRAY ? json_at(answer, i) : json_get(answer, key);
        if (!holds(at, v)) return false;
    }
    return true;
}

// Each golden row becomes a case by the pairs of keys; its answer must hold row.expected, or fail where that is absent.
static void check_goldens(const char *family, const char *name, const char *const (*keys)[2])
{
    Arena arena = {0};
    Buffer input = {0};
    size_t n, i = 0;
    shared_need("goldens/metrics");
    const Json *rows = golden_lines(&arena, name, &n);
    for (const Json *row = json_first(rows); row != NULL; row = json_next(row)) {
        JsonWriter w = json_writer(&input, 0);
        json_begin_object(&w);
        for (size_t k = 0; keys[k][0] != NULL; k++) {
            const Json *value = json_get(row, keys[k][0]);
            if (value == NULL) continue;
            json_put_key(&w, keys[k][1]);
            json_put_value(&w, value);
        }
        json_end_object(&w);
        buffer_append_byte(&input, '\n');
    }
    const Program program = RUN(&arena, input.ptr, "score", family, "--cases");
    cr_assert_eq(count_lines(program.out), n);
    for (const Json *row = json_first(rows); row != NULL; row = json_next(row), i++) {
        const Json *answer = json_line(program.out, i), *wanted = json_get(row, "expected");
        if (wanted == NULL) {
            cr_expect(json_get(answer, "error") != NULL, "%s case %zu should fail", family, i);
        } else {
            cr_expect(holds(answer, wanted), "%s case %zu", family, i);
        }
    }
    buffer_release(&input);
    arena_release(&arena);
}

Test(score, agrees_with_jiwer_on_every_count)
{
    static const char *const keys[][2] = {{"hyps", "hyps"}, {"refs", "refs"}, {NULL, NULL}};
    check_goldens("wer", "stats/wer_cer.jsonl", keys);
}

Test(score, agrees_with_evaluate_on_exact_matches)
{
    static const char *const keys[][2] = {
        {"preds", "hyps"}, {"refs", "refs"}, {"options", "options"}, {NULL, NULL}};
    check_goldens("exact-match", "stats/exact_match.jsonl", keys);
}

// By given draws, and by those of NumPy's seed.
Test(score, agrees_with_rouge_score_on_aggregates)
{
    Arena arena = {0};
    Buffer input = {0};
    size_t n, i = 0;
    shared_need("goldens/metrics");
    const Json *rows = golden_lines(&arena, "rouge/rouge_aggregate.jsonl", &n);
    for (const Json *row = json_first(rows); row != NULL; row = json_next(row)) {
        JsonWriter w = json_writer(&input, 0);
        json_put_value(&w, row);
        buffer_append_byte(&input, '\n');
    }
    const Program program = RUN(&arena, input.ptr, "score", "rouge", "--cases");
    program_want(&program, 0);
    for (const Json *row = json_first(rows); row != NULL; row = json_next(row), i++) {
        static const char *const ends[] = {"low", "mid", "high"};
        const Json *answer = json_line(program.out, i), *wanted = json_get(row, "expected");
        for (size_t k = 0; k < 9; k++) {
            const Json *got = json_at(json_get(answer, ends[k / 3]), k % 3);
            const double want = json_double(json_at(json_get(wanted, ends[k / 3]), k % 3));
            cr_assert(got != NULL, "case %zu has no %s", i, ends[k / 3]);
            cr_expect_float_eq(json_double(got), want, 1e-9, "case %zu %s[%zu]: %g, not %g", i,
                               ends[k / 3], k % 3, json_double(got), want);
        }
    }
    cr_expect_gt(n, 3);
    buffer_release(&input);
    arena_release(&arena);
}

Test(score, sorts_mistakes_in_entities_by_kind)
{
    Arena arena = {0};
    const Program program = RUN(
        &arena,
        "{\"gold\": [[\"B-A\",\"I-A\",\"O\",\"B-B\",\"O\",\"B-A\",\"I-A\",\"O\",\"B-C\",\"O\"]],"
        "\"pred\": [[\"B-A\",\"O\",\"O\",\"B-A\",\"O\",\"B-C\",\"O\",\"B-B\",\"B-C\",\"O\"]]}\n"
        "{\"gold\": [[\"B-A\",\"O\"]], \"pred\": [[\"O\",\"O\"]], \"params\": {\"mode\": \"strict\"}}\n"
        "{\"gold\": [[\"S-A\"]], \"pred\": [[\"O\"]], \"params\": {\"mode\": \"strict\"}}\n",
        "score", "ner", "--cases");
    program_want(&program, 2);
    const Json *errors = json_get(json_line(program.out, 0), "errors");
    cr_expect_eq(number_of(errors, "boundary"), 1);
    cr_expect_eq(number_of(errors, "type"), 1);
    cr_expect_eq(number_of(errors, "boundary_and_type"), 1);
    cr_expect_eq(number_of(errors, "right"), 1);
    cr_expect_eq(number_of(errors, "spurious"), 1);
    cr_expect_eq(number_of(errors, "missed"), 0);
    cr_expect_eq(number_of(json_get(json_line(program.out, 1), "errors"), "missed"), 1);
    cr_expect(text_contains(text_of(json_line(program.out, 2), "error"), "IOBES would fit"));
    arena_release(&arena);
}

Test(score, keeps_to_the_squad_scripts_and_refuses_what_they_die_of)
{
    static const char document[] =
        "{\"data\": {\"data\": [{\"paragraphs\": [{\"qas\": [{\"id\": \"a\", \"answers\": [{\"text\": \"the "
        "cat\"}]}, {\"id\": \"b\", \"answers\": []}]}]}]}, \"predictions\": ";
    Arena arena = {0};
    const char *input = arena_printf(
        &arena,
        "%s{\"a\": \"A cat!\", \"b\": \"x\", \"z\": \"y\"}, \"na_probs\": {\"a\": 0.1, \"b\": 0.9}}\n"
        "%s{\"a\": \"cat\"}}\n"
        "%s{\"a\": \"cat\"}, \"params\": {\"missing\": \"wrong\"}}\n"
        "%s{\"a\": \"cat\", \"a\": \"cat\", \"b\": \"\"}}\n"
        "%s{\"a\": \"cat\", \"b\": \"\"}, \"na_probs\": {\"a\": \"NaN\", \"b\": 1}}\n",
        document, document, document, document, document);
    const Program program = RUN(&arena, input, "score", "squad", "--cases");
    program_want(&program, 2);
    const Json *first = json_line(program.out, 0);
    cr_expect_float_eq(number_of(first, "exact"), 50, 1e-9);
    cr_expect_float_eq(number_of(first, "best_exact"), 100, 1e-9);
    cr_expect_float_eq(number_of(first, "best_exact_thresh"), 0.1, 1e-9);
    cr_expect_eq(number_of(first, "surplus_predictions"), 1);
    cr_expect(text_contains(text_of(json_line(program.out, 1), "error"), "b (--missing=wrong"));
    cr_expect_float_eq(number_of(json_line(program.out, 2), "exact"), 50, 1e-9);
    cr_expect(json_get(json_line(program.out, 3), "error") != NULL);
    cr_expect(json_get(json_line(program.out, 4), "error") != NULL);
    arena_release(&arena);
}
