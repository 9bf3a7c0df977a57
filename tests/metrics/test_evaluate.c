// From items to scores: choice of interval, laws of rows, coverage, refusals.
#include <criterion/criterion.h>
#include <criterion/theories.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/philox.h"
#include "metrics/metrics.h"
#include "tests/metrics/golden.h"

enum { N_LABELS = 3, N_ITEMS = 60 };

typedef struct Data {
    Item items[N_ITEMS];
    double probabilities[N_ITEMS][N_LABELS];
} Data;

// Items with probabilities; a perfect system where is_perfect.
static void make_items(Data *data, uint64_t seed, bool is_perfect)
{
    Philox rng = philox_stream(seed, 1);
    for (size_t i = 0; i < N_ITEMS; i++) {
        Item *item = &data->items[i];
        *item = item_empty();
        item->label = (int32_t)(i < N_LABELS ? i : philox_below(&rng, N_LABELS));
        double sum = 0;
        for (size_t c = 0; c < N_LABELS; c++) {
            double *p = &data->probabilities[i][c];
            *p = is_perfect ? ((size_t)item->label == c) : philox_double(&rng) + 0.01;
            sum += *p;
        }
        size_t best = 0;
        for (size_t c = 0; c < N_LABELS; c++) {
            data->probabilities[i][c] /= sum;
            if (data->probabilities[i][c] > data->probabilities[i][best]) best = c;
        }
        item->probabilities = data->probabilities[i];
        item->n_classes = N_LABELS;
        item->predicted = (int32_t)best;
        item->weight = 1 + (double)philox_below(&rng, 3);
    }
}

static bool is_scorable(const Metric *metric)
{
    return (metric->needs & ~(unsigned)(NEEDS_LABELS | NEEDS_PROBABILITIES)) == 0;
}

static double first_score(const char *metric, const Item *items, size_t n)
{
    TestPlan plan;
    plan_open(&plan, metric, NULL, N_LABELS);
    Score *scores;
    Error err = {0};
    const IntervalOptions options = {.method = INTERVAL_NONE};
    cr_assert_eq(scores_of_items(&plan.plan, items, n, &options, &plan.arena, &scores, &err),
                 STATUS_OK, "%s", err.text);
    const double value = scores[0].estimate;
    plan_release(&plan);
    return value;
}

TheoryDataPoints(evaluate, the_order_of_items_does_not_matter) = {
    DataPoints(size_t, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    DataPoints(uint64_t, 1, 2),
};

Theory((size_t m, uint64_t seed), evaluate, the_order_of_items_does_not_matter)
{
    cr_assume_lt(m, metrics_count);
    cr_assume(is_scorable(metrics_all[m]));
    static Data data;
    make_items(&data, seed, false);
    const char *name = metrics_all[m]->name;
    const double before = first_score(name, data.items, N_ITEMS);
    size_t order[N_ITEMS];
    Item shuffled[N_ITEMS];
    for (size_t i = 0; i < N_ITEMS; i++) order[i] = i;
    Philox rng = philox_stream(seed, 2);
    philox_shuffle(&rng, order, N_ITEMS);
    for (size_t i = 0; i < N_ITEMS; i++) shuffled[i] = data.items[order[i]];
    cr_expect(is_close(first_score(name, shuffled, N_ITEMS), before, 1e-12, 1e-15), "%s", name);
}

Test(evaluate, a_perfect_system_has_the_best_score)
{
    static Data data;
    make_items(&data, 5, true);
    for (size_t m = 0; m < metrics_count; m++) {
        const Metric *metric = metrics_all[m];
        if (!is_scorable(metric)) continue;
        const double best =
            metric->direction == HIGHER_IS_BETTER ? metric->highest : metric->lowest;
        cr_expect(is_close(first_score(metric->name, data.items, N_ITEMS), best, 1e-12, 1e-12),
                  "%s", metric->name);
    }
}

Test(evaluate, a_weight_is_as_good_as_copies)
{
    static Data data;
    make_items(&data, 6, false);
    Item copies[3 * N_ITEMS];
    size_t n = 0;
    for (size_t i = 0; i < N_ITEMS; i++) {
        for (int k = 0; k < (int)data.items[i].weight; k++) {
            copies[n] = data.items[i];
            copies[n++].weight = 1;
        }
    }
    for (size_t m = 0; m < metrics_count; m++) {
        const char *name = metrics_all[m]->name;
        if (!is_scorable(metrics_all[m])) continue;
        cr_expect(is_close(first_score(name, copies, n), first_score(name, data.items, N_ITEMS),
                           1e-12, 1e-15),
                  "%s", name);
    }
}

Test(evaluate, parts_merge_into_the_whole)
{
    static Data data;
    make_items(&data, 7, false);
    for (size_t i = 0; i < N_ITEMS; i++) {
        static const char *const names[] = {"a", "b", "c", "d"};
        data.items[i].cluster = i % 5 < 4 ? slice_from_cstr(names[i % 5]) : (Slice){0};
    }
    TestPlan plan;
    plan_open(&plan, "f1", NULL, N_LABELS);
    RowTable whole, parts[3];
    Error err = {0};
    row_table_init(&whole, &plan.plan);
    for (size_t k = 0; k < 3; k++) row_table_init(&parts[k], &plan.plan);
    for (size_t i = 0; i < N_ITEMS; i++) {
        cr_assert_eq(row_table_add(&whole, &data.items[i], &err), STATUS_OK, "%s", err.text);
        cr_assert_eq(row_table_add(&parts[i / 20], &data.items[i], &err), STATUS_OK, "%s",
                     err.text);
    }
    for (size_t k = 1; k < 3; k++) {
        cr_assert_eq(row_table_append(&parts[0], &parts[k], &err), STATUS_OK, "%s", err.text);
    }
    const RowSet a = row_table_rows(&whole), b = row_table_rows(&parts[0]);
    cr_assert_eq(a.n_rows, b.n_rows);
    cr_expect_eq(a.n_clusters, b.n_clusters);
    cr_expect_eq(a.n_clusters, (size_t)(4 + N_ITEMS / 5));
    cr_expect_eq(memcmp(a.values, b.values, a.n_rows * plan.plan.width * sizeof *a.values), 0);
    cr_expect_eq(memcmp(a.weights, b.weights, a.n_rows * sizeof *a.weights), 0);
    cr_expect_eq(memcmp(a.clusters, b.clusters, a.n_rows * sizeof *a.clusters), 0);
    row_table_release(&whole);
    for (size_t k = 0; k < 3; k++) row_table_release(&parts[k]);
    plan_release(&plan);
}

// Rows of accuracy: the first n_right of n are right.
static Score *score_hits(TestPlan *plan, size_t n_right, size_t n, const uint32_t *clusters,
                         size_t n_clusters, IntervalMethod method)
{
    double *rows = ARENA_NEW(&plan->arena, double, 2 * n);
    for (size_t i = 0; i < n; i++) {
        rows[2 * i] = i < n_right;
        rows[2 * i + 1] = 1;
    }
    RowSet *set = ARENA_NEW(&plan->arena, RowSet, 1);
    *set = (RowSet){.values = rows, .clusters = clusters, .n_rows = n, .n_clusters = n_clusters};
    const IntervalOptions options = {.method = method, .seed = 17};
    Score *scores;
    Error err = {0};
    cr_assert_eq(scores_of_rows(&plan->plan, set, &options, &plan->arena, &scores, &err), STATUS_OK,
                 "%s", err.text);
    return scores;
}

Test(evaluate, proportions_get_wilson_intervals)
{
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    const Score *s = score_hits(&plan, 29, 30, NULL, 30, INTERVAL_AUTO);
    const Interval want = interval_wilson(29, 30, 0.95);
    cr_expect(slice_eq_cstr(s->method, "wilson"));
    cr_expect_float_eq(s->estimate, 29.0 / 30, 1e-15);
    cr_expect_float_eq(s->lo, want.lo, 1e-12);
    cr_expect_float_eq(s->hi, want.hi, 1e-12);
    cr_expect_eq(s->n, (size_t)30);
    plan_release(&plan);
}

Test(evaluate, clusters_widen_the_interval)
{
    enum { N = 400 };
    uint32_t clusters[N];
    for (uint32_t i = 0; i < N; i++) clusters[i] = i / 10;
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    const Score *naive = score_hits(&plan, 300, N, NULL, N, INTERVAL_AUTO);
    const Score *t = score_hits(&plan, 300, N, clusters, N / 10, INTERVAL_AUTO);
    const Score *boot = score_hits(&plan, 300, N, clusters, N / 10, INTERVAL_PERCENTILE);
    cr_expect(slice_eq_cstr(t->method, "t clustered"));
    cr_expect(slice_eq_cstr(boot->method, "bootstrap-percentile 2000 seed 17"));
    cr_expect_gt(t->hi - t->lo,
                 2 * (naive->hi - naive->lo)); // clusters agree within: 10 items are one
    cr_expect_float_eq(boot->standard_error, t->standard_error, 0.1 * t->standard_error);
    cr_expect_eq(t->n_clusters, (size_t)(N / 10));
    plan_release(&plan);
}

Test(evaluate, clusters_that_all_agree_still_have_width)
{
    uint32_t clusters[20];
    for (uint32_t i = 0; i < 20; i++) clusters[i] = i / 2;
    TestPlan plan;
    plan_open(&plan, "accuracy", NULL, 2);
    const Score *s = score_hits(&plan, 20, 20, clusters, 10, INTERVAL_AUTO);
    cr_expect_float_eq(s->lo, interval_wilson(10, 10, 0.95).lo, 1e-12);
    cr_expect_eq(s->hi, 1);
    plan_release(&plan);
}

Test(evaluate, one_class_has_no_auc)
{
    static Data data;
    make_items(&data, 8, false);
    for (size_t i = 0; i < N_ITEMS; i++) data.items[i].label = 1;
    cr_expect(isnan(first_score("auc", data.items, N_ITEMS)));
    cr_expect_eq(first_score("mcc", data.items, N_ITEMS), 0);
}

typedef struct Refusal {
    char metric[24];
    char params[64];
    char message[64];
} Refusal;

Test(evaluate, options_that_do_not_fit_are_refused)
{
    static const Refusal cases[] = {
        {"f1", "{\"average\": \"binary\"}", "wants \"positive\""},
        {"f1", "{\"average\": \"macros\"}", "macro, micro, weighted, binary"},
        {"f1", "{\"positive\": \"9\"}", "none of the 3 labels"},
        {"f1", "{\"averge\": \"micro\"}", "average"},
        {"f1", "{\"zero_division\": \"x\"}", "0, 1 or \"nan\""},
        {"precision", "{\"beta\": 2}", "beta"},
        {"accuracy", "{\"k\": 1}", "k"},
        {"top_k", "{\"k\": 0}", "k"},
        {"auc", "{\"multi_class\": \"ovo\", \"average\": \"micro\"}", "micro"},
        {"ece", "{\"bins\": 1.5}", "bins"},
        {"accuracy", "[1]", "object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        JsonDocument *document = NULL;
        Error err = {0};
        const Slice labels[] = {SLICE("0"), SLICE("1"), SLICE("2")};
        MetricPlan plan;
        cr_assert_eq(json_parse(SLICE("params"), slice_from_cstr(cases[i].params), JSON_STRICT,
                                &document, &err),
                     STATUS_OK, "%s", err.text);
        const MetricSetup setup = {.labels = labels, .n_labels = 3, .params = json_root(document)};
        cr_expect_eq(
            metric_plan(metric_find(slice_from_cstr(cases[i].metric)), &setup, &arena, &plan, &err),
            STATUS_INVALID, "%s %s", cases[i].metric, cases[i].params);
        cr_expect(strstr(err.text, cases[i].message) != NULL, "%s: %s", cases[i].params, err.text);
        json_close(&document);
        arena_release(&arena);
    }
}

Test(evaluate, bad_items_are_refused_by_number)
{
    static const double short_sum[] = {0.5, 0.2}, negative[] = {-0.1, 1.1}, nan_values[] = {NAN, 1};
    const double *const bad[] = {NULL, short_sum, negative, nan_values};
    TestPlan plan;
    plan_open(&plan, "log_loss", NULL, 2);
    for (size_t i = 0; i < 4; i++) {
        RowTable table;
        row_table_init(&table, &plan.plan);
        Item item = item_empty();
        static const double good[] = {0.5, 0.5};
        Error err = {0};
        item.label = 1;
        item.probabilities = good;
        item.n_classes = 2;
        cr_assert_eq(row_table_add(&table, &item, &err), STATUS_OK, "%s", err.text);
        item.probabilities = bad[i];
        cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, "log_loss: item 1") != NULL, "%s", err.text);
        cr_expect_eq(row_table_rows(&table).n_rows, (size_t)1);
        item.probabilities = good;
        item.weight = NAN;
        cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
        item.weight = 1;
        item.label = 2;
        cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
        row_table_release(&table);
    }
    plan_release(&plan);
}

Test(evaluate, intervals_that_do_not_fit_are_refused)
{
    static const double rows[] = {0, 0, 1, 1};
    const RowSet set = {.values = rows, .n_rows = 2, .n_clusters = 2}, none = {.values = rows};
    TestPlan plan;
    plan_open(&plan, "mcc", NULL, 2);
    const IntervalMethod unfit[] = {INTERVAL_WILSON, INTERVAL_CLOPPER_PEARSON, INTERVAL_T};
    Score *scores;
    Error err = {0};
    for (size_t i = 0; i < 3; i++) {
        const IntervalOptions options = {.method = unfit[i]};
        cr_expect_eq(scores_of_rows(&plan.plan, &set, &options, &plan.arena, &scores, &err),
                     STATUS_INVALID);
    }
    cr_expect_eq(scores_of_rows(&plan.plan, &none, NULL, &plan.arena, &scores, &err),
                 STATUS_INVALID);
    cr_expect(strstr(err.text, "no items") != NULL, "%s", err.text);
    plan_release(&plan);
}

Test(evaluate, names_and_signatures_say_what_was_scored)
{
    TestPlan plan;
    plan_open(&plan, "f1", "{\"average\": \"micro\"}", 2);
    static const char *const names[] = {"f1",          "f1/micro",   "f1/macro",
                                        "f1/weighted", "f1/class/0", "f1/class/1"};
    Error err = {0};
    Slice text;
    cr_assert_eq(plan.plan.n_scores, (size_t)6);
    for (size_t i = 0; i < 6; i++) {
        cr_assert_eq(metric_score_name(&plan.plan, i, &plan.arena, &text, &err), STATUS_OK);
        cr_expect(slice_eq_cstr(text, names[i]), SLICE_FMT, SLICE_ARG(text));
    }
    cr_assert_eq(metric_signature(&plan.plan, &plan.arena, &text, &err), STATUS_OK);
    cr_expect(slice_eq_cstr(text, "f1|average:micro|zero_division:0|version:1"), SLICE_FMT,
              SLICE_ARG(text));
    plan_release(&plan);
}

Test(evaluate, every_metric_is_found_by_its_name)
{
    for (size_t i = 0; i < metrics_count; i++) {
        cr_expect_eq(metric_find(slice_from_cstr(metrics_all[i]->name)), metrics_all[i]);
        cr_expect_not_null(metrics_all[i]->summary);
        cr_expect_not_null(metrics_all[i]->source);
    }
    cr_expect_null(metric_find(SLICE("accuracies")));
    cr_expect_str_eq(metric_nearest(SLICE("acuracy")), "accuracy");
}

Test(evaluate, the_majority_baseline_answers_with_training_frequencies)
{
    static const int32_t training[] = {0, 1, 1, 2};
    static Data data;
    make_items(&data, 9, false);
    Arena arena = {0};
    MajorityBaseline baseline;
    Item *items;
    Error err = {0};
    cr_assert_eq(majority_baseline(training, 4, N_LABELS, &arena, &baseline, &err), STATUS_OK);
    cr_assert_eq(baseline_items(&baseline, data.items, N_ITEMS, &arena, &items, &err), STATUS_OK);
    cr_expect_eq(baseline.label, 1);
    cr_expect_float_eq(baseline.probabilities[2], 0.25, 1e-15);
    double right = 0, weight = 0;
    for (size_t i = 0; i < N_ITEMS; i++) {
        right += data.items[i].weight * (data.items[i].label == 1);
        weight += data.items[i].weight;
    }
    cr_expect_float_eq(first_score("accuracy", items, N_ITEMS), right / weight, 1e-12);
    static const int32_t bad[] = {0, 3};
    cr_expect_eq(majority_baseline(bad, 2, N_LABELS, &arena, &baseline, &err), STATUS_INVALID);
    arena_release(&arena);
}
