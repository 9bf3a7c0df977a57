#include "metrics/corrections.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/size.h"

typedef struct Ordered {
    double p;
    size_t index;
} Ordered;

static int compare_ordered(const void *a, const void *b)
{
    const Ordered *x = a, *y = b;
    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

// 1 - (1 - p)^m without cancellation.
static double sidak(double p, double m)
{
    return -expm1(m * log1p(-p));
}

// The raw factor of rank i (from 0) of m, before the running maximum or minimum.
static double raised(Correction correction, double p, size_t i, size_t m)
{
    const double left = (double)(m - i), n = (double)m, rank = (double)(i + 1);
    switch (correction) {
    case CORRECTION_BONFERRONI:
        return p * n;
    case CORRECTION_SIDAK:
        return sidak(p, n);
    case CORRECTION_HOLM:
    case CORRECTION_HOCHBERG:
        return p * left;
    case CORRECTION_HOLM_SIDAK:
        return sidak(p, left);
    case CORRECTION_BH:
        return p / (rank / n);
    case CORRECTION_BY: {
        double harmonic = 0;
        for (size_t k = 1; k <= m; k++) harmonic += 1 / (double)k;
        return p / (rank / n / harmonic);
    }
    case CORRECTION_HOMMEL:
        break;
    }
    return NAN;
}

// Hommel 1988 by the algorithm of Wright 1992, over sorted p; a is the working array of adjusted values.
static void hommel(const Ordered *sorted, size_t m, double *a)
{
    for (size_t i = 0; i < m; i++) a[i] = sorted[i].p;
    for (size_t k = m; k > 1; k--) {
        const size_t first = m - k + 1; // the k - 1 largest stand from here on
        double least = INFINITY;
        for (size_t i = first; i < m; i++) {
            const double rank = (double)(i - first + 2);
            least = fmin(least, (double)k * sorted[i].p / rank);
        }
        for (size_t i = first; i < m; i++) a[i] = fmax(a[i], least);
        for (size_t i = 0; i < first; i++) {
            a[i] = fmax(a[i], fmin(least, (double)k * sorted[i].p));
        }
    }
}

static void adjust_sorted(Correction correction, const Ordered *sorted, size_t m, double *a)
{
    if (correction == CORRECTION_HOMMEL) {
        hommel(sorted, m, a);
    } else {
        for (size_t i = 0; i < m; i++) a[i] = raised(correction, sorted[i].p, i, m);
    }
    switch (correction) {
    case CORRECTION_HOLM:
    case CORRECTION_HOLM_SIDAK: // step down: no value below one before it
        for (size_t i = 1; i < m; i++) a[i] = fmax(a[i], a[i - 1]);
        break;
    case CORRECTION_HOCHBERG:
    case CORRECTION_BH:
    case CORRECTION_BY: // step up: no value above one after it
        for (size_t i = m; i-- > 1;) a[i - 1] = fmin(a[i - 1], a[i]);
        break;
    case CORRECTION_BONFERRONI:
    case CORRECTION_SIDAK:
    case CORRECTION_HOMMEL:
        break;
    }
    for (size_t i = 0; i < m; i++) a[i] = fmin(a[i], 1);
}

const char *correction_name(Correction correction)
{
    static const char *const names[] = {"bonferroni", "sidak",  "holm", "holm-sidak",
                                        "hochberg",   "hommel", "bh",   "by"};
    return names[correction];
}

Status adjust_p_values(Correction correction, const double *p, size_t n, double *adjusted,
                       Error *err)
{
    Arena arena = {0};
    Ordered *sorted;
    double *values;
    size_t m = 0;
    Status s = arena_take(&arena, n, sizeof *sorted, "p-values", &sorted, err);
    if (s == STATUS_OK) s = arena_take(&arena, n, sizeof *values, "p-values", &values, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        if (p[i] < 0 || p[i] > 1) {
            s = error_set(err, STATUS_INVALID, "p-value %zu is %g, outside [0, 1]", i, p[i]);
        } else if (isnan(p[i])) {
            adjusted[i] = NAN;
        } else {
            sorted[m++] = (Ordered){.p = p[i], .index = i};
        }
    }
    if (s == STATUS_OK && m > 0) {
        qsort(sorted, m, sizeof *sorted, compare_ordered);
        adjust_sorted(correction, sorted, m, values);
        for (size_t i = 0; i < m; i++) adjusted[sorted[i].index] = values[i];
    }
    arena_release(&arena);
    return s;
}
