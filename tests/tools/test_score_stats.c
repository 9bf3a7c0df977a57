// assay score of plain numbers and labels: the reference records through the program, and what it refuses.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "program.h"
#include "tests/support/shared.h"

static bool is_number(const Json *value, double *out)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    static const double values[] = {NAN, INFINITY, -INFINITY};
    if (value == NULL) return false;
    if (json_kind(value) == JSON_NUMBER) *out = json_double(value);
    for (size_t i = 0; i < 3 && json_kind(value) == JSON_STRING; i++) {
        if (!slice_eq_cstr(json_string(value), words[i])) continue;
        *out = values[i];
        return true;
    }
    return json_kind(value) == JSON_NUMBER;
}

// p-values and distribution functions are known to 1e-7, all else to 1e-9.
static bool is_close(double got, double want, Slice key)
{
    if (isnan(want) || isnan(got) || isinf(want)) return (isnan(want) && isnan(got)) || want == got;
    const double relative = slice_starts_with(key, SLICE("p")) ? 1e-7 : 1e-9;
    return fabs(got - want) <= fmax(1e-12, relative * fabs(want));
}

// Everything of `want` must be in `got`.
static void expect_same(const Json *want, const Json *got, Slice key, const char *place)
{
    double a = 0, b = 0;
    cr_assert(got != NULL, "%s: " SLICE_FMT " is missing", place, SLICE_ARG(key));
    if (is_number(want, &a)) {
        cr_expect(is_number(got, &b) && is_close(b, a, key), "%s: " SLICE_FMT ": %.17g, want %.17g",
                  place, SLICE_ARG(key), b, a);
    } else if (json_kind(want) == JSON_STRING) {
        cr_expect(slice_eq(json_string(want), json_string(got)), "%s: " SLICE_FMT, place,
                  SLICE_ARG(key));
    } else if (json_kind(want) == JSON_ARRAY) {
        cr_assert_eq(json_len(want), json_len(got), "%s: " SLICE_FMT, place, SLICE_ARG(key));
        const Json *g = json_first(got);
        for (const Json *w = json_first(want); w != NULL; w = json_next(w), g = json_next(g))
            expect_same(w, g, key, place);
    } else if (json_kind(want) == JSON_OBJECT) {
        for (const Json *w = json_first(want); w != NULL; w = json_next(w)) {
            char name[128];
            snprintf(name, sizeof name, SLICE_FMT, SLICE_ARG(json_key(w)));
            expect_same(w, json_get(got, name), json_key(w), place);
        }
    }
}

static void run_family(const char *family, const char *file, size_t least)
{
    char relative[128], place[160];
    snprintf(relative, sizeof relative, "goldens/metrics/stats/%s", file);
    const char *path = shared_need(relative);
    Arena arena = {0};
    Slice text = {0};
    Error err = {0};
    cr_assert_eq(file_map(path, &text, &err), STATUS_OK, "%s", err.text);
    const Program program = RUN(&arena, NULL, "score", family, "--cases", "--in", path);
    cr_assert_eq(count_lines(program.out), count_lines(text), "%s", program.err.ptr);
    size_t n_compared = 0;
    for (size_t i = 1; i < count_lines(text);
         i++) { // the first line says where the records come from
        const Json *want = json_get(json_line(text, i), "expected");
        const Json *got = json_line(program.out, i);
        if (want == NULL) continue;
        snprintf(place, sizeof place, "%s line %zu", file, i + 1);
        cr_expect(json_get(got, "error") == NULL, "%s: refused", place);
        if (json_kind(want) == JSON_OBJECT) {
            expect_same(want, got, SLICE("expected"), place);
        } else {
            expect_same(want, json_get(got, "pass_at_k"), SLICE("value"), place);
        }
        n_compared++;
    }
    cr_expect_geq(n_compared, least, "%s: %zu records", file, n_compared);
    file_unmap(&text);
    arena_release(&arena);
}

Test(score_stats, answers_the_reference_records)
{
    static const struct {
        const char *family, *file;
        size_t least;
    } families[] = {
        {"classification", "classification.jsonl", 40},
        {"probability", "probabilistic.jsonl", 15},
        {"correlation", "correlation.jsonl", 10},
        {"lm", "lm.jsonl", 50},
        {"multiple-choice", "multiple_choice.jsonl", 60},
        {"pass-at-k", "pass_at_k.jsonl", 150},
        {"tests", "tests.jsonl", 25},
        {"intervals", "intervals.jsonl", 100},
        {"bootstrap", "bootstrap.jsonl", 40},
        {"multiple-comparisons", "multiple_comparisons.jsonl", 15},
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        run_family(families[i].family, families[i].file, families[i].least);
}

Test(score_stats, refuses_cases_that_cannot_be_scored_and_says_why)
{
    static const struct {
        const char *family, *input, *want;
    } cases[] = {
        {"classification", "{\"y_true\": [0, 1], \"y_pred\": [0]}",
         "has 1 values, but y_true has 2"},
        {"classification", "{\"y_true\": [], \"y_pred\": []}", "is empty"},
        {"classification", "{\"y_true\": [0, null], \"y_pred\": [0, 1]}", "a class is"},
        {"classification", "{\"y_true\": [0], \"y_pred\": [0], \"sample_weight\": [-1]}",
         "weight 0 is -1"},
        {"probability", "{\"y\": [0, 1], \"score\": [0.5, 1.5]}", "score 1 is 1.5"},
        {"probability", "{\"y\": [0, 1], \"score\": [0.5, \"NaN\"]}", "score 1 is nan"},
        {"probability", "{\"y\": [0, 2], \"score\": [0.5, 0.5]}", "must be 0 or 1"},
        {"probability", "{\"y\": [0, 1], \"prob\": [[0.5, 0.5], [0.5, 0.7]]}", "sum to 1.2"},
        {"correlation", "{\"x\": [1, 2], \"y\": [1, \"Infinity\"]}", "not finite"},
        {"tests", "{\"kind\": \"mcnemer\", \"table\": [[1, 2], [3, 4]]}",
         "did you mean \"mcnemar\""},
        {"intervals", "{\"k\": 3, \"n\": 2}", "k"},
        {"pass-at-k", "{\"n\": 2, \"c\": 1, \"k\": 3}", "k"},
        {"lm", "{\"token_logprobs\": [-1, 0.5]}", "at most 0"},
        {"lm", "{\"docs\": \"all rows above\"}", "no documents above"},
        {"multiple-choice", "{\"loglik\": [-1, -2], \"gold\": 2}", "gold"},
        {"bootstrap", "{\"data\": [1, 2], \"indices\": [[0, 2]]}", "indices"},
        {"multiple-comparisons", "{\"pvalues\": [0.5, 1.5]}", "outside [0, 1]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        const Program program = RUN(&arena, cases[i].input, "score", cases[i].family, "--cases");
        program_want(&program, 2);
        const Slice text = text_of(json_line(program.out, 0), "error");
        cr_expect(text_contains(text, cases[i].want), "%s: " SLICE_FMT, cases[i].family,
                  SLICE_ARG(text));
        arena_release(&arena);
    }
}

Test(score_stats, says_what_is_undefined_instead_of_nought)
{
    Arena arena = {0};
    const Program auc =
        RUN(&arena, "{\"y\": [1, 1], \"score\": [0.4, 0.9]}", "score", "probability", "--cases");
    const Program flat =
        RUN(&arena, "{\"x\": [1, 1, 1], \"y\": [1, 2, 3]}", "score", "correlation", "--cases");
    program_want(&auc, 0);
    program_want(&flat, 0);
    const Json *a = json_line(auc.out, 0), *b = json_line(flat.out, 0);
    cr_expect(slice_eq_cstr(text_of(a, "roc_auc"), "NaN"));
    cr_expect(
        text_contains(json_string(json_at(json_get(a, "undefined"), 0)), "no item of class 0"));
    cr_expect(slice_eq_cstr(text_of(json_get(b, "pearson"), "r"), "NaN"));
    cr_expect(
        text_contains(json_string(json_at(json_get(b, "undefined"), 0)), "every x is the same"));
    arena_release(&arena);
}

// Of three pairs a coefficient one rounding below 1 would have a p-value of 1e-8.
Test(score_stats, ranks_that_agree_wholly_have_a_p_value_of_nought)
{
    Arena arena = {0};
    const Program p =
        RUN(&arena, "{\"x\": [0, 1, 1], \"y\": [0, 2, 2]}", "score", "correlation", "--cases");
    program_want(&p, 0);
    const Json *spearman = json_get(json_line(p.out, 0), "spearman");
    cr_expect_eq(number_of(spearman, "r"), 1);
    cr_expect_eq(number_of(spearman, "p"), 0);
    arena_release(&arena);
}

// Resamples that are the sample in another order have its mean but for rounding, and BCa counts those below it: SciPy
// 1.17.1 with numpy.random.default_rng(25), where 16 of 999 are such.
Test(score_stats, resamples_in_another_order_count_as_in_scipy)
{
    Arena arena = {0};
    const Program p =
        RUN(&arena,
            "{\"data\": [0.5, 1.7, 2.2, 0.1, 3.3, 1.1, 4.7, 0.9, 2.6], \"statistic\": "
            "\"mean\", \"method\": \"BCa\", \"n_resamples\": 999, \"seed\": 25}\n",
            "score", "bootstrap", "--cases");
    program_want(&p, 0);
    const Json *interval = json_get(json_of(p.out), "ci95");
    cr_expect_float_eq(json_double(json_at(interval, 0)), 1.1555555555555557, 1e-9);
    cr_expect_float_eq(json_double(json_at(interval, 1)), 2.9695361180206974, 1e-9);
    arena_release(&arena);
}

Test(score_stats, intervals_of_a_file_of_numbers_hold_whenever_one_stops)
{
    Arena arena = {0};
    const char *numbers = "1\n0\n1\n1\n\n0.5\n1\n";
    const Program file =
        RUN(&arena, numbers, "score", "intervals", "-", "--level", "0.9", "--json");
    program_want(&file, 0);
    const Program one_case = RUN(&arena, "{\"values\": [1, 0, 1, 1, 0.5, 1], \"alpha\": 0.1}\n",
                                 "score", "intervals", "--cases");
    program_want(&one_case, 0);
    expect_same(json_of(one_case.out), json_of(file.out), SLICE("answer"), "a file");
    const Program words = RUN(&arena, numbers, "score", "intervals", "-");
    program_want(&words, 0);
    cr_expect(text_contains(words.out, "whenever one stops"), "%s", words.out.ptr);
    const Program outside = RUN(&arena, "1\n2\n", "score", "intervals", "-");
    program_want(&outside, 2);
    cr_expect(text_contains(outside.err, "standard input:2: \"2\" is no number from 0 to 1"), "%s",
              outside.err.ptr);
    arena_release(&arena);
}
