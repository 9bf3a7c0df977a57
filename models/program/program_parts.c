// Products with weights whose parts lie apart, as files have them.
#include <string.h>

#include "models/program/program_internal.h"

// Columns of y from the order of a file's rows into that of use. row: as many numbers as y has columns.
static void order_columns(const Tensor *y, const RowOrder *order, float *row)
{
    for (size_t i = 0; i < y->rows; i++) {
        float *to = (float *)y->data + i * y->row_stride;
        memcpy(row, to, y->cols * sizeof *row);
        for (size_t j = 0; j < y->cols; j++) to[j] = row[row_order_in_tensor(order, y->cols, j)];
    }
}

// A product whose weight has its rows in another order. The bias goes in with it, in their order: added afterwards it would
// round once more.
static Status run_reordered(const ProgramRun *run, OpArgs *args, const RowOrder *order, Error *err)
{
    Exec *exec = run->exec;
    const size_t mark = exec_scratch_mark(exec), n = args->out[0].cols;
    const float *bias = args->in[2].data;
    float *row = exec_scratch(exec, 2 * n * sizeof *row);
    if (!row) return error_set_memory(err, 2 * n, sizeof *row, "a row of keys");
    if (bias) {
        for (size_t j = 0; j < n; j++) row[n + row_order_in_tensor(order, n, j)] = bias[j];
        args->in[2].data = row + n;
    }
    const Status s = program_run_op(run, exec_linear(exec, &args->in[1]), args, err);
    if (s == STATUS_OK) order_columns(&args->out[0], order, row);
    exec_scratch_release(exec, mark);
    return s;
}

Status program_run_parts(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                         Error *err)
{
    const Operand *weight = &step->in[1];
    const Param *param = &run->program->tape->params[weight->index];
    for (size_t p = 0; p < param->n_parts; p++) {
        const ParamPart *part = &param->parts[p];
        const size_t begin = part->begin > weight->begin ? part->begin : weight->begin;
        const size_t end = part->end < weight->end ? part->end : weight->end;
        const RowOrder *order = &param->places[p].order;
        if (begin >= end) continue;
        OpArgs own = *args;
        own.in[1] = program_part_tensor(run, param, p, begin, end);
        own.out[0] = tensor_columns(args->out[0], begin - weight->begin, end - weight->begin);
        own.in[2] = tensor_columns(args->in[2], begin - weight->begin, end - weight->begin);
        if (order->head_dim == 0) {
            TRY(program_run_op(run, exec_linear(run->exec, &own.in[1]), &own, err));
            continue;
        }
        if (end - begin != part->end - part->begin || own.as.linear.activation != ACTIVATION_NONE)
            return error_set(err, STATUS_INTERNAL,
                             "rows in another order are multiplied in one piece");
        TRY(run_reordered(run, &own, order, err));
    }
    return STATUS_OK;
}

bool program_is_in_parts(const ProgramRun *run, const ProgramStep *step)
{
    return step->op == OP_LINEAR && run->program->tape->params[step->in[1].index].places;
}
