#include "metrics/paired.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "metrics/distributions.h"
#include "metrics/hypothesis.h"
#include "metrics/power.h"
#include "metrics/resample.h"

typedef struct Comparison {
    const System *systems; // [2]
    PairedOptions options;
    Arena scratch;
    double df;           // of the t interval; NaN where there is none
    double *differences; // [n_kept] of the bootstrap, finite ones
    size_t n_kept;
} Comparison;

static PairedOptions with_defaults(const PairedOptions *options)
{
    PairedOptions o = options != NULL ? *options : (PairedOptions){0};
    if (o.level == 0) o.level = 0.95;
    if (o.n_resamples == 0) o.n_resamples = DEFAULT_RESAMPLES;
    if (o.n_permutations == 0) o.n_permutations = DEFAULT_PERMUTATIONS;
    return o;
}

static Status check(const Comparison *c, Error *err)
{
    const RowSet *a = c->systems[0].rows, *b = c->systems[1].rows;
    const PairedOptions *o = &c->options;
    const Metric *metric = c->systems[0].plan->metric;
    if (metric != c->systems[1].plan->metric) {
        return error_set(err, STATUS_INVALID, "systems must be scored with the same metric");
    }
    if (a->n_rows == 0) return error_set(err, STATUS_INVALID, "there are no items to compare");
    if (!(o->level > 0 && o->level < 1) || !(o->margin >= 0)) {
        return error_set(err, STATUS_INVALID,
                         "level %g must lie in (0, 1) and margin %g be at least 0", o->level,
                         o->margin);
    }
    if (o->method != INTERVAL_AUTO && o->method != INTERVAL_T && o->method != INTERVAL_PERCENTILE) {
        return error_set(err, STATUS_INVALID, "a difference has intervals by t or bootstrap alone");
    }
    if (o->method == INTERVAL_T && metric->form == FORM_GENERAL) {
        return error_set(err, STATUS_INVALID,
                         "metric %s is no mean over items: its interval must be bootstrap",
                         metric->name);
    }
    if (a->n_rows != b->n_rows || (a->clusters == NULL) != (b->clusters == NULL)) return STATUS_OK;
    for (size_t i = 0; a->clusters != NULL && i < a->n_rows; i++) {
        if (a->clusters[i] == b->clusters[i]) continue;
        return error_set(err, STATUS_INVALID,
                         "item %zu lies in cluster %u for one system and %u for the other", i,
                         a->clusters[i], b->clusters[i]);
    }
    return STATUS_OK;
}

static bool is_identical(const Comparison *c)
{
    const RowSet *a = c->systems[0].rows, *b = c->systems[1].rows;
    const size_t width = c->systems[0].plan->width;
    for (size_t i = 0; i < a->n_rows; i++) {
        if (weight_of(a, i) != weight_of(b, i)) return false;
        for (size_t k = 0; k < width; k++) {
            if (a->values[i * width + k] != b->values[i * width + k]) return false;
        }
    }
    return true;
}

// Sums over one system's items, for a mean sums[0] / sums[1].
static double weighted_mean(const RowSet *rows, size_t width, double *weight)
{
    double sums[2] = {0, 0};
    for (size_t i = 0; i < rows->n_rows; i++) {
        sums[0] += weight_of(rows, i) * rows->values[i * width];
        sums[1] += weight_of(rows, i) * rows->values[i * width + 1];
    }
    *weight = sums[1];
    return sums[0] / sums[1];
}

// Where one system is right and the other wrong on every unit, the items show no spread and t gives no width: half an
// item is added to each cell of the two-by-two table (Agresti & Min 2005).
static void widen_degenerate(const Comparison *c, Paired *out)
{
    const double g = (double)unit_count(c->systems[0].rows), n = g + 2;
    const double center = out->difference * g / n;
    const double error = sqrt((g + 1 - g * g / n) / (n * n));
    const double half = normal_quantile(0.5 + 0.5 * c->options.level) * error;
    out->standard_error = error;
    out->lo = fmax(-1, center - half);
    out->hi = fmin(1, center + half);
    out->method = SLICE("agresti-min");
}

// The clustered standard error of the difference of two means, from the difference of their linearised residuals, and
// the correlation of the residuals by item.
static Status compare_means(Comparison *c, Paired *out, Error *err)
{
    const RowSet *a = c->systems[0].rows, *b = c->systems[1].rows;
    const size_t width = c->systems[0].plan->width, n_units = unit_count(a);
    double weight_a, weight_b, *by_unit;
    const double mean_a = weighted_mean(a, width, &weight_a);
    const double mean_b = weighted_mean(b, width, &weight_b);
    TRY(arena_take(&c->scratch, n_units, sizeof *by_unit, "cluster sums", &by_unit, err));
    double aa = 0, bb = 0, ab = 0, squares = 0;
    for (size_t i = 0; i < a->n_rows; i++) {
        const double *x = a->values + i * width, *y = b->values + i * width;
        const double ea = weight_of(a, i) * (x[0] - mean_a * x[1]) / weight_a;
        const double eb = weight_of(b, i) * (y[0] - mean_b * y[1]) / weight_b;
        aa += ea * ea;
        bb += eb * eb;
        ab += ea * eb;
        by_unit[unit_of(a, i)] += eb - ea;
    }
    for (size_t u = 0; u < n_units; u++) squares += by_unit[u] * by_unit[u];
    const double g = (double)n_units;
    out->correlation = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : (double)NAN;
    c->df = g - 1;
    const double error = n_units > 1 ? sqrt(g / (g - 1) * squares) : (double)NAN;
    const double t = out->difference / error;
    out->p_t = out->difference == 0 ? 1 : fmin(1, 2 * t_sf(fabs(t), c->df));
    if (c->options.method == INTERVAL_PERCENTILE) return STATUS_OK;
    out->standard_error = error;
    const Interval interval = interval_t(out->difference, error, c->df, c->options.level);
    out->lo = interval.lo;
    out->hi = interval.hi;
    out->method = a->clusters != NULL ? SLICE("t clustered") : SLICE("t");
    const bool is_proportion = c->systems[0].plan->metric->form == FORM_PROPORTION;
    if (is_proportion && error == 0 && out->difference != 0) widen_degenerate(c, out);
    return STATUS_OK;
}

static void count_discordant(const Comparison *c, Paired *out)
{
    const RowSet *a = c->systems[0].rows, *b = c->systems[1].rows;
    const size_t width = c->systems[0].plan->width;
    if (a->clusters != NULL || a->weights != NULL || b->weights != NULL) return;
    out->only_first = 0;
    out->only_second = 0;
    for (size_t i = 0; i < a->n_rows; i++) {
        const double x = a->values[i * width], y = b->values[i * width];
        out->only_first += x > y;
        out->only_second += y > x;
    }
    out->p_mcnemar = mcnemar_exact(out->only_first, out->only_second);
    out->p_mcnemar_mid = mcnemar_mid_p(out->only_first, out->only_second);
}

// Draws that differ from what was seen by rounding alone count as equal to it.
static bool is_as_far(double value, double seen, bool is_strict)
{
    const double slack = 1e-12 * fmax(fabs(seen), 1e-300);
    return is_strict ? fabs(value) > fabs(seen) : fabs(value) >= fabs(seen) - slack;
}

double p_of_swaps(const double *draws, size_t n_draws, size_t n_scores, double difference,
                  bool is_strict)
{
    size_t n_far = 0, n = 0;
    for (size_t r = 0; r < n_draws; r++) {
        const double d = draws[(2 * r + 1) * n_scores] - draws[2 * r * n_scores];
        if (!isfinite(d)) continue;
        n++;
        n_far += is_as_far(d, difference, is_strict);
    }
    return ((double)n_far + 1) / ((double)n + 1);
}

double p_of_bootstrap(const double *draws, size_t n_draws, size_t n_scores, double difference,
                      bool is_strict)
{
    double sum = 0;
    size_t n = 0, n_far = 0;
    for (size_t r = 0; r < n_draws; r++) {
        const double d = draws[(2 * r + 1) * n_scores] - draws[2 * r * n_scores];
        if (!isfinite(d)) continue;
        sum += d;
        n++;
    }
    const double mean = n > 0 ? sum / (double)n : 0;
    for (size_t r = 0; r < n_draws; r++) {
        const double d = draws[(2 * r + 1) * n_scores] - draws[2 * r * n_scores];
        if (isfinite(d)) n_far += is_as_far(d - mean, difference, is_strict);
    }
    return ((double)n_far + 1) / ((double)n + 1);
}

static Status take_draws(Comparison *c, ResampleKind kind, size_t n_draws, double **draws,
                         Error *err)
{
    const size_t n_scores = c->systems[0].plan->n_scores;
    size_t cells;
    if (!size_mul(n_draws, 2 * n_scores, &cells)) {
        return error_set_memory(err, n_draws, 2 * n_scores, "draws");
    }
    TRY(arena_take(&c->scratch, cells, sizeof **draws, "draws", draws, err));
    return bootstrap_replicates(c->systems, 2, kind, n_draws, c->options.seed, c->options.pool,
                                *draws, err);
}

static Status bootstrap_both(Comparison *c, Arena *arena, Paired *out, Error *err)
{
    const size_t n = c->options.n_resamples, n_scores = c->systems[0].plan->n_scores;
    double *draws;
    TRY(take_draws(c, RESAMPLE_BOOTSTRAP, n, &draws, err));
    out->n_resamples = n;
    out->p_bootstrap = p_of_bootstrap(draws, n, n_scores, out->difference, c->options.is_strict);
    TRY(arena_take(&c->scratch, n, sizeof(double), "differences", &c->differences, err));
    for (size_t r = 0; r < n; r++) {
        c->differences[r] = draws[(2 * r + 1) * n_scores] - draws[2 * r * n_scores];
    }
    c->n_kept = drop_undefined(c->differences, n);
    out->n_undefined = n - c->n_kept;
    if (out->method.len > 0) return STATUS_OK; // t has given the interval
    out->standard_error = standard_deviation(c->differences, c->n_kept);
    const Interval interval = interval_percentile(c->differences, c->n_kept, c->options.level);
    if (unit_count(c->systems[0].rows) > 1) {
        out->lo = interval.lo;
        out->hi = interval.hi;
    }
    const char *method = arena_printf(arena, "bootstrap-percentile %zu seed %llu", n,
                                      (unsigned long long)c->options.seed);
    if (method == NULL) return error_set_memory(err, 1, 64, "the method of an interval");
    out->method = slice_from_cstr(method);
    return STATUS_OK;
}

// Every exchange of the systems' answers, unit by unit.
static Status permute_all(Comparison *c, Paired *out, Error *err)
{
    const MetricPlan *plan = c->systems[0].plan;
    const size_t n_units = unit_count(c->systems[0].rows), width = plan->width;
    const size_t stride = 2 * width, n_flips = (size_t)1 << n_units;
    double *units, *sums, *scores;
    TRY(arena_take(&c->scratch, n_units, stride * sizeof *units, "sums by unit", &units, err));
    TRY(arena_take(&c->scratch, stride, sizeof *sums, "sums", &sums, err));
    TRY(arena_take(&c->scratch, 2 * plan->n_scores, sizeof *scores, "scores", &scores, err));
    for (size_t k = 0; k < 2; k++)
        add_unit_sums(c->systems[k].rows, width, units, stride, k * width);
    size_t n_far = 0, n = 0;
    for (size_t flips = 0; flips < n_flips; flips++) {
        memset(sums, 0, stride * sizeof *sums);
        for (size_t u = 0; u < n_units; u++) {
            const size_t other = flips >> u & 1 ? width : 0;
            for (size_t k = 0; k < width; k++) {
                sums[k] += units[u * stride + other + k];
                sums[width + k] += units[u * stride + width - other + k];
            }
        }
        metric_score_sums(plan, sums, scores);
        metric_score_sums(c->systems[1].plan, sums + width, scores + plan->n_scores);
        const double d = scores[plan->n_scores] - scores[0];
        if (!isfinite(d)) continue;
        n++;
        n_far += is_as_far(d, out->difference, c->options.is_strict);
    }
    out->n_permutations = n_flips;
    out->is_permutation_exact = true;
    out->p_permutation = n > 0 ? (double)n_far / (double)n : (double)NAN;
    return STATUS_OK;
}

static Status permute(Comparison *c, Paired *out, Error *err)
{
    const MetricPlan *plan = c->systems[0].plan;
    if (plan->metric->kind == METRIC_SUMS && unit_count(c->systems[0].rows) <= MAX_EXACT_FLIPS &&
        !c->options.is_strict) {
        return permute_all(c, out, err);
    }
    double *draws;
    out->n_permutations = c->options.n_permutations;
    TRY(take_draws(c, RESAMPLE_SWAP, out->n_permutations, &draws, err));
    out->p_permutation = p_of_swaps(draws, out->n_permutations, plan->n_scores, out->difference,
                                    c->options.is_strict);
    return STATUS_OK;
}

static void conclude(Comparison *c, Paired *out)
{
    const double sign = c->systems[0].plan->metric->direction == LOWER_IS_BETTER ? -1 : 1;
    out->detectable = minimum_detectable_effect(out->standard_error, 0.05, 0.8);
    const bool is_bootstrap = slice_starts_with(out->method, SLICE("bootstrap"));
    if (!is_bootstrap) {
        out->improvement_bound =
            sign * out->difference - t_upper_quantile(0.05, c->df) * out->standard_error;
    } else if (c->n_kept > 0) { // sorted by interval_percentile
        out->improvement_bound = sign > 0 ? quantile_sorted(c->differences, c->n_kept, 0.05)
                                          : -quantile_sorted(c->differences, c->n_kept, 0.95);
    }
    out->is_noninferior = out->improvement_bound > -out->margin;
    const double worst = sign > 0 ? out->lo : -out->hi, best = sign > 0 ? out->hi : -out->lo;
    out->verdict = VERDICT_UNDECIDED;
    if (worst > 0) out->verdict = VERDICT_BETTER;
    if (best < 0) out->verdict = VERDICT_WORSE;
    if (is_identical(c)) {
        out->verdict = VERDICT_IDENTICAL;
        out->is_noninferior = true; // whatever the margin
    }
}

static Status run(Comparison *c, Arena *arena, Paired *out, Error *err)
{
    const MetricPlan *plan = c->systems[0].plan;
    double *scores;
    TRY(check(c, err));
    TRY(arena_take(&c->scratch, plan->n_scores, sizeof *scores, "scores", &scores, err));
    TRY(estimates_of_rows(c->systems[0].plan, c->systems[0].rows, NULL, scores, err));
    out->first = scores[0];
    TRY(estimates_of_rows(c->systems[1].plan, c->systems[1].rows, NULL, scores, err));
    out->second = scores[0];
    out->difference = out->second - out->first;
    // The bootstrap checks that the two systems fit together, so it comes first; t then replaces its interval.
    const bool is_mean = plan->metric->form != FORM_GENERAL;
    const bool wants_t = is_mean && c->options.method != INTERVAL_PERCENTILE;
    if (wants_t) out->method = SLICE("t");
    TRY(bootstrap_both(c, arena, out, err));
    if (is_mean) TRY(compare_means(c, out, err));
    if (plan->metric->form == FORM_PROPORTION) count_discordant(c, out);
    TRY(permute(c, out, err));
    conclude(c, out);
    return STATUS_OK;
}

Status compare_paired(const System *first, const System *second, const PairedOptions *options,
                      Arena *arena, Paired *out, Error *err)
{
    const System systems[2] = {*first, *second};
    Comparison c = {.systems = systems, .options = with_defaults(options), .df = NAN};
    *out = (Paired){.lo = NAN,
                    .hi = NAN,
                    .level = c.options.level,
                    .standard_error = NAN,
                    .p_bootstrap = NAN,
                    .p_permutation = NAN,
                    .only_first = NAN,
                    .only_second = NAN,
                    .p_mcnemar = NAN,
                    .p_mcnemar_mid = NAN,
                    .p_t = NAN,
                    .correlation = NAN,
                    .detectable = NAN,
                    .improvement_bound = NAN,
                    .margin = c.options.margin,
                    .n = first->rows->n_rows,
                    .n_clusters = unit_count(first->rows)};
    const Status s = run(&c, arena, out, err);
    arena_release(&c.scratch);
    return s;
}
