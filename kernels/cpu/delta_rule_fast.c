// The gated delta rule: head by head, so that a head's matrix stays in the cache for all of its tokens, and sixteen of its columns at
// a time, each a chain of its own. Against the reference: float instead of double, and our own exp within SiLU.
#include "kernels/delta_rule.h"

#include <string.h>

#include "base/size.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/cpu/vec.h"
#include "kernels/exec.h"

static float *row_of(const Tensor *tensor, size_t i)
{
    return (float *)tensor->data + i * tensor->row_stride;
}

// silu(x), of the length that l2 gives, times scale.
static void prepare(const float *x, size_t n, float scale, float *out)
{
    Vec squares = vec_zero();
    for (size_t i = 0; i < n; i += VEC_WIDTH) {
        const Vec value = vec_activation(ACTIVATION_SILU, vec_load_any(x + i, n - i));
        vec_store_any(out + i, n - i, value);
        squares = vec_fma(value, value, squares);
    }
    const Vec factor = vec_set1(scale / sqrtf(vec_reduce_add(squares) + (float)DELTA_RULE_EPSILON));
    for (size_t i = 0; i < n; i += VEC_WIDTH)
        vec_store_any(out + i, n - i, vec_mul(factor, vec_load_any(out + i, n - i)));
}

// One token of one head.
typedef struct Step {
    size_t n_k, n_v;
    const float *q, *k, *v; // q and k prepared
    float kept, learnt;
    float *y;
} Step;

enum { WIDE = 4 }; // vectors of columns that are taken together: their chains run beside each other

// Columns j .. j + 16 n.
static inline __attribute__((always_inline)) void wide_columns(const Step *s, size_t j, size_t n,
                                                               float *state)
{
    Vec sums[WIDE], deltas[WIDE];
    const Vec kept = vec_set1(s->kept), learnt = vec_set1(s->learnt);
    for (size_t c = 0; c < n; c++) sums[c] = vec_zero();
    for (size_t i = 0; i < s->n_k; i++) {
        const Vec k = vec_set1(s->k[i]);
        const float *row = state + i * s->n_v + j;
        for (size_t c = 0; c < n; c++) sums[c] = vec_fma(k, vec_load(row + c * VEC_WIDTH), sums[c]);
    }
    for (size_t c = 0; c < n; c++) {
        const Vec value = vec_activation(ACTIVATION_SILU, vec_load(s->v + j + c * VEC_WIDTH));
        deltas[c] = vec_mul(learnt, vec_fnma(kept, sums[c], value));
        sums[c] = vec_zero();
    }
    for (size_t i = 0; i < s->n_k; i++) {
        const Vec k = vec_set1(s->k[i]), q = vec_set1(s->q[i]);
        float *row = state + i * s->n_v + j;
        for (size_t c = 0; c < n; c++) {
            const Vec old = vec_load(row + c * VEC_WIDTH);
            const Vec fresh = vec_fma(k, deltas[c], vec_mul(kept, old));
            vec_store(row + c * VEC_WIDTH, fresh);
            sums[c] = vec_fma(q, fresh, sums[c]);
        }
    }
    for (size_t c = 0; c < n; c++) vec_store(s->y + j + c * VEC_WIDTH, sums[c]);
}

// The last n < 16 columns, from j on: the same chains.
static void last_columns(const Step *s, size_t j, size_t n, float *state)
{
    const Vec kept = vec_set1(s->kept), learnt = vec_set1(s->learnt);
    Vec sum = vec_zero();
    for (size_t i = 0; i < s->n_k; i++)
        sum = vec_fma(vec_set1(s->k[i]), vec_load_n(state + i * s->n_v + j, n), sum);
    const Vec value = vec_activation(ACTIVATION_SILU, vec_load_n(s->v + j, n));
    const Vec delta = vec_mul(learnt, vec_fnma(kept, sum, value));
    sum = vec_zero();
    for (size_t i = 0; i < s->n_k; i++) {
        float *row = state + i * s->n_v + j;
        const Vec fresh = vec_fma(vec_set1(s->k[i]), delta, vec_mul(kept, vec_load_n(row, n)));
        vec_store_n(row, n, fresh);
        sum = vec_fma(vec_set1(s->q[i]), fresh, sum);
    }
    vec_store_n(s->y + j, n, sum);
}

static void run_step(const Step *s, float *state)
{
    const size_t wide = (size_t)WIDE * VEC_WIDTH;
    size_t j = 0;
    for (; j + wide <= s->n_v; j += wide) wide_columns(s, j, WIDE, state);
    for (; j + VEC_WIDTH <= s->n_v; j += VEC_WIDTH) wide_columns(s, j, 1, state);
    if (j < s->n_v) last_columns(s, j, s->n_v - j, state);
}

// Rows first .. end of head h, from and to its matrix.
static void run_head(const OpArgs *args, size_t first, size_t end, size_t h, float *q, float *k,
                     float *state)
{
    const DeltaArgs *as = &args->as.delta;
    const size_t n_k = as->key_dim, n_v = as->value_dim,
                 key_head = h / (as->n_heads / as->n_key_heads);
    const float scale = 1.0f / sqrtf((float)n_k);
    const float *rates = args->in[4].data;
    for (size_t t = first; t < end; t++) {
        const float *gates = row_of(&args->in[3], t);
        const Step step = {.n_k = n_k,
                           .n_v = n_v,
                           .q = q,
                           .k = k,
                           .v = row_of(&args->in[2], t) + h * n_v,
                           .kept = (float)delta_rule_kept((double)rates[h],
                                                          (double)gates[as->n_heads + h],
                                                          (double)rates[as->n_heads + h]),
                           .learnt = (float)delta_rule_learnt((double)gates[h]),
                           .y = row_of(&args->out[0], t) + h * n_v};
        prepare(row_of(&args->in[0], t) + key_head * n_k, n_k, scale, q);
        prepare(row_of(&args->in[1], t) + key_head * n_k, n_k, 1.0f, k);
        run_step(&step, state);
    }
}

Status FAST(delta_rule)(const OpArgs *args, Exec *exec, Error *err)
{
    const DeltaArgs *as = &args->as.delta;
    const size_t n_state = as->key_dim * as->value_dim, mark = exec_scratch_mark(exec);
    float *q = exec_scratch(exec, (2 * as->key_dim + n_state) * sizeof *q), *k = q + as->key_dim;
    if (!q) return error_set_memory(err, n_state, sizeof *q, "a state");
    for (size_t s = 0; s < as->batch.n_sequences; s++) {
        const size_t first = (size_t)as->batch.offsets[s], end = (size_t)as->batch.offsets[s + 1];
        const float *before = args->in[5].data ? row_of(&args->in[5], s) : NULL;
        float *behind = args->out[1].data ? row_of(&args->out[1], s) : NULL;
        for (size_t h = 0; h < as->n_heads; h++) {
            float *state = behind ? behind + h * n_state : k + as->key_dim;
            if (!before)
                memset(state, 0, n_state * sizeof *state);
            else if (before + h * n_state != state)
                memcpy(state, before + h * n_state, n_state * sizeof *state);
            run_head(args, first, end, h, q, k, state);
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
