#include <assert.h>
#include <string.h>

#include "base/size.h"
#include "models/program.h"

static const size_t NONE = SIZE_MAX;

// A program under construction. Arrays named by_node and by_slot follow the tape's nodes and the program's slots.
typedef struct Builder {
    Program *program;
    const Tape *tape;
    const ProgramOptions *options;
    Arena *arena;
    Status status;
    Error *err;
    size_t *slot_of; // program slot of each tape slot; an elided dropout shares that of its input
    // What the forward pass leaves for the backward pass.
    size_t *kept[2]; // by_node: value before the activation | sum; log-sum-exp | mean and rstd
    // Of the backward pass.
    size_t *gradient; // by_slot: slot of its gradient, or NONE
    size_t *covered;  // by_slot: columns of the gradient written so far, where it comes in parts
    unsigned *shares; // by_slot: values whose gradient lies there and was not yet used
    bool *needs_gradient; // by_slot
    size_t n_tracked;     // length of the four above
    size_t next_attention;
    ProgramStep spare; // where steps go after a failure; never read
} Builder;

static bool ok(const Builder *b)
{
    return b->status == STATUS_OK;
}

static void *take(Builder *b, size_t count, size_t size)
{
    void *memory = NULL;
    if (ok(b)) b->status = arena_take(b->arena, count, size, "a model's program", &memory, b->err);
    return memory;
}

// ---- growing ----

static size_t new_slot(Builder *b, RowDomain domain, size_t cols)
{
    Program *p = b->program;
    if (!ok(b)) return 0;
    assert(p->n_slots < p->slots_capacity); // program_build counts how many there can be
    p->slots[p->n_slots] = (ProgramSlot){.domain = domain, .cols = cols};
    return p->n_slots++;
}

static ProgramStep *new_step(Builder *b, OpKind op, size_t node)
{
    Program *p = b->program;
    if (!ok(b)) {
        b->spare = (ProgramStep){0};
        return &b->spare;
    }
    assert(p->n_steps < p->steps_capacity);
    ProgramStep *step = &p->steps[p->n_steps++];
    *step = (ProgramStep){.op = op, .node = node};
    return step;
}

// ---- operands ----

static Operand whole(const Builder *b, size_t slot)
{
    if (!ok(b)) return (Operand){0};
    return (Operand){.kind = OPERAND_SLOT, .index = slot, .end = b->program->slots[slot].cols};
}

static Operand value(const Builder *b, Value v)
{
    if (!ok(b)) return (Operand){0};
    return (Operand){
        .kind = OPERAND_SLOT, .index = b->slot_of[v.slot], .begin = v.begin, .end = v.end};
}

static Operand param(const Builder *b, ParamId id, size_t begin, size_t end)
{
    (void)b;
    if (id == PARAM_NONE) return (Operand){0};
    return (Operand){.kind = OPERAND_PARAM, .index = id, .begin = begin, .end = end};
}

static Operand whole_param(const Builder *b, ParamId id)
{
    if (id == PARAM_NONE) return (Operand){0};
    const Param *p = &b->tape->params[id];
    return param(b, id, 0, p->is_vector ? p->cols : p->rows);
}

static bool is_trained(const Builder *b, ParamId id)
{
    return id != PARAM_NONE && b->options->is_training && b->options->trained[id] &&
           b->tape->params[id].source == PARAM_TRAINED;
}

// The gradient of a parameter, or nothing where it is not trained.
static Operand gradient_of_param(const Builder *b, ParamId id, size_t begin, size_t end)
{
    if (!is_trained(b, id)) return (Operand){0};
    return (Operand){.kind = OPERAND_GRADIENT, .index = id, .begin = begin, .end = end};
}

static Operand whole_gradient(const Builder *b, ParamId id)
{
    if (id == PARAM_NONE) return (Operand){0};
    const Param *p = &b->tape->params[id];
    return gradient_of_param(b, id, 0, p->is_vector ? p->cols : p->rows);
}

// The angles of a rotation's rows, shared by all that turn alike.
static Operand angles(Builder *b, RopeId rope, RowDomain domain)
{
    Program *p = b->program;
    if (!ok(b)) return (Operand){0};
    size_t i = 0;
    while (i < p->n_angles && (p->angles[i].rope != rope || p->angles[i].domain != domain)) i++;
    if (i == p->n_angles) {
        assert(p->n_angles < p->angles_capacity);
        p->angles[p->n_angles++] = (ProgramAngles){.rope = rope, .domain = domain};
    }
    return (Operand){.kind = OPERAND_ANGLES, .index = i};
}

static float dropout_of(const Builder *b, const TapeNode *node)
{
    if (!b->options->is_training) return 0.0f;
    return b->options->dropout >= 0 ? b->options->dropout : node->dropout;
}

// ---- forward ----

static void mark_needs(Builder *b, const TapeNode *node, size_t out)
{
    bool needs = b->needs_gradient[out];
    for (size_t i = 0; i < node->n_params; i++) needs = needs || is_trained(b, node->params[i]);
    for (size_t i = 0; i < node->n_in; i++)
        needs = needs || b->needs_gradient[b->slot_of[node->in[i].slot]];
    b->needs_gradient[out] = needs;
}

// What an operation keeps for its backward pass, as further outputs.
static void keep_for_backward(Builder *b, const TapeNode *node, size_t index, ProgramStep *step,
                              RowDomain domain)
{
    const size_t cols = b->tape->slots[node->out].cols;
    if (node->op == OP_LINEAR && node->as.activation != ACTIVATION_NONE) {
        b->kept[0][index] = new_slot(b, domain, cols);
        step->out[1] = whole(b, b->kept[0][index]);
    } else if (node->op == OP_LAYER_NORM) {
        b->kept[0][index] = new_slot(b, domain, cols);
        b->kept[1][index] = new_slot(b, domain, 2);
        step->out[1] = whole(b, b->kept[0][index]);
        step->out[2] = whole(b, b->kept[1][index]);
    } else if (node->op == OP_RMS_NORM) {
        const size_t width = b->tape->params[node->params[0]].cols;
        b->kept[0][index] = new_slot(b, domain, cols / width);
        step->out[1] = whole(b, b->kept[0][index]);
    } else if (node->op == OP_ATTENTION) {
        b->kept[0][index] = new_slot(b, domain, node->as.attention.n_heads);
        step->out[1] = whole(b, b->kept[0][index]);
    }
}

static void set_params(Builder *b, const TapeNode *node, ProgramStep *step)
{
    if (node->op == OP_ATTENTION && node->n_params > 0) {
        step->in[3] = whole_param(b, node->params[0]);
    } else if (node->op == OP_EMBEDDING) {
        for (size_t i = 0; i < node->n_params; i++) step->in[i] = whole_param(b, node->params[i]);
    } else if (node->op == OP_LINEAR) {
        step->in[1] = param(b, node->params[0], node->row_begin, node->row_end);
        step->in[2] = param(b, node->params[1], node->row_begin, node->row_end);
    } else if (node->op == OP_LAYER_NORM) {
        step->in[2] = whole_param(b, node->params[0]);
        step->in[3] = whole_param(b, node->params[1]);
    } else if (node->op == OP_RMS_NORM) {
        step->in[1] = whole_param(b, node->params[0]);
    } else if (node->op == OP_ROPE) {
        step->in[1] = angles(b, node->as.rope.table, step->rows);
    } else if (node->op == OP_ADD) {
        step->add = node->as.add;
    }
}

// Whether the program of this part makes values with rows of this domain.
static bool is_in_part(const Builder *b, RowDomain domain)
{
    const ProgramPart part = b->options->part;
    return part == PROGRAM_WHOLE || (part == PROGRAM_TARGETS) == (domain == ROWS_TARGETS);
}

static bool has_value(const Builder *b, Value v)
{
    return is_in_part(b, b->tape->slots[v.slot].domain);
}

static bool is_target_attention(const Tape *tape, const TapeNode *node)
{
    return node->op == OP_ATTENTION && tape->slots[node->out].domain == ROWS_TARGETS;
}

// Lists the attentions of the targets; the source's keys for them live to the end.
static void list_attentions(Builder *b)
{
    Program *p = b->program;
    const Tape *tape = b->tape;
    p->attentions = take(b, tape->n_nodes, sizeof *p->attentions);
    for (size_t i = 0; ok(b) && i < tape->n_nodes; i++) {
        const TapeNode *node = &tape->nodes[i];
        if (!is_target_attention(tape, node)) continue;
        ProgramAttention *a = &p->attentions[p->n_attentions++];
        *a =
            (ProgramAttention){.cols = value_cols(node->in[1]),
                               .is_of_source = tape->slots[node->in[1].slot].domain == ROWS_TOKENS};
        if (b->options->part != PROGRAM_SOURCE || !a->is_of_source) continue;
        a->keys = value(b, node->in[1]);
        a->values = value(b, node->in[2]);
        p->slots[a->keys.index].is_pinned = p->slots[a->values.index].is_pinned = true;
    }
}

static void forward_node(Builder *b, size_t index)
{
    const TapeNode *node = &b->tape->nodes[index];
    const RowDomain domain = b->tape->slots[node->out].domain;
    const float p = dropout_of(b, node);
    if (!is_in_part(b, domain)) return;
    if (node->op == OP_DROPOUT && !(p > 0)) {
        b->slot_of[node->out] = b->slot_of[node->in[0].slot];
        return;
    }
    const size_t out = new_slot(b, domain, b->tape->slots[node->out].cols);
    b->slot_of[node->out] = out;
    ProgramStep *step = new_step(b, node->op, index);
    if (!ok(b)) return;
    step->rows = domain;
    step->key_rows = node->op == OP_ATTENTION ? b->tape->slots[node->in[1].slot].domain : domain;
    step->dropout = p;
    step->site = node->site;
    for (size_t i = 0; i < node->n_in; i++) {
        if (has_value(b, node->in[i])) step->in[i] = value(b, node->in[i]);
    }
    if (is_target_attention(b->tape, node)) step->attention = b->next_attention++;
    set_params(b, node, step);
    step->out[0] = whole(b, out);
    mark_needs(b, node, out);
    if (b->options->is_training && b->needs_gradient[out])
        keep_for_backward(b, node, index, step, domain);
}

// ---- backward ----

// to += from.
static void add_slot(Builder *b, size_t to, size_t from)
{
    ProgramStep *step = new_step(b, OP_ADD_SCALED, 0);
    step->in[0] = whole(b, from);
    step->out[0] = whole(b, to);
    if (ok(b)) step->rows = b->program->slots[to].domain;
}

// `fresh` holds a further part of the gradient of `slot`. A slot that serves several values is not written.
static void contribute(Builder *b, size_t slot, size_t fresh)
{
    if (!ok(b)) return;
    const size_t old = b->gradient[slot];
    size_t sum = fresh;
    if (old != NONE) {
        if (b->shares[fresh] == 0) {
            add_slot(b, fresh, old);
        } else if (b->shares[old] == 1) {
            add_slot(b, old, fresh);
            return;
        } else { // both are still read elsewhere: dropout with p = 0 copies
            sum = new_slot(b, b->program->slots[fresh].domain, b->program->slots[fresh].cols);
            ProgramStep *copy = new_step(b, OP_DROPOUT, 0);
            copy->in[0] = whole(b, fresh);
            copy->out[0] = whole(b, sum);
            if (ok(b)) copy->rows = b->program->slots[sum].domain;
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
    size_t fresh; // NONE where the columns are written in place
} Target;

static Target gradient_target(Builder *b, Value v)
{
    Target target = {.fresh = NONE};
    if (!ok(b)) return target;
    target.slot = b->slot_of[v.slot];
    if (!b->needs_gradient[target.slot]) return target;
    const ProgramSlot slot = b->program->slots[target.slot];
    if (value_cols(v) == slot.cols) {
        target.fresh = new_slot(b, slot.domain, slot.cols);
        target.operand = whole(b, target.fresh);
        return target;
    }
    if (b->gradient[target.slot] == NONE) {
        b->gradient[target.slot] = new_slot(b, slot.domain, slot.cols);
        if (ok(b)) b->shares[b->gradient[target.slot]] = 1;
    }
    b->covered[target.slot] += value_cols(v);
    target.operand = (Operand){
        .kind = OPERAND_SLOT, .index = b->gradient[target.slot], .begin = v.begin, .end = v.end};
    return target;
}

static void finish_target(Builder *b, Target target)
{
    if (target.fresh != NONE) contribute(b, target.slot, target.fresh);
}

static void backward_linear(Builder *b, const TapeNode *node, size_t index, size_t gradient)
{
    const Target dx = gradient_target(b, node->in[0]);
    ProgramStep *step = new_step(b, OP_LINEAR_BACKWARD, index);
    step->in[0] = whole(b, gradient);
    step->in[1] = value(b, node->in[0]);
    step->in[2] = param(b, node->params[0], node->row_begin, node->row_end);
    if (node->as.activation != ACTIVATION_NONE) step->in[3] = whole(b, b->kept[0][index]);
    step->out[0] = dx.operand;
    step->out[1] = gradient_of_param(b, node->params[0], node->row_begin, node->row_end);
    step->out[2] = gradient_of_param(b, node->params[1], node->row_begin, node->row_end);
    finish_target(b, dx);
}

static void backward_layer_norm(Builder *b, const TapeNode *node, size_t index, size_t gradient)
{
    if (!ok(b)) return;
    // One gradient for both terms of the sum.
    const size_t ds = new_slot(b, b->tape->slots[node->out].domain, b->tape->slots[node->out].cols);
    ProgramStep *step = new_step(b, OP_LAYER_NORM_BACKWARD, index);
    step->in[0] = whole(b, gradient);
    step->in[1] = whole(b, b->kept[0][index]);
    step->in[2] = whole(b, b->kept[1][index]);
    step->in[3] = whole_param(b, node->params[0]);
    step->out[0] = whole(b, ds);
    step->out[1] = whole_gradient(b, node->params[0]);
    step->out[2] = whole_gradient(b, node->params[1]);
    if (!ok(b)) return;
    b->shares
        [ds]++; // held, so that the first contribution does not write into it before the second has read it
    for (size_t i = 0; i < node->n_in; i++) {
        const size_t slot = b->slot_of[node->in[i].slot];
        if (b->needs_gradient[slot]) contribute(b, slot, ds);
    }
    b->shares[ds]--;
}

static void backward_rms_norm(Builder *b, const TapeNode *node, size_t index, size_t gradient)
{
    const Target dx = gradient_target(b, node->in[0]);
    Operand to = dx.operand;
    if (to.kind == OPERAND_NONE && ok(b)) { // the weight alone is trained: dx dies at once
        to =
            whole(b, new_slot(b, b->tape->slots[node->out].domain, b->tape->slots[node->out].cols));
    }
    ProgramStep *step = new_step(b, OP_RMS_NORM_BACKWARD, index);
    step->in[0] = whole(b, gradient);
    step->in[1] = value(b, node->in[0]);
    step->in[2] = whole(b, b->kept[0][index]);
    step->in[3] = whole_param(b, node->params[0]);
    step->out[0] = to;
    step->out[1] = whole_gradient(b, node->params[0]);
    finish_target(b, dx);
}

static void backward_gated(Builder *b, const TapeNode *node, size_t index, size_t gradient)
{
    if (!ok(b)) return;
    Target targets[2];
    for (size_t i = 0; i < 2; i++) {
        targets[i] = gradient_target(b, node->in[i]);
        if (targets[i].operand.kind == OPERAND_NONE && ok(b)) {
            const RowDomain domain = b->tape->slots[node->in[i].slot].domain;
            targets[i].operand = whole(b, new_slot(b, domain, value_cols(node->in[i])));
        }
    }
    ProgramStep *step = new_step(b, OP_GATED_BACKWARD, index);
    step->in[0] = whole(b, gradient);
    for (size_t i = 0; i < 2; i++) {
        step->in[1 + i] = value(b, node->in[i]);
        step->out[i] = targets[i].operand;
    }
    for (size_t i = 0; i < 2; i++) finish_target(b, targets[i]);
}

// A term that stands in the sum as it is has the sum's own gradient.
static void backward_add(Builder *b, const TapeNode *node, size_t index, size_t gradient)
{
    for (size_t i = 0; ok(b) && i < node->n_in; i++) {
        const size_t slot = b->slot_of[node->in[i].slot];
        const float factor = i == 0 ? node->as.add.a : node->as.add.b;
        if (!b->needs_gradient[slot]) continue;
        if (factor == 1.0f && value_cols(node->in[i]) == b->program->slots[slot].cols) {
            contribute(b, slot, gradient);
            continue;
        }
        const Target dx = gradient_target(b, node->in[i]);
        ProgramStep *step = new_step(b, OP_ADD, index);
        step->in[0] = whole(b, gradient);
        step->out[0] = dx.operand;
        step->add = (AddArgs){.a = factor};
        finish_target(b, dx);
    }
}

static void backward_attention(Builder *b, const TapeNode *node, size_t index, size_t gradient)
{
    if (!ok(b)) return;
    // dq, dk and dv always have a place; where none is wanted, the slot dies at once.
    Target targets[3];
    for (size_t i = 0; i < 3; i++) {
        targets[i] = gradient_target(b, node->in[i]);
        if (targets[i].operand.kind == OPERAND_NONE && ok(b)) {
            const RowDomain domain = b->tape->slots[node->in[i].slot].domain;
            targets[i].operand = whole(b, new_slot(b, domain, value_cols(node->in[i])));
        }
    }
    ProgramStep *step = new_step(b, OP_ATTENTION_BACKWARD, index);
    step->in[0] = whole(b, gradient);
    for (size_t i = 0; i < 3; i++) {
        step->in[1 + i] = value(b, node->in[i]);
        step->out[i] = targets[i].operand;
    }
    step->in[4] = whole(b, b->slot_of[node->out]);
    step->in[5] = whole(b, b->kept[0][index]);
    if (node->n_params > 0) {
        step->in[6] = whole_param(b, node->params[0]);
        step->out[3] = whole_gradient(b, node->params[0]);
    }
    step->key_rows = b->tape->slots[node->in[1].slot].domain;
    step->dropout = dropout_of(b, node);
    step->site = node->site;
    for (size_t i = 0; i < 3; i++) finish_target(b, targets[i]);
}

static void backward_embedding(Builder *b, const TapeNode *node, size_t index, size_t gradient)
{
    ProgramStep *step = new_step(b, OP_EMBEDDING_BACKWARD, index);
    step->in[0] = whole(b, gradient);
    for (size_t i = 0; i < node->n_params; i++) step->out[i] = whole_gradient(b, node->params[i]);
    const Param *word = &b->tape->params[node->params[0]];
    if (ok(b) && word->is_gathered && step->out[0].kind != OPERAND_NONE) {
        step->out[0] = (Operand){.kind = OPERAND_ROWS, .index = node->params[0]};
        b->program->uses_rows = true;
        b->program->rows_cols = word->cols;
    }
}

// Dropout, selection, pooling, rotations and caps: one input, one gradient, no parameters.
static void backward_simple(Builder *b, const TapeNode *node, size_t index, size_t gradient,
                            OpKind op)
{
    const Target dx = gradient_target(b, node->in[0]);
    if (dx.operand.kind == OPERAND_NONE) return;
    ProgramStep *step = new_step(b, op, index);
    step->in[0] = whole(b, gradient);
    if (op == OP_ROPE)
        step->in[1] = angles(b, node->as.rope.table, b->tape->slots[node->out].domain);
    if (op == OP_SOFT_CAP_BACKWARD) step->in[1] = whole(b, b->slot_of[node->out]);
    step->out[0] = dx.operand;
    step->dropout = dropout_of(b, node);
    step->site = node->site;
    finish_target(b, dx);
}

static void backward_node(Builder *b, size_t index)
{
    const TapeNode *node = &b->tape->nodes[index];
    const size_t out = b->slot_of[node->out];
    if (node->op == OP_DROPOUT && !(dropout_of(b, node) > 0)) return;
    const size_t gradient = b->gradient[out];
    if (gradient == NONE || !b->needs_gradient[out]) return;
    if (b->covered[out] != 0 && b->covered[out] != b->program->slots[out].cols) {
        b->status = error_set(b->err, STATUS_INTERNAL,
                              "recording the model: parts of a value do not make up the whole");
        return;
    }
    const size_t first = b->program->n_steps;
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
    case OP_RMS_NORM:
        backward_rms_norm(b, node, index, gradient);
        break;
    case OP_GATED:
        backward_gated(b, node, index, gradient);
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
    case OP_MEAN_POOL:
        backward_simple(b, node, index, gradient, OP_MEAN_POOL_BACKWARD);
        break;
    default:
        b->status = error_set(b->err, STATUS_INTERNAL,
                              "recording the model: operation %d has no backward", (int)node->op);
    }
    if (!ok(b)) return;
    for (size_t i = first; i < b->program->n_steps; i++) {
        ProgramStep *step = &b->program->steps[i];
        if (step->op == OP_ADD_SCALED || step->node != index) continue;
        step->rows = b->tape->slots[node->out].domain;
        step->is_backward = true;
    }
    b->shares[gradient]--;
}

// ---- all of it ----

static void start(Builder *b)
{
    const Tape *tape = b->tape;
    Program *p = b->program;
    // A node makes at most one value and two kept ones, and backward at most three gradients, a sum and a copy.
    p->slots_capacity = 12 * tape->n_nodes + 4;
    p->steps_capacity = 16 * tape->n_nodes + 4;
    p->slots = take(b, p->slots_capacity, sizeof *p->slots);
    p->steps = take(b, p->steps_capacity, sizeof *p->steps);
    p->angles_capacity = ROW_DOMAIN_COUNT * tape->n_ropes;
    p->angles = take(b, p->angles_capacity, sizeof *p->angles);
    b->n_tracked = p->slots_capacity;
    b->slot_of = take(b, tape->n_slots, sizeof *b->slot_of);
    for (size_t i = 0; i < 2; i++) b->kept[i] = take(b, tape->n_nodes, sizeof **b->kept);
    b->gradient = take(b, b->n_tracked, sizeof *b->gradient);
    b->covered = take(b, b->n_tracked, sizeof *b->covered);
    b->shares = take(b, b->n_tracked, sizeof *b->shares);
    b->needs_gradient = take(b, b->n_tracked, sizeof *b->needs_gradient);
    for (size_t i = 0; ok(b) && i < b->n_tracked; i++) b->gradient[i] = NONE;
}

static void build_backward(Builder *b)
{
    Program *p = b->program;
    if (!ok(b) || !b->needs_gradient[p->output]) return;
    p->output_gradient = new_slot(b, p->slots[p->output].domain, p->slots[p->output].cols);
    b->gradient[p->output] = p->output_gradient;
    b->shares[p->output_gradient] = 1;
    for (size_t i = b->tape->n_nodes; ok(b) && i-- > 0;) backward_node(b, i);
}

static void recompute(Builder *b)
{
    size_t *bounds = take(b, b->tape->n_hidden, sizeof *bounds);
    for (size_t i = 0; ok(b) && i < b->tape->n_hidden; i++)
        bounds[i] = b->slot_of[b->tape->hidden[i].slot];
    if (ok(b))
        b->status = program_recompute(b->program, bounds, b->tape->n_hidden, b->arena, b->err);
}

Status program_build(const Tape *tape, const ProgramOptions *options, Arena *arena, Program **out,
                     Error *err)
{
    Builder b = {.tape = tape, .options = options, .arena = arena, .err = err};
    assert(tape->has_output && tape->status == STATUS_OK);
    b.program = take(&b, 1, sizeof *b.program);
    if (!ok(&b)) return b.status;
    Program *p = b.program;
    p->tape = tape;
    p->output_gradient = NONE;
    start(&b);
    for (size_t i = 0; ok(&b) && i < tape->n_nodes; i++) forward_node(&b, i);
    if (!ok(&b)) return b.status;
    p->n_forward = p->n_steps;
    list_attentions(&b);
    if (!ok(&b)) return b.status;
    p->output = b.slot_of[tape->output.slot];
    if (options->keeps_hidden) {
        p->hidden = take(&b, tape->n_hidden, sizeof *p->hidden);
        for (size_t i = 0; ok(&b) && i < tape->n_hidden; i++) {
            p->hidden[i] = b.slot_of[tape->hidden[i].slot];
            p->slots[p->hidden[i]].is_pinned = true;
        }
    }
    if (options->is_training) build_backward(&b);
    if (options->is_training && options->recomputes) recompute(&b);
    if (ok(&b)) b.status = program_plan(p, arena, err);
    if (ok(&b)) *out = p;
    return b.status;
}
