// Scores of probabilities against scikit-learn's, and calibration against the formula in the file's header.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "metrics/calibration.h"
#include "tests/metrics/golden.h"

enum { MAX_SCORES = 64 };

typedef struct Scored {
    Item *items;
    size_t n_items;
    size_t n_classes;
} Scored;

static Scored read_items(Arena *arena, const Json *record)
{
    size_t n, n_weights, n_scores;
    const double *y = golden_doubles(arena, json_get(record, "y"), &n);
    const double *w = golden_doubles(arena, json_get(record, "sample_weight"), &n_weights);
    const Json *rows = json_get(record, "prob");
    const double *score = golden_doubles(arena, json_get(record, "score"), &n_scores);
    Scored out = {.items = ARENA_NEW(arena, Item, n), .n_items = n};
    out.n_classes = rows != NULL ? json_len(json_at(rows, 0)) : 2;
    const Json *row = rows != NULL ? json_first(rows) : NULL;
    for (size_t i = 0; i < n; i++) {
        out.items[i] = item_empty();
        out.items[i].label = (int32_t)y[i];
        out.items[i].n_classes = out.n_classes;
        if (n_weights > 0) out.items[i].weight = w[i];
        double *p;
        if (row != NULL) {
            size_t n_classes;
            p = golden_doubles(arena, row, &n_classes);
            row = json_next(row);
        } else {
            p = ARENA_NEW(arena, double, 2);
            p[0] = 1 - score[i];
            p[1] = score[i];
        }
        out.items[i].probabilities = p;
    }
    return out;
}

static void expect_scores(const Scored *data, const char *metric, const char *params, double want,
                          double want_second, size_t line)
{
    TestPlan plan;
    plan_open(&plan, metric, params, data->n_classes);
    Error err = {0};
    RowSet rows;
    double scores[MAX_SCORES];
    cr_assert_eq(
        rows_of_items(&plan.plan, data->items, data->n_items, NULL, &plan.arena, &rows, &err),
        STATUS_OK, "line %zu: %s", line, err.text);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, scores, &err), STATUS_OK, "%s",
                 err.text);
    expect_close(scores[0], want, 1e-9, params != NULL ? params : metric, line);
    if (!isnan(want_second)) expect_close(scores[1], want_second, 1e-9, metric, line);
    plan_release(&plan);
}

static void expect_key(const Scored *data, const Json *expected, const char *key,
                       const char *metric, const char *params, size_t line)
{
    const Json *value = json_get(expected, key);
    if (value == NULL) return;
    if (json_kind(value) == JSON_OBJECT) value = json_get(value, "expected");
    expect_scores(data, metric, params, golden_double(value), NAN, line);
}

static void expect_calibration(const Scored *data, const Json *expected, size_t line)
{
    static const char *const prefixes[] = {"ece_", "ece_conf_", "ece_pos_"};
    for (size_t p = 0; p < 3; p++) {
        for (int bins = 5; bins <= 20; bins += 5) {
            char key[32], params[96];
            snprintf(key, sizeof key, "%s%d", prefixes[p], bins);
            snprintf(params, sizeof params, "{\"bins\": %d, \"of\": \"%s\"}", bins,
                     p == 2 ? "positive" : "confidence");
            const Json *want = json_get(expected, key);
            if (want == NULL) continue;
            expect_scores(data, "ece", params, golden_get(want, "ece"), golden_get(want, "mce"),
                          line);
        }
    }
}

Test(probabilistic, agrees_with_scikit_learn)
{
    Golden golden = golden_open("stats/probabilistic.jsonl");
    size_t n_cases = 0;
    for (const Json *r = golden_next(&golden); r != NULL; r = golden_next(&golden)) {
        // The rows of unequal lengths, which the reference refuses, cannot be written as items.
        if (json_get(json_get(r, "roc_auc"), "error") != NULL) continue;
        Arena arena = {0};
        const Scored data = read_items(&arena, r);
        const Json *e = json_get(r, "expected") != NULL ? json_get(r, "expected") : r;
        const size_t line = golden.line;
        expect_key(&data, e, "roc_auc", "auc", NULL, line);
        expect_key(&data, e, "roc_auc_ovr_macro", "auc", "{\"multi_class\": \"ovr\"}", line);
        expect_key(&data, e, "roc_auc_ovr_weighted", "auc", "{\"average\": \"weighted\"}", line);
        expect_key(&data, e, "roc_auc_ovr_micro", "auc", "{\"average\": \"micro\"}", line);
        expect_key(&data, e, "roc_auc_ovo_macro", "auc", "{\"multi_class\": \"ovo\"}", line);
        expect_key(&data, e, "roc_auc_ovo_weighted", "auc",
                   "{\"multi_class\": \"ovo\", \"average\": \"weighted\"}", line);
        expect_key(&data, e, "average_precision", "average_precision", NULL, line);
        expect_key(&data, e, "average_precision_macro", "average_precision", NULL, line);
        expect_key(&data, e, "average_precision_micro", "average_precision",
                   "{\"average\": \"micro\"}", line);
        expect_key(&data, e, "brier", "brier", NULL, line);
        expect_key(&data, e, "brier_multiclass_sum", "brier", NULL, line);
        expect_key(&data, e, "log_loss", "log_loss", NULL, line);
        expect_key(&data, e, "top1_accuracy", "top_k", "{\"k\": 1}", line);
        expect_key(&data, e, "top2_accuracy", "top_k", "{\"k\": 2}", line);
        expect_key(&data, e, "top3_accuracy", "top_k", "{\"k\": 3}", line);
        expect_calibration(&data, e, line);
        arena_release(&arena);
        n_cases++;
    }
    golden_close(&golden);
    cr_expect_gt(n_cases, (size_t)20);
}
