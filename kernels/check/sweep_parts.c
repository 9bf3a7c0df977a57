#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "kernels/check/cases.h"
#include "kernels/check/sweep_internal.h"

// Which tensors of an operation have a row for each row of out0, and so can be cut.
typedef struct RowWise {
    int is_row_wise;
    unsigned in, out; // bit i: in[i] or out[i] is cut
} RowWise;

static const RowWise row_wise[OP_COUNT] = {
    [OP_EMBEDDING] = {1, 0x0, 0x1},
    [OP_LINEAR] = {1, 0x1, 0x3},
    [OP_LINEAR_I8] = {1, 0x1, 0x3},
    [OP_LINEAR_BF16] = {1, 0x1, 0x3},
    [OP_LAYER_NORM] = {1, 0x3, 0x7},
    [OP_SELECT_ROWS] = {1, 0x0, 0x1},
    [OP_SOFTMAX] = {1, 0x1, 0x1},
    [OP_GEMM] = {1, 0x1, 0x1},
    [OP_RMS_NORM] = {1, 0x1, 0x3},
    [OP_ROPE] = {1, 0x3, 0x1},
    [OP_HEADS] = {1, 0x3, 0x1},
    [OP_GATED] = {1, 0x3, 0x1},
    [OP_ADD] = {1, 0x3, 0x1},
    [OP_SOFT_CAP] = {1, 0x1, 0x1},
    [OP_LOG_SUM_EXP] = {1, 0x1, 0x3},
    [OP_ROUTE] = {1, 0x1, 0x3},
    [OP_FEED_FORWARD_I8] = {1, 0x1, 0x1},
};

static int attends(OpKind op)
{
    return op_is_attention(op) || op == OP_DISENTANGLED;
}

// Operations that have a row of states for each sequence: out1, and the last of their inputs.
static int has_states(OpKind op)
{
    return op == OP_CAUSAL_CONV || op == OP_DELTA_RULE;
}

static int is_by_sequence(OpKind op)
{
    return attends(op) || op == OP_DROPOUT || op == OP_MEAN_POOL || has_states(op);
}

// Of any of its cases, so that those of others need not be built.
static int is_ever_cut(OpKind op)
{
    return row_wise[op].is_row_wise || is_by_sequence(op);
}

static int can_be_cut(const Problem *problem)
{
    if (problem->op == OP_GEMM && problem->args.as.gemm.transpose_a) return 0;
    return is_ever_cut(problem->op);
}

static const int32_t *moved(const int32_t *indices, size_t begin)
{
    return indices ? indices + begin : NULL;
}

// Rows [begin, end) of a row-wise operation.
static OpArgs cut_rows(const Problem *problem, size_t begin, size_t end)
{
    OpArgs args = problem->args;
    const RowWise *cut = &row_wise[problem->op];
    for (size_t i = 0; i < OP_MAX_IN; i++) {
        if (args.in[i].data && (cut->in >> i & 1)) args.in[i] = tensor_rows(args.in[i], begin, end);
    }
    for (size_t i = 0; i < OP_MAX_OUT; i++) {
        if (args.out[i].data && (cut->out >> i & 1)) {
            args.out[i] = tensor_rows(args.out[i], begin, end);
        }
    }
    if (problem->op == OP_EMBEDDING) {
        EmbeddingArgs *as = &args.as.embedding;
        as->ids = moved(as->ids, begin);
        as->position_ids = moved(as->position_ids, begin);
        as->type_ids = moved(as->type_ids, begin);
    }
    if (problem->op == OP_SELECT_ROWS) {
        args.as.select.rows = moved(args.as.select.rows, begin);
    }
    return args;
}

// Sequences [begin, end) of a batch; offsets begin anew, in the problem's block.
static Ragged cut_batch(Problem *problem, const Ragged *batch, size_t begin, size_t end)
{
    const size_t n = end - begin, first_row = (size_t)batch->offsets[begin];
    int32_t *offsets = problem_take(problem, (n + 1) * sizeof *offsets);
    for (size_t s = 0; s <= n; s++) offsets[s] = batch->offsets[begin + s] - (int32_t)first_row;
    return (Ragged){.n_sequences = n,
                    .offsets = offsets,
                    .positions = moved(batch->positions, first_row),
                    .sequence_keys = batch->sequence_keys ? batch->sequence_keys + begin : NULL};
}

static Tensor cut_tensor(Tensor tensor, const Ragged *batch, size_t begin, size_t end)
{
    if (!tensor.data) return tensor;
    return tensor_rows(tensor, (size_t)batch->offsets[begin], (size_t)batch->offsets[end]);
}

static OpArgs cut_attention(Problem *problem, size_t begin, size_t end)
{
    OpArgs args = problem->args;
    AttentionArgs *as = &args.as.attention;
    const Ragged queries = as->queries, keys = as->keys;
    args.in[0] = cut_tensor(args.in[0], &queries, begin, end);
    args.in[1] = cut_tensor(args.in[1], &keys, begin, end);
    args.in[2] = cut_tensor(args.in[2], &keys, begin, end);
    args.out[0] = cut_tensor(args.out[0], &queries, begin, end);
    args.out[1] = cut_tensor(args.out[1], &queries, begin, end);
    as->queries = cut_batch(problem, &queries, begin, end);
    as->keys = cut_batch(problem, &keys, begin, end);
    if (as->key_pages) {
        as->key_pages += begin * as->max_pages;
        as->value_pages += begin * as->max_pages;
    }
    return args;
}

static const Ragged *batch_of(const Problem *problem)
{
    if (attends(problem->op)) return &problem->args.as.attention.queries;
    if (problem->op == OP_DROPOUT) return &problem->args.as.dropout.batch;
    if (problem->op == OP_CAUSAL_CONV) return &problem->args.as.conv.batch;
    if (problem->op == OP_DELTA_RULE) return &problem->args.as.delta.batch;
    return problem->op == OP_MEAN_POOL ? &problem->args.as.pool.batch : NULL;
}

// Rows of the tokens, and beside them what has a row for each sequence.
static OpArgs cut_states(Problem *problem, size_t begin, size_t end)
{
    OpArgs args = problem->args;
    const bool is_conv = problem->op == OP_CAUSAL_CONV;
    const Ragged batch = *batch_of(problem);
    const size_t n_by_row = is_conv ? 1 : 4, states = is_conv ? 3 : 5;
    for (size_t i = 0; i < n_by_row; i++) args.in[i] = cut_tensor(args.in[i], &batch, begin, end);
    args.out[0] = cut_tensor(args.out[0], &batch, begin, end);
    if (args.in[states].data) args.in[states] = tensor_rows(args.in[states], begin, end);
    if (args.out[1].data) args.out[1] = tensor_rows(args.out[1], begin, end);
    *(is_conv ? &args.as.conv.batch : &args.as.delta.batch) =
        cut_batch(problem, &batch, begin, end);
    return args;
}

static OpArgs cut_sequences(Problem *problem, size_t begin, size_t end)
{
    if (attends(problem->op)) return cut_attention(problem, begin, end);
    if (has_states(problem->op)) return cut_states(problem, begin, end);
    OpArgs args = problem->args;
    const Ragged batch = *batch_of(problem);
    args.in[0] = cut_tensor(args.in[0], &batch, begin, end);
    if (problem->op == OP_DROPOUT) {
        args.out[0] = cut_tensor(args.out[0], &batch, begin, end);
        args.as.dropout.batch = cut_batch(problem, &batch, begin, end);
    } else {
        args.out[0] = tensor_rows(args.out[0], begin, end);
        args.as.pool.batch = cut_batch(problem, &batch, begin, end);
    }
    return args;
}

// The whole in parts of 1, 2, 3, ... rows or sequences.
static Status run_parts(const Sweep *sweep, const OpRow *row, Problem *problem, Error *err)
{
    const OpArgs whole = problem->args;
    const int by_sequence = is_by_sequence(problem->op);
    const size_t n = by_sequence ? batch_of(problem)->n_sequences : whole.out[0].rows;
    Status s = STATUS_OK;
    size_t length = 1;
    for (size_t begin = 0; begin < n && s == STATUS_OK; length++) {
        const size_t end = size_min(begin + length, n);
        const OpArgs part =
            by_sequence ? cut_sequences(problem, begin, end) : cut_rows(problem, begin, end);
        problem->args = part;
        s = sweep_run(sweep, row, problem, err);
        problem->args = whole;
        begin = end;
    }
    return s;
}

static Status parts_row(const Sweep *sweep, const OpRow *row, const Problem *problem, size_t index,
                        SweepResult *result, Error *err)
{
    Problem whole = {0}, parts = {0};
    Status s = problem_copy(problem, &whole, err);
    if (s == STATUS_OK) s = problem_copy(problem, &parts, err);
    if (s == STATUS_OK) s = sweep_run(sweep, row, &whole, err);
    if (s == STATUS_OK) s = run_parts(sweep, row, &parts, err);
    if (s == STATUS_OK) {
        sweep_compare_bits(&whole, &parts, index, result);
        result->n_cases++;
    }
    problem_close(&whole);
    problem_close(&parts);
    return s;
}

Status sweep_parts(const Sweep *sweep, size_t n_rows, const OpRow *const *rows, SweepResult *out,
                   Error *err)
{
    memset(out, 0, n_rows * sizeof *out);
    if (n_rows == 0 || !is_ever_cut(rows[0]->op)) return STATUS_OK;
    for (size_t index = 0; index < case_count(rows[0]->op); index++) {
        Problem made = {0};
        Status s = STATUS_OK;
        for (size_t i = 0; i < n_rows && s == STATUS_OK; i++) {
            s = sweep_make(sweep, rows[i], index, &made, err);
            if (s == STATUS_OK && can_be_cut(&made))
                s = parts_row(sweep, rows[i], &made, index, &out[i], err);
        }
        problem_close(&made);
        TRY(s);
    }
    return STATUS_OK;
}

// The rows of out0 that a NaN in row `row` of in0 may touch.
typedef struct Touched {
    size_t begin, end;
} Touched;

static Touched touched_rows(const Problem *problem, size_t out, size_t row)
{
    const Ragged *batch = batch_of(problem);
    if (!batch || problem->op == OP_DROPOUT) return (Touched){row, row + 1};
    size_t s = 0;
    while ((size_t)batch->offsets[s + 1] <= row) s++;
    if (problem->op == OP_MEAN_POOL || (has_states(problem->op) && out == 1))
        return (Touched){s, s + 1};
    return (Touched){(size_t)batch->offsets[s], (size_t)batch->offsets[s + 1]};
}

// Outside the touched rows the bits of the clean run; within them a NaN wherever the reference has one.
static void compare_poisoned(const Problem *clean, const Problem *poisoned, const Problem *want,
                             size_t row, size_t index, SweepResult *result)
{
    char what[200];
    for (size_t out = 0; out < OP_MAX_OUT; out++) {
        const Touched touched = touched_rows(clean, out, row);
        const Tensor *x = &clean->args.out[out], *y = &poisoned->args.out[out];
        for (size_t i = 0; x->data && i < x->rows; i++) {
            const int is_touched = i >= touched.begin && i < touched.end;
            for (size_t j = 0; j < x->cols; j++) {
                const double left = tensor_get(x, i, j), right = tensor_get(y, i, j);
                const int must = isnan(tensor_get(&want->args.out[out], i, j));
                if (is_touched ? !must || isnan(right) : same_bits(left, right)) {
                    continue;
                }
                (void)snprintf(what, sizeof what, "out%zu[%zu][%zu] became %.9g, %s", out, i, j,
                               right, is_touched ? "should be NaN" : "by a NaN in another row");
                sweep_fail(result, clean->op, index, what);
            }
        }
    }
}

// A case with a NaN in it: what the reference of a dtype makes of it is the same for all rows of that dtype.
typedef struct Poisoned {
    Problem before, want;
    size_t row; // of in0
} Poisoned;

static void poisoned_close(Poisoned *poisoned)
{
    problem_close(&poisoned->before);
    problem_close(&poisoned->want);
}

static Status poisoned_open(const Sweep *sweep, const Problem *clean, Poisoned *out, Error *err)
{
    const OpRow *reference = op_find(clean->op, clean->dtype, "reference");
    poisoned_close(out);
    TRY(problem_copy(clean, &out->before, err));
    const Tensor *in = &out->before.args.in[0];
    out->row = in->rows / 2;
    tensor_set(in, out->row, in->cols / 2, NAN);
    TRY(problem_copy(&out->before, &out->want, err));
    return reference->run(&out->want.args, sweep->reference, err);
}

static Status nan_row(const Sweep *sweep, const OpRow *row, const Problem *problem,
                      const Poisoned *poisoned, size_t index, SweepResult *result, Error *err)
{
    Problem clean = {0}, dirty = {0};
    Status s = problem_copy(problem, &clean, err);
    if (s == STATUS_OK) s = problem_copy(&poisoned->before, &dirty, err);
    if (s == STATUS_OK) s = sweep_run(sweep, row, &clean, err);
    if (s == STATUS_OK) s = sweep_run(sweep, row, &dirty, err);
    if (s == STATUS_OK) {
        compare_poisoned(&clean, &dirty, &poisoned->want, poisoned->row, index, result);
        result->n_cases++;
    }
    problem_close(&clean);
    problem_close(&dirty);
    return s;
}

static Status nan_case(const Sweep *sweep, size_t n_rows, const OpRow *const *rows, size_t index,
                       SweepResult *results, Error *err)
{
    Problem made = {0};
    Poisoned poisoned = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; i < n_rows; i++) {
        s = sweep_make(sweep, rows[i], index, &made, err);
        if (s != STATUS_OK || !can_be_cut(&made) || made.args.in[0].rows == 0) break;
        if (!poisoned.before.block || poisoned.before.dtype != made.dtype)
            s = poisoned_open(sweep, &made, &poisoned, err);
        if (s == STATUS_OK) s = nan_row(sweep, rows[i], &made, &poisoned, index, &results[i], err);
        if (s != STATUS_OK) break;
    }
    problem_close(&made);
    poisoned_close(&poisoned);
    return s;
}

Status sweep_nan(const Sweep *sweep, size_t n_rows, const OpRow *const *rows, SweepResult *out,
                 Error *err)
{
    memset(out, 0, n_rows * sizeof *out);
    if (n_rows == 0) return STATUS_OK;
    const OpKind op = rows[0]->op;
    const int is_in0_cut = (row_wise[op].in & 1) || is_by_sequence(op); // else in0 is a table
    if (!is_ever_cut(op) || !is_in0_cut) return STATUS_OK;
    for (size_t index = 0; index < case_count(op); index++) {
        TRY(nan_case(sweep, n_rows, rows, index, out, err));
    }
    return STATUS_OK;
}

static int have_one_shape(const Tensor *a, const Tensor *b)
{
    return a->data && b->data && a->rows == b->rows && a->cols == b->cols && a->dtype == b->dtype &&
           a->layout == b->layout;
}

static Status overwrite_row(const Sweep *sweep, const OpRow *row, const Problem *problem,
                            size_t index, size_t input, SweepResult *result, Error *err)
{
    Problem apart = {0}, over = {0};
    Status s = problem_copy(problem, &apart, err);
    if (s == STATUS_OK) s = problem_copy(problem, &over, err);
    if (s != STATUS_OK) goto done;
    over.args.out[0] = over.args.in[input];
    s = sweep_run(sweep, row, &apart, err);
    if (s == STATUS_OK) s = sweep_run(sweep, row, &over, err);
    if (s != STATUS_OK) goto done;
    sweep_compare_bits(&apart, &over, index, result);
    result->n_cases++;
done:
    problem_close(&apart);
    problem_close(&over);
    return s;
}

static Status overwrite_case(const Sweep *sweep, size_t n_rows, const OpRow *const *rows,
                             size_t index, size_t input, SweepResult *results, Error *err)
{
    Problem made = {0};
    Status s = STATUS_OK;
    for (size_t i = 0; i < n_rows && s == STATUS_OK; i++) {
        s = sweep_make(sweep, rows[i], index, &made, err);
        if (s == STATUS_OK && have_one_shape(&made.args.in[input], &made.args.out[0]))
            s = overwrite_row(sweep, rows[i], &made, index, input, &results[i], err);
    }
    problem_close(&made);
    return s;
}

Status sweep_overwrite(const Sweep *sweep, size_t n_rows, const OpRow *const *rows,
                       SweepResult *out, Error *err)
{
    memset(out, 0, n_rows * sizeof *out);
    for (size_t input = 0; n_rows > 0 && input < OP_MAX_IN; input++) {
        if (!(op_info(rows[0]->op)->overwrites >> input & 1)) continue;
        for (size_t index = 0; index < case_count(rows[0]->op); index++)
            TRY(overwrite_case(sweep, n_rows, rows, index, input, out, err));
    }
    return STATUS_OK;
}
