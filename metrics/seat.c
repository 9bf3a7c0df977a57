// SEAT from associations: the effect size of WEAT where each target's association with the attributes is known.
//
//     d = (mean_{x in X} s(x) - mean_{y in Y} s(y)) / sd_{w in X and Y} s(w),   sd with n - 1 ("ddof": 1, the default)
//
// An item's value is s(w) and its group is WEAT_X or WEAT_Y; attributes (WEAT_A, WEAT_B) have no association and enter no
// score. "/difference" is the numerator of d, "/p" the one-sided permutation test of metrics/weat.h (100,000 ways to deal the
// targets out where there are more), which is of the set as it is: under other weights, and so for an interval, undefined.
// Intervals of d see the attributes as given. Sources: as metrics/weat.c.
//
// A row is [group, s].
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/weat.h"

enum { SCORE_EFFECT, SCORE_DIFFERENCE, SCORE_P, N_SCORES };
static const char *const params[] = {"ddof", NULL};
static const char *const sub_scores[] = {"difference", "p", NULL};

static Status prepare(MetricPlan *plan, Arena *arena, Error *err)
{
    int64_t *ddof;
    TRY(arena_take(arena, 1, sizeof *ddof, "options", &ddof, err));
    *ddof = 1;
    if (plan->setup.params != NULL) TRY(json_opt_i64(plan->setup.params, "ddof", 0, 1, ddof, err));
    plan->options = ddof;
    return STATUS_OK;
}

static Status row(const MetricPlan *plan, const Item *item, Arena *scratch, double *out, Error *err)
{
    (void)plan, (void)scratch;
    if (item->group < WEAT_X || item->group >= N_WEAT_GROUPS)
        return error_set(err, STATUS_INVALID, "is in none of the four sets");
    out[0] = item->group;
    if (item->group > WEAT_Y) return STATUS_OK;
    if (!isfinite(item->value))
        return error_set(err, STATUS_INVALID, "is a target without an association");
    out[1] = item->value;
    return STATUS_OK;
}

// Whether every row counts once.
static bool is_plain(const double *weights, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (weights[i] != 1) return false;
    }
    return true;
}

static Status find_p(const RowSet *rows, Arena *scratch, double *p, Error *err)
{
    double *s;
    size_t n = 0, n_first = 0;
    WeatTest test;
    TRY(arena_take(scratch, rows->n_rows, sizeof *s, "associations", &s, err));
    for (int32_t set = WEAT_X; set <= WEAT_Y; set++) {
        for (size_t i = 0; i < rows->n_rows; i++) {
            if (rows->values[2 * i] == set) s[n++] = rows->values[2 * i + 1];
        }
        if (set == WEAT_X) n_first = n;
    }
    TRY(weat_test_associations(s, n, n_first, 0, 0, &test, err));
    *p = test.p;
    return STATUS_OK;
}

static Status score_rows(const MetricPlan *plan, const RowSet *rows, const double *weights,
                         const void *index, Arena *scratch, double *scores, Error *err)
{
    const double ddof = (double)*(const int64_t *)plan->options;
    double sums[2] = {0, 0}, totals[2] = {0, 0}, squares = 0;
    (void)index;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *r = rows->values + 2 * i;
        if (r[0] > WEAT_Y) continue;
        sums[(size_t)r[0]] += weights[i] * r[1];
        totals[(size_t)r[0]] += weights[i];
    }
    const double n = totals[0] + totals[1], mean = (sums[0] + sums[1]) / n;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const double *r = rows->values + 2 * i;
        if (r[0] <= WEAT_Y) squares += weights[i] * (r[1] - mean) * (r[1] - mean);
    }
    for (size_t k = 0; k < N_SCORES; k++) scores[k] = NAN;
    if (!(totals[0] > 0 && totals[1] > 0)) return STATUS_OK;
    scores[SCORE_DIFFERENCE] = sums[0] / totals[0] - sums[1] / totals[1];
    if (n > ddof && squares > 0)
        scores[SCORE_EFFECT] = scores[SCORE_DIFFERENCE] / sqrt(squares / (n - ddof));
    if (!is_plain(weights, rows->n_rows)) return STATUS_OK;
    return find_p(rows, scratch, &scores[SCORE_P], err);
}

static Status signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|ddof:%lld", (long long)*(const int64_t *)plan->options);
}

const Metric metric_seat = {
    .name = "seat",
    .summary = "effect size of how differently two sets of targets go with two sets of attributes, "
               "from associations",
    .source = "Caliskan et al. 2017, Science 356, 183-186; May et al. 2019, arXiv:1903.10561",
    .needs = NEEDS_ASSOCIATIONS,
    .kind = METRIC_ROWS,
    .direction = NO_DIRECTION,
    .lowest = -INFINITY, // sets of equal size: within 2
    .highest = INFINITY,
    .params = params,
    .prepare = prepare,
    .sub_scores = sub_scores,
    .row = row,
    .score_rows = score_rows,
    .signature = signature,
};
