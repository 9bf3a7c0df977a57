// Scores over classes against scikit-learn's.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "metrics/confusion.h"
#include "tests/metrics/golden.h"

enum { MAX_SCORES = 64 };

typedef struct Labelled {
    Item *items;
    size_t n_items;
    size_t n_labels;
} Labelled;

static int32_t class_of(const Json *labels, double id)
{
    int32_t c = 0;
    for (const Json *v = json_first(labels); v != NULL; v = json_next(v), c++) {
        if (json_double(v) == id) return c;
    }
    cr_assert_fail("label %g is not in the list", id);
    return ITEM_NO_LABEL;
}

static Labelled read_items(Arena *arena, const Json *record)
{
    const Json *labels = json_get(json_get(record, "expected"), "labels");
    const Json *weights = json_get(record, "sample_weight");
    size_t n, n_predicted, n_weights;
    const double *truth = golden_doubles(arena, json_get(record, "y_true"), &n);
    const double *predicted = golden_doubles(arena, json_get(record, "y_pred"), &n_predicted);
    const double *w = golden_doubles(arena, weights, &n_weights);
    cr_assert_eq(n, n_predicted);
    Labelled out = {.items = ARENA_NEW(arena, Item, n), .n_items = n, .n_labels = json_len(labels)};
    for (size_t i = 0; i < n; i++) {
        out.items[i] = item_empty();
        out.items[i].label = class_of(labels, truth[i]);
        out.items[i].predicted = class_of(labels, predicted[i]);
        if (n_weights > 0) out.items[i].weight = w[i];
    }
    return out;
}

// All scores of a metric into out [MAX_SCORES].
static void score(const Labelled *data, const char *metric, const char *params, double *out)
{
    TestPlan plan;
    plan_open(&plan, metric, params, data->n_labels);
    cr_assert_leq(plan.plan.n_scores, (size_t)MAX_SCORES);
    Error err = {0};
    RowSet rows;
    cr_assert_eq(
        rows_of_items(&plan.plan, data->items, data->n_items, NULL, &plan.arena, &rows, &err),
        STATUS_OK, "%s", err.text);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, out, &err), STATUS_OK, "%s", err.text);
    plan_release(&plan);
}

static void expect_score(const Labelled *data, const char *metric, const char *params, double want,
                         size_t line)
{
    double scores[MAX_SCORES];
    score(data, metric, params, scores);
    expect_close(scores[0], want, 1e-9, metric, line);
}

// Averages and classes of precision, recall and F at one zero_division.
static void expect_prf(const Labelled *data, const Json *expected, int zero_division, size_t line)
{
    static const char *const metrics[] = {"precision", "recall", "f1"};
    static const char *const averages[] = {"micro", "macro", "weighted"};
    static const char *const parts[] = {"p", "r", "f1"};
    char params[64], key[32];
    for (size_t part = 0; part < 3; part++) {
        double scores[MAX_SCORES];
        snprintf(params, sizeof params, "{\"zero_division\": %d}", zero_division);
        score(data, metrics[part], params, scores);
        for (size_t a = 0; a < 3; a++) {
            snprintf(key, sizeof key, "%s_zd%d", averages[a], zero_division);
            const Json *want = json_get(expected, key);
            if (want == NULL) continue;
            expect_close(scores[1 + a], golden_double(json_at(want, part)), 1e-9, key, line);
        }
        snprintf(key, sizeof key, "per_class_zd%d", zero_division);
        const Json *classes = json_get(json_get(expected, key), parts[part]);
        for (size_t c = 0; classes != NULL && c < json_len(classes); c++) {
            expect_close(scores[4 + c], golden_double(json_at(classes, c)), 1e-9, key, line);
        }
    }
}

static void expect_confusion(const Labelled *data, const Json *expected, size_t line)
{
    TestPlan plan;
    plan_open(&plan, "f1", NULL, data->n_labels);
    Error err = {0};
    RowSet rows;
    Confusion confusion;
    cr_assert_eq(
        rows_of_items(&plan.plan, data->items, data->n_items, NULL, &plan.arena, &rows, &err),
        STATUS_OK, "%s", err.text);
    cr_assert_eq(confusion_of_rows(&rows, data->n_labels, 0.95, &plan.arena, &confusion, &err),
                 STATUS_OK, "%s", err.text);
    const Json *matrix = json_get(expected, "confusion");
    for (size_t i = 0; i < data->n_labels; i++) {
        for (size_t j = 0; j < data->n_labels; j++) {
            expect_close(confusion_cell(&confusion, i, j)->count,
                         golden_double(json_at(json_at(matrix, i), j)), 1e-9, "confusion", line);
        }
    }
    plan_release(&plan);
}

Test(classification, agrees_with_scikit_learn)
{
    Golden golden = golden_open("stats/classification.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        const Json *expected = json_get(r, "expected");
        if (expected == NULL || json_kind(expected) != JSON_OBJECT) continue;
        Arena arena = {0};
        const Labelled data = read_items(&arena, r);
        const size_t line = golden.line;
        expect_score(&data, "accuracy", NULL, golden_get(expected, "accuracy"), line);
        expect_score(&data, "balanced_accuracy", NULL, golden_get(expected, "balanced_accuracy"),
                     line);
        expect_score(&data, "mcc", NULL, golden_get(expected, "mcc"), line);
        expect_score(&data, "kappa", NULL, golden_get(expected, "kappa"), line);
        expect_score(&data, "kappa", "{\"weights\": \"linear\"}",
                     golden_get(expected, "kappa_linear"), line);
        expect_score(&data, "kappa", "{\"weights\": \"quadratic\"}",
                     golden_get(expected, "kappa_quadratic"), line);
        expect_score(&data, "f1", "{\"beta\": 0.5}", golden_get(expected, "fbeta0.5_macro"), line);
        expect_score(&data, "f1", "{\"beta\": 2}", golden_get(expected, "fbeta2_macro"), line);
        expect_prf(&data, expected, 0, line);
        expect_prf(&data, expected, 1, line);
        expect_confusion(&data, expected, line);
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)40);
}
