#include "kernels/bench_build.h"

#include <math.h>

#include "base/philox.h"
#include "base/size.h"
#include "kernels/pack.h"
#include "kernels/quant.h"
#include "kernels/softmax.h"

// A matrix of numbers in +- 1, row-major.
static Status take_random(Arena *arena, size_t rows, size_t cols, uint64_t seed, Tensor *out,
                          Error *err)
{
    size_t count;
    float *values = NULL;
    if (size_mul(rows, cols, &count)) {
        values = arena_alloc_aligned(arena, count, sizeof *values, 64);
    }
    if (!values) return error_set_memory(err, rows, cols * sizeof *values, "a bench case");
    Philox rng = philox_stream(seed, 0);
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)((double)philox_u32(&rng) * 0x1p-31 - 1.0);
    }
    *out = tensor_f32(values, rows, cols);
    return STATUS_OK;
}

// A weight as layers have them: its products with numbers in +- 1 are of size 1. Larger ones would drive activations into
// their flat ends.
static Status take_weight(Arena *arena, size_t rows, size_t cols, uint64_t seed, Tensor *out,
                          Error *err)
{
    TRY(take_random(arena, rows, cols, seed, out, err));
    const float scale = 3.0f / sqrtf((float)cols);
    for (size_t i = 0; i < rows * cols; i++) ((float *)out->data)[i] *= scale;
    return STATUS_OK;
}

static Status take_zeros(Arena *arena, size_t rows, size_t cols, Layout layout, Tensor *out,
                         Error *err)
{
    const size_t count = tensor_storage(rows, cols, layout);
    float *values = arena_alloc_aligned(arena, count, sizeof *values, 64);
    if (!values) return error_set_memory(err, count, sizeof *values, "a bench case");
    *out = tensor_f32(values, rows, cols);
    out->layout = layout;
    return STATUS_OK;
}

static Status take_indices(Arena *arena, size_t n, size_t bound, const int32_t **out, Error *err)
{
    int32_t *values = arena_alloc(arena, n, sizeof *values);
    if (!values) return error_set_memory(err, n, sizeof *values, "a bench case");
    Philox rng = philox_stream(bound, 1);
    for (size_t i = 0; i < n; i++) values[i] = (int32_t)philox_below(&rng, bound);
    *out = values;
    return STATUS_OK;
}

// rows tokens in sequences of `length`.
static Status take_ragged(Arena *arena, size_t rows, size_t length, Ragged *out, Error *err)
{
    const size_t n = rows / length;
    int32_t *offsets = arena_alloc(arena, n + 1, sizeof *offsets);
    uint64_t *keys = arena_alloc(arena, n + 1, sizeof *keys);
    if (!offsets || !keys) return error_set_memory(err, n + 1, sizeof *keys, "a bench case");
    for (size_t i = 0; i <= n; i++) {
        offsets[i] = (int32_t)(i * length);
        keys[i] = 1000 + i;
    }
    *out = (Ragged){.n_sequences = n, .offsets = offsets, .sequence_keys = keys};
    return STATUS_OK;
}

static Status packed(Arena *arena, const Tensor *rows, Tensor *out, Error *err)
{
    TRY(take_zeros(arena, rows->rows, rows->cols, LAYOUT_PANELS, out, err));
    pack_panels(rows->data, rows->rows, rows->cols, out->data);
    return STATUS_OK;
}

Status bench_build_linear(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    Tensor weight;
    TRY(take_random(arena, c->rows, c->depth, 1, &a->in[0], err));
    TRY(take_weight(arena, c->cols, c->depth, 2, &weight, err));
    TRY(packed(arena, &weight, &a->in[1], err));
    TRY(take_random(arena, 1, c->cols, 3, &a->in[2], err));
    TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    a->as.linear.activation = (Activation)c->option;
    p->rows_args = *a;
    p->rows_args.in[1] = weight;
    p->n_flops = 2.0 * (double)c->rows * (double)c->cols * (double)c->depth;
    p->sum_length = c->depth;
    return STATUS_OK;
}

// A weight of bench_build_linear as a file of that format stores it.
static Status take_stored(Arena *arena, DType format, size_t n_out, size_t n_in, Tensor *out,
                          Error *err)
{
    const size_t panel = pack_stored_panel_bytes(format, n_in),
                 row = n_in / dtype_block(format) * dtype_size(format);
    Tensor weight = {0};
    char *encoded = NULL, *panels = NULL;
    TRY(take_weight(arena, n_out, n_in, 2, &weight, err));
    TRY(arena_take(arena, PANEL_WIDTH * row, 1, "a case", &encoded, err));
    TRY(arena_take(arena, pack_stored_bytes(format, n_out, n_in) + 63, 1, "a case", &panels, err));
    panels += (64 - (uintptr_t)panels % 64) % 64;
    for (size_t first = 0; first < n_out; first += PANEL_WIDTH) {
        const void *rows[PANEL_WIDTH] = {NULL};
        for (size_t i = 0; i < size_min(PANEL_WIDTH, n_out - first); i++) {
            quant_encode(format, n_in, (const float *)weight.data + (first + i) * n_in,
                         encoded + i * row);
            rows[i] = encoded + i * row;
        }
        pack_stored_panel(format, rows, n_in, panels + first / PANEL_WIDTH * panel);
    }
    *out = (Tensor){.data = panels,
                    .rows = n_out,
                    .cols = n_in,
                    .row_stride = n_in,
                    .dtype = format,
                    .layout = LAYOUT_PANELS};
    return STATUS_OK;
}

// The same with weights in the format that the case names.
Status bench_build_linear_low(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    const DType format = (DType)c->option;
    TRY(bench_build_linear(c, arena, p, err));
    p->args.as.linear.activation = ACTIVATION_NONE;
    TRY(take_stored(arena, format, c->cols, c->depth, &p->args.in[1], err));
    p->rows_args = p->args;
    p->n_bytes = (double)pack_stored_bytes(format, c->cols, c->depth) +
                 4.0 * (double)(c->rows * (c->depth + c->cols));
    return STATUS_OK;
}

// cols: between the layers.
Status bench_build_feed_forward(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const DType format = DTYPE_Q8_ROW;
    TRY(take_random(arena, c->rows, c->depth, 1, &a->in[0], err));
    TRY(take_stored(arena, format, c->cols, c->depth, &a->in[1], err));
    TRY(take_random(arena, 1, c->cols, 3, &a->in[2], err));
    TRY(take_stored(arena, format, c->depth, c->cols, &a->in[3], err));
    TRY(take_random(arena, 1, c->depth, 4, &a->in[4], err));
    TRY(take_zeros(arena, c->rows, c->depth, LAYOUT_ROWS, &a->out[0], err));
    a->as.linear.activation = (Activation)c->option;
    p->n_flops = 4.0 * (double)c->rows * (double)c->cols * (double)c->depth;
    p->n_bytes = 2.0 * (double)pack_stored_bytes(format, c->cols, c->depth) +
                 8.0 * (double)(c->rows * c->depth);
    p->sum_length = size_max(c->cols, c->depth);
    return STATUS_OK;
}

Status bench_build_linear_backward(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    Tensor weight, gradient;
    TRY(take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(take_random(arena, c->rows, c->depth, 2, &a->in[1], err));
    TRY(take_weight(arena, c->cols, c->depth, 3, &weight, err));
    TRY(packed(arena, &weight, &a->in[2], err));
    if (c->option != ACTIVATION_NONE) {
        TRY(take_random(arena, c->rows, c->cols, 4, &a->in[3], err));
    }
    TRY(take_zeros(arena, c->rows, c->depth, LAYOUT_ROWS, &a->out[0], err));
    TRY(take_zeros(arena, c->cols, c->depth, LAYOUT_PANELS, &a->out[1], err));
    TRY(take_zeros(arena, c->cols, c->depth, LAYOUT_ROWS, &gradient, err));
    TRY(take_zeros(arena, 1, c->cols, LAYOUT_ROWS, &a->out[2], err));
    a->as.linear.activation = (Activation)c->option;
    p->rows_args = *a;
    p->rows_args.in[2] = weight;
    p->rows_args.out[1] = gradient;
    p->n_flops = 4.0 * (double)c->rows * (double)c->cols * (double)c->depth;
    p->sum_length = size_max(c->rows, size_max(c->cols, c->depth));
    return STATUS_OK;
}

// option: 0 nn, 1 nt, 2 tn.
Status bench_build_gemm(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const int transpose_a = c->option == 2, transpose_b = c->option == 1;
    a->as.gemm = (GemmArgs){.transpose_a = transpose_a, .transpose_b = transpose_b};
    TRY(take_random(arena, transpose_a ? c->depth : c->rows, transpose_a ? c->rows : c->depth, 1,
                    &a->in[0], err));
    TRY(take_random(arena, transpose_b ? c->cols : c->depth, transpose_b ? c->depth : c->cols, 2,
                    &a->in[1], err));
    TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    p->n_flops = 2.0 * (double)c->rows * (double)c->cols * (double)c->depth;
    p->sum_length = c->depth;
    return STATUS_OK;
}

// rows tokens, cols of a sequence, depth columns of a head; 384 or 768 columns in all.
static Status attention_inputs(const BenchCase *c, Arena *arena, Tensor *q, AttentionArgs *as,
                               Error *err)
{
    const size_t hidden = c->depth == 32 ? 384 : 768;
    Tensor qkv;
    TRY(take_random(arena, c->rows, 3 * hidden, 1, &qkv, err));
    for (size_t i = 0; i < 3; i++) q[i] = tensor_columns(qkv, i * hidden, (i + 1) * hidden);
    *as = (AttentionArgs){.n_heads = hidden / c->depth,
                          .n_kv_heads = hidden / c->depth,
                          .head_dim = c->depth,
                          .scale = 1.0f / sqrtf((float)c->depth),
                          .is_causal = c->option};
    TRY(take_ragged(arena, c->rows, c->cols, &as->queries, err));
    as->keys = as->queries;
    return STATUS_OK;
}

Status bench_build_attention(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(attention_inputs(c, arena, a->in, &a->as.attention, err));
    TRY(take_zeros(arena, c->rows, a->in[0].cols, LAYOUT_ROWS, &a->out[0], err));
    p->n_flops = 4.0 * (double)c->rows * (double)c->cols * (double)a->in[0].cols;
    if (c->option) p->n_flops *= 0.5;
    p->sum_length = c->cols + c->depth;
    return STATUS_OK;
}

Status bench_build_attention_backward(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args, forward = {0};
    TRY(attention_inputs(c, arena, forward.in, &forward.as.attention, err));
    const size_t hidden = forward.in[0].cols;
    TRY(take_zeros(arena, c->rows, hidden, LAYOUT_ROWS, &forward.out[0], err));
    TRY(take_zeros(arena, c->rows, forward.as.attention.n_heads, LAYOUT_ROWS, &forward.out[1],
                   err));
    TRY(op_find(OP_ATTENTION, DTYPE_F32, "reference")->run(&forward, p->exec, err));
    TRY(take_random(arena, c->rows, hidden, 2, &a->in[0], err));
    for (int i = 0; i < 3; i++) {
        a->in[1 + i] = forward.in[i];
        TRY(take_zeros(arena, c->rows, hidden, LAYOUT_ROWS, &a->out[i], err));
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
    TRY(take_random(arena, n_rows, in[0].cols, 3, &in[3], err));
    return take_random(arena, n_rows, in[0].cols, 4, &in[4], err);
}

Status bench_build_disentangled(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(disentangled_inputs(c, arena, a->in, &a->as.attention, err));
    TRY(take_zeros(arena, c->rows, a->in[0].cols, LAYOUT_ROWS, &a->out[0], err));
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
    TRY(take_zeros(arena, c->rows, hidden, LAYOUT_ROWS, &forward.out[0], err));
    TRY(take_zeros(arena, c->rows, forward.as.attention.n_heads, LAYOUT_ROWS, &forward.out[1],
                   err));
    TRY(op_find(OP_DISENTANGLED, DTYPE_F32, "reference")->run(&forward, p->exec, err));
    TRY(take_random(arena, c->rows, hidden, 2, &a->in[0], err));
    for (int i = 0; i < 5; i++) {
        a->in[i < 3 ? 1 + i : 3 + i] = forward.in[i];
        TRY(take_zeros(arena, i < 3 ? c->rows : n_rows, hidden, LAYOUT_ROWS, &a->out[i], err));
    }
    a->in[4] = forward.out[0];
    a->in[5] = forward.out[1];
    a->as.attention = forward.as.attention;
    p->n_flops = (double)c->rows * (double)hidden *
                 (10.0 * (double)c->cols + 12.0 * (double)n_rows); // five products, and six
    p->sum_length = c->cols + c->depth + c->rows;
    return STATUS_OK;
}

Status bench_build_layer_norm(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(take_random(arena, c->rows, c->cols, 2, &a->in[1], err));
    TRY(take_random(arena, 1, c->cols, 3, &a->in[2], err));
    TRY(take_random(arena, 1, c->cols, 4, &a->in[3], err));
    TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    a->as.norm.epsilon = 1e-12f;
    p->sum_length = c->cols;
    return STATUS_OK;
}

Status bench_build_layer_norm_backward(const BenchCase *c, Arena *arena, BenchProblem *p,
                                       Error *err)
{
    OpArgs *a = &p->args;
    TRY(take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(take_random(arena, c->rows, c->cols, 2, &a->in[1], err));
    TRY(take_zeros(arena, c->rows, 2, LAYOUT_ROWS, &a->in[2], err));
    for (size_t i = 0; i < c->rows; i++) ((float *)a->in[2].data)[2 * i + 1] = 1.7f; // rstd
    TRY(take_random(arena, 1, c->cols, 3, &a->in[3], err));
    TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    TRY(take_zeros(arena, 1, c->cols, LAYOUT_ROWS, &a->out[1], err));
    TRY(take_zeros(arena, 1, c->cols, LAYOUT_ROWS, &a->out[2], err));
    p->sum_length = size_max(c->rows, c->cols);
    return STATUS_OK;
}

// depth: columns of a group.
Status bench_build_rms_norm(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const bool is_backward = c->op == OP_RMS_NORM_BACKWARD;
    Tensor *x = &a->in[is_backward ? 1 : 0], *weight = &a->in[is_backward ? 3 : 1];
    TRY(take_random(arena, c->rows, c->cols, 1, x, err));
    TRY(take_random(arena, 1, c->depth, 2, weight, err));
    TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    a->as.norm.epsilon = 1e-5f;
    p->sum_length = c->depth;
    if (!is_backward) return STATUS_OK;
    TRY(take_random(arena, c->rows, c->cols, 3, &a->in[0], err));
    TRY(take_zeros(arena, c->rows, c->cols / c->depth, LAYOUT_ROWS, &a->in[2], err));
    for (size_t i = 0; i < c->rows * (c->cols / c->depth); i++) {
        ((float *)a->in[2].data)[i] = 1.7f; // rstd
    }
    p->sum_length = size_max(c->rows, c->depth);
    return take_zeros(arena, 1, c->depth, LAYOUT_ROWS, &a->out[1], err);
}

// depth: columns of a head.
Status bench_build_rope(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(take_random(arena, c->rows, c->depth, 2, &a->in[1], err));
    TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    a->as.rope.head_dim = c->depth;
    p->sum_length = 2;
    return STATUS_OK;
}

// Steps of one pass over matrices of one shape.
Status bench_build_matrices(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const size_t n_in = c->op == OP_GATED_BACKWARD ? 3 : c->op == OP_SOFT_CAP ? 1 : 2;
    const size_t n_out = c->op == OP_GATED_BACKWARD ? 2 : 1;
    for (size_t i = 0; i < n_in; i++) {
        TRY(take_random(arena, c->rows, c->cols, i, &a->in[i], err));
    }
    for (size_t i = 0; i < n_out; i++) {
        TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[i], err));
    }
    if (c->op == OP_ADD)
        a->as.add = (AddArgs){1.0f, 1.0f};
    else if (c->op == OP_SOFT_CAP || c->op == OP_SOFT_CAP_BACKWARD)
        a->as.soft_cap.cap = 30.0f;
    else
        a->as.gated.activation = (Activation)c->option;
    p->sum_length = 2;
    return STATUS_OK;
}

// depth: entries of the word table.
static Status embedding_tables(const BenchCase *c, Arena *arena, EmbeddingArgs *as, Tensor *tables,
                               Error *err)
{
    const size_t entries[] = {c->depth, 512, 2};
    const int32_t **ids[] = {&as->ids, &as->position_ids, &as->type_ids};
    for (size_t i = 0; i < 3; i++) {
        TRY(take_indices(arena, c->rows, entries[i], ids[i], err));
        TRY(take_random(arena, entries[i], c->cols, i, &tables[i], err));
    }
    return STATUS_OK;
}

Status bench_build_embedding(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(embedding_tables(c, arena, &a->as.embedding, a->in, err));
    TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    p->n_bytes = 4.0 * 4.0 * (double)c->rows * (double)c->cols;
    p->sum_length = 3;
    return STATUS_OK;
}

Status bench_build_embedding_backward(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(embedding_tables(c, arena, &a->as.embedding, a->out, err));
    TRY(take_random(arena, c->rows, c->cols, 9, &a->in[0], err));
    p->n_bytes = 4.0 * 7.0 * (double)c->rows * (double)c->cols;
    p->sum_length = c->rows;
    return STATUS_OK;
}

Status bench_build_dropout(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    a->as.dropout = (DropoutArgs){.p = 0.1f, .seed = 17, .step = 3, .site = 2};
    TRY(take_ragged(arena, c->rows, c->depth, &a->as.dropout.batch, err));
    TRY(take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    return STATUS_OK;
}

// depth: rows of the whole batch. Forward takes rows of it, backward gives them back.
Status bench_build_select(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const size_t from = c->op == OP_SELECT_ROWS ? c->depth : c->rows;
    const size_t to = c->op == OP_SELECT_ROWS ? c->rows : c->depth;
    TRY(take_random(arena, from, c->cols, 1, &a->in[0], err));
    TRY(take_zeros(arena, to, c->cols, LAYOUT_ROWS, &a->out[0], err));
    TRY(take_indices(arena, c->rows, c->depth, &a->as.select.rows, err));
    if (c->op == OP_SELECT_ROWS) p->n_bytes = 8.0 * (double)c->rows * (double)c->cols;
    return STATUS_OK;
}

// depth: length of a sequence.
Status bench_build_pool(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const size_t pooled = c->rows / c->depth;
    TRY(take_ragged(arena, c->rows, c->depth, &a->as.pool.batch, err));
    TRY(take_random(arena, c->op == OP_MEAN_POOL ? c->rows : pooled, c->cols, 1, &a->in[0], err));
    TRY(take_zeros(arena, c->op == OP_MEAN_POOL ? pooled : c->rows, c->cols, LAYOUT_ROWS,
                   &a->out[0], err));
    p->sum_length = c->depth;
    return STATUS_OK;
}

Status bench_build_softmax(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    if (c->op == OP_SOFTMAX) {
        TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    } else if (c->op == OP_LOG_SUM_EXP) {
        TRY(take_zeros(arena, c->rows, 2, LAYOUT_ROWS, &a->out[0], err)); // room of a double a row
        a->out[0].cols = a->out[0].row_stride = 1;
        a->out[0].dtype = DTYPE_F64;
        TRY(take_zeros(arena, c->rows, c->cols / LOG_SUM_GROUP + 1, LAYOUT_ROWS, &a->out[1], err));
    } else {
        TRY(take_zeros(arena, 1, 4, LAYOUT_ROWS, &a->out[0], err)); // room of two doubles
        a->out[0].cols = a->out[0].row_stride = 2;
        a->out[0].dtype = DTYPE_F64;
        TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[1], err));
        TRY(take_indices(arena, c->rows, c->cols, &a->as.cross_entropy.labels, err));
    }
    p->sum_length = c->cols;
    return STATUS_OK;
}

// depth: how many are chosen.
Status bench_build_route(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const bool is_forward = c->op == OP_ROUTE;
    Tensor *logits = is_forward ? &a->in[0] : &a->in[1],
           *columns = is_forward ? &a->out[1] : &a->in[2];
    a->as.route.kind = (RouteKind)c->option;
    TRY(take_random(arena, c->rows, c->cols, 1, logits, err));
    TRY(take_zeros(arena, c->rows, c->depth, LAYOUT_ROWS, columns, err));
    if (is_forward) return take_zeros(arena, c->rows, c->depth, LAYOUT_ROWS, &a->out[0], err);
    for (size_t i = 0; i < c->rows * c->depth; i++)
        ((float *)columns->data)[i] = (float)((i / c->depth + i % c->depth) % c->cols);
    TRY(take_random(arena, c->rows, c->depth, 2, &a->in[0], err));
    return take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err);
}

Status bench_build_elementwise(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    if (c->op != OP_SCALE) TRY(take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    if (c->op == OP_SQUARED_NORM) {
        TRY(take_zeros(arena, 1, 2, LAYOUT_ROWS, &a->out[0], err));
        a->out[0].cols = a->out[0].row_stride = 1;
        a->out[0].dtype = DTYPE_F64;
        p->sum_length = 1024;
        return STATUS_OK;
    }
    TRY(take_random(arena, c->rows, c->cols, 2, &a->out[0], err));
    if (c->op == OP_ADAMW) {
        TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[1], err));
        TRY(take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[2], err));
        a->as.adamw = (AdamwArgs){.learning_rate = 3e-5f,
                                  .beta1 = 0.9f,
                                  .beta2 = 0.999f,
                                  .epsilon = 1e-8f,
                                  .weight_decay = 0.01f,
                                  .step = 10,
                                  .gradient_scale = 0.5f};
    } else {
        a->as.scale.factor = c->op == OP_SCALE ? -1.0f : 1e-3f; // stays bounded, however often
    }
    return STATUS_OK;
}
