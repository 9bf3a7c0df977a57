#include <math.h>
#include <stdio.h>

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

static int is_by_sequence(OpKind op)
{
    return attends(op) || op == OP_DROPOUT || op == OP_MEAN_POOL;
}

static int can_be_cut(const Problem *problem)
{
    if (problem->op == OP_GEMM && problem->args.as.gemm.transpose_a) return 0;
    return row_wise[problem->op].is_row_wise || is_by_sequence(problem->op);
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
    return problem->op == OP_MEAN_POOL ? &problem->args.as.pool.batch : NULL;
}

static OpArgs cut_sequences(Problem *problem, size_t begin, size_t end)
{
    if (attends(problem->op)) return cut_attention(problem, begin, end);
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

static Status parts_case(const Sweep *sweep, const OpRow *row, size_t index, SweepResult *result,
                         Error *err)
{
    Problem whole = {0}, parts = {0};
    Status s = case_build(row->op, row->dtype, index, sweep->reference, &whole, err);
    if (s != STATUS_OK || !can_be_cut(&whole)) goto done;
    s = problem_copy(&whole, &parts, err);
    if (s == STATUS_OK) s = sweep_run(sweep, row, &whole, err);
    if (s == STATUS_OK) s = run_parts(sweep, row, &parts, err);
    if (s != STATUS_OK) goto done;
    sweep_compare_bits(&whole, &parts, index, result);
    result->n_cases++;
done:
    problem_close(&whole);
    problem_close(&parts);
    return s;
}

Status sweep_parts(const Sweep *sweep, const OpRow *row, SweepResult *out, Error *err)
{
    *out = (SweepResult){0};
    for (size_t index = 0; index < case_count(row->op); index++) {
        TRY(parts_case(sweep, row, index, out, err));
    }
    return STATUS_OK;
}

// The rows of out0 that a NaN in row `row` of in0 may touch.
typedef struct Touched {
    size_t begin, end;
} Touched;

static Touched touched_rows(const Problem *problem, size_t row)
{
    const Ragged *batch = batch_of(problem);
    if (!batch || problem->op == OP_DROPOUT) return (Touched){row, row + 1};
    size_t s = 0;
    while ((size_t)batch->offsets[s + 1] <= row) s++;
    if (problem->op == OP_MEAN_POOL) return (Touched){s, s + 1};
    return (Touched){(size_t)batch->offsets[s], (size_t)batch->offsets[s + 1]};
}

// Outside the touched rows the bits of the clean run; within them a NaN wherever the reference has one.
static void compare_poisoned(const Problem *clean, const Problem *poisoned, const Problem *want,
                             Touched touched, size_t index, SweepResult *result)
{
    char what[200];
    for (size_t out = 0; out < OP_MAX_OUT; out++) {
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

static Status nan_case(const Sweep *sweep, const OpRow *row, size_t index, SweepResult *result,
                       Error *err)
{
    Problem clean = {0}, poisoned = {0}, want = {0};
    const OpRow *reference = op_find(row->op, row->dtype, "reference");
    Status s = case_build(row->op, row->dtype, index, sweep->reference, &clean, err);
    if (s != STATUS_OK || !can_be_cut(&clean)) goto done;
    if (!(row_wise[row->op].in & 1) && !is_by_sequence(row->op)) goto done; // in0 is a table
    if (clean.args.in[0].rows == 0) goto done;
    const size_t at = clean.args.in[0].rows / 2;
    s = problem_copy(&clean, &poisoned, err);
    if (s != STATUS_OK) goto done;
    tensor_set(&poisoned.args.in[0], at, poisoned.args.in[0].cols / 2, NAN);
    s = problem_copy(&poisoned, &want, err);
    if (s == STATUS_OK) s = sweep_run(sweep, row, &clean, err);
    if (s == STATUS_OK) s = sweep_run(sweep, row, &poisoned, err);
    if (s == STATUS_OK) s = reference->run(&want.args, sweep->reference, err);
    if (s != STATUS_OK) goto done;
    compare_poisoned(&clean, &poisoned, &want, touched_rows(&clean, at), index, result);
    result->n_cases++;
done:
    problem_close(&clean);
    problem_close(&poisoned);
    problem_close(&want);
    return s;
}

Status sweep_nan(const Sweep *sweep, const OpRow *row, SweepResult *out, Error *err)
{
    *out = (SweepResult){0};
    for (size_t index = 0; index < case_count(row->op); index++) {
        TRY(nan_case(sweep, row, index, out, err));
    }
    return STATUS_OK;
}

static int have_one_shape(const Tensor *a, const Tensor *b)
{
    return a->data && b->data && a->rows == b->rows && a->cols == b->cols && a->dtype == b->dtype &&
           a->layout == b->layout;
}

static Status overwrite_case(const Sweep *sweep, const OpRow *row, size_t index, size_t input,
                             SweepResult *result, Error *err)
{
    Problem apart = {0}, over = {0};
    Status s = case_build(row->op, row->dtype, index, sweep->reference, &apart, err);
    if (s != STATUS_OK || !have_one_shape(&apart.args.in[input], &apart.args.out[0])) goto done;
    s = problem_copy(&apart, &over, err);
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

Status sweep_overwrite(const Sweep *sweep, const OpRow *row, SweepResult *out, Error *err)
{
    *out = (SweepResult){0};
    for (size_t input = 0; input < OP_MAX_IN; input++) {
        if (!(op_info(row->op)->overwrites >> input & 1)) continue;
        for (size_t index = 0; index < case_count(row->op); index++)
            TRY(overwrite_case(sweep, row, index, input, out, err));
    }
    return STATUS_OK;
}
