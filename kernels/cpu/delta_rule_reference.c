#include "kernels/delta_rule.h"

#include <math.h>
#include <string.h>

#include "kernels/cpu/real.h"
#include "kernels/exec.h"
#include "kernels/linear.h"

// silu(x), of the length that l2 gives, times scale.
static void prepare(const Real *x, size_t n, double scale, double *out)
{
    double squares = DELTA_RULE_EPSILON;
    for (size_t i = 0; i < n; i++) {
        out[i] = activation_value(ACTIVATION_SILU, (double)x[i]);
        squares += out[i] * out[i];
    }
    for (size_t i = 0; i < n; i++) out[i] *= scale / sqrt(squares);
}

// One token of one head.
static void step(const OpArgs *args, size_t t, size_t h, double *q, double *k, Real *state)
{
    const DeltaArgs *as = &args->as.delta;
    const size_t n_k = as->key_dim, n_v = as->value_dim,
                 key_head = h / (as->n_heads / as->n_key_heads);
    const Real *gates = real_row(&args->in[3], t), *rates = args->in[4].data;
    const double kept = delta_rule_kept((double)rates[h], (double)gates[as->n_heads + h],
                                        (double)rates[as->n_heads + h]);
    const double learnt = delta_rule_learnt((double)gates[h]);
    const Real *v = real_row(&args->in[2], t) + h * n_v;
    Real *y = real_row(&args->out[0], t) + h * n_v;
    prepare(real_row(&args->in[0], t) + key_head * n_k, n_k, 1 / sqrt((double)n_k), q);
    prepare(real_row(&args->in[1], t) + key_head * n_k, n_k, 1, k);
    for (size_t j = 0; j < n_v; j++) {
        double known = 0, sum = 0;
        for (size_t i = 0; i < n_k; i++) known += k[i] * (double)state[i * n_v + j];
        const double value = activation_value(ACTIVATION_SILU, (double)v[j]);
        const double delta = learnt * (value - kept * known);
        for (size_t i = 0; i < n_k; i++) {
            Real *s = &state[i * n_v + j];
            *s = (Real)(kept * (double)*s + k[i] * delta);
            sum += q[i] * (double)*s;
        }
        y[j] = (Real)sum;
    }
}

Status REFERENCE(delta_rule)(const OpArgs *args, Exec *exec, Error *err)
{
    const DeltaArgs *as = &args->as.delta;
    const size_t n_state = as->key_dim * as->value_dim, mark = exec_scratch_mark(exec);
    double *q = exec_scratch(exec, 2 * as->key_dim * sizeof *q), *k = q + as->key_dim;
    Real *state = exec_scratch(exec, n_state * sizeof *state);
    if (!q || !state) return error_set_memory(err, n_state, sizeof *state, "a state");
    for (size_t s = 0; s < as->batch.n_sequences; s++) {
        const size_t first = (size_t)as->batch.offsets[s], end = (size_t)as->batch.offsets[s + 1];
        for (size_t h = 0; h < as->n_heads; h++) {
            memset(state, 0, n_state * sizeof *state);
            if (args->in[5].data)
                memcpy(state, real_row(&args->in[5], s) + h * n_state, n_state * sizeof *state);
            for (size_t t = first; t < end; t++) step(args, t, h, q, k, state);
            if (args->out[1].data)
                memcpy(real_row(&args->out[1], s) + h * n_state, state, n_state * sizeof *state);
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- backward ----

// One head of a sequence: its rows, S before each of them and behind the last, and sums of gradients in double.
typedef struct Head {
    const OpArgs *args;
    size_t first, n, h, n_k, n_v;
    double *states;         // [n + 1, n_k, n_v]
    double *q, *k, *v;      // of one token, prepared
    double *known, *learns; // [n_v]
    double *d_state;        // [n_k, n_v]
    double *d_q, *d_k; // [n, n_k] of the prepared ones; those of all heads of a key head are added
    double d_rates[2];
} Head;

static size_t key_head_of(const DeltaArgs *as, size_t h)
{
    return h / (as->n_heads / as->n_key_heads);
}

// q, k, v, known and kept, learnt of row t of the sequence.
static void prepare_row(Head *w, size_t t, double *kept, double *learnt)
{
    const OpArgs *args = w->args;
    const DeltaArgs *as = &args->as.delta;
    const size_t row = w->first + t, key = key_head_of(as, w->h) * w->n_k;
    const Real *gates = real_row(&args->in[4], row), *rates = args->in[5].data;
    const Real *v = real_row(&args->in[3], row) + w->h * w->n_v;
    const double *before = w->states + t * w->n_k * w->n_v;
    prepare(real_row(&args->in[1], row) + key, w->n_k, 1 / sqrt((double)w->n_k), w->q);
    prepare(real_row(&args->in[2], row) + key, w->n_k, 1, w->k);
    *kept = delta_rule_kept((double)rates[w->h], (double)gates[as->n_heads + w->h],
                            (double)rates[as->n_heads + w->h]);
    *learnt = delta_rule_learnt((double)gates[w->h]);
    for (size_t j = 0; j < w->n_v; j++) {
        w->v[j] = activation_value(ACTIVATION_SILU, (double)v[j]);
        w->known[j] = 0;
        for (size_t i = 0; i < w->n_k; i++) w->known[j] += w->k[i] * before[i * w->n_v + j];
    }
}

static void run_forward(Head *w)
{
    const size_t n_state = w->n_k * w->n_v;
    memset(w->states, 0, n_state * sizeof *w->states);
    for (size_t t = 0; t < w->n; t++) {
        double kept, learnt;
        const double *before = w->states + t * n_state;
        double *behind = w->states + (t + 1) * n_state;
        prepare_row(w, t, &kept, &learnt);
        for (size_t i = 0; i < w->n_k; i++) {
            for (size_t j = 0; j < w->n_v; j++)
                behind[i * w->n_v + j] = kept * before[i * w->n_v + j] +
                                         w->k[i] * learnt * (w->v[j] - kept * w->known[j]);
        }
    }
}

// The gradients of row t's gates, and what it adds to those of the rates.
static void gates_backward(Head *w, size_t t, double kept, double learnt, double d_kept,
                           double d_learnt)
{
    const size_t n_heads = w->args->as.delta.n_heads;
    const Real *gates = real_row(&w->args->in[4], w->first + t), *rates = w->args->in[5].data;
    Real *to = real_row(&w->args->out[3], w->first + t);
    const double x = (double)gates[n_heads + w->h] + (double)rates[n_heads + w->h],
                 speed = exp((double)rates[w->h]), d_log = d_kept * kept,
                 d_x = -d_log * speed * delta_rule_learnt(x);
    to[w->h] = (Real)(d_learnt * learnt * (1 - learnt));
    to[n_heads + w->h] = (Real)d_x;
    w->d_rates[0] -= d_log * speed * delta_rule_softplus(x);
    w->d_rates[1] += d_x;
}

static void row_backward(Head *w, size_t t)
{
    const size_t n_v = w->n_v, n_state = w->n_k * n_v, row = w->first + t;
    const double *before = w->states + t * n_state, *behind = before + n_state;
    const Real *dy = real_row(&w->args->in[0], row) + w->h * n_v,
               *v = real_row(&w->args->in[3], row) + w->h * n_v;
    Real *dv = real_row(&w->args->out[2], row) + w->h * n_v;
    double kept, learnt, d_kept = 0, d_learnt = 0;
    prepare_row(w, t, &kept, &learnt);
    for (size_t j = 0; j < n_v; j++) {
        double d_delta = 0;
        for (size_t i = 0; i < w->n_k; i++) {
            w->d_state[i * n_v + j] += w->q[i] * (double)dy[j];
            d_delta += w->d_state[i * n_v + j] * w->k[i];
        }
        const double lack = w->v[j] - kept * w->known[j];
        w->learns[j] = learnt * d_delta;
        d_learnt += d_delta * lack;
        d_kept -= w->learns[j] * w->known[j];
        for (size_t i = 0; i < w->n_k; i++) {
            double *d = &w->d_state[i * n_v + j];
            const double old = before[i * n_v + j];
            w->d_q[t * w->n_k + i] += behind[i * n_v + j] * (double)dy[j];
            w->d_k[t * w->n_k + i] += *d * learnt * lack - kept * old * w->learns[j];
            d_kept += *d * old;
            *d = kept * (*d - w->k[i] * w->learns[j]);
        }
        dv[j] = (Real)(w->learns[j] * activation_slope(ACTIVATION_SILU, (double)v[j]));
    }
    gates_backward(w, t, kept, learnt, d_kept, d_learnt);
}

// Through l2 and SiLU: dx of the gradient of what prepare made of x.
static void prepare_backward(const Real *x, size_t n, double scale, const double *d, Real *dx)
{
    double squares = DELTA_RULE_EPSILON, along = 0;
    for (size_t i = 0; i < n; i++) {
        const double u = activation_value(ACTIVATION_SILU, (double)x[i]);
        squares += u * u;
        along += u * d[i];
    }
    for (size_t i = 0; i < n; i++) {
        const double u = activation_value(ACTIVATION_SILU, (double)x[i]);
        const double du = scale / sqrt(squares) * (d[i] - u * along / squares);
        dx[i] = (Real)(du * activation_slope(ACTIVATION_SILU, (double)x[i]));
    }
}

// The heads of one key head, over one sequence.
static void group_backward(Head *w, size_t key_head)
{
    const OpArgs *args = w->args;
    const DeltaArgs *as = &args->as.delta;
    const size_t n_group = as->n_heads / as->n_key_heads, column = key_head * w->n_k;
    Real *rates = args->out[4].data;
    memset(w->d_q, 0, 2 * w->n * w->n_k * sizeof *w->d_q); // and d_k
    for (size_t g = 0; g < n_group; g++) {
        w->h = key_head * n_group + g;
        w->d_rates[0] = w->d_rates[1] = 0;
        memset(w->d_state, 0, w->n_k * w->n_v * sizeof *w->d_state);
        run_forward(w);
        for (size_t t = w->n; t-- > 0;) row_backward(w, t);
        for (size_t i = 0; rates && i < 2; i++) {
            Real *to = &rates[i * as->n_heads + w->h];
            *to = (Real)((double)*to + w->d_rates[i]);
        }
    }
    for (size_t t = 0; t < w->n; t++) {
        const size_t row = w->first + t;
        prepare_backward(real_row(&args->in[1], row) + column, w->n_k, 1 / sqrt((double)w->n_k),
                         w->d_q + t * w->n_k, real_row(&args->out[0], row) + column);
        prepare_backward(real_row(&args->in[2], row) + column, w->n_k, 1, w->d_k + t * w->n_k,
                         real_row(&args->out[1], row) + column);
    }
}

Status REFERENCE(delta_rule_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const DeltaArgs *as = &args->as.delta;
    const size_t n_k = as->key_dim, n_v = as->value_dim, longest = ragged_longest(&as->batch),
                 mark = exec_scratch_mark(exec);
    const size_t n = (longest + 2) * n_k * n_v + 2 * n_k + 3 * n_v + 2 * longest * n_k;
    double *room = exec_scratch(exec, n * sizeof *room);
    if (!room) return error_set_memory(err, n, sizeof *room, "states of every token");
    Head w = {.args = args, .n_k = n_k, .n_v = n_v, .states = room};
    w.d_state = w.states + (longest + 1) * n_k * n_v;
    w.q = w.d_state + n_k * n_v;
    w.k = w.q + n_k;
    w.v = w.k + n_k;
    w.known = w.v + n_v;
    w.learns = w.known + n_v;
    w.d_q = w.learns + n_v;
    for (size_t s = 0; s < as->batch.n_sequences; s++) {
        w.first = (size_t)as->batch.offsets[s];
        w.n = (size_t)as->batch.offsets[s + 1] - w.first;
        w.d_k = w.d_q + w.n * n_k;
        for (size_t key_head = 0; key_head < as->n_key_heads; key_head++)
            group_backward(&w, key_head);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
