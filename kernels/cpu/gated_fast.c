// Gated activations, soft caps, rotations and sums: one pass over rows, sixteen columns at a time. Against the references:
// our own polynomials instead of the C library's functions, float instead of double.
#include "kernels/cpu/fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/cpu/vec.h"

static float *row_of(const Tensor *tensor, size_t i)
{
    return (float *)tensor->data + i * tensor->row_stride;
}

// ---- gates ----

static inline __attribute__((always_inline)) void gate_row(Activation activation, size_t n,
                                                           const float *a, const float *b, float *y)
{
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        const Vec gate = vec_activation(activation, vec_load_any(a + j, n - j));
        vec_store_any(y + j, n - j, vec_mul(gate, vec_load_any(b + j, n - j)));
    }
}

// What a limit makes of both.
static inline Vec below(Vec x, Vec limit)
{
    return vec_select(vec_lt(limit, x), limit, x);
}

static inline Vec between(Vec x, Vec limit)
{
    const Vec lowest = vec_neg(limit);
    return vec_select(vec_lt(x, lowest), lowest, below(x, limit));
}

// The same with a limit.
static inline __attribute__((always_inline)) void limited_row(Activation activation, size_t n,
                                                              const GatedArgs *as, const float *a,
                                                              const float *b, float *y)
{
    const Vec limit = vec_set1(as->limit), alpha = vec_set1(as->alpha), one = vec_set1(1.0f);
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        const Vec g = vec_mul(alpha, below(vec_load_any(a + j, n - j), limit));
        const Vec gate = vec_div(vec_activation(activation, g), alpha);
        const Vec value = vec_add(between(vec_load_any(b + j, n - j), limit), one);
        vec_store_any(y + j, n - j, vec_mul(gate, value));
    }
}

#define GATE(kind)                                    \
    case kind:                                        \
        if (as->limit > 0.0f)                         \
            limited_row(kind, y->cols, as, a, b, to); \
        else                                          \
            gate_row(kind, y->cols, a, b, to);        \
        break

Status FAST(gated)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    const GatedArgs *as = &args->as.gated;
    for (size_t i = 0; i < y->rows; i++) {
        const float *a = row_of(&args->in[0], i), *b = row_of(&args->in[1], i);
        float *to = row_of(y, i);
        switch (as->activation) {
            GATE(ACTIVATION_NONE);
            GATE(ACTIVATION_GELU);
            GATE(ACTIVATION_GELU_TANH);
            GATE(ACTIVATION_RELU);
            GATE(ACTIVATION_TANH);
            GATE(ACTIVATION_SILU);
            GATE(ACTIVATION_QUICK_GELU);
            GATE(ACTIVATION_RELU2);
            GATE(ACTIVATION_MISH);
        case ACTIVATION_COUNT:
            break;
        }
    }
    return STATUS_OK;
}

// Rows of the backward pass: d out, the two inputs, and their gradients.
typedef struct GateRows {
    const float *dy, *a, *b;
    float *da, *db;
} GateRows;

static inline __attribute__((always_inline)) void gate_row_backward(Activation activation, size_t n,
                                                                    const GateRows *r)
{
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        const size_t left = n - j;
        const Vec dy = vec_load_any(r->dy + j, left), a = vec_load_any(r->a + j, left);
        const Vec slope = vec_activation_slope(activation, a);
        const Vec da = vec_mul(vec_mul(dy, vec_load_any(r->b + j, left)), slope);
        vec_store_any(r->db + j, left, vec_mul(dy, vec_activation(activation, a)));
        vec_store_any(r->da + j, left, da);
    }
}

static inline __attribute__((always_inline)) void
limited_row_backward(Activation activation, size_t n, const GatedArgs *as, const GateRows *r)
{
    const Vec limit = vec_set1(as->limit), alpha = vec_set1(as->alpha), one = vec_set1(1.0f);
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        const size_t left = n - j;
        const Vec dy = vec_load_any(r->dy + j, left), a = vec_load_any(r->a + j, left),
                  b = vec_load_any(r->b + j, left);
        const Vec g = vec_mul(alpha, below(a, limit));
        const Vec gate = vec_div(vec_activation(activation, g), alpha);
        const Vec value = vec_add(between(b, limit), one);
        const Vec da = vec_mul(vec_mul(dy, value), vec_activation_slope(activation, g));
        const Vec db = vec_mul(dy, gate);
        vec_store_any(r->db + j, left, vec_select(vec_lt(limit, vec_abs(b)), vec_zero(), db));
        vec_store_any(r->da + j, left, vec_select(vec_lt(limit, a), vec_zero(), da));
    }
}

#define GATE_BACKWARD(kind)                               \
    case kind:                                            \
        if (as->limit > 0.0f)                             \
            limited_row_backward(kind, dy->cols, as, &r); \
        else                                              \
            gate_row_backward(kind, dy->cols, &r);        \
        break

Status FAST(gated_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *dy = &args->in[0];
    const GatedArgs *as = &args->as.gated;
    for (size_t i = 0; i < dy->rows; i++) {
        const GateRows r = {.dy = row_of(dy, i),
                            .a = row_of(&args->in[1], i),
                            .b = row_of(&args->in[2], i),
                            .da = row_of(&args->out[0], i),
                            .db = row_of(&args->out[1], i)};
        switch (as->activation) {
            GATE_BACKWARD(ACTIVATION_NONE);
            GATE_BACKWARD(ACTIVATION_GELU);
            GATE_BACKWARD(ACTIVATION_GELU_TANH);
            GATE_BACKWARD(ACTIVATION_RELU);
            GATE_BACKWARD(ACTIVATION_TANH);
            GATE_BACKWARD(ACTIVATION_SILU);
            GATE_BACKWARD(ACTIVATION_QUICK_GELU);
            GATE_BACKWARD(ACTIVATION_RELU2);
            GATE_BACKWARD(ACTIVATION_MISH);
        case ACTIVATION_COUNT:
            break;
        }
    }
    return STATUS_OK;
}

// ---- caps ----

Status FAST(soft_cap)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    const Vec cap = vec_set1(args->as.soft_cap.cap);
    for (size_t i = 0; i < y->rows; i++) {
        const float *x = row_of(&args->in[0], i);
        float *to = row_of(y, i);
        for (size_t j = 0; j < y->cols; j += VEC_WIDTH) {
            const size_t n = y->cols - j;
            const Vec value = vec_load_any(x + j, n);
            vec_store_any(to + j, n,
                          args->as.soft_cap.is_hard ? vec_min(cap, vec_max(vec_neg(cap), value))
                                                    : vec_mul(cap, vec_tanh(vec_div(value, cap))));
        }
    }
    return STATUS_OK;
}

Status FAST(soft_cap_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *dx = &args->out[0];
    const Vec cap = vec_set1(args->as.soft_cap.cap), one = vec_set1(1.0f);
    for (size_t i = 0; i < dx->rows; i++) {
        const float *dy = row_of(&args->in[0], i), *y = row_of(&args->in[1], i);
        float *to = row_of(dx, i);
        for (size_t j = 0; j < dx->cols; j += VEC_WIDTH) {
            const size_t n = dx->cols - j;
            const Vec d = vec_load_any(dy + j, n), value = vec_load_any(y + j, n);
            const Vec t = vec_div(value, cap);
            vec_store_any(to + j, n,
                          args->as.soft_cap.is_hard
                              ? vec_select(vec_lt(vec_abs(value), cap), d, vec_zero())
                              : vec_mul(d, vec_fnma(t, t, one)));
        }
    }
    return STATUS_OK;
}

// ---- sums ----

Status FAST(add)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *y = &args->out[0];
    const Vec a = vec_set1(args->as.add.a), b = vec_set1(args->as.add.b);
    for (size_t i = 0; i < y->rows; i++) {
        const float *x = row_of(&args->in[0], i);
        const float *z = args->in[1].data ? row_of(&args->in[1], i) : NULL;
        float *to = row_of(y, i);
        for (size_t j = 0; j < y->cols; j += VEC_WIDTH) {
            const size_t n = y->cols - j;
            Vec sum = vec_mul(a, vec_load_any(x + j, n));
            if (z) sum = vec_fma(b, vec_load_any(z + j, n), sum); // both factors 1: one rounding
            vec_store_any(to + j, n, sum);
        }
    }
    return STATUS_OK;
}

// ---- rotations ----

static void rotate(size_t half, size_t head_dim, float sign, const float *table, const float *x,
                   float *y)
{
    const Vec direction = vec_set1(sign);
    for (size_t i = 0; i < half; i += VEC_WIDTH) {
        const size_t n = half - i;
        const Vec a = vec_load_any(x + i, n), b = vec_load_any(x + half + i, n);
        const Vec cosine = vec_load_any(table + i, n);
        const Vec sine = vec_mul(direction, vec_load_any(table + half + i, n));
        vec_store_any(y + i, n, vec_fnma(b, sine, vec_mul(a, cosine)));
        vec_store_any(y + half + i, n, vec_fma(a, sine, vec_mul(b, cosine)));
    }
    if (x == y) return;
    for (size_t i = 2 * half; i < head_dim; i++) y[i] = x[i];
}

Status FAST(rope)(const OpArgs *args, Exec *exec, Error *err)
{
    (void)exec;
    (void)err;
    const Tensor *table = &args->in[1], *y = &args->out[0];
    const size_t head_dim = args->as.rope.head_dim;
    const float sign = args->as.rope.is_inverse ? -1.0f : 1.0f;
    for (size_t i = 0; i < y->rows; i++) {
        const float *x = row_of(&args->in[0], i), *angles = row_of(table, i);
        float *to = row_of(y, i);
        for (size_t column = 0; column < y->cols; column += head_dim)
            rotate(table->cols / 2, head_dim, sign, angles, x + column, to + column);
    }
    return STATUS_OK;
}
