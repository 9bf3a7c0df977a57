// ROUGE, its tokens and its stemmer against rouge_score and NLTK.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "metrics/porter.h"
#include "metrics/rouge.h"
#include "tests/metrics/golden.h"
#include "tests/support/shared.h"

static void expect_tokens(const Tokens *got, const Json *want, size_t line)
{
    cr_expect_eq(got->n, json_len(want), "line %zu: %zu tokens, want %zu", line, got->n,
                 json_len(want));
    for (size_t i = 0; i < got->n && i < json_len(want); i++) {
        const Slice token = json_string(json_at(want, i));
        cr_expect(slice_eq(got->items[i], token),
                  "line %zu: token %zu is " SLICE_FMT ", want " SLICE_FMT, line, i,
                  SLICE_ARG(got->items[i]), SLICE_ARG(token));
    }
}

Test(rouge, tokens_agree_with_the_reference)
{
    static const char *const keys[] = {"tokens", "tokens_stemmed"};
    Golden golden = golden_open("rouge/rouge_tokenize.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        for (size_t k = 0; k < 2; k++) {
            Arena arena = {0};
            Tokens tokens;
            Error err = {0};
            cr_assert_eq(
                rouge_tokens(json_string(json_get(r, "text")), k == 1, &arena, &tokens, &err),
                STATUS_OK, "%s", err.text);
            expect_tokens(&tokens, json_get(r, keys[k]), golden.line);
            arena_release(&arena);
            n_cases++;
        }
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)1000);
}

Test(rouge, stems_agree_with_the_reference)
{
    const char *path = shared_need("goldens/metrics/rouge/porter_stems.tsv");
    LineReader *lines = NULL;
    Slice line;
    bool more = false;
    Error err = {0};
    size_t n_words = 0;
    cr_assert_eq(line_reader_open(path, &lines, &err), STATUS_OK, "%s", err.text);
    while (line_reader_next(lines, &line, &more, &err) == STATUS_OK && more) {
        Slice word, want = line;
        char stem[64];
        cr_assert(slice_split(&want, '\t', &word));
        cr_assert_leq(word.len, sizeof stem);
        memcpy(stem, word.ptr, word.len);
        const Slice got = {stem, porter_stem(stem, word.len)};
        cr_expect(slice_eq(got, want), SLICE_FMT ": got " SLICE_FMT ", want " SLICE_FMT,
                  SLICE_ARG(word), SLICE_ARG(got), SLICE_ARG(want));
        n_words++;
    }
    line_reader_close(&lines);
    cr_expect_gt(n_words, (size_t)15000);
}

// The best of several references, as the metric takes it; for orders that have no metric of their own.
static RougeScore best_n(const Item *item, size_t order, bool is_stemmed)
{
    Arena arena = {0};
    Tokens hypothesis, reference;
    RougeScore best = {.f1 = -1}, score;
    Error err = {0};
    cr_assert_eq(rouge_tokens(item->hypothesis, is_stemmed, &arena, &hypothesis, &err), STATUS_OK);
    for (size_t r = 0; r < item->n_references; r++) {
        cr_assert_eq(rouge_tokens(item->references[r], is_stemmed, &arena, &reference, &err),
                     STATUS_OK);
        cr_assert_eq(rouge_n(&hypothesis, &reference, order, &arena, &score, &err), STATUS_OK);
        if (score.f1 > best.f1) best = score;
    }
    arena_release(&arena);
    return best;
}

static void expect_score(const double got[3], const Json *want, const char *what, size_t line)
{
    for (size_t i = 0; i < 3; i++) {
        expect_close(got[i], golden_double(json_at(want, i)), 1e-9, what, line);
    }
}

static void expect_item(const Item *item, const Json *expected, bool is_stemmed, size_t line)
{
    static const char *const names[] = {"rouge1", "rouge2", "rougeL", "rougeLsum"};
    for (size_t m = 0; m < 4; m++) {
        TestPlan plan;
        plan_open(&plan, names[m], is_stemmed ? "{\"stemmer\": true}" : NULL, 0);
        RowSet rows;
        double scores[3];
        Error err = {0};
        cr_assert_eq(rows_of_items(&plan.plan, item, 1, NULL, &plan.arena, &rows, &err), STATUS_OK,
                     "line %zu: %s", line, err.text);
        cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, scores, &err), STATUS_OK);
        const double got[] = {scores[1], scores[2], scores[0]};
        expect_score(got, json_get(expected, names[m]), names[m], line);
        plan_release(&plan);
    }
    for (size_t order = 1; order <= 4; order++) {
        char name[16];
        snprintf(name, sizeof name, "rouge%zu", order);
        const RougeScore s = best_n(item, order, is_stemmed);
        const double got[] = {s.precision, s.recall, s.f1};
        expect_score(got, json_get(expected, name), name, line);
    }
}

Test(rouge, scores_agree_with_the_reference)
{
    Golden golden = golden_open("rouge/rouge.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *refs = json_get(r, "refs"), *expected = json_get(r, "expected");
        if (expected == NULL) continue;
        Arena arena = {0};
        Slice *texts = ARENA_NEW(&arena, Slice, json_len(refs));
        Item item = item_empty();
        item.hypothesis = json_string(json_get(r, "hyp"));
        for (const Json *v = json_first(refs); v != NULL; v = json_next(v)) {
            const Slice text = json_string(v);
            texts[item.n_references++] = text.len > 0 ? text : SLICE("");
        }
        item.references = texts;
        expect_item(&item, json_get(expected, "nostem"), false, golden.line);
        expect_item(&item, json_get(expected, "stem"), true, golden.line);
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)250);
}

Test(rouge, bad_items_are_refused_by_number)
{
    static const Slice absent[] = {{NULL, 0}}, broken[] = {SLICE_LIT("ok\nno\xc3")};
    TestPlan plan;
    plan_open(&plan, "rougeLsum", NULL, 0);
    RowTable table;
    row_table_init(&table, &plan.plan);
    Item item = item_empty();
    Error err = {0};
    item.hypothesis = SLICE("a b");
    item.references = absent;
    item.n_references = 1;
    cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "rougeLsum: item 0: has no reference") != NULL, "%s", err.text);
    item.references = broken;
    err = (Error){0};
    cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "item 0: reference 0: byte 5 of the text") != NULL, "%s", err.text);
    row_table_release(&table);
    plan_release(&plan);
}
