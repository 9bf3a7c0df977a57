// Two products of which the second takes the first's numbers alone, as those of a feed-forward. In int8 what is between them is
// rounded in a way of its own (OP_FEED_FORWARD_I8), be they run as one operation or as two.
#include "models/program/program_internal.h"

// Nobody else reads what is between them, and rows of x, which are read before their own rows of y are written but after others,
// lie elsewhere.
static bool is_one_operation(const Program *p, size_t i)
{
    const ProgramStep *step = &p->steps[i], *next = step + 1;
    const ProgramSlot *inner = &p->slots[step->out[0].index];
    return !inner->is_pinned && inner->last == i + 1 &&
           p->tape->nodes[next->node].as.activation == ACTIVATION_NONE &&
           step->out[1].kind == OPERAND_NONE && next->out[1].kind == OPERAND_NONE &&
           p->slots[step->in[0].index].buffer != p->slots[next->out[0].index].buffer;
}

// Whether all that the product after step i takes is what step i makes. That alone decides how it is rounded, so that every
// program of a model finds the same numbers.
static bool feeds_next(const Program *p, size_t i)
{
    const ProgramStep *step = &p->steps[i], *next = step + 1;
    return step->op == OP_LINEAR && next->op == OP_LINEAR && step->in[0].kind == OPERAND_SLOT &&
           next->in[0].kind == OPERAND_SLOT && next->in[0].index == step->out[0].index &&
           next->in[0].begin == 0 && next->in[0].end == p->slots[step->out[0].index].cols;
}

void program_find_pairs(Program *p)
{
    for (size_t i = 0; i + 1 < p->n_steps; i++) {
        if (i + 1 == p->n_forward || !feeds_next(p, i)) continue;
        p->steps[i].pair = is_one_operation(p, i) ? PAIR_JOINED : PAIR_FEEDS;
    }
}

// Whether a product's weight is rounded by row and lies in one piece, so that OP_FEED_FORWARD_I8 takes it.
static bool is_rounded_by_row(const ProgramRun *run, const ProgramStep *step, const Tensor *weight)
{
    const Param *param = &run->program->tape->params[step->in[1].index];
    if (param->places && (param->n_parts > 1 || param->places[0].order.head_dim > 0)) return false;
    return weight->dtype == DTYPE_Q8_ROW && exec_linear(run->exec, weight) == OP_LINEAR_I8;
}

bool program_is_pair(const ProgramRun *run, const ProgramStep *step)
{
    if (step->pair == PAIR_NONE) return false;
    const Tensor first = program_operand(run, &step->in[1]),
                 second = program_operand(run, &step[1].in[1]);
    return is_rounded_by_row(run, step, &first) && is_rounded_by_row(run, step + 1, &second);
}

Status program_run_pair(ProgramRun *run, const ProgramStep *step, Error *err)
{
    OpArgs inner, outer;
    program_arguments(run, step, &inner);
    program_arguments(run, step + 1, &outer);
    // Several threads cut a product by its outputs, and so each by itself.
    if (step->pair == PAIR_FEEDS || run->help) {
        outer.as.linear.scales_by_block = 1;
        TRY(program_run_op(run, OP_LINEAR_I8, &inner, err));
        return program_run_op(run, OP_LINEAR_I8, &outer, err);
    }
    inner.in[3] = outer.in[1];
    inner.in[4] = outer.in[2];
    inner.out[0] = outer.out[0];
    return op_run(run->exec, OP_FEED_FORWARD_I8, DTYPE_F32, &inner, err);
}
