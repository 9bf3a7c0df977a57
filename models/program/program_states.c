// Operations whose sequences leave something for the tokens that follow, which a cache keeps: states of one size, changed in place.
#include "models/program/program_internal.h"

bool program_has_states(const ProgramRun *run, const ProgramStep *step)
{
    return step->op == OP_CAUSAL_CONV && run->unit.cache && run->unit.cache->states;
}

// The state of a convolution: the rows before the next one.
static Tensor state_of(const ProgramRun *run, const ProgramStep *step, const OpArgs *args, size_t s)
{
    const TapeNode *node = &run->program->tape->nodes[step->node];
    float *state = run->unit.cache->states[s] + node->as.conv.state;
    return tensor_f32(state, 1, (args->in[1].cols - 1) * args->in[0].cols);
}

Status program_run_states(const ProgramRun *run, const ProgramStep *step, const OpArgs *args,
                          Error *err)
{
    for (size_t s = 0; s < run->unit.n_sequences; s++) {
        const size_t begin = (size_t)run->unit.offsets[s], end = (size_t)run->unit.offsets[s + 1];
        const int32_t offsets[2] = {0, (int32_t)(end - begin)};
        OpArgs one = *args;
        one.in[0] = tensor_rows(args->in[0], begin, end);
        one.out[0] = tensor_rows(args->out[0], begin, end);
        one.in[3] = one.out[1] = state_of(run, step, args, s);
        one.as.conv.batch = (Ragged){.n_sequences = 1, .offsets = offsets};
        TRY(program_run_op(run, step->op, &one, err));
    }
    return STATUS_OK;
}
