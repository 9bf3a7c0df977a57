// CrowS-Pairs on stored scores, as the authors' program counts.
#include <criterion/criterion.h>
#include <math.h>

#include "tests/metrics/scores.h"

static Item pair_item(const double *scores, int32_t stereotyped, int32_t direction)
{
    Item item = item_empty();
    item.log_likelihoods = scores;
    item.n_choices = 2;
    item.stereotyped = stereotyped;
    item.label = direction;
    return item;
}

Test(crows_pairs, counts_as_the_authors_program)
{
    static const double scores[][2] = {{-1, -2}, {-3, -2}, {-2, -2}, {-5, -4}, {-1.0004, -1.0001}};
    static const Slice directions[] = {SLICE_LIT("stereo"), SLICE_LIT("antistereo")};
    const MetricSetup setup = {.labels = directions, .n_labels = 2};
    // Prefers the stereotype: yes, no, equal, yes (the second is the one), no (less likely by 0.0003).
    const Item items[] = {pair_item(scores[0], 0, 0), pair_item(scores[1], 0, 0),
                          pair_item(scores[2], 0, 0), pair_item(scores[3], 1, 1),
                          pair_item(scores[4], 0, 1)};
    Arena arena = {0};
    JsonDocument *params = NULL;
    Error err = {0};
    const Score *plain = score_all("crows_pairs", &setup, items, 5, &arena);
    cr_expect_float_eq(plain[0].estimate, 2.0 / 5, 1e-15);
    cr_expect_float_eq(plain[1].estimate, 1.0 / 2, 1e-15);
    cr_expect_float_eq(plain[2].estimate, 1.0 / 2, 1e-15);
    cr_expect_float_eq(plain[3].estimate, 1.0 / 5, 1e-15);
    cr_assert_eq(json_parse(SLICE("params"), SLICE("{\"round\": 3}"), JSON_STRICT, &params, &err),
                 STATUS_OK);
    const MetricSetup rounding = {.labels = directions, .n_labels = 2, .params = json_root(params)};
    const Score *rounded = score_all("crows_pairs", &rounding, items, 5, &arena);
    cr_expect_float_eq(rounded[2].estimate, 1, 1e-15); // the last pair is equal now
    cr_expect_float_eq(rounded[3].estimate, 2.0 / 5, 1e-15);
    json_close(&params);
    arena_release(&arena);
}

Test(crows_pairs, bad_pairs_are_refused_by_number)
{
    static const double scores[] = {-1, NAN};
    const MetricSetup setup = {0};
    Item item = pair_item(scores, 0, ITEM_NO_LABEL);
    expect_refused("crows_pairs", &setup, &item, "item 0: log-likelihood 1 is not a number");
    item.stereotyped = ITEM_NO_LABEL;
    expect_refused("crows_pairs", &setup, &item, "which sentence stereotypes more");
    item.n_choices = 3;
    expect_refused("crows_pairs", &setup, &item, "of 3 sentences, not of two");
}
