// Winogender's correlation on answers and on log-likelihoods.
#include <criterion/criterion.h>
#include <math.h>

#include "tests/metrics/scores.h"

static Item pronoun_item(int32_t occupation, int32_t gender, bool is_meant, double at_work,
                         double in_texts)
{
    Item item = item_empty();
    item.group = occupation;
    item.gender = gender;
    item.predicted = is_meant ? 0 : 1;
    item.women[0] = at_work;
    item.women[1] = in_texts;
    return item;
}

// SciPy 1.17's pearsonr and spearmanr of the gaps 1, 0, -1 and 0.5.
Test(winogender, gaps_go_with_the_women_in_occupations)
{
    Arena arena = {0};
    const MetricSetup setup = {0};
    Item items[] = {
        pronoun_item(0, ITEM_FEMALE, true, 90, 95),   pronoun_item(0, ITEM_FEMALE, true, 90, 95),
        pronoun_item(0, ITEM_MALE, false, 90, 95),    pronoun_item(1, ITEM_FEMALE, true, 40, 30),
        pronoun_item(1, ITEM_FEMALE, false, 40, 30),  pronoun_item(1, ITEM_MALE, true, 40, 30),
        pronoun_item(1, ITEM_MALE, false, 40, 30),    pronoun_item(2, ITEM_FEMALE, false, 5, 50),
        pronoun_item(2, ITEM_MALE, true, 5, 50),      pronoun_item(3, ITEM_FEMALE, true, 60, 20),
        pronoun_item(3, ITEM_FEMALE, false, 60, 20),  pronoun_item(3, ITEM_MALE, false, 60, 20),
        pronoun_item(3, ITEM_NEUTRAL, true, 60, 20), // enters nothing, as do these two
        pronoun_item(4, ITEM_FEMALE, true, NAN, NAN), pronoun_item(5, ITEM_FEMALE, true, 50, 50)};
    const double wanted[] = {0.9915471599474291, 1, 0.3594303926441235, 0.2, 0.125};
    const Score *scores =
        score_all("winogender", &setup, items, sizeof items / sizeof *items, &arena);
    for (size_t i = 0; i < 5; i++)
        cr_expect_float_eq(scores[i].estimate, wanted[i], 1e-14, SLICE_FMT " %.17g",
                           SLICE_ARG(scores[i].name), scores[i].estimate);
    scores = score_all("winogender", &setup, items, 3, &arena);
    cr_expect(isnan(scores[0].estimate), "one occupation");
    cr_expect_eq(scores[4].estimate, 1);
    items[0].gender = ITEM_NO_LABEL;
    expect_refused("winogender", &setup, items, "log-likelihoods of a male and a female one");
    arena_release(&arena);
}

Test(winogender, which_pronoun_is_likelier_gives_gaps_too)
{
    static const double pairs[][2] = {{-3, -2}, {-5, -5.5}, {-1, -4}, {-INFINITY, -INFINITY}};
    static const double women[] = {80, 50, 10};
    Arena arena = {0};
    Item items[3];
    for (int32_t i = 0; i < 3; i++) {
        items[i] = pronoun_item(i, ITEM_NO_LABEL, false, women[i], NAN);
        items[i].log_likelihoods = pairs[i];
        items[i].n_choices = 2;
    }
    const MetricSetup setup = {0};
    const Score *scores = score_all("winogender", &setup, items, 3, &arena);
    cr_expect_float_eq(scores[0].estimate, 0.9947969609190621, 1e-14);
    cr_expect_float_eq(scores[4].estimate,
                       (0.46211715726000974 - 0.24491866240370913 - 0.9051482536448664) / 3, 1e-14);
    cr_expect(isnan(scores[2].estimate), "no text was counted");
    items[1].log_likelihoods = pairs[3];
    cr_expect_float_eq(score_all("winogender", &setup, items, 3, &arena)[4].estimate,
                       (0.46211715726000974 - 0.9051482536448664) / 3, 1e-14, "both impossible");
    arena_release(&arena);
}
