// Attention, plain and correct: one warp for one query row of one head, keys in chunks of 32 from the sequence's first.
// A lane scores its key of the chunk; then the lanes share the head's columns and add p v key by key, with the running
// maximum and sum of Milakov & Gimelshein 2018, arXiv:1805.02867. No key or query of another sequence is read.
#include <cuda_fp16.h>

#include "kernels/cuda/cuda_internal.h"

extern "C" {
#include "kernels/cuda/cuda_rows.h"
#include "kernels/dropout.h"
}

enum { LANES = WARP, WARPS_A_BLOCK = 4, MAX_COLUMNS_A_LANE = 8 };

typedef struct AttentionTensors {
    const float *q, *k, *v, *bias, *sinks;
    size_t q_stride, k_stride, v_stride, bias_stride;
    float *y, *log_sum_exp;
    size_t y_stride, log_sum_exp_stride;
    size_t n_queries; // rows in all
} AttentionTensors;

// DropoutStream (kernels/dropout.h), worked out on the host. threshold 0 keeps everything.
typedef struct DropoutOnGpu {
    unsigned key[2];
    unsigned long long threshold;
    float scale;
} DropoutOnGpu;

// The sequence that holds this query row: the last whose first row is not behind it.
__device__ static size_t sequence_of(const Ragged *batch, size_t row)
{
    size_t low = 0, high = batch->n_sequences;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if ((size_t)batch->offsets[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

__device__ static long long position_of(const Ragged *batch, size_t begin, size_t row)
{
    return batch->positions ? batch->positions[begin + row] : (long long)row;
}

__device__ static bool is_visible(const AttentionArgs *as, long long q, long long k)
{
    if (as->is_causal && k > q) return false;
    const long long distance = q > k ? q - k : k - q;
    return as->window == 0 || (unsigned long long)distance < as->window;
}

// One query row of one head, and where its keys are.
typedef struct Query {
    size_t sequence, head, kv_head;
    size_t row; // in its sequence
    size_t k_begin, n_keys;
    long long position;
    const float *q;
} Query;

// The columns of a key or value, `step` apart, of a dtype that pages may have for their own.
typedef struct Numbers {
    const void *first;
    size_t step;
    DType dtype;
} Numbers;

__device__ static float number(Numbers row, size_t i)
{
    const size_t at = i * row.step;
    if (row.dtype == DTYPE_F32) return ((const float *)row.first)[at];
    const unsigned short bits = ((const unsigned short *)row.first)[at];
    if (row.dtype == DTYPE_BF16) return __uint_as_float((unsigned)bits << 16);
    return __half2float(__ushort_as_half(bits));
}

__device__ static const float *cached_row(const AttentionArgs *as, const Query *query,
                                          const float *data, size_t stride,
                                          const float *const *pages, size_t j)
{
    const size_t column = query->kv_head * as->head_dim;
    if (!pages) return data + (query->k_begin + j) * stride + column;
    const float *page = pages[query->sequence * as->max_pages + j / as->page_rows];
    return page + (j % as->page_rows) * as->n_kv_heads * as->head_dim + column;
}

// From number `at` on of the page of 16 rows that holds row j.
__device__ static Numbers in_page(const AttentionArgs *as, const Query *query,
                                  const float *const *pages, size_t j, size_t at, size_t step)
{
    const char *page = (const char *)pages[query->sequence * as->max_pages + j / PANEL_WIDTH];
    const size_t size = as->pages_dtype == DTYPE_F32 ? sizeof(float) : sizeof(unsigned short);
    return {page + at * size, step, as->pages_dtype};
}

__device__ static Numbers key_of(const AttentionArgs *as, const AttentionTensors *t,
                                 const Query *query, size_t j)
{
    const size_t head = as->first_kv_head + query->kv_head;
    if (as->pages_by_head)
        return in_page(as, query, as->key_pages, j,
                       head * as->head_dim * PANEL_WIDTH + j % PANEL_WIDTH, PANEL_WIDTH);
    const float *row = cached_row(as, query, t->k, t->k_stride, as->key_pages, j);
    if (!as->keys_by_column) return {row, 1, DTYPE_F32};
    return {row - query->kv_head * (as->head_dim - 1), as->n_kv_heads, DTYPE_F32};
}

__device__ static Numbers value_of(const AttentionArgs *as, const AttentionTensors *t,
                                   const Query *query, size_t j)
{
    const size_t head = as->first_kv_head + query->kv_head;
    if (as->pages_by_head)
        return in_page(as, query, as->value_pages, j,
                       (head * PANEL_WIDTH + j % PANEL_WIDTH) * as->head_dim, 1);
    return {cached_row(as, query, t->v, t->v_stride, as->value_pages, j), 1, DTYPE_F32};
}

// -infinity where the query does not see key j.
__device__ static float score(const AttentionArgs *as, const AttentionTensors *t,
                              const Query *query, size_t j)
{
    if (j >= query->n_keys) return -INFINITY;
    const long long position = position_of(&as->keys, query->k_begin, j);
    if (!is_visible(as, query->position, position)) return -INFINITY;
    const Numbers k = key_of(as, t, query, j);
    float dot = 0.0f;
    for (size_t d = 0; d < as->head_dim; d++) dot = fmaf(query->q[d], number(k, d), dot);
    float value = as->scale * dot;
    if (as->soft_cap > 0.0f) value = as->soft_cap * tanhf(value / as->soft_cap);
    if (as->relative_bucket) {
        const long long reach = as->relative_reach;
        long long distance = position - query->position;
        distance = distance < -reach ? -reach : distance > reach ? reach : distance;
        value += t->bias[query->head * t->bias_stride + as->relative_bucket[distance + reach]];
    }
    return value;
}

// Philox4x32-10 as in base/philox.h, and the word of kernels/dropout.h that decides about one probability.
__device__ static unsigned dropout_bits(const DropoutOnGpu *dropout, unsigned long long key,
                                        unsigned row, unsigned column)
{
    unsigned c[4] = {16 * (column / 64) + column % 16, row, (unsigned)key, (unsigned)(key >> 32)};
    unsigned k0 = dropout->key[0], k1 = dropout->key[1];
    for (int round = 0; round < 10; round++) {
        const unsigned high0 = __umulhi(0xD2511F53u, c[0]), low0 = 0xD2511F53u * c[0];
        const unsigned high1 = __umulhi(0xCD9E8D57u, c[2]), low1 = 0xCD9E8D57u * c[2];
        const unsigned next0 = high1 ^ c[1] ^ k0, next2 = high0 ^ c[3] ^ k1;
        c[0] = next0;
        c[1] = low1;
        c[2] = next2;
        c[3] = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c[column / 16 % 4];
}

// keep / (1 - p) of the query's probability for key j.
__device__ static float kept(const AttentionArgs *as, const DropoutOnGpu *dropout,
                             const Query *query, size_t j)
{
    if (dropout->threshold == 0) return 1.0f;
    const unsigned row = (unsigned)(query->row * as->n_heads + query->head);
    const unsigned long long key = as->queries.sequence_keys[query->sequence];
    return dropout_bits(dropout, key, row, (unsigned)j) >= dropout->threshold ? dropout->scale
                                                                              : 0.0f;
}

// acc += p[key] * v[key] for the chunk's keys; lane l has p of key first + l, and columns l, l + 32, ...
__device__ static void add_values(const AttentionArgs *as, const AttentionTensors *t,
                                  const Query *query, size_t first, float p, float *acc)
{
    for (int key = 0; key < LANES; key++) {
        const float weight = __shfl_sync(0xffffffffu, p, key);
        if (weight == 0.0f) continue; // unseen or beyond the end: its v is not ours to read
        const Numbers v = value_of(as, t, query, first + key);
#pragma unroll
        for (int c = 0; c < MAX_COLUMNS_A_LANE; c++) {
            const size_t d = (size_t)c * LANES + threadIdx.x;
            if (d < as->head_dim) acc[c] = fmaf(weight, number(v, d), acc[c]);
        }
    }
}

__global__ static void attention_kernel(AttentionArgs as, AttentionTensors t, DropoutOnGpu dropout)
{
    const size_t task = (size_t)blockIdx.x * WARPS_A_BLOCK + threadIdx.y;
    const size_t row = task / as.n_heads;
    if (row >= t.n_queries) return; // the whole warp
    Query query;
    query.sequence = sequence_of(&as.queries, row);
    query.head = task % as.n_heads;
    query.kv_head = query.head / (as.n_heads / as.n_kv_heads);
    query.k_begin = (size_t)as.keys.offsets[query.sequence];
    query.n_keys = (size_t)as.keys.offsets[query.sequence + 1] - query.k_begin;
    const size_t q_begin = (size_t)as.queries.offsets[query.sequence];
    query.row = row - q_begin;
    query.position = position_of(&as.queries, q_begin, query.row);
    query.q = t.q + row * t.q_stride + query.head * as.head_dim;

    // A sink is a score of a value of zeros, met before all others.
    float max = t.sinks ? t.sinks[query.head] : -INFINITY, acc[MAX_COLUMNS_A_LANE] = {0.0f};
    float sum = max == -INFINITY ? 0.0f : max != max ? max : 1.0f;
    for (size_t first = 0; first < query.n_keys; first += LANES) {
        const float s = score(&as, &t, &query, first + threadIdx.x);
        const float new_max = fmaxf(max, warp_max(s));
        if (new_max == -INFINITY && !__any_sync(0xffffffffu, s != s)) continue; // sees none here
        const float shrink = max == -INFINITY ? 0.0f : expf(max - new_max);
        const float p = s == -INFINITY ? 0.0f : expf(s - new_max);
        sum = sum * shrink + warp_sum(p);
        for (int c = 0; c < MAX_COLUMNS_A_LANE; c++) acc[c] *= shrink;
        const float with_dropout = p * kept(&as, &dropout, &query, first + threadIdx.x);
        add_values(&as, &t, &query, first, with_dropout, acc);
        max = new_max;
    }
    float *y = t.y + row * t.y_stride + query.head * as.head_dim;
#pragma unroll
    for (int c = 0; c < MAX_COLUMNS_A_LANE; c++) {
        const size_t d = (size_t)c * LANES + threadIdx.x;
        if (d < as.head_dim) y[d] = sum == 0.0f ? 0.0f : acc[c] / sum;
    }
    if (t.log_sum_exp && threadIdx.x == 0) {
        t.log_sum_exp[row * t.log_sum_exp_stride + query.head] =
            sum == 0.0f ? -INFINITY : max + logf(sum);
    }
}

extern "C" Status attention_cuda(const OpArgs *args, Exec *exec, Error *err)
{
    const AttentionArgs *as = &args->as.attention;
    const Tensor *q = &args->in[0], *k = &args->in[1], *v = &args->in[2], *bias = &args->in[3];
    const Tensor *y = &args->out[0], *log_sum_exp = &args->out[1];
    const size_t n_tasks = y->rows * as->n_heads;
    if (n_tasks == 0) return STATUS_OK;
    if (as->head_dim > LANES * MAX_COLUMNS_A_LANE) {
        return error_set(err, STATUS_DEVICE, "attention on a GPU takes heads of up to %d, not %zu",
                         LANES * MAX_COLUMNS_A_LANE, as->head_dim);
    }
    if (n_tasks / WARPS_A_BLOCK >= INT32_MAX) {
        return error_set(err, STATUS_INVALID, "attention: %zu rows are too many", y->rows);
    }
    const AttentionTensors tensors = {
        (const float *)q->data,
        (const float *)k->data,
        (const float *)v->data,
        (const float *)bias->data,
        (const float *)args->in[4].data,
        q->row_stride,
        k->row_stride,
        v->row_stride,
        bias->row_stride,
        (float *)y->data,
        (float *)log_sum_exp->data,
        y->row_stride,
        log_sum_exp->row_stride,
        y->rows,
    };
    const DropoutStream stream = dropout_stream(&as->dropout);
    const DropoutOnGpu dropout = {
        {stream.key[0], stream.key[1]}, as->dropout.p > 0.0f ? stream.threshold : 0, stream.scale};
    const unsigned n_blocks = (unsigned)((n_tasks + WARPS_A_BLOCK - 1) / WARPS_A_BLOCK);
    const dim3 threads(LANES, WARPS_A_BLOCK);
    attention_kernel<<<n_blocks, threads, 0, cuda_begin(exec)->stream>>>(*as, tensors, dropout);
    CUDA_TRY(cudaGetLastError(), err);
    return STATUS_OK;
}
