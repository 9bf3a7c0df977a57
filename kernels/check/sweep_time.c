#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kernels/check/cases.h"
#include "kernels/check/derivative.h"
#include "kernels/check/sweep_internal.h"

// The shape that each forward operation is timed on: MiniLM's layers and 2,048 tokens (64 for references). options: what the builders of
// cases.c read; here only panels for the CPU's weights.
static Case shape_of(OpKind op, DeviceKind device, int is_reference)
{
    // A reference takes seconds over what others do in milliseconds.
    Case c = {.rows = is_reference ? 64 : 2048, .cols = 384};
    if (op == OP_LINEAR || op == OP_GEMM) {
        c.cols = 1536;
        c.depth = 384;
    }
    if (op == OP_LINEAR && device == DEVICE_CPU) c.options = CASE_PANELS;
    if (op_is_attention(op)) c = (Case){.rows = c.rows, .depth = 2}; // 4 heads of 64
    if (op == OP_DISENTANGLED) c = (Case){.rows = c.rows};           // 2 heads of 32
    return c;
}

static double attention_flops(const AttentionArgs *as)
{
    double pairs = 0;
    for (size_t s = 0; s < as->queries.n_sequences; s++) {
        const double n_queries = as->queries.offsets[s + 1] - as->queries.offsets[s];
        const double n_keys = as->keys.offsets[s + 1] - as->keys.offsets[s];
        pairs += n_queries * n_keys;
    }
    return 4.0 * pairs * (double)(as->n_heads * as->head_dim);
}

// Products only; a backward pass is two of each.
static double flops_of(OpKind op, const Case *c, const OpArgs *args)
{
    const double product = 2.0 * (double)c->rows * (double)c->cols * (double)c->depth;
    if (op == OP_LINEAR || op == OP_GEMM) return product;
    if (op == OP_LINEAR_BACKWARD) return 2.0 * product;
    if (op_is_attention(op)) return attention_flops(&args->as.attention);
    if (op == OP_ATTENTION_BACKWARD) return 2.5 * attention_flops(&args->as.attention);
    return 0;
}

static double bytes_of(const OpArgs *args)
{
    double bytes = 0;
    for (int i = 0; i < OP_MAX_IN + OP_MAX_OUT; i++) {
        const Tensor *t = i < OP_MAX_IN ? &args->in[i] : &args->out[i - OP_MAX_IN];
        if (t->data) bytes += (double)(t->rows * t->cols * dtype_size(t->dtype));
    }
    return bytes;
}

static Status run_often(const Sweep *sweep, const OpRow *row, const OpArgs *args, size_t n_calls,
                        double *seconds, Error *err)
{
    const int64_t begin_ns = clock_now_ns();
    for (size_t i = 0; i < n_calls; i++) TRY(row->run(args, sweep->exec, err));
    TRY(exec_wait(sweep->exec, err));
    *seconds = (double)(clock_now_ns() - begin_ns) * 1e-9;
    return STATUS_OK;
}

static Status time_placed(const Sweep *sweep, const OpRow *row, const OpArgs *args, SweepTime *out,
                          Error *err)
{
    enum { N_RUNS = 3 };
    const double wanted = 0.02; // seconds a run
    double seconds = 0;
    size_t n_calls = 1;
    TRY(run_often(sweep, row, args, 1, &seconds, err)); // warms caches, scratch and the GPU
    TRY(run_often(sweep, row, args, 1, &seconds, err));
    if (seconds < wanted) n_calls = (size_t)fmin(ceil(wanted / fmax(seconds, 1e-7)), 100000);
    out->seconds = seconds;
    for (int run = 0; run < N_RUNS; run++) {
        TRY(run_often(sweep, row, args, n_calls, &seconds, err));
        out->seconds = fmin(out->seconds, seconds / (double)n_calls);
    }
    return STATUS_OK;
}

Status sweep_time(const Sweep *sweep, const OpRow *row, SweepTime *out, Error *err)
{
    const Derivative *derivative = derivative_of(row->op);
    const OpKind forward = derivative ? derivative->forward : row->op;
    const Case c = shape_of(forward, row->device, strcmp(row->variant, "reference") == 0);
    const int is_backward = forward != row->op;
    Problem problem = {0};
    Placed placed = {0};
    *out = (SweepTime){0};
    Status s = case_build_shape(forward, is_backward ? DTYPE_F64 : row->dtype, &c, &problem, err);
    if (s == STATUS_OK && is_backward) {
        s = op_run(sweep->reference, forward, DTYPE_F64, &problem.args, err);
        if (s == STATUS_OK) derivative_build(derivative, &problem, row->dtype, 1, 1);
    }
    if (s == STATUS_OK) s = sweep_place(sweep, row, &problem, &placed, err);
    if (s == STATUS_OK) s = time_placed(sweep, row, &placed.args, out, err);
    if (s == STATUS_OK) {
        out->n_flops = flops_of(row->op, &c, &problem.args);
        out->n_bytes = bytes_of(&problem.args);
        const size_t cols = op_is_attention(forward) ? problem.args.in[is_backward].cols : c.cols;
        const int n = snprintf(out->shape, sizeof out->shape, "%zu x %zu", c.rows, cols);
        if (c.depth > 2 && n > 0) {
            (void)snprintf(out->shape + n, sizeof out->shape - (size_t)n, " x %zu", c.depth);
        }
    }
    sweep_unplace(sweep, &problem, &placed);
    problem_close(&problem);
    return s;
}
