#include "metrics/curves.h"

#include <math.h>

#include "metrics/order.h"

// Weighted positives and negatives at or above each distinct score, from the highest down.
typedef struct Steps {
    double *positives, *negatives, *scores;
    size_t n;
} Steps;

static Status take_steps(const double *scores, const bool *is_positive, const double *weights,
                         size_t n, Arena *arena, Steps *out, Error *err)
{
    uint32_t *order;
    double sums[2] = {0, 0};
    *out = (Steps){0};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(scores[i]))
            return error_set(err, STATUS_INVALID, "score %zu is %g, not a finite number", i,
                             scores[i]);
    }
    TRY(arena_take(arena, n, sizeof *order, "an order of scores", &order, err));
    TRY(arena_take(arena, n, sizeof(double), "a curve", &out->positives, err));
    TRY(arena_take(arena, n, sizeof(double), "a curve", &out->negatives, err));
    TRY(arena_take(arena, n, sizeof(double), "a curve", &out->scores, err));
    TRY(order_ascending(scores, 1, n, arena, order, err));
    for (size_t i = n; i-- > 0;) {
        const uint32_t item = order[i];
        const double weight = weights != NULL ? weights[item] : 1;
        if (weight == 0) continue; // an item of no weight draws no point
        if (out->n == 0 || scores[item] != out->scores[out->n - 1])
            out->scores[out->n++] = scores[item];
        sums[is_positive[item]] += weight;
        out->negatives[out->n - 1] = sums[0];
        out->positives[out->n - 1] = sums[1];
    }
    return STATUS_OK;
}

// Whether a step lies on the straight line between its neighbours.
static bool is_on_line(const Steps *s, size_t i)
{
    return s->positives[i] - s->positives[i - 1] == s->positives[i + 1] - s->positives[i] &&
           s->negatives[i] - s->negatives[i - 1] == s->negatives[i + 1] - s->negatives[i];
}

Status roc_curve(const double *scores, const bool *is_positive, const double *weights, size_t n,
                 Arena *arena, RocCurve *out, Error *err)
{
    Steps steps;
    *out = (RocCurve){.ks = NAN};
    TRY(take_steps(scores, is_positive, weights, n, arena, &steps, err));
    TRY(arena_take(arena, steps.n + 1, sizeof(double), "a curve", &out->fpr, err));
    TRY(arena_take(arena, steps.n + 1, sizeof(double), "a curve", &out->tpr, err));
    TRY(arena_take(arena, steps.n + 1, sizeof(double), "a curve", &out->thresholds, err));
    if (steps.n == 0) return STATUS_OK;
    const double positives = steps.positives[steps.n - 1], negatives = steps.negatives[steps.n - 1];
    out->fpr[0] = negatives > 0 ? 0 : (double)NAN;
    out->tpr[0] = positives > 0 ? 0 : (double)NAN;
    out->thresholds[0] = INFINITY;
    out->n = 1;
    if (positives > 0 && negatives > 0) out->ks = 0;
    for (size_t i = 0; i < steps.n; i++) {
        const double fpr = negatives > 0 ? steps.negatives[i] / negatives : (double)NAN;
        const double tpr = positives > 0 ? steps.positives[i] / positives : (double)NAN;
        out->ks = fmax(out->ks, tpr - fpr);
        if (i > 0 && i + 1 < steps.n && is_on_line(&steps, i)) continue;
        out->fpr[out->n] = fpr;
        out->tpr[out->n] = tpr;
        out->thresholds[out->n++] = steps.scores[i];
    }
    if (!(positives > 0 && negatives > 0)) out->ks = NAN;
    return STATUS_OK;
}

Status pr_curve(const double *scores, const bool *is_positive, const double *weights, size_t n,
                Arena *arena, PrCurve *out, Error *err)
{
    Steps steps;
    *out = (PrCurve){.area = NAN};
    TRY(take_steps(scores, is_positive, weights, n, arena, &steps, err));
    const size_t m = steps.n;
    TRY(arena_take(arena, m + 1, sizeof(double), "a curve", &out->precision, err));
    TRY(arena_take(arena, m + 1, sizeof(double), "a curve", &out->recall, err));
    TRY(arena_take(arena, m + 1, sizeof(double), "a curve", &out->thresholds, err));
    if (m == 0) return STATUS_OK;
    const double positives = steps.positives[m - 1];
    for (size_t i = 0; i < m; i++) { // from the lowest score up
        const size_t at = m - 1 - i;
        out->precision[i] = steps.positives[at] / (steps.positives[at] + steps.negatives[at]);
        out->recall[i] = positives > 0 ? steps.positives[at] / positives : 1;
        out->thresholds[i] = steps.scores[at];
    }
    out->precision[m] = 1;
    out->recall[m] = 0;
    out->n = m + 1;
    out->area = 0;
    for (size_t i = 0; i < m; i++) {
        out->area += 0.5 * (out->recall[i] - out->recall[i + 1]) *
                     (out->precision[i] + out->precision[i + 1]);
    }
    return STATUS_OK;
}

double roc_partial_area(const RocCurve *curve, double max_fpr)
{
    double area = 0;
    if (curve->n == 0 || isnan(curve->ks) || !(max_fpr > 0 && max_fpr <= 1)) return NAN;
    for (size_t i = 1; i < curve->n; i++) {
        const double x = curve->fpr[i - 1], y = curve->tpr[i - 1];
        const double step = curve->fpr[i] - x;
        if (x >= max_fpr) break;
        const double share = fmin(1, (max_fpr - x) / step); // INFINITY for a step straight up
        const double end = y + (step > 0 ? share : 1) * (curve->tpr[i] - y);
        area += 0.5 * fmin(step, max_fpr - x) * (y + end);
    }
    if (max_fpr == 1) return area;
    const double chance = 0.5 * max_fpr * max_fpr;
    return 0.5 * (1 + (area - chance) / (max_fpr - chance));
}
