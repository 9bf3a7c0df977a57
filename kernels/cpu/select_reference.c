#include "kernels/select.h"

#include "kernels/cpu/real.h"

Status REFERENCE(select_rows)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    for (size_t s = 0; s < y->rows; s++) {
        const Real *x = real_row(&args->in[0], (size_t)args->as.select.rows[s]);
        for (size_t j = 0; j < y->cols; j++) real_row(y, s)[j] = x[j];
    }
    return STATUS_OK;
}

Status REFERENCE(select_rows_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *dy = &args->in[0], *dx = &args->out[0];
    for (size_t t = 0; t < dx->rows; t++) {
        for (size_t j = 0; j < dx->cols; j++) real_row(dx, t)[j] = 0;
    }
    for (size_t s = 0; s < dy->rows; s++) {
        Real *to = real_row(dx, (size_t)args->as.select.rows[s]);
        for (size_t j = 0; j < dx->cols; j++) to[j] += real_row(dy, s)[j];
    }
    return STATUS_OK;
}

Status REFERENCE(mean_pool)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Ragged *batch = &args->as.pool.batch;
    const Tensor *y = &args->out[0];
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t begin = (size_t)batch->offsets[s], end = (size_t)batch->offsets[s + 1];
        for (size_t j = 0; j < y->cols; j++) {
            double sum = 0;
            for (size_t t = begin; t < end; t++) sum += real_row(&args->in[0], t)[j];
            real_row(y, s)[j] = (Real)(end > begin ? sum / (double)(end - begin) : 0.0);
        }
    }
    return STATUS_OK;
}

Status REFERENCE(mean_pool_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Ragged *batch = &args->as.pool.batch;
    const Tensor *dx = &args->out[0];
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t begin = (size_t)batch->offsets[s], end = (size_t)batch->offsets[s + 1];
        const Real *dy = real_row(&args->in[0], s);
        for (size_t t = begin; t < end; t++) {
            for (size_t j = 0; j < dx->cols; j++) {
                real_row(dx, t)[j] = (Real)((double)dy[j] / (double)(end - begin));
            }
        }
    }
    return STATUS_OK;
}
