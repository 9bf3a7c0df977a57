#include "kernels/gemm.h"

#include "kernels/cpu/real.h"

Status REFERENCE(gemm)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const GemmArgs *as = &args->as.gemm;
    const Tensor *a = &args->in[0], *b = &args->in[1], *c = &args->out[0];
    const size_t depth = as->transpose_a ? a->rows : a->cols;
    for (size_t m = 0; m < c->rows; m++) {
        for (size_t n = 0; n < c->cols; n++) {
            double sum = 0;
            for (size_t k = 0; k < depth; k++) {
                const Real left = as->transpose_a ? real_row(a, k)[m] : real_row(a, m)[k];
                const Real right = as->transpose_b ? real_row(b, n)[k] : real_row(b, k)[n];
                sum += (double)left * (double)right;
            }
            Real *to = &real_row(c, m)[n];
            *to = (Real)(as->accumulate ? *to + sum : sum);
        }
    }
    return STATUS_OK;
}
