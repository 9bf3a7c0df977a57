// How predicted numbers go along with the references.
//
// Pearson's r and Lin's concordance go by values, Spearman's rho and Kendall's tau by order; ties share the middle of
// their ranks. A weight counts as so many copies. Undefined where a side is constant.
#include <math.h>

#include "metrics/classes.h"
#include "metrics/metrics_list.h"
#include "metrics/order.h"
#include "metrics/values.h"

// ---- By values ----

// Rounding can take the quotient past 1, and below it where both sides are the same: with three pairs that would be a p-value of
// 1e-8 in place of 0.
static double correlation_of(const Moments *m)
{
    if (!(m->xx > 0) || !(m->yy > 0)) return NAN;
    if (m->xx == m->yy && fabs(m->xy) == m->xx) return copysign(1, m->xy);
    return fmax(-1, fmin(1, m->xy / sqrt(m->xx) / sqrt(m->yy)));
}

static Status score_pearson(const MetricPlan *plan, const RowSet *rows, const double *weights,
                            const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)plan;
    (void)index;
    (void)scratch;
    (void)err;
    const Moments m = values_moments(rows->values, weights, rows->n_rows);
    scores[0] = correlation_of(&m);
    return STATUS_OK;
}

static Status score_concordance(const MetricPlan *plan, const RowSet *rows, const double *weights,
                                const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)plan;
    (void)index;
    (void)scratch;
    (void)err;
    const Moments m = values_moments(rows->values, weights, rows->n_rows);
    const double apart = m.mean_x - m.mean_y, spread = m.xx + m.yy + apart * apart;
    scores[0] = spread > 0 ? 2 * m.xy / spread : (double)NAN;
    return STATUS_OK;
}

// ---- By order ----

// For references and predictions: rows from the lowest value up, and the place of each row's value among the different
// ones.
typedef struct Orders {
    uint32_t *order[2];
    uint32_t *place[2];
    size_t n_places[2];
} Orders;

static Status order_side(const RowSet *rows, size_t side, Arena *arena, Orders *orders, Error *err)
{
    const size_t n = rows->n_rows;
    uint32_t *order, *place;
    TRY(arena_take(arena, n, sizeof *order, "an order of values", &order, err));
    TRY(arena_take(arena, n, sizeof *place, "places of values", &place, err));
    orders->order[side] = order;
    orders->place[side] = place;
    if (n == 0) return STATUS_OK;
    TRY(order_ascending(rows->values + side, 2, n, arena, order, err));
    uint32_t at = 0;
    double before = rows->values[2 * (size_t)order[0] + side];
    for (size_t i = 0; i < n; i++) {
        const double value = rows->values[2 * (size_t)order[i] + side];
        at += value != before;
        place[order[i]] = at;
        before = value;
    }
    orders->n_places[side] = (size_t)at + 1;
    return STATUS_OK;
}

static Status index_rows(const MetricPlan *plan, const RowSet *rows, Arena *arena,
                         const void **index, Error *err)
{
    (void)plan;
    Orders *orders;
    TRY(arena_take(arena, 1, sizeof *orders, "orders", &orders, err));
    for (size_t side = 0; side < 2; side++) TRY(order_side(rows, side, arena, orders, err));
    *index = orders;
    return STATUS_OK;
}

// Weight at each place [n_places], in scratch.
static Status weigh_places(const Orders *orders, size_t side, const double *weights, size_t n,
                           Arena *scratch, double **out, Error *err)
{
    TRY(arena_take(scratch, orders->n_places[side], sizeof **out, "weights by place", out, err));
    for (size_t i = 0; i < n; i++) (*out)[orders->place[side][i]] += weights[i];
    return STATUS_OK;
}

static Status score_spearman(const MetricPlan *plan, const RowSet *rows, const double *weights,
                             const void *index, Arena *scratch, double *scores, Error *err)
{
    (void)plan;
    const Orders *orders = index;
    const size_t n = rows->n_rows;
    double *ranks; // [n, 2]
    TRY(arena_take(scratch, n, 2 * sizeof *ranks, "ranks", &ranks, err));
    for (size_t side = 0; side < 2; side++) {
        double *tied, below = 0;
        TRY(weigh_places(orders, side, weights, n, scratch, &tied, err));
        for (size_t p = 0; p < orders->n_places[side]; p++) {
            const double weight = tied[p];
            tied[p] = below + 0.5 * weight; // the middle rank, less a half that all share
            below += weight;
        }
        for (size_t i = 0; i < n; i++) ranks[2 * i + side] = tied[orders->place[side][i]];
    }
    const Moments m = values_moments(ranks, weights, n);
    scores[0] = correlation_of(&m);
    return STATUS_OK;
}

// ---- Kendall ----

typedef enum KendallVariant { KENDALL_B, KENDALL_C } KendallVariant;
static const char *const variants[] = {"b", "c"};
static const char *const kendall_params[] = {"variant", NULL};

static Status prepare_kendall(MetricPlan *plan, Arena *arena, Error *err)
{
    size_t *variant;
    TRY(arena_take(arena, 1, sizeof *variant, "options", &variant, err));
    TRY(params_choice(plan->setup.params, "variant", variants, 2, variant, err));
    plan->options = variant;
    return STATUS_OK;
}

static Status kendall_signature(const MetricPlan *plan, Arena *arena, Slice *out, Error *err)
{
    return arena_format(arena, out, err, "|variant:%s", variants[*(const size_t *)plan->options]);
}

// Sums over beginnings (Fenwick 1994), places counted from 1.
static double sum_to(const double *tree, size_t place)
{
    double sum = 0;
    for (; place > 0; place &= place - 1) sum += tree[place];
    return sum;
}

static void add_at(double *tree, size_t n, size_t place, double weight)
{
    for (; place <= n; place += place & (~place + 1)) tree[place] += weight;
}

// Pairs in the same order less pairs in opposite order; pairs tied on either side count nothing.
static Status count_agreement(const Orders *orders, const double *weights, size_t n, Arena *scratch,
                              double *out, Error *err)
{
    const size_t n_places = orders->n_places[1];
    double *tree, added = 0;
    TRY(arena_take(scratch, n_places + 1, sizeof *tree, "sums of weights", &tree, err));
    *out = 0;
    for (size_t begin = 0, end; begin < n; begin = end) {
        const uint32_t place = orders->place[0][orders->order[0][begin]];
        for (end = begin; end < n; end++) {
            const uint32_t i = orders->order[0][end];
            if (orders->place[0][i] != place) break;
            const double below = sum_to(tree, orders->place[1][i]);
            const double above = added - sum_to(tree, (size_t)orders->place[1][i] + 1);
            *out += weights[i] * (below - above);
        }
        for (size_t k = begin; k < end; k++) {
            const uint32_t i = orders->order[0][k];
            add_at(tree, n_places, (size_t)orders->place[1][i] + 1, weights[i]);
            added += weights[i];
        }
    }
    return STATUS_OK;
}

static Status score_kendall(const MetricPlan *plan, const RowSet *rows, const double *weights,
                            const void *index, Arena *scratch, double *scores, Error *err)
{
    const KendallVariant variant = (KendallVariant) * (const size_t *)plan->options;
    const Orders *orders = index;
    double total = 0, untied[2], n_seen[2] = {0, 0}, agreement;
    for (size_t i = 0; i < rows->n_rows; i++) total += weights[i];
    for (size_t side = 0; side < 2; side++) {
        double *tied;
        TRY(weigh_places(orders, side, weights, rows->n_rows, scratch, &tied, err));
        untied[side] = total * total;
        for (size_t p = 0; p < orders->n_places[side]; p++) {
            untied[side] -= tied[p] * tied[p];
            n_seen[side] += tied[p] > 0;
        }
        untied[side] /= 2;
    }
    TRY(count_agreement(orders, weights, rows->n_rows, scratch, &agreement, err));
    const double m = fmin(n_seen[0], n_seen[1]);
    if (m < 2) {
        scores[0] = NAN;
    } else if (variant == KENDALL_C) {
        scores[0] = 2 * agreement / (total * total * (m - 1) / m);
    } else {
        scores[0] = fmax(-1, fmin(1, agreement / sqrt(untied[0]) / sqrt(untied[1])));
    }
    return STATUS_OK;
}

const Metric metric_pearson = {
    .name = "pearson",
    .summary = "correlation of predicted numbers with the references",
    .source = "SciPy pearsonr",
    .needs = NEEDS_VALUES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .row = values_row,
    .score_rows = score_pearson,
};

const Metric metric_spearman = {
    .name = "spearman",
    .summary = "correlation of the ranks of predicted numbers with those of the references",
    .source = "SciPy spearmanr",
    .needs = NEEDS_VALUES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .row = values_row,
    .index_rows = index_rows,
    .score_rows = score_spearman,
};

const Metric metric_kendall = {
    .name = "kendall",
    .summary = "pairs in the same order less pairs in opposite order: tau-b, or variant c",
    .source = "Kendall 1945; Stuart 1953; SciPy kendalltau",
    .needs = NEEDS_VALUES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .params = kendall_params,
    .prepare = prepare_kendall,
    .row = values_row,
    .index_rows = index_rows,
    .score_rows = score_kendall,
    .signature = kendall_signature,
};

const Metric metric_concordance = {
    .name = "concordance",
    .summary = "Lin's concordance: correlation that also counts shift and scale as errors",
    .source = "Lin 1989, Biometrics 45(1), 255-268",
    .needs = NEEDS_VALUES,
    .kind = METRIC_ROWS,
    .direction = HIGHER_IS_BETTER,
    .lowest = -1,
    .highest = 1,
    .row = values_row,
    .score_rows = score_concordance,
};
