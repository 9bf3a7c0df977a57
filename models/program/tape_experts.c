// Mixtures of experts on a tape: which a row goes to, and their layers.
#include "models/program/tape_internal.h"

Route tape_route(Tape *tape, Value logits, size_t n_active, ParamId bias, ParamId factors,
                 const RouteArgs *args)
{
    TapeNode node = {
        .op = OP_ROUTE, .in = {logits}, .n_in = 1, .params = {bias, factors}, .n_params = 2};
    const RowDomain domain = tape_domain(tape, logits);
    tape_check(tape, n_active >= 1 && n_active <= value_cols(logits),
               "a row goes to at least one expert and at most to all");
    tape_check(tape, args->kind == ROUTE_SIGMOID || !args->normalizes,
               "only sigmoids are normalized");
    tape_check(tape,
               args->n_groups == 0 ||
                   (value_cols(logits) % args->n_groups == 0 &&
                    args->n_top_groups <= args->n_groups &&
                    n_active <= args->n_top_groups * (value_cols(logits) / args->n_groups)),
               "groups of experts do not fit");
    TapeSlot *slot =
        tape_append(tape, &tape->slots, &tape->n_slots, &tape->slots_capacity, sizeof *slot);
    if (!slot) return (Route){0};
    *slot = (TapeSlot){.domain = domain, .cols = n_active};
    node.as.route.args = *args;
    node.as.route.chosen = tape->n_slots - 1;
    const Value chosen = {.slot = node.as.route.chosen, .end = n_active};
    return (Route){.weights = tape_add_node(tape, node, domain, n_active), .chosen = chosen};
}

static void check_expert(Tape *tape, Value x, const TapeExpert *expert)
{
    const Param *gate = &tape->params[expert->weights[EXPERT_GATE]],
                *up = &tape->params[expert->weights[EXPERT_UP]],
                *down = &tape->params[expert->weights[EXPERT_DOWN]];
    for (size_t i = 0; i < EXPERT_LAYERS; i++) {
        const ParamId bias = expert->biases[i];
        tape_check(tape,
                   bias == PARAM_NONE ||
                       tape->params[bias].cols == tape->params[expert->weights[i]].rows,
                   "an expert's bias does not fit its layer");
    }
    tape_check(tape,
               gate->cols == value_cols(x) && up->cols == gate->cols && up->rows == gate->rows &&
                   down->cols == gate->rows && down->rows == gate->cols,
               "an expert's layers do not fit");
}

Value tape_experts(Tape *tape, Value x, Route route, const TapeExpert *experts, size_t n_experts,
                   GatedArgs gated)
{
    if (tape->status != STATUS_OK) return (Value){0};
    TapeExpert *list = arena_alloc(tape->arena, n_experts, sizeof *list);
    if (!list) {
        tape_fail(tape, STATUS_MEMORY, "a mixture of experts");
        return (Value){0};
    }
    TapeNode node = {.op = NODE_EXPERTS, .in = {x, route.weights, route.chosen}, .n_in = 3};
    node.as.experts.list = list;
    node.as.experts.n = n_experts;
    node.as.experts.gated = gated;
    for (size_t i = 0; i < n_experts; i++) {
        list[i] = experts[i];
        check_expert(tape, x, &experts[i]);
    }
    tape_check(tape, tape_domain(tape, route.weights) == tape_domain(tape, x),
               "experts have other rows");
    return tape_add_node(tape, node, tape_domain(tape, x), value_cols(x));
}

bool tape_multiplies(const TapeNode *node, ParamId param)
{
    if (node->op == OP_LINEAR) return node->params[0] == param;
    for (size_t i = 0; node->op == NODE_EXPERTS && i < node->as.experts.n; i++) {
        const TapeExpert *expert = &node->as.experts.list[i];
        for (size_t k = 0; k < EXPERT_LAYERS; k++) {
            if (expert->weights[k] == param) return true;
        }
    }
    return false;
}
