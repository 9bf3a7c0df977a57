// results/compare_folds.c: differences fold by fold.
#include "results/compare_folds.h"

#include <math.h>

#include "metrics/hypothesis.h"

// How many folds there are, counted from 0; 0 where some pair lies in none.
static size_t count_folds(const int32_t *folds, size_t n)
{
    int32_t highest = -1;
    for (size_t i = 0; i < n; i++) {
        if (folds[i] < 0) return 0;
        highest = folds[i] > highest ? folds[i] : highest;
    }
    return (size_t)highest + 1; // 0 without any pair
}

static Status score_fold(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         double *scores, double *out, Error *err)
{
    TRY(estimates_of_rows(plan, rows, weights, scores, err));
    *out = scores[0];
    return STATUS_OK;
}

static Status find_differences(const MetricPlan *plan, const RowSet *base, const RowSet *candidate,
                               const int32_t *folds, size_t k, Arena *arena, double *differences,
                               Error *err)
{
    double *weights, *scores;
    TRY(arena_take(arena, base->n_rows, sizeof *weights, "weights", &weights, err));
    TRY(arena_take(arena, plan->n_scores, sizeof *scores, "scores", &scores, err));
    for (size_t f = 0; f < k; f++) {
        double first, second;
        for (size_t i = 0; i < base->n_rows; i++) weights[i] = folds[i] == (int32_t)f;
        TRY(score_fold(plan, base, weights, scores, &first, err));
        TRY(score_fold(plan, candidate, weights, scores, &second, err));
        differences[f] = second - first;
    }
    return STATUS_OK;
}

static void test_differences(const double *differences, size_t k, double level, ComparedFolds *out)
{
    // Each fold is tested on 1 of k parts and trained on the others.
    const double n_test = 1, n_train = (double)k - 1;
    double sum = 0;
    bool is_same = true;
    for (size_t f = 0; f < k; f++) {
        if (!isfinite(differences[f])) return;
        sum += differences[f];
        is_same = is_same && differences[f] == 0;
    }
    const Interval interval = t_folds_interval(differences, k, n_test, n_train, level);
    out->n = k;
    out->difference = sum / (double)k;
    out->lo = interval.lo;
    out->hi = interval.hi;
    out->p = is_same ? 1 : t_folds(differences, k, n_test, n_train).p;
}

Status compare_folds(const MetricPlan *plan, const RowSet *base, const RowSet *candidate,
                     const int32_t *folds, double level, ComparedFolds *out, Error *err)
{
    const size_t k = count_folds(folds, base->n_rows);
    *out = (ComparedFolds){.difference = NAN, .lo = NAN, .hi = NAN, .p = NAN};
    if (k < 2 || k > base->n_rows) return STATUS_OK;
    Arena arena = {0};
    double *differences;
    Status s = arena_take(&arena, k, sizeof *differences, "differences", &differences, err);
    if (s == STATUS_OK)
        s = find_differences(plan, base, candidate, folds, k, &arena, differences, err);
    if (s == STATUS_OK) test_differences(differences, k, level, out);
    arena_release(&arena);
    return s;
}
