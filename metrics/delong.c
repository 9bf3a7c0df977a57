#include "metrics/delong.h"

#include <math.h>

#include "metrics/distributions.h"
#include "metrics/order.h"

static void components_in(const double *scores, const uint32_t *order, const bool *is_positive,
                          size_t n, double *out)
{
    double n_positive = 0, below[2] = {0, 0};
    for (size_t i = 0; i < n; i++) n_positive += is_positive[i];
    const double total[2] = {(double)n - n_positive, n_positive};
    for (size_t begin = 0, end; begin < n; begin = end) {
        double tied[2] = {0, 0};
        for (end = begin; end < n && scores[order[end]] == scores[order[begin]]; end++) {
            tied[is_positive[order[end]]] += 1;
        }
        const double won = below[0] + 0.5 * tied[0], lost = total[1] - below[1] - 0.5 * tied[1];
        for (size_t i = begin; i < end; i++) {
            out[order[i]] = is_positive[order[i]] ? won / total[0] : lost / total[1];
        }
        below[0] += tied[0];
        below[1] += tied[1];
    }
}

Status auc_components(const double *scores, const bool *is_positive, size_t n, double *components,
                      Error *err)
{
    Arena arena = {0};
    uint32_t *order;
    Status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < n; i++) {
        if (!isfinite(scores[i]))
            s = error_set(err, STATUS_INVALID, "score %zu is %g, not a finite number", i,
                          scores[i]);
    }
    if (s == STATUS_OK) s = arena_take(&arena, n, sizeof *order, "an order of scores", &order, err);
    if (s == STATUS_OK) s = order_ascending(scores, 1, n, &arena, order, err);
    if (s == STATUS_OK) components_in(scores, order, is_positive, n, components);
    arena_release(&arena);
    return s;
}

typedef struct Group {
    double n, mean_x, mean_y, xy; // the last: covariance with n - 1
} Group;

static Group group_of(const double *x, const double *y, const bool *is_positive, bool wanted,
                      size_t n)
{
    Group g = {0};
    for (size_t i = 0; i < n; i++) {
        if (is_positive[i] != wanted) continue;
        g.n += 1;
        g.mean_x += x[i];
        g.mean_y += y[i];
    }
    g.mean_x /= g.n;
    g.mean_y /= g.n;
    for (size_t i = 0; i < n; i++) {
        if (is_positive[i] == wanted) g.xy += (x[i] - g.mean_x) * (y[i] - g.mean_y);
    }
    g.xy = g.n > 1 ? g.xy / (g.n - 1) : (double)NAN;
    return g;
}

// Deviations of one cluster's components from the areas, by class.
typedef struct ClusterSums {
    double n[2], x[2], y[2]; // [is_positive]
} ClusterSums;

// What components are of: labels, and clusters where sums [clusters.n_clusters] is not NULL.
typedef struct Items {
    const bool *is_positive;
    size_t n;
    ItemClusters clusters;
    ClusterSums *sums; // scratch
} Items;

static double clustered_covariance(const double *x, const double *y, const Items *items,
                                   const Group *positive)
{
    double squares[2] = {0, 0}, cross = 0, n[2] = {0, 0}, n_with[2] = {0, 0}, n_clusters = 0;
    for (size_t k = 0; k < items->clusters.n_clusters; k++) items->sums[k] = (ClusterSums){0};
    for (size_t i = 0; i < items->n; i++) {
        ClusterSums *c = &items->sums[items->clusters.of[i]];
        const bool class = items->is_positive[i];
        c->n[class] += 1;
        c->x[class] += x[i] - positive->mean_x;
        c->y[class] += y[i] - positive->mean_y;
    }
    for (size_t k = 0; k < items->clusters.n_clusters; k++) {
        const ClusterSums *c = &items->sums[k];
        n_clusters += c->n[0] + c->n[1] > 0;
        cross += c->x[1] * c->y[0] + c->x[0] * c->y[1];
        for (size_t class = 0; class < 2; class ++) {
            n[class] += c->n[class];
            n_with[class] += c->n[class] > 0;
            squares[class] += c->x[class] * c->y[class];
        }
    }
    if (n_with[0] < 2 || n_with[1] < 2) return NAN;
    return n_with[1] / (n_with[1] - 1) * squares[1] / (n[1] * n[1]) +
           n_with[0] / (n_with[0] - 1) * squares[0] / (n[0] * n[0]) +
           n_clusters / (n_clusters - 1) * cross / (n[0] * n[1]);
}

// Covariance of the areas behind two lists of components.
static double covariance(const double *x, const double *y, const Items *items)
{
    const Group positive = group_of(x, y, items->is_positive, true, items->n);
    if (items->sums != NULL) return clustered_covariance(x, y, items, &positive);
    const Group negative = group_of(x, y, items->is_positive, false, items->n);
    return positive.xy / positive.n + negative.xy / negative.n;
}

static Auc area_of(const double *components, const Items *items, double level)
{
    const bool *is_positive = items->is_positive;
    const size_t n = items->n;
    const Group positive = group_of(components, components, is_positive, true, n);
    Auc out = {.interval = {NAN, NAN}, .standard_error = NAN};
    out.n_positive = (size_t)positive.n;
    out.n_negative = n - out.n_positive;
    out.auc = out.n_positive > 0 && out.n_negative > 0 ? positive.mean_x : (double)NAN;
    if (isnan(out.auc)) return out;
    out.standard_error = sqrt(covariance(components, components, items));
    if (!(out.standard_error > 0) || !(out.auc > 0 && out.auc < 1)) return out;
    const double logit = log(out.auc) - log1p(-out.auc);
    const double half =
        normal_quantile(0.5 + 0.5 * level) * out.standard_error / (out.auc * (1 - out.auc));
    out.interval.lo = 1 / (1 + exp(half - logit));
    out.interval.hi = 1 / (1 + exp(-half - logit));
    return out;
}

static Status make_items(const bool *is_positive, const ItemClusters *clusters, size_t n,
                         Arena *arena, Items *out, Error *err)
{
    *out = (Items){.is_positive = is_positive, .n = n};
    if (clusters == NULL) return STATUS_OK;
    out->clusters = *clusters;
    return arena_take(arena, clusters->n_clusters, sizeof *out->sums, "clusters", &out->sums, err);
}

Status auc_delong(const double *scores, const bool *is_positive, const ItemClusters *clusters,
                  size_t n, double level, Auc *out, Error *err)
{
    Arena arena = {0};
    Items items;
    double *components;
    Status s = make_items(is_positive, clusters, n, &arena, &items, err);
    if (s == STATUS_OK)
        s = arena_take(&arena, n, sizeof *components, "components", &components, err);
    if (s == STATUS_OK) s = auc_components(scores, is_positive, n, components, err);
    if (s == STATUS_OK) *out = area_of(components, &items, level);
    arena_release(&arena);
    return s;
}

static void compare_areas(const double *x, const double *y, const Items *items, double level,
                          AucDifference *out)
{
    out->first = area_of(x, items, level);
    out->second = area_of(y, items, level);
    out->difference = out->second.auc - out->first.auc;
    const double variance =
        covariance(x, x, items) + covariance(y, y, items) - 2 * covariance(x, y, items);
    out->standard_error = sqrt(fmax(0, variance));
    if (isnan(variance)) out->standard_error = NAN;
    out->interval = interval_t(out->difference, out->standard_error, INFINITY, level);
    bool is_same = true;
    for (size_t i = 0; i < items->n; i++) is_same &= x[i] == y[i];
    const double z = is_same ? 0 : out->difference / out->standard_error;
    out->test = (TestResult){.statistic = z,
                             .df = NAN,
                             .p = fmin(1, 2 * normal_sf(fabs(z))),
                             .p_less = normal_cdf(z),
                             .p_greater = normal_sf(z)};
    if (isnan(out->difference) || isnan(z)) {
        out->test =
            (TestResult){.statistic = NAN, .df = NAN, .p = NAN, .p_less = NAN, .p_greater = NAN};
    }
}

Status auc_delong_paired(const double *first, const double *second, const bool *is_positive,
                         const ItemClusters *clusters, size_t n, double level, AucDifference *out,
                         Error *err)
{
    Arena arena = {0};
    Items items;
    double *x, *y;
    Status s = make_items(is_positive, clusters, n, &arena, &items, err);
    if (s == STATUS_OK) s = arena_take(&arena, n, sizeof *x, "components", &x, err);
    if (s == STATUS_OK) s = arena_take(&arena, n, sizeof *y, "components", &y, err);
    if (s == STATUS_OK) s = auc_components(first, is_positive, n, x, err);
    if (s == STATUS_OK) s = auc_components(second, is_positive, n, y, err);
    if (s == STATUS_OK) compare_areas(x, y, &items, level, out);
    arena_release(&arena);
    return s;
}
