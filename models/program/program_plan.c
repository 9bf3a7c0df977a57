// Which slots share a buffer: a scan over the steps, in which a buffer is free again once its value was read last.
#include "base/size.h"
#include "models/program/program_internal.h"

static const size_t NONE = SIZE_MAX;

static void touch(Program *p, size_t slot, size_t step)
{
    ProgramSlot *s = &p->slots[slot];
    if (step < s->first) s->first = step;
    if (step > s->last) s->last = step;
}

static void find_lifetimes(Program *p)
{
    for (size_t i = 0; i < p->n_slots; i++) p->slots[i].first = NONE;
    for (size_t i = 0; i < p->n_steps; i++) {
        const ProgramStep *step = &p->steps[i];
        for (size_t k = 0; k < OP_MAX_IN; k++) {
            if (step->in[k].kind == OPERAND_SLOT) touch(p, step->in[k].index, i);
        }
        for (size_t k = 0; k < OP_MAX_OUT; k++) {
            if (step->out[k].kind == OPERAND_SLOT) touch(p, step->out[k].index, i);
        }
    }
    // The loss stands between the passes: it reads the output and writes its gradient.
    touch(p, p->output, p->n_steps);
    if (p->output_gradient != NONE) touch(p, p->output_gradient, p->n_forward - 1);
    for (size_t i = 0; i < p->n_slots; i++) {
        if (p->slots[i].is_pinned) p->slots[i].last = p->n_steps;
    }
}

// Logits of a vocabulary of odd size would begin rows anywhere: stores of whole vectors then cross cache lines, which cost an
// int8 product of 64 x 58101 x 512 a sixth of its time. Where all storage is added up (tuning), or copied (hidden states), rows
// follow each other.
static void choose_strides(Program *p)
{
    enum { LINE_FLOATS = 16, MANY_LINES = 64 };
    for (size_t i = 0; i < p->n_slots; i++) {
        ProgramSlot *s = &p->slots[i];
        const bool is_free = p->n_steps == p->n_forward && !s->is_pinned;
        s->stride = is_free && s->cols >= (size_t)MANY_LINES * LINE_FLOATS
                        ? size_round_up(s->cols, LINE_FLOATS)
                        : s->cols;
        s->stride_elsewhere = s->cols;
    }
}

// A unit that stands for all when sizes of buffers are compared: a long text, of which every token's answer is read.
static const Extent usual = {.n_tokens = 512,
                             .n_sequences = 1,
                             .n_outputs = 512,
                             .n_targets = 512,
                             .n_relative = 512,
                             .n_at_once = PROGRAM_OUTPUTS_AT_ONCE};

static void widen(ProgramBuffer *buffer, const ProgramSlot *slot)
{
    size_t *cols = &buffer->cols[slot->domain];
    *cols = size_max(*cols, slot->stride);
    if (slot->domain != ROWS_STRETCH) return;
    const size_t narrow = slot->narrow_stride > 0 ? slot->narrow_stride : slot->stride;
    buffer->narrow_cols = size_max(buffer->narrow_cols, narrow);
}

// The free buffer that grows least by holding this value too, and of those that need not grow the smallest. In tuning one of its
// domain, since all storage of a domain is taken together.
static size_t pick_buffer(const Program *p, const bool *is_free, const ProgramSlot *slot)
{
    const bool is_forward = p->n_steps == p->n_forward;
    size_t best = NONE, best_growth = 0, best_size = 0;
    for (size_t i = 0; i < p->n_buffers; i++) {
        if (!is_free[i] || (!is_forward && p->buffers[i].domain != slot->domain)) continue;
        ProgramBuffer wide = p->buffers[i];
        widen(&wide, slot);
        const size_t size = program_buffer_size(&p->buffers[i], &usual),
                     growth = program_buffer_size(&wide, &usual) - size;
        if (best != NONE && (growth != best_growth ? growth > best_growth : size >= best_size))
            continue;
        best = i;
        best_growth = growth;
        best_size = size;
    }
    return best;
}

static void place_slot(Program *p, bool *is_free, size_t slot)
{
    ProgramSlot *s = &p->slots[slot];
    size_t at = pick_buffer(p, is_free, s);
    if (at == NONE) {
        at = p->n_buffers++;
        p->buffers[at] = (ProgramBuffer){.domain = s->domain};
    }
    widen(&p->buffers[at], s);
    is_free[at] = false;
    s->buffer = at;
    s->root = slot;
}

// Whether a step reads columns begin .. end of a slot by another of its inputs than number `but`; OP_MAX_IN: by any.
static bool reads_columns(const ProgramStep *step, size_t but, size_t slot, size_t begin,
                          size_t end)
{
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        const Operand *in = &step->in[k];
        if (k != but && in->kind == OPERAND_SLOT && in->index == slot && in->begin < end &&
            begin < in->end)
            return true;
    }
    return false;
}

// Whether nobody but input k of step `index` reads these columns of a value from then on.
static bool is_last_reader(const Program *p, size_t index, size_t k)
{
    const Operand *of = &p->steps[index].in[k];
    if (reads_columns(&p->steps[index], k, of->index, of->begin, of->end)) return false;
    for (size_t i = index + 1; i < p->n_steps; i++) {
        if (reads_columns(&p->steps[i], OP_MAX_IN, of->index, of->begin, of->end)) return false;
    }
    return true;
}

// Whether out0 of a step may be its input k (kernels/op.h).
static bool may_be(const ProgramStep *step, size_t k)
{
    return step->op < OP_COUNT &&
           (op_info(step->op)->overwrites >> k & 1); // NODE_EXPERTS is no row
}

// Whether step `index` may write over its input k: over a value that ends with it, or (*is_whole false) over some columns of
// one whose other columns live on, as rotations of queries and keys do within the product that made them. Tuning keeps what it
// reads, and adds up whole rows.
static bool can_overwrite(const Program *p, size_t index, size_t k, bool *is_whole)
{
    const ProgramStep *step = &p->steps[index];
    const Operand *from = &step->in[k];
    if (!may_be(step, k) || from->kind != OPERAND_SLOT) return false;
    const ProgramSlot *in = &p->slots[from->index], *out = &p->slots[step->out[0].index];
    if (in->is_pinned || out->first != index || from->index == p->output ||
        in->domain != out->domain)
        return false;
    *is_whole = in->cols == out->cols && in->stride == out->stride && in->last == index &&
                in->root == from->index && !in->has_parts &&
                !reads_columns(step, k, from->index, from->begin, from->end);
    if (*is_whole) return true;
    const bool is_forward = p->n_steps == p->n_forward && !out->is_pinned;
    return is_forward && from->end - from->begin == out->cols && is_last_reader(p, index, k);
}

// The input whose buffer the output of step `index` takes: of two the narrower one, as the wider is then free for a wide value.
static size_t pick_input(const Program *p, size_t index, bool *is_whole)
{
    const ProgramStep *step = &p->steps[index];
    size_t best = NONE, best_cols = 0;
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        bool whole = false;
        if (!can_overwrite(p, index, k, &whole)) continue;
        const ProgramSlot *in = &p->slots[step->in[k].index];
        const size_t cols = p->buffers[in->buffer].cols[in->domain];
        if (best != NONE && cols >= best_cols) continue;
        best = k;
        best_cols = cols;
        *is_whole = whole;
    }
    return best;
}

// An operation that may writes over an input where nobody reads that again.
static bool place_over_input(Program *p, size_t index)
{
    bool is_whole = false;
    const ProgramStep *step = &p->steps[index];
    const size_t k = pick_input(p, index, &is_whole);
    if (k == NONE) return false;
    const Operand *from = &step->in[k];
    ProgramSlot *in = &p->slots[from->index], *out = &p->slots[step->out[0].index];
    out->buffer = in->buffer;
    if (is_whole) {
        out->root = step->out[0].index;
        in->last = NONE; // its buffer goes on living in `out`
        return true;
    }
    ProgramSlot *root = &p->slots[in->root];
    out->begin = in->begin + from->begin;
    out->stride = in->stride;
    out->stride_elsewhere = in->stride_elsewhere;
    out->narrow_stride = in->narrow_stride;
    out->root = in->root;
    root->has_parts = true;
    root->last = size_max(root->last, out->last);
    out->last = NONE; // the root lives as long
    return true;
}

static void touch_inputs(Program *p, size_t index, size_t step)
{
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        const Operand *in = &p->steps[index].in[k];
        if (in->kind == OPERAND_SLOT) touch(p, in->index, step);
    }
}

// What steps that run several times read lives while they do: those of a stretch, and those that make outputs part by part.
static void extend_lifetimes(Program *p)
{
    for (size_t i = 0; i < p->n_steps; i++) {
        for (size_t step = i; step < i + p->steps[i].stretch; step++)
            touch_inputs(p, step, i + p->steps[i].stretch - 1);
    }
    for (size_t i = p->n_body; i < p->n_forward; i++) touch_inputs(p, i, p->n_steps);
}

// The result of a stretch goes over what its first step reads, where that ends with it: rows are read before their own are
// written. Not where two products may be one operation, which reads rows after others are written (program_pair.c).
static bool place_over_stretch(Program *p, size_t index)
{
    const ProgramStep *step = &p->steps[index];
    if (step->ends_stretch <= 2) return false;
    const Operand *from = &p->steps[index + 1 - step->ends_stretch].in[0];
    ProgramSlot *in = &p->slots[from->index], *out = &p->slots[step->out[0].index];
    if (in->is_pinned || from->index == p->output || in->last != index || in->root != from->index ||
        in->has_parts || in->domain != out->domain || in->cols != out->cols ||
        in->stride != out->stride)
        return false;
    out->buffer = in->buffer;
    out->root = step->out[0].index;
    in->last = NONE; // its buffer goes on living in `out`
    return true;
}

Status program_plan(Program *p, bool by_stretch, Arena *arena, Error *err)
{
    bool *is_free = NULL;
    TRY(arena_take(arena, p->n_slots, sizeof *p->buffers, "a program's buffers", &p->buffers, err));
    TRY(arena_take(arena, p->n_slots, sizeof *is_free, "a program's buffers", &is_free, err));
    find_lifetimes(p);
    if (by_stretch) program_find_stretches(p);
    extend_lifetimes(p);
    choose_strides(p);
    for (size_t i = 0; i < p->n_steps; i++) {
        const bool in_place = place_over_input(p, i) || place_over_stretch(p, i);
        for (size_t s = 0; s < p->n_slots; s++) {
            const ProgramSlot *slot = &p->slots[s];
            if (slot->first != i || (in_place && s == p->steps[i].out[0].index)) continue;
            place_slot(p, is_free, s);
        }
        for (size_t s = 0; s < p->n_slots; s++) {
            if (p->slots[s].last == i && p->slots[s].first != NONE)
                is_free[p->slots[s].buffer] = true;
        }
    }
    return STATUS_OK;
}
