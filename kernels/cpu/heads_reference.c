#include "kernels/heads.h"

#include "kernels/cpu/real.h"

static size_t column_of(const HeadPart *part, size_t j)
{
    const size_t half = part->n / 2;
    if (!part->in_pairs) return part->begin + j;
    return part->begin + (j < half ? 2 * j : 2 * (j - half) + 1);
}

// Columns between the heads of a tensor; 0 where all share one.
static size_t head_step(const HeadsArgs *as, const Tensor *tensor, size_t part)
{
    return as->parts[part].is_shared ? 0 : tensor->cols / as->n_heads;
}

Status REFERENCE(heads)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const HeadsArgs *as = &args->as.heads;
    const Tensor *y = &args->out[0];
    const size_t width = y->cols / as->n_heads;
    for (size_t i = 0; i < y->rows; i++) {
        for (size_t h = 0; h < as->n_heads; h++) {
            Real *to = real_row(y, i) + h * width;
            size_t at = 0;
            for (size_t p = 0; p < 2; p++) {
                const HeadPart *part = &as->parts[p];
                if (part->n == 0) continue;
                const Real *from = real_row(&args->in[p], i) + h * head_step(as, &args->in[p], p);
                for (size_t j = 0; j < part->n; j++) to[at++] = from[column_of(part, j)];
            }
            while (at < width) to[at++] = 0;
        }
    }
    return STATUS_OK;
}

// d in_p of one row; dy: of the first head's columns of the part, `width` from head to head.
static void part_gradient(const HeadsArgs *as, size_t p, const Real *dy, size_t width, size_t step,
                          Real *to)
{
    const HeadPart *part = &as->parts[p];
    for (size_t j = 0; j < part->n; j++) {
        const size_t column = column_of(part, j);
        double sum = 0;
        for (size_t h = 0; h < as->n_heads; h++) {
            sum += (double)dy[h * width + j];
            if (step > 0) to[h * step + column] = dy[h * width + j];
        }
        if (step == 0) to[column] = (Real)sum;
    }
}

Status REFERENCE(heads_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const HeadsArgs *as = &args->as.heads;
    const Tensor *dy = &args->in[0];
    const size_t width = dy->cols / as->n_heads;
    for (size_t p = 0; p < 2; p++) {
        const Tensor *dx = &args->out[p];
        for (size_t i = 0; dx->data && i < dx->rows; i++) {
            Real *to = real_row(dx, i);
            for (size_t j = 0; j < dx->cols; j++) to[j] = 0;
            part_gradient(as, p, real_row(dy, i) + (p > 0 ? as->parts[0].n : 0), width,
                          head_step(as, dx, p), to);
        }
    }
    return STATUS_OK;
}
