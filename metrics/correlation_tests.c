#include "metrics/correlation_tests.h"

#include <math.h>

#include "metrics/distributions.h"
#include "metrics/distributions_internal.h"
#include "metrics/evaluate.h"
#include "metrics/metrics_list.h"
#include "metrics/order.h"

enum { MAX_EXACT_VALUES = 33 };

static Status score_pairs(const Metric *metric, const char *params, const RowSet *rows, double *out,
                          Error *err)
{
    Arena arena = {0};
    JsonDocument *document = NULL;
    MetricPlan plan;
    Status s = params == NULL ? STATUS_OK
                              : json_parse(SLICE("params"), slice_from_cstr(params), JSON_STRICT,
                                           &document, err);
    const MetricSetup setup = {.params = document != NULL ? json_root(document) : NULL};
    if (s == STATUS_OK) s = metric_plan(metric, &setup, &arena, &plan, err);
    if (s == STATUS_OK) s = estimates_of_rows(&plan, rows, NULL, out, err);
    json_close(&document);
    arena_release(&arena);
    return s;
}

static double pearson_p(double r, double n)
{
    if (isnan(r)) return NAN;
    if (n == 2) return 1; // two points always lie on a line
    const double tail = 0.5 * (1 - fabs(r));
    return fmin(1, 2 * beta_tails(tail, 1 - tail, 0.5 * n - 1, 0.5 * n - 1).lower);
}

static double spearman_p(double r, double n)
{
    if (isnan(r) || n < 3) return NAN;
    return fmin(1, 2 * t_sf(fabs(r) * sqrt((n - 2) / ((1 + r) * (1 - r))), n - 2));
}

// Sums over groups of t equal values: of t (t - 1) / 2 and the two further terms of the variance.
typedef struct Ties {
    double pairs, triples, spread;
} Ties;

static Status ties_of(const double *pairs, size_t side, size_t n, Arena *arena, Ties *out,
                      Error *err)
{
    uint32_t *order;
    *out = (Ties){0};
    TRY(arena_take(arena, n, sizeof *order, "an order of values", &order, err));
    TRY(order_ascending(pairs + side, 2, n, arena, order, err));
    for (size_t begin = 0, end; begin < n; begin = end) {
        const double value = pairs[2 * (size_t)order[begin] + side];
        for (end = begin + 1; end < n && pairs[2 * (size_t)order[end] + side] == value;) end++;
        const double t = (double)(end - begin);
        out->pairs += t * (t - 1) / 2;
        out->triples += t * (t - 1) * (t - 2);
        out->spread += t * (t - 1) * (2 * t + 5);
    }
    return STATUS_OK;
}

// The chance of at most c pairs out of order among n untied values, from Kendall's recurrence: the n-th value brings 0 to
// n - 1 of them, each with chance 1 / n.
static Status kendall_exact(size_t n, size_t c, Arena *arena, double *p, Error *err)
{
    double *chance, *sums;
    TRY(arena_take(arena, c + 1, sizeof *chance, "chances", &chance, err));
    TRY(arena_take(arena, c + 2, sizeof *sums, "sums of chances", &sums, err));
    chance[0] = 1;
    for (size_t j = 2; j <= n; j++) {
        for (size_t i = 0; i <= c; i++) sums[i + 1] = sums[i] + chance[i];
        for (size_t i = 0; i <= c; i++) {
            chance[i] = (sums[i + 1] - (i + 1 > j ? sums[i + 1 - j] : 0)) / (double)j;
        }
    }
    *p = 0;
    for (size_t i = 0; i <= c; i++) *p += chance[i];
    return STATUS_OK;
}

static Status kendall_p(const double *pairs, size_t n, double tau, Arena *arena, double *p,
                        Error *err)
{
    Ties x, y;
    *p = NAN;
    if (isnan(tau)) return STATUS_OK;
    TRY(ties_of(pairs, 0, n, arena, &x, err));
    TRY(ties_of(pairs, 1, n, arena, &y, err));
    const double m = (double)n, total = m * (m - 1) / 2;
    const double agreement = round(tau * sqrt(total - x.pairs) * sqrt(total - y.pairs));
    const double least = fmin(total - agreement, total + agreement) / 2;
    const bool is_untied = x.pairs == 0 && y.pairs == 0;
    if (is_untied && 2 * least >= total) {
        *p = 1;
    } else if (is_untied && (n <= MAX_EXACT_VALUES || least <= 1)) {
        TRY(kendall_exact(n, (size_t)least, arena, p, err));
        *p = fmin(1, 2 * *p);
    } else {
        const double variance = (2 * total * (2 * m + 5) - x.spread - y.spread) / 18 +
                                x.pairs * y.pairs / total +
                                x.triples * y.triples / (9 * 2 * total * (m - 2));
        *p = fmin(1, 2 * normal_sf(fabs(agreement) / sqrt(variance)));
    }
    return STATUS_OK;
}

static void fisher_interval(double n, double level, CorrelationResult *pearson)
{
    if (n < 4 || isnan(pearson->r)) return;
    const double half = normal_quantile(0.5 + 0.5 * level) / sqrt(n - 3);
    pearson->lo = tanh(atanh(pearson->r) - half);
    pearson->hi = tanh(atanh(pearson->r) + half);
}

static Status test_pairs(const double *pairs, size_t n, double level, Arena *arena,
                         CorrelationTests *out, Error *err)
{
    const RowSet rows = {.values = pairs, .n_rows = n, .n_clusters = n};
    const double m = (double)n;
    TRY(score_pairs(&metric_pearson, NULL, &rows, &out->pearson.r, err));
    TRY(score_pairs(&metric_spearman, NULL, &rows, &out->spearman.r, err));
    TRY(score_pairs(&metric_kendall, NULL, &rows, &out->kendall_b.r, err));
    TRY(score_pairs(&metric_kendall, "{\"variant\": \"c\"}", &rows, &out->kendall_c.r, err));
    TRY(score_pairs(&metric_r2, NULL, &rows, &out->r2, err));
    TRY(score_pairs(&metric_concordance, NULL, &rows, &out->concordance, err));
    out->mse = 0;
    out->mae = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = pairs[2 * i + 1] - pairs[2 * i];
        out->mse += d * d;
        out->mae += fabs(d);
    }
    out->mse /= m;
    out->mae /= m;
    out->pearson.p = pearson_p(out->pearson.r, m);
    out->spearman.p = spearman_p(out->spearman.r, m);
    TRY(kendall_p(pairs, n, out->kendall_b.r, arena, &out->kendall_b.p, err));
    out->kendall_c.p = out->kendall_b.p;
    fisher_interval(m, level, &out->pearson);
    return STATUS_OK;
}

Status correlation_tests(const double *x, const double *y, size_t n, double level,
                         CorrelationTests *out, Error *err)
{
    const CorrelationResult none = {NAN, NAN, NAN, NAN};
    *out = (CorrelationTests){none, none, none, none, NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < n; i++) {
        if (isfinite(x[i]) && isfinite(y[i])) continue;
        return error_set(err, STATUS_INVALID, "pair %zu (%g, %g) is not finite", i, x[i], y[i]);
    }
    if (n == 0) return STATUS_OK;
    Arena arena = {0};
    double *pairs;
    Status s = arena_take(&arena, n, 2 * sizeof *pairs, "pairs", &pairs, err);
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        pairs[2 * i] = x[i];
        pairs[2 * i + 1] = y[i];
    }
    if (s == STATUS_OK) s = test_pairs(pairs, n, level, &arena, out, err);
    arena_release(&arena);
    return s;
}
