// Root mean square normalisation: two passes over a row in L1. Against the reference: float sums in sixteen lanes and one
// tree instead of a double.
#include <math.h>

#include "base/size.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"

static float *row_of(const Tensor *tensor, size_t i)
{
    return (float *)tensor->data + i * tensor->row_stride;
}

static float sum_squares(size_t n, const float *x)
{
    Vec sum = vec_zero();
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        const Vec value = vec_load_any(x + j, n - j);
        sum = vec_fma(value, value, sum);
    }
    return vec_reduce_add(sum);
}

Status FAST(rms_norm)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0], *rstds = &args->out[1];
    const float *weight = args->in[1].data;
    const size_t group = args->in[1].cols, n_groups = y->cols / group;
    const Vec offset = vec_set1(args->as.norm.weight_offset);
    for (size_t i = 0; i < y->rows; i++) {
        for (size_t g = 0; g < n_groups; g++) {
            const float *x = row_of(&args->in[0], i) + g * group;
            float *to = row_of(y, i) + g * group;
            const float mean = sum_squares(group, x) / (float)group;
            const float rstd = 1.0f / sqrtf(mean + args->as.norm.epsilon);
            for (size_t j = 0; j < group; j += VEC_WIDTH) {
                const size_t n = group - j;
                const Vec normal = vec_mul(vec_load_any(x + j, n), vec_set1(rstd));
                const Vec w = vec_add(offset, vec_load_any(weight + j, n));
                vec_store_any(to + j, n, vec_mul(normal, w));
            }
            if (rstds->data) row_of(rstds, i)[g] = rstd;
        }
    }
    return STATUS_OK;
}

// One group of a row; d_weight has whole vectors.
static void group_backward(const OpArgs *args, size_t i, size_t g, float *d_weight)
{
    const size_t group = args->in[3].cols;
    const float *dy = row_of(&args->in[0], i) + g * group, *x = row_of(&args->in[1], i) + g * group;
    const float *weight = args->in[3].data;
    float *dx = row_of(&args->out[0], i) + g * group;
    const Vec rstd = vec_set1(row_of(&args->in[2], i)[g]);
    const Vec offset = vec_set1(args->as.norm.weight_offset);
    Vec sum = vec_zero();
    for (size_t j = 0; j < group; j += VEC_WIDTH) {
        const size_t n = group - j; // lanes past the end have dy = 0
        const Vec d = vec_load_any(dy + j, n), normal = vec_mul(vec_load_any(x + j, n), rstd);
        const Vec w = vec_add(offset, vec_load_any(weight + j, n));
        sum = vec_fma(vec_mul(d, w), normal, sum);
        vec_store(d_weight + j, vec_fma(d, normal, vec_load(d_weight + j)));
    }
    const Vec mean = vec_set1(vec_reduce_add(sum) / (float)group);
    for (size_t j = 0; j < group; j += VEC_WIDTH) {
        const size_t n = group - j;
        const Vec normal = vec_mul(vec_load_any(x + j, n), rstd);
        const Vec w = vec_add(offset, vec_load_any(weight + j, n));
        const Vec gradient = vec_mul(vec_load_any(dy + j, n), w);
        vec_store_any(dx + j, n, vec_mul(rstd, vec_fnma(normal, mean, gradient)));
    }
}

Status FAST(rms_norm_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const Tensor *dx = &args->out[0];
    const size_t group = args->in[3].cols, mark = exec_scratch_mark(exec);
    const size_t n_sums = size_round_up(group, VEC_WIDTH);
    float *sums = exec_scratch(exec, n_sums * sizeof *sums), *to = args->out[1].data;
    if (!sums) return error_set_memory(err, n_sums, sizeof *sums, "rms_norm_backward");
    for (size_t j = 0; j < n_sums; j++) sums[j] = 0.0f;
    for (size_t i = 0; i < dx->rows; i++) {
        for (size_t g = 0; g < dx->cols / group; g++) group_backward(args, i, g, sums);
    }
    for (size_t j = 0; to && j < group; j++) to[j] += sums[j];
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
