// Elo ratings, updated comparison by comparison in the order given.
//
//     R_a += k (S - E),   R_b -= k (S - E),   E = 1 / (1 + 10^((R_b - R_a) / 400)),   S = 1, 0.5 or 0
//
// All start at "initial" (1000); "k" is 32 by default (chess), and small values such as 4 suit fixed systems, whose order of
// comparisons means nothing: there Bradley & Terry's strengths are the better answer. A weight of 2 is the comparison
// made twice in a row; what is left of a fractional weight is a step shortened by as much. A system without comparisons
// has no rating. Resamples keep the order of what they draw. Score 0 is that of params.system (the first by default);
// then come all systems.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/preferences.h"

static const char *const params[] = {"system", "k", "initial", NULL};

typedef struct EloOptions {
    size_t system;
    double k, initial;
} EloOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    const Json *options = plan->setup.params;
    EloOptions *o;
    TRY(preferences_check_setup(&plan->setup, err));
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    *o = (EloOptions){.k = 32, .initial = 1000};
    TRY(preferences_system(&plan->setup, &o->system, err));
    if (options != NULL) {
        TRY(json_opt_double(options, "k", 1e-6, 1e6, &o->k, err));
        TRY(json_opt_double(options, "initial", -1e9, 1e9, &o->initial, err));
    }
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

// ratings [n_labels], NaN for systems not seen yet.
static void compare_once(const EloOptions *o, double k, const double *row, double *ratings)
{
    double *a = &ratings[(size_t)row[0]], *b = &ratings[(size_t)row[1]];
    if (isnan(*a)) *a = o->initial;
    if (isnan(*b)) *b = o->initial;
    const double expected = 1 / (1 + pow(10, (*b - *a) / 400));
    const double step = k * (row[2] - expected);
    *a += step;
    *b -= step;
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)index;
    (void)scratch;
    (void)err;
    const EloOptions *o = plan->options;
    for (size_t s = 0; s <= plan->setup.n_labels; s++) scores[s] = NAN;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *row = rows->values + 3 * i;
        const double whole = floor(weights[i]), left = weights[i] - whole;
        for (size_t w = 0; w < (size_t)whole; w++) compare_once(o, o->k, row, scores + 1);
        if (left > 0) compare_once(o, o->k * left, row, scores + 1);
    }
    scores[0] = scores[1 + o->system];
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    if (item->weight > 1e6) {
        return error_set(err, STATUS_INVALID,
                         "weight %g: a comparison is made that often one by one", item->weight);
    }
    return preferences_row(plan, item, scratch, out, err);
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const EloOptions *o = plan->options;
    const Slice system = plan->setup.labels[o->system];
    return arena_format(arena, out, err, "|system:" SLICE_FMT "|k:%g|initial:%g", SLICE_ARG(system),
                        o->k, o->initial);
}

const Metric metric_elo = {
    .name = "elo",
    .summary = "Elo rating of a system after all comparisons, in the order given (k: 32)",
    .source = "Elo 1978; Boubdir et al. 2023, arXiv:2311.17295, on its dependence on order",
    .needs = NEEDS_PREFERENCES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -INFINITY,
    .highest = INFINITY,
    .params = params,
    .prepare = prepare,
    .score_name = score_name,
    .row = row,
    .score_rows = score_rows,
    .signature = signature,
};
