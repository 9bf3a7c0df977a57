// Products, and layers made of them.
#include "base/size.h"
#include "kernels/bench_build.h"
#include "kernels/bench_take.h"
#include "kernels/pack.h"
#include "kernels/quant.h"

Status bench_build_linear(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    Tensor weight;
    TRY(bench_take_random(arena, c->rows, c->depth, 1, &a->in[0], err));
    TRY(bench_take_weight(arena, c->cols, c->depth, 2, &weight, err));
    TRY(bench_take_packed(arena, &weight, &a->in[1], err));
    TRY(bench_take_random(arena, 1, c->cols, 3, &a->in[2], err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
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
    TRY(bench_take_weight(arena, n_out, n_in, 2, &weight, err));
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
    TRY(bench_take_random(arena, c->rows, c->depth, 1, &a->in[0], err));
    TRY(take_stored(arena, format, c->cols, c->depth, &a->in[1], err));
    TRY(bench_take_random(arena, 1, c->cols, 3, &a->in[2], err));
    TRY(take_stored(arena, format, c->depth, c->cols, &a->in[3], err));
    TRY(bench_take_random(arena, 1, c->depth, 4, &a->in[4], err));
    TRY(bench_take_zeros(arena, c->rows, c->depth, LAYOUT_ROWS, &a->out[0], err));
    a->as.linear.activation = (Activation)c->option;
    p->n_flops = 4.0 * (double)c->rows * (double)c->cols * (double)c->depth;
    p->n_bytes = 2.0 * (double)pack_stored_bytes(format, c->cols, c->depth) +
                 8.0 * (double)(c->rows * c->depth);
    p->sum_length = size_max(c->cols, c->depth);
    p->step =
        1.0 / 127; // between the layers, where a coarse GELU errs across the middle of two codes
    return STATUS_OK;
}

Status bench_build_linear_backward(const BenchCase *c, Arena *arena, BenchProblem *p, Error *err)
{
    OpArgs *a = &p->args;
    Tensor weight, gradient;
    TRY(bench_take_random(arena, c->rows, c->cols, 1, &a->in[0], err));
    TRY(bench_take_random(arena, c->rows, c->depth, 2, &a->in[1], err));
    TRY(bench_take_weight(arena, c->cols, c->depth, 3, &weight, err));
    TRY(bench_take_packed(arena, &weight, &a->in[2], err));
    if (c->option != ACTIVATION_NONE) {
        TRY(bench_take_random(arena, c->rows, c->cols, 4, &a->in[3], err));
    }
    TRY(bench_take_zeros(arena, c->rows, c->depth, LAYOUT_ROWS, &a->out[0], err));
    TRY(bench_take_zeros(arena, c->cols, c->depth, LAYOUT_PANELS, &a->out[1], err));
    TRY(bench_take_zeros(arena, c->cols, c->depth, LAYOUT_ROWS, &gradient, err));
    TRY(bench_take_zeros(arena, 1, c->cols, LAYOUT_ROWS, &a->out[2], err));
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
    TRY(bench_take_random(arena, transpose_a ? c->depth : c->rows, transpose_a ? c->rows : c->depth,
                          1, &a->in[0], err));
    TRY(bench_take_random(arena, transpose_b ? c->cols : c->depth, transpose_b ? c->depth : c->cols,
                          2, &a->in[1], err));
    TRY(bench_take_zeros(arena, c->rows, c->cols, LAYOUT_ROWS, &a->out[0], err));
    p->n_flops = 2.0 * (double)c->rows * (double)c->cols * (double)c->depth;
    p->sum_length = c->depth;
    return STATUS_OK;
}
