#include "kernels/attention.h"

#include <assert.h>
#include <math.h>

#include "kernels/cpu/real.h"
#include "kernels/dropout.h"
#include "kernels/exec.h"
#include "kernels/half.h"

// One sequence and one head, as the equations see them. Rows i and j count within the sequence.
typedef struct Head {
    const AttentionArgs *as;
    int is_rounded;             // q, k and v count as bf16
    Tensor q, k, v;             // the head's columns; k and v of its key head
    const Tensor *bias, *sinks; // sinks->data NULL: none
    size_t sequence, head, kv_head;
    size_t q_begin, n_queries;
    size_t k_begin, n_keys;
    DropoutStream dropout;
} Head;

// more: bias and sinks; in place 0 and 1, or 6 and 7 of a backward pass.
static Head open_head(const AttentionArgs *as, const Tensor *qkv, const Tensor *more,
                      size_t sequence, size_t head)
{
    assert(as->n_kv_heads > 0);
    const size_t group = as->n_heads / as->n_kv_heads, d = as->head_dim;
    assert(group > 0);
    const size_t kv_head = head / group;
    const int32_t *q_offsets = as->queries.offsets + sequence;
    const int32_t *k_offsets = as->keys.offsets + sequence;
    return (Head){
        .as = as,
        .q = tensor_columns(qkv[0], head * d, (head + 1) * d),
        .k = tensor_columns(qkv[1], kv_head * d, (kv_head + 1) * d),
        .v = tensor_columns(qkv[2], kv_head * d, (kv_head + 1) * d),
        .bias = &more[0],
        .sinks = &more[1],
        .sequence = sequence,
        .head = head,
        .kv_head = kv_head,
        .q_begin = (size_t)q_offsets[0],
        .n_queries = (size_t)(q_offsets[1] - q_offsets[0]),
        .k_begin = (size_t)k_offsets[0],
        .n_keys = (size_t)(k_offsets[1] - k_offsets[0]),
        .dropout = dropout_stream(&as->dropout),
    };
}

// The columns of a query, a key or a value, `stride` apart; of a dtype's own where pages have one.
typedef struct Numbers {
    const void *first;
    size_t stride;
    DType dtype;
} Numbers;

static double number(const Head *h, Numbers row, size_t i)
{
    const uint16_t *halves = row.first;
    const size_t at = i * row.stride;
    if (row.dtype == DTYPE_F16) return (double)f32_from_f16(halves[at]);
    if (row.dtype == DTYPE_BF16) return (double)f32_from_bf16(halves[at]);
    const Real x = ((const Real *)row.first)[at];
    return h->is_rounded ? (double)f32_from_bf16(bf16_from_f32((float)x)) : (double)x;
}

static Numbers row_numbers(const Real *row)
{
    return (Numbers){.first = row, .stride = 1};
}

static Numbers query_row(const Head *h, size_t i)
{
    return row_numbers(real_row(&h->q, h->q_begin + i));
}

// What stands from number `at` on of the page of 16 rows that holds row j.
static Numbers in_page(const Head *h, const float *const *pages, size_t j, size_t at, size_t stride)
{
    const AttentionArgs *as = h->as;
    const void *page = pages[h->sequence * as->max_pages + j / PANEL_WIDTH];
    const size_t size = as->pages_dtype == DTYPE_F32 ? sizeof(Real) : dtype_size(as->pages_dtype);
    return (Numbers){
        .first = (const char *)page + at * size, .stride = stride, .dtype = as->pages_dtype};
}

// Row j of the sequence's keys or values, the head's columns: in the tensor, or in the page that holds it.
static const Real *cached_row(const Head *h, const Tensor *tensor, const float *const *pages,
                              size_t j)
{
    if (!pages) return real_row(tensor, h->k_begin + j);
    const AttentionArgs *as = h->as;
    const void *page = pages[h->sequence * as->max_pages + j / as->page_rows];
    const size_t row = (j % as->page_rows) * as->n_kv_heads + h->kv_head;
    return (const Real *)page + row * as->head_dim;
}

static Numbers key_row(const Head *h, size_t j)
{
    const AttentionArgs *as = h->as;
    const size_t head = as->first_kv_head + h->kv_head;
    if (as->pages_by_head) {
        const size_t at = head * as->head_dim * PANEL_WIDTH + j % PANEL_WIDTH;
        return in_page(h, as->key_pages, j, at, PANEL_WIDTH);
    }
    const Real *row = cached_row(h, &h->k, as->key_pages, j);
    if (!as->keys_by_column) return row_numbers(row);
    return (Numbers){.first = row - h->kv_head * (as->head_dim - 1), .stride = as->n_kv_heads};
}

static Numbers value_row(const Head *h, size_t j)
{
    const AttentionArgs *as = h->as;
    const size_t head = as->first_kv_head + h->kv_head;
    if (as->pages_by_head)
        return in_page(h, as->value_pages, j, (head * PANEL_WIDTH + j % PANEL_WIDTH) * as->head_dim,
                       1);
    return row_numbers(cached_row(h, &h->v, as->value_pages, j));
}

static int64_t position_of(const Ragged *batch, size_t begin, size_t row)
{
    return batch->positions ? batch->positions[begin + row] : (int64_t)row;
}

static int is_visible(const Head *h, size_t i, size_t j)
{
    const int64_t q = position_of(&h->as->queries, h->q_begin, i);
    const int64_t k = position_of(&h->as->keys, h->k_begin, j);
    if (h->as->is_causal && k > q) return 0;
    return h->as->window == 0 || (uint64_t)(q > k ? q - k : k - q) < h->as->window;
}

static double dot(const Head *h, Numbers a, Numbers b)
{
    double sum = 0;
    for (size_t i = 0; i < h->as->head_dim; i++) sum += number(h, a, i) * number(h, b, i);
    return sum;
}

// Column of the bias table for query i and key j.
static size_t bias_bucket(const Head *h, size_t i, size_t j)
{
    const int64_t reach = h->as->relative_reach;
    int64_t distance =
        position_of(&h->as->keys, h->k_begin, j) - position_of(&h->as->queries, h->q_begin, i);
    if (distance < -reach) distance = -reach;
    if (distance > reach) distance = reach;
    return (size_t)h->as->relative_bucket[distance + reach];
}

// slope: of the score by q . k, scale included; may be NULL.
static double score(const Head *h, size_t i, size_t j, double *slope)
{
    const double scale = h->as->scale, cap = h->as->soft_cap;
    double value = scale * dot(h, query_row(h, i), key_row(h, j));
    double d_value = scale;
    if (cap > 0.0) {
        const double t = tanh(value / cap);
        value = cap * t;
        d_value *= 1.0 - t * t;
    }
    if (h->as->relative_bucket) value += real_row(h->bias, h->head)[bias_bucket(h, i, j)];
    if (slope) *slope = d_value;
    return value;
}

// keep / (1 - p) of one probability.
static double kept(const Head *h, size_t i, size_t j)
{
    if (h->as->dropout.p <= 0.0f) return 1.0;
    const uint32_t row = (uint32_t)(i * h->as->n_heads + h->head);
    const uint64_t key = h->as->queries.sequence_keys[h->sequence];
    return dropout_keeps(&h->dropout, key, row, (uint32_t)j) ? (double)h->dropout.scale : 0.0;
}

// -infinity: none.
static double sink_of(const Head *h)
{
    return h->sinks->data ? (double)real_row(h->sinks, 0)[h->head] : -INFINITY;
}

// y of one query into `out`; returns the log-sum-exp. p [n_keys] and y [head_dim] are scratch.
static double attend(const Head *h, size_t i, double *p, double *y, Real *out)
{
    const size_t head_dim = h->as->head_dim;
    double max = sink_of(h), sum = 0;
    for (size_t j = 0; j < h->n_keys; j++) {
        p[j] = is_visible(h, i, j) ? score(h, i, j, NULL) : -INFINITY;
        max = p[j] > max || p[j] != p[j] ? p[j] : max;
    }
    for (size_t d = 0; d < head_dim; d++) y[d] = out[d] = 0;
    if (max == -INFINITY) return max; // sees nothing
    sum = exp(sink_of(h) - max);
    for (size_t j = 0; j < h->n_keys; j++) {
        if (!is_visible(h, i, j)) continue;
        const double weight = exp(p[j] - max), with_dropout = weight * kept(h, i, j);
        const Numbers v = value_row(h, j);
        for (size_t d = 0; d < head_dim; d++) y[d] += with_dropout * number(h, v, d);
        sum += weight;
    }
    for (size_t d = 0; d < head_dim; d++) out[d] = (Real)(y[d] / sum);
    return max + log(sum);
}

static Status attention(const OpArgs *args, int is_rounded, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const Tensor *y = &args->out[0], *log_sum_exp = &args->out[1];
    const size_t n_scores = ragged_longest(&as->keys), mark = exec_scratch_mark(exec);
    double *p = exec_scratch(exec, n_scores * sizeof *p);
    double *sums = exec_scratch(exec, as->head_dim * sizeof *sums);
    if (!p || !sums) return error_set_memory(err, n_scores, sizeof *p, "attention");
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        for (size_t head = 0; head < as->n_heads; head++) {
            Head h = open_head(as, &args->in[0], &args->in[3], s, head);
            h.is_rounded = is_rounded;
            for (size_t i = 0; i < h.n_queries; i++) {
                Real *out = real_row(y, h.q_begin + i) + head * as->head_dim;
                const double lse = attend(&h, i, p, sums, out);
                if (log_sum_exp->data) real_row(log_sum_exp, h.q_begin + i)[head] = (Real)lse;
            }
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

Status REFERENCE(attention)(const OpArgs *args, Exec *exec, Error *err)
{
    return attention(args, 0, exec, err);
}

Status REFERENCE(attention_bf16)(const OpArgs *args, Exec *exec, Error *err)
{
    return attention(args, 1, exec, err);
}

// Sums in double for one sequence and key head, [n_keys, head_dim] each; p, ds [n_keys] of one query.
typedef struct Sums {
    double *dk, *dv, *p, *ds;
} Sums;

// p and ds of query i, in sums; adds to d_sink.
static void score_gradients(const Head *h, size_t i, const Real *dy, double lse, Sums *sums,
                            Real *d_sink)
{
    double p_dp = 0;
    for (size_t j = 0; j < h->n_keys; j++) {
        sums->p[j] = sums->ds[j] = 0;
        if (!is_visible(h, i, j)) continue;
        sums->p[j] = exp(score(h, i, j, NULL) - lse);
        sums->ds[j] = kept(h, i, j) * dot(h, row_numbers(dy), value_row(h, j)); // dp
        p_dp += sums->p[j] * sums->ds[j];
    }
    for (size_t j = 0; j < h->n_keys; j++) sums->ds[j] = sums->p[j] * (sums->ds[j] - p_dp);
    if (d_sink) *d_sink = (Real)((double)*d_sink - exp(sink_of(h) - lse) * p_dp);
}

// Query i: writes dq, adds to dk, dv of the sums and to d_bias and d_sink (where they are not NULL).
static void attend_backward(const Head *h, size_t i, const Real *dy, double lse, Sums *sums,
                            double *dq, Real *d_bias, Real *d_sink)
{
    const size_t head_dim = h->as->head_dim;
    for (size_t d = 0; d < head_dim; d++) dq[d] = 0;
    score_gradients(h, i, dy, lse, sums, d_sink);
    for (size_t j = 0; j < h->n_keys; j++) {
        if (!is_visible(h, i, j)) continue;
        double slope;
        (void)score(h, i, j, &slope);
        const double to_dot = sums->ds[j] * slope, to_value = sums->p[j] * kept(h, i, j);
        for (size_t d = 0; d < head_dim; d++) {
            dq[d] += to_dot * number(h, key_row(h, j), d);
            sums->dk[j * head_dim + d] += to_dot * number(h, query_row(h, i), d);
            sums->dv[j * head_dim + d] += to_value * (double)dy[d];
        }
        if (d_bias) {
            Real *to = &d_bias[bias_bucket(h, i, j)];
            *to = (Real)(*to + sums->ds[j]);
        }
    }
}

static void store_sums(const Tensor *to, const Head *h, const double *from)
{
    const size_t head_dim = h->as->head_dim;
    for (size_t j = 0; j < h->n_keys; j++) {
        Real *row = real_row(to, h->k_begin + j) + h->kv_head * head_dim;
        for (size_t d = 0; d < head_dim; d++) row[d] = (Real)from[j * head_dim + d];
    }
}

// One head's queries; the sums belong to its key head and go on through its group.
static void head_backward(const OpArgs *args, const Head *h, Sums *sums, double *dq)
{
    const size_t head_dim = h->as->head_dim;
    const Tensor *d_bias = &args->out[3], *d_sinks = &args->out[4];
    for (size_t i = 0; i < h->n_queries; i++) {
        const size_t row = h->q_begin + i;
        const Real *dy = real_row(&args->in[0], row) + h->head * head_dim;
        attend_backward(h, i, dy, real_row(&args->in[5], row)[h->head], sums, dq,
                        d_bias->data ? real_row(d_bias, h->head) : NULL,
                        d_sinks->data ? real_row(d_sinks, 0) + h->head : NULL);
        Real *to = real_row(&args->out[0], row) + h->head * head_dim;
        for (size_t d = 0; d < head_dim; d++) to[d] = (Real)dq[d];
    }
}

Status REFERENCE(attention_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const size_t n_keys = ragged_longest(&as->keys), group = as->n_heads / as->n_kv_heads;
    const size_t mark = exec_scratch_mark(exec), n_sums = n_keys * as->head_dim;
    Sums sums = {.dk = exec_scratch(exec, n_sums * sizeof(double)),
                 .dv = exec_scratch(exec, n_sums * sizeof(double)),
                 .p = exec_scratch(exec, n_keys * sizeof(double)),
                 .ds = exec_scratch(exec, n_keys * sizeof(double))};
    double *dq = exec_scratch(exec, as->head_dim * sizeof *dq);
    if (!sums.dk || !sums.dv || !sums.p || !sums.ds || !dq) {
        return error_set_memory(err, 2 * n_sums, sizeof(double), "attention_backward");
    }
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        for (size_t kv_head = 0; kv_head < as->n_kv_heads; kv_head++) {
            const size_t first = kv_head * group;
            for (size_t i = 0; i < n_sums; i++) sums.dk[i] = sums.dv[i] = 0;
            for (size_t head = first; head < first + group; head++) {
                const Head h = open_head(as, &args->in[1], &args->in[6], s, head);
                head_backward(args, &h, &sums, dq);
            }
            const Head h = open_head(as, &args->in[1], &args->in[6], s, first);
            store_sums(&args->out[1], &h, sums.dk);
            store_sums(&args->out[2], &h, sums.dv);
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
