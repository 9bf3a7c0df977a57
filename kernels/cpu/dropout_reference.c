#include "kernels/dropout.h"

#include "kernels/cpu/real.h"

Status REFERENCE(dropout)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Ragged *batch = &args->as.dropout.batch;
    const int is_active = args->as.dropout.p > 0.0f;
    const DropoutStream stream = dropout_stream(&args->as.dropout);
    const Tensor *y = &args->out[0];
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t begin = (size_t)batch->offsets[s], end = (size_t)batch->offsets[s + 1];
        for (size_t i = begin; i < end; i++) {
            const Real *x = real_row(&args->in[0], i);
            Real *to = real_row(y, i);
            for (size_t j = 0; j < y->cols; j++) {
                if (!is_active) {
                    to[j] = x[j];
                } else if (dropout_keeps(&stream, batch->sequence_keys[s],
                                         (uint32_t)(i - begin) + args->as.dropout.first_row,
                                         (uint32_t)j)) {
                    to[j] = x[j] * (Real)stream.scale;
                } else {
                    to[j] = 0;
                }
            }
        }
    }
    return STATUS_OK;
}
