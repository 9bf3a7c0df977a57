// Error rates against jiwer, exact match against Hugging Face evaluate, token F1 against hand-made cases.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/philox.h"
#include "metrics/edit_distance.h"
#include "metrics/metrics_list.h"
#include "tests/metrics/golden.h"

// Pairs of texts as items; references are in the arena.
static Item *read_pairs(const Json *hyps, const Json *refs, Arena *arena, size_t *n)
{
    Item *items = ARENA_NEW(arena, Item, json_len(hyps) + 1);
    const Json *r = json_first(refs);
    *n = 0;
    for (const Json *h = json_first(hyps); h != NULL && r != NULL;
         h = json_next(h), r = json_next(r)) {
        Slice *reference = ARENA_NEW(arena, Slice, 1);
        *reference = json_string(r).len > 0 ? json_string(r) : SLICE("");
        items[*n] = item_empty();
        items[*n].hypothesis = json_string(h);
        items[*n].references = reference;
        items[(*n)++].n_references = 1;
    }
    return items;
}

static void expect_rate(const char *metric, const Item *items, size_t n, double rate, double edits,
                        size_t line)
{
    TestPlan plan;
    plan_open(&plan, metric, NULL, 0);
    RowSet rows;
    double sums[2], score;
    Error err = {0};
    cr_assert_eq(rows_of_items(&plan.plan, items, n, NULL, &plan.arena, &rows, &err), STATUS_OK,
                 "line %zu: %s", line, err.text);
    row_sums(&rows, 2, sums);
    metric_score_sums(&plan.plan, sums, &score);
    cr_expect_eq(sums[0], edits, "line %zu: %s: %g edits, want %g", line, metric, sums[0], edits);
    cr_expect_eq(score, rate, "line %zu: %s: %.17g, want %.17g", line, metric, score, rate);
    plan_release(&plan);
}

Test(error_rate, words_and_characters_agree_with_jiwer)
{
    Golden golden = golden_open("stats/wer_cer.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *expected = json_get(r, "expected");
        if (expected == NULL) continue;
        Arena arena = {0};
        size_t n;
        const Item *items = read_pairs(json_get(r, "hyps"), json_get(r, "refs"), &arena, &n);
        expect_rate("wer", items, n, golden_get(expected, "wer"),
                    golden_get(expected, "word_edits"), golden.line);
        expect_rate("cer", items, n, golden_get(expected, "cer"),
                    golden_get(expected, "char_edits"), golden.line);
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)60);
}

static size_t plain_distance(const Tokens *a, const Tokens *b)
{
    enum { MOST = 200 };
    static size_t table[MOST + 1][MOST + 1];
    for (size_t i = 0; i <= a->n; i++) {
        for (size_t j = 0; j <= b->n; j++) {
            if (i == 0 || j == 0) {
                table[i][j] = i + j;
                continue;
            }
            size_t best = table[i - 1][j - 1] + !slice_eq(a->items[i - 1], b->items[j - 1]);
            if (table[i - 1][j] + 1 < best) best = table[i - 1][j] + 1;
            if (table[i][j - 1] + 1 < best) best = table[i][j - 1] + 1;
            table[i][j] = best;
        }
    }
    return table[a->n][b->n];
}

// Lengths around the block of 64 words, few and many different words.
Test(error_rate, distances_agree_with_the_plain_table)
{
    static const size_t lengths[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, 200};
    enum { N_LENGTHS = sizeof lengths / sizeof *lengths };
    static const char letters[] = "abcdefghijklmnop";
    Philox rng = philox_stream(21, 0);
    Slice words[2][200];
    for (size_t c = 0; c < (size_t)N_LENGTHS * N_LENGTHS * 2; c++) {
        const uint32_t n_letters = c % 2 == 0 ? 3 : 16;
        Tokens sides[2];
        for (size_t s = 0; s < 2; s++) {
            const size_t n = lengths[s == 0 ? c / 2 / N_LENGTHS : c / 2 % N_LENGTHS];
            for (size_t i = 0; i < n; i++) {
                words[s][i] = (Slice){letters + philox_below(&rng, n_letters), 1};
            }
            sides[s] = (Tokens){.items = words[s], .n = n};
        }
        Arena arena = {0};
        size_t got = 0;
        Error err = {0};
        cr_assert_eq(edit_distance(&sides[0], &sides[1], &arena, &got, &err), STATUS_OK);
        cr_expect_eq(got, plain_distance(&sides[0], &sides[1]), "%zu x %zu words: %zu", sides[0].n,
                     sides[1].n, got);
        arena_release(&arena);
    }
}

Test(exact_match, options_agree_with_the_reference)
{
    Golden golden = golden_open("stats/exact_match.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *options = json_get(r, "options"), *expected = json_get(r, "expected");
        static const char *const keys[] = {"ignore_case", "ignore_punctuation", "ignore_numbers"};
        char params[128];
        snprintf(params, sizeof params, "{\"%s\": %s, \"%s\": %s, \"%s\": %s}", keys[0],
                 golden_get(options, keys[0]) != 0 ? "true" : "false", keys[1],
                 golden_get(options, keys[1]) != 0 ? "true" : "false", keys[2],
                 golden_get(options, keys[2]) != 0 ? "true" : "false");
        Arena arena = {0};
        size_t n;
        const Item *items = read_pairs(json_get(r, "preds"), json_get(r, "refs"), &arena, &n);
        TestPlan plan;
        plan_open(&plan, "exact_match", params, 0);
        RowSet rows;
        double score;
        Error err = {0};
        cr_assert_eq(rows_of_items(&plan.plan, items, n, NULL, &plan.arena, &rows, &err), STATUS_OK,
                     "%s", err.text);
        for (size_t i = 0; i < n; i++) {
            cr_expect_eq(rows.values[2 * i], golden_double(json_at(json_get(expected, "items"), i)),
                         "line %zu: item %zu", golden.line, i);
        }
        cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, &score, &err), STATUS_OK);
        expect_close(score, golden_get(expected, "mean"), 1e-12, "mean", golden.line);
        plan_release(&plan);
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_eq(n_cases, (size_t)8);
}

typedef struct OverlapCase {
    const char *hypothesis, *references[2];
    double f1;
} OverlapCase;

Test(token_f1, counts_shared_words_with_the_nearest_reference)
{
    static const OverlapCase cases[] = {
        {"the cat sat", {"the cat sat", NULL}, 1},
        {"the cat", {"The cat", NULL}, 0.5},
        {"a a a b", {"a b b", NULL}, 4.0 / 7},
        {"x", {"y", "x z"}, 2.0 / 3},
        {"", {"", NULL}, 1},
        {"", {"a", NULL}, 0},
    };
    TestPlan plan;
    plan_open(&plan, "token_f1", NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Slice references[2] = {{0}};
        for (size_t r = 0; r < 2; r++) {
            if (cases[i].references[r] == NULL) continue;
            references[r] = slice_from_cstr(cases[i].references[r]);
        }
        Item item = item_empty();
        item.hypothesis = slice_from_cstr(cases[i].hypothesis);
        item.references = references;
        item.n_references = 2;
        RowSet rows;
        Error err = {0};
        cr_assert_eq(rows_of_items(&plan.plan, &item, 1, NULL, &plan.arena, &rows, &err), STATUS_OK,
                     "%s", err.text);
        cr_expect_float_eq(rows.values[0], cases[i].f1, 1e-12, "case %zu: %g", i, rows.values[0]);
    }
    plan_release(&plan);
}

Test(text_match, bad_items_are_refused_by_number)
{
    static const char *const names[] = {"wer", "cer", "exact_match", "token_f1"};
    static const Slice good[] = {SLICE_LIT("x")}, absent[] = {{NULL, 0}};
    for (size_t m = 0; m < 4; m++) {
        TestPlan plan;
        plan_open(&plan, names[m], NULL, 0);
        RowTable table;
        row_table_init(&table, &plan.plan);
        Item item = item_empty();
        Error err = {0};
        item.hypothesis = SLICE("ab\xff");
        item.references = good;
        item.n_references = 1;
        cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, "item 0: hypothesis: byte 2 ") != NULL, "%s", err.text);
        item.hypothesis = SLICE("ab");
        item.references = absent;
        err = (Error){0};
        cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, "item 0: has no reference") != NULL, "%s", err.text);
        row_table_release(&table);
        plan_release(&plan);
    }
}

static const Slice sentences[] = {
    SLICE_LIT("The cats were running, and the dog's 3 friends (all of them) slept at 5.30."),
    SLICE_LIT("It was the b\xc3\xa4ker's first bread; nobody in the town had eaten better.")};

static bool is_of_text(const Metric *metric)
{
    return metric->needs == NEEDS_TEXT && metric->kind != METRIC_WHOLE;
}

static void text_items(Item items[2], const Slice *hypotheses)
{
    for (size_t i = 0; i < 2; i++) {
        items[i] = item_empty();
        items[i].hypothesis = hypotheses[i];
        items[i].references = &sentences[i];
        items[i].n_references = 1;
    }
}

Test(text_match, a_text_against_itself_has_the_best_score)
{
    Item items[2];
    size_t n_metrics = 0;
    text_items(items, sentences);
    for (size_t m = 0; m < metrics_count; m++) {
        const Metric *metric = metrics_all[m];
        if (!is_of_text(metric) || metric->direction == NO_DIRECTION) continue;
        TestPlan plan;
        // METEOR takes something off even for words in the right order, unless told not to.
        plan_open(&plan, metric->name, metric == &metric_meteor ? "{\"gamma\": 0}" : NULL, 0);
        RowSet rows;
        double *scores = ARENA_NEW(&plan.arena, double, plan.plan.n_scores);
        Error err = {0};
        cr_assert_eq(rows_of_items(&plan.plan, items, 2, NULL, &plan.arena, &rows, &err), STATUS_OK,
                     "%s", err.text);
        cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, scores, &err), STATUS_OK);
        const double best =
            metric->direction == HIGHER_IS_BETTER ? metric->highest : metric->lowest;
        cr_expect(is_close(scores[0], best, 1e-12, 1e-12), "%s: %g", metric->name, scores[0]);
        plan_release(&plan);
        n_metrics++;
    }
    cr_expect_gt(n_metrics, (size_t)10);
}

// Every allocation fails once; what remains must be an error of memory and nothing lost.
Test(text_match, running_out_of_memory_is_reported)
{
    const Slice swapped[] = {sentences[1], sentences[0]};
    Item items[2];
    text_items(items, swapped);
    for (size_t m = 0; m < metrics_count; m++) {
        if (!is_of_text(metrics_all[m])) continue;
        TestPlan plan;
        plan_open(&plan, metrics_all[m]->name, NULL, 0);
        Status s = STATUS_MEMORY;
        for (size_t n = 1; s != STATUS_OK; n++) {
            Arena arena = {0};
            RowSet rows;
            Error err = {0};
            arena_fail_after(n);
            s = rows_of_items(&plan.plan, items, 2, NULL, &arena, &rows, &err);
            arena_fail_after(0);
            arena_release(&arena);
            cr_assert(s == STATUS_OK || s == STATUS_MEMORY, "%s: allocation %zu: %s",
                      metrics_all[m]->name, n, err.text);
        }
        plan_release(&plan);
    }
}
