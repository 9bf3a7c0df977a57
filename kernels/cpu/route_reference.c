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

static void fill_scores(const RouteArgs *as, const Real *x, const Real *bias, const Scores *s)
{
    for (size_t j = 0; j < s->n; j++)
        s->of_column[j] = bias ? sigmoid((double)x[j]) + (double)bias[j] : (double)x[j];
    if (as->n_groups > 0) leave_groups(as, s, bias != NULL);
}

// exp(x[j] - max) over what a softmax adds up to.
typedef struct RowSum {
    double max, sum_exp;
} RowSum;

static RowSum row_sum(RouteKind kind, const Real *x, size_t n, const Real *chosen, size_t k)
{
    RowSum row = {.max = x[(size_t)chosen[0]]};
    if (kind == ROUTE_SOFTMAX) {
        for (size_t j = 0; j < n; j++) row.sum_exp += exp(x[j] - row.max);
    } else {
        for (size_t j = 0; j < k; j++) row.sum_exp += exp(x[(size_t)chosen[j]] - row.max);
    }
    return row;
}

static double scale_of(const RouteArgs *as)
{
    return as->scale > 0.0f ? (double)as->scale : 1.0;
}

// What sigmoids of the chosen columns are divided by.
static double sigmoid_sum(const RouteArgs *as, const Real *x, const Real *chosen, size_t k)
{
    double sum = 1e-20;
    if (!as->normalizes) return 1;
    for (size_t j = 0; j < k; j++) sum += sigmoid((double)x[(size_t)chosen[j]]);
    return sum;
}

static void weigh(const RouteArgs *as, const Real *x, size_t n, const Real *chosen, size_t k,
                  Real *w)
{
    const double scale = scale_of(as);
    if (as->kind == ROUTE_SIGMOID) {
        const double sum = sigmoid_sum(as, x, chosen, k);
        for (size_t j = 0; j < k; j++)
            w[j] = (Real)(scale * (sigmoid((double)x[(size_t)chosen[j]]) / sum));
        return;
    }
    const RowSum row = row_sum(as->kind, x, n, chosen, k);
    for (size_t j = 0; j < k; j++)
        w[j] = (Real)(scale * (exp((double)x[(size_t)chosen[j]] - row.max) / row.sum_exp));
}

Status REFERENCE(route)(const OpArgs *args, Exec *exec, Error *err)
{
    const RouteArgs *as = &args->as.route;
    const Tensor *logits = &args->in[0], *weights = &args->out[0];
    const size_t k = weights->cols, n = logits->cols, mark = exec_scratch_mark(exec);
    double *scores = exec_scratch(exec, (n + as->n_groups) * sizeof *scores);
    if (!scores) return error_set_memory(err, n + as->n_groups, sizeof *scores, "a route");
    const Scores s = {.n = n, .of_column = scores, .of_group = scores + n};
    for (size_t i = 0; i < logits->rows; i++) {
        const Real *x = real_row(logits, i);
        Real *chosen = real_row(&args->out[1], i);
        size_t last = 0;
        fill_scores(as, x, args->in[1].data ? real_row(&args->in[1], 0) : NULL, &s);
        for (size_t j = 0; j < k; j++) {
            last = next_column(s.of_column, 0, n, j > 0 ? &last : NULL);
            chosen[j] = (Real)last;
        }
        weigh(as, x, n, chosen, k, real_row(weights, i));
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

static void sigmoid_gradient(const RouteArgs *as, const Real *x, size_t n, const Real *chosen,
                             const Real *dw, size_t k, Real *dx)
{
    const double sum = sigmoid_sum(as, x, chosen, k), scale = scale_of(as);
    double mean = 0;
    for (size_t j = 0; as->normalizes && j < k; j++)
        mean += sigmoid((double)x[(size_t)chosen[j]]) * (double)dw[j] / sum;
    for (size_t j = 0; j < n; j++) dx[j] = 0;
    for (size_t j = 0; j < k; j++) {
        const size_t column = (size_t)chosen[j];
        const double w = sigmoid((double)x[column]);
        dx[column] = (Real)(scale * ((double)dw[j] - mean) / sum * w * (1.0 - w));
    }
}

static void softmax_gradient(const RouteArgs *as, const Real *x, size_t n, const Real *chosen,
                             const Real *dw, size_t k, Real *dx)
{
    const RowSum row = row_sum(as->kind, x, n, chosen, k);
    const double scale = scale_of(as);
    const int is_whole = as->kind == ROUTE_SOFTMAX;
    double sum = 0;
    for (size_t j = 0; j < k; j++)
        sum += exp((double)x[(size_t)chosen[j]] - row.max) / row.sum_exp * (double)dw[j];
    for (size_t j = 0; j < n; j++)
        dx[j] = is_whole ? (Real)(scale * (-exp((double)x[j] - row.max) / row.sum_exp * sum)) : 0;
    for (size_t j = 0; j < k; j++) {
        const size_t column = (size_t)chosen[j];
        const double p = exp((double)x[column] - row.max) / row.sum_exp;
        dx[column] = (Real)(scale * (p * ((double)dw[j] - sum)));
    }
}

Status REFERENCE(route_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const RouteArgs *as = &args->as.route;
    const Tensor *logits = &args->in[1];
    const size_t n = logits->cols, k = args->in[0].cols;
    for (size_t i = 0; i < logits->rows; i++) {
        const Real *dw = real_row(&args->in[0], i), *x = real_row(logits, i);
        const Real *chosen = real_row(&args->in[2], i);
        Real *dx = real_row(&args->out[0], i);
        if (as->kind == ROUTE_SIGMOID)
            sigmoid_gradient(as, x, n, chosen, dw, k, dx);
        else
            softmax_gradient(as, x, n, chosen, dw, k, dx);
    }
    return STATUS_OK;
}
