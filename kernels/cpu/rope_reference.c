#include "kernels/rope.h"

#include "kernels/cpu/real.h"

// One head: columns i and i + half turned by the angle i.
static void rotate(size_t half, size_t head_dim, double sign, const Real *table, const Real *x,
                   Real *y)
{
    for (size_t i = 0; i < half; i++) {
        const double a = x[i], b = x[half + i], cosine = table[i], sine = sign * table[half + i];
        y[i] = (Real)(a * cosine - b * sine);
        y[half + i] = (Real)(b * cosine + a * sine);
    }
    for (size_t i = 2 * half; i < head_dim; i++) y[i] = x[i];
}

Status REFERENCE(rope)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *table = &args->in[1], *y = &args->out[0];
    const size_t head_dim = args->as.rope.head_dim;
    const double sign = args->as.rope.is_inverse ? -1.0 : 1.0;
    for (size_t i = 0; i < y->rows; i++) {
        for (size_t column = 0; column < y->cols; column += head_dim) {
            rotate(table->cols / 2, head_dim, sign, real_row(table, i),
                   real_row(&args->in[0], i) + column, real_row(y, i) + column);
        }
    }
    return STATUS_OK;
}
