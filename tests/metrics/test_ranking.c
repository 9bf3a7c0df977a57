// Ranked results against trec_eval, through pytrec_eval.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/metrics/golden.h"

typedef struct Query {
    double gains[12], judged[8];
    size_t n_gains, n_judged;
} Query;

static const Query queries[] = {
    {{3, 0, 2, 0, 1}, {3, 2, 1, 2}, 5, 4},
    {{0, 0, 0}, {1}, 3, 1},
    {{1}, {1, 1, 1}, 1, 3},
    {{0, 1, 0, 1, 1, 0, 0, 2, 0, 0, 1, 1}, {1, 1, 1, 2, 1, 1, 1}, 12, 7},
    {{-1, 2, 0}, {2, -1, 1}, 3, 3}, // TREC marks junk with negative gains
};
enum { N_QUERIES = sizeof queries / sizeof *queries };

typedef struct Column {
    const char *metric, *params;
    double values[N_QUERIES];
} Column;

// pytrec_eval-terrier 0.5.11: RelevanceEvaluator(qrel, {"P.3,10", "recall.3,10", "map", "map_cut.3", "recip_rank",
// "ndcg_cut.3,10", "ndcg"}), results scored 100 - rank, unjudged where the gain is 0. The exponential form: the same sum
// over 2^g - 1 in NumPy 2.4.6.
static const Column columns[] = {
    {"precision_at_k", "{\"k\": 3}", {2.0 / 3, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3}},
    {"precision_at_k", NULL, {0.3, 0, 0.1, 0.4, 0.1}},
    {"recall_at_k", "{\"k\": 3}", {0.5, 0, 1.0 / 3, 0.14285714285714285, 0.5}},
    {"recall_at_k", NULL, {0.75, 0, 1.0 / 3, 0.5714285714285714, 0.5}},
    {"map", NULL, {0.5666666666666667, 0, 1.0 / 3, 0.4363636363636364, 0.25}},
    {"map", "{\"k\": 3}", {0.41666666666666663, 0, 1.0 / 3, 0.07142857142857142, 0.25}},
    {"mrr", NULL, {1, 0, 1, 0.5, 0.5}},
    {"ndcg",
     "{\"k\": 3}",
     {0.7601875334318685, 0, 0.46927872602275644, 0.20151514190050246, 0.4796249331362629}},
    {"ndcg",
     NULL,
     {0.7706324135634347, 0, 0.46927872602275644, 0.4483374372912596, 0.4796249331362629}},
    {"ndcg",
     "{\"k\": 0}",
     {0.7706324135634347, 0, 0.46927872602275644, 0.5667464805827935, 0.4796249331362629}},
    {"ndcg",
     "{\"k\": 3, \"gain\": \"exponential\"}",
     {0.8178747578506881, 0, 0.46927872602275644, 0.15273311123869335, 0.52129602861432}},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static Item item_of(const Query *query)
{
    Item item = item_empty();
    item.gains = query->gains;
    item.n_gains = query->n_gains;
    item.judged_gains = query->judged;
    item.n_judged = query->n_judged;
    return item;
}

// The estimate over items and, in values [n, 2], their rows.
static double score_queries(const char *metric, const char *params, const Item *items, size_t n,
                            double *values)
{
    TestPlan plan;
    RowSet rows;
    double score;
    Error err = {0};
    plan_open(&plan, metric, params, 0);
    cr_assert_eq(rows_of_items(&plan.plan, items, n, NULL, &plan.arena, &rows, &err), STATUS_OK,
                 "%s", err.text);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, &score, &err), STATUS_OK);
    if (values != NULL) memcpy(values, rows.values, 2 * n * sizeof *values);
    plan_release(&plan);
    return score;
}

Test(ranking, every_query_agrees_with_trec_eval)
{
    Item items[N_QUERIES];
    for (size_t q = 0; q < N_QUERIES; q++) items[q] = item_of(&queries[q]);
    for (size_t c = 0; c < N_COLUMNS; c++) {
        double values[2 * N_QUERIES], mean = 0;
        const double got =
            score_queries(columns[c].metric, columns[c].params, items, N_QUERIES, values);
        for (size_t q = 0; q < N_QUERIES; q++) {
            expect_close(values[2 * q], columns[c].values[q], 1e-12, columns[c].metric, q);
            mean += columns[c].values[q] / N_QUERIES;
        }
        expect_close(got, mean, 1e-12, columns[c].metric, c);
    }
}

Test(ranking, the_best_order_scores_one)
{
    static const double best[] = {3, 2, 1};
    Item item = item_empty();
    item.gains = item.judged_gains = best;
    item.n_gains = item.n_judged = 3;
    static const char *const names[] = {"recall_at_k", "map", "mrr", "ndcg"};
    for (size_t m = 0; m < 4; m++) {
        cr_expect_eq(score_queries(names[m], NULL, &item, 1, NULL), 1, "%s", names[m]);
    }
    cr_expect_eq(score_queries("precision_at_k", "{\"k\": 0}", &item, 1, NULL), 1);
}

// Nothing relevant: no recall to speak of, unless it is asked to count 0.
Test(ranking, queries_without_relevant_documents_are_left_out)
{
    static const double zero[] = {0, 0};
    Item items[2] = {item_of(&queries[0]), item_empty()};
    items[1].gains = zero;
    items[1].n_gains = 2;
    static const char *const names[] = {"recall_at_k", "map", "mrr", "ndcg"};
    for (size_t m = 0; m < 4; m++) {
        const double alone = score_queries(names[m], NULL, items, 1, NULL);
        cr_expect_eq(score_queries(names[m], NULL, items, 2, NULL), alone, "%s", names[m]);
        cr_expect_float_eq(score_queries(names[m], "{\"no_relevant\": \"zero\"}", items, 2, NULL),
                           alone / 2, 1e-15, "%s", names[m]);
        cr_expect(isnan(score_queries(names[m], NULL, items + 1, 1, NULL)), "%s", names[m]);
    }
    cr_expect_eq(score_queries("precision_at_k", NULL, items + 1, 1, NULL), 0);
}

Test(ranking, relevance_may_start_at_a_higher_gain)
{
    const Item item = item_of(&queries[0]); // 3 0 2 0 1; relevant from 2 on: ranks 1 and 3 of three
    cr_expect_float_eq(score_queries("recall_at_k", "{\"relevant\": 2}", &item, 1, NULL), 2.0 / 3,
                       1e-15);
    cr_expect_float_eq(score_queries("map", "{\"relevant\": 2}", &item, 1, NULL), (1 + 2.0 / 3) / 3,
                       1e-15);
}

Test(ranking, bad_queries_are_refused_by_number)
{
    static const double nan_gain[] = {1, NAN}, twice[] = {1, 1}, one[] = {1}, huge[] = {2000};
    TestPlan plan;
    plan_open(&plan, "ndcg", "{\"gain\": \"exponential\"}", 0);
    const struct {
        const double *gains, *judged;
        size_t n_gains, n_judged;
        const char *message;
    } cases[] = {{nan_gain, one, 2, 1, "item 0: result 1 has the gain nan"},
                 {one, nan_gain, 1, 2, "item 0: judged document 1 has the gain nan"},
                 {twice, one, 2, 1, "returned twice"},
                 {huge, huge, 1, 1, "too large"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Item item = item_empty();
        item.gains = cases[i].gains;
        item.n_gains = cases[i].n_gains;
        item.judged_gains = cases[i].judged;
        item.n_judged = cases[i].n_judged;
        RowSet rows;
        Error err = {0};
        cr_expect_eq(rows_of_items(&plan.plan, &item, 1, NULL, &plan.arena, &rows, &err),
                     STATUS_INVALID);
        cr_expect(strstr(err.text, cases[i].message) != NULL, "%zu: %s", i, err.text);
    }
    plan_release(&plan);
}
