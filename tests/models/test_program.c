// Programs: slots that live together never share memory, and a unit takes no more of it than its values need.
#include <criterion/criterion.h>
#include <string.h>

#include "model_support.h"
#include "models/architecture.h"
#include "models/program/program.h"

typedef struct Life {
    size_t first, last;
} Life;

static void see(Life *lives, const Operand *operand, size_t step)
{
    if (operand->kind != OPERAND_SLOT) return;
    Life *life = &lives[operand->index];
    if (life->first == SIZE_MAX) life->first = step;
    if (step > life->last) life->last = step;
}

// What steps begin .. end - 1 read is read until step `end`, since they run several times.
static void see_again(const Program *p, Life *lives, size_t begin, size_t end, size_t last)
{
    for (size_t i = begin; i < end; i++) {
        for (size_t k = 0; k < OP_MAX_IN; k++) see(lives, &p->steps[i].in[k], last);
    }
}

// Whether the output of a step may lie where its input k lies (kernels/op.h).
static bool writes_over_input(const ProgramStep *step, size_t k)
{
    return step->op < OP_COUNT && (op_info(step->op)->overwrites >> k & 1);
}

// Whether a step's output may take the place of a value: its last reader, by an input that may be overwritten alone.
static bool writes_over_value(const ProgramStep *step, size_t out, size_t of)
{
    bool is_over = false;
    if (step->out[0].kind != OPERAND_SLOT || step->out[0].index != out) return false;
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        if (step->in[k].kind != OPERAND_SLOT || step->in[k].index != of) continue;
        if (is_over || !writes_over_input(step, k)) return false;
        is_over = true;
    }
    return is_over;
}

static bool is_over_columns(const Program *p, const Life *lives, size_t slot, size_t of);

// The same over the columns of its maker's input k.
static bool is_over_columns_of(const Program *p, const Life *lives, size_t slot, size_t of,
                               size_t k)
{
    const size_t first = lives[slot].first;
    const ProgramSlot *out = &p->slots[slot], *in = &p->slots[of];
    const Operand *from = &p->steps[first].in[k];
    // Over columns of one that was itself written over columns.
    if (from->kind == OPERAND_SLOT && from->index != of && from->index != slot &&
        lives[from->index].first < first && p->slots[from->index].buffer == out->buffer)
        return is_over_columns(p, lives, slot, from->index) &&
               is_over_columns(p, lives, from->index, of);
    bool is_over = writes_over_input(&p->steps[first], k) && from->kind == OPERAND_SLOT &&
                   from->index == of && p->n_steps == p->n_forward && of != p->output &&
                   in->begin + from->begin == out->begin && from->end - from->begin == out->cols &&
                   in->stride == out->stride && in->stride_elsewhere == out->stride_elsewhere;
    for (size_t i = first; i < p->n_steps; i++) {
        for (size_t other = 0; other < OP_MAX_IN; other++) {
            const Operand *read = &p->steps[i].in[other];
            if ((i > first || other != k) && read->kind == OPERAND_SLOT && read->index == of &&
                read->begin < from->end && from->begin < read->end)
                is_over = false;
        }
    }
    return is_over;
}

// Whether a value begins where a step writes over columns of another that one of its inputs alone reads then, and nobody later.
static bool is_over_columns(const Program *p, const Life *lives, size_t slot, size_t of)
{
    for (size_t k = 0; k < OP_MAX_IN; k++) {
        if (is_over_columns_of(p, lives, slot, of, k)) return true;
    }
    return false;
}

// Whether two values of one buffer that live at the same time lie in different columns of it.
static bool lie_apart(const ProgramSlot *a, const ProgramSlot *b)
{
    return a->stride == b->stride && a->stride_elsewhere == b->stride_elsewhere &&
           (a->begin + a->cols <= b->begin || b->begin + b->cols <= a->begin);
}

// Whether a value is what a stretch of three steps or more makes of another: rows of that are read before their own are written.
static bool is_over_stretch(const Program *p, const Life *lives, size_t slot, size_t of)
{
    const ProgramStep *last = &p->steps[lives[slot].first];
    if (last->ends_stretch <= 2 || last->out[0].index != slot) return false;
    return (last + 1 - last->ends_stretch)->in[0].index == of &&
           lives[of].last == lives[slot].first;
}

// Lifetimes found anew from the steps, and compared pair by pair.
static void check_plan(const Program *p, const char *what)
{
    Life *lives = calloc(p->n_slots, sizeof *lives);
    for (size_t i = 0; i < p->n_slots; i++) lives[i].first = SIZE_MAX;
    for (size_t i = 0; i < p->n_steps; i++) {
        for (size_t k = 0; k < OP_MAX_IN; k++) see(lives, &p->steps[i].in[k], i);
        for (size_t k = 0; k < OP_MAX_OUT; k++) see(lives, &p->steps[i].out[k], i);
    }
    for (size_t i = 0; i < p->n_steps; i++) {
        const size_t end = i + p->steps[i].stretch;
        if (end > i) see_again(p, lives, i, end, end - 1);
    }
    see_again(p, lives, p->n_body, p->n_forward, p->n_steps);
    lives[p->output].last = p->n_steps; // read by the loss, and by whoever wants the answer
    for (size_t a = 0; a < p->n_slots; a++) {
        if (lives[a].first == SIZE_MAX) continue;
        const ProgramBuffer *buffer = &p->buffers[p->slots[a].buffer];
        const size_t cols = buffer->cols[p->slots[a].domain];
        cr_assert((buffer->domain == p->slots[a].domain || p->n_steps == p->n_forward) &&
                      cols >= p->slots[a].begin + p->slots[a].cols && cols >= p->slots[a].stride,
                  "%s: slot %zu does not fit its buffer", what, a);
        for (size_t b = a + 1; b < p->n_slots; b++) {
            if (lives[b].first == SIZE_MAX || p->slots[a].buffer != p->slots[b].buffer) continue;
            const bool before = lives[a].last < lives[b].first || lives[b].last < lives[a].first;
            // Some operations may write over their input (kernels/op.h).
            const bool in_place = (lives[a].last == lives[b].first &&
                                   writes_over_value(&p->steps[lives[a].last], b, a)) ||
                                  (lives[b].last == lives[a].first &&
                                   writes_over_value(&p->steps[lives[b].last], a, b));
            const bool over_stretch =
                is_over_stretch(p, lives, a, b) || is_over_stretch(p, lives, b, a);
            const bool over_columns = is_over_columns(p, lives, b, a) ||
                                      is_over_columns(p, lives, a, b) ||
                                      lie_apart(&p->slots[a], &p->slots[b]);
            cr_assert(before || in_place || over_stretch || over_columns,
                      "%s: slots %zu (%zu-%zu) and %zu (%zu-%zu) share a buffer", what, a,
                      lives[a].first, lives[a].last, b, lives[b].first, lives[b].last);
        }
    }
    free(lives);
}

Test(program, never_gives_one_buffer_to_two_living_values)
{
    for (int head = 0; head < HEAD_COUNT; head++) {
        for (
            int kind = 0; kind < 6;
            kind++) { // answers; hidden states kept; tuning of all, of the top, of the bottom; with dropout
            Arena arena = {0};
            Error err = {0};
            Program *program = NULL;
            Tape tape = tape_begin(&arena, LAYOUT_PANELS);
            const ModelConfig config = small_config((ModelHead)head, 3);
            config.architecture->record(&tape, &config);
            want_ok(tape_finish(&tape, &err), &err);
            bool *trained = calloc(tape.n_params, sizeof *trained);
            for (size_t i = 0; i < tape.n_params; i++) {
                const size_t group = tape.params[i].group;
                trained[i] = kind == 2 || kind == 5 || (kind == 3 && group >= 2) ||
                             (kind == 4 && group == 1);
            }
            const ProgramOptions options = {.is_training = kind >= 2,
                                            .trained = trained,
                                            .dropout = kind == 5 ? 0.1f : 0.0f,
                                            .keeps_hidden = kind == 1};
            want_ok(program_build(&tape, &options, &arena, &program, &err), &err);
            char what[64];
            snprintf(what, sizeof what, "%s head, kind %d", model_head_name((ModelHead)head), kind);
            check_plan(program, what);
            if (kind == 0)
                cr_assert(program->n_steps == program->n_forward &&
                              program->n_buffers < program->n_slots / 2,
                          "%s: %zu buffers", what, program->n_buffers);
            if (kind == 3) {
                for (size_t i = program->n_forward; i < program->n_steps; i++) {
                    cr_assert(program->steps[i].op != OP_EMBEDDING_BACKWARD,
                              "%s: the frozen embedding is not passed through", what);
                }
            }
            free(trained);
            arena_release(&arena);
        }
    }
}

// A norm goes over its residual, so that a block of an encoder holds two values of the hidden size beside its widest one.
Test(program, norms_write_over_what_they_add)
{
    Arena arena = {0};
    Error err = {0};
    Program *program = NULL;
    Tape tape = tape_begin(&arena, LAYOUT_PANELS);
    const ModelConfig config = small_config(HEAD_EMBEDDING, 3);
    const size_t hidden = config.hidden_size, inner = config.intermediate_size;
    const ProgramOptions options = {0};
    size_t floats = 0;
    config.architecture->record(&tape, &config);
    want_ok(tape_finish(&tape, &err), &err);
    want_ok(program_build(&tape, &options, &arena, &program, &err), &err);
    check_plan(program, "an encoder");
    for (size_t b = 0; b < program->n_buffers; b++) floats += program->buffers[b].cols[ROWS_TOKENS];
    cr_expect_eq(floats, 2 * hidden + (inner > 3 * hidden ? inner : 3 * hidden), "%zu floats",
                 floats);
    arena_release(&arena);
}

// Floats of a unit of 512 tokens whose rows go through feed-forwards in stretches, or all at once.
static size_t floats_of(const Tape *tape, Arena *arena, bool by_stretch, const Program **out)
{
    Error err = {0};
    Program *program = NULL;
    const ProgramOptions options = {.by_stretch = by_stretch};
    const Extent extent = {.n_tokens = 512, .n_sequences = 1, .n_outputs = 512};
    want_ok(program_build(tape, &options, arena, &program, &err), &err);
    *out = program;
    return program_buffer_floats(program, extent);
}

// Half of the rows between the layers of a feed-forward take the place of queries, keys and values.
Test(program, holds_what_is_within_a_feed_forward_for_a_stretch_of_rows)
{
    static const size_t inner[] = {96, 192, 256};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        Arena arena = {0};
        Error err = {0};
        const Program *whole = NULL, *by_stretch = NULL;
        Tape tape = tape_begin(&arena, LAYOUT_PANELS);
        ModelConfig config = small_config(HEAD_EMBEDDING, 3);
        size_t n = 0;
        config.intermediate_size = inner[i];
        config.architecture->record(&tape, &config);
        want_ok(tape_finish(&tape, &err), &err);
        const size_t all = floats_of(&tape, &arena, false, &whole),
                     some = floats_of(&tape, &arena, true, &by_stretch);
        for (size_t k = 0; k < by_stretch->n_steps; k++) n += by_stretch->steps[k].stretch > 0;
        cr_expect_eq(n, config.n_layers);
        // Beside the hidden state, what becomes of it, and the output that is their mean.
        cr_expect_eq(all - some, 512 * (inner[i] - (inner[i] > 192 ? inner[i] / 2 : 96)),
                     "%zu: %zu and %zu floats", inner[i], all, some);
        arena_release(&arena);
    }
}

// Rotations and norms of heads go over the columns of the product that made queries and keys, and a gate over its half.
Test(program, writes_over_columns_that_nobody_reads_again)
{
    static const char *const types[] = {"llama", "qwen3", "gemma2", "phi3", "gpt2"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        Arena arena = {0};
        Error err = {0};
        Program *program = NULL;
        ModelConfig config;
        char text[512];
        snprintf(
            text, sizeof text,
            "{\"model_type\": \"%s\", \"vocab_size\": 64, \"hidden_size\": 32, \"n_embd\": 32, "
            "\"intermediate_size\": 96, \"num_hidden_layers\": 3, \"n_layer\": 3, "
            "\"num_attention_heads\": 2, \"n_head\": 2, \"num_key_value_heads\": 1, "
            "\"head_dim\": 16, \"max_position_embeddings\": 64, \"n_positions\": 64, "
            "\"pad_token_id\": 0, \"architectures\": [\"%s\"]}",
            types[i],
            i == 0   ? "LlamaForCausalLM"
            : i == 1 ? "Qwen3ForCausalLM"
            : i == 2 ? "Gemma2ForCausalLM"
            : i == 3 ? "Phi3ForCausalLM"
                     : "GPT2LMHeadModel");
        want_ok(parse_config(&arena, text, &config, &err), &err);
        Tape tape = tape_begin(&arena, LAYOUT_PANELS);
        config.architecture->record(&tape, &config);
        want_ok(tape_finish(&tape, &err), &err);
        const ProgramOptions options = {0};
        want_ok(program_build(&tape, &options, &arena, &program, &err), &err);
        check_plan(program, types[i]);
        size_t floats = 0, n_over = 0;
        for (size_t b = 0; b < program->n_buffers; b++)
            floats += program->buffers[b].cols[ROWS_TOKENS];
        for (size_t s = 0; s < program->n_slots; s++)
            n_over += program->slots[s].first != SIZE_MAX && program->slots[s].root != s;
        // The residual, what a block takes and gives, and its widest product: gate and what is gated.
        const size_t widest = i == 4 ? 128 : 192;
        cr_expect(floats <= 96 + widest, "%s: %zu floats a token", types[i], floats);
        cr_expect(i == 4 || n_over > 0, "%s: nothing is written over columns", types[i]);
        // Of what a gate meets half the columns at a time, for half of the rows: then queries, keys and values are the widest.
        const ProgramOptions in_stretches = {.by_stretch = true};
        const Extent few = {.n_tokens = 16, .n_sequences = 1},
                     many = {.n_tokens = 512, .n_sequences = 1};
        want_ok(program_build(&tape, &in_stretches, &arena, &program, &err), &err);
        check_plan(program, types[i]);
        const size_t others =
            i == 4 ? 96 : 64; // two products may be one, which does not write over what it reads
        cr_expect_eq(program_buffer_floats(program, few), 16 * (others + widest), "%s", types[i]);
        cr_expect_eq(program_buffer_floats(program, many),
                     512 * others + (size_t)(i == 4 ? 512 * 96 : 256 * 144), "%s", types[i]);
        // Logits part by part: the output layer, and Gemma's cap on what it makes, are apart from the rest.
        const ProgramOptions by_part = {.outputs_by_part = true};
        want_ok(program_build(&tape, &by_part, &arena, &program, &err), &err);
        check_plan(program, types[i]);
        cr_expect_eq(program->n_forward - program->n_body, i == 2 ? 2 : 1, "%s", types[i]);
        cr_expect_eq(program->slots[program->output].domain, ROWS_AT_ONCE, "%s", types[i]);
        // A part of them goes where values of the layers were, all of them are more than those.
        const Extent unread = {.n_tokens = 64, .n_sequences = 1};
        Extent all = unread, some = unread;
        all.n_outputs = some.n_outputs = 64;
        some.n_at_once = 8;
        const size_t least = program_buffer_floats(program, unread) + (size_t)64 * 32;
        cr_expect_eq(program_buffer_floats(program, some), least, "%s", types[i]);
        cr_expect_eq(program_buffer_floats(program, all), least + (size_t)64 * 32, "%s", types[i]);
        arena_release(&arena);
    }
}
