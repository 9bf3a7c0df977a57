// BLEU and its tokenisers against sacreBLEU's.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics/tokens.h"
#include "tests/metrics/corpora.h"
#include "tests/metrics/golden.h"

enum { MAX_SCORES = 32 };

static void expect_bleu(const Json *expected, const MetricPlan *plan, const RowSet *rows,
                        size_t line)
{
    double sums[MAX_SCORES], scores[MAX_SCORES];
    row_sums(rows, plan->width, sums);
    metric_score_sums(plan, sums, scores);
    const size_t order = (plan->width - 2) / 2;
    expect_close(scores[0], golden_get(expected, "score"), 1e-9, "score", line);
    expect_close(scores[order + 1], golden_get(expected, "bp"), 1e-9, "bp", line);
    cr_expect_eq(sums[2 * order], golden_get(expected, "sys_len"), "line %zu: sys_len", line);
    cr_expect_eq(sums[2 * order + 1], golden_get(expected, "ref_len"), "line %zu: ref_len", line);
    for (size_t k = 0; k < order; k++) {
        const Json *precision = json_at(json_get(expected, "precisions"), k);
        expect_close(scores[1 + k], golden_double(precision), 1e-9, "precision", line);
    }
}

// With add-k the reference reports counts after adding, so the raw ones are compared elsewhere.
static void expect_counts(const Json *expected, const MetricPlan *plan, const RowSet *rows,
                          size_t line)
{
    double sums[MAX_SCORES];
    row_sums(rows, plan->width, sums);
    const size_t order = (plan->width - 2) / 2;
    for (size_t k = 0; k < order; k++) {
        cr_expect_eq(sums[k], golden_double(json_at(json_get(expected, "counts"), k)),
                     "line %zu: matches of %zu", line, k + 1);
        cr_expect_eq(sums[order + k], golden_double(json_at(json_get(expected, "totals"), k)),
                     "line %zu: total of %zu", line, k + 1);
    }
}

static void check_records(const char *file, bool is_sentence, size_t least)
{
    Corpora corpora;
    read_corpora(&corpora);
    Golden golden = golden_open(file);
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *expected = json_get(r, "expected"), *params = json_get(r, "params");
        if (expected == NULL || json_kind(expected) != JSON_OBJECT) continue;
        const Corpus *corpus = find_corpus(&corpora, json_string(json_get(r, "corpus")));
        const size_t first = is_sentence ? (size_t)golden_get(r, "i") : 0;
        const size_t n = is_sentence ? 1 : corpus->n;
        Buffer text = {0};
        params_text(params, &text);
        TestPlan plan;
        plan_open(&plan, "bleu", text.ptr, 0);
        RowSet rows;
        Error err = {0};
        cr_assert_eq(
            rows_of_items(&plan.plan, corpus->items + first, n, NULL, &plan.arena, &rows, &err),
            STATUS_OK, "line %zu: %s", golden.line, err.text);
        expect_bleu(expected, &plan.plan, &rows, golden.line);
        const Json *smoothing = json_get(params, "smooth_method");
        if (smoothing == NULL || !slice_eq_cstr(json_string(smoothing), "add-k")) {
            expect_counts(expected, &plan.plan, &rows, golden.line);
        }
        plan_release(&plan);
        buffer_release(&text);
        n_cases++;
    }
    golden_close(&golden);
    arena_release(&corpora.arena);
    cr_expect_gt(n_cases, least);
}

Test(bleu, corpus_scores_agree_with_sacrebleu)
{
    check_records("sacrebleu/bleu_corpus.jsonl", false, 1000);
}

Test(bleu, sentence_scores_agree_with_sacrebleu)
{
    check_records("sacrebleu/bleu_sentence.jsonl", true, 3000);
}

Test(bleu, tokenizers_agree_with_sacrebleu)
{
    Golden golden = golden_open("sacrebleu/tokenize.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Slice text = json_string(json_get(r, "text"));
        for (size_t k = 0; k < N_TOKENIZERS; k++) {
            const Json *want = json_get(json_get(r, "tok"), tokenizer_names[k]);
            if (want == NULL) continue; // MeCab's have files of their own
            Arena arena = {0};
            Tokens got;
            Error err = {0};
            cr_assert_eq(tokenize_text((TokenizerKind)k, text, false, &arena, &got, &err),
                         STATUS_OK, "%s", err.text);
            cr_expect_eq(got.n, json_len(want), "line %zu: %s: %zu tokens, want %zu", golden.line,
                         tokenizer_names[k], got.n, json_len(want));
            for (size_t i = 0; i < got.n && i < json_len(want); i++) {
                const Slice token = json_string(json_at(want, i));
                cr_expect(slice_eq(got.items[i], token),
                          "line %zu: %s: token %zu is " SLICE_FMT ", want " SLICE_FMT, golden.line,
                          tokenizer_names[k], i, SLICE_ARG(got.items[i]), SLICE_ARG(token));
            }
            arena_release(&arena);
            n_cases++;
        }
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)9000);
}

Test(bleu, text_without_reference_or_with_broken_bytes_is_refused)
{
    static const Slice absent[] = {{NULL, 0}}, present[] = {SLICE_LIT("a b")};
    TestPlan plan;
    plan_open(&plan, "bleu", NULL, 0);
    RowTable table;
    row_table_init(&table, &plan.plan);
    Item item = item_empty();
    Error err = {0};
    item.hypothesis = SLICE("a b");
    item.references = absent;
    item.n_references = 1;
    cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "bleu: item 0: has no reference") != NULL, "%s", err.text);
    item.references = present;
    item.hypothesis = SLICE("a\xff");
    err = (Error){0};
    cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "item 0: hypothesis: byte 1 ") != NULL, "%s", err.text);
    row_table_release(&table);
    plan_release(&plan);
}

// Rows that stand in a store are scored where the model that made them is not at hand.
Test(bleu, rows_of_pieces_are_scored_without_their_model)
{
    Arena arena = {0};
    Error err = {0};
    MetricPlan plan;
    JsonDocument *params = NULL;
    double scores[MAX_SCORES];
    const Metric *bleu = metric_find(SLICE("bleu"));
    static const double sums[] = {4, 3, 2, 1, 4, 3, 2, 1, 4, 4};
    cr_assert_eq(
        json_parse(SLICE("params"), SLICE("{\"tokenize\": \"spm\"}"), JSON_STRICT, &params, &err),
        STATUS_OK);
    MetricSetup setup = {.params = json_root(params)};
    cr_expect_eq(metric_plan(bleu, &setup, &arena, &plan, &err), STATUS_INVALID);
    setup.has_rows = true;
    cr_assert_eq(metric_plan(bleu, &setup, &arena, &plan, &err), STATUS_OK, "%s", err.text);
    metric_score_sums(&plan, sums, scores);
    cr_expect_float_eq(scores[0], 100, 1e-9);
    json_close(&params);
    arena_release(&arena);
}

Test(bleu, a_text_against_itself_is_perfect)
{
    static const Slice text[] = {SLICE_LIT("the cat sat on the mat, and the dog did not.")};
    TestPlan plan;
    plan_open(&plan, "bleu", NULL, 0);
    Item item = item_empty();
    item.hypothesis = text[0];
    item.references = text;
    item.n_references = 1;
    RowSet rows;
    Error err = {0};
    double scores[MAX_SCORES];
    cr_assert_eq(rows_of_items(&plan.plan, &item, 1, NULL, &plan.arena, &rows, &err), STATUS_OK);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, scores, &err), STATUS_OK);
    cr_expect_float_eq(scores[0], 100, 1e-9);
    plan_release(&plan);
}
