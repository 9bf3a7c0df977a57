#include "kernels/disentangled.h"

#include <math.h>

#include "kernels/cpu/real.h"
#include "kernels/dropout.h"
#include "kernels/exec.h"

// One sequence and one head. Rows i and j count within the sequence.
typedef struct Head {
    const AttentionArgs *as;
    Tensor q, k, v, pq, pk; // the head's columns
    size_t sequence, head;
    size_t q_begin, n_queries;
    size_t k_begin, n_keys;
    DropoutStream dropout;
} Head;

static Tensor columns(const Tensor *tensor, size_t head, size_t head_dim)
{
    return tensor->data ? tensor_columns(*tensor, head * head_dim, (head + 1) * head_dim) : *tensor;
}

static Head open_head(const AttentionArgs *as, const Tensor *qkv, const Tensor *positions,
                      size_t sequence, size_t head)
{
    const int32_t *q = as->queries.offsets + sequence, *k = as->keys.offsets + sequence;
    return (Head){
        .as = as,
        .q = columns(&qkv[0], head, as->head_dim),
        .k = columns(&qkv[1], head, as->head_dim),
        .v = columns(&qkv[2], head, as->head_dim),
        .pq = columns(&positions[0], head, as->head_dim),
        .pk = columns(&positions[1], head, as->head_dim),
        .sequence = sequence,
        .head = head,
        .q_begin = (size_t)q[0],
        .n_queries = (size_t)(q[1] - q[0]),
        .k_begin = (size_t)k[0],
        .n_keys = (size_t)(k[1] - k[0]),
        .dropout = dropout_stream(&as->dropout),
    };
}

static double dot(const Head *h, const Real *a, const Real *b)
{
    double sum = 0;
    for (size_t d = 0; d < h->as->head_dim; d++) sum += (double)a[d] * (double)b[d];
    return sum;
}

static size_t position_row(const Head *h, size_t i, size_t j)
{
    const int32_t *positions = h->as->queries.positions;
    const int64_t query = positions ? positions[h->q_begin + i] : (int64_t)i;
    return disentangled_row(h->as, (int64_t)j - query);
}

static double score(const Head *h, size_t i, size_t j)
{
    const Real *q = real_row(&h->q, h->q_begin + i), *k = real_row(&h->k, h->k_begin + j);
    const size_t m = position_row(h, i, j);
    double sum = dot(h, q, k);
    if (h->pk.data) sum += dot(h, q, real_row(&h->pk, m));
    if (h->pq.data) sum += dot(h, k, real_row(&h->pq, m));
    return (double)h->as->scale * sum;
}

// keep / (1 - p) of one probability.
static double kept(const Head *h, size_t i, size_t j)
{
    if (h->as->dropout.p <= 0.0f) return 1.0;
    const uint32_t row = (uint32_t)(i * h->as->n_heads + h->head);
    const uint64_t key = h->as->queries.sequence_keys[h->sequence];
    return dropout_keeps(&h->dropout, key, row, (uint32_t)j) ? (double)h->dropout.scale : 0.0;
}

// y of one query into `out`; returns the log-sum-exp. p [n_keys] is scratch.
static double attend(const Head *h, size_t i, double *p, Real *out)
{
    const size_t head_dim = h->as->head_dim;
    double max = -INFINITY, sum = 0;
    for (size_t j = 0; j < h->n_keys; j++) {
        p[j] = score(h, i, j);
        max = p[j] > max || p[j] != p[j] ? p[j] : max;
    }
    for (size_t j = 0; j < h->n_keys; j++) {
        p[j] = exp(p[j] - max);
        sum += p[j];
    }
    for (size_t d = 0; d < head_dim; d++) {
        double y = 0;
        for (size_t j = 0; j < h->n_keys; j++)
            y += p[j] * kept(h, i, j) * (double)real_row(&h->v, h->k_begin + j)[d];
        out[d] = h->n_keys > 0 ? (Real)(y / sum) : 0;
    }
    return h->n_keys > 0 ? max + log(sum) : -INFINITY;
}

Status REFERENCE(disentangled)(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const Tensor *y = &args->out[0], *log_sum_exp = &args->out[1];
    const size_t n_scores = ragged_longest(&as->keys), mark = exec_scratch_mark(exec);
    double *p = exec_scratch(exec, n_scores * sizeof *p);
    if (!p) return error_set_memory(err, n_scores, sizeof *p, "disentangled");
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        for (size_t head = 0; head < as->n_heads; head++) {
            const Head h = open_head(as, &args->in[0], &args->in[3], s, head);
            for (size_t i = 0; i < h.n_queries; i++) {
                Real *out = real_row(y, h.q_begin + i) + head * as->head_dim;
                const double lse = attend(&h, i, p, out);
                if (log_sum_exp->data) real_row(log_sum_exp, h.q_begin + i)[head] = (Real)lse;
            }
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- backward ----

// Sums in double for one head: of one sequence's keys, and of all sequences' positions.
typedef struct Sums {
    double *dk, *dv;   // [longest keys, head_dim]
    double *dpq, *dpk; // [R, head_dim]
    double *p, *ds;    // [longest keys] of one query
    double *dq;        // [head_dim]
} Sums;

static void add_scaled(size_t n, double factor, const Real *from, double *to)
{
    for (size_t d = 0; d < n; d++) to[d] += factor * (double)from[d];
}

// p and ds of query i, in sums.
static void score_gradients(const Head *h, size_t i, const Real *dy, double lse, Sums *sums)
{
    double p_dp = 0;
    for (size_t j = 0; j < h->n_keys; j++) {
        sums->p[j] = exp(score(h, i, j) - lse);
        sums->ds[j] = kept(h, i, j) * dot(h, dy, real_row(&h->v, h->k_begin + j)); // dp
        p_dp += sums->p[j] * sums->ds[j];
    }
    for (size_t j = 0; j < h->n_keys; j++)
        sums->ds[j] = (double)h->as->scale * sums->p[j] * (sums->ds[j] - p_dp);
}

static void attend_backward(const Head *h, size_t i, const Real *dy, double lse, Sums *sums)
{
    const size_t n = h->as->head_dim;
    const Real *q = real_row(&h->q, h->q_begin + i);
    for (size_t d = 0; d < n; d++) sums->dq[d] = 0;
    score_gradients(h, i, dy, lse, sums);
    for (size_t j = 0; j < h->n_keys; j++) {
        const Real *k = real_row(&h->k, h->k_begin + j);
        const size_t m = position_row(h, i, j);
        const double ds = sums->ds[j];
        add_scaled(n, ds, k, sums->dq);
        add_scaled(n, ds, q, sums->dk + j * n);
        add_scaled(n, sums->p[j] * kept(h, i, j), dy, sums->dv + j * n);
        if (h->pk.data) {
            add_scaled(n, ds, real_row(&h->pk, m), sums->dq);
            add_scaled(n, ds, q, sums->dpk + m * n);
        }
        if (h->pq.data) {
            add_scaled(n, ds, real_row(&h->pq, m), sums->dk + j * n);
            add_scaled(n, ds, k, sums->dpq + m * n);
        }
    }
}

static void store(const Tensor *to, size_t begin, size_t n, size_t head, size_t head_dim,
                  const double *from)
{
    for (size_t j = 0; to->data && j < n; j++) {
        Real *row = real_row(to, begin + j) + head * head_dim;
        for (size_t d = 0; d < head_dim; d++) row[d] = (Real)from[j * head_dim + d];
    }
}

static void sequence_backward(const OpArgs *args, const Head *h, Sums *sums)
{
    const size_t n = h->as->head_dim;
    for (size_t e = 0; e < h->n_keys * n; e++) sums->dk[e] = sums->dv[e] = 0;
    for (size_t i = 0; i < h->n_queries; i++) {
        const size_t row = h->q_begin + i;
        attend_backward(h, i, real_row(&args->in[0], row) + h->head * n,
                        (double)real_row(&args->in[5], row)[h->head], sums);
        store(&args->out[0], row, 1, h->head, n, sums->dq);
    }
    store(&args->out[1], h->k_begin, h->n_keys, h->head, n, sums->dk);
    store(&args->out[2], h->k_begin, h->n_keys, h->head, n, sums->dv);
}

Status REFERENCE(disentangled_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const size_t n_keys = ragged_longest(&as->keys), n = as->head_dim;
    const size_t n_rows = args->in[6].data ? args->in[6].rows : args->in[7].rows;
    const size_t n_floats = 2 * (n_keys + n_rows) * n + 2 * n_keys + n;
    const size_t mark = exec_scratch_mark(exec);
    double *at = exec_scratch(exec, n_floats * sizeof *at);
    if (!at) return error_set_memory(err, n_floats, sizeof *at, "disentangled_backward");
    Sums sums = {.dk = at, .dv = at + n_keys * n, .dpq = at + 2 * n_keys * n};
    sums.dpk = sums.dpq + n_rows * n;
    sums.p = sums.dpk + n_rows * n;
    sums.ds = sums.p + n_keys;
    sums.dq = sums.ds + n_keys;
    for (size_t head = 0; head < as->n_heads; head++) {
        for (size_t e = 0; e < n_rows * n; e++) sums.dpq[e] = sums.dpk[e] = 0;
        for (size_t s = 0; s < as->queries.n_sequences; s++) {
            const Head h = open_head(as, &args->in[1], &args->in[6], s, head);
            sequence_backward(args, &h, &sums);
        }
        store(&args->out[3], 0, n_rows, head, n, sums.dpq);
        store(&args->out[4], 0, n_rows, head, n, sums.dpk);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
