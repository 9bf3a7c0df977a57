// Errors and correlations of numbers against scikit-learn's and SciPy's.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "tests/metrics/golden.h"

static double score_pairs(const char *metric, const char *params, const double *x, const double *y,
                          const double *weights, size_t n)
{
    TestPlan plan;
    plan_open(&plan, metric, params, 0);
    Item *items = ARENA_NEW(&plan.arena, Item, n + 1);
    for (size_t i = 0; i < n; i++) {
        items[i] = item_empty();
        items[i].value = x[i];
        items[i].predicted_value = y[i];
        if (weights != NULL) items[i].weight = weights[i];
    }
    RowSet rows;
    double score;
    Error err = {0};
    cr_assert_eq(rows_of_items(&plan.plan, items, n, NULL, &plan.arena, &rows, &err), STATUS_OK,
                 "%s", err.text);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, &score, &err), STATUS_OK, "%s",
                 err.text);
    plan_release(&plan);
    return score;
}

typedef struct Column {
    const char *metric, *params, *key, *part; // part: a member of the expected object, or NULL
} Column;

static const Column columns[] = {
    {"mse", NULL, "mse", NULL},
    {"mae", NULL, "mae", NULL},
    {"r2", NULL, "r2_true_x_pred_y", NULL},
    {"pearson", NULL, "pearson", "r"},
    {"spearman", NULL, "spearman", "r"},
    {"kendall", NULL, "kendall_b", "tau"},
    {"kendall", "{\"variant\": \"c\"}", "kendall_c", "tau"},
    {"concordance", NULL, "lin_ccc", NULL},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

// At the edges the reference refuses fewer than two values for r; here, as for the others, it is undefined.
static void expect_edges(const Json *edge, const double *x, const double *y, size_t n, size_t line)
{
    for (size_t c = 3; c < 6; c++) {
        const Json *expected = json_get(json_get(edge, columns[c].key), "expected");
        const double got = n > 0 ? score_pairs(columns[c].metric, NULL, x, y, NULL, n) : NAN;
        const double want = expected != NULL ? golden_double(json_at(expected, 0)) : NAN;
        expect_close(got, want, 1e-9, columns[c].metric, line);
    }
}

Test(regression, scores_agree_with_scikit_learn_and_scipy)
{
    Golden golden = golden_open("stats/correlation.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *expected = json_get(r, "expected"), *edge = json_get(r, "edge");
        Arena arena = {0};
        size_t n, n_y;
        const double *x = golden_doubles(&arena, json_get(r, "x"), &n);
        const double *y = golden_doubles(&arena, json_get(r, "y"), &n_y);
        if (edge != NULL && n == n_y) expect_edges(edge, x, y, n, golden.line);
        for (size_t c = 0; expected != NULL && c < N_COLUMNS; c++) {
            const Column *column = &columns[c];
            const Json *want = json_get(expected, column->key);
            if (column->part != NULL) want = json_get(want, column->part);
            const double got = score_pairs(column->metric, column->params, x, y, NULL, n);
            expect_close(got, golden_double(want), 1e-9, column->key, golden.line);
        }
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)12);
}

// With ties on both sides; weight 0 leaves an item out.
Test(regression, a_weight_is_as_good_as_copies)
{
    enum { N = 40 };
    double x[N], y[N], weights[N], x_copies[3 * N], y_copies[3 * N];
    Philox rng = philox_stream(31, 0);
    size_t n_copies = 0;
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)philox_below(&rng, 12);
        y[i] = x[i] + (double)philox_below(&rng, 9);
        const size_t copies = philox_below(&rng, 4);
        weights[i] = (double)copies;
        for (size_t k = 0; k < copies; k++) {
            x_copies[n_copies] = x[i];
            y_copies[n_copies++] = y[i];
        }
    }
    for (size_t c = 0; c < N_COLUMNS; c++) {
        const Column *column = &columns[c];
        const double weighted = score_pairs(column->metric, column->params, x, y, weights, N);
        const double copied =
            score_pairs(column->metric, column->params, x_copies, y_copies, NULL, n_copies);
        cr_expect(is_close(weighted, copied, 1e-12, 1e-12), "%s: %g, want %g", column->key,
                  weighted, copied);
    }
}

Test(regression, a_large_offset_costs_no_accuracy)
{
    static const double x[] = {1, 2, 3, 4}, y[] = {1, 3, 2, 4};
    double far_x[4], far_y[4];
    for (size_t i = 0; i < 4; i++) {
        far_x[i] = 1e9 + x[i];
        far_y[i] = 1e9 + y[i];
    }
    for (size_t c = 0; c < N_COLUMNS; c++) {
        const Column *column = &columns[c];
        const double near = score_pairs(column->metric, column->params, x, y, NULL, 4);
        const double far = score_pairs(column->metric, column->params, far_x, far_y, NULL, 4);
        cr_expect(is_close(far, near, 1e-12, 1e-12), "%s: %.17g, want %.17g", column->key, far,
                  near);
    }
}

Test(regression, r2_of_references_that_are_all_the_same_is_1_or_0)
{
    static const double x[] = {2, 2, 2}, y[] = {2, 2, 3};
    cr_expect_eq(score_pairs("r2", NULL, x, x, NULL, 3), 1);
    cr_expect_eq(score_pairs("r2", NULL, x, y, NULL, 3), 0);
    cr_expect(isnan(score_pairs("r2", NULL, x, y, NULL, 1)));
}

Test(regression, numbers_that_are_not_finite_are_refused_by_item)
{
    for (size_t c = 0; c < N_COLUMNS; c++) {
        TestPlan plan;
        plan_open(&plan, columns[c].metric, columns[c].params, 0);
        RowTable table;
        row_table_init(&table, &plan.plan);
        Item item = item_empty();
        Error err = {0};
        cr_expect_eq(row_table_add(&table, &item, &err), STATUS_OK);
        item.predicted_value = INFINITY;
        cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, "item 1: prediction inf is not a finite number") != NULL, "%s",
                  err.text);
        item.value = NAN;
        err = (Error){0};
        cr_expect_eq(row_table_add(&table, &item, &err), STATUS_INVALID);
        cr_expect(strstr(err.text, "item 1: reference nan is") != NULL, "%s", err.text);
        row_table_release(&table);
        plan_release(&plan);
    }
}
