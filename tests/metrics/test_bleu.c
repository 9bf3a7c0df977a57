// BLEU and its tokenisers against sacreBLEU's.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics/tokens.h"
#include "tests/metrics/corpora.h"
#include "tests/metrics/golden.h"
#include "tests/metrics/scores.h"

enum { MAX_SCORES = 32 };

// With add-k the reference reports counts after adding, so the raw ones are compared elsewhere.
static void expect_counts(const CorpusCase *c)
{
    const size_t order = (c->plan->width - 2) / 2;
    for (size_t k = 0; k < order; k++) {
        cr_expect_eq(c->sums[k], golden_double(json_at(json_get(c->expected, "counts"), k)),
                     "line %zu: matches of %zu", c->line, k + 1);
        cr_expect_eq(c->sums[order + k], golden_double(json_at(json_get(c->expected, "totals"), k)),
                     "line %zu: total of %zu", c->line, k + 1);
    }
}

static void expect_bleu(const CorpusCase *c)
{
    double scores[MAX_SCORES];
    metric_score_sums(c->plan, c->sums, scores);
    const size_t order = (c->plan->width - 2) / 2;
    expect_close(scores[0], golden_get(c->expected, "score"), 1e-9, "score", c->line);
    expect_close(scores[order + 1], golden_get(c->expected, "bp"), 1e-9, "bp", c->line);
    cr_expect_eq(c->sums[2 * order], golden_get(c->expected, "sys_len"), "line %zu: sys_len",
                 c->line);
    cr_expect_eq(c->sums[2 * order + 1], golden_get(c->expected, "ref_len"), "line %zu: ref_len",
                 c->line);
    for (size_t k = 0; k < order; k++) {
        const Json *precision = json_at(json_get(c->expected, "precisions"), k);
        expect_close(scores[1 + k], golden_double(precision), 1e-9, "precision", c->line);
    }
    const Json *smoothing = json_get(json_get(c->record, "params"), "smooth_method");
    if (smoothing == NULL || !slice_eq_cstr(json_string(smoothing), "add-k")) expect_counts(c);
}

Test(bleu, corpus_scores_agree_with_sacrebleu)
{
    check_corpora("sacrebleu/bleu_corpus.jsonl", "bleu", false, 1000, expect_bleu);
}

Test(bleu, sentence_scores_agree_with_sacrebleu)
{
    check_corpora("sacrebleu/bleu_sentence.jsonl", "bleu", true, 3000, expect_bleu);
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
    expect_bad_texts_refused("bleu");
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
