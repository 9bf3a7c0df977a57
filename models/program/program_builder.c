#include "models/program/program_builder.h"

#include <assert.h>

bool builder_ok(const ProgramBuilder *b)
{
    return b->status == STATUS_OK;
}

void *builder_take(ProgramBuilder *b, size_t count, size_t size)
{
    void *memory = NULL;
    if (builder_ok(b))
        b->status = arena_take(b->arena, count, size, "a model's program", &memory, b->err);
    return memory;
}

size_t builder_slot(ProgramBuilder *b, RowDomain domain, size_t cols)
{
    Program *p = b->program;
    if (!builder_ok(b)) return 0;
    assert(p->n_slots < p->slots_capacity); // program_build counts how many there can be
    p->slots[p->n_slots] = (ProgramSlot){.domain = domain, .cols = cols};
    return p->n_slots++;
}

ProgramStep *builder_step(ProgramBuilder *b, OpKind op, size_t node)
{
    Program *p = b->program;
    if (!builder_ok(b)) {
        b->spare = (ProgramStep){0};
        return &b->spare;
    }
    assert(p->n_steps < p->steps_capacity);
    ProgramStep *step = &p->steps[p->n_steps++];
    *step = (ProgramStep){.op = op, .node = node};
    return step;
}

Operand builder_whole(const ProgramBuilder *b, size_t slot)
{
    if (!builder_ok(b)) return (Operand){0};
    return (Operand){.kind = OPERAND_SLOT, .index = slot, .end = b->program->slots[slot].cols};
}

Operand builder_value(const ProgramBuilder *b, Value v)
{
    if (!builder_ok(b)) return (Operand){0};
    return (Operand){
        .kind = OPERAND_SLOT, .index = b->slot_of[v.slot], .begin = v.begin, .end = v.end};
}

Operand builder_param(ParamId id, size_t begin, size_t end)
{
    if (id == PARAM_NONE) return (Operand){0};
    return (Operand){.kind = OPERAND_PARAM, .index = id, .begin = begin, .end = end};
}

Operand builder_whole_param(const ProgramBuilder *b, ParamId id)
{
    if (id == PARAM_NONE) return (Operand){0};
    const Param *p = &b->tape->params[id];
    return builder_param(id, 0, p->is_vector ? p->cols : p->rows);
}

bool builder_trains(const ProgramBuilder *b, ParamId id)
{
    return id != PARAM_NONE && b->options->is_training && b->options->trained[id] &&
           b->tape->params[id].source == PARAM_TRAINED;
}

Operand builder_gradient(const ProgramBuilder *b, ParamId id, size_t begin, size_t end)
{
    if (!builder_trains(b, id)) return (Operand){0};
    return (Operand){.kind = OPERAND_GRADIENT, .index = id, .begin = begin, .end = end};
}

Operand builder_whole_gradient(const ProgramBuilder *b, ParamId id)
{
    if (id == PARAM_NONE) return (Operand){0};
    const Param *p = &b->tape->params[id];
    return builder_gradient(b, id, 0, p->is_vector ? p->cols : p->rows);
}

Operand builder_angles(ProgramBuilder *b, RopeId rope, RowDomain domain)
{
    Program *p = b->program;
    if (!builder_ok(b)) return (Operand){0};
    size_t i = 0;
    while (i < p->n_angles && (p->angles[i].rope != rope || p->angles[i].domain != domain)) i++;
    if (i == p->n_angles) {
        assert(p->n_angles < p->angles_capacity);
        p->angles[p->n_angles++] = (ProgramAngles){.rope = rope, .domain = domain};
    }
    return (Operand){.kind = OPERAND_ANGLES, .index = i};
}

const ProgramExpert *builder_experts(ProgramBuilder *b, const TapeNode *node)
{
    const size_t n = node->as.experts.n;
    ProgramExpert *experts = builder_take(b, n, sizeof *experts);
    for (size_t i = 0; builder_ok(b) && i < n; i++) {
        const TapeExpert *of = &node->as.experts.list[i];
        for (size_t k = 0; k < EXPERT_LAYERS; k++) {
            experts[i].weights[k] = builder_whole_param(b, of->weights[k]);
            experts[i].gradients[k] = builder_whole_gradient(b, of->weights[k]);
            experts[i].biases[k] = builder_whole_param(b, of->biases[k]);
            experts[i].bias_gradients[k] = builder_whole_gradient(b, of->biases[k]);
        }
    }
    return experts;
}

float builder_dropout(const ProgramBuilder *b, const TapeNode *node)
{
    if (!b->options->is_training) return 0.0f;
    return b->options->dropout >= 0 ? b->options->dropout : node->dropout;
}
