// METEOR against NLTK, distinct-n, repetition and length ratio against hand counts, and intervals of distinct-n.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/philox.h"
#include "metrics/evaluate.h"
#include "tests/metrics/golden.h"

// Estimates of all scores of texts against one or two references each; out has room for them.
static void score_texts(const char *metric, const char *params, const Item *items, size_t n,
                        double *out)
{
    TestPlan plan;
    Score *scores;
    Error err = {0};
    const IntervalOptions options = {.method = INTERVAL_NONE};
    plan_open(&plan, metric, params, 0);
    cr_assert_eq(scores_of_items(&plan.plan, items, n, &options, &plan.arena, &scores, &err),
                 STATUS_OK, "%s", err.text);
    for (size_t i = 0; i < plan.plan.n_scores; i++) out[i] = scores[i].estimate;
    plan_release(&plan);
}

static Item text_item(const char *hypothesis, Slice *references, const char *first,
                      const char *second)
{
    Item item = item_empty();
    references[0] = slice_from_cstr(first);
    references[1] = slice_from_cstr(second);
    item.hypothesis = slice_from_cstr(hypothesis);
    item.references = references;
    item.n_references = 2;
    return item;
}

typedef struct MeteorCase {
    const char *hypothesis, *references[2];
    double standard, other;
} MeteorCase;

// nltk 3.10.4: meteor_score([r.split() for r in references], hypothesis.split(), wordnet=none), where none.synsets(word)
// is []: the exact and stem stages alone; `other` with alpha=0.8, beta=2.0, gamma=0.3.
static const MeteorCase meteor_cases[] = {
    {"It is a guide to action which ensures that the military always obeys the commands of the "
     "party",
     {"It is a guide to action that ensures that the military will forever heed Party commands"},
     0.6944444444444445,
     0.676829268292683},
    {"on the mat sat the cat", {"the cat sat on the mat"}, 0.5, 0.7},
    {"a cat runs quick",
     {"the cats were running quickly"},
     0.20408163265306123,
     0.2916666666666667},
    {"b a a b c", {"a b a b a"}, 0.6312500000000001, 0.6650000000000001},
    {"non matching hypothesis", {"this is a cat"}, 0, 0},
    {"x", {"x"}, 0.5, 0.7},
    {"das HAUS war gro\xc3\x9f und H\xc3\xa4users",
     {"Die H\xc3\xa4user waren gr\xc3\xb6\xc3\x9f"
      "er",
      "Das Haus war gro\xc3\x9f"},
     0.9449404761904763,
     0.8920454545454545},
    {"\xc3\xa9l\xc3\xa9phant \xc3\xa9l\xc3\xa9gant marchait",
     {"\xc3\xa9l\xc3\xa9phants \xc3\xa9l\xc3\xa9gants marchaient"},
     0.625,
     0.6166666666666667},
    {"the cat the the dog the", {"the the the cat"}, 0.7514880952380952, 0.7556818181818182},
    {"sky die happily new", {"skies dying happy news"}, 0.46875, 0.4625},
    {"word", {""}, 0, 0},
    {"", {"word"}, 0, 0},
    {"one two five four three",
     {"one two three four five", "five four three two one"},
     0.892,
     0.892},
};
enum { N_METEOR = sizeof meteor_cases / sizeof *meteor_cases };

Test(meteor, exact_and_stem_stages_agree_with_nltk)
{
    for (size_t i = 0; i < N_METEOR; i++) {
        const MeteorCase *c = &meteor_cases[i];
        Slice references[2];
        const Item item = text_item(c->hypothesis, references, c->references[0], c->references[1]);
        double got[2] = {NAN, NAN};
        score_texts("meteor", "{\"tokenize\": \"none\"}", &item, 1, got);
        expect_close(got[0], c->standard, 1e-12, c->hypothesis, i);
        expect_close(got[1], c->standard, 1e-12, "the sums of one segment", i);
        score_texts("meteor",
                    "{\"tokenize\": \"none\", \"alpha\": 0.8, \"beta\": 2, \"gamma\": 0.3}", &item,
                    1, got);
        expect_close(got[0], c->other, 1e-12, c->hypothesis, i);
    }
}

// The two scores of a corpus: the mean of segments, and from the sums of their counts.
Test(meteor, a_corpus_has_a_mean_and_a_system_score)
{
    Slice references[2][2];
    const Item items[] = {text_item("a b c d", references[0], "a b c d", NULL),
                          text_item("a z", references[1], "a y x w v u", NULL)};
    double got[2] = {NAN, NAN};
    score_texts("meteor", "{\"tokenize\": \"none\"}", items, 2, got);
    const double first = 1 - 0.5 / 64, second = 0.5 * (0.5 / 6) / (0.45 + 0.1 / 6);
    cr_expect_float_eq(got[0], (first + second) / 2, 1e-12);
    const double p = 5.0 / 6, r = 0.5, mean = p * r / (0.9 * p + 0.1 * r);
    cr_expect_float_eq(got[1], mean * (1 - 0.5 * pow(2.0 / 5, 3)), 1e-12);
}

Test(meteor, without_stems_only_equal_words_count)
{
    Slice references[2];
    const Item item = text_item("cats ran", references, "cat ran", NULL);
    double got[2] = {NAN, NAN};
    score_texts("meteor", "{\"stemmer\": false}", &item, 1, got);
    cr_expect_float_eq(got[0], 0.5 * 0.5, 1e-12); // one chunk of one match
    score_texts("meteor", NULL, &item, 1, got);
    cr_expect_float_eq(got[0], 1 - 0.5 / 8, 1e-12);
}

static Item written(const char *text)
{
    Item item = item_empty();
    item.hypothesis = slice_from_cstr(text);
    return item;
}

// 1-grams: a b a | b c: 3 of 5. 2-grams: ab ba | bc: 3 of 3.
Test(distinct, counts_ngrams_over_all_texts)
{
    const Item items[] = {written("a b a"), written("b c"), written("")};
    double got = NAN;
    score_texts("distinct", "{\"n\": 1}", items, 3, &got);
    cr_expect_float_eq(got, 3.0 / 5, 1e-15);
    score_texts("distinct", NULL, items, 3, &got);
    cr_expect_float_eq(got, 1, 1e-15);
    score_texts("distinct", "{\"per\": \"words\"}", items, 3, &got);
    cr_expect_float_eq(got, 3.0 / 5, 1e-15);
    score_texts("distinct", "{\"n\": 3}", items + 1, 2, &got);
    cr_expect(isnan(got), "no text has three words: %g", got);
    score_texts("distinct", "{\"n\": 1, \"lowercase\": true}", (Item[]){written("A a")}, 1, &got);
    cr_expect_float_eq(got, 0.5, 1e-15);
}

// A weight is as good as copies, and a weight of 0 as good as absence.
Test(distinct, weights_are_copies)
{
    Item items[] = {written("a b a"), written("b c"), written("x y z")};
    items[1].weight = 2;
    items[2].weight = 0;
    const Item copies[] = {items[0], written("b c"), written("b c")};
    double weighted = NAN, copied = NAN;
    score_texts("distinct", "{\"n\": 1}", items, 3, &weighted);
    score_texts("distinct", "{\"n\": 1}", copies, 3, &copied);
    cr_expect_float_eq(weighted, copied, 1e-15);
}

// Texts of words drawn evenly from a vocabulary: the interval holds the estimate, and its standard error is no smaller than
// the spread of the score over fresh sets of texts, nor much larger. A bootstrap's would lie wholly below the estimate.
Test(distinct, leaving_halves_out_gives_the_spread)
{
    enum { N = 60, WORDS = 8, VOCABULARY = 400, SETS = 100 };
    static char texts[N][WORDS * 8];
    double values[SETS], errors = 0;
    Philox rng = philox_stream(4, 0);
    for (size_t s = 0; s < SETS; s++) {
        Item items[N];
        for (size_t i = 0; i < N; i++) {
            size_t len = 0;
            for (size_t w = 0; w < WORDS; w++) {
                len += (size_t)snprintf(texts[i] + len, sizeof texts[i] - len, "w%u ",
                                        (unsigned)philox_below(&rng, VOCABULARY));
            }
            items[i] = written(texts[i]);
        }
        TestPlan plan;
        Score *score;
        Error err = {0};
        plan_open(&plan, "distinct", "{\"n\": 1}", 0);
        cr_assert_eq(scores_of_items(&plan.plan, items, N, NULL, &plan.arena, &score, &err),
                     STATUS_OK, "%s", err.text);
        cr_assert(slice_eq_cstr(score->method, "half-samples 500 seed 0"));
        cr_assert(score->lo < score->estimate && score->estimate < score->hi);
        values[s] = score->estimate;
        errors += score->standard_error / SETS;
        plan_release(&plan);
    }
    const double spread = standard_deviation(values, SETS);
    cr_expect(errors > 0.9 * spread && errors < 1.8 * spread, "%g against %g", errors, spread);
}

Test(distinct, other_intervals_are_refused)
{
    const Item items[] = {written("a b"), written("b c")};
    const IntervalOptions options = {.method = INTERVAL_PERCENTILE};
    TestPlan plan;
    Score *scores;
    Error err = {0};
    plan_open(&plan, "distinct", NULL, 0);
    cr_expect_eq(scores_of_items(&plan.plan, items, 2, &options, &plan.arena, &scores, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "half-samples") != NULL, "%s", err.text);
    const Item broken[] = {written("a b"), written("b\xff")};
    err = (Error){0};
    cr_expect_eq(scores_of_items(&plan.plan, broken, 2, NULL, &plan.arena, &scores, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "item 1: hypothesis: byte 1 ") != NULL, "%s", err.text);
    plan_release(&plan);
}

// "a b a b a b": 2-grams ab ba ab ba ab, 2 of 5 different; a b stand before within the last 2 words.
Test(repetition, counts_what_was_said_before)
{
    const Item items[] = {written("a b a b a b"), written("a b c"), written("x"), written("")};
    double got[2] = {NAN, NAN};
    score_texts("repetition", "{\"n\": 2, \"window\": 2}", items, 4, got);
    cr_expect_float_eq(got[0], (3.0 / 5 + 0) / 2, 1e-15); // "x" has no pair of words
    cr_expect_float_eq(got[1], 4.0 / 10, 1e-15);
    score_texts("repetition", "{\"n\": 2, \"window\": 1}", items, 4, got);
    cr_expect_eq(got[1], 0);
    score_texts("repetition", NULL, items + 2, 2, got);
    cr_expect(isnan(got[0]));
    score_texts("repetition", NULL, items + 3, 1, got);
    cr_expect(isnan(got[1]));
}

Test(length_ratio, takes_the_closest_reference)
{
    Slice references[3][2];
    const Item items[] = {text_item("a b c", references[0], "a b", "a b c d"),  // the shorter: 2
                          text_item("a, b", references[1], "a b c d e", NULL)}; // 3 words: 13a
    double got = NAN;
    score_texts("length_ratio", NULL, items, 2, &got);
    cr_expect_float_eq(got, 6.0 / 7, 1e-15);
    const Item empty = text_item("", references[2], "", NULL);
    score_texts("length_ratio", NULL, &empty, 1, &got);
    cr_expect(isnan(got));
}
