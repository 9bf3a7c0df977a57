// Bradley & Terry's strengths of systems from pairwise comparisons, by maximum likelihood.
//
//     P(i beats j) = 1 / (1 + exp(b_j - b_i)),   sum_i b_i = 0
//
// A tie is half a win for each side. "scale": "elo" (default) gives 1000 + 400 / ln(10) b, "logit" gives b. Strengths are
// finite only where every system has, through some chain of others, both beaten and lost to every other one (Ford 1957):
// otherwise they are undefined, unless "prior" gives each pair that many drawn comparisons on top. A system without
// comparisons has no strength, and the others' are found without it. Score 0 is that of params.system (the first by
// default); then come all systems.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/preferences.h"

#define LN_10 2.302585092994045684

enum { SCALE_ELO, SCALE_LOGIT, MAX_STEPS = 200 };
static const char *const scales[] = {"elo", "logit"};
static const char *const params[] = {"system", "scale", "prior", NULL};

typedef struct StrengthOptions {
    size_t system, scale;
    double prior;
} StrengthOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    StrengthOptions *o;
    TRY(preferences_check_setup(&plan->setup, err));
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    TRY(preferences_system(&plan->setup, &o->system, err));
    TRY(params_choice(options, "scale", scales, 2, &o->scale, err));
    if (options != NULL) TRY(json_opt_double(options, "prior", 0, 1e6, &o->prior, err));
    plan->width = 3;
    plan->n_scores = plan->setup.n_labels + 1;
    plan->options = o;
    return STATUS_OK;
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    return classes_score_name(plan, score - 1, arena, name, err);
}

// The systems in play and how often each beat each.
typedef struct Table {
    size_t n;
    double *wins;      // [n, n]
    double *strengths; // [n]
    double *step;      // [n]
    double *hessian;   // [n, n]
} Table;

static Status take_table(size_t n, Arena *scratch, Table *t, Error *err)
{
    *t = (Table){.n = n};
    TRY(arena_take(scratch, n * n, sizeof(double), "comparisons", &t->wins, err));
    TRY(arena_take(scratch, n * n, sizeof(double), "comparisons", &t->hessian, err));
    TRY(arena_take(scratch, n, sizeof(double), "strengths", &t->strengths, err));
    return arena_take(scratch, n, sizeof(double), "strengths", &t->step, err);
}

// How many systems can be reached from the first along wins (or against them).
static Status count_reached(const Table *t, bool is_backward, Arena *scratch, size_t *out,
                            Error *err)
{
    size_t *queue, n_queued = 1;
    bool *is_reached;
    TRY(arena_take(scratch, t->n, sizeof *queue, "systems", &queue, err));
    TRY(arena_take(scratch, t->n, sizeof *is_reached, "systems", &is_reached, err));
    is_reached[0] = true; // queue[0] = 0
    for (size_t q = 0; q < n_queued; q++) {
        const size_t i = queue[q];
        for (size_t j = 0; j < t->n; j++) {
            const double wins = is_backward ? t->wins[j * t->n + i] : t->wins[i * t->n + j];
            if (is_reached[j] || !(wins > 0)) continue;
            is_reached[j] = true;
            queue[n_queued++] = j;
        }
    }
    *out = n_queued;
    return STATUS_OK;
}

// Fills the gradient of the log-likelihood (in step) and minus its second derivatives, with a constant added to all of
// them: it does not touch directions of sum zero, and makes the matrix positive definite.
static void differentiate(Table *t)
{
    const size_t n = t->n;
    for (size_t i = 0; i < n; i++) t->step[i] = 0;
    for (size_t i = 0; i < n * n; i++) t->hessian[i] = 1;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            const double won = t->wins[i * n + j], lost = t->wins[j * n + i];
            const double p = 1 / (1 + exp(t->strengths[j] - t->strengths[i]));
            const double slope = won * (1 - p) - lost * p, curve = (won + lost) * p * (1 - p);
            t->step[i] += slope;
            t->step[j] -= slope;
            t->hessian[i * n + i] += curve;
            t->hessian[j * n + j] += curve;
            t->hessian[i * n + j] -= curve;
            t->hessian[j * n + i] -= curve;
        }
    }
}

// step = hessian^-1 step by Cholesky's factors, in place.
static bool solve(Table *t)
{
    const size_t n = t->n;
    double *a = t->hessian, *x = t->step;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0)) return false;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) x[i] -= a[i * n + k] * x[k];
        x[i] /= a[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) x[i] -= a[k * n + i] * x[k];
        x[i] /= a[i * n + i];
    }
    return true;
}

// Newton's steps, none longer than 1 in any strength: the log-likelihood is concave, so that they end at its top.
static bool fit(Table *t)
{
    for (int s = 0; s < MAX_STEPS; s++) {
        double longest = 0;
        differentiate(t);
        if (!solve(t)) return false;
        for (size_t i = 0; i < t->n; i++) longest = fmax(longest, fabs(t->step[i]));
        const double share = longest > 1 ? 1 / longest : 1;
        for (size_t i = 0; i < t->n; i++) t->strengths[i] += share * t->step[i];
        if (longest < 1e-12) return true;
    }
    return false;
}

// place [n_labels]: each system's index among those in play, or SIZE_MAX.
static Status fill_table(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         Arena *scratch, size_t *place, Table *t, Error *err)
{
    const StrengthOptions *o = plan->options;
    size_t n = 0;
    for (size_t s = 0; s < plan->setup.n_labels; s++) place[s] = SIZE_MAX;
    for (size_t i = 0; i < rows->n_rows; i++) {
        if (weights[i] == 0) continue;
        place[(size_t)rows->values[3 * i]] = place[(size_t)rows->values[3 * i + 1]] = 0;
    }
    for (size_t s = 0; s < plan->setup.n_labels; s++) {
        if (place[s] == 0) place[s] = n++;
    }
    TRY(take_table(n, scratch, t, err));
    for (size_t i = 0; i < rows->n_rows; i++) {
        if (weights[i] == 0) continue;
        const size_t a = place[(size_t)rows->values[3 * i]];
        const size_t b = place[(size_t)rows->values[3 * i + 1]];
        t->wins[a * n + b] += weights[i] * rows->values[3 * i + 2];
        t->wins[b * n + a] += weights[i] * (1 - rows->values[3 * i + 2]);
    }
    for (size_t i = 0; i < n * n; i++) t->wins[i] += i % (n + 1) == 0 ? 0 : 0.5 * o->prior;
    return STATUS_OK;
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)index;
    const StrengthOptions *o = plan->options;
    const size_t n_labels = plan->setup.n_labels;
    size_t *place, n_won = 0, n_lost = 0;
    Table t;
    TRY(arena_take(scratch, n_labels, sizeof *place, "systems", &place, err));
    TRY(fill_table(plan, rows, weights, scratch, place, &t, err));
    for (size_t s = 0; s <= n_labels; s++) scores[s] = NAN;
    if (t.n == 0) return STATUS_OK;
    TRY(count_reached(&t, false, scratch, &n_won, err));
    TRY(count_reached(&t, true, scratch, &n_lost, err));
    if (n_won < t.n || n_lost < t.n || !fit(&t)) return STATUS_OK;
    double mean = 0;
    for (size_t i = 0; i < t.n; i++) mean += t.strengths[i] / (double)t.n;
    for (size_t s = 0; s < n_labels; s++) {
        if (place[s] == SIZE_MAX) continue;
        const double strength = t.strengths[place[s]] - mean;
        scores[1 + s] = o->scale == SCALE_ELO ? 1000 + 400 / LN_10 * strength : strength;
    }
    scores[0] = scores[1 + o->system];
    return STATUS_OK;
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const StrengthOptions *o = plan->options;
    const Slice system = plan->setup.labels[o->system];
    return arena_format(arena, out, err, "|system:" SLICE_FMT "|scale:%s|prior:%g",
                        SLICE_ARG(system), scales[o->scale], o->prior);
}

const Metric metric_bradley_terry = {
    .name = "bradley_terry",
    .summary =
        "strength of a system from pairwise comparisons, by maximum likelihood (Elo's scale)",
    .source = "Bradley & Terry 1952; Hunter 2004; ties as half wins, as in arXiv:2403.04132",
    .needs = NEEDS_PREFERENCES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -INFINITY,
    .highest = INFINITY,
    .params = params,
    .prepare = prepare,
    .score_name = score_name,
    .row = preferences_row,
    .score_rows = score_rows,
    .signature = signature,
};
