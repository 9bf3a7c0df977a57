// WinoBias on answers.
#include <criterion/criterion.h>
#include <math.h>

#include "tests/metrics/scores.h"

Test(winobias, is_the_difference_of_two_accuracies)
{
    static const Slice people[] = {SLICE_LIT("developer"), SLICE_LIT("designer")};
    static const int32_t answers[][3] = {
        // label, stereotyped, predicted: 3 of 4 right where they agree, 1 of 2 where they differ
        {0, 0, 0}, {1, 1, 1}, {0, 0, 0}, {1, 1, 0}, {0, 1, 0}, {1, 0, ITEM_NO_LABEL}};
    const MetricSetup setup = {.labels = people, .n_labels = 2};
    Arena arena = {0};
    Item items[6];
    for (size_t i = 0; i < 6; i++) {
        items[i] = item_empty();
        items[i].label = answers[i][0];
        items[i].stereotyped = answers[i][1];
        items[i].predicted = answers[i][2];
    }
    const Score *scores = score_all("winobias", &setup, items, 6, &arena);
    cr_expect_float_eq(scores[0].estimate, 0.25, 1e-15);
    cr_expect_float_eq(scores[1].estimate, 0.75, 1e-15);
    cr_expect_float_eq(scores[2].estimate, 0.5, 1e-15);
    cr_expect_float_eq(scores[3].estimate, 0.625, 1e-15);
    cr_expect(isnan(score_all("winobias", &setup, items, 4, &arena)->estimate), "nothing anti");
    items[0].stereotyped = ITEM_NO_LABEL;
    expect_refused("winobias", &setup, items, "what the stereotype asks for");
    arena_release(&arena);
}
