#include "tests/metrics/scores.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Score *score_all(const char *metric, const MetricSetup *setup, const Item *items, size_t n,
                 Arena *arena)
{
    MetricPlan plan;
    Score *scores;
    Error err = {0};
    const IntervalOptions options = {.n_resamples = 50};
    cr_assert_eq(metric_plan(metric_find(slice_from_cstr(metric)), setup, arena, &plan, &err),
                 STATUS_OK, "%s", err.text);
    cr_assert_eq(scores_of_items(&plan, items, n, &options, arena, &scores, &err), STATUS_OK, "%s",
                 err.text);
    return scores;
}

void expect_refused(const char *metric, const MetricSetup *setup, const Item *item,
                    const char *message)
{
    Arena arena = {0};
    MetricPlan plan;
    RowSet rows;
    Error err = {0};
    cr_assert_eq(metric_plan(metric_find(slice_from_cstr(metric)), setup, &arena, &plan, &err),
                 STATUS_OK, "%s", err.text);
    cr_expect_eq(rows_of_items(&plan, item, 1, NULL, &arena, &rows, &err), STATUS_INVALID);
    cr_expect(strstr(err.text, message) != NULL, "%s: %s", metric, err.text);
    arena_release(&arena);
}

void expect_bad_texts_refused(const char *metric)
{
    static const Slice absent[] = {{NULL, 0}}, present[] = {SLICE_LIT("a b")};
    const MetricSetup setup = {0};
    Item item = item_empty();
    char message[64];
    item.hypothesis = SLICE("a b");
    item.references = absent;
    item.n_references = 1;
    snprintf(message, sizeof message, "%s: item 0: has no reference", metric);
    expect_refused(metric, &setup, &item, message);
    item.references = present;
    item.hypothesis = SLICE("a\xff");
    expect_refused(metric, &setup, &item, "item 0: hypothesis: byte 1 ");
}
