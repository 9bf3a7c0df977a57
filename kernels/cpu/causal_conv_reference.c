#include "kernels/causal_conv.h"

#include "kernels/cpu/real.h"

// Element j of the row that stands `place` rows behind the first row of sequence s, which may be of the past.
static double before_or_in(const Tensor *x, const Tensor *past, size_t n_past, size_t first,
                           size_t s, ptrdiff_t place, size_t j)
{
    if (place >= 0) return (double)real_row(x, first + (size_t)place)[j];
    if (!past->data) return 0;
    return (double)real_row(past, s)[(n_past - (size_t)-place) * x->cols + j];
}

// The last n_past rows of past and x. Ascending: out may be past.
static void leave(const OpArgs *args, size_t n_past, size_t first, size_t s, size_t n_rows)
{
    const Tensor *x = &args->in[0];
    Real *to = real_row(&args->out[1], s);
    for (size_t i = 0; i < n_past; i++) {
        const ptrdiff_t place = (ptrdiff_t)(n_rows + i) - (ptrdiff_t)n_past;
        for (size_t j = 0; j < x->cols; j++)
            to[i * x->cols + j] = (Real)before_or_in(x, &args->in[3], n_past, first, s, place, j);
    }
}

Status REFERENCE(causal_conv)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *x = &args->in[0], *w = &args->in[1], *past = &args->in[3], *y = &args->out[0];
    const Real *bias = args->in[2].data;
    const Ragged *batch = &args->as.conv.batch;
    const size_t n_past = w->cols - 1;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t first = (size_t)batch->offsets[s], end = (size_t)batch->offsets[s + 1];
        for (size_t t = first; t < end; t++) {
            for (size_t j = 0; j < y->cols; j++) {
                double sum = 0;
                for (size_t k = 0; k < w->cols; k++) {
                    const ptrdiff_t place = (ptrdiff_t)(t - first + k) - (ptrdiff_t)n_past;
                    sum += (double)*real_at(w, j, k) *
                           before_or_in(x, past, n_past, first, s, place, j);
                }
                real_row(y, t)[j] = (Real)(sum + (bias ? (double)bias[j] : 0));
            }
        }
        if (args->out[1].data) leave(args, n_past, first, s, end - first);
    }
    return STATUS_OK;
}

// What rows [first, end) of sequence s add to column j of d_weight and d_bias.
static void column_backward(const OpArgs *args, size_t s, size_t first, size_t end, size_t j)
{
    const Tensor *dy = &args->in[0], *x = &args->in[1], *past = &args->in[3];
    const size_t taps = args->in[2].cols, n_past = taps - 1;
    for (size_t k = 0; args->out[1].data && k < taps; k++) {
        double sum = 0;
        for (size_t t = first; t < end; t++) {
            const ptrdiff_t place = (ptrdiff_t)(t - first + k) - (ptrdiff_t)n_past;
            sum += (double)real_row(dy, t)[j] * before_or_in(x, past, n_past, first, s, place, j);
        }
        Real *to = real_at(&args->out[1], j, k);
        *to = (Real)((double)*to + sum);
    }
    double sum = 0;
    for (size_t t = first; t < end; t++) sum += (double)real_row(dy, t)[j];
    Real *to = args->out[2].data;
    if (to) to[j] = (Real)((double)to[j] + sum);
}

Status REFERENCE(causal_conv_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *dy = &args->in[0], *w = &args->in[2], *dx = &args->out[0];
    const Ragged *batch = &args->as.conv.batch;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t first = (size_t)batch->offsets[s], end = (size_t)batch->offsets[s + 1];
        for (size_t t = first; dx->data && t < end; t++) {
            for (size_t j = 0; j < dx->cols; j++) {
                double sum = 0;
                for (size_t k = 0; k < w->cols; k++) {
                    const size_t at = t + (w->cols - 1) - k;
                    if (at < end) sum += (double)*real_at(w, j, k) * (double)real_row(dy, at)[j];
                }
                real_row(dx, t)[j] = (Real)sum;
            }
        }
        for (size_t j = 0; j < dy->cols; j++) column_backward(args, s, first, end, j);
    }
    return STATUS_OK;
}
