// Scores of several labels at once against scikit-learn 1.7's, of the label indicators below.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/metrics/golden.h"
#include "tests/metrics/scores.h"

enum { N = 8, L = 4 };

static const int32_t reference[N][3] = {{0}, {1, 2}, {0}, {0, 1}, {2}, {0, 2}, {0}, {1}};
static const size_t n_reference[N] = {1, 2, 0, 2, 1, 2, 0, 1};
static const int32_t predicted[N][3] = {{0}, {1}, {3}, {0, 1}, {0}, {0, 1, 2}, {0}, {2}};
static const size_t n_predicted[N] = {1, 1, 1, 2, 0, 3, 0, 1};
static const double weights[N] = {1, 2, 1, 1, 0.5, 1, 3, 1};

static const Item *items(bool has_weights)
{
    static double probabilities[N][L];
    static Item out[N];
    for (size_t i = 0; i < N; i++) {
        out[i] = item_empty();
        out[i].held = reference[i];
        out[i].n_held = n_reference[i];
        out[i].predicted_held = predicted[i];
        out[i].n_predicted_held = n_predicted[i];
        out[i].probabilities = probabilities[i];
        out[i].n_classes = L;
        if (has_weights) out[i].weight = weights[i];
        for (size_t c = 0; c < L; c++) {
            bool is_given = false;
            for (size_t k = 0; k < n_predicted[i]; k++)
                is_given = is_given || predicted[i][k] == (int32_t)c;
            probabilities[i][c] =
                ((double)((i * 7 + c * 5) % 11) / 11 + (is_given ? 0.3 : 0)) / 1.4;
        }
    }
    return out;
}

// out [scores of the metric]
static void score(const char *metric, const char *params, size_t n_labels, bool has_weights,
                  double *out)
{
    TestPlan plan;
    Error err = {0};
    RowSet rows;
    plan_open(&plan, metric, params, n_labels);
    cr_assert_eq(rows_of_items(&plan.plan, items(has_weights), N, NULL, &plan.arena, &rows, &err),
                 STATUS_OK, "%s: %s", metric, err.text);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, out, &err), STATUS_OK, "%s", err.text);
    plan_release(&plan);
}

static void expect_near(const char *what, size_t k, double found, double wanted)
{
    cr_expect_float_eq(found, wanted, 1e-12, "%s, score %zu: %.17g, not %.17g", what, k, found,
                       wanted);
}

// Micro, macro, weighted, over samples; then of each label.
Test(multilabel, averages_and_labels_are_scikit_learns)
{
    static const struct {
        const char *metric;
        bool has_weights;
        double scores[4 + L];
    } cases[] = {
        {"multilabel_f1",
         false,
         {0.6666666666666666, 0.5166666666666666, 0.6888888888888889, 0.43333333333333335, 1.0,
          0.6666666666666666, 0.4, 0}},
        {"multilabel_f1",
         true,
         {0.6829268292682927, 0.5284090909090909, 0.6926406926406926, 0.3936507936507936, 1.0, 0.75,
          0.36363636363636365, 0}},
        {"multilabel_precision",
         false,
         {0.6666666666666666, 0.5416666666666666, 0.7222222222222222, 0.4583333333333333, 1.0,
          0.6666666666666666, 0.5, 0}},
        {"multilabel_precision",
         true,
         {0.7, 0.5625, 0.7380952380952381, 0.4444444444444445, 1.0, 0.75, 0.5, 0}},
        {"multilabel_recall",
         false,
         {0.6666666666666666, 0.49999999999999994, 0.6666666666666666, 0.4375, 1.0,
          0.6666666666666666, 0.3333333333333333, 0}},
        {"multilabel_recall",
         true,
         {0.6666666666666666, 0.5089285714285714, 0.6666666666666666, 0.38095238095238093, 1.0,
          0.75, 0.2857142857142857, 0}},
        {"multilabel_jaccard",
         false,
         {0.5, 0.4375, 0.5833333333333334, 0.3958333333333333, 1.0, 0.5, 0.25, 0}},
        {"multilabel_jaccard",
         true,
         {0.5185185185185185, 0.4555555555555556, 0.5883597883597884, 0.3492063492063492, 1.0, 0.6,
          0.2222222222222222, 0}},
    };
    double found[1 + 4 + L];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        score(cases[i].metric, NULL, L, cases[i].has_weights, found);
        expect_near(cases[i].metric, 0, found[0], cases[i].scores[0]); // micro by default
        for (size_t k = 0; k < 4 + L; k++)
            expect_near(cases[i].metric, 1 + k, found[1 + k], cases[i].scores[k]);
    }
    score("multilabel_f1", "{\"average\": \"samples\", \"zero_division\": 1}", L, false, found);
    expect_near("zero_division 1", 0, found[0], 0.5583333333333333);
    score("multilabel_jaccard", "{\"average\": \"samples\", \"zero_division\": 1}", L, false,
          found);
    expect_near("jaccard, zero_division 1", 0, found[0], 0.5208333333333333);
    score("multilabel_f1", "{\"average\": \"samples\", \"zero_division\": \"nan\"}", L, false,
          found);
    expect_near("zero_division nan leaves samples out", 0, found[0], 0.43333333333333335 * 8 / 7);
}

Test(multilabel, whole_sets_and_single_labels_are_counted)
{
    double found[1];
    score("subset_accuracy", NULL, L, false, found);
    expect_near("subset_accuracy", 0, found[0], 0.375);
    score("subset_accuracy", NULL, L, true, found);
    expect_near("subset_accuracy", 0, found[0], 0.47619047619047616);
    score("hamming_loss", NULL, L, false, found);
    expect_near("hamming_loss", 0, found[0], 0.1875);
    score("hamming_loss", NULL, L, true, found);
    expect_near("hamming_loss", 0, found[0], 0.15476190476190477);
}

Test(multilabel, rankings_are_scikit_learns)
{
    static const struct {
        const char *average;
        double plain, weighted;
    } cases[] = {{"{\"average\": \"macro\"}", 0.35753968253968255, 0.3383341933264534},
                 {"{\"average\": \"weighted\"}", 0.4767195767195767, 0.4515041104160962},
                 {"{\"average\": \"micro\"}", 0.3798378799060811, 0.3554840800658586}};
    static const double of_labels[] = {0.6095238095238096, 0.5, 0.3206349206349206, 0};
    static const char metric[] = "multilabel_average_precision";
    double found[1 + L];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        score(metric, cases[i].average, L, false, found);
        expect_near(cases[i].average, 0, found[0], cases[i].plain);
        for (size_t k = 0; k < L; k++) expect_near(metric, 1 + k, found[1 + k], of_labels[k]);
        score(metric, cases[i].average, L, true, found);
        expect_near(cases[i].average, 0, found[0], cases[i].weighted);
    }
    // No sample holds the last label.
    score("multilabel_auc", NULL, L, false, found);
    cr_expect(isnan(found[0]) && isnan(found[L]));
    expect_near("auc of a label", 1, found[1], 0.5333333333333333);
    expect_near("auc of a label", 2, found[2], 0.6);
    expect_near("auc of a label", 3, found[3], 0.2);
}

// 60 labels need three numbers a row; each sample holds one label and is given the next but one, or the same.
Test(multilabel, rows_hold_any_number_of_labels)
{
    enum { MANY = 60 };
    static Item many[MANY];
    static int32_t held[MANY], given[MANY];
    TestPlan plan;
    Error err = {0};
    RowSet rows;
    double found[5 + MANY];
    for (size_t i = 0; i < MANY; i++) {
        held[i] = (int32_t)i;
        given[i] = (int32_t)(i % 2 ? i : (i + 2) % MANY);
        many[i] = item_empty();
        many[i].held = &held[i];
        many[i].predicted_held = &given[i];
        many[i].n_held = many[i].n_predicted_held = 1;
    }
    plan_open(&plan, "multilabel_recall", NULL, MANY);
    cr_expect_eq(plan.plan.width, 3);
    cr_assert_eq(rows_of_items(&plan.plan, many, MANY, NULL, &plan.arena, &rows, &err), STATUS_OK);
    cr_assert_eq(estimates_of_rows(&plan.plan, &rows, NULL, found, &err), STATUS_OK, "%s",
                 err.text);
    for (size_t i = 0; i < MANY; i++) expect_near("label", i, found[5 + i], i % 2 ? 1 : 0);
    expect_near("micro", 0, found[0], 0.5);
    plan_release(&plan);
}

Test(multilabel, what_is_no_label_and_no_probability_is_refused)
{
    static const Slice names[] = {SLICE_LIT("a"), SLICE_LIT("b")};
    static const int32_t outside[] = {2};
    static const double beyond[] = {0.5, 1.5};
    const MetricSetup setup = {.labels = names, .n_labels = 2};
    Item item = item_empty();
    item.held = outside;
    item.n_held = 1;
    expect_refused("multilabel_f1", &setup, &item, "reference label 2 is none of the 2 labels");
    expect_refused("subset_accuracy", &setup, &item, "reference label 2 is none of the 2 labels");
    item.n_held = 0;
    expect_refused("multilabel_auc", &setup, &item, "has 0 probabilities for 2 labels");
    item.probabilities = beyond;
    item.n_classes = 2;
    expect_refused("multilabel_average_precision", &setup, &item,
                   "probability 1.5 of label b lies outside [0, 1]");
}
