#include "metrics/group_gaps.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/corrections.h"
#include "metrics/distributions.h"
#include "metrics/resample.h"

enum { RESAMPLES_A_UNIT = 16, AT_GAP = 0, AT_RATIO, AT_WORST, N_SUMMARIES };

typedef struct Gaps {
    const MetricPlan *plan;
    size_t score;
    const RowSet *rows;
    const int32_t *groups;
    size_t n_groups;
    IntervalOptions options;
    const void *index;
    const int32_t *unit_groups; // [n_units]; NULL where a unit lies across groups
    Arena *scratch;             // one a worker
    double *replicates;         // [n_resamples, columns_of]: groups, differences, summaries
    double *permuted;           // [n_resamples, n_groups + 1]: differences, gap
} Gaps;

static size_t columns_of(const Gaps *g)
{
    return 2 * g->n_groups + N_SUMMARIES;
}

// Sums of all groups are gathered in one pass; those of a group's rest are the whole less its own.
static Status score_sums(const Gaps *g, const int32_t *groups, const double *weights,
                         Arena *scratch, double *out, Error *err)
{
    const MetricPlan *plan = g->plan;
    const size_t width = plan->width, n_groups = g->n_groups;
    double *scores, *sums, *in_groups;
    size_t cells;
    if (!size_mul(n_groups + 2, width, &cells))
        return error_set_memory(err, n_groups, width, "sums by group");
    TRY(arena_take(scratch, plan->n_scores, sizeof *scores, "scores", &scores, err));
    TRY(arena_take(scratch, cells, sizeof *sums, "sums by group", &sums, err));
    TRY(arena_take(scratch, n_groups, sizeof *in_groups, "weights by group", &in_groups, err));
    double *all = sums + n_groups * width, *rest = all + width, in_all = 0;
    for (size_t i = 0; i < g->rows->n_rows; i++) {
        if (weights[i] == 0 || groups[i] < 0) continue;
        double *to = sums + (size_t)groups[i] * width;
        in_groups[groups[i]] += weights[i];
        in_all += weights[i];
        for (size_t c = 0; c < width; c++) to[c] += weights[i] * g->rows->values[i * width + c];
    }
    for (size_t k = 0; k < n_groups * width; k++) all[k % width] += sums[k];
    for (size_t k = 0; k < n_groups; k++) {
        metric_score_sums(plan, sums + k * width, scores);
        out[k] = scores[g->score];
        for (size_t c = 0; c < width; c++) rest[c] = all[c] - sums[k * width + c];
        metric_score_sums(plan, rest, scores);
        out[n_groups + k] = in_groups[k] < in_all ? out[k] - scores[g->score]
                                                  : (double)NAN; // else rounding is left
    }
    return STATUS_OK;
}

// The score of every group under weights, then its difference from the score of the others together. out [2 * n_groups].
static Status score_groups(const Gaps *g, const int32_t *groups, const double *weights,
                           Arena *scratch, double *out, Error *err)
{
    const MetricPlan *plan = g->plan;
    const size_t n = g->rows->n_rows;
    double *scores, *own;
    if (plan->metric->kind == METRIC_SUMS) return score_sums(g, groups, weights, scratch, out, err);
    TRY(arena_take(scratch, plan->n_scores, sizeof *scores, "scores", &scores, err));
    TRY(arena_take(scratch, n, sizeof *own, "weights", &own, err));
    for (size_t k = 0; k < g->n_groups; k++) {
        for (size_t i = 0; i < n; i++) own[i] = groups[i] == (int32_t)k ? weights[i] : 0;
        TRY(score_weighted(plan, g->rows, own, g->index, scratch, scores, err));
        out[k] = scores[g->score];
        for (size_t i = 0; i < n; i++)
            own[i] = groups[i] >= 0 && groups[i] != (int32_t)k ? weights[i] : 0;
        TRY(score_weighted(plan, g->rows, own, g->index, scratch, scores, err));
        out[g->n_groups + k] = out[k] - scores[g->score];
    }
    return STATUS_OK;
}

// lowest and highest are places, or SIZE_MAX where a score is undefined.
static void find_extremes(const double *scores, size_t n, size_t *lowest, size_t *highest)
{
    *lowest = *highest = 0;
    for (size_t k = 0; k < n; k++) {
        if (isnan(scores[k])) {
            *lowest = *highest = SIZE_MAX;
            return;
        }
        if (scores[k] < scores[*lowest]) *lowest = k;
        if (scores[k] > scores[*highest]) *highest = k;
    }
}

static void summarise(const Gaps *g, const double *scores, double *summaries)
{
    size_t lowest, highest;
    find_extremes(scores, g->n_groups, &lowest, &highest);
    for (size_t s = 0; s < N_SUMMARIES; s++) summaries[s] = NAN;
    if (lowest == SIZE_MAX) return;
    const double lo = scores[lowest], hi = scores[highest];
    summaries[AT_GAP] = hi - lo;
    if (lo >= 0 && hi > 0) summaries[AT_RATIO] = lo / hi;
    switch (g->plan->metric->direction) {
    case HIGHER_IS_BETTER:
        summaries[AT_WORST] = lo;
        break;
    case LOWER_IS_BETTER:
        summaries[AT_WORST] = hi;
        break;
    case NO_DIRECTION:
        break;
    }
}

static Status resample(Gaps *g, size_t r, Arena *scratch, Error *err)
{
    const size_t n_units = unit_count(g->rows), n = g->rows->n_rows;
    double *weights, *out = g->replicates + r * columns_of(g);
    uint32_t *counts;
    TRY(arena_take(scratch, n_units, sizeof *counts, "draws", &counts, err));
    TRY(arena_take(scratch, n, sizeof *weights, "weights", &weights, err));
    bootstrap_counts(g->options.seed, r, n_units, counts);
    for (size_t i = 0; i < n; i++) {
        weights[i] = weight_of(g->rows, i) * counts[unit_of(g->rows, i)];
    }
    TRY(score_groups(g, g->groups, weights, scratch, out, err));
    summarise(g, out, out + 2 * g->n_groups);
    return STATUS_OK;
}

static Status permute(Gaps *g, size_t r, Arena *scratch, Error *err)
{
    const size_t n_units = unit_count(g->rows), n = g->rows->n_rows;
    size_t *order, n_in = 0;
    int32_t *dealt, *of_units;
    double *weights, *scores, summaries[N_SUMMARIES];
    TRY(arena_take(scratch, n_units, sizeof *order, "groups", &order, err));
    TRY(arena_take(scratch, n_units, sizeof *of_units, "groups", &of_units, err));
    TRY(arena_take(scratch, n, sizeof *dealt, "groups", &dealt, err));
    TRY(arena_take(scratch, n, sizeof *weights, "weights", &weights, err));
    TRY(arena_take(scratch, 2 * g->n_groups, sizeof *scores, "scores", &scores, err));
    for (size_t u = 0; u < n_units; u++) {
        of_units[u] = ITEM_NO_LABEL;
        if (g->unit_groups[u] >= 0) order[n_in++] = u;
    }
    size_t *shuffled;
    TRY(arena_take(scratch, n_in, sizeof *shuffled, "groups", &shuffled, err));
    if (n_in > 0) memcpy(shuffled, order, n_in * sizeof *order);
    Philox rng = philox_stream(g->options.seed, ((uint64_t)0x6761 << 40) + r);
    philox_shuffle(&rng, shuffled, n_in);
    for (size_t k = 0; k < n_in; k++) of_units[order[k]] = g->unit_groups[shuffled[k]];
    for (size_t i = 0; i < n; i++) {
        dealt[i] = of_units[unit_of(g->rows, i)];
        weights[i] = weight_of(g->rows, i);
    }
    TRY(score_groups(g, dealt, weights, scratch, scores, err));
    summarise(g, scores, summaries);
    double *out = g->permuted + r * (g->n_groups + 1);
    memcpy(out, scores + g->n_groups, g->n_groups * sizeof *out);
    out[g->n_groups] = summaries[AT_GAP];
    return STATUS_OK;
}

static Status resample_some(void *context, size_t unit, size_t worker, Error *err)
{
    Gaps *g = context;
    Arena *scratch = &g->scratch[worker];
    const size_t end = size_min((unit + 1) * RESAMPLES_A_UNIT, g->options.n_resamples);
    for (size_t r = unit * RESAMPLES_A_UNIT; r < end; r++) {
        const ArenaMark mark = arena_mark(scratch);
        Status s = resample(g, r, scratch, err);
        if (s == STATUS_OK && g->unit_groups != NULL) s = permute(g, r, scratch, err);
        arena_rewind(scratch, mark);
        if (s != STATUS_OK) return s;
    }
    return STATUS_OK;
}

// Groups of units, or *out = NULL where one lies across groups.
static Status find_unit_groups(const Gaps *g, Arena *arena, const int32_t **out, Error *err)
{
    enum { NOT_SEEN = -2 };
    int32_t *groups;
    const size_t n_units = unit_count(g->rows);
    TRY(arena_take(arena, n_units, sizeof *groups, "groups", &groups, err));
    for (size_t u = 0; u < n_units; u++) groups[u] = NOT_SEEN;
    *out = NULL;
    for (size_t i = 0; i < g->rows->n_rows; i++) {
        int32_t *own = &groups[unit_of(g->rows, i)];
        if (*own != NOT_SEEN && *own != g->groups[i]) return STATUS_OK;
        *own = g->groups[i];
    }
    *out = groups;
    return STATUS_OK;
}

static Status take_replicates(Gaps *g, Arena *arena, Error *err)
{
    const size_t n = g->options.n_resamples, n_workers = pool_threads(g->options.pool);
    TRY(find_unit_groups(g, arena, &g->unit_groups, err));
    TRY(arena_take(arena, n, columns_of(g) * sizeof(double), "replicates", &g->replicates, err));
    TRY(arena_take(arena, n, (g->n_groups + 1) * sizeof(double), "permuted gaps", &g->permuted,
                   err));
    g->scratch = calloc(n_workers, sizeof *g->scratch);
    if (g->scratch == NULL) return error_set_memory(err, n_workers, sizeof(Arena), "workers");
    const size_t n_work = (n + RESAMPLES_A_UNIT - 1) / RESAMPLES_A_UNIT;
    const Status s = pool_try(g->options.pool, n_work, resample_some, g, err);
    for (size_t w = 0; w < n_workers; w++) arena_release(&g->scratch[w]);
    free(g->scratch);
    return s;
}

// Of a column of what dealing the groups out gave.
static double p_of_permuted(const Gaps *g, size_t column, double seen)
{
    double n_as_large = 1, n_defined = 1;
    for (size_t r = 0; r < g->options.n_resamples; r++) {
        const double dealt = fabs(g->permuted[r * (g->n_groups + 1) + column]);
        if (isnan(dealt)) continue;
        n_as_large += dealt >= fabs(seen) - 1e-12 * (1 + fabs(seen));
        n_defined++;
    }
    return n_as_large / n_defined;
}

static double p_of_difference(const Gaps *g, size_t group, const Score *difference)
{
    if (g->options.method == INTERVAL_NONE || isnan(difference->estimate)) return NAN;
    if (g->unit_groups != NULL) return p_of_permuted(g, group, difference->estimate);
    const double se = difference->standard_error;
    return se > 0 ? 2 * normal_sf(fabs(difference->estimate) / se) : (double)NAN;
}

// column: of replicates, or SIZE_MAX for no interval.
static Status make_score(const Gaps *g, Slice name, double estimate, size_t column, Arena *arena,
                         Score *out, Error *err)
{
    const size_t n_columns = columns_of(g), n_resamples = g->options.n_resamples;
    *out = (Score){.name = name,
                   .estimate = estimate,
                   .lo = NAN,
                   .hi = NAN,
                   .level = g->options.level,
                   .standard_error = NAN,
                   .method = SLICE("none"),
                   .n = g->rows->n_rows,
                   .n_clusters = unit_count(g->rows)};
    if (g->options.method == INTERVAL_NONE) return STATUS_OK;
    TRY(arena_format(arena, &out->method, err, "bootstrap-percentile %zu seed %llu", n_resamples,
                     (unsigned long long)g->options.seed));
    const ArenaMark mark = arena_mark(arena);
    double *values;
    TRY(arena_take(arena, n_resamples, sizeof *values, "replicates", &values, err));
    for (size_t r = 0; r < n_resamples; r++) values[r] = g->replicates[r * n_columns + column];
    const size_t n = drop_undefined(values, n_resamples);
    out->n_undefined = n_resamples - n;
    out->standard_error = standard_deviation(values, n);
    if (n > 1 && out->n_clusters > 1 && isfinite(estimate)) {
        const Interval interval = interval_percentile(values, n, g->options.level);
        out->lo = interval.lo;
        out->hi = interval.hi;
    }
    arena_rewind(arena, mark);
    return STATUS_OK;
}

static Status fill_groups(const Gaps *g, const double *scores, const Slice *names, Arena *arena,
                          GroupGaps *out, Error *err)
{
    for (size_t k = 0; k < g->n_groups; k++) {
        size_t n = 0;
        for (size_t i = 0; i < g->rows->n_rows; i++) n += g->groups[i] == (int32_t)k;
        TRY(make_score(g, names[k], scores[k], k, arena, &out->groups[k], err));
        TRY(make_score(g, names[k], scores[g->n_groups + k], g->n_groups + k, arena,
                       &out->from_rest[k], err));
        out->groups[k].n = out->from_rest[k].n = n;
        out->p_rest[k] = p_of_difference(g, k, &out->from_rest[k]);
    }
    return adjust_p_values(CORRECTION_HOLM, out->p_rest, g->n_groups, out->p_adjusted, err);
}

static Status fill(const Gaps *g, const double *scores, const Slice *names, Arena *arena,
                   GroupGaps *out, Error *err)
{
    static const char *const parts[N_SUMMARIES] = {"gap", "ratio", "worst"};
    Score *const to[N_SUMMARIES] = {&out->gap, &out->ratio, &out->worst};
    double summaries[N_SUMMARIES];
    size_t lowest, highest;
    summarise(g, scores, summaries);
    find_extremes(scores, g->n_groups, &lowest, &highest);
    const bool is_lower_better = g->plan->metric->direction == LOWER_IS_BETTER;
    const bool has_direction = g->plan->metric->direction != NO_DIRECTION;
    out->worst_group = !has_direction ? SIZE_MAX : is_lower_better ? highest : lowest;
    out->best_group = !has_direction ? SIZE_MAX : is_lower_better ? lowest : highest;
    TRY(fill_groups(g, scores, names, arena, out, err));
    for (size_t s = 0; s < N_SUMMARIES; s++) {
        Slice name;
        TRY(arena_format(arena, &name, err, "%s/%s", g->plan->metric->name, parts[s]));
        TRY(make_score(g, name, summaries[s], 2 * g->n_groups + s, arena, to[s], err));
    }
    const bool is_dealt = g->options.method != INTERVAL_NONE && g->unit_groups != NULL;
    out->p = is_dealt && !isnan(summaries[AT_GAP])
                 ? p_of_permuted(g, g->n_groups, summaries[AT_GAP])
                 : (double)NAN;
    return STATUS_OK;
}

static Status check(const MetricPlan *plan, const RowSet *rows, const int32_t *groups,
                    size_t n_groups, Error *err)
{
    if (plan->metric->kind == METRIC_WHOLE) {
        return error_set(err, STATUS_INVALID, "metric %s is scored from whole sets, not from rows",
                         plan->metric->name);
    }
    if (n_groups < 2) {
        return error_set(err, STATUS_INVALID, "gaps want at least two groups, but there are %zu",
                         n_groups);
    }
    if (rows->n_rows == 0) {
        return error_set(err, STATUS_INVALID, "metric %s: there are no items to score",
                         plan->metric->name);
    }
    for (size_t i = 0; i < rows->n_rows; i++) {
        if (groups[i] == ITEM_NO_LABEL || (groups[i] >= 0 && (size_t)groups[i] < n_groups))
            continue;
        return error_set(err, STATUS_INVALID, "item %zu: group %d is none of the %zu groups", i,
                         (int)groups[i], n_groups);
    }
    return STATUS_OK;
}

Status group_gaps(const MetricPlan *plan, size_t score, const RowSet *rows, const int32_t *groups,
                  const Slice *names, size_t n_groups, const IntervalOptions *options, Arena *arena,
                  GroupGaps *out, Error *err)
{
    TRY(check(plan, rows, groups, n_groups, err));
    assert(score < plan->n_scores);
    Gaps g = {.plan = plan, .score = score, .rows = rows, .groups = groups, .n_groups = n_groups};
    if (options != NULL) g.options = *options;
    if (g.options.level == 0) g.options.level = 0.95;
    if (g.options.n_resamples == 0) g.options.n_resamples = DEFAULT_RESAMPLES;
    *out = (GroupGaps){.n_groups = n_groups};
    TRY(arena_take(arena, n_groups, sizeof *out->groups, "scores", &out->groups, err));
    TRY(arena_take(arena, n_groups, sizeof *out->from_rest, "scores", &out->from_rest, err));
    TRY(arena_take(arena, n_groups, sizeof *out->p_rest, "p-values", &out->p_rest, err));
    TRY(arena_take(arena, n_groups, sizeof *out->p_adjusted, "p-values", &out->p_adjusted, err));
    Arena scratch = {0};
    double *weights = NULL, *scores = NULL;
    Status s = arena_take(&scratch, rows->n_rows, sizeof *weights, "weights", &weights, err);
    if (s == STATUS_OK)
        s = arena_take(&scratch, 2 * n_groups, sizeof *scores, "scores", &scores, err);
    if (s == STATUS_OK) s = index_rows_of(plan, rows, &scratch, &g.index, err);
    if (s == STATUS_OK) {
        for (size_t i = 0; i < rows->n_rows; i++) weights[i] = weight_of(rows, i);
        s = score_groups(&g, groups, weights, &scratch, scores, err);
    }
    if (s == STATUS_OK && g.options.method != INTERVAL_NONE) s = take_replicates(&g, &scratch, err);
    if (s == STATUS_OK) s = fill(&g, scores, names, arena, out, err);
    arena_release(&scratch);
    return s;
}
