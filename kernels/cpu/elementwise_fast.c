// Operations on whole storages: gradients added and scaled, their norm, and the optimiser's step, each in one pass.
#include <math.h>

#include "base/size.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/vec.h"

static size_t storage_of(const Tensor *tensor)
{
    return tensor_storage(tensor->rows, tensor->cols, tensor->layout);
}

Status FAST(add_scaled)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const float *x = args->in[0].data;
    float *y = args->out[0].data;
    const size_t size = storage_of(&args->out[0]);
    const Vec factor = vec_set1(args->as.scale.factor);
    for (size_t i = 0; i < size; i += VEC_WIDTH) {
        const size_t n = size - i;
        vec_store_any(y + i, n, vec_fma(factor, vec_load_any(x + i, n), vec_load_any(y + i, n)));
    }
    return STATUS_OK;
}

Status FAST(scale)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    float *y = args->out[0].data;
    const size_t size = storage_of(&args->out[0]);
    const Vec factor = vec_set1(args->as.scale.factor);
    for (size_t i = 0; i < size; i += VEC_WIDTH) {
        const size_t n = size - i;
        vec_store_any(y + i, n, vec_mul(factor, vec_load_any(y + i, n)));
    }
    return STATUS_OK;
}

// Chunks of 1,024 in sixteen lanes each, their sums in double: the float sums stay short.
Status FAST(squared_norm)(const OpArgs *args, Exec *exec, Error *err)
{
    enum { CHUNK = 1024 };
    (void)exec;
    (void)err;
    const float *x = args->in[0].data;
    const size_t size = storage_of(&args->in[0]);
    double total = 0;
    for (size_t begin = 0; begin < size; begin += CHUNK) {
        const size_t end = size_min(begin + CHUNK, size);
        Vec sum = vec_zero();
        for (size_t i = begin; i < end; i += VEC_WIDTH) {
            const Vec value = vec_load_any(x + i, end - i);
            sum = vec_fma(value, value, sum);
        }
        total += (double)vec_reduce_add(sum);
    }
    *(double *)args->out[0].data = total;
    return STATUS_OK;
}

typedef struct AdamwFactors {
    Vec gradient_scale, beta1, rest1, beta2, rest2; // rest = 1 - beta
    Vec kept;                                       // 1 - learning_rate * weight_decay
    Vec rate;                                       // learning_rate / (1 - beta1^step)
    Vec root;                                       // 1 / sqrt(1 - beta2^step)
    Vec epsilon;
} AdamwFactors;

static AdamwFactors adamw_factors(const AdamwArgs *as)
{
    const double beta1 = (double)as->beta1, beta2 = (double)as->beta2;
    const double rate = (double)as->learning_rate;
    const double correction1 = 1.0 - pow(beta1, (double)as->step);
    const double correction2 = 1.0 - pow(beta2, (double)as->step);
    return (AdamwFactors){
        .gradient_scale = vec_set1(as->gradient_scale),
        .beta1 = vec_set1(as->beta1),
        .rest1 = vec_set1((float)(1.0 - beta1)),
        .beta2 = vec_set1(as->beta2),
        .rest2 = vec_set1((float)(1.0 - beta2)),
        .kept = vec_set1((float)(1.0 - rate * (double)as->weight_decay)),
        .rate = vec_set1((float)(rate / correction1)),
        .root = vec_set1((float)(1.0 / sqrt(correction2))),
        .epsilon = vec_set1(as->epsilon),
    };
}

Status FAST(adamw)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const AdamwFactors f = adamw_factors(&args->as.adamw);
    const float *gradient = args->in[0].data;
    float *p = args->out[0].data, *m = args->out[1].data, *v = args->out[2].data;
    const size_t size = storage_of(&args->out[0]);
    for (size_t i = 0; i < size; i += VEC_WIDTH) {
        const size_t n = size - i;
        const Vec g = vec_mul(f.gradient_scale, vec_load_any(gradient + i, n));
        const Vec mean = vec_fma(f.beta1, vec_load_any(m + i, n), vec_mul(f.rest1, g));
        const Vec square =
            vec_fma(f.beta2, vec_load_any(v + i, n), vec_mul(vec_mul(f.rest2, g), g));
        const Vec spread = vec_fma(vec_sqrt(square), f.root, f.epsilon);
        const Vec decayed = vec_mul(f.kept, vec_load_any(p + i, n));
        vec_store_any(m + i, n, mean);
        vec_store_any(v + i, n, square);
        vec_store_any(p + i, n, vec_sub(decayed, vec_div(vec_mul(f.rate, mean), spread)));
    }
    return STATUS_OK;
}
