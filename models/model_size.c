// What a model is made of, in numbers: parameters, bytes, and operations of a forward pass.
#include "models/generation/cache.h"
#include "models/model_internal.h"

// Of one expert of a mixture.
static uint64_t expert_parameters(const Tape *tape, const TapeNode *node)
{
    const Param *gate = &tape->params[node->as.experts.list[0].weights[EXPERT_GATE]];
    return 3 * (uint64_t)gate->rows * gate->cols;
}

static uint64_t expert_biases(const Tape *tape, const TapeNode *node)
{
    uint64_t n = 0;
    for (size_t i = 0; i < EXPERT_LAYERS; i++) {
        const ParamId bias = node->as.experts.list[0].biases[i];
        if (bias != PARAM_NONE) n += tape->params[bias].cols;
    }
    return n;
}

// Two operations a weight and row, for the rows of tokens, of experts for those that a row goes to; attention: scores and their
// product with the values.
static void count_flops(const Model *model, ModelSize *size)
{
    const Tape *tape = &model->tape;
    for (size_t i = 0; i < tape->n_nodes; i++) {
        const TapeNode *node = &tape->nodes[i];
        const RowDomain domain = tape->slots[node->out].domain;
        if (domain == ROWS_SEQUENCES || domain == ROWS_RELATIVE) continue;
        if (node->op == OP_LINEAR) {
            size->flops_per_token += 2 * (uint64_t)(node->row_end - node->row_begin) *
                                     tape->params[node->params[0]].cols;
        }
        if (node->op == NODE_EXPERTS) {
            const uint64_t n = expert_parameters(tape, node), n_active = value_cols(node->in[1]);
            size->flops_per_token += 2 * n_active * n;
            size->n_active -= (node->as.experts.n - n_active) * (n + expert_biases(tape, node));
        }
        // Three products with a head's matrix, and its scaling.
        if (node->op == OP_DELTA_RULE)
            size->flops_per_token += 7 * (uint64_t)node->as.delta.args.n_heads *
                                     node->as.delta.args.key_dim * node->as.delta.args.value_dim;
        if (node->op == OP_CAUSAL_CONV) {
            const Param *weight = &tape->params[node->params[0]];
            size->flops_per_token += 2 * (uint64_t)weight->rows * weight->cols;
        }
        if (node->op == OP_ATTENTION)
            size->flops_per_seen_token += 4 * (uint64_t)tape->slots[node->out].cols;
        // A row of positions for each distance, on both sides.
        if (node->op == OP_DISENTANGLED)
            size->flops_per_seen_token +=
                4 * (uint64_t)(node->n_in - 2) * tape->slots[node->out].cols;
    }
    size->cache_bytes_per_token = cache_bytes_per_token(tape, model->kv_dtype);
    size->state_bytes = cache_bytes_per_sequence(tape);
}

uint64_t param_mapped_bytes(const Param *param)
{
    uint64_t total = 0;
    for (size_t p = 0; param->places && p < param->n_parts; p++) {
        const PartPlace *place = &param->places[p];
        const uint64_t n = (uint64_t)(param->parts[p].end - param->parts[p].begin) * param->cols;
        if (place->mapped) total += n / dtype_block(place->dtype) * dtype_size(place->dtype);
    }
    return total;
}

ModelSize model_size(const Model *model)
{
    ModelSize size = {.weight_bytes = model->tape.n_floats * sizeof(float)};
    for (size_t i = 0; i < model->tape.n_params; i++) {
        const Param *param = &model->tape.params[i];
        uint64_t n = (uint64_t)param->rows * param->cols;
        size.mapped_bytes += param_mapped_bytes(param);
        size.packed_bytes += param_packed_floats(param, false) * sizeof(float);
        size.f32_bytes += param_packed_floats(param, true) * sizeof(float);
        // As Transformers counts: without BART's bias of logits and M2M100's sines, but with those of others, a table for each
        // stack.
        if (param->source == PARAM_BUFFER && param->is_vector) continue;
        if (param->init == INIT_WIDE_SINUSOIDS || param->init == INIT_SLOPES) continue;
        if (param->source == PARAM_COMPUTED && param->is_vector) continue;
        if (param->source == PARAM_COMPUTED && model->config.decoder.n_layers > 0) n *= 2;
        size.n_parameters += n;
        if (param->group == 0)
            size.n_embedding += n;
        else if (param->group == 1 && model->config.n_layers > 0)
            size.n_block += n;
        else if (param->group == 1 + model->config.n_layers)
            size.n_head += n;
    }
    size.n_active = size.n_parameters;
    count_flops(model, &size);
    return size;
}
