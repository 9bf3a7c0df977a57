// TER and Tercom's tokeniser against sacreBLEU's.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "metrics/ter.h"
#include "tests/metrics/corpora.h"

static void check_records(const char *file, bool is_sentence, size_t least)
{
    Corpora corpora;
    read_corpora(&corpora);
    Golden golden = golden_open(file);
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *expected = json_get(r, "expected");
        if (expected == NULL || json_kind(expected) != JSON_OBJECT) continue;
        const Corpus *corpus = find_corpus(&corpora, json_string(json_get(r, "corpus")));
        const size_t first = is_sentence ? (size_t)golden_get(r, "i") : 0;
        const size_t n = is_sentence ? 1 : corpus->n;
        Buffer text = {0};
        params_text(json_get(r, "params"), &text);
        TestPlan plan;
        plan_open(&plan, "ter", text.ptr, 0);
        RowSet rows;
        Error err = {0};
        double sums[2], score;
        cr_assert_eq(
            rows_of_items(&plan.plan, corpus->items + first, n, NULL, &plan.arena, &rows, &err),
            STATUS_OK, "line %zu: %s", golden.line, err.text);
        row_sums(&rows, 2, sums);
        metric_score_sums(&plan.plan, sums, &score);
        cr_expect_eq(sums[0], golden_get(expected, "num_edits"), "line %zu: %g edits, want %g",
                     golden.line, sums[0], golden_get(expected, "num_edits"));
        expect_close(sums[1], golden_get(expected, "ref_length"), 1e-9, "ref_length", golden.line);
        expect_close(score, golden_get(expected, "score"), 1e-9, "score", golden.line);
        plan_release(&plan);
        buffer_release(&text);
        n_cases++;
    }
    golden_close(&golden);
    arena_release(&corpora.arena);
    cr_expect_gt(n_cases, least);
}

Test(ter, corpus_scores_agree_with_sacrebleu)
{
    check_records("sacrebleu/ter_corpus.jsonl", false, 500);
}

Test(ter, sentence_scores_agree_with_sacrebleu)
{
    check_records("sacrebleu/ter_sentence.jsonl", true, 2000);
}

static void expect_tokens(const Tokens *got, const Json *want, const char *what, size_t line)
{
    cr_expect_eq(got->n, json_len(want), "line %zu: %s: %zu tokens, want %zu", line, what, got->n,
                 json_len(want));
    for (size_t i = 0; i < got->n && i < json_len(want); i++) {
        const Slice token = json_string(json_at(want, i));
        cr_expect(slice_eq(got->items[i], token),
                  "line %zu: %s: token %zu is " SLICE_FMT ", want " SLICE_FMT, line, what, i,
                  SLICE_ARG(got->items[i]), SLICE_ARG(token));
    }
}

// Keys are "tercom:" and four flags: normalized, no_punct, asian_support, case_sensitive.
Test(ter, tokens_agree_with_sacrebleu)
{
    Golden golden = golden_open("sacrebleu/tokenize.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *all = json_get(r, "tok");
        for (const Json *want = json_first(all); want != NULL; want = json_next(want)) {
            const Slice key = json_key(want);
            if (!slice_starts_with(key, SLICE("tercom:")) || key.len != 11) continue;
            const char *flags = key.ptr + 7;
            const TercomOptions options = {.is_normalized = flags[0] == '1',
                                           .has_no_punct = flags[1] == '1',
                                           .has_asian = flags[2] == '1',
                                           .is_cased = flags[3] == '1'};
            Arena arena = {0};
            Tokens got;
            Error err = {0};
            cr_assert_eq(
                tercom_tokens(&options, json_string(json_get(r, "text")), &arena, &got, &err),
                STATUS_OK, "%s", err.text);
            char what[16];
            snprintf(what, sizeof what, SLICE_FMT, SLICE_ARG(key));
            expect_tokens(&got, want, what, golden.line);
            arena_release(&arena);
            n_cases++;
        }
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)3000);
}

Test(ter, text_without_reference_or_with_broken_bytes_is_refused)
{
    static const Slice absent[] = {{NULL, 0}}, present[] = {SLICE_LIT("a b")};
    TestPlan plan;
    plan_open(&plan, "ter", NULL, 0);
    RowTable table;
    row_table_init(&table, &plan.plan);
    Item item = item_empty();
    Error err = {0};
    item.hypothesis = SLICE("a b");
    item.references = absent;
    item.n_references = 1;
    cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "ter: item 0: has no reference") != NULL, "%s", err.text);
    item.references = present;
    item.hypothesis = SLICE("a\xff");
    err = (Error){0};
    cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "item 0: hypothesis: byte 1 ") != NULL, "%s", err.text);
    row_table_release(&table);
    plan_release(&plan);
}
