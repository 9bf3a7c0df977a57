// TER and Tercom's tokeniser against sacreBLEU's.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "metrics/ter.h"
#include "tests/metrics/corpora.h"
#include "tests/metrics/scores.h"

static void expect_ter(const CorpusCase *c)
{
    double score;
    metric_score_sums(c->plan, c->sums, &score);
    cr_expect_eq(c->sums[0], golden_get(c->expected, "num_edits"), "line %zu: %g edits, want %g",
                 c->line, c->sums[0], golden_get(c->expected, "num_edits"));
    expect_close(c->sums[1], golden_get(c->expected, "ref_length"), 1e-9, "ref_length", c->line);
    expect_close(score, golden_get(c->expected, "score"), 1e-9, "score", c->line);
}

Test(ter, corpus_scores_agree_with_sacrebleu)
{
    check_corpora("sacrebleu/ter_corpus.jsonl", "ter", false, 500, expect_ter);
}

Test(ter, sentence_scores_agree_with_sacrebleu)
{
    check_corpora("sacrebleu/ter_sentence.jsonl", "ter", true, 2000, expect_ter);
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
    expect_bad_texts_refused("ter");
}
