// What top-p keeps: bit for bit what adding the sorted probabilities one by one says.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "models/generation/sample.h"

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

// The least probability that is kept.
static double lowest_of(const double *p, size_t n, double top_p, size_t n_least, double *sorted)
{
    double sum = 0;
    size_t n_kept = 0;
    memcpy(sorted, p, n * sizeof *p);
    qsort(sorted, n, sizeof *sorted, descending);
    while (n_kept < n && (sum < top_p || n_kept < n_least) && sorted[n_kept] > 0)
        sum += sorted[n_kept++];
    return sorted[n_kept - 1];
}

enum { N_KINDS = 7, MOST = 70000 };

static double score_of(size_t kind, size_t i, double x)
{
    switch (kind) {
    case 0:
        return 3 * x; // flat
    case 1:
        return 40 * x * x * x; // peaked
    case 2:
        return 0; // all equal
    case 3:
        return i % 3 == 0 ? 1 : 0; // two of them
    case 4:
        return floor(6 * x);
    case 5:
        return -(double)i / 500; // a long tail, down to 0
    default:
        return i < 100 ? 5 : -3 * x; // just too many for the first look
    }
}

Test(sample, top_p_keeps_what_adding_sorted_probabilities_keeps)
{
    static const size_t sizes[] = {1, 64, 65, 100, 1000, MOST};
    static double scores[MOST], again[MOST], all[MOST], kept[MOST], scratch[MOST];
    for (size_t c = 0; c < N_KINDS * sizeof sizes / sizeof *sizes; c++) {
        const size_t n = sizes[c / N_KINDS];
        Philox rng = philox_stream(c, 1);
        SampleOptions o = {.temperature = 1};
        for (size_t i = 0; i < n; i++)
            scores[i] = again[i] = score_of(c % N_KINDS, i, philox_double(&rng));
        sample_filter(&o, 1, again, n, all, scratch);
        // Among them sums that are reached exactly, but for rounding: at a change of probabilities, and at the end.
        const double some[] = {1e-9, 0.1, 0.5, 0.9, 0.9999, 1 - 0x1p-53, 0, 0};
        for (size_t t = 0; t < sizeof some / sizeof *some; t++) {
            const size_t n_least = t % 3 == 2 ? 70 : 1;
            double exact = 0;
            for (size_t i = 0; i < n; i++) exact += all[i] > all[n / 2] ? all[i] : 0;
            o.top_p = t == 6 ? exact : t == 7 ? 0.25 : some[t];
            if (o.top_p <= 0 || o.top_p >= 1) continue;
            memcpy(again, scores, n * sizeof *again);
            sample_filter(&o, n_least, again, n, kept, scratch);
            const double lowest = lowest_of(all, n, o.top_p, n_least, scratch);
            for (size_t i = 0; i < n; i++)
                cr_assert(kept[i] == (all[i] < lowest ? 0 : all[i]),
                          "case %zu, top_p %.17g: %zu has %.17g of %.17g, lowest %.17g", c, o.top_p,
                          i, kept[i], all[i], lowest);
        }
    }
}
