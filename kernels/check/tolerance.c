#include "kernels/check/tolerance.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/check/tolerance_internal.h"
#include "kernels/linear_low.h"
#include "kernels/pack.h"

static const double underflow = TOLERANCE_UNDERFLOW;

double tolerance_sum_factor(double u, size_t n_terms)
{
    return u * (8.0 + 4.0 * sqrt((double)n_terms));
}

double tolerance_largest(const Tensor *tensor)
{
    double largest = 0;
    if (!tensor->data) return 0;
    for (size_t i = 0; i < tensor->rows; i++) {
        for (size_t j = 0; j < tensor->cols; j++) {
            const double value = fabs(tensor_get(tensor, i, j));
            if (isfinite(value)) largest = fmax(largest, value);
        }
    }
    return largest;
}

static double largest_in_row(const Tensor *tensor, size_t row)
{
    double largest = 0;
    for (size_t j = 0; tensor->data && j < tensor->cols; j++) {
        largest = fmax(largest, fabs(tensor_get(tensor, row, j)));
    }
    return largest;
}

void tolerance_constant(const Tensor *out, double value, double *bound)
{
    for (size_t i = 0; i < out->rows * out->cols; i++) bound[i] = value + underflow;
}

// factor * the absolute run.
static void fill_absolute(const ToleranceInput *in, size_t out, double factor, double *bound)
{
    const Tensor *magnitude = &in->absolute->args.out[out];
    for (size_t i = 0; i < magnitude->rows; i++) {
        for (size_t j = 0; j < magnitude->cols; j++) {
            *bound++ = factor * tensor_get(magnitude, i, j) + underflow;
        }
    }
}

// Copies change no bit.
static void fill_exact(const ToleranceInput *in, size_t out, double *bound)
{
    const Tensor *tensor = &in->exact->args.out[out];
    for (size_t i = 0; i < tensor->rows * tensor->cols; i++) bound[i] = 0;
}

// A handful of roundings.
static void fill_few(const ToleranceInput *in, size_t out, double *bound)
{
    fill_absolute(in, out, tolerance_sum_factor(in->u, 1), bound);
}

// Sums over the rows of in0.
static void fill_sum_rows(const ToleranceInput *in, size_t out, double *bound)
{
    fill_absolute(in, out, tolerance_sum_factor(in->u, in->before->args.in[0].rows), bound);
}

// 1.2: no activation here is steeper (GELU reaches 1.13) but ReLU's square, which the absolute run has too: it doubles what a
// number errs by, relatively.
static double steepness(Activation activation)
{
    return activation == ACTIVATION_RELU2 ? 2.4 : 1.2;
}

static void fill_linear(const ToleranceInput *in, size_t out, double *bound)
{
    const size_t depth = in->before->args.in[1].cols;
    const double slope = steepness(in->before->args.as.linear.activation);
    fill_absolute(in, out, slope * tolerance_sum_factor(in->u, depth), bound);
}

// Where numbers of at most `terms` err by `error`, so many does their activation err by.
static double activated_error(Activation activation, double terms, double error)
{
    return activation == ACTIVATION_RELU2 ? (2 * terms + error) * error : error;
}

static double activated_terms(Activation activation, double terms)
{
    return activation == ACTIVATION_RELU2 ? terms * terms : terms;
}

// In functions of their own: gcc 12 fails on the loops where they stand in one (aarch64, -O3).
static double largest_magnitude(const float *row, size_t n)
{
    double largest = 0;
    for (size_t k = 0; k < n; k++) {
        if (fabsf(row[k]) > largest) largest = fabsf(row[k]);
    }
    return largest;
}

static double sum_of_magnitudes(const Tensor *x, size_t row)
{
    double sum = 0;
    for (size_t k = 0; k < x->cols; k++) sum += fabs(tensor_get(x, row, k));
    return sum;
}

// A chain over parts, whose terms are at most (twice, for formats with an offset) the largest weight of the output times
// the sum of |x|; rounding x to blocks of 8 bits makes it larger by less than a fifth. VDPBF16PS counts tiny numbers as 0.
// GELU may be a coarser polynomial (kernels/linear_low.h).
static void fill_linear_low(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Tensor *x = &before->in[0], *w = &before->in[1], *y = &before->out[out];
    const double factor = 1.2 * 1.2 * tolerance_sum_factor(in->u, w->cols),
                 flushed = (double)w->cols * FLT_MIN;
    const Activation activation = out == 0 ? before->as.linear.activation : ACTIVATION_NONE;
    const int is_gelu = activation == ACTIVATION_GELU;
    float row[8192]; // as long as problem.c makes them
    for (size_t n = 0; n < y->cols; n++) {
        double bias = 0;
        unpack_tensor_row(w, n, row);
        const double largest = largest_magnitude(row, w->cols);
        if (before->in[2].data) bias = fabs(tensor_get(&before->in[2], 0, n));
        for (size_t m = 0; m < y->rows; m++) {
            const double terms = bias + 2 * largest * sum_of_magnitudes(x, m);
            bound[m * y->cols + n] =
                activated_error(activation, terms, factor * terms + flushed + underflow) +
                (is_gelu ? LOW_GELU_ERROR * fmin(1 + terms, terms) : 0) + underflow;
        }
    }
}

// An inner number errs as a number of fill_linear_low, and where it stands between two codes, or its block between two
// exponents, by a step: 2^e is less than twice the largest of a block over 127, and both sides round within half of one.
static double inner_error(const ToleranceInput *in, size_t row, double *sum)
{
    const OpArgs *before = &in->before->args;
    const Tensor *w = &before->in[1], *bias = &before->in[2];
    const double magnitudes = sum_of_magnitudes(&before->in[0], row);
    const Activation activation = before->as.linear.activation;
    const int is_gelu = activation == ACTIVATION_GELU;
    double error = 0, largest_terms = 0;
    float numbers[8192]; // as long as problem.c makes them
    *sum = 0;
    for (size_t j = 0; j < w->rows; j++) {
        unpack_tensor_row(w, j, numbers);
        const double terms = (bias->data ? fabs(tensor_get(bias, 0, j)) : 0) +
                             2 * largest_magnitude(numbers, w->cols) * magnitudes;
        const double before_it =
            1.2 * 1.2 * tolerance_sum_factor(in->u, w->cols) * terms + (double)w->cols * FLT_MIN;
        error += activated_error(activation, terms, before_it) +
                 (is_gelu ? LOW_GELU_ERROR * fmin(1 + terms, terms) : 0);
        *sum += 1.2 * activated_terms(activation, terms);
        largest_terms = fmax(largest_terms, activated_terms(activation, terms));
    }
    return error + (double)w->rows * (1.2 * largest_terms + error) * 2 / 127;
}

// The errors of a row's inner numbers times the largest weight of an output, and those of its own sum.
static void fill_feed_forward(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Tensor *w = &before->in[3], *bias = &before->in[4], *y = &before->out[out];
    const double factor = 1.2 * tolerance_sum_factor(in->u, w->cols);
    float numbers[8192];
    for (size_t m = 0; m < y->rows; m++) {
        double sum = 0;
        const double error = inner_error(in, m, &sum);
        for (size_t n = 0; n < y->cols; n++) {
            unpack_tensor_row(w, n, numbers);
            const double largest = largest_magnitude(numbers, w->cols);
            const double terms = (bias->data ? fabs(tensor_get(bias, 0, n)) : 0) + largest * sum;
            bound[m * y->cols + n] = factor * terms + largest * error + underflow;
        }
    }
}

static void fill_linear_backward(const ToleranceInput *in, size_t out, double *bound)
{
    const Tensor *dy = &in->before->args.in[0];
    const size_t n_terms = out == 0 ? dy->cols : dy->rows;
    fill_absolute(in, out, 1.2 * tolerance_sum_factor(in->u, n_terms), bound);
}

static void fill_gemm(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *args = &in->before->args;
    const size_t depth = args->as.gemm.transpose_a ? args->in[0].rows : args->in[0].cols;
    fill_absolute(in, out, tolerance_sum_factor(in->u, depth + 1), bound);
}

static void fill_storage_sum(const ToleranceInput *in, size_t out, double *bound)
{
    const Tensor *x = &in->before->args.in[0];
    fill_absolute(in, out, tolerance_sum_factor(in->u, x->rows * x->cols), bound);
}

// A group of columns of a row that are normed together: the largest |s| (of the sum's terms), and what rstd is by the problem.
typedef struct NormedGroup {
    double largest, rstd;
} NormedGroup;

static size_t normed_columns(const OpArgs *args, size_t cols)
{
    return args->as.norm.group > 0 ? args->as.norm.group : size_max(cols, 1);
}

static double largest_in_columns(const Tensor *tensor, size_t row, size_t begin, size_t end)
{
    double largest = 0;
    for (size_t j = begin; tensor->data && j < end; j++)
        largest = fmax(largest, fabs(tensor_get(tensor, row, j)));
    return largest;
}

static double term_sum(const OpArgs *before, size_t i, size_t j)
{
    return tensor_get(&before->in[0], i, j) +
           (before->in[1].data ? tensor_get(&before->in[1], i, j) : 0);
}

static NormedGroup normed_group(const OpArgs *before, size_t i, size_t begin, size_t end)
{
    const double size = (double)(end - begin);
    double sum = 0, squares = 0;
    for (size_t j = begin; j < end; j++) sum += term_sum(before, i, j);
    for (size_t j = begin; j < end; j++) {
        const double centred = term_sum(before, i, j) - sum / size;
        squares += centred * centred;
    }
    return (NormedGroup){.largest = largest_in_columns(&before->in[0], i, begin, end) +
                                    largest_in_columns(&before->in[1], i, begin, end),
                         .rstd = 1.0 / sqrt(squares / size + (double)before->as.norm.epsilon)};
}

// s - mean errs by the roundings of s and of the mean, which are relative to the largest |s| of the group, and rstd
// carries them on: with k = largest |s| * rstd, n = (s - mean) * rstd errs by about u k, and by u n.
static void fill_layer_norm(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Tensor *y = &before->out[out];
    const size_t cols = before->out[0].cols, size = normed_columns(before, cols);
    const double factor = tolerance_sum_factor(in->u, size),
                 largest_weight =
                     tolerance_largest(&before->in[2]) + (double)before->as.norm.weight_offset;
    const double largest_bias = tolerance_largest(&before->in[3]);
    for (size_t i = 0; i < y->rows; i++) {
        NormedGroup group = {0};
        for (size_t j = 0; j < y->cols; j++) {
            const size_t column = out == 2 ? j / 2 * size : j;
            if (column % size == 0) group = normed_group(before, i, column, column + size);
            const double k = group.largest * group.rstd;
            double allowed =
                factor * ((k + 1) * (1 + k * factor) * largest_weight * (1 + k) + largest_bias);
            if (out == 1) allowed = 2 * in->u * group.largest;
            if (out == 2)
                allowed =
                    factor * (j % 2 == 0 ? group.largest : group.rstd * (1 + k) * (1 + k * factor));
            *bound++ = allowed + underflow;
        }
    }
}

// ds = rstd (g - mean(g) - n mean(g n)): n errs by u k as above; g, the means and the product by u each.
static void fill_layer_norm_backward(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Tensor *dy = &before->in[0], *s = &before->in[1], *statistics = &before->in[2];
    const size_t size = normed_columns(before, dy->cols);
    const double weight = tolerance_largest(&before->in[3]) + (double)before->as.norm.weight_offset;
    const double rows_factor = tolerance_sum_factor(in->u, dy->rows * (dy->cols / size)),
                 factor = tolerance_sum_factor(in->u, size);
    double total = 0, d_bias = 0;
    for (size_t i = 0; i < dy->rows; i++) {
        for (size_t begin = 0; begin < dy->cols; begin += size) {
            const double mean = tensor_get(statistics, i, 2 * (begin / size)),
                         rstd = tensor_get(statistics, i, 2 * (begin / size) + 1);
            const double largest = largest_in_columns(dy, i, begin, begin + size);
            const double k = (largest_in_columns(s, i, begin, begin + size) + fabs(mean)) * rstd;
            const double g = largest * weight;
            // |n| <= sqrt(size), but it is usually a few; k bounds it too.
            const double n = fmin(k, sqrt((double)size)) + 1;
            for (size_t j = 0; out == 0 && j < size; j++) {
                *bound++ = factor * rstd * g * (2 + n * n + 2 * k * n) + underflow;
            }
            total += largest * (n + k);
            d_bias += largest;
        }
    }
    if (out == 0) return;
    const double begins = tolerance_largest(&before->out[out]);
    tolerance_constant(&before->out[out], rows_factor * ((out == 1 ? total : d_bias) + begins),
                       bound);
}

// All terms of the sum are squares, so rstd errs relatively, and y with it.
static void fill_rms_norm(const ToleranceInput *in, size_t out, double *bound)
{
    fill_absolute(in, out, tolerance_sum_factor(in->u, in->before->args.in[1].cols), bound);
}

// dx = rstd (g - n mean(g n)): the mean errs by its sum's roundings, relative to the largest |g| (n^2 has mean 1, so |n|
// at most 1); g and the last product by u each.
static void fill_rms_norm_backward(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Tensor *dy = &before->in[0], *x = &before->in[1], *weight = &before->in[3];
    const size_t group = weight->cols, n_groups = dy->cols / group;
    if (out == 1) {
        fill_absolute(in, out, tolerance_sum_factor(in->u, dy->rows * n_groups), bound);
        return;
    }
    const double w = tolerance_largest(weight) + (double)before->as.norm.weight_offset;
    for (size_t i = 0; i < dy->rows; i++) {
        const double g = largest_in_row(dy, i) * w;
        for (size_t j = 0; j < dy->cols; j++) {
            const double rstd = tensor_get(&before->in[2], i, j / group);
            const double n = fabs(tensor_get(x, i, j)) * rstd;
            *bound++ =
                tolerance_sum_factor(in->u, group) * rstd * g * (1 + n) + underflow * (1 + rstd);
        }
    }
}

// Two products and their sum or difference.
static void fill_rope(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Tensor *x = &before->in[0], *table = &before->in[1];
    const size_t half = table->cols / 2, head_dim = before->as.rope.head_dim;
    (void)out;
    for (size_t i = 0; i < x->rows; i++) {
        for (size_t j = 0; j < x->cols; j++) {
            const size_t column = j % head_dim, angle = half > 0 ? column % half : 0;
            double terms = 0;
            if (column < 2 * half) {
                const size_t other = column < half ? j + half : j - half;
                terms = fabs(tensor_get(x, i, j) * tensor_get(table, i, angle)) +
                        fabs(tensor_get(x, i, other) * tensor_get(table, i, half + angle));
            }
            *bound++ = tolerance_sum_factor(in->u, 1) * terms + underflow;
        }
    }
}

static void fill_gated(const ToleranceInput *in, size_t out, double *bound)
{
    const double slope = steepness(in->before->args.as.gated.activation);
    fill_absolute(in, out, slope * tolerance_sum_factor(in->u, 1), bound);
}

// A chain over the taps; what is left for later rows is copied.
static void fill_causal_conv(const ToleranceInput *in, size_t out, double *bound)
{
    if (out == 0)
        fill_absolute(in, out, tolerance_sum_factor(in->u, in->before->args.in[1].cols), bound);
    else
        fill_exact(in, out, bound);
}

static void fill_causal_conv_backward(const ToleranceInput *in, size_t out, double *bound)
{
    const size_t taps = in->before->args.in[2].cols, rows = in->before->args.in[0].rows;
    fill_absolute(in, out, tolerance_sum_factor(in->u, out == 0 ? taps : rows + 1), bound);
}

// Keys and queries are at most of length 1, so that no step makes a matrix's errors larger, and a column of it is at most as long as
// at the beginning and each value added. Of each token the sums over a key, its length and what is kept of the matrix err by a few
// roundings of that: four sums' worth. What is read errs by what the matrix does, and by one sum more.
static void fill_delta_rule(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Ragged *batch = &before->as.delta.batch;
    const Tensor *to = &in->exact->args.out[out];
    const double sum = tolerance_sum_factor(in->u, before->as.delta.key_dim),
                 rows = (double)ragged_longest(batch);
    const double longest =
        sqrt((double)before->as.delta.key_dim) * tolerance_largest(&before->in[5]) +
        rows * tolerance_largest(&before->in[2]);
    tolerance_constant(to, sum * longest * (4 * rows + 1), bound);
}

// The reference alone, which computes in double: rounded on storing and where sums are added, and beside that double's own error,
// 2^-53 times slopes of at most 1 / sqrt(epsilon) of queries and of keys each, for the largest terms of all tokens.
static void fill_delta_rule_backward(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Tensor *exact = &in->exact->args.out[out], *old = &before->out[out];
    const double rows = (double)ragged_longest(&before->as.delta.batch) + 1,
                 values = 1 + tolerance_largest(&before->in[3]);
    const double within = 0x1p-53 * 1e6 * rows * rows * (double)before->as.delta.key_dim * values *
                          values * (1 + tolerance_largest(&before->in[0]));
    for (size_t i = 0; i < exact->rows; i++) {
        for (size_t j = 0; j < exact->cols; j++) {
            const double added = out == 4 ? fabs(tensor_get(old, i, j)) : 0;
            *bound++ =
                2 * in->u * rows * (fabs(tensor_get(exact, i, j)) + added) + within + underflow;
        }
    }
}

// 1 - t^2 errs by u, whatever remains of it.
static void fill_soft_cap_backward(const ToleranceInput *in, size_t out, double *bound)
{
    const Tensor *dy = &in->before->args.in[0];
    (void)out;
    for (size_t i = 0; i < dy->rows; i++) {
        for (size_t j = 0; j < dy->cols; j++)
            *bound++ = tolerance_sum_factor(in->u, 1) * fabs(tensor_get(dy, i, j)) + underflow;
    }
}

// exp(x - max): the argument's rounding is relative to |x - max|; a few roundings of exp, sum and quotient.
static void fill_softmax(const ToleranceInput *in, size_t out, double *bound)
{
    const Tensor *x = &in->before->args.in[0], *y = &in->exact->args.out[out];
    const double factor = tolerance_sum_factor(in->u, y->cols);
    for (size_t i = 0; i < y->rows; i++) {
        double max = -INFINITY;
        for (size_t j = 0; j < y->cols; j++) max = fmax(max, tensor_get(x, i, j));
        for (size_t j = 0; j < y->cols; j++) {
            const double distance = max - tensor_get(x, i, j);
            *bound++ = tensor_get(y, i, j) * (factor + 2 * in->u * distance) + underflow;
        }
    }
}

static double largest_factor(const RouteArgs *as, const Tensor *factors)
{
    const double scale = as->scale > 0.0f ? (double)as->scale : 1.0;
    return factors->data ? scale * largest_in_row(factors, 0) : scale;
}

// As of a softmax; a sigmoid's argument rounds relative to itself. Columns are exact.
static void fill_route(const ToleranceInput *in, size_t out, double *bound)
{
    const Tensor *x = &in->before->args.in[0], *y = &in->exact->args.out[0],
                 *columns = &in->exact->args.out[1];
    const RouteArgs *as = &in->before->args.as.route;
    const int is_sigmoid = as->kind == ROUTE_SIGMOID;
    for (size_t i = 0; i < y->rows; i++) {
        double largest = -INFINITY;
        for (size_t j = 0; j < x->cols; j++) largest = fmax(largest, tensor_get(x, i, j));
        for (size_t j = 0; j < y->cols; j++) {
            const double value = tensor_get(x, i, (size_t)tensor_get(columns, i, j));
            double distance = is_sigmoid ? fabs(value) : largest - value;
            // A sum errs as its worst term does.
            for (size_t l = 0; as->normalizes && l < y->cols; l++)
                distance += fabs(tensor_get(x, i, (size_t)tensor_get(columns, i, l)));
            *bound++ = out == 1 ? 0
                                : tensor_get(y, i, j) * (tolerance_sum_factor(in->u, x->cols) +
                                                         2 * in->u * distance) +
                                      underflow;
        }
    }
}

// dx = p (dw - sum p dw): p errs by what fill_route says of it, and p times the distance to the largest is below 1/e, so that all
// of p err by a sum's roundings; they stand beside dw twice, and beside each other once.
static void fill_route_backward(const ToleranceInput *in, size_t out, double *bound)
{
    const Tensor *dw = &in->before->args.in[0], *x = &in->before->args.in[1];
    const RouteArgs *as = &in->before->args.as.route;
    // A share of a sum stands where a probability does, and its slope below 1 beside it; those near it have K sums.
    const double allowed = 6 *
                           (as->normalizes           ? 2
                            : as->kind == ROUTE_NEAR ? (double)dw->cols
                                                     : 1) *
                           largest_factor(as, &in->before->args.in[3]) *
                           tolerance_sum_factor(in->u, x->cols);
    (void)out;
    for (size_t i = 0; i < x->rows; i++) {
        for (size_t j = 0; j < x->cols; j++) *bound++ = allowed * largest_in_row(dw, i) + underflow;
    }
}

// df += scale p dw, p at most 1 and as far off as above.
static void fill_route_factors(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const Tensor *dw = &before->in[0], *df = &before->out[out];
    const double factor = 6 * (before->as.route.normalizes ? 2 : 1) *
                          largest_factor(&before->as.route, &(Tensor){0}) *
                          tolerance_sum_factor(in->u, dw->rows + before->in[1].cols);
    double sum = 0;
    for (size_t i = 0; i < dw->rows; i++) sum += largest_in_row(dw, i);
    for (size_t j = 0; j < df->cols; j++)
        *bound++ = factor * (sum + fabs(tensor_get(df, 0, j))) + underflow;
}

// Logits, their maximum and the logarithm of the sum each round relative to the largest; maxima are exact.
static void fill_log_sum_exp(const ToleranceInput *in, size_t out, double *bound)
{
    const Tensor *x = &in->before->args.in[0];
    const double factor = tolerance_sum_factor(in->u, x->cols);
    (void)out;
    for (size_t i = 0; i < x->rows; i++)
        *bound++ = factor * (1 + 2 * largest_in_row(x, i) + log((double)x->cols)) + underflow;
}

static void fill_cross_entropy(const ToleranceInput *in, size_t out, double *bound)
{
    const OpArgs *before = &in->before->args;
    const CrossEntropyArgs *as = &before->as.cross_entropy;
    const Tensor *x = &before->in[0];
    const double factor = tolerance_sum_factor(in->u, x->cols);
    double weight = 1, loss = 0;
    for (size_t j = 0; as->class_weights && j < x->cols; j++) {
        // gcc 12 for aarch64 cannot compile an fmax of converted floats here.
        if ((double)as->class_weights[j] > weight) weight = (double)as->class_weights[j];
    }
    for (size_t i = 0; i < x->rows; i++) {
        // Logits, their maximum and the logarithm of the sum each round relative to the largest.
        const double row = weight * (1 + 2 * largest_in_row(x, i) + log((double)x->cols));
        loss += row;
        for (size_t j = 0; out == 1 && j < x->cols; j++) *bound++ = factor * row + underflow;
    }
    if (out == 1) return;
    bound[0] = factor * loss + underflow;
    bound[1] = DBL_EPSILON * (1.0 + (double)x->rows) * weight * (double)x->rows;
}

// m and v are short sums; the step divides them, which keeps relative errors (v's is small: its terms do not cancel).
static void fill_adamw(const ToleranceInput *in, size_t out, double *bound)
{
    if (out > 0) {
        fill_few(in, out, bound);
        return;
    }
    const AdamwArgs *as = &in->before->args.as.adamw;
    const Tensor *p = &in->before->args.out[0];
    const double correction1 = 1.0 - pow((double)as->beta1, (double)as->step);
    const double correction2 = 1.0 - pow((double)as->beta2, (double)as->step);
    for (size_t i = 0; i < p->rows; i++) {
        for (size_t j = 0; j < p->cols; j++) {
            const double m = tensor_get(&in->absolute->args.out[1], i, j) / correction1;
            // In f32 v may underflow towards zero: the root sees at most that much less.
            const double v = fmax(0, tensor_get(&in->exact->args.out[2], i, j) - FLT_MIN);
            const double step = m / (sqrt(v / correction2) + (double)as->epsilon);
            *bound++ = tolerance_sum_factor(in->u, 2) *
                           (fabs(tensor_get(p, i, j)) + (double)as->learning_rate * step) +
                       (double)as->learning_rate * underflow / (double)as->epsilon;
        }
    }
}

// The table: one line an operation, one entry an output.
static FillFunction *const fills[OP_COUNT][OP_MAX_OUT] = {
    [OP_EMBEDDING] = {fill_few},
    [OP_EMBEDDING_BACKWARD] = {fill_sum_rows, fill_sum_rows, fill_sum_rows},
    [OP_LINEAR] = {fill_linear, fill_linear},
    [OP_LINEAR_I8] = {fill_linear_low, fill_linear_low},
    [OP_LINEAR_BF16] = {fill_linear_low, fill_linear_low},
    [OP_FEED_FORWARD_I8] = {fill_feed_forward},
    [OP_LINEAR_BACKWARD] = {fill_linear_backward, fill_linear_backward, fill_linear_backward},
    [OP_LAYER_NORM] = {fill_layer_norm, fill_layer_norm, fill_layer_norm},
    [OP_LAYER_NORM_BACKWARD] = {fill_layer_norm_backward, fill_layer_norm_backward,
                                fill_layer_norm_backward},
    [OP_RMS_NORM] = {fill_rms_norm, fill_rms_norm},
    [OP_RMS_NORM_BACKWARD] = {fill_rms_norm_backward, fill_rms_norm_backward},
    [OP_ROPE] = {fill_rope},
    [OP_HEADS] = {fill_exact},
    [OP_HEADS_BACKWARD] = {fill_few, fill_few},
    [OP_GATED] = {fill_gated},
    [OP_GATED_BACKWARD] = {fill_gated, fill_gated},
    [OP_ADD] = {fill_few},
    [OP_SOFT_CAP] = {fill_few},
    [OP_SOFT_CAP_BACKWARD] = {fill_soft_cap_backward},
    [OP_ATTENTION] = {tolerance_attention, tolerance_attention},
    [OP_ATTENTION_BF16] = {tolerance_attention_bf16},
    [OP_ATTENTION_BACKWARD] = {tolerance_attention_backward, tolerance_attention_backward,
                               tolerance_attention_backward, tolerance_attention_backward,
                               tolerance_attention_backward},
    [OP_DISENTANGLED] = {tolerance_attention, tolerance_attention},
    [OP_DISENTANGLED_BACKWARD] = {tolerance_attention_backward, tolerance_attention_backward,
                                  tolerance_attention_backward, tolerance_attention_backward,
                                  tolerance_attention_backward},
    [OP_CAUSAL_CONV] = {fill_causal_conv, fill_causal_conv},
    [OP_CAUSAL_CONV_BACKWARD] = {fill_causal_conv_backward, fill_causal_conv_backward,
                                 fill_causal_conv_backward},
    [OP_DELTA_RULE] = {fill_delta_rule, fill_delta_rule},
    [OP_DELTA_RULE_BACKWARD] = {fill_delta_rule_backward, fill_delta_rule_backward,
                                fill_delta_rule_backward, fill_delta_rule_backward,
                                fill_delta_rule_backward},
    [OP_DROPOUT] = {fill_few},
    [OP_SELECT_ROWS] = {fill_exact},
    [OP_SELECT_ROWS_BACKWARD] = {fill_sum_rows},
    [OP_MEAN_POOL] = {fill_sum_rows},
    [OP_MEAN_POOL_BACKWARD] = {fill_few},
    [OP_SOFTMAX] = {fill_softmax},
    [OP_ROUTE] = {fill_route, fill_route},
    [OP_ROUTE_BACKWARD] = {fill_route_backward, fill_route_factors},
    [OP_LOG_SUM_EXP] = {fill_log_sum_exp, fill_exact},
    [OP_CROSS_ENTROPY] = {fill_cross_entropy, fill_cross_entropy},
    [OP_ADD_SCALED] = {fill_few},
    [OP_SCALE] = {fill_few},
    [OP_SQUARED_NORM] = {fill_storage_sum},
    [OP_ADAMW] = {fill_adamw, fill_adamw, fill_adamw},
    [OP_GEMM] = {fill_gemm},
};

double tolerance_roundoff(ComputeMode compute, OpKind op)
{
    return compute == COMPUTE_TF32 && (op == OP_LINEAR || op == OP_GEMM) ? 0x1p-11 : 0x1p-24;
}

int tolerance_covers(OpKind op, size_t out)
{
    return fills[op][out] != NULL;
}

void tolerance_fill(const ToleranceInput *input, size_t out, double *bound)
{
    fills[input->before->op][out](input, out, bound);
}
