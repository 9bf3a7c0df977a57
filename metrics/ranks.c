// Tests that go by rank.
#include <math.h>

#include "base/size.h"
#include "metrics/distributions.h"
#include "metrics/hypothesis.h"
#include "metrics/order.h"

enum { MAX_EXACT_RANKS = 5000, MAX_EXACT_PAIRS = 100000 };

static Status ranks_in(Arena *arena, const double *values, size_t n, double *ranks, double *ties,
                       Error *err)
{
    uint32_t *order;
    double cubes = 0;
    TRY(arena_take(arena, n, sizeof *order, "an order of values", &order, err));
    TRY(order_ascending(values, 1, n, arena, order, err));
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && values[order[end]] == values[order[begin]];) end++;
        const double t = (double)(end - begin), rank = 0.5 * (double)(begin + 1 + end);
        for (size_t i = begin; i < end; i++) ranks[order[i]] = rank;
        cubes += t * t * t - t;
    }
    if (ties != NULL) *ties = cubes;
    return STATUS_OK;
}

Status rank_average(const double *values, size_t n, double *ranks, double *ties, Error *err)
{
    Arena arena = {0};
    const Status s = ranks_in(&arena, values, n, ranks, ties, err);
    arena_release(&arena);
    return s;
}

typedef struct SignedRanks {
    double *differences, *ranks;
    size_t n;       // ranked differences: without zeros when they are dropped
    double n_zeros; // among the ranked ones
    double plus, minus;
    double ties; // sum of t^3 - t, without the zeros' group
} SignedRanks;

static Status rank_differences(Arena *arena, const double *x, const double *y, size_t n,
                               WilcoxonZeros zeros, SignedRanks *out, Error *err)
{
    double *sizes;
    *out = (SignedRanks){0};
    TRY(arena_take(arena, n, sizeof(double), "differences", &out->differences, err));
    TRY(arena_take(arena, n, sizeof(double), "ranks", &out->ranks, err));
    TRY(arena_take(arena, n, sizeof *sizes, "differences", &sizes, err));
    for (size_t i = 0; i < n; i++) {
        const double d = x[i] - y[i];
        if (isnan(d)) return error_set(err, STATUS_INVALID, "difference %zu is not a number", i);
        if (d == 0 && zeros == WILCOXON_DROP) continue;
        out->differences[out->n] = d;
        sizes[out->n++] = fabs(d);
        out->n_zeros += d == 0;
    }
    TRY(ranks_in(arena, sizes, out->n, out->ranks, &out->ties, err));
    if (zeros == WILCOXON_PRATT) {
        out->ties -= out->n_zeros * out->n_zeros * out->n_zeros - out->n_zeros;
    }
    for (size_t i = 0; i < out->n; i++) {
        const double d = out->differences[i], r = out->ranks[i];
        if (d == 0 && zeros != WILCOXON_SPLIT) continue;
        out->plus += d > 0 ? r : d == 0 ? r / 2 : 0;
        out->minus += d < 0 ? r : d == 0 ? r / 2 : 0;
    }
    return STATUS_OK;
}

static void wilcoxon_normal(const SignedRanks *ranks, WilcoxonZeros zeros, bool is_corrected,
                            TestResult *out)
{
    const double n = (double)ranks->n, z0 = zeros == WILCOXON_PRATT ? ranks->n_zeros : 0;
    const double mean = 0.25 * (n * (n + 1) - z0 * (z0 + 1));
    const double variance =
        (n * (n + 1) * (2 * n + 1) - z0 * (z0 + 1) * (2 * z0 + 1) - 0.5 * ranks->ties) / 24;
    const double deviation = ranks->plus - mean, error = sqrt(variance);
    const double half = is_corrected ? 0.5 : 0;
    const double toward = deviation > 0 ? half : deviation < 0 ? -half : 0;
    out->p = fmin(1, 2 * normal_sf(fabs((deviation - toward) / error)));
    out->p_less = normal_cdf((deviation + half) / error);
    out->p_greater = normal_sf((deviation - half) / error);
}

// Chances of the sums of positive ranks under all sign assignments. Ranks are halves of integers, so twice them index
// the table.
static Status wilcoxon_exact(Arena *arena, const SignedRanks *ranks, TestResult *out, Error *err)
{
    if (ranks->n > MAX_EXACT_RANKS) {
        return error_set(err, STATUS_INVALID, "%zu differences are too many for an exact test",
                         ranks->n);
    }
    const size_t n_sums = ranks->n * (ranks->n + 1) + 1;
    double *chance;
    TRY(arena_take(arena, n_sums, sizeof *chance, "rank sums", &chance, err));
    chance[0] = 1;
    size_t top = 0;
    for (size_t i = 0; i < ranks->n; i++) {
        const size_t step = (size_t)(2 * ranks->ranks[i]);
        top += step;
        for (size_t s = top + 1; s-- > 0;) {
            chance[s] = 0.5 * (chance[s] + (s >= step ? chance[s - step] : 0));
        }
    }
    const size_t seen = (size_t)(2 * ranks->plus);
    out->p_less = 0;
    out->p_greater = 0;
    for (size_t s = 0; s <= seen; s++) out->p_less += chance[s];
    for (size_t s = top + 1; s-- > seen;) out->p_greater += chance[s];
    out->p = fmin(1, 2 * fmin(out->p_less, out->p_greater));
    return STATUS_OK;
}

Status wilcoxon(const double *x, const double *y, size_t n, WilcoxonZeros zeros,
                WilcoxonMethod method, bool is_corrected, TestResult *out, Error *err)
{
    *out = (TestResult){.statistic = NAN, .df = NAN, .p = NAN, .p_less = NAN, .p_greater = NAN};
    if (method == WILCOXON_EXACT) zeros = WILCOXON_DROP;
    Arena arena = {0};
    SignedRanks ranks;
    Status s = rank_differences(&arena, x, y, n, zeros, &ranks, err);
    if (s == STATUS_OK) {
        out->statistic = fmin(ranks.plus, ranks.minus);
        const bool is_plain = ranks.ties == 0 && ranks.n == n && ranks.n_zeros == 0;
        if (method == WILCOXON_AUTO && n <= (is_plain ? 50 : 13) && zeros == WILCOXON_DROP) {
            method = WILCOXON_EXACT;
        }
        if (ranks.n == 0) {
            out->p = out->p_less = out->p_greater = 1; // the two agree everywhere
        } else if (method == WILCOXON_EXACT) {
            s = wilcoxon_exact(&arena, &ranks, out, err);
        } else {
            wilcoxon_normal(&ranks, zeros, is_corrected, out);
        }
    }
    arena_release(&arena);
    return s;
}

// Chances of each U of n_x and n_y untied values, by the generating function prod (1 - q^(n_y + i)) / (1 - q^i).
static Status u_chances(Arena *arena, size_t n_x, size_t n_y, double **out, Error *err)
{
    const size_t n = n_x * n_y + 1;
    double *chance;
    TRY(arena_take(arena, n, sizeof *chance, "chances of U", &chance, err));
    chance[0] = 1;
    for (size_t i = 1; i <= n_x; i++) {
        for (size_t u = n; u-- > n_y + i;) chance[u] -= chance[u - n_y - i];
        for (size_t u = i; u < n; u++) chance[u] += chance[u - i];
        // Scaled by the ratio of successive binomials, so that values stay chances.
        const double scale = (double)i / (double)(n_y + i);
        for (size_t u = 0; u < n; u++) chance[u] *= scale;
    }
    *out = chance;
    return STATUS_OK;
}

static Status u_exact(Arena *arena, double u, size_t n_x, size_t n_y, TestResult *out, Error *err)
{
    double *chance;
    TRY(u_chances(arena, n_x, n_y, &chance, err));
    const size_t n = n_x * n_y + 1, seen = (size_t)u;
    out->p_less = 0;
    out->p_greater = 0;
    for (size_t i = 0; i <= seen && i < n; i++) out->p_less += chance[i];
    for (size_t i = n; i-- > seen;) out->p_greater += chance[i];
    out->p = fmin(1, 2 * fmin(out->p_less, out->p_greater));
    return STATUS_OK;
}

static void u_normal(double u, double n_x, double n_y, double ties, TestResult *out)
{
    const double n = n_x + n_y, mean = 0.5 * n_x * n_y;
    const double error = sqrt(n_x * n_y / 12 * (n + 1 - ties / (n * (n - 1))));
    out->p = fmin(1, 2 * normal_sf((fabs(u - mean) - 0.5) / error));
    out->p_less = normal_cdf((u - mean + 0.5) / error);
    out->p_greater = normal_sf((u - mean - 0.5) / error);
}

static Status rank_both(Arena *arena, const double *x, size_t n_x, const double *y, size_t n_y,
                        double *u, double *ties, Error *err)
{
    double *all, *ranks;
    size_t n;
    if (!size_add(n_x, n_y, &n)) return error_set_memory(err, n_x, n_y, "values");
    TRY(arena_take(arena, n, sizeof *all, "values", &all, err));
    TRY(arena_take(arena, n, sizeof *ranks, "ranks", &ranks, err));
    for (size_t i = 0; i < n; i++) {
        all[i] = i < n_x ? x[i] : y[i - n_x];
        if (isnan(all[i])) return error_set(err, STATUS_INVALID, "a value is not a number");
    }
    TRY(ranks_in(arena, all, n, ranks, ties, err));
    double sum = 0;
    for (size_t i = 0; i < n_x; i++) sum += ranks[i];
    *u = sum - 0.5 * (double)n_x * ((double)n_x + 1);
    return STATUS_OK;
}

Status mann_whitney(const double *x, size_t n_x, const double *y, size_t n_y, bool is_exact,
                    TestResult *out, Error *err)
{
    *out = (TestResult){.statistic = NAN, .df = NAN, .p = NAN, .p_less = NAN, .p_greater = NAN};
    if (n_x == 0 || n_y == 0) return STATUS_OK;
    size_t pairs;
    if (is_exact && (!size_mul(n_x, n_y, &pairs) || pairs > MAX_EXACT_PAIRS)) {
        return error_set(err, STATUS_INVALID, "%zu x %zu values are too many for an exact test",
                         n_x, n_y);
    }
    Arena arena = {0};
    double ties;
    Status s = rank_both(&arena, x, n_x, y, n_y, &out->statistic, &ties, err);
    if (s == STATUS_OK && is_exact) {
        s = u_exact(&arena, out->statistic, n_x, n_y, out, err);
    } else if (s == STATUS_OK) {
        u_normal(out->statistic, (double)n_x, (double)n_y, ties, out);
    }
    arena_release(&arena);
    return s;
}

Status cliffs_delta(const double *x, size_t n_x, const double *y, size_t n_y, double *out,
                    Error *err)
{
    Arena arena = {0};
    double u = 0, ties;
    const Status s = rank_both(&arena, x, n_x, y, n_y, &u, &ties, err);
    // U counts wins and half of the ties.
    *out = s == STATUS_OK && n_x > 0 && n_y > 0 ? 2 * u / ((double)n_x * (double)n_y) - 1
                                                : (double)NAN;
    arena_release(&arena);
    return s;
}
