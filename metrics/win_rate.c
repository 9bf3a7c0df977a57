// Win rate: how often a system was preferred in the comparisons that it took part in.
//
//     (wins + ties / 2) / comparisons,   or with "ties": "drop"   wins / (wins + losses)
//
// Score 0 is that of params.system (the first by default); then come all systems, and the share of ties. A row is
// [points, comparisons] of that system, then [points, comparisons] of every system, then [ties, comparisons].
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/preferences.h"

enum { TIES_HALF, TIES_DROP };
static const char *const tie_rules[] = {"half", "drop"};
static const char *const params[] = {"system", "ties", NULL};

typedef struct WinOptions {
    size_t system, ties;
} WinOptions;

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    WinOptions *o;
    TRY(preferences_check_setup(&plan->setup, err));
    TRY(arena_take(arena, 1, sizeof *o, "options", &o, err));
    TRY(preferences_system(&plan->setup, &o->system, err));
    TRY(params_choice(plan->setup.params, "ties", tie_rules, 2, &o->ties, err));
    plan->n_scores = plan->setup.n_labels + 2;
    plan->width = 2 * plan->n_scores;
    plan->options = o;
    return STATUS_OK;
}

static Status score_name(const MetricPlan *plan, size_t score, Arena *arena, Slice *name,
                         Error *err)
{
    if (score <= plan->setup.n_labels) {
        return classes_score_name(plan, score - 1, arena, name, err);
    }
    return arena_format(arena, name, err, "%s/ties", plan->metric->name);
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)scratch;
    const WinOptions *o = plan->options;
    TRY(preferences_check_item(&plan->setup, item, err));
    const size_t systems[] = {(size_t)item->first_system, (size_t)item->second_system};
    const bool is_tie = item->preference == 0.5;
    double *ties = out + 2 * (plan->n_scores - 1);
    ties[0] = is_tie;
    ties[1] = 1;
    if (is_tie && o->ties == TIES_DROP) return STATUS_OK;
    for (size_t side = 0; side < 2; side++) {
        const double points = side == 0 ? item->preference : 1 - item->preference;
        double *own = out + 2 * (1 + systems[side]);
        own[0] = points;
        own[1] = 1;
        if (systems[side] != o->system) continue;
        out[0] = points;
        out[1] = 1;
    }
    return STATUS_OK;
}

static void score_sums(const MetricPlan *plan, const double *sums, double *scores)
{
    for (size_t s = 0; s < plan->n_scores; s++) {
        scores[s] = share_of(sums[2 * s], sums[2 * s + 1]);
    }
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    const WinOptions *o = plan->options;
    const Slice system = plan->setup.labels[o->system];
    return arena_format(arena, out, err, "|system:" SLICE_FMT "|ties:%s", SLICE_ARG(system),
                        tie_rules[o->ties]);
}

const Metric metric_win_rate = {
    .name = "win_rate",
    .summary = "share of its comparisons that a system wins, ties counting half",
    .source = "Chiang et al. 2024, arXiv:2403.04132, section 3",
    .needs = NEEDS_PREFERENCES,
    .kind = METRIC_SUMS,
    .direction = HIGHER_IS_BETTER,
    .form = FORM_MEAN,
    .highest = 1,
    .params = params,
    .prepare = prepare,
    .score_name = score_name,
    .row = row,
    .score_sums = score_sums,
    .signature = signature,
};
