#include <assert.h>

#include "kernels/attention.h"
#include "models/program/program_builder.h"

static void mark_needs(ProgramBuilder *b, const TapeNode *node, size_t out)
{
    bool needs = b->needs_gradient[out];
    for (size_t i = 0; i < node->n_params; i++) needs = needs || builder_trains(b, node->params[i]);
    for (size_t i = 0; node->op == NODE_EXPERTS && i < node->as.experts.n; i++) {
        const TapeExpert *expert = &node->as.experts.list[i];
        for (size_t k = 0; k < EXPERT_LAYERS; k++)
            needs = needs || builder_trains(b, expert->weights[k]) ||
                    builder_trains(b, expert->biases[k]);
    }
    for (size_t i = 0; i < node->n_in; i++)
        needs = needs || b->needs_gradient[b->slot_of[node->in[i].slot]];
    b->needs_gradient[out] = needs;
}

// What an operation keeps for its backward pass, as further outputs.
static void keep_for_backward(ProgramBuilder *b, const TapeNode *node, size_t index,
                              ProgramStep *step, RowDomain domain)
{
    const size_t cols = b->tape->slots[node->out].cols;
    if (node->op == OP_LINEAR && node->as.activation != ACTIVATION_NONE) {
        b->kept[0][index] = builder_slot(b, domain, cols);
        step->out[1] = builder_whole(b, b->kept[0][index]);
    } else if (node->op == OP_LAYER_NORM) {
        b->kept[0][index] = builder_slot(b, domain, cols);
        const size_t group = node->as.norm.group > 0 ? node->as.norm.group : cols;
        b->kept[1][index] = builder_slot(b, domain, 2 * (cols / group));
        step->out[1] = builder_whole(b, b->kept[0][index]);
        step->out[2] = builder_whole(b, b->kept[1][index]);
    } else if (node->op == OP_RMS_NORM) {
        const size_t width = b->tape->params[node->params[0]].cols;
        b->kept[0][index] = builder_slot(b, domain, cols / width);
        step->out[1] = builder_whole(b, b->kept[0][index]);
    } else if (node->op == OP_ATTENTION || node->op == OP_DISENTANGLED) {
        b->kept[0][index] = builder_slot(b, domain, node->as.attention.n_heads);
        step->out[1] = builder_whole(b, b->kept[0][index]);
    }
}

static void set_params(ProgramBuilder *b, const TapeNode *node, ProgramStep *step)
{
    if (node->op == OP_ATTENTION && node->n_params > 0) {
        step->in[3] = builder_whole_param(b, node->params[0]);
        step->in[4] = builder_whole_param(b, node->params[1]);
    } else if (node->op == OP_EMBEDDING) {
        for (size_t i = 0; i < node->n_params; i++)
            step->in[i] = builder_whole_param(b, node->params[i]);
        step->in[0].begin = node->as.embedding.first_row;
    } else if (node->op == OP_LINEAR) {
        step->in[1] = builder_param(node->params[0], node->row_begin, node->row_end);
        step->in[2] = builder_param(node->params[1], node->row_begin, node->row_end);
    } else if (node->op == OP_LAYER_NORM) {
        step->in[2] = builder_whole_param(b, node->params[0]);
        step->in[3] = builder_whole_param(b, node->params[1]);
    } else if (node->op == OP_DELTA_RULE) {
        step->in[4] = builder_whole_param(b, node->params[0]);
    } else if (node->op == OP_CAUSAL_CONV || node->op == OP_ROUTE) {
        step->in[1] = builder_whole_param(b, node->params[0]);
        step->in[2] = builder_whole_param(b, node->params[1]);
    } else if (node->op == OP_RMS_NORM) {
        step->in[1] = builder_whole_param(b, node->params[0]);
    } else if (node->op == OP_ROPE) {
        step->in[1] = builder_angles(b, node->as.rope.table, step->rows);
    } else if (node->op == OP_DISENTANGLED && !node->as.attention.has_position_queries) {
        step->in[4] = step->in[3];
        step->in[3] = (Operand){0};
    } else if (node->op == OP_ADD) {
        step->add = node->as.add;
    } else if (node->op == NODE_EXPERTS) {
        step->experts = builder_experts(b, node);
    }
}

// A route's second value, which has no gradient: the columns that were chosen.
static void place_chosen(ProgramBuilder *b, const TapeNode *node, ProgramStep *step)
{
    const size_t tape_slot = node->as.route.chosen;
    const TapeSlot *slot = &b->tape->slots[tape_slot];
    b->slot_of[tape_slot] = builder_slot(b, slot->domain, slot->cols);
    step->out[1] = builder_whole(b, b->slot_of[tape_slot]);
}

// Whether the program of this part makes values with rows of this domain.
static bool is_in_part(const ProgramBuilder *b, RowDomain domain)
{
    const ProgramPart part = b->options->part;
    return part == PROGRAM_WHOLE || (part == PROGRAM_TARGETS) == (domain == ROWS_TARGETS);
}

static bool has_value(const ProgramBuilder *b, Value v)
{
    return is_in_part(b, b->tape->slots[v.slot].domain);
}

static bool is_target_attention(const Tape *tape, const TapeNode *node)
{
    return node->op == OP_ATTENTION && tape->slots[node->out].domain == ROWS_TARGETS;
}

// Lists the attentions of the targets; the source's keys for them live to the end.
static void list_attentions(ProgramBuilder *b)
{
    Program *p = b->program;
    const Tape *tape = b->tape;
    p->attentions = builder_take(b, tape->n_nodes, sizeof *p->attentions);
    for (size_t i = 0; builder_ok(b) && i < tape->n_nodes; i++) {
        const TapeNode *node = &tape->nodes[i];
        if (!is_target_attention(tape, node)) continue;
        ProgramAttention *a = &p->attentions[p->n_attentions++];
        const AttentionArgs as = {.n_heads = node->as.attention.n_heads,
                                  .n_kv_heads = node->as.attention.n_kv_heads,
                                  .soft_cap = node->as.attention.soft_cap,
                                  .relative_bucket = node->as.attention.relative_bucket};
        *a = (ProgramAttention){.cols = value_cols(node->in[1]),
                                .is_of_source = tape->slots[node->in[1].slot].domain == ROWS_TOKENS,
                                .n_heads = as.n_kv_heads,
                                .by_column = attention_takes_columns(&as)};
        if (b->options->part != PROGRAM_SOURCE || !a->is_of_source) continue;
        a->keys = builder_value(b, node->in[1]);
        a->values = builder_value(b, node->in[2]);
        p->slots[a->keys.index].is_pinned = p->slots[a->values.index].is_pinned = true;
    }
}

static void forward_node(ProgramBuilder *b, size_t index)
{
    const TapeNode *node = &b->tape->nodes[index];
    const RowDomain domain = b->tape->slots[node->out].domain;
    const float p = builder_dropout(b, node);
    if (!is_in_part(b, domain)) return;
    if (node->op == OP_DROPOUT && !(p > 0)) {
        b->slot_of[node->out] = b->slot_of[node->in[0].slot];
        return;
    }
    const size_t out = builder_slot(b, domain, b->tape->slots[node->out].cols);
    b->slot_of[node->out] = out;
    ProgramStep *step = builder_step(b, node->op, index);
    if (!builder_ok(b)) return;
    step->rows = domain;
    const bool attends = node->op == OP_ATTENTION || node->op == OP_DISENTANGLED;
    step->key_rows = attends ? b->tape->slots[node->in[1].slot].domain : domain;
    step->dropout = p;
    step->site = node->site;
    for (size_t i = 0; i < node->n_in; i++) {
        if (has_value(b, node->in[i])) step->in[i] = builder_value(b, node->in[i]);
    }
    if (is_target_attention(b->tape, node)) step->attention = b->next_attention++;
    set_params(b, node, step);
    step->out[0] = builder_whole(b, out);
    if (node->op == OP_ROUTE) place_chosen(b, node, step);
    mark_needs(b, node, out);
    if (b->options->is_training && b->needs_gradient[out])
        keep_for_backward(b, node, index, step, domain);
}

static void start(ProgramBuilder *b)
{
    const Tape *tape = b->tape;
    Program *p = b->program;
    // A node makes at most two values. In tuning it keeps two more, and backward makes at most three gradients, a sum and a copy.
    const bool is_training = b->options->is_training;
    p->slots_capacity = (is_training ? 12 : 2) * tape->n_nodes + 4;
    p->steps_capacity = (is_training ? 16 : 1) * tape->n_nodes + 4;
    p->slots = builder_take(b, p->slots_capacity, sizeof *p->slots);
    p->steps = builder_take(b, p->steps_capacity, sizeof *p->steps);
    p->angles_capacity = ROW_DOMAIN_COUNT * tape->n_ropes;
    p->angles = builder_take(b, p->angles_capacity, sizeof *p->angles);
    b->n_tracked = p->slots_capacity;
    b->slot_of = builder_take(b, tape->n_slots, sizeof *b->slot_of);
    for (size_t i = 0; i < 2; i++) b->kept[i] = builder_take(b, tape->n_nodes, sizeof **b->kept);
    b->gradient = builder_take(b, b->n_tracked, sizeof *b->gradient);
    b->covered = builder_take(b, b->n_tracked, sizeof *b->covered);
    b->shares = builder_take(b, b->n_tracked, sizeof *b->shares);
    b->needs_gradient = builder_take(b, b->n_tracked, sizeof *b->needs_gradient);
    for (size_t i = 0; builder_ok(b) && i < b->n_tracked; i++) b->gradient[i] = NO_SLOT;
}

static void recompute(ProgramBuilder *b)
{
    size_t *bounds = builder_take(b, b->tape->n_hidden, sizeof *bounds);
    for (size_t i = 0; builder_ok(b) && i < b->tape->n_hidden; i++)
        bounds[i] = b->slot_of[b->tape->hidden[i].slot];
    if (builder_ok(b))
        b->status = program_recompute(b->program, bounds, b->tape->n_hidden, b->arena, b->err);
}

// Whether all values that a step reads have a row for each output, and what it makes of a row depends on that row alone.
static bool is_by_output(const Program *p, const ProgramStep *step)
{
    if (step->op != OP_LINEAR && step->op != OP_ADD && step->op != OP_SOFT_CAP) return false;
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        if (step->in[k].kind == OPERAND_SLOT && p->slots[step->in[k].index].domain != ROWS_OUTPUTS)
            return false;
    }
    return p->slots[step->out[0].index].domain == ROWS_OUTPUTS && step->out[1].kind == OPERAND_NONE;
}

// The last steps are those that program_outputs runs, where they end in the output: their values have rows of a part alone.
static void find_body(Program *p, bool by_part)
{
    p->n_body = p->n_forward;
    if (!by_part || p->n_forward == 0 || p->steps[p->n_forward - 1].out[0].index != p->output)
        return;
    while (p->n_body > 0 && is_by_output(p, &p->steps[p->n_body - 1])) p->n_body--;
    for (size_t i = p->n_body; i < p->n_forward; i++)
        p->slots[p->steps[i].out[0].index].domain = ROWS_AT_ONCE;
}

Status program_build(const Tape *tape, const ProgramOptions *options, Arena *arena, Program **out,
                     Error *err)
{
    ProgramBuilder b = {.tape = tape, .options = options, .arena = arena, .err = err};
    assert(tape->has_output && tape->status == STATUS_OK);
    b.program = builder_take(&b, 1, sizeof *b.program);
    if (!builder_ok(&b)) return b.status;
    Program *p = b.program;
    p->tape = tape;
    p->output_gradient = NO_SLOT;
    start(&b);
    for (size_t i = 0; builder_ok(&b) && i < tape->n_nodes; i++) forward_node(&b, i);
    if (!builder_ok(&b)) return b.status;
    p->n_forward = p->n_steps;
    list_attentions(&b);
    if (!builder_ok(&b)) return b.status;
    p->output = b.slot_of[tape->output.slot];
    if (options->keeps_hidden) {
        p->hidden = builder_take(&b, tape->n_hidden, sizeof *p->hidden);
        for (size_t i = 0; builder_ok(&b) && i < tape->n_hidden; i++) {
            p->hidden[i] = b.slot_of[tape->hidden[i].slot];
            p->slots[p->hidden[i]].is_pinned = true;
        }
    }
    find_body(p, options->outputs_by_part);
    if (options->is_training) program_build_backward(&b);
    if (options->is_training && options->recomputes) recompute(&b);
    if (builder_ok(&b)) b.status = program_plan(p, options->by_stretch, arena, err);
    if (!builder_ok(&b)) return b.status;
    program_find_pairs(p);
    *out = p;
    return STATUS_OK;
}
