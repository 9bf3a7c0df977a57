#include "metrics/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "base/size.h"
#include "metrics/resample.h"

enum { RESAMPLES_A_UNIT = 16, MAX_HALVES = 500 };

// Its own place among the streams of a seed.
#define HALVES_STREAM 0x68616c660000u

// What score is asked of: rows, or items where the metric judges whole sets.
typedef struct Judged {
    const MetricPlan *plan;
    const RowSet *rows; // for METRIC_WHOLE without values
    const Item *items;
    size_t n_scores;
    IntervalOptions options;
    const void *items_index; // of METRIC_WHOLE
    double *replicates;      // [n_resamples, n_scores], or [n_halves, n_scores]
    size_t n_halves;
    double *jackknife; // [n_jackknife, n_scores], for BCa
    size_t n_jackknife;
    Arena *scratch; // one a worker, for METRIC_WHOLE
} Judged;

static IntervalOptions with_defaults(const IntervalOptions *options)
{
    IntervalOptions o = options != NULL ? *options : (IntervalOptions){0};
    if (o.level == 0) o.level = 0.95;
    if (o.n_resamples == 0) o.n_resamples = DEFAULT_RESAMPLES;
    return o;
}

static Status check_options(const MetricPlan *plan, const IntervalOptions *o, Error *err)
{
    const MetricForm form = plan->metric->form;
    if (!(o->level > 0 && o->level < 1)) {
        return error_set(err, STATUS_INVALID, "level %g: must lie between 0 and 1, such as 0.95",
                         o->level);
    }
    const bool wants_proportion =
        o->method == INTERVAL_WILSON || o->method == INTERVAL_CLOPPER_PEARSON;
    if (wants_proportion && form != FORM_PROPORTION) {
        return error_set(err, STATUS_INVALID,
                         "metric %s is no proportion: its interval must be t or bootstrap",
                         plan->metric->name);
    }
    if (plan->metric->counts_kinds && o->method != INTERVAL_AUTO && o->method != INTERVAL_NONE) {
        return error_set(err, STATUS_INVALID,
                         "metric %s counts different things, which no resample keeps: its interval "
                         "comes from half-samples, and no other is offered",
                         plan->metric->name);
    }
    if (o->method == INTERVAL_T && form == FORM_GENERAL) {
        return error_set(err, STATUS_INVALID,
                         "metric %s is no mean over items: its interval must be bootstrap",
                         plan->metric->name);
    }
    return STATUS_OK;
}

static Status score_once(const Judged *j, const double *weights, const void *index, Arena *scratch,
                         double *scores, Error *err)
{
    if (j->plan->metric->kind != METRIC_WHOLE) {
        return score_weighted(j->plan, j->rows, weights, index, scratch, scores, err);
    }
    const ArenaMark mark = arena_mark(scratch);
    const Status s = j->plan->metric->score_items(j->plan, j->items, weights, j->rows->n_rows,
                                                  j->items_index, scratch, scores, err);
    arena_rewind(scratch, mark);
    return s;
}

static Status estimate(const Judged *j, const double *weights, double *scores, Error *err)
{
    Arena scratch = {0};
    const void *index = NULL;
    double *ones = NULL;
    const size_t n = j->rows->n_rows;
    Status s = arena_take(&scratch, n, sizeof *ones, "weights", &ones, err);
    if (s == STATUS_OK && j->plan->metric->kind != METRIC_WHOLE) {
        s = index_rows_of(j->plan, j->rows, &scratch, &index, err);
    }
    if (s == STATUS_OK) {
        for (size_t i = 0; i < n; i++)
            ones[i] = weights != NULL ? weights[i] : weight_of(j->rows, i);
        s = score_once(j, ones, index, &scratch, scores, err);
    }
    arena_release(&scratch);
    return s;
}

Status estimates_of_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         double *scores, Error *err)
{
    const Judged j = {.plan = plan, .rows = rows, .n_scores = plan->n_scores};
    return estimate(&j, weights, scores, err);
}

static Status resample_whole(void *context, size_t unit, size_t worker, Error *err)
{
    Judged *j = context;
    Arena *scratch = &j->scratch[worker];
    const size_t n_units = unit_count(j->rows), n = j->rows->n_rows;
    const size_t end = size_min((unit + 1) * RESAMPLES_A_UNIT, j->options.n_resamples);
    const ArenaMark mark = arena_mark(scratch);
    uint32_t *counts;
    double *weights;
    Status s = arena_take(scratch, n_units, sizeof *counts, "draws", &counts, err);
    if (s == STATUS_OK) s = arena_take(scratch, n, sizeof *weights, "weights", &weights, err);
    for (size_t r = unit * RESAMPLES_A_UNIT; s == STATUS_OK && r < end; r++) {
        bootstrap_counts(j->options.seed, r, n_units, counts);
        for (size_t i = 0; i < n; i++) {
            weights[i] = weight_of(j->rows, i) * counts[unit_of(j->rows, i)];
        }
        s = score_once(j, weights, NULL, scratch, j->replicates + r * j->n_scores, err);
    }
    arena_rewind(scratch, mark);
    return s;
}

static Status replicate(Judged *j, Error *err)
{
    const IntervalOptions *o = &j->options;
    if (j->plan->metric->kind != METRIC_WHOLE) {
        const System system = {.plan = j->plan, .rows = j->rows};
        return bootstrap_replicates(&system, 1, RESAMPLE_BOOTSTRAP, o->n_resamples, o->seed,
                                    o->pool, j->replicates, err);
    }
    const size_t n_workers = pool_threads(o->pool);
    j->scratch = calloc(n_workers, sizeof *j->scratch);
    if (j->scratch == NULL) return error_set_memory(err, n_workers, sizeof(Arena), "workers");
    const size_t n_work = (o->n_resamples + RESAMPLES_A_UNIT - 1) / RESAMPLES_A_UNIT;
    const Status s = pool_try(o->pool, n_work, resample_whole, j, err);
    for (size_t w = 0; w < n_workers; w++) arena_release(&j->scratch[w]);
    free(j->scratch);
    j->scratch = NULL;
    return s;
}

// Scores the set without a random half of its units, again and again.
static Status leave_halves_out(Judged *j, Arena *arena, Error *err)
{
    const size_t n_units = unit_count(j->rows), n = j->rows->n_rows;
    size_t *order;
    double *weights;
    bool *is_out; // [n_units]
    j->n_halves = size_min(j->options.n_resamples, MAX_HALVES);
    TRY(arena_take(arena, n_units, sizeof *order, "halves", &order, err));
    TRY(arena_take(arena, n_units, sizeof *is_out, "halves", &is_out, err));
    TRY(arena_take(arena, n, sizeof *weights, "weights", &weights, err));
    TRY(arena_take(arena, j->n_halves, j->n_scores * sizeof(double), "scores", &j->replicates,
                   err));
    for (size_t u = 0; u < n_units; u++) order[u] = u;
    for (size_t h = 0; h < j->n_halves; h++) {
        Philox rng = philox_stream(j->options.seed, HALVES_STREAM + h);
        philox_shuffle(&rng, order, n_units);
        for (size_t u = 0; u < n_units; u++) is_out[order[u]] = u < n_units / 2;
        for (size_t i = 0; i < n; i++) {
            weights[i] = is_out[unit_of(j->rows, i)] ? 0 : weight_of(j->rows, i);
        }
        TRY(score_once(j, weights, NULL, arena, j->replicates + h * j->n_scores, err));
    }
    return STATUS_OK;
}

static Status take_replicates(Judged *j, Arena *arena, Error *err)
{
    if (j->plan->metric->counts_kinds) return leave_halves_out(j, arena, err);
    size_t cells, jack_cells;
    const size_t n_units = unit_count(j->rows);
    if (!size_mul(j->options.n_resamples, j->n_scores, &cells) ||
        !size_mul(n_units, j->n_scores, &jack_cells)) {
        return error_set_memory(err, j->options.n_resamples, j->n_scores, "replicates");
    }
    TRY(arena_take(arena, cells, sizeof(double), "replicates", &j->replicates, err));
    TRY(replicate(j, err));
    if (j->options.method != INTERVAL_BCA) return STATUS_OK;
    if (j->plan->metric->kind == METRIC_WHOLE) {
        return error_set(err, STATUS_INVALID,
                         "metric %s is scored from whole sets: BCa is not offered for it",
                         j->plan->metric->name);
    }
    TRY(arena_take(arena, jack_cells, sizeof(double), "jackknife scores", &j->jackknife, err));
    return jackknife(j->plan, j->rows, j->options.pool, j->jackknife, &j->n_jackknife, err);
}

// One column of [n, n_scores] without its undefined values; returns how many are left.
static size_t column(const double *from, size_t n, size_t n_scores, size_t score, double *to)
{
    for (size_t i = 0; i < n; i++) to[i] = from[i * n_scores + score];
    return drop_undefined(to, n);
}

static Status bootstrap_interval(const Judged *j, size_t at, Arena *arena, Score *score, Error *err)
{
    const IntervalOptions *o = &j->options;
    const bool is_bca = o->method == INTERVAL_BCA;
    const size_t n_units = unit_count(j->rows);
    const char *method =
        arena_printf(arena, "bootstrap-%s %zu seed %llu", is_bca ? "bca" : "percentile",
                     o->n_resamples, (unsigned long long)o->seed);
    if (method == NULL) return error_set_memory(err, 1, 64, "the method of an interval");
    score->method = slice_from_cstr(method);
    const ArenaMark mark = arena_mark(arena);
    double *values, *left_out;
    TRY(arena_take(arena, o->n_resamples, sizeof *values, "replicates", &values, err));
    TRY(arena_take(arena, n_units, sizeof *left_out, "jackknife scores", &left_out, err));
    const size_t n = column(j->replicates, o->n_resamples, j->n_scores, at, values);
    score->n_undefined = o->n_resamples - n;
    score->standard_error = standard_deviation(values, n);
    Interval interval = {NAN, NAN};
    if (n > 1 && n_units > 1 && isfinite(score->estimate)) {
        interval = interval_percentile(values, n, o->level);
        if (is_bca) {
            const size_t n_left = column(j->jackknife, j->n_jackknife, j->n_scores, at, left_out);
            interval = interval_bca(values, n, score->estimate, left_out, n_left, o->level);
        }
    }
    score->lo = interval.lo;
    score->hi = interval.hi;
    arena_rewind(arena, mark);
    return STATUS_OK;
}

// The delete-d jackknife (Shao & Wu 1989): d of n units left out, r = n - d kept, SE^2 = r / d times the variance of the
// scores; Student's t with n - 1 degrees of freedom. It errs on the wide side: by 1.6 times where half of the things occur
// once (tests/metrics/test_generation.c); leaving one unit out at a time errs by 1.7.
static Status halves_interval(const Judged *j, size_t at, Arena *arena, Score *score, Error *err)
{
    const Metric *metric = j->plan->metric;
    const size_t n_units = unit_count(j->rows), out = n_units / 2;
    const char *method = arena_printf(arena, "half-samples %zu seed %llu", j->n_halves,
                                      (unsigned long long)j->options.seed);
    if (method == NULL) return error_set_memory(err, 1, 64, "the method of an interval");
    score->method = slice_from_cstr(method);
    const ArenaMark mark = arena_mark(arena);
    double *values;
    TRY(arena_take(arena, j->n_halves, sizeof *values, "scores", &values, err));
    const size_t n = column(j->replicates, j->n_halves, j->n_scores, at, values);
    const double spread = standard_deviation(values, n);
    arena_rewind(arena, mark);
    score->n_undefined = j->n_halves - n;
    if (n < 2 || out == 0 || !isfinite(score->estimate)) return STATUS_OK;
    score->standard_error = spread * sqrt((double)(n_units - out) / (double)out);
    const Interval t =
        interval_t(score->estimate, score->standard_error, (double)n_units - 1, j->options.level);
    score->lo = fmax(t.lo, metric->lowest);
    score->hi = fmin(t.hi, metric->highest);
    return STATUS_OK;
}

// The closed forms for score 0. Wilson with weights: as many items as carry the same information.
static Status closed_interval(const Judged *j, IntervalMethod method, Score *score, Error *err)
{
    const double level = j->options.level;
    const Metric *metric = j->plan->metric;
    ClusteredMean m;
    TRY(clustered_mean(j->rows, j->plan->width, &m, err));
    score->standard_error = m.standard_error;
    score->n_clusters = m.n_clusters;
    const double n = m.n_effective;
    const bool is_degenerate = !(m.standard_error > 0); // every item agrees, or there is one unit
    Interval interval;
    if (method == INTERVAL_CLOPPER_PEARSON) {
        interval = interval_clopper_pearson(m.mean * n, n, level);
        score->method = SLICE("clopper-pearson");
    } else if (method == INTERVAL_WILSON) {
        interval = interval_wilson(m.mean * n, n, level);
        score->method = SLICE("wilson");
    } else if (is_degenerate && metric->form == FORM_PROPORTION) {
        const double g = fmin(n, (double)m.n_clusters);
        interval = interval_wilson(m.mean * g, g, level);
        score->method = SLICE("wilson over clusters");
    } else {
        interval = interval_t(m.mean, m.standard_error, (double)m.n_clusters - 1, level);
        interval.lo = fmax(interval.lo, metric->lowest);
        interval.hi = fmin(interval.hi, metric->highest);
        score->method = j->rows->clusters != NULL ? SLICE("t clustered") : SLICE("t");
    }
    if (isnan(interval.lo) || isnan(interval.hi)) interval = (Interval){NAN, NAN};
    score->lo = interval.lo;
    score->hi = interval.hi;
    return STATUS_OK;
}

// INTERVAL_NONE stands for "no closed form".
static IntervalMethod closed_form(const Judged *j)
{
    switch (j->options.method) {
    case INTERVAL_WILSON:
    case INTERVAL_CLOPPER_PEARSON:
    case INTERVAL_T:
        return j->options.method;
    case INTERVAL_AUTO:
        if (j->plan->metric->form != FORM_PROPORTION) return INTERVAL_NONE;
        return j->rows->clusters != NULL ? INTERVAL_T : INTERVAL_WILSON;
    case INTERVAL_NONE:
    case INTERVAL_PERCENTILE:
    case INTERVAL_BCA:
        break;
    }
    return INTERVAL_NONE;
}

static Status fill_scores(Judged *j, const double *estimates, Arena *arena, Score *scores,
                          Error *err)
{
    const IntervalMethod closed = closed_form(j);
    const bool wants_none = j->options.method == INTERVAL_NONE;
    const size_t n_wanted = wants_none ? 0 : j->options.has_first_alone ? 1 : j->n_scores;
    Arena scratch = {0};
    Status s = STATUS_OK;
    if (n_wanted > (closed == INTERVAL_NONE ? 0 : 1)) {
        s = take_replicates(j, &scratch, err);
    }
    for (size_t i = 0; s == STATUS_OK && i < j->n_scores; i++) {
        Score *score = &scores[i];
        *score = (Score){.estimate = estimates[i],
                         .lo = NAN,
                         .hi = NAN,
                         .level = j->options.level,
                         .standard_error = NAN,
                         .method = SLICE("none"),
                         .n = j->rows->n_rows,
                         .n_clusters = unit_count(j->rows)};
        s = metric_score_name(j->plan, i, arena, &score->name, err);
        if (s != STATUS_OK || i >= n_wanted) continue;
        if (j->plan->metric->counts_kinds) {
            s = halves_interval(j, i, arena, score, err);
            continue;
        }
        s = i == 0 && closed != INTERVAL_NONE ? closed_interval(j, closed, score, err)
                                              : bootstrap_interval(j, i, arena, score, err);
    }
    arena_release(&scratch);
    return s;
}

static Status judge(Judged *j, const IntervalOptions *options, Arena *arena, Score **scores,
                    Error *err)
{
    j->options = with_defaults(options);
    TRY(check_options(j->plan, &j->options, err));
    if (j->rows->n_rows == 0) {
        return error_set(err, STATUS_INVALID, "metric %s: there are no items to score",
                         j->plan->metric->name);
    }
    double *estimates;
    TRY(arena_take(arena, j->n_scores, sizeof *estimates, "scores", &estimates, err));
    TRY(arena_take(arena, j->n_scores, sizeof **scores, "scores", scores, err));
    Arena index = {0};
    const Metric *metric = j->plan->metric;
    Status s = STATUS_OK;
    if (metric->index_items != NULL) {
        s = metric->index_items(j->plan, j->items, j->rows->n_rows, &index, &j->items_index, err);
        if (s != STATUS_OK) s = error_wrap(err, "%s", metric->name);
    }
    if (s == STATUS_OK) s = estimate(j, NULL, estimates, err);
    if (s == STATUS_OK) s = fill_scores(j, estimates, arena, *scores, err);
    arena_release(&index);
    return s;
}

Status scores_of_rows(const MetricPlan *plan, const RowSet *rows, const IntervalOptions *options,
                      Arena *arena, Score **scores, Error *err)
{
    if (plan->metric->kind == METRIC_WHOLE) {
        return error_set(err, STATUS_INVALID, "metric %s is scored from whole sets, not from rows",
                         plan->metric->name);
    }
    Judged j = {.plan = plan, .rows = rows, .n_scores = plan->n_scores};
    return judge(&j, options, arena, scores, err);
}

Status scores_of_items(const MetricPlan *plan, const Item *items, size_t n_items,
                       const IntervalOptions *options, Arena *arena, Score **scores, Error *err)
{
    RowSet rows;
    Pool *pool = options != NULL ? options->pool : NULL;
    if (plan->metric->kind == METRIC_WHOLE) {
        TRY(resample_view(items, n_items, arena, &rows, err));
    } else {
        TRY(rows_of_items(plan, items, n_items, pool, arena, &rows, err));
    }
    Judged j = {.plan = plan, .rows = &rows, .items = items, .n_scores = plan->n_scores};
    return judge(&j, options, arena, scores, err);
}
