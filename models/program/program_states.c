// Operations whose sequences leave something for the tokens that follow, which a cache keeps: states of one size, changed in place.
#include "models/program/program_internal.h"

bool program_has_states(const ProgramRun *run, const ProgramStep *step)
{
    return (step->op == OP_CAUSAL_CONV || step->op == OP_DELTA_RULE) && run->unit.cache &&
           run->unit.cache->states;
}

// Of a convolution: the rows before the next one.
static Tensor conv_state(const TapeNode *node, const OpArgs *args, float *states)
{
    return tensor_f32(states + node->as.conv.state, 1, (args->in[1].cols - 1) * args->in[0].cols);
}

// Of the delta rule: a matrix a head.
static Tensor delta_state(const TapeNode *node, float *states)
{
    const DeltaArgs *as = &node->as.delta.args;
    return tensor_f32(states + node->as.delta.state, 1, as->n_heads * as->key_dim * as->value_dim);
}

// The operation for rows [begin, end) alone, which are one sequence.
static OpArgs one_sequence(const OpArgs *args, size_t n_by_row, size_t begin, size_t end)
{
    OpArgs one = *args;
    for (size_t i = 0; i < n_by_row; i++) one.in[i] = tensor_rows(args->in[i], begin, end);
    one.out[0] = tensor_rows(args->out[0], begin, end);
    return one;
}

Status program_run_states(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                          Error *err)
{
    const TapeNode *node = &run->program->tape->nodes[step->node];
    const bool is_conv = step->op == OP_CAUSAL_CONV;
    for (size_t s = 0; s < run->unit.n_sequences; s++) {
        const size_t begin = (size_t)run->unit.offsets[s], end = (size_t)run->unit.offsets[s + 1];
        const int32_t offsets[2] = {0, (int32_t)(end - begin)};
        const Ragged batch = {.n_sequences = 1, .offsets = offsets};
        float *states = run->unit.cache->states[s];
        OpArgs one = one_sequence(args, is_conv ? 1 : 4, begin, end);
        if (is_conv) {
            one.in[3] = one.out[1] = conv_state(node, args, states);
            one.as.conv.batch = batch;
        } else {
            one.in[5] = one.out[1] = delta_state(node, states);
            one.as.delta.batch = batch;
        }
        TRY(program_run_op(run, step->op, &one, err));
    }
    return STATUS_OK;
}
