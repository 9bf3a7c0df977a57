// Disentangled attention, both ways, a head of a sequence at a time: all its scores stand in scratch, and beside them the products
// of queries and keys with the rows of positions that its distances reach, R of them. A score gathers one number of each. Every
// product goes through gemm_fast.h, so that an output is one chain whatever the sequence's company. On the way back the slopes of
// scores are summed by row of positions, and three more products a table give its gradients.
//
// Scores that are never built, as in attention_fast.c, would want the gather in the micro-kernel; here it is n^2 loads beside
// n^2 head_dim multiplications, and the buffers of a head of 512 tokens are 3 MiB.
#include "kernels/disentangled.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/cpu/attention_fast.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/exec.h"

// Scratch of one call, for the longest sequence.
typedef struct Buffers {
    float *p, *ds;   // [n_queries, padded keys]; ds on the way back alone
    float *by_query; // [n_queries, padded R]: q PK^T, then slopes by row
    float *by_key;   // [n_keys, padded R]: k PQ^T, likewise
    float *scratch;  // of the products
    int32_t *rows;   // of distances
} Buffers;

// One head of one sequence, and the rows of positions that it reaches: [first, first + n_rows).
typedef struct Reach {
    AttentionHead head;
    size_t first, n_rows;
    int64_t least;       // of the distances key - query
    const int32_t *rows; // [distance - least], less `first`
    size_t p_row, m_row; // strides of p and by_query
} Reach;

// Without a table of biases, and with keys of its own.
static AttentionHead first_head(const AttentionArgs *as, size_t sequence)
{
    const int32_t *q = as->queries.offsets + sequence, *k = as->keys.offsets + sequence;
    return (AttentionHead){.as = as,
                           .sequence = sequence,
                           .q_begin = (size_t)q[0],
                           .n_queries = (size_t)(q[1] - q[0]),
                           .k_begin = (size_t)k[0],
                           .n_keys = (size_t)(k[1] - k[0]),
                           .dropout = dropout_stream(&as->dropout)};
}

static int64_t query_position(const AttentionHead *h, size_t i)
{
    return attention_position(&h->as->queries, h->q_begin, i);
}

// Distances from -furthest to n_keys - 1.
static int64_t furthest_query(const AttentionHead *h)
{
    int64_t furthest = 0;
    for (size_t i = 0; i < h->n_queries; i++) {
        const int64_t position = query_position(h, i);
        furthest = position > furthest ? position : furthest;
    }
    return furthest;
}

static size_t product_scratch(size_t m, size_t n, size_t k)
{
    // A stride of 0 is the worst to the cache; rows that come transposed are packed.
    const GemmProblem plain = {.m = m, .n = n, .k = k, .b_side = GEMM_TRANSPOSED};
    const GemmProblem turned = {
        .m = m, .n = n, .k = k, .a_side = GEMM_TRANSPOSED, .b_side = GEMM_ROWS};
    return size_round_up(size_max(FAST(gemm_scratch)(&plain), FAST(gemm_scratch)(&turned)),
                         VEC_WIDTH);
}

static Status take_buffers(const AttentionArgs *as, const Tensor *positions, int is_backward,
                           Exec *exec, Buffers *out, Error *err)
{
    const size_t n_rows = positions[0].data ? positions[0].rows : positions[1].rows;
    const size_t n_queries = ragged_longest(&as->queries), n_keys = ragged_longest(&as->keys);
    const size_t longest = size_max(n_queries, n_keys), d = as->head_dim;
    const size_t key_room = size_round_up(n_keys, DROPOUT_GROUP);
    const size_t width = size_round_up(n_rows, VEC_WIDTH);
    const size_t scores = n_queries * key_room * (is_backward ? 2 : 1);
    const size_t side = size_max(size_max(longest, width), d);
    const size_t product = product_scratch(side, side, side);
    int64_t furthest = 0;
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        const AttentionHead h = first_head(as, s);
        const int64_t here = furthest_query(&h);
        furthest = here > furthest ? here : furthest;
    }
    const size_t n_distances = size_round_up((size_t)furthest + n_keys + 1, VEC_WIDTH);
    const size_t total = scores + (n_queries + n_keys) * width + product + n_distances;
    float *at = exec_scratch(exec, total * sizeof *at);
    if (!at) return error_set_memory(err, total, sizeof *at, "disentangled");
    *out = (Buffers){.p = at, .ds = at + n_queries * key_room};
    out->by_query = at + scores;
    out->by_key = out->by_query + n_queries * width;
    out->scratch = out->by_key + n_keys * width;
    out->rows = (int32_t *)(out->scratch + product);
    return STATUS_OK;
}

static Reach open_reach(const AttentionArgs *as, size_t sequence, const Buffers *b)
{
    Reach r = {.head = first_head(as, sequence), .rows = b->rows};
    const size_t n_keys = r.head.n_keys;
    size_t first = SIZE_MAX, last = 0;
    r.least = -furthest_query(&r.head);
    const size_t n_distances = (size_t)-r.least + n_keys;
    for (size_t t = 0; t < n_distances; t++) {
        const size_t row = disentangled_row(as, r.least + (int64_t)t);
        b->rows[t] = (int32_t)row;
        first = size_min(first, row);
        last = size_max(last, row);
    }
    for (size_t t = 0; t < n_distances; t++) b->rows[t] -= (int32_t)first;
    r.first = n_distances > 0 ? first : 0;
    r.n_rows = n_distances > 0 ? last - first + 1 : 0;
    r.p_row = size_round_up(n_keys, DROPOUT_GROUP);
    r.m_row = size_round_up(r.n_rows, VEC_WIDTH);
    return r;
}

// Rows of positions of query i for keys 0, 1, 2, ...
static const int32_t *rows_of_query(const Reach *r, size_t i)
{
    return r->rows + (-query_position(&r->head, i) - r->least);
}

static float *head_rows(const Tensor *tensor, size_t row, const AttentionHead *h)
{
    return (float *)tensor->data + row * tensor->row_stride + h->head * h->as->head_dim;
}

// c [m, n] (+)= a [m, k] b, b as b_side has it. c's columns are rounded up to whole vectors.
typedef struct Side {
    const float *at;
    size_t stride;
    GemmSide side;
} Side;

static void multiply(size_t m, size_t n, size_t k, Side a, Side b, float *c, size_t c_row,
                     int accumulate, float *scratch)
{
    const GemmProblem problem = {.m = m,
                                 .n = n,
                                 .k = k,
                                 .a = a.at,
                                 .a_stride = a.stride,
                                 .a_side = a.side,
                                 .b = b.at,
                                 .b_stride = b.stride,
                                 .b_side = b.side,
                                 .c = c,
                                 .c_row = c_row,
                                 .c_panel = VEC_WIDTH,
                                 .accumulate = accumulate};
    FAST(gemm_run)(&problem, scratch);
}

static Side rows_side(const Tensor *tensor, size_t row, const AttentionHead *h, GemmSide side)
{
    return (Side){head_rows(tensor, row, h), tensor->row_stride, side};
}

// The scores of a head, scaled, into p; -infinity up to a whole vector.
static void fill_scores(const Tensor *qkv, const Tensor *positions, const Reach *r,
                        const Buffers *b)
{
    const AttentionHead *h = &r->head;
    const size_t d = h->as->head_dim, n_keys = h->n_keys;
    const Side q = rows_side(&qkv[0], h->q_begin, h, GEMM_ROWS);
    const Side k = rows_side(&qkv[1], h->k_begin, h, GEMM_ROWS);
    const Tensor *pq = &positions[0], *pk = &positions[1];
    multiply(h->n_queries, n_keys, d, q, rows_side(&qkv[1], h->k_begin, h, GEMM_TRANSPOSED), b->p,
             r->p_row, 0, b->scratch);
    if (pk->data)
        multiply(h->n_queries, r->n_rows, d, q, rows_side(pk, r->first, h, GEMM_TRANSPOSED),
                 b->by_query, r->m_row, 0, b->scratch);
    if (pq->data)
        multiply(n_keys, r->n_rows, d, k, rows_side(pq, r->first, h, GEMM_TRANSPOSED), b->by_key,
                 r->m_row, 0, b->scratch);
    for (size_t i = 0; i < h->n_queries; i++) {
        const int32_t *rows = rows_of_query(r, i);
        float *p = b->p + i * r->p_row;
        const float *by_query = b->by_query + i * r->m_row, *by_key = b->by_key;
        for (size_t j = 0; pk->data && j < n_keys; j++) p[j] += by_query[rows[j]];
        for (size_t j = 0; pq->data && j < n_keys; j++, by_key += r->m_row) p[j] += by_key[rows[j]];
        for (size_t j = 0; j < n_keys; j++) p[j] *= h->as->scale;
        for (size_t j = n_keys; j < size_round_up(n_keys, VEC_WIDTH); j++) p[j] = -INFINITY;
    }
}

// exp(score - max) of n scores, a multiple of 16; gives their sum.
static float softmax_row(size_t n, float *p, float *max)
{
    Vec largest = vec_load(p), total = vec_zero();
    for (size_t j = VEC_WIDTH; j < n; j += VEC_WIDTH) largest = vec_max(largest, vec_load(p + j));
    *max = vec_reduce_max(largest);
    const Vec shift = vec_set1(*max);
    for (size_t j = 0; j < n; j += VEC_WIDTH) {
        const Vec x = vec_exp_softmax(vec_sub(vec_load(p + j), shift));
        vec_store(p + j, x);
        total = vec_add(total, x);
    }
    return vec_reduce_add(total);
}

static void clear_rows(const Tensor *tensor, size_t begin, size_t n, const AttentionHead *h)
{
    for (size_t i = begin; i < begin + n; i++)
        memset(head_rows(tensor, i, h), 0, h->as->head_dim * sizeof(float));
}

static void attend(const OpArgs *args, const Reach *r, const Buffers *b)
{
    const AttentionHead *h = &r->head;
    const size_t d = h->as->head_dim, n_keys = h->n_keys;
    const Tensor *y = &args->out[0], *log_sum_exp = &args->out[1];
    fill_scores(args->in, &args->in[3], r, b);
    for (size_t i = 0; i < h->n_queries; i++) {
        float max, *p = b->p + i * r->p_row;
        const float sum = softmax_row(size_round_up(n_keys, VEC_WIDTH), p, &max);
        const Vec share = vec_set1(1.0f / sum);
        for (size_t j = 0; j < n_keys; j += VEC_WIDTH)
            vec_store(p + j, vec_mul(vec_load(p + j), share));
        // Where a score is NaN, all of the row is, and stays so if every key is dropped.
        if (h->as->dropout.p > 0.0f && !isnan(sum)) attention_dropout(h, i, 0, n_keys, p, p);
        if (!log_sum_exp->data) continue;
        float *to = (float *)log_sum_exp->data + (h->q_begin + i) * log_sum_exp->row_stride;
        to[h->head] = max + logf(sum);
    }
    multiply(h->n_queries, d, n_keys, (Side){b->p, r->p_row, GEMM_ROWS},
             rows_side(&args->in[2], h->k_begin, h, GEMM_ROWS), head_rows(y, h->q_begin, h),
             y->row_stride, 0, b->scratch);
}

static void attend_nothing(const OpArgs *args, const AttentionHead *h)
{
    const Tensor *log_sum_exp = &args->out[1];
    clear_rows(&args->out[0], h->q_begin, h->n_queries, h);
    for (size_t i = h->q_begin; log_sum_exp->data && i < h->q_begin + h->n_queries; i++)
        ((float *)log_sum_exp->data + i * log_sum_exp->row_stride)[h->head] = -INFINITY;
}

Status FAST(disentangled)(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const size_t mark = exec_scratch_mark(exec);
    Buffers buffers;
    TRY(take_buffers(as, &args->in[3], 0, exec, &buffers, err));
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        Reach r = open_reach(as, s, &buffers);
        for (size_t head = 0; head < as->n_heads; head++) {
            r.head.head = head;
            if (r.head.n_keys > 0)
                attend(args, &r, &buffers);
            else
                attend_nothing(args, &r.head);
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}

// ---- backward ----

static float row_dot(size_t n, const float *a, const float *b)
{
    Vec sum = vec_zero();
    for (size_t d = 0; d < n; d += VEC_WIDTH)
        sum = vec_fma(vec_load_any(a + d, n - d), vec_load_any(b + d, n - d), sum);
    return vec_reduce_add(sum);
}

// Row i: p becomes probabilities times keep, and ds, which is dp, the slope of the scores before their scale.
static void slope_row(const OpArgs *args, const Reach *r, size_t i, float *p, float *ds)
{
    const AttentionHead *h = &r->head;
    const size_t d = h->as->head_dim, n_keys = h->n_keys, row = h->q_begin + i;
    const Tensor *log_sum_exp = &args->in[5];
    const float *lse = (const float *)log_sum_exp->data + row * log_sum_exp->row_stride;
    // The sum over keys of p dp, whatever was dropped.
    const float dy_y = row_dot(d, head_rows(&args->in[0], row, h), head_rows(&args->in[4], row, h));
    const Vec shift = vec_set1(lse[h->head]), sum = vec_set1(dy_y), scale = vec_set1(h->as->scale);
    for (size_t j = 0; j < n_keys; j += VEC_WIDTH)
        vec_store(p + j, vec_exp_softmax(vec_sub(vec_load(p + j), shift)));
    if (h->as->dropout.p > 0.0f) attention_dropout(h, i, 0, n_keys, ds, ds);
    for (size_t j = 0; j < n_keys; j += VEC_WIDTH) {
        const Vec slope = vec_mul(vec_load(p + j), vec_sub(vec_load(ds + j), sum));
        vec_store(ds + j, vec_mul(slope, scale));
    }
    if (h->as->dropout.p > 0.0f) attention_dropout(h, i, 0, n_keys, p, p);
}

// Slopes of scores, by row of positions: for each query, and for each key.
static void sum_slopes(const Reach *r, const Buffers *b)
{
    const AttentionHead *h = &r->head;
    memset(b->by_query, 0, h->n_queries * r->m_row * sizeof *b->by_query);
    memset(b->by_key, 0, h->n_keys * r->m_row * sizeof *b->by_key);
    for (size_t i = 0; i < h->n_queries; i++) {
        const int32_t *rows = rows_of_query(r, i);
        const float *ds = b->ds + i * r->p_row;
        float *by_query = b->by_query + i * r->m_row, *by_key = b->by_key;
        for (size_t j = 0; j < h->n_keys; j++, by_key += r->m_row) {
            by_query[rows[j]] += ds[j];
            by_key[rows[j]] += ds[j];
        }
    }
}

// What a table of positions adds: to the gradient of the rows that it met, and its own. slopes [n, R].
static void position_gradients(const Tensor *table, const Tensor *d_table, const Reach *r,
                               const float *slopes, Side met, float *d_met, size_t d_met_row,
                               size_t n, float *scratch)
{
    const AttentionHead *h = &r->head;
    const size_t d = h->as->head_dim;
    if (!table->data) return;
    multiply(n, d, r->n_rows, (Side){slopes, r->m_row, GEMM_ROWS},
             rows_side(table, r->first, h, GEMM_ROWS), d_met, d_met_row, 1, scratch);
    multiply(r->n_rows, d, n, (Side){slopes, r->m_row, GEMM_TRANSPOSED}, met,
             head_rows(d_table, r->first, h), d_table->row_stride, 1, scratch);
}

static void attend_backward(const OpArgs *args, const Reach *r, const Buffers *b)
{
    const AttentionHead *h = &r->head;
    const size_t d = h->as->head_dim, n_queries = h->n_queries, n_keys = h->n_keys;
    const Tensor *dq = &args->out[0], *dk = &args->out[1], *dv = &args->out[2];
    const Side q = rows_side(&args->in[1], h->q_begin, h, GEMM_ROWS);
    const Side k = rows_side(&args->in[2], h->k_begin, h, GEMM_ROWS);
    const Side dy = rows_side(&args->in[0], h->q_begin, h, GEMM_ROWS);
    fill_scores(&args->in[1], &args->in[6], r, b);
    multiply(n_queries, n_keys, d, dy, rows_side(&args->in[3], h->k_begin, h, GEMM_TRANSPOSED),
             b->ds, r->p_row, 0, b->scratch);
    for (size_t i = 0; i < n_queries; i++)
        slope_row(args, r, i, b->p + i * r->p_row, b->ds + i * r->p_row);
    const Side turned_ds = {b->ds, r->p_row, GEMM_TRANSPOSED};
    multiply(n_queries, d, n_keys, (Side){b->ds, r->p_row, GEMM_ROWS}, k,
             head_rows(dq, h->q_begin, h), dq->row_stride, 0, b->scratch);
    multiply(n_keys, d, n_queries, turned_ds, q, head_rows(dk, h->k_begin, h), dk->row_stride, 0,
             b->scratch);
    multiply(n_keys, d, n_queries, (Side){b->p, r->p_row, GEMM_TRANSPOSED}, dy,
             head_rows(dv, h->k_begin, h), dv->row_stride, 0, b->scratch);
    sum_slopes(r, b);
    position_gradients(&args->in[6], &args->out[3], r, b->by_key, k, head_rows(dk, h->k_begin, h),
                       dk->row_stride, n_keys, b->scratch);
    position_gradients(&args->in[7], &args->out[4], r, b->by_query, q, head_rows(dq, h->q_begin, h),
                       dq->row_stride, n_queries, b->scratch);
}

Status FAST(disentangled_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const size_t mark = exec_scratch_mark(exec);
    Buffers buffers;
    TRY(take_buffers(as, &args->in[6], 1, exec, &buffers, err));
    for (size_t t = 3; t < 5; t++) {
        const Tensor *table = &args->out[t];
        for (size_t i = 0; table->data && i < table->rows; i++)
            memset((float *)table->data + i * table->row_stride, 0, table->cols * sizeof(float));
    }
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        Reach r = open_reach(as, s, &buffers);
        for (size_t head = 0; head < as->n_heads; head++) {
            r.head.head = head;
            if (r.head.n_keys > 0 && r.head.n_queries > 0) {
                attend_backward(args, &r, &buffers);
                continue;
            }
            clear_rows(&args->out[0], r.head.q_begin, r.head.n_queries, &r.head);
            clear_rows(&args->out[1], r.head.k_begin, r.head.n_keys, &r.head);
            clear_rows(&args->out[2], r.head.k_begin, r.head.n_keys, &r.head);
        }
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
