// What works on rows of numbers, one by one.

#include "kernels/bench_build.h"
#include "base/size.h"
#include "kernels/bench_take.h"
#include "kernels/softmax.h"

Status bench_build_layer_norm(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(bench_take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(bench_take_random(arena, c->rows, c->cols, 2, &a->in[1], err));
    TRY(bench_take_random(arena, 1, c->cols, 3, &a->in[2], err));
    TRY(bench_take_random(arena, 1, c->cols, 4, &a->in[3], err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    a->as.norm.epsilon = 1e-12f;
    p->sum_length = c->cols;
    return STATUS_OK;
}

Status bench_build_layer_norm_backward(const BenchCase *c, Arena *arena, BenchProblem *p,
                                       Error *err)
{
    OpArgs *a = &p->args;
    TRY(bench_take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(bench_take_random(arena, c->rows, c->cols, 2, &a->in[1], err));
    TRY(bench_take_zeros(arena, c->rows, 2, LAYOUT_ROWS, &a->in[2], err));
    for (size_t i = 0; i < c->rows; i++) ((float *)a->in[2].data)[2 * i + 1] = 1.7f; // rstd
    TRY(bench_take_random(arena, 1, c->cols, 3, &a->in[3], err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    TRY(bench_take_zeros(arena, 1, c->cols, LAYOUT_ROWS, &a->out[1], err));
    TRY(bench_take_zeros(arena, 1, c->cols, LAYOUT_ROWS, &a->out[2], err));
    p->sum_length = size_max(c->rows, c->cols);
    return STATUS_OK;
}

// depth: columns of a group.
Status bench_build_rms_norm(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const bool is_backward = c->op == OP_RMS_NORM_BACKWARD;
    Tensor *x = &a->in[is_backward ? 1 : 0], *weight = &a->in[is_backward ? 3 : 1];
    TRY(bench_take_random(arena, c->rows, c->cols, 1, x, err));
    TRY(bench_take_random(arena, 1, c->depth, 2, weight, err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    a->as.norm.epsilon = 1e-5f;
    p->sum_length = c->depth;
    if (!is_backward) return STATUS_OK;
    TRY(bench_take_random(arena, c->rows, c->cols, 3, &a->in[0], err));
    TRY(bench_take_zeros(arena, c->rows, c->cols / c->depth, LAYOUT_ROWS, &a->in[2], err));
    for (size_t i = 0; i < c->rows * (c->cols / c->depth); i++) {
        ((float *)a->in[2].data)[i] = 1.7f; // rstd
    }
    p->sum_length = size_max(c->rows, c->depth);
    return bench_take_zeros(arena, 1, c->depth, LAYOUT_ROWS, &a->out[1], err);
}

// depth: columns of a head.
Status bench_build_rope(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(bench_take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(bench_take_random(arena, c->rows, c->depth, 2, &a->in[1], err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
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
        TRY(bench_take_random(arena, c->rows, c->cols, i, &a->in[i], err));
    }
    for (size_t i = 0; i < n_out; i++) {
        TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[i], err));
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
        TRY(bench_take_indices(arena, c->rows, entries[i], ids[i], err));
        TRY(bench_take_random(arena, entries[i], c->cols, i, &tables[i], err));
    }
    return STATUS_OK;
}

Status bench_build_embedding(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(embedding_tables(c, arena, &a->as.embedding, a->in, err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    p->n_bytes = 4.0 * 4.0 * (double)c->rows * (double)c->cols;
    p->sum_length = 3;
    return STATUS_OK;
}

Status bench_build_embedding_backward(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(embedding_tables(c, arena, &a->as.embedding, a->out, err));
    TRY(bench_take_random(arena, c->rows, c->cols, 9, &a->in[0], err));
    p->n_bytes = 4.0 * 7.0 * (double)c->rows * (double)c->cols;
    p->sum_length = c->rows;
    return STATUS_OK;
}

Status bench_build_dropout(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    a->as.dropout = (DropoutArgs){.p = 0.1f, .seed = 17, .step = 3, .site = 2};
    TRY(bench_take_ragged(arena, c->rows, c->depth, &a->as.dropout.batch, err));
    TRY(bench_take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    return STATUS_OK;
}

// depth: rows of the whole batch. Forward takes rows of it, backward gives them back.
Status bench_build_select(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const size_t from = c->op == OP_SELECT_ROWS ? c->depth : c->rows;
    const size_t to = c->op == OP_SELECT_ROWS ? c->rows : c->depth;
    TRY(bench_take_random(arena, from, c->cols, 1, &a->in[0], err));
    TRY(bench_take_zeros(arena, to, c->cols, LAYOUT_ROWS, &a->out[0], err));
    TRY(bench_take_indices(arena, c->rows, c->depth, &a->as.select.rows, err));
    if (c->op == OP_SELECT_ROWS) p->n_bytes = 8.0 * (double)c->rows * (double)c->cols;
    return STATUS_OK;
}

// depth: length of a sequence.
Status bench_build_pool(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const size_t pooled = c->rows / c->depth;
    TRY(bench_take_ragged(arena, c->rows, c->depth, &a->as.pool.batch, err));
    TRY(bench_take_random(arena, c->op == OP_MEAN_POOL ? c->rows : pooled, c->cols, 1, &a->in[0],
                          err));
    TRY(bench_take_zeros(arena, c->op == OP_MEAN_POOL ? pooled : c->rows, c->cols, LAYOUT_ROWS,
                         &a->out[0], err));
    p->sum_length = c->depth;
    return STATUS_OK;
}

Status bench_build_softmax(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    TRY(bench_take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    if (c->op == OP_SOFTMAX) {
        TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    } else if (c->op == OP_LOG_SUM_EXP) {
        TRY(bench_take_zeros(arena, c->rows, 2, LAYOUT_ROWS, &a->out[0],
                             err)); // room of a double a row
        a->out[0].cols = a->out[0].row_stride = 1;
        a->out[0].dtype = DTYPE_F64;
        TRY(bench_take_zeros(arena, c->rows, c->cols / LOG_SUM_GROUP + 1, LAYOUT_ROWS, &a->out[1],
                             err));
    } else {
        TRY(bench_take_zeros(arena, 1, 4, LAYOUT_ROWS, &a->out[0], err)); // room of two doubles
        a->out[0].cols = a->out[0].row_stride = 2;
        a->out[0].dtype = DTYPE_F64;
        TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[1], err));
        TRY(bench_take_indices(arena, c->rows, c->cols, &a->as.cross_entropy.labels, err));
    }
    p->sum_length = c->cols;
    return STATUS_OK;
}

// Keys of latent attention: a third of each head is shared. depth: heads.
Status bench_build_heads(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const bool is_forward = c->op == OP_HEADS;
    const size_t shared = c->cols / 3, own = c->cols - shared;
    Tensor *parts = is_forward ? a->in : a->out, *whole = is_forward ? &a->out[0] : &a->in[0];
    a->as.heads = (HeadsArgs){.n_heads = c->depth,
                              .parts = {{.n = shared, .is_shared = 1, .in_pairs = 1}, {.n = own}}};
    TRY(bench_take_random(arena, c->rows, shared, 1, &parts[0], err));
    TRY(bench_take_random(arena, c->rows, 2 * own * c->depth, 2, &parts[1], err));
    return bench_take_random(arena, c->rows, c->cols * c->depth, 3, whole, err);
}

// depth: how many are chosen.
Status bench_build_route(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const bool is_forward = c->op == OP_ROUTE;
    Tensor *logits = is_forward ? &a->in[0] : &a->in[1],
           *columns = is_forward ? &a->out[1] : &a->in[2];
    a->as.route.kind = (RouteKind)c->option;
    TRY(bench_take_random(arena, c->rows, c->cols, 1, logits, err));
    TRY(bench_take_zeros(arena, c->rows, c->depth, LAYOUT_ROWS, columns, err));
    if (is_forward) return bench_take_zeros(arena, c->rows, c->depth, LAYOUT_ROWS, &a->out[0], err);
    for (size_t i = 0; i < c->rows * c->depth; i++)
        ((float *)columns->data)[i] = (float)((i / c->depth + i % c->depth) % c->cols);
    TRY(bench_take_random(arena, c->rows, c->depth, 2, &a->in[0], err));
    return bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err);
}

// depth: taps.
Status bench_build_conv(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const bool is_forward = c->op == OP_CAUSAL_CONV;
    Tensor weight = {0};
    TRY(bench_take_ragged(arena, c->rows, c->rows, &a->as.conv.batch, err));
    TRY(bench_take_weight(arena, c->cols, c->depth, 1, &weight, err));
    TRY(bench_take_packed(arena, &weight, &a->in[is_forward ? 1 : 2], err));
    TRY(bench_take_random(arena, c->rows, c->cols, 2, &a->in[0], err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    p->sum_length = c->depth;
    if (is_forward) return STATUS_OK;
    p->sum_length = c->rows;
    TRY(bench_take_random(arena, c->rows, c->cols, 3, &a->in[1], err));
    TRY(bench_take_zeros(arena, c->cols, c->depth, LAYOUT_PANELS, &a->out[1], err));
    return bench_take_zeros(arena, 1, c->cols, LAYOUT_ROWS, &a->out[2], err);
}

// cols: of a head's keys and of its values. depth: heads.
Status bench_build_delta_rule(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    const bool is_forward = c->op == OP_DELTA_RULE;
    const size_t n = c->depth * c->cols, first = is_forward ? 0 : 1;
    a->as.delta = (DeltaArgs){
        .n_heads = c->depth, .n_key_heads = c->depth, .key_dim = c->cols, .value_dim = c->cols};
    TRY(bench_take_ragged(arena, c->rows, c->rows, &a->as.delta.batch, err));
    for (size_t i = 0; i < 3; i++)
        TRY(bench_take_random(arena, c->rows, n, i, &a->in[first + i], err));
    TRY(bench_take_random(arena, c->rows, 2 * c->depth, 4, &a->in[first + 3], err));
    TRY(bench_take_random(arena, 1, 2 * c->depth, 5, &a->in[first + 4], err));
    p->n_flops = (is_forward ? 7.0 : 20.0) * (double)c->rows * (double)n * (double)c->cols;
    p->sum_length = c->rows * c->cols;
    if (is_forward) return bench_take_zeros(arena, c->rows, n, LAYOUT_ROWS, &a->out[0], err);
    TRY(bench_take_random(arena, c->rows, n, 6, &a->in[0], err));
    for (size_t i = 0; i < 3; i++)
        TRY(bench_take_zeros(arena, c->rows, n, LAYOUT_ROWS, &a->out[i], err));
    TRY(bench_take_zeros(arena, c->rows, 2 * c->depth, LAYOUT_ROWS, &a->out[3], err));
    return bench_take_zeros(arena, 1, 2 * c->depth, LAYOUT_ROWS, &a->out[4], err);
}

Status bench_build_elementwise(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    if (c->op != OP_SCALE) TRY(bench_take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    if (c->op == OP_SQUARED_NORM) {
        TRY(bench_take_zeros(arena, 1, 2, LAYOUT_ROWS, &a->out[0], err));
        a->out[0].cols = a->out[0].row_stride = 1;
        a->out[0].dtype = DTYPE_F64;
        p->sum_length = 1024;
        return STATUS_OK;
    }
    TRY(bench_take_random(arena, c->rows, c->cols, 2, &a->out[0], err));
    if (c->op == OP_ADAMW) {
        TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[1], err));
        TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[2], err));
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
