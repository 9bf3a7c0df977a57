// Perplexity, multiple choice and pass@k against the reference files.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/metrics/golden.h"

enum { MAX_SCORES = 8 };

static void score(const char *metric, const char *params, const Item *items, size_t n,
                  double *scores, size_t line)
{
    TestPlan plan;
    plan_open(&plan, metric, params, 0);
    RowSet rows;
    Error err = {0};
    cr_assert_eq(rows_of_items(&plan.plan, items, n, NULL, &plan.arena, &rows, &err), STATUS_OK,
                 "line %zu: %s", line, err.text);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, scores, &err), STATUS_OK, "%s",
                 err.text);
    plan_release(&plan);
}

static void expect_perplexity(const Item *items, size_t n, const Json *expected, size_t line)
{
    static const char *const keys[] = {"ppl_token",     "ppl_word",      "ppl_byte",
                                       "bits_per_byte", "bits_per_char", "bits_per_token"};
    double scores[MAX_SCORES];
    score("perplexity", NULL, items, n, scores, line);
    for (size_t k = 0; k < 6; k++) {
        const Json *want = json_get(expected, keys[k]);
        if (want != NULL && json_kind(want) != JSON_NULL) {
            expect_close(scores[1 + k], golden_double(want), 1e-9, keys[k], line);
        }
    }
}

Test(perplexity, agrees_text_by_text_and_over_all)
{
    enum { MAX_TEXTS = 64 };
    Golden golden = golden_open("stats/lm.jsonl");
    Arena arena = {0};
    Item items[MAX_TEXTS];
    size_t n = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        if (json_get(r, "token_logprobs") == NULL) {
            expect_perplexity(items, n, json_get(r, "expected"), golden.line);
            continue;
        }
        cr_assert_lt(n, (size_t)MAX_TEXTS);
        size_t n_tokens;
        const double *logs = golden_doubles(&arena, json_get(r, "token_logprobs"), &n_tokens);
        double *numbers = ARENA_NEW(&arena, double, 5);
        for (size_t i = 0; i < n_tokens; i++) numbers[0] += logs[i];
        numbers[1] = (double)n_tokens;
        numbers[2] = golden_get(r, "n_words");
        numbers[3] = golden_get(r, "n_bytes");
        numbers[4] = golden_get(r, "n_chars");
        items[n] = item_empty();
        items[n].log_likelihoods = &numbers[0];
        items[n].n_tokens = &numbers[1];
        items[n].n_words = &numbers[2];
        items[n].n_bytes = &numbers[3];
        items[n].n_chars = &numbers[4];
        items[n].n_choices = 1;
        expect_perplexity(&items[n], 1, json_get(r, "expected"), golden.line);
        n++;
    }
    golden_close(&golden);
    arena_release(&arena);
    cr_expect_gt(n, (size_t)40);
}

Test(multiple_choice, agrees_under_every_normalisation)
{
    static const char *const keys[] = {"acc", "acc_norm_tokens", "acc_norm_bytes"};
    static const char *const params[] = {NULL, "{\"normalize\": \"tokens\"}",
                                         "{\"normalize\": \"bytes\"}"};
    Golden golden = golden_open("stats/multiple_choice.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        Arena arena = {0};
        Item item = item_empty();
        item.log_likelihoods = golden_doubles(&arena, json_get(r, "loglik"), &item.n_choices);
        item.n_bytes = golden_doubles(&arena, json_get(r, "bytes"), &item.n_choices);
        item.n_tokens = golden_doubles(&arena, json_get(r, "tokens"), &item.n_choices);
        item.label = (int32_t)golden_get(r, "gold");
        for (size_t k = 0; k < 3; k++) {
            double scores[MAX_SCORES];
            score("multiple_choice", params[k], &item, 1, scores, golden.line);
            cr_expect_eq(scores[0], golden_get(json_get(r, "expected"), keys[k]), "line %zu: %s",
                         golden.line, keys[k]);
        }
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)50);
}

Test(multiple_choice, unconditional_likelihood_is_taken_off)
{
    static const double logs[] = {-5, -6}, alone[] = {-1, -4};
    Item item = item_empty();
    double scores[MAX_SCORES];
    item.log_likelihoods = logs;
    item.unconditional_log_likelihoods = alone;
    item.n_choices = 2;
    item.label = 1;
    score("multiple_choice", "{\"normalize\": \"unconditional\"}", &item, 1, scores, 0);
    cr_expect_eq(scores[0], 1);
    score("multiple_choice", NULL, &item, 1, scores, 0);
    cr_expect_eq(scores[0], 0);
}

Test(pass_at_k, agrees_with_the_exact_fraction)
{
    Golden golden = golden_open("stats/pass_at_k.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        char params[32];
        Item item = item_empty();
        item.n_drawn = golden_get(r, "n");
        item.n_passed = golden_get(r, "c");
        if (golden_get(r, "k") > item.n_drawn) continue;
        snprintf(params, sizeof params, "{\"k\": %d}", (int)golden_get(r, "k"));
        double scores[MAX_SCORES];
        score("pass_at_k", params, &item, 1, scores, golden.line);
        cr_expect_float_eq(scores[0], golden_get(r, "exact"), 1e-12, "line %zu: %.17g", golden.line,
                           scores[0]);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)100);
}

Test(pass_at_k, more_draws_than_programs_are_refused)
{
    TestPlan plan;
    plan_open(&plan, "pass_at_k", "{\"k\": 10}", 0);
    Item item = item_empty();
    item.n_drawn = 5;
    item.n_passed = 2;
    RowTable table;
    row_table_init(&table, &plan.plan);
    Error err = {0};
    cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, "at least 10 programs, but 5") != NULL, "%s", err.text);
    row_table_release(&table);
    plan_release(&plan);
}
