// A unit taken through the steps of its program.
#include <assert.h>
#include <string.h>

#include "base/size.h"
#include "models/program/program_internal.h"

static DropoutArgs dropout_args(const ProgramRun *run, const ProgramStep *step)
{
    return (DropoutArgs){.p = step->dropout,
                         .seed = run->seed,
                         .step = run->step,
                         .site = step->site,
                         .batch = run->ragged[step->rows],
                         .first_row =
                             step->rows == ROWS_RELATIVE ? (uint32_t)run->first_relative : 0};
}

static EmbeddingArgs embedding_args(const ProgramRun *run, const ProgramStep *step,
                                    const TapeNode *node)
{
    const bool by_row = step->out[0].kind == OPERAND_ROWS, by_target = step->rows == ROWS_TARGETS;
    const int32_t padding = run->program->tape->params[node->params[0]].zero_row;
    const int32_t *positions = by_target ? run->device_target_positions : run->device_positions;
    const EmbeddingArgs args = {.ids = node->as.embedding.is_one_row       ? NULL
                                       : node->as.embedding.is_by_position ? positions
                                       : by_row && by_target               ? run->unit.row_of_target
                                       : by_target                         ? run->device_target_ids
                                       : step->rows == ROWS_RELATIVE       ? run->device_relative
                                       : by_row                            ? run->device_rows
                                                                           : run->device_ids,
                                .position_ids = positions,
                                .type_ids = run->device_types,
                                .has_padding =
                                    padding >= 0 && !by_row, // a gathered row is not its id
                                .padding_id = padding};
    return args;
}

static void set_attention(const ProgramRun *run, const ProgramStep *step, const TapeNode *node,
                          OpArgs *args)
{
    const TapeAttention *a = &node->as.attention;
    args->as.attention = (AttentionArgs){.n_heads = a->n_heads,
                                         .n_kv_heads = a->n_kv_heads,
                                         .head_dim = a->head_dim,
                                         .scale = a->scale,
                                         .is_causal = a->is_causal,
                                         .window = a->window,
                                         .soft_cap = a->soft_cap,
                                         .relative_bucket = a->relative_bucket,
                                         .relative_reach = a->relative_reach,
                                         .first_bucket = (int32_t)run->first_relative,
                                         .queries = run->ragged[step->rows],
                                         .keys = run->ragged[step->key_rows],
                                         .dropout = dropout_args(run, step)};
}

// The arguments of a step that are no tensors.
static void set_arguments(const ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    const TapeNode *node = &run->program->tape->nodes[step->node];
    switch (step->op) {
    case OP_EMBEDDING:
    case OP_EMBEDDING_BACKWARD:
        args->as.embedding = embedding_args(run, step, node);
        break;
    case OP_LINEAR:
    case OP_LINEAR_BACKWARD:
        args->as.linear.activation = node->as.activation;
        break;
    case OP_LAYER_NORM:
    case OP_LAYER_NORM_BACKWARD:
    case OP_RMS_NORM:
    case OP_RMS_NORM_BACKWARD:
        args->as.norm = node->as.norm;
        break;
    case OP_ROPE:
        args->as.rope =
            (RopeArgs){.head_dim = node->as.rope.head_dim, .is_inverse = step->is_backward};
        break;
    case OP_GATED:
    case OP_GATED_BACKWARD:
        args->as.gated.activation = node->as.activation;
        break;
    case OP_DELTA_RULE:
    case OP_DELTA_RULE_BACKWARD:
        args->as.delta = node->as.delta.args;
        args->as.delta.batch = run->ragged[ROWS_TOKENS];
        break;
    case OP_CAUSAL_CONV:
    case OP_CAUSAL_CONV_BACKWARD:
        args->as.conv.batch = run->ragged[ROWS_TOKENS];
        break;
    case OP_HEADS:
    case OP_HEADS_BACKWARD:
        args->as.heads = node->as.heads;
        break;
    case OP_ADD:
        args->as.add = step->add;
        break;
    case OP_SOFT_CAP:
    case OP_SOFT_CAP_BACKWARD:
        args->as.soft_cap = node->as.soft_cap;
        break;
    case OP_ATTENTION:
    case OP_ATTENTION_BACKWARD:
    case OP_DISENTANGLED:
    case OP_DISENTANGLED_BACKWARD:
        set_attention(run, step, node, args);
        break;
    case OP_DROPOUT:
        args->as.dropout = dropout_args(run, step);
        break;
    case OP_SELECT_ROWS:
    case OP_SELECT_ROWS_BACKWARD:
        args->as.select.rows =
            step->rows == ROWS_OUTPUTS ? run->device_outputs : run->device_chosen;
        break;
    case OP_ROUTE:
    case OP_ROUTE_BACKWARD:
        args->as.route = node->as.route.args;
        break;
    case OP_MEAN_POOL:
    case OP_MEAN_POOL_BACKWARD:
        args->as.pool.batch = run->ragged[ROWS_TOKENS];
        break;
    case OP_ADD_SCALED:
        args->as.scale.factor = 1.0f;
        break;
    case NODE_EXPERTS: // program_experts.c gives its operations theirs
        break;
    // Chosen for one of the above where a step runs, or no operations of programs.
    case OP_LINEAR_I8:
    case OP_LINEAR_BF16:
    case OP_FEED_FORWARD_I8:
    case OP_ATTENTION_BF16:
    case OP_SOFTMAX:
    case OP_LOG_SUM_EXP:
    case OP_CROSS_ENTROPY:
    case OP_SCALE:
    case OP_SQUARED_NORM:
    case OP_ADAMW:
    case OP_GEMM:
        assert(false);
    }
}

// Word embeddings of the unit's own: row i of them where the table has a token's id.
static void read_rows(const ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    const float *values = run->unit.row_values;
    memcpy(&args->in[0].data, &values, sizeof values); // a view drops the const; only read
    args->in[0].rows = run->unit.n_rows;
    args->as.embedding.ids =
        step->rows == ROWS_TARGETS ? run->unit.row_of_target : run->device_rows;
}

void program_arguments(ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    memset(args, 0, sizeof *args);
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        if (step->in[k].kind != OPERAND_NONE) args->in[k] = program_operand(run, &step->in[k]);
    }
    for (size_t k = 0; k < OP_MAX_OUT; k++) {
        if (step->out[k].kind != OPERAND_NONE) args->out[k] = program_operand(run, &step->out[k]);
    }
    set_arguments(run, step, args);
    const TapeNode *node = &run->program->tape->nodes[step->node];
    if (step->op == OP_ATTENTION && run->unit.cache && node->as.attention.is_cached)
        program_attend_cached(run, node, args);
    const bool has_rows =
        step->rows == ROWS_TOKENS || (step->rows == ROWS_TARGETS && run->unit.row_of_target);
    if (step->op == OP_EMBEDDING && run->unit.row_values && has_rows &&
        !node->as.embedding.is_by_position)
        read_rows(run, step, args);
    if (step->op == OP_ATTENTION && run->unit.target_pages && step->rows == ROWS_TARGETS)
        program_attend_pages(run, step, args);
}

// The operation of a step in the Exec's compute mode. Decoders meet keys one by one or all at once, and must find the same
// numbers: their attention stays as it is.
static OpKind operation(const ProgramRun *run, const ProgramStep *step, const OpArgs *args)
{
    if (step->op != OP_ATTENTION || step->rows == ROWS_TARGETS || args->as.attention.is_causal ||
        args->as.attention.key_pages || args->as.attention.dropout.p > 0 || args->out[1].data)
        return step->op;
    return exec_attention(run->exec);
}

Status program_linear(const ProgramRun *run, const OpArgs *args, Error *err)
{
    if (run->bf16_products && program_low_takes(&args->in[1]))
        return program_low_linear(run->exec, args, err);
    return program_run_op(run, exec_linear(run->exec, &args->in[1]), args, err);
}

Status program_linear_backward(const ProgramRun *run, const OpArgs *args, Error *err)
{
    if (run->bf16_products && program_low_takes(&args->in[2]))
        return program_low_backward(run->exec, args, err);
    return program_run_op(run, OP_LINEAR_BACKWARD, args, err);
}

static Status run_with(ProgramRun *run, const ProgramStep *step, OpArgs *args, Error *err)
{
    if (step->op == NODE_EXPERTS)
        return step->is_backward ? program_experts_backward(run, step, args, err)
                                 : program_experts(run, step, args, err);
    if (step->op == OP_LINEAR_BACKWARD) return program_linear_backward(run, args, err);
    if (program_has_states(run, step)) return program_run_states(run, step, args, err);
    if (program_is_in_parts(run, step)) return program_run_parts(run, step, args, err);
    if (step->op == OP_LINEAR) return program_linear(run, args, err);
    return program_run_op(run, operation(run, step, args), args, err);
}

// The weights of the product after step i, among steps begin .. end; the first one follows the last, in the next unit.
static const float *next_weights(const ProgramRun *run, size_t i, size_t begin, size_t end)
{
    for (size_t n = 1; n < end - begin; n++) {
        const size_t at = i + n < end ? i + n : i + n - (end - begin);
        const ProgramStep *step = &run->program->steps[at];
        if (step->op == OP_LINEAR) return program_operand(run, &step->in[1]).data;
    }
    return NULL;
}

// What an attention that comes before the next product reads from pages.
static const FetchList *next_pages(const ProgramRun *run, size_t i, size_t end)
{
    for (size_t at = i + 1; run->unit.target_pages && at < end; at++) {
        const ProgramStep *step = &run->program->steps[at];
        if (step->op == OP_LINEAR) break;
        if (step->op == OP_ATTENTION && step->rows == ROWS_TARGETS)
            return &run->unit.target_pages[step->attention].fetch;
    }
    return NULL;
}

Status program_run_step(ProgramRun *run, size_t i, const ProgramStep *step, Error *err)
{
    const size_t n_forward = run->program->n_forward;
    const size_t first = i < n_forward ? 0 : n_forward,
                 last = i < n_forward ? n_forward : run->program->n_steps;
    OpArgs args;
    program_arguments(run, step, &args);
    if (step->op == OP_LINEAR) {
        args.as.linear.next = next_weights(run, i, first, last);
        args.as.linear.fetch = next_pages(run, i, last);
    }
    return run_with(run, step, &args, err);
}

Status program_run_next(ProgramRun *run, size_t i, size_t *n_run, Error *err)
{
    const ProgramStep *step = &run->program->steps[i];
    *n_run = program_is_pair(run, step) ? 2 : 1;
    return *n_run == 2 ? program_run_pair(run, step, err) : program_run_step(run, i, step, err);
}

// Steps begin .. end of one pass.
static Status run_steps(ProgramRun *run, size_t begin, size_t end, Error *err)
{
    for (size_t i = begin, n_run = 0; i < end; i += n_run) {
        n_run = run->program->steps[i].stretch;
        if (n_run > 0)
            TRY(program_run_stretch(run, i, err));
        else
            TRY(program_run_next(run, i, &n_run, err));
    }
    return STATUS_OK;
}

Status program_forward(ProgramRun *run, Error *err)
{
    return run_steps(run, 0, run->program->n_forward, err);
}

Status program_body(ProgramRun *run, Error *err)
{
    return run_steps(run, 0, run->program->n_body, err);
}

Status program_outputs(ProgramRun *run, size_t begin, Tensor *out, Error *err)
{
    const Program *p = run->program;
    const size_t n_left = run->n_outputs - begin, n_most = run->unit.outputs_at_once;
    const size_t n = n_most > 0 ? size_min(n_most, n_left) : n_left;
    if (p->n_body == p->n_forward) {
        *out = tensor_rows(program_output(run), begin, begin + n);
        return STATUS_OK;
    }
    run->part_begin = begin;
    run->part_rows = n;
    const Status s = run_steps(run, p->n_body, p->n_forward, err);
    *out = program_output(run);
    run->part_rows = 0;
    return s;
}

Status program_backward(ProgramRun *run, Error *err)
{
    return run_steps(run, run->program->n_forward, run->program->n_steps, err);
}
