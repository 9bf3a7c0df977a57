#include <math.h>

#include "kernels/bench_build.h"
#include "kernels/bench_take.h"

// rows tokens, cols of a sequence, depth columns of a head; 384 or 768 columns in all.
static Status attention_inputs(const BenchCase *c, Arena *arena, Tensor *q, AttentionArgs *as,
                               Error *err)
{
    const size_t hidden = c->depth == 32 ? 384 : 768;
    Tensor qkv;
    TRY(bench_take_random(arena, c->rows, 3 * hidden, 1, &qkv, err));
    for (size_t i = 0; i < 3; i++) q[i] = tensor_columns(qkv, i * hidden, (i + 1) * hidden);
    *as = (AttentionArgs){.n_heads = hidden / c->depth,
                          .n_kv_heads = hidden / c->depth,
                          .head_dim = c->depth,
                          .scale = 1.0f / sqrtf((float)c->depth),
                          .is_causal = c->option};
    TRY(bench_take_ragged(arena, c->rows, c->cols, &as->queries, err));
    as->keys = as->queries;
    return STATUS_OK;
}

Status bench_build_attention(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(attention_inputs(c, arena, a->in, &a->as.attention, err));
    TRY(bench_take_zeros(arena, c->rows, a->in[0].cols, LAYOUT_ROWS, &a->out[0], err));
    p->n_flops = 4.0 * (double)c->rows * (double)c->cols * (double)a->in[0].cols;
    if (c->option) p->n_flops *= 0.5;
    p->sum_length = c->cols + c->depth;
    if (c->op == OP_ATTENTION_BF16) p->step = 0x1p-8; // weights of v, which may be rounded
    return STATUS_OK;
}

// Pages of PANEL_WIDTH keys, or values, of one sequence; those of 16 bits are random bits of numbers below 1.
static Status take_pages(Arena *arena, size_t n_keys, size_t cols, uint64_t seed, DType dtype,
                         const float *const **out, Error *err)
{
    const size_t n = n_keys / PANEL_WIDTH, size = dtype == DTYPE_F32 ? 1 : 2;
    const float **pages = NULL;
    Tensor numbers;
    TRY(arena_take(arena, n, sizeof *pages, "a bench case", &pages, err));
    TRY(bench_take_random(arena, n_keys / size, cols, seed, &numbers, err));
    uint16_t *halves = numbers.data;
    for (size_t i = 0; size > 1 && i < n_keys * cols; i++)
        halves[i] = dtype == DTYPE_F16 ? halves[i] & 0xbbff : halves[i] & 0xbf7f;
    for (size_t i = 0; i < n; i++)
        pages[i] = (const float *)numbers.data + i * PANEL_WIDTH * cols / size;
    *out = pages;
    return STATUS_OK;
}

// rows queries of one sequence, cols keys in pages, depth columns of a head; 768 columns in all. option: what pages hold.
Status bench_build_attention_cached(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    enum { HIDDEN = 768 };
    OpArgs *a = &p->args;
    AttentionArgs *as = &a->as.attention;
    const DType dtype = (DType)c->option;
    *as = (AttentionArgs){.n_heads = HIDDEN / c->depth,
                          .n_kv_heads = HIDDEN / c->depth,
                          .head_dim = c->depth,
                          .scale = 1.0f / sqrtf((float)c->depth),
                          .page_rows = PANEL_WIDTH,
                          .max_pages = c->cols / PANEL_WIDTH,
                          .pages_by_head = 1,
                          .pages_dtype = dtype};
    TRY(bench_take_random(arena, c->rows, HIDDEN, 1, &a->in[0], err));
    TRY(take_pages(arena, c->cols, HIDDEN, 2, dtype, &as->key_pages, err));
    TRY(take_pages(arena, c->cols, HIDDEN, 3, dtype, &as->value_pages, err));
    TRY(bench_take_ragged(arena, c->rows, c->rows, &as->queries, err));
    TRY(bench_take_ragged(arena, c->cols, c->cols, &as->keys, err));
    TRY(bench_take_zeros(arena, c->rows, HIDDEN, LAYOUT_ROWS, &a->out[0], err));
    p->n_flops = 4.0 * (double)c->rows * (double)c->cols * HIDDEN;
    p->n_bytes = 2.0 * (double)c->cols * HIDDEN * (double)dtype_size(dtype);
    p->sum_length = c->cols + c->depth;
    return STATUS_OK;
}

Status bench_build_attention_backward(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args, forward = {0};
    TRY(attention_inputs(c, arena, forward.in, &forward.as.attention, err));
    const size_t hidden = forward.in[0].cols;
    TRY(bench_take_zeros(arena, c->rows, hidden, LAYOUT_ROWS, &forward.out[0], err));
    TRY(bench_take_zeros(arena, c->rows, forward.as.attention.n_heads, LAYOUT_ROWS, &forward.out[1],
                         err));
    TRY(op_find(OP_ATTENTION, DTYPE_F32, "reference")->run(&forward, p->exec, err));
    TRY(bench_take_random(arena, c->rows, hidden, 2, &a->in[0], err));
    for (int i = 0; i < 3; i++) {
        a->in[1 + i] = forward.in[i];
        TRY(bench_take_zeros(arena, c->rows, hidden, LAYOUT_ROWS, &a->out[i], err));
    }
    a->in[4] = forward.out[0];
    a->in[5] = forward.out[1];
    a->as.attention = forward.as.attention;
    p->n_flops = 10.0 * (double)c->rows * (double)c->cols * (double)hidden; // five products
    p->sum_length = c->cols + c->depth;
    return STATUS_OK;
}

// The same with positions of all distances, both ways of scores, in 512 buckets at most.
static Status disentangled_inputs(const BenchCase *c, Arena *arena, Tensor *in, AttentionArgs *as,
                                  Error *err)
{
    const size_t reach = c->cols - 1, n_distances = 2 * reach + 1;
    const size_t n_rows = n_distances < 512 ? n_distances : 512;
    int32_t *bucket = NULL;
    TRY(attention_inputs(c, arena, in, as, err));
    TRY(arena_take(arena, n_distances, sizeof *bucket, "buckets", &bucket, err));
    for (size_t i = 0; i < n_distances; i++)
        bucket[i] = (int32_t)((n_distances - 1 - i) * n_rows / n_distances);
    as->relative_bucket = bucket;
    as->relative_reach = (int32_t)reach;
    TRY(bench_take_random(arena, n_rows, in[0].cols, 3, &in[3], err));
    return bench_take_random(arena, n_rows, in[0].cols, 4, &in[4], err);
}

Status bench_build_disentangled(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(disentangled_inputs(c, arena, a->in, &a->as.attention, err));
    TRY(bench_take_zeros(arena, c->rows, a->in[0].cols, LAYOUT_ROWS, &a->out[0], err));
    p->n_flops = (double)c->rows * (double)a->in[0].cols *
                 (4.0 * (double)c->cols + 4.0 * (double)a->in[3].rows);
    p->sum_length = c->cols + c->depth;
    return STATUS_OK;
}

Status bench_build_disentangled_backward(const BenchCase *c, Arena *arena, BenchProblem *p,
                                         Error *err)
{
    OpArgs *a = &p->args, forward = {0};
    TRY(disentangled_inputs(c, arena, forward.in, &forward.as.attention, err));
    const size_t hidden = forward.in[0].cols, n_rows = forward.in[3].rows;
    TRY(bench_take_zeros(arena, c->rows, hidden, LAYOUT_ROWS, &forward.out[0], err));
    TRY(bench_take_zeros(arena, c->rows, forward.as.attention.n_heads, LAYOUT_ROWS, &forward.out[1],
                         err));
    TRY(op_find(OP_DISENTANGLED, DTYPE_F32, "reference")->run(&forward, p->exec, err));
    TRY(bench_take_random(arena, c->rows, hidden, 2, &a->in[0], err));
    for (int i = 0; i < 5; i++) {
        a->in[i < 3 ? 1 + i : 3 + i] = forward.in[i];
        TRY(bench_take_zeros(arena, i < 3 ? c->rows : n_rows, hidden, LAYOUT_ROWS, &a->out[i],
                             err));
    }
    a->in[4] = forward.out[0];
    a->in[5] = forward.out[1];
    a->as.attention = forward.as.attention;
    p->n_flops = (double)c->rows * (double)hidden *
                 (10.0 * (double)c->cols + 12.0 * (double)n_rows); // five products, and six
    p->sum_length = c->cols + c->depth + c->rows;
    return STATUS_OK;
}
