// The backward pass of a program: for each node of the tape, from the last to the first, the steps that take the gradient
// of its value to those of its inputs and parameters.
#include "models/program/program_builder.h"

// to += from.
static void add_slot(ProgramBuilder *b, size_t to, size_t from)
{
    ProgramStep *step = builder_step(b, OP_ADD_SCALED, 0);
    step->in[0] = builder_whole(b, from);
    step->out[0] = builder_whole(b, to);
    if (builder_ok(b)) step->rows = b->program->slots[to].domain;
}

// `fresh` holds a further part of the gradient of `slot`. A slot that serves several values is not written.
static void contribute(ProgramBuilder *b, size_t slot, size_t fresh)
{
    if (!builder_ok(b)) return;
    const size_t old = b->gradient[slot];
    size_t sum = fresh;
    if (old != NO_SLOT) {
        if (b->shares[fresh] == 0) {
            add_slot(b, fresh, old);
        } else if (b->shares[old] == 1) {
            add_slot(b, old, fresh);
            return;
        } else { // both are still read elsewhere: dropout with p = 0 copies
            sum = builder_slot(b, b->program->slots[fresh].domain, b->program->slots[fresh].cols);
            ProgramStep *copy = builder_step(b, OP_DROPOUT, 0);
            copy->in[0] = builder_whole(b, fresh);
            copy->out[0] = builder_whole(b, sum);
            if (builder_ok(b)) copy->rows = b->program->slots[sum].domain;
            add_slot(b, sum, old);
        }
        b->shares[old]--;
    }
    b->gradient[slot] = sum;
    b->shares[sum]++;
}

// Where a step writes the gradient of v: a fresh slot, to be contributed after the step, or columns of the gradient of a
// value that is only used in parts.
typedef struct Target {
    Operand operand;
    size_t slot;  // whose gradient it is
    size_t fresh; // NO_SLOT where the columns are written in place
} Target;

static Target gradient_target(ProgramBuilder *b, Value v)
{
    Target target = {.fresh = NO_SLOT};
    if (!builder_ok(b)) return target;
    target.slot = b->slot_of[v.slot];
    if (!b->needs_gradient[target.slot]) return target;
    const ProgramSlot slot = b->program->slots[target.slot];
    if (value_cols(v) == slot.cols) {
        target.fresh = builder_slot(b, slot.domain, slot.cols);
        target.operand = builder_whole(b, target.fresh);
        return target;
    }
    if (b->gradient[target.slot] == NO_SLOT) {
        b->gradient[target.slot] = builder_slot(b, slot.domain, slot.cols);
        if (builder_ok(b)) b->shares[b->gradient[target.slot]] = 1;
    }
    b->covered[target.slot] += value_cols(v);
    target.operand = (Operand){
        .kind = OPERAND_SLOT, .index = b->gradient[target.slot], .begin = v.begin, .end = v.end};
    return target;
}

// The same of a value whose gradient has to lie somewhere: where none is wanted, in a slot that dies at once.
static Target placed_target(ProgramBuilder *b, Value v)
{
    Target target = gradient_target(b, v);
    if (target.operand.kind == OPERAND_NONE && builder_ok(b)) {
        const RowDomain domain = b->tape->slots[v.slot].domain;
        target.operand = builder_whole(b, builder_slot(b, domain, value_cols(v)));
    }
    return target;
}

static void finish_target(ProgramBuilder *b, Target target)
{
    if (target.fresh != NO_SLOT) contribute(b, target.slot, target.fresh);
}

static void backward_linear(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient)
{
    const Target dx = gradient_target(b, node->in[0]);
    ProgramStep *step = builder_step(b, OP_LINEAR_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    step->in[1] = builder_value(b, node->in[0]);
    step->in[2] = builder_param(node->params[0], node->row_begin, node->row_end);
    if (node->as.activation != ACTIVATION_NONE) step->in[3] = builder_whole(b, b->kept[0][index]);
    step->out[0] = dx.operand;
    step->out[1] = builder_gradient(b, node->params[0], node->row_begin, node->row_end);
    step->out[2] = builder_gradient(b, node->params[1], node->row_begin, node->row_end);
    finish_target(b, dx);
}

static void layer_norm_step(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient,
                            Operand ds)
{
    ProgramStep *step = builder_step(b, OP_LAYER_NORM_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    step->in[1] = builder_whole(b, b->kept[0][index]);
    step->in[2] = builder_whole(b, b->kept[1][index]);
    step->in[3] = builder_whole_param(b, node->params[0]);
    step->out[0] = ds;
    step->out[1] = builder_whole_gradient(b, node->params[0]);
    step->out[2] = builder_whole_gradient(b, node->params[1]);
}

static void backward_layer_norm(ProgramBuilder *b, const TapeNode *node, size_t index,
                                size_t gradient)
{
    if (!builder_ok(b)) return;
    if (value_cols(node->in[0]) < b->tape->slots[node->in[0].slot].cols) {
        const Target dx = placed_target(b, node->in[0]); // heads among the columns of a product
        layer_norm_step(b, node, index, gradient, dx.operand);
        finish_target(b, dx);
        return;
    }
    // One gradient for both terms of the sum.
    const size_t ds =
        builder_slot(b, b->tape->slots[node->out].domain, b->tape->slots[node->out].cols);
    layer_norm_step(b, node, index, gradient, builder_whole(b, ds));
    if (!builder_ok(b)) return;
    // Held, so that the first contribution does not write into it before the second has read it.
    b->shares[ds]++;
    for (size_t i = 0; i < node->n_in; i++) {
        const size_t slot = b->slot_of[node->in[i].slot];
        if (b->needs_gradient[slot]) contribute(b, slot, ds);
    }
    b->shares[ds]--;
}

static void backward_rms_norm(ProgramBuilder *b, const TapeNode *node, size_t index,
                              size_t gradient)
{
    const Target dx = placed_target(b, node->in[0]); // the weight alone may be trained
    ProgramStep *step = builder_step(b, OP_RMS_NORM_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    step->in[1] = builder_value(b, node->in[0]);
    step->in[2] = builder_whole(b, b->kept[0][index]);
    step->in[3] = builder_whole_param(b, node->params[0]);
    step->out[0] = dx.operand;
    step->out[1] = builder_whole_gradient(b, node->params[0]);
    finish_target(b, dx);
}

static void backward_gated(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient)
{
    if (!builder_ok(b)) return;
    Target targets[2];
    for (size_t i = 0; i < 2; i++) targets[i] = placed_target(b, node->in[i]);
    ProgramStep *step = builder_step(b, OP_GATED_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    for (size_t i = 0; i < 2; i++) {
        step->in[1 + i] = builder_value(b, node->in[i]);
        step->out[i] = targets[i].operand;
    }
    for (size_t i = 0; i < 2; i++) finish_target(b, targets[i]);
}

static void backward_conv(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient)
{
    const Target dx = gradient_target(b, node->in[0]);
    ProgramStep *step = builder_step(b, OP_CAUSAL_CONV_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    step->in[1] = builder_value(b, node->in[0]);
    step->in[2] = builder_whole_param(b, node->params[0]);
    step->out[0] = dx.operand;
    for (size_t i = 0; i < 2; i++) step->out[1 + i] = builder_whole_gradient(b, node->params[i]);
    finish_target(b, dx);
}

static void backward_delta_rule(ProgramBuilder *b, const TapeNode *node, size_t index,
                                size_t gradient)
{
    if (!builder_ok(b)) return;
    Target targets[4];
    for (size_t i = 0; i < 4; i++) targets[i] = placed_target(b, node->in[i]);
    ProgramStep *step = builder_step(b, OP_DELTA_RULE_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    for (size_t i = 0; i < 4; i++) {
        step->in[1 + i] = builder_value(b, node->in[i]);
        step->out[i] = targets[i].operand;
    }
    step->in[5] = builder_whole_param(b, node->params[0]);
    step->out[4] = builder_whole_gradient(b, node->params[0]);
    for (size_t i = 0; i < 4; i++) finish_target(b, targets[i]);
}

static void backward_heads(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient)
{
    Target targets[2];
    for (size_t i = 0; i < node->n_in; i++) targets[i] = gradient_target(b, node->in[i]);
    ProgramStep *step = builder_step(b, OP_HEADS_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    for (size_t i = 0; i < node->n_in; i++) step->out[i] = targets[i].operand;
    for (size_t i = 0; i < node->n_in; i++) finish_target(b, targets[i]);
}

// A term that stands in the sum as it is has the sum's own gradient.
static void backward_add(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient)
{
    for (size_t i = 0; builder_ok(b) && i < node->n_in; i++) {
        const size_t slot = b->slot_of[node->in[i].slot];
        const float factor = i == 0 ? node->as.add.a : node->as.add.b;
        if (!b->needs_gradient[slot]) continue;
        if (factor == 1.0f && value_cols(node->in[i]) == b->program->slots[slot].cols) {
            contribute(b, slot, gradient);
            continue;
        }
        const Target dx = gradient_target(b, node->in[i]);
        ProgramStep *step = builder_step(b, OP_ADD, index);
        step->in[0] = builder_whole(b, gradient);
        step->out[0] = dx.operand;
        step->add = (AddArgs){.a = factor};
        finish_target(b, dx);
    }
}

static void backward_attention(ProgramBuilder *b, const TapeNode *node, size_t index,
                               size_t gradient)
{
    if (!builder_ok(b)) return;
    Target targets[3];
    for (size_t i = 0; i < 3; i++) targets[i] = placed_target(b, node->in[i]);
    ProgramStep *step = builder_step(b, OP_ATTENTION_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    for (size_t i = 0; i < 3; i++) {
        step->in[1 + i] = builder_value(b, node->in[i]);
        step->out[i] = targets[i].operand;
    }
    step->in[4] = builder_whole(b, b->slot_of[node->out]);
    step->in[5] = builder_whole(b, b->kept[0][index]);
    if (node->n_params > 0) {
        for (size_t i = 0; i < 2; i++) { // relative bias and sinks
            step->in[6 + i] = builder_whole_param(b, node->params[i]);
            step->out[3 + i] = builder_whole_gradient(b, node->params[i]);
        }
    }
    step->key_rows = b->tape->slots[node->in[1].slot].domain;
    step->dropout = builder_dropout(b, node);
    step->site = node->site;
    for (size_t i = 0; i < 3; i++) finish_target(b, targets[i]);
}

static void backward_disentangled(ProgramBuilder *b, const TapeNode *node, size_t index,
                                  size_t gradient)
{
    if (!builder_ok(b)) return;
    Target targets[NODE_MAX_VALUES];
    for (size_t i = 0; i < node->n_in; i++) targets[i] = placed_target(b, node->in[i]);
    ProgramStep *step = builder_step(b, OP_DISENTANGLED_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    for (size_t i = 0; i < node->n_in; i++) {
        // Queries, keys and values, then what there is of positions' queries and keys.
        const size_t which = i == 3 && !node->as.attention.has_position_queries ? 4 : i;
        step->in[which < 3 ? 1 + which : 3 + which] = builder_value(b, node->in[i]);
        step->out[which] = targets[i].operand;
    }
    step->in[4] = builder_whole(b, b->slot_of[node->out]);
    step->in[5] = builder_whole(b, b->kept[0][index]);
    step->key_rows = b->tape->slots[node->in[1].slot].domain;
    step->dropout = builder_dropout(b, node);
    step->site = node->site;
    for (size_t i = 0; i < node->n_in; i++) finish_target(b, targets[i]);
}

static void backward_route(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient)
{
    const Target dx = gradient_target(b, node->in[0]);
    const Operand factors = builder_whole_gradient(b, node->params[1]);
    if (dx.operand.kind == OPERAND_NONE && factors.kind == OPERAND_NONE) return;
    ProgramStep *step = builder_step(b, OP_ROUTE_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    step->in[1] = builder_value(b, node->in[0]);
    step->in[2] = builder_whole(b, b->slot_of[node->as.route.chosen]);
    step->in[3] = builder_whole_param(b, node->params[1]);
    step->out[0] = dx.operand;
    step->out[1] = factors;
    finish_target(b, dx);
}

static void backward_experts(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient)
{
    const Target dx = gradient_target(b, node->in[0]), dw = gradient_target(b, node->in[1]);
    const ProgramExpert *experts = builder_experts(b, node);
    ProgramStep *step = builder_step(b, NODE_EXPERTS, index);
    step->in[0] = builder_whole(b, gradient);
    for (size_t i = 0; i < 3; i++) step->in[1 + i] = builder_value(b, node->in[i]);
    step->out[0] = dx.operand;
    step->out[1] = dw.operand;
    step->experts = experts;
    finish_target(b, dx);
    finish_target(b, dw);
}

static void backward_embedding(ProgramBuilder *b, const TapeNode *node, size_t index,
                               size_t gradient)
{
    ProgramStep *step = builder_step(b, OP_EMBEDDING_BACKWARD, index);
    step->in[0] = builder_whole(b, gradient);
    for (size_t i = 0; i < node->n_params; i++)
        step->out[i] = builder_whole_gradient(b, node->params[i]);
    step->out[0].begin = node->as.embedding.first_row;
    const Param *word = &b->tape->params[node->params[0]];
    const bool *by_row = b->options->by_row;
    const bool is_by_row = word->is_gathered || (by_row && by_row[node->params[0]] &&
                                                 !node->as.embedding.is_by_position);
    if (builder_ok(b) && is_by_row && step->out[0].kind != OPERAND_NONE) {
        step->out[0] = (Operand){.kind = OPERAND_ROWS, .index = node->params[0]};
        b->program->uses_rows = true;
        b->program->rows_cols = word->cols;
    }
}

// Dropout, selection, pooling, rotations and caps: one input, one gradient, no parameters.
static void backward_simple(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient,
                            OpKind op)
{
    const Target dx = gradient_target(b, node->in[0]);
    if (dx.operand.kind == OPERAND_NONE) return;
    ProgramStep *step = builder_step(b, op, index);
    step->in[0] = builder_whole(b, gradient);
    if (op == OP_ROPE)
        step->in[1] = builder_angles(b, node->as.rope.table, b->tape->slots[node->out].domain);
    if (op == OP_SOFT_CAP_BACKWARD) step->in[1] = builder_whole(b, b->slot_of[node->out]);
    step->out[0] = dx.operand;
    step->dropout = builder_dropout(b, node);
    step->site = node->site;
    finish_target(b, dx);
}

// The steps that take `gradient`, that of the node's value, further.
static void backward_op(ProgramBuilder *b, const TapeNode *node, size_t index, size_t gradient)
{
    switch (node->op) {
    case OP_LINEAR:
        backward_linear(b, node, index, gradient);
        break;
    case OP_LAYER_NORM:
        backward_layer_norm(b, node, index, gradient);
        break;
    case OP_ATTENTION:
        backward_attention(b, node, index, gradient);
        break;
    case OP_DISENTANGLED:
        backward_disentangled(b, node, index, gradient);
        break;
    case OP_RMS_NORM:
        backward_rms_norm(b, node, index, gradient);
        break;
    case OP_GATED:
        backward_gated(b, node, index, gradient);
        break;
    case OP_DELTA_RULE:
        backward_delta_rule(b, node, index, gradient);
        break;
    case OP_CAUSAL_CONV:
        backward_conv(b, node, index, gradient);
        break;
    case OP_HEADS:
        backward_heads(b, node, index, gradient);
        break;
    case OP_ADD:
        backward_add(b, node, index, gradient);
        break;
    case OP_ROPE:
        backward_simple(b, node, index, gradient, OP_ROPE);
        break;
    case OP_SOFT_CAP:
        backward_simple(b, node, index, gradient, OP_SOFT_CAP_BACKWARD);
        break;
    case OP_EMBEDDING:
        backward_embedding(b, node, index, gradient);
        break;
    case OP_DROPOUT:
        backward_simple(b, node, index, gradient, OP_DROPOUT);
        break;
    case OP_SELECT_ROWS:
        backward_simple(b, node, index, gradient, OP_SELECT_ROWS_BACKWARD);
        break;
    case OP_ROUTE:
        backward_route(b, node, index, gradient);
        break;
    case NODE_EXPERTS:
        backward_experts(b, node, index, gradient);
        break;
    case OP_MEAN_POOL:
        backward_simple(b, node, index, gradient, OP_MEAN_POOL_BACKWARD);
        break;
    // Those that no tape records (tape_ops.c).
    case OP_EMBEDDING_BACKWARD:
    case OP_LINEAR_I8:
    case OP_LINEAR_BF16:
    case OP_LINEAR_BACKWARD:
    case OP_LAYER_NORM_BACKWARD:
    case OP_RMS_NORM_BACKWARD:
    case OP_HEADS_BACKWARD:
    case OP_GATED_BACKWARD:
    case OP_SOFT_CAP_BACKWARD:
    case OP_ATTENTION_BF16:
    case OP_ATTENTION_BACKWARD:
    case OP_DISENTANGLED_BACKWARD:
    case OP_CAUSAL_CONV_BACKWARD:
    case OP_DELTA_RULE_BACKWARD:
    case OP_SELECT_ROWS_BACKWARD:
    case OP_MEAN_POOL_BACKWARD:
    case OP_SOFTMAX:
    case OP_ROUTE_BACKWARD:
    case OP_LOG_SUM_EXP:
    case OP_CROSS_ENTROPY:
    case OP_ADD_SCALED:
    case OP_SCALE:
    case OP_SQUARED_NORM:
    case OP_ADAMW:
    case OP_GEMM:
    case OP_FEED_FORWARD_I8:
        b->status = error_set(b->err, STATUS_INTERNAL,
                              "recording the model: operation %d has no backward", (int)node->op);
    }
}

static void backward_node(ProgramBuilder *b, size_t index)
{
    const TapeNode *node = &b->tape->nodes[index];
    const size_t out = b->slot_of[node->out];
    if (node->op == OP_DROPOUT && !(builder_dropout(b, node) > 0)) return;
    const size_t gradient = b->gradient[out];
    if (gradient == NO_SLOT || !b->needs_gradient[out]) return;
    if (b->covered[out] != 0 && b->covered[out] != b->program->slots[out].cols) {
        b->status = error_set(b->err, STATUS_INTERNAL,
                              "recording the model: parts of a value do not make up the whole");
        return;
    }
    const size_t first = b->program->n_steps;
    backward_op(b, node, index, gradient);
    if (!builder_ok(b)) return;
    for (size_t i = first; i < b->program->n_steps; i++) {
        ProgramStep *step = &b->program->steps[i];
        if (step->op == OP_ADD_SCALED || step->node != index) continue;
        step->rows = b->tape->slots[node->out].domain;
        step->is_backward = true;
    }
    b->shares[gradient]--;
}

void program_build_backward(ProgramBuilder *b)
{
    Program *p = b->program;
    if (!builder_ok(b) || !b->needs_gradient[p->output]) return;
    p->output_gradient = builder_slot(b, p->slots[p->output].domain, p->slots[p->output].cols);
    b->gradient[p->output] = p->output_gradient;
    b->shares[p->output_gradient] = 1;
    for (size_t i = b->tape->n_nodes; builder_ok(b) && i-- > 0;) backward_node(b, i);
}
