// ROUGE, its tokens and its stemmer against rouge_score and NLTK.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/philox.h"
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
    const RougeReading reading = {.is_stemmed = is_stemmed};
    const RougeWants wants = {.max_order = order};
    Arena arena = {0};
    RougeText hypothesis, reference;
    RougeScore best = {.f1 = -1};
    RougeScores scores;
    Error err = {0};
    cr_assert_eq(rouge_text(&reading, item->hypothesis, &arena, &hypothesis, &err), STATUS_OK);
    for (size_t r = 0; r < item->n_references; r++) {
        cr_assert_eq(rouge_text(&reading, item->references[r], &arena, &reference, &err),
                     STATUS_OK);
        cr_assert_eq(rouge_compare(&hypothesis, &reference, wants, &arena, &scores, &err),
                     STATUS_OK);
        if (scores.n[order - 1].f1 > best.f1) best = scores.n[order - 1];
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

enum { LONGEST = 150 };

// The table of lengths, as the textbook has it.
static size_t longest_common(const Tokens *a, const Tokens *b)
{
    static size_t table[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= a->n; i++) {
        for (size_t j = 0; j <= b->n; j++) {
            size_t *at = &table[i][j];
            if (i == 0 || j == 0) {
                *at = 0;
            } else if (slice_eq(a->items[i - 1], b->items[j - 1])) {
                *at = table[i - 1][j - 1] + 1;
            } else {
                *at = table[i - 1][j] > table[i][j - 1] ? table[i - 1][j] : table[i][j - 1];
            }
        }
    }
    return table[a->n][b->n];
}

static size_t common_words(const Tokens *a, const Tokens *b)
{
    bool is_used[LONGEST] = {0};
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        size_t j = 0;
        while (j < b->n && (is_used[j] || !slice_eq(a->items[i], b->items[j]))) j++;
        if (j == b->n) continue;
        is_used[j] = true;
        n++;
    }
    return n;
}

static void write_text(Philox *rng, size_t n_words, size_t n_different, Buffer *out)
{
    static const char *const words[] = {
        "the",     "Kat",       "\u212Aelvin", "42", "unbelievably_long", "internationalisations",
        "\u0130x", "caf\u00E9", "a",           "b"};
    static const char *const marks[] = {" ", "\n", ", ", "\xE2\x80\x9C", "  ", "_"};
    buffer_clear(out);
    for (size_t i = 0; i < n_words; i++) {
        buffer_printf(out, "%s%s", words[philox_below(rng, n_different)],
                      marks[philox_below(rng, 6)]);
    }
}

// Texts around the 64 words at which the ways part, in lengths, with words that recur and such that do not.
Test(rouge, overlaps_are_those_counted_by_hand)
{
    static const size_t lengths[] = {0, 1, 3, 20, 31, 32, 40, 63, 64, 65, 70};
    enum { N = sizeof lengths / sizeof *lengths };
    const RougeReading reading = {.has_lines = true};
    const RougeWants all = {2, true, true};
    Philox rng = philox_stream(3, 1);
    Buffer texts[2] = {0};
    for (size_t c = 0; c < 4 * (size_t)N * N; c++) {
        Arena arena = {0};
        RougeText hypothesis, reference;
        RougeScores got, alone;
        Error err = {0};
        write_text(&rng, lengths[c % N], c % 3 ? 10 : 3, &texts[0]);
        write_text(&rng, lengths[c / N % N], 10, &texts[1]);
        cr_assert_eq(rouge_text(&reading, buffer_slice(&texts[0]), &arena, &hypothesis, &err),
                     STATUS_OK, "%s", err.text);
        cr_assert_eq(rouge_text(&reading, buffer_slice(&texts[1]), &arena, &reference, &err),
                     STATUS_OK);
        cr_assert_leq(hypothesis.words.n, (size_t)LONGEST);
        cr_assert_eq(rouge_compare(&hypothesis, &reference, all, &arena, &got, &err), STATUS_OK);
        const double n = fmax((double)hypothesis.words.n, 1);
        const double words = (double)common_words(&hypothesis.words, &reference.words);
        const double length = (double)longest_common(&hypothesis.words, &reference.words);
        cr_assert_eq(got.n[0].precision, words / n, "case %zu", c);
        cr_assert_eq(got.l.precision, length / n, "case %zu: %g of %zu", c, got.l.precision * n,
                     (size_t)length);
        cr_assert_eq(rouge_compare(&hypothesis, &reference, (RougeWants){.has_l_sum = true}, &arena,
                                   &alone, &err),
                     STATUS_OK);
        cr_assert_eq(alone.l_sum.f1, got.l_sum.f1, "case %zu", c);
        arena_release(&arena);
    }
    buffer_release(&texts[0]);
    buffer_release(&texts[1]);
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
