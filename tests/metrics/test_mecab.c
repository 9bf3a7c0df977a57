// Japanese and Korean words against sacreBLEU's, where MeCab and the dictionary are there.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/mecab.h"
#include "metrics/tokens.h"
#include "tests/metrics/corpora.h"

static const TokenizerKind kinds[] = {TOKENIZER_JA_MECAB, TOKENIZER_KO_MECAB};

// Skips where neither language can be opened; `has` says which can.
static void need_mecab(bool has[2])
{
    Error err = {0};
    for (size_t k = 0; k < 2; k++) has[k] = word_tokenizer_open(kinds[k], &err) == STATUS_OK;
    if (!has[0] && !has[1]) cr_skip_test("MeCab is not there: %s", err.text);
}

static void expect_tokens(TokenizerKind kind, Slice text, const Json *expected, size_t line)
{
    Arena arena = {0};
    Tokens tokens;
    Error err = {0};
    size_t i = 0;
    cr_assert_eq(tokenize_text(kind, text, false, &arena, &tokens, &err), STATUS_OK, "line %zu: %s",
                 line, err.text);
    cr_expect_eq(tokens.n, json_len(expected), "line %zu: %s: %zu tokens, want %zu", line,
                 tokenizer_names[kind], tokens.n, json_len(expected));
    for (const Json *v = json_first(expected); v != NULL && i < tokens.n; v = json_next(v), i++) {
        cr_expect(slice_eq(tokens.items[i], json_string(v)), "line %zu: token %zu is " SLICE_FMT,
                  line, i, SLICE_ARG(tokens.items[i]));
    }
    arena_release(&arena);
}

Test(mecab, tokens_agree_with_the_reference)
{
    bool has[2];
    need_mecab(has);
    Golden golden = golden_open("sacrebleu/tokenize_mecab.jsonl");
    size_t n = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden), n++) {
        for (size_t k = 0; k < 2; k++) {
            const Json *expected = json_get(json_get(r, "tok"), tokenizer_names[kinds[k]]);
            if (!has[k] || expected == NULL) continue;
            expect_tokens(kinds[k], json_string(json_get(r, "text")), expected, golden.line);
        }
    }
    cr_expect_gt(n, (size_t)40);
    golden_close(&golden);
}

static void expect_bleu(const Corpora *corpora, const Json *r, size_t line)
{
    const Corpus *corpus = find_corpus(corpora, json_string(json_get(r, "corpus")));
    const Json *expected = json_get(r, "expected");
    Buffer params = {0};
    TestPlan plan;
    RowSet rows;
    Slice signature;
    Error err = {0};
    params_text(json_get(r, "params"), &params);
    buffer_append_byte(&params, '\0');
    plan_open(&plan, "bleu", buffer_slice(&params).ptr, 0);
    double *scores = ARENA_NEW(&plan.arena, double, plan.plan.n_scores);
    cr_assert_eq(
        rows_of_items(&plan.plan, corpus->items, corpus->n, NULL, &plan.arena, &rows, &err),
        STATUS_OK, "line %zu: %s", line, err.text);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, scores, &err), STATUS_OK);
    expect_close(scores[0], golden_get(expected, "score"), 1e-9, "BLEU", line);
    cr_assert_eq(metric_signature(&plan.plan, &plan.arena, &signature, &err), STATUS_OK);
    // "nrefs:1|case:mixed|eff:no|tok:ja-mecab-0.996-IPA|smooth:exp|version:2.6.0"; Debian's dictionary is "IPA+reiwa".
    const Slice want = json_string(json_get(expected, "signature"));
    const size_t at[] = {slice_find(want, SLICE("|case")), slice_find(want, SLICE("|smooth")),
                         slice_find(want, SLICE("|version"))};
    for (size_t part = 0; part < 2; part++) {
        cr_expect(slice_find(signature, slice_sub(want, at[part], at[part + 1])) != SIZE_MAX,
                  "line %zu: " SLICE_FMT, line, SLICE_ARG(signature));
    }
    buffer_release(&params);
    plan_release(&plan);
}

Test(mecab, bleu_agrees_with_the_reference)
{
    bool has[2];
    need_mecab(has);
    Corpora corpora = {0};
    read_corpora(&corpora);
    Golden golden = golden_open("sacrebleu/bleu_mecab.jsonl");
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Slice name = json_string(json_get(json_get(r, "params"), "tokenize"));
        if (!has[slice_eq_cstr(name, "ko-mecab")]) continue;
        expect_bleu(&corpora, r, golden.line);
    }
    golden_close(&golden);
    arena_release(&corpora.arena);
}

Test(mecab, what_is_missing_is_named_with_its_package)
{
    Arena arena = {0};
    JsonDocument *params = NULL;
    MetricPlan plan;
    Error err = {0};
    cr_assert_eq(setenv("ASSAY_MECAB_LIBRARY", "/nowhere/libmecab.so", 1), 0);
    cr_assert_eq(json_parse(SLICE("params"), SLICE("{\"tokenize\": \"ja-mecab\"}"), JSON_STRICT,
                            &params, &err),
                 STATUS_OK);
    const MetricSetup setup = {.params = json_root(params)};
    cr_expect_eq(metric_plan(metric_find(SLICE("bleu")), &setup, &arena, &plan, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "/nowhere/libmecab.so cannot be opened") != NULL, "%s", err.text);
    cr_expect(strstr(err.text, "mecab-ipadic-utf8") != NULL, "%s", err.text);
    // A second try says the same.
    Error again = {0};
    cr_expect_eq(mecab_open(MECAB_JAPANESE, &again), STATUS_INVALID);
    cr_expect(strstr(again.text, "libmecab2") != NULL, "%s", again.text);
    json_close(&params);
    arena_release(&arena);
}

Test(mecab, odd_texts_are_cut_or_refused)
{
    bool has[2];
    need_mecab(has);
    for (size_t k = 0; k < 2; k++) {
        if (!has[k]) continue;
        Arena arena = {0};
        Tokens tokens;
        Error err = {0};
        cr_assert_eq(tokenize_text(kinds[k], SLICE(" \n\t"), false, &arena, &tokens, &err),
                     STATUS_OK);
        cr_expect_eq(tokens.n, (size_t)0);
        cr_expect_eq(tokenize_text(kinds[k], SLICE("a\0b"), false, &arena, &tokens, &err),
                     STATUS_INVALID);
        cr_expect(strstr(err.text, "byte 1 of the text is U+0000") != NULL, "%s", err.text);
        cr_assert_eq(tokenize_text(kinds[k], SLICE("A\nB"), true, &arena, &tokens, &err),
                     STATUS_OK);
        cr_expect_eq(tokens.n, (size_t)2);
        cr_expect(slice_eq_cstr(tokens.items[0], "a"));
        arena_release(&arena);
    }
}
