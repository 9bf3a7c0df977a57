#include "kernels/route.h"

#include <math.h>

#include "kernels/cpu/real.h"
#include "kernels/exec.h"

// Whether column a comes before column b: a total order.
static int precedes(const double *x, size_t a, size_t b)
{
    const int a_is_nan = isnan(x[a]) != 0, b_is_nan = isnan(x[b]) != 0;
    if (a_is_nan != b_is_nan) return a_is_nan;
    if (x[a] > x[b] || x[a] < x[b]) return x[a] > x[b];
    return a < b;
}

// The first column of begin .. end - 1 behind *last in that order; the first of all where last is NULL; end where there is none.
static size_t next_column(const double *x, size_t begin, size_t end, const size_t *last)
{
    size_t best = end;
    for (size_t j = begin; j < end; j++) {
        if (last && !precedes(x, *last, j)) continue;
        if (best == end || precedes(x, j, best)) best = j;
    }
    return best;
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

// Scores of n columns that are chosen by, and of groups of them.
typedef struct Scores {
    size_t n;
    double *of_column; // [n]
    double *of_group;  // [n_groups]
} Scores;

static double group_score(const Scores *s, size_t begin, size_t end, int adds_two)
{
    const size_t first = next_column(s->of_column, begin, end, NULL);
    const size_t second = next_column(s->of_column, begin, end, &first);
    double score = s->of_column[first];
    if (adds_two && second < end) score += s->of_column[second];
    return score;
}

// -infinity for the columns of all but the first groups.
static void leave_groups(const RouteArgs *as, const Scores *s, int adds_two)
{
    const size_t size = s->n / as->n_groups;
    for (size_t g = 0; g < as->n_groups; g++)
        s->of_group[g] = group_score(s, g * size, (g + 1) * size, adds_two);
    for (size_t g = 0; g < as->n_groups; g++) {
        size_t n_before = 0;
        for (size_t other = 0; other < as->n_groups; other++)
            n_before += other != g && precedes(s->of_group, other, g);
        for (size_t j = g * size; n_before >= as->n_top_groups && j < (g + 1) * size; j++)
            s->of_column[j] = -INFINITY;
    }
}

// NaN is passed over. As Real: gcc 12 ends with an internal error at fmax of what was widened, for aarch64.
static double largest_of(const Real *x, size_t n)
{
    Real max = x[0];
    for (size_t j = 1; j < n; j++)
        if (x[j] > max || max != max) max = x[j];
    return (double)max;
}

// exp(x[j] - max) over what a softmax adds up to.
typedef struct RowSum {
    double max, sum_exp;
} RowSum;

static RowSum whole_row(const Real *x, size_t n)
{
    RowSum row = {.max = largest_of(x, n)};
    for (size_t j = 0; j < n; j++) row.sum_exp += exp((double)x[j] - row.max);
    return row;
}

static RowSum chosen_row(const Real *x, const Real *chosen, size_t k)
{
    RowSum row = {.max = (double)x[(size_t)chosen[0]]};
    for (size_t j = 1; j < k; j++) row.max = fmax(row.max, (double)x[(size_t)chosen[j]]);
    for (size_t j = 0; j < k; j++) row.sum_exp += exp((double)x[(size_t)chosen[j]] - row.max);
    return row;
}

static double share(const RowSum *row, Real x)
{
    return exp((double)x - row->max) / row->sum_exp;
}

static void fill_scores(const RouteArgs *as, const Real *x, const Real *bias, const Scores *s)
{
    const int is_softmax = bias && as->kind != ROUTE_SIGMOID;
    const RowSum row = is_softmax ? whole_row(x, s->n) : (RowSum){0};
    for (size_t j = 0; j < s->n; j++) {
        const double p = is_softmax ? share(&row, x[j])
                         : bias     ? sigmoid((double)x[j])
                                    : (double)x[j];
        s->of_column[j] = bias ? p + (double)bias[j] : p;
    }
    if (as->n_groups > 0) leave_groups(as, s, bias != NULL);
}

// ---- weights ----

// What the row of logits x made of itself.
typedef struct Chosen {
    const RouteArgs *as;
    const Real *x, *columns;
    size_t n, k;
} Chosen;

// What sigmoids of the chosen columns are divided by.
static double sigmoid_sum(const Chosen *c)
{
    double sum = c->as->floor > 0.0f ? (double)c->as->floor : 1e-20;
    if (!c->as->normalizes) return 1;
    for (size_t j = 0; j < c->k; j++) sum += sigmoid((double)c->x[(size_t)c->columns[j]]);
    return sum;
}

// Whether column j is of the sum that the k-th chosen one is a share of.
static int is_near(const Chosen *c, size_t k, size_t j)
{
    const double m = (double)c->x[(size_t)c->columns[k]], x = (double)c->x[j];
    for (size_t before = 0; before < k; before++)
        if ((size_t)c->columns[before] == j) return 0;
    return !((m - x) / fmax(m, fabs(x)) > (double)c->as->tolerance);
}

static RowSum near_row(const Chosen *c, size_t k)
{
    RowSum row = {.max = (double)c->x[(size_t)c->columns[k]]};
    for (size_t j = 0; j < c->n; j++)
        if (is_near(c, k, j)) row.sum_exp += exp((double)c->x[j] - row.max);
    return row;
}

// p [k], before scale and factors.
static void fill_shares(const Chosen *c, double *p)
{
    const double sum = sigmoid_sum(c);
    const RowSum row =
        c->as->kind == ROUTE_SOFTMAX ? whole_row(c->x, c->n) : chosen_row(c->x, c->columns, c->k);
    for (size_t j = 0; j < c->k; j++) {
        const Real x = c->x[(size_t)c->columns[j]];
        if (c->as->kind == ROUTE_SIGMOID)
            p[j] = sigmoid((double)x) / sum;
        else
            p[j] = c->as->kind == ROUTE_NEAR ? 1 / near_row(c, j).sum_exp : share(&row, x);
    }
}

static double factor_of(const RouteArgs *as, const Tensor *factors, Real column)
{
    const double scale = as->scale > 0.0f ? (double)as->scale : 1.0;
    return factors->data ? scale * (double)real_row(factors, 0)[(size_t)column] : scale;
}

Status REFERENCE(route)(const OpArgs *args, Exec *exec, Error *err)
{
    const RouteArgs *as = &args->as.route;
    const Tensor *logits = &args->in[0], *weights = &args->out[0];
    const size_t k = weights->cols, n = logits->cols, mark = exec_scratch_mark(exec);
    const size_t room = n + as->n_groups + k;
    double *scores = exec_scratch(exec, room * sizeof *scores);
    if (!scores) return error_set_memory(err, room, sizeof *scores, "a route");
    const Scores s = {.n = n, .of_column = scores, .of_group = scores + n};
    double *p = scores + n + as->n_groups;
    for (size_t i = 0; i < logits->rows; i++) {
        const Real *x = real_row(logits, i);
        Real *chosen = real_row(&args->out[1], i), *w = real_row(weights, i);
        size_t last = 0;
        fill_scores(as, x, args->in[1].data ? real_row(&args->in[1], 0) : NULL, &s);
        for (size_t j = 0; j < k; j++) {
            last = next_column(s.of_column, 0, n, j > 0 ? &last : NULL);
            chosen[j] = (Real)last;
        }
        fill_shares(&(Chosen){as, x, chosen, n, k}, p);
        for (size_t j = 0; j < k; j++) w[j] = (Real)(factor_of(as, &args->in[2], chosen[j]) * p[j]);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- backward ----

static double sum_of_products(size_t k, const double *p, const double *d)
{
    double sum = 0;
    for (size_t j = 0; j < k; j++) sum += p[j] * d[j];
    return sum;
}

static void sigmoid_gradient(const Chosen *c, const double *p, const double *d, double *dx)
{
    const double sum = sigmoid_sum(c), mean = c->as->normalizes ? sum_of_products(c->k, p, d) : 0;
    for (size_t j = 0; j < c->k; j++) {
        const size_t column = (size_t)c->columns[j];
        const double s = sigmoid((double)c->x[column]);
        dx[column] = (d[j] - mean) / sum * s * (1.0 - s);
    }
}

static void softmax_gradient(const Chosen *c, const double *p, const double *d, double *dx)
{
    const double sum = sum_of_products(c->k, p, d);
    const int is_whole = c->as->kind == ROUTE_SOFTMAX;
    const RowSum row = is_whole ? whole_row(c->x, c->n) : (RowSum){0};
    for (size_t j = 0; is_whole && j < c->n; j++) dx[j] = -share(&row, c->x[j]) * sum;
    for (size_t j = 0; j < c->k; j++) dx[(size_t)c->columns[j]] = p[j] * (d[j] - sum);
}

static void near_gradient(const Chosen *c, const double *p, const double *d, double *dx)
{
    for (size_t k = 0; k < c->k; k++) {
        const RowSum row = near_row(c, k);
        for (size_t j = 0; j < c->n; j++)
            if (is_near(c, k, j)) dx[j] -= p[k] * d[k] * share(&row, c->x[j]);
        dx[(size_t)c->columns[k]] += p[k] * d[k];
    }
}

// dx [n] of one row.
static void row_gradient(const Chosen *c, const double *p, const double *d, double *dx)
{
    for (size_t j = 0; j < c->n; j++) dx[j] = 0;
    switch (c->as->kind) {
    case ROUTE_SOFTMAX:
    case ROUTE_SOFTMAX_TOP:
        softmax_gradient(c, p, d, dx);
        break;
    case ROUTE_SIGMOID:
        sigmoid_gradient(c, p, d, dx);
        break;
    case ROUTE_NEAR:
        near_gradient(c, p, d, dx);
        break;
    case ROUTE_KIND_COUNT:
        break;
    }
}

Status REFERENCE(route_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const RouteArgs *as = &args->as.route;
    const Tensor *logits = &args->in[1], *factors = &args->in[3];
    const size_t n = logits->cols, k = args->in[0].cols, mark = exec_scratch_mark(exec);
    // Of a row: p, d and dx; and what all rows add to the factors' gradients.
    const size_t room = 2 * k + 2 * n;
    double *p = exec_scratch(exec, room * sizeof *p);
    if (!p) return error_set_memory(err, room, sizeof *p, "a route's gradient");
    double *d = p + k, *dx = d + k, *df = dx + n;
    for (size_t j = 0; j < n; j++) df[j] = 0;
    for (size_t i = 0; i < logits->rows; i++) {
        const Real *dw = real_row(&args->in[0], i), *columns = real_row(&args->in[2], i);
        const Chosen c = {as, real_row(logits, i), columns, n, k};
        fill_shares(&c, p);
        for (size_t j = 0; j < k; j++) {
            d[j] = factor_of(as, factors, columns[j]) * (double)dw[j];
            df[(size_t)columns[j]] += factor_of(as, &(Tensor){0}, 0) * p[j] * (double)dw[j];
        }
        if (!args->out[0].data) continue;
        row_gradient(&c, p, d, dx);
        for (size_t j = 0; j < n; j++) real_row(&args->out[0], i)[j] = (Real)dx[j];
    }
    for (size_t j = 0; args->out[1].data && j < n; j++) {
        Real *to = real_row(&args->out[1], 0) + j;
        *to = (Real)((double)*to + df[j]);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
