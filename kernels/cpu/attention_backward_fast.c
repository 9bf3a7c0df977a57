// Attention's backward pass: probabilities are computed again from the log-sum-exp, a block of queries and a tile of keys
// at a time; the five products go through gemm_fast.h. dk and dv add over queries in ascending order, dq over key tiles.
#include <string.h>

#include "kernels/attention.h"
#include "kernels/cpu/attention_fast.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/gemm_fast.h"
#include "kernels/cpu/math_vec.h"
#include "kernels/exec.h"

typedef struct Buffers {
    float *keys, *values; // panels of k^T and v^T (columns: keys) of the tile
    float *key_rows;      // panels of k (columns: head_dim)
    float *p, *ds;        // [ATTENTION_QUERIES, ATTENTION_KEYS]
    float *dy_y;          // sum of dy * y of every query of the sequence, [group, n_queries]
    float *scratch;       // of the products
    float *biases;        // [group, most_distances] by distance; NULL without relative biases
    size_t most_distances;
} Buffers;

// ds^T q and p^T dy: keys by head_dim, over a block of queries.
static GemmProblem key_product(const AttentionHead *h, size_t n_keys, size_t n_rows)
{
    return (GemmProblem){.m = n_keys,
                         .n = h->as->head_dim,
                         .k = n_rows,
                         .a_side = GEMM_TRANSPOSED,
                         .a_stride = ATTENTION_KEYS,
                         .b_side = GEMM_ROWS,
                         .c_panel = VEC_WIDTH};
}

static Status take_buffers(const AttentionArgs *as, Exec *exec, Buffers *out, Error *err)
{
    const AttentionHead any = {.as = as};
    const GemmProblem largest = key_product(&any, ATTENTION_KEYS, ATTENTION_QUERIES);
    const size_t panels = size_round_up(as->head_dim, VEC_WIDTH) * ATTENTION_KEYS;
    const size_t scores = (size_t)ATTENTION_QUERIES * ATTENTION_KEYS;
    const size_t product = size_max(size_round_up(FAST(gemm_scratch)(&largest), VEC_WIDTH),
                                    attention_scratch(as->head_dim));
    const size_t sums = as->n_heads / as->n_kv_heads * ragged_longest(&as->queries);
    const size_t group = as->n_heads / as->n_kv_heads;
    const size_t distances =
        as->relative_bucket ? ragged_longest(&as->queries) + ragged_longest(&as->keys) : 0;
    const size_t total = 3 * panels + 2 * scores + product + sums + group * distances;
    float *at = exec_scratch(exec, total * sizeof *at);
    if (!at) return error_set_memory(err, total, sizeof *at, "attention_backward");
    *out = (Buffers){.keys = at, .values = at + panels, .key_rows = at + 2 * panels};
    out->p = at + 3 * panels;
    out->ds = out->p + scores;
    out->scratch = out->ds + scores;
    out->dy_y = out->scratch + product;
    out->biases = distances > 0 ? out->dy_y + sums : NULL;
    out->most_distances = distances;
    return STATUS_OK;
}

static float *head_rows(const Tensor *tensor, size_t row, size_t head, size_t head_dim)
{
    return (float *)tensor->data + row * tensor->row_stride + head * head_dim;
}

static void pack_tile(const OpArgs *args, const AttentionHead *h, size_t j0, size_t n, Buffers *b)
{
    const Tensor *k = &args->in[2], *v = &args->in[3];
    const size_t head_dim = h->as->head_dim, row = h->k_begin + j0;
    const GemmProblem keys = {.n = n,
                              .k = head_dim,
                              .b = head_rows(k, row, h->kv_head, head_dim),
                              .b_stride = k->row_stride,
                              .b_side = GEMM_TRANSPOSED};
    GemmProblem values = keys, key_rows = keys;
    values.b = head_rows(v, row, h->kv_head, head_dim);
    values.b_stride = v->row_stride;
    key_rows.n = head_dim;
    key_rows.k = n;
    key_rows.b_side = GEMM_ROWS;
    FAST(gemm_pack)(&keys, b->keys);
    FAST(gemm_pack)(&values, b->values);
    FAST(gemm_pack)(&key_rows, b->key_rows);
}

// dy . y of each query: the sum over keys of p dp, whatever was dropped.
static void sum_dy_y(const OpArgs *args, const AttentionHead *h, float *sums)
{
    const size_t head_dim = h->as->head_dim;
    for (size_t i = 0; i < h->n_queries; i++) {
        const float *dy = head_rows(&args->in[0], h->q_begin + i, h->head, head_dim);
        const float *y = head_rows(&args->in[4], h->q_begin + i, h->head, head_dim);
        Vec sum = vec_zero();
        for (size_t d = 0; d < head_dim; d += VEC_WIDTH) {
            const size_t n = head_dim - d;
            sum = vec_fma(vec_load_any(dy + d, n), vec_load_any(y + d, n), sum);
        }
        sums[i] = vec_reduce_add(sum);
    }
}

// -sum over queries of the sink's probability times dy . y.
static void add_sink_gradient(const OpArgs *args, const AttentionHead *h, const float *dy_y)
{
    const float *sinks = args->in[7].data;
    float *to = args->out[4].data;
    if (!to) return;
    for (size_t i = 0; i < h->n_queries; i++) {
        const float *lse = head_rows(&args->in[5], h->q_begin + i, 0, 0);
        if (lse[h->head] != -INFINITY) to[h->head] -= expf(sinks[h->head] - lse[h->head]) * dy_y[i];
    }
}

// In p: scores become probabilities times keep; in ds: dp becomes scale * p * (keep * dp - sum).
static void score_gradients(const AttentionHead *h, size_t i, size_t j0, size_t n, float lse,
                            float dy_y, float *p, float *ds)
{
    const size_t padded = size_round_up(n, VEC_WIDTH);
    attention_finish_scores(h, i, j0, n, p);
    for (size_t j = n; j < padded; j++) ds[j] = 0.0f;
    const Vec shift = vec_set1(lse == -INFINITY ? 0.0f : lse), sum = vec_set1(dy_y);
    const Vec scale = vec_set1(h->as->scale);
    // p <= 1 but for rounding: a score may come out a little above its log-sum-exp.
    if (h->as->dropout.p <= 0.0f) {
        for (size_t j = 0; j < padded; j += VEC_WIDTH) {
            const Vec probability = vec_exp_softmax(vec_sub(vec_load(p + j), shift));
            const Vec slope = vec_mul(probability, vec_sub(vec_load(ds + j), sum));
            vec_store(p + j, probability);
            vec_store(ds + j, vec_mul(slope, scale));
        }
        return;
    }
    float probabilities[ATTENTION_KEYS];
    for (size_t j = 0; j < padded; j += VEC_WIDTH) {
        const Vec probability = vec_exp_softmax(vec_sub(vec_load(p + j), shift));
        vec_store(p + j, probability);
        vec_store(probabilities + j, probability);
    }
    attention_dropout(h, i, j0, n, p, ds);
    for (size_t j = 0; j < padded; j += VEC_WIDTH) {
        const Vec slope = vec_mul(vec_load(probabilities + j), vec_sub(vec_load(ds + j), sum));
        vec_store(ds + j, vec_mul(slope, scale));
    }
}

// Slopes of scores, which stand times their scale in ds, by the buckets of relative positions.
static void add_bias_gradients(const OpArgs *args, const AttentionHead *h, size_t i, size_t j0,
                               size_t n, const float *ds)
{
    const Tensor *d_bias = &args->out[3];
    const int64_t reach = h->as->relative_reach;
    const int64_t query = attention_position(&h->as->queries, h->q_begin, i);
    if (!d_bias->data) return;
    float *to = (float *)d_bias->data + h->head * d_bias->row_stride;
    for (size_t j = 0; j < n; j++) {
        int64_t distance = attention_position(&h->as->keys, h->k_begin, j0 + j) - query;
        distance = distance < -reach ? -reach : distance > reach ? reach : distance;
        to[h->as->relative_bucket[distance + reach]] += ds[j] / h->as->scale;
    }
}

// A block of queries of a head, and a tile of keys.
typedef struct Block {
    size_t i0, n_rows, j0, n_keys;
    int begins_queries,
        begins_keys; // this is the first that adds to its rows of dq, or of dk and dv
} Block;

// p and ds of a block.
static void block_scores(const OpArgs *args, const AttentionHead *h, const Block *block,
                         const Buffers *b, const float *dy_y)
{
    const Tensor *dy = &args->in[0], *q = &args->in[1], *log_sum_exp = &args->in[5];
    const size_t head_dim = h->as->head_dim, row = h->q_begin + block->i0;
    GemmProblem scores = {.m = block->n_rows,
                          .n = block->n_keys,
                          .k = head_dim,
                          .a = head_rows(q, row, h->head, head_dim),
                          .a_stride = q->row_stride,
                          .b = b->keys,
                          .b_stride = VEC_WIDTH * head_dim,
                          .b_side = GEMM_PANELS,
                          .c = b->p,
                          .c_row = ATTENTION_KEYS,
                          .c_panel = VEC_WIDTH};
    FAST(gemm_run)(&scores, b->scratch);
    scores.a = head_rows(dy, row, h->head, head_dim);
    scores.a_stride = dy->row_stride;
    scores.b = b->values;
    scores.c = b->ds;
    FAST(gemm_run)(&scores, b->scratch);
    for (size_t i = 0; i < block->n_rows; i++) {
        const float *lse = (const float *)log_sum_exp->data + (row + i) * log_sum_exp->row_stride;
        float *p = b->p + i * ATTENTION_KEYS, *ds = b->ds + i * ATTENTION_KEYS;
        score_gradients(h, block->i0 + i, block->j0, block->n_keys, lse[h->head],
                        dy_y[block->i0 + i], p, ds);
        if (h->as->relative_bucket)
            add_bias_gradients(args, h, block->i0 + i, block->j0, block->n_keys, ds);
    }
}

// What p and ds of a block add to dq, dk and dv.
static void block_products(const OpArgs *args, const AttentionHead *h, const Block *block,
                           const Buffers *b)
{
    const Tensor *dy = &args->in[0], *q = &args->in[1];
    const Tensor *dq = &args->out[0], *dk = &args->out[1], *dv = &args->out[2];
    const size_t head_dim = h->as->head_dim;
    const size_t row = h->q_begin + block->i0, key = h->k_begin + block->j0;
    const GemmProblem to_dq = {.m = block->n_rows,
                               .n = head_dim,
                               .k = block->n_keys,
                               .a = b->ds,
                               .a_stride = ATTENTION_KEYS,
                               .b = b->key_rows,
                               .b_stride = VEC_WIDTH * block->n_keys,
                               .b_side = GEMM_PANELS,
                               .c = head_rows(dq, row, h->head, head_dim),
                               .c_row = dq->row_stride,
                               .c_panel = VEC_WIDTH,
                               .accumulate = !block->begins_queries};
    FAST(gemm_run)(&to_dq, b->scratch);
    GemmProblem to_key = key_product(h, block->n_keys, block->n_rows);
    to_key.accumulate = !block->begins_keys;
    to_key.a = b->ds;
    to_key.b = head_rows(q, row, h->head, head_dim);
    to_key.b_stride = q->row_stride;
    to_key.c = head_rows(dk, key, h->kv_head, head_dim);
    to_key.c_row = dk->row_stride;
    FAST(gemm_run)(&to_key, b->scratch);
    to_key.a = b->p;
    to_key.b = head_rows(dy, row, h->head, head_dim);
    to_key.b_stride = dy->row_stride;
    to_key.c = head_rows(dv, key, h->kv_head, head_dim);
    to_key.c_row = dv->row_stride;
    FAST(gemm_run)(&to_key, b->scratch);
}

static void clear_rows(const Tensor *tensor, size_t begin, size_t n, size_t head, size_t head_dim)
{
    for (size_t i = begin; i < begin + n; i++) {
        memset(head_rows(tensor, i, head, head_dim), 0, head_dim * sizeof(float));
    }
}

// All query heads of one key head.
static void backward_group(const OpArgs *args, size_t sequence, size_t kv_head, Buffers *b)
{
    const AttentionArgs *as = &args->as.attention;
    const size_t group = as->n_heads / as->n_kv_heads;
    AttentionHead h = attention_head(as, &args->in[6], sequence, kv_head * group);
    if (h.n_queries == 0) {
        clear_rows(&args->out[1], h.k_begin, h.n_keys, kv_head, as->head_dim);
        clear_rows(&args->out[2], h.k_begin, h.n_keys, kv_head, as->head_dim);
    }
    int64_t first_distance = 0;
    const size_t n_distances = attention_count_distances(&h, &first_distance);
    if (n_distances > 0 && n_distances <= b->most_distances)
        attention_list_distances(&h, first_distance, n_distances, b->biases);
    for (size_t member = 0; member < group; member++) {
        h.head = kv_head * group + member;
        sum_dy_y(args, &h, b->dy_y + member * h.n_queries);
        add_sink_gradient(args, &h, b->dy_y + member * h.n_queries);
        if (h.n_keys == 0) clear_rows(&args->out[0], h.q_begin, h.n_queries, h.head, as->head_dim);
    }
    for (size_t j0 = 0; j0 < h.n_keys; j0 += ATTENTION_KEYS) {
        const size_t n_keys = size_min(ATTENTION_KEYS, h.n_keys - j0);
        pack_tile(args, &h, j0, n_keys, b);
        for (size_t member = 0; member < group; member++) {
            h.head = kv_head * group + member;
            for (size_t i0 = 0; i0 < h.n_queries; i0 += ATTENTION_QUERIES) {
                const size_t n_rows = size_min(ATTENTION_QUERIES, h.n_queries - i0);
                const AttentionReach tiles = attention_tiles(&h, i0, n_rows);
                const int is_first = member == 0 && i0 == 0; // begins dk and dv of every tile
                if (!is_first && (j0 < tiles.first || j0 >= tiles.end)) continue;
                const Block block = {.i0 = i0,
                                     .n_rows = n_rows,
                                     .j0 = j0,
                                     .n_keys = n_keys,
                                     .begins_queries = j0 == (is_first ? 0 : tiles.first),
                                     .begins_keys = is_first};
                block_scores(args, &h, &block, b, b->dy_y + member * h.n_queries);
                block_products(args, &h, &block, b);
            }
        }
    }
}

Status FAST(attention_backward)(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    if (as->soft_cap > 0.0f) {
        return attention_backward_reference_f32(args, exec, err);
    }
    const size_t mark = exec_scratch_mark(exec);
    Buffers buffers = {0};
    TRY(take_buffers(as, exec, &buffers, err));
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        for (size_t head = 0; head < as->n_kv_heads; head++)
            backward_group(args, s, head, &buffers);
    }
    exec_scratch_release(exec, mark);
    return STATUS_OK;
}
