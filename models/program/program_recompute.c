// Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): of each block but the last its input alone lives from the forward
// to the backward pass; before the block's backward steps its forward steps run once more. They are the same operations on the
// same numbers, dropout included, so that no bit changes.
#include <string.h>

#include "models/program/program.h"

static const size_t NONE = SIZE_MAX;

// A block as forward steps [begin, end), and what is done to it.
typedef struct Block {
    size_t begin, end;
    bool *is_own;    // [n_slots] made here and read by no other forward step
    bool *is_wanted; // [n_slots] of those, what the backward pass reads, or what that is made of
    size_t *again;   // [n_slots] the slot that holds it the second time
    bool is_done;    // it stands in the backward pass
} Block;

typedef struct Rewrite {
    const Program *old;
    Program *program;
    Arena *arena;
    size_t slots_capacity, steps_capacity;
} Rewrite;

static bool reads(const ProgramStep *step, const bool *slots)
{
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        if (step->in[k].kind == OPERAND_SLOT && slots[step->in[k].index]) return true;
    }
    return false;
}

static bool writes(const ProgramStep *step, const bool *slots)
{
    for (size_t k = 0; k < OP_MAX_OUT; k++) {
        if (step->out[k].kind == OPERAND_SLOT && slots[step->out[k].index]) return true;
    }
    return false;
}

static void mark(const Operand *operands, size_t n, bool value, bool *slots)
{
    for (size_t k = 0; k < n; k++) {
        if (operands[k].kind == OPERAND_SLOT) slots[operands[k].index] = value;
    }
}

static Status find_own(const Program *p, Block *block, Arena *arena, Error *err)
{
    TRY(arena_take(arena, p->n_slots, sizeof *block->is_own, "a block", &block->is_own, err));
    TRY(arena_take(arena, p->n_slots, sizeof *block->is_wanted, "a block", &block->is_wanted, err));
    TRY(arena_take(arena, p->n_slots, sizeof *block->again, "a block", &block->again, err));
    for (size_t i = 0; i < p->n_slots; i++) block->again[i] = NONE;
    for (size_t i = block->begin; i < block->end; i++)
        mark(p->steps[i].out, OP_MAX_OUT, true, block->is_own);
    for (size_t i = 0; i < p->n_forward; i++) {
        if (i < block->begin || i >= block->end)
            mark(p->steps[i].in, OP_MAX_IN, false, block->is_own);
    }
    block->is_own[p->output] = false;
    for (size_t i = 0; i < p->n_slots; i++) {
        if (p->slots[i].is_pinned) block->is_own[i] = false;
    }
    return STATUS_OK;
}

// From the last step to the first: a step is run again where something reads what it makes.
static void find_wanted(const Program *p, Block *block)
{
    for (size_t i = p->n_forward; i < p->n_steps; i++) {
        for (size_t k = 0; k < OP_MAX_IN; k++) {
            const Operand *in = &p->steps[i].in[k];
            if (in->kind == OPERAND_SLOT && block->is_own[in->index])
                block->is_wanted[in->index] = true;
        }
    }
    for (size_t i = block->end; i-- > block->begin;) {
        const ProgramStep *step = &p->steps[i];
        if (!writes(step, block->is_wanted)) continue;
        for (size_t k = 0; k < OP_MAX_IN; k++) {
            if (step->in[k].kind == OPERAND_SLOT && block->is_own[step->in[k].index])
                block->is_wanted[step->in[k].index] = true;
        }
    }
}

static void move_operand(const Block *block, Operand *operand)
{
    if (operand->kind == OPERAND_SLOT && block->again[operand->index] != NONE)
        operand->index = block->again[operand->index];
}

// The steps of the block once more, into slots of their own.
static void run_again(Rewrite *r, Block *block)
{
    Program *p = r->program;
    block->is_done = true;
    for (size_t i = block->begin; i < block->end; i++) {
        ProgramStep step = r->old->steps[i];
        if (!writes(&step, block->is_wanted)) continue;
        for (size_t k = 0; k < OP_MAX_IN; k++) move_operand(block, &step.in[k]);
        for (size_t k = 0; k < OP_MAX_OUT; k++) {
            if (step.out[k].kind != OPERAND_SLOT) continue;
            const size_t from = step.out[k].index, fresh = p->n_slots++;
            p->slots[fresh] = (ProgramSlot){.domain = r->old->slots[from].domain,
                                            .cols = r->old->slots[from].cols};
            // What others read too stays where it is; the second copy is not read.
            if (block->is_own[from]) block->again[from] = fresh;
            step.out[k].index = fresh;
        }
        p->steps[p->n_steps++] = step;
    }
}

static Status take_room(Rewrite *r, Error *err)
{
    const Program *old = r->old;
    Program *p = r->program;
    TRY(arena_take(r->arena, old->n_steps + old->n_forward, sizeof *p->steps, "a model's program",
                   &p->steps, err));
    TRY(arena_take(r->arena, old->n_slots + OP_MAX_OUT * old->n_forward, sizeof *p->slots,
                   "a model's program", &p->slots, err));
    memcpy(p->steps, old->steps, old->n_forward * sizeof *p->steps);
    memcpy(p->slots, old->slots, old->n_slots * sizeof *p->slots);
    p->n_steps = old->n_forward;
    p->steps_capacity = old->n_steps + old->n_forward;
    p->slots_capacity = old->n_slots + OP_MAX_OUT * old->n_forward;
    return STATUS_OK;
}

// Blocks between two slots that bound them, but the last, whose backward steps follow at once.
static Status find_blocks(const Program *p, const size_t *bounds, size_t n_bounds, Arena *arena,
                          Block **out, size_t *n, Error *err)
{
    size_t before = NONE;
    *n = 0;
    TRY(arena_take(arena, n_bounds + 1, sizeof **out, "blocks", out, err));
    for (size_t i = 0; i < n_bounds; i++) {
        size_t at = 0;
        const Operand bound = {.kind = OPERAND_SLOT, .index = bounds[i]};
        while (at < p->n_forward &&
               (p->steps[at].out[0].kind != bound.kind || p->steps[at].out[0].index != bound.index))
            at++;
        if (at == p->n_forward) continue;
        if (before != NONE && at > before)
            (*out)[(*n)++] = (Block){.begin = before + 1, .end = at + 1};
        before = at;
    }
    if (*n > 0) (*n)--;
    for (size_t i = 0; i < *n; i++) {
        TRY(find_own(p, &(*out)[i], arena, err));
        find_wanted(p, &(*out)[i]);
    }
    return STATUS_OK;
}

Status program_recompute(Program *program, const size_t *bounds, size_t n_bounds, Arena *arena,
                         Error *err)
{
    const Program old = *program;
    Rewrite r = {.old = &old, .program = program, .arena = arena};
    Block *blocks = NULL;
    size_t n_blocks = 0;
    TRY(find_blocks(&old, bounds, n_bounds, arena, &blocks, &n_blocks, err));
    TRY(take_room(&r, err));
    for (size_t i = old.n_forward; i < old.n_steps; i++) {
        ProgramStep step = old.steps[i];
        for (size_t b = 0; b < n_blocks; b++) {
            if (!blocks[b].is_done && reads(&step, blocks[b].is_wanted)) run_again(&r, &blocks[b]);
            for (size_t k = 0; k < OP_MAX_IN; k++) {
                if (step.in[k].kind == OPERAND_SLOT && step.in[k].index < old.n_slots)
                    move_operand(&blocks[b], &step.in[k]);
            }
        }
        program->steps[program->n_steps++] = step;
    }
    return STATUS_OK;
}
