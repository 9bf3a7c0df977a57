#include "metrics/intervals.h"

#include <math.h>

#include "metrics/distributions.h"
#include "metrics/resample.h"

static const Interval undefined = {NAN, NAN};

static bool is_count(double k, double n, double level)
{
    return n > 0 && k >= 0 && k <= n && level > 0 && level < 1;
}

// Keeps rounding from pushing an end outside [0, 1].
static Interval in_unit(double lo, double hi)
{
    return (Interval){fmax(0, lo), fmin(1, hi)};
}

static double z_of(double level)
{
    return normal_quantile(0.5 + 0.5 * level);
}

Interval interval_wilson(double k, double n, double level)
{
    if (!is_count(k, n, level)) return undefined;
    const double z = z_of(level), zz = z * z, p = k / n;
    const double center = (p + zz / (2 * n)) / (1 + zz / n);
    const double half = z * sqrt(p * (1 - p) / n + zz / (4 * n * n)) / (1 + zz / n);
    Interval out = in_unit(center - half, center + half);
    if (k == 0) out.lo = 0;
    if (k == n) out.hi = 1;
    return out;
}

Interval interval_wilson_corrected(double k, double n, double level)
{
    if (!is_count(k, n, level)) return undefined;
    const double z = z_of(level), zz = z * z, p = k / n;
    const double below = zz - 2 - 1 / n + 4 * p * (n * (1 - p) + 1);
    const double above = zz + 2 - 1 / n + 4 * p * (n * (1 - p) - 1);
    Interval out = in_unit((2 * k + zz - 1 - z * sqrt(fmax(0, below))) / (2 * (n + zz)),
                           (2 * k + zz + 1 + z * sqrt(fmax(0, above))) / (2 * (n + zz)));
    if (k == 0) out.lo = 0;
    if (k == n) out.hi = 1;
    return out;
}

Interval interval_clopper_pearson(double k, double n, double level)
{
    if (!is_count(k, n, level)) return undefined;
    const double tail = 0.5 * (1 - level);
    // The upper end by symmetry, so that its tail is not written as 1 - tail.
    return (Interval){k == 0 ? 0 : beta_quantile(tail, k, n - k + 1),
                      k == n ? 1 : 1 - beta_quantile(tail, n - k, k + 1)};
}

Interval interval_agresti_coull(double k, double n, double level)
{
    if (!is_count(k, n, level)) return undefined;
    const double z = z_of(level), zz = z * z, adjusted = n + zz;
    const double p = (k + zz / 2) / adjusted, half = z * sqrt(p * (1 - p) / adjusted);
    return in_unit(p - half, p + half);
}

Interval interval_jeffreys(double k, double n, double level)
{
    if (!is_count(k, n, level)) return undefined;
    const double tail = 0.5 * (1 - level);
    return (Interval){beta_quantile(tail, k + 0.5, n - k + 0.5),
                      beta_quantile(1 - tail, k + 0.5, n - k + 0.5)};
}

Interval interval_wald(double k, double n, double level)
{
    if (!is_count(k, n, level)) return undefined;
    const double p = k / n, half = z_of(level) * sqrt(p * (1 - p) / n);
    return in_unit(p - half, p + half);
}

Interval interval_t(double center, double standard_error, double df, double level)
{
    if (!(standard_error >= 0) || !(df > 0) || !(level > 0 && level < 1)) return undefined;
    const double half = t_upper_quantile(0.5 * (1 - level), df) * standard_error;
    return (Interval){center - half, center + half};
}

// Sums residuals and marks by cluster; by_cluster and is_seen hold n_clusters zeros.
static void spread_residuals(const RowSet *rows, size_t width, double mean, double *by_cluster,
                             unsigned char *is_seen, double *naive)
{
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double w = weight_of(rows, i);
        if (w == 0) continue;
        const double *x = rows->values + i * width;
        const double residual = w * (x[0] - mean * x[1]);
        const size_t c = rows->clusters != NULL ? rows->clusters[i] : i;
        by_cluster[c] += residual;
        is_seen[c] = 1;
        *naive += residual * residual;
    }
}

static void finish_mean(ClusteredMean *out, const double *by_cluster, const unsigned char *is_seen,
                        size_t n_clusters, double naive, size_t n, double denominator)
{
    double squares = 0;
    for (size_t c = 0; c < n_clusters; c++) {
        squares += by_cluster[c] * by_cluster[c];
        out->n_clusters += is_seen[c];
    }
    const double g = (double)out->n_clusters, m = (double)n;
    if (denominator != 0 && out->n_clusters > 1) {
        out->standard_error = sqrt(g / (g - 1) * squares) / fabs(denominator);
    }
    if (denominator != 0 && n > 1) {
        out->naive_error = sqrt(m / (m - 1) * naive) / fabs(denominator);
    }
    if (out->naive_error > 0) {
        const double ratio = out->standard_error / out->naive_error;
        out->design_effect = ratio * ratio;
    }
}

Status clustered_mean(const RowSet *rows, size_t width, ClusteredMean *out, Error *err)
{
    *out = (ClusteredMean){
        .mean = NAN, .standard_error = NAN, .naive_error = NAN, .design_effect = NAN};
    double sums[2] = {0, 0}, weights = 0, squared_weights = 0, naive = 0;
    size_t n = 0;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double w = weight_of(rows, i);
        sums[0] += w * rows->values[i * width];
        sums[1] += w * rows->values[i * width + 1];
        weights += w;
        squared_weights += w * w;
        n += w != 0;
    }
    out->n_effective = squared_weights > 0 ? weights * weights / squared_weights : 0;
    if (sums[1] != 0) out->mean = sums[0] / sums[1];
    const size_t n_clusters = rows->clusters != NULL ? rows->n_clusters : rows->n_rows;
    Arena arena = {0};
    double *by_cluster = NULL;
    unsigned char *is_seen = NULL;
    Status s = arena_take(&arena, n_clusters, sizeof *by_cluster, "cluster sums", &by_cluster, err);
    if (s == STATUS_OK) {
        s = arena_take(&arena, n_clusters, sizeof *is_seen, "cluster marks", &is_seen, err);
    }
    if (s == STATUS_OK) {
        spread_residuals(rows, width, out->mean, by_cluster, is_seen, &naive);
        finish_mean(out, by_cluster, is_seen, n_clusters, naive, n, sums[1]);
    }
    arena_release(&arena);
    return s;
}
