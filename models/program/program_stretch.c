// Feed-forwards a stretch of rows at a time. What is between their layers is the widest thing that a unit of an encoder has: held for
// half of its rows it goes where queries, keys and values were. A row's bits do not depend on those beside it.
//
// Of a gated one, act(a) * b, a and b are columns of one product, and act(a) * b goes over a. So b comes in halves: the first one with
// a, and where it was, once it has met its half of a, the second. A column's bits do not depend on those beside it either.
#include "base/size.h"
#include "models/program/program_internal.h"

size_t program_stretch_rows(size_t n_tokens)
{
    // Fewer rows would read and unpack weights for too little work.
    enum { LEAST_ROWS = 128, BLOCK_ROWS = 16 };
    const size_t half = size_round_up((n_tokens + 1) / 2, BLOCK_ROWS);
    return size_min(n_tokens, size_max(half, LEAST_ROWS));
}

bool program_is_narrow(const Extent *extent)
{
    // Fewer rows, as tokens that are written one by one, take little room; two products instead of one cost them more.
    enum { FEW_ROWS = 16 };
    return extent_rows(extent, ROWS_STRETCH) > FEW_ROWS;
}

// Whether a step makes each row of its output of the same row of its inputs.
static bool is_by_row(const Program *p, const ProgramStep *step, RowDomain domain)
{
    if (step->op != OP_LINEAR && step->op != OP_GATED) return false;
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        if (step->in[k].kind == OPERAND_SLOT && p->slots[step->in[k].index].domain != domain)
            return false;
    }
    return step->in[0].kind == OPERAND_SLOT && step->out[1].kind == OPERAND_NONE &&
           p->slots[step->out[0].index].domain == domain;
}

// Whether what steps begin .. end make is read by these steps and step `end` alone, and is wider than what comes and goes.
static bool is_inner(const Program *p, size_t begin, size_t end)
{
    const size_t x = p->steps[begin].in[0].index, y = p->steps[end].out[0].index;
    size_t widest = 0;
    for (size_t i = begin; i < end; i++) {
        const size_t made = p->steps[i].out[0].index;
        const ProgramSlot *slot = &p->slots[made];
        if (slot->is_pinned || made == p->output || slot->last > end) return false;
        widest = size_max(widest, slot->cols);
    }
    return widest > p->slots[x].cols && widest > p->slots[y].cols;
}

// The steps of a feed-forward that begins with step `begin`; 0: none does.
static size_t stretch_from(const Program *p, size_t begin)
{
    enum { MOST_STEPS = 4 }; // gate, what is gated, their product, the way back
    const ProgramStep *first = &p->steps[begin];
    if (first->op != OP_LINEAR || (first->rows != ROWS_TOKENS && first->rows != ROWS_OUTPUTS))
        return 0;
    for (size_t n = 1; n <= MOST_STEPS && begin + n <= p->n_forward; n++) {
        const ProgramStep *last = &p->steps[begin + n - 1];
        if (!is_by_row(p, last, first->rows)) return 0;
        if (n > 1 && last->op == OP_LINEAR && is_inner(p, begin, begin + n - 1)) return n;
    }
    return 0;
}

// Whether the stretch of n steps that begins with step i is product, gate, product, and what the gate meets can come in halves.
static bool has_halves(const Program *p, size_t i, size_t n)
{
    const ProgramStep *product = &p->steps[i], *gate = product + 1;
    if (n != 3 || gate->op != OP_GATED) return false;
    const size_t both = product->out[0].index, half = p->slots[both].cols / 2;
    const Operand *a = &gate->in[0], *b = &gate->in[1];
    return half % ((size_t)2 * PANEL_WIDTH) == 0 && a->index == both && b->index == both &&
           a->begin == 0 && a->end == half && b->begin == half && b->end == 2 * half;
}

void program_find_stretches(Program *p)
{
    if (p->n_steps != p->n_forward) return;
    for (size_t i = 0, n = 0; i < p->n_steps; i += size_max(n, 1)) {
        n = stretch_from(p, i);
        if (n == 0) continue;
        p->steps[i].stretch = p->steps[i + n - 1].ends_stretch = n;
        for (size_t k = i; k + 1 < i + n; k++)
            p->slots[p->steps[k].out[0].index].domain = ROWS_STRETCH;
        p->steps[i].comes_in_halves = has_halves(p, i, n);
        if (p->steps[i].comes_in_halves) {
            ProgramSlot *both = &p->slots[p->steps[i].out[0].index];
            both->narrow_stride = both->cols / 4 * 3;
        }
    }
}

// Columns begin .. end of a product, put into columns `to` .. of its value.
static ProgramStep part_of_product(const ProgramStep *whole, size_t begin, size_t end, size_t to)
{
    ProgramStep part = *whole;
    for (size_t k = 1; k <= 2; k++) { // weight and bias
        if (part.in[k].kind == OPERAND_NONE) continue;
        part.in[k].end = part.in[k].begin + end;
        part.in[k].begin += begin;
    }
    part.out[0].begin = to;
    part.out[0].end = to + end - begin;
    return part;
}

// Product and gate of step i in halves.
static Status run_halves(ProgramRun *run, size_t i, Error *err)
{
    const ProgramStep *product = &run->program->steps[i];
    ProgramStep gate = product[1];
    const size_t n = gate.in[0].end, half = n / 2;
    for (size_t begin = 0; begin < n; begin += half) {
        const ProgramStep part = begin == 0 ? part_of_product(product, 0, n + half, 0)
                                            : part_of_product(product, n + half, 2 * n, n);
        TRY(program_run_step(run, i, &part, err));
        gate.in[0].begin = gate.out[0].begin = begin;
        gate.in[0].end = gate.out[0].end = begin + half;
        gate.in[1].end = n + half;
        TRY(program_run_step(run, i + 1, &gate, err));
    }
    return STATUS_OK;
}

// Step i of a stretch, and the next one where *n_run becomes 2.
static Status run_in_stretch(ProgramRun *run, size_t i, bool is_narrow, size_t *n_run, Error *err)
{
    if (!is_narrow || !run->program->steps[i].comes_in_halves)
        return program_run_next(run, i, n_run, err);
    *n_run = 2;
    return run_halves(run, i, err);
}

Status program_run_stretch(ProgramRun *run, size_t i, Error *err)
{
    const ProgramStep *step = &run->program->steps[i];
    const Extent extent = extent_of_run(run);
    const size_t n_rows = extent_rows(&extent, step->rows);
    // Two products in one keep nothing between them.
    const bool is_joined = step->pair == PAIR_JOINED && !run->help;
    const size_t most = is_joined && program_is_pair(run, step)
                            ? size_max(n_rows, 1)
                            : extent_rows(&extent, ROWS_STRETCH);
    Status s = STATUS_OK;
    for (size_t begin = 0; s == STATUS_OK && begin < n_rows; begin += most) {
        run->part_begin = begin;
        run->part_rows = size_min(most, n_rows - begin);
        for (size_t at = i, n_run = 0; s == STATUS_OK && at < i + step->stretch; at += n_run)
            s = run_in_stretch(run, at, program_is_narrow(&extent), &n_run, err);
    }
    run->part_rows = 0;
    return s;
}
