// Programs: what is recorded is checked, slots that live together never share memory, gradients are those of the loss.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "model_support.h"
#include "models/architecture.h"
#include "models/program/program.h"

// ---- recording ----

Test(tape, keeps_the_first_mistake_and_reports_it)
{
    Arena arena = {0};
    Error err = {0};
    Tape t = tape_begin(&arena, LAYOUT_PANELS);
    static const char *const name = "a";
    const ParamId word = tape_table(&t, "word", 7, 8, -1),
                  position = tape_table(&t, "position", 5, 8, -1),
                  type = tape_table(&t, "type", 2, 8, -1);
    const Value x = tape_embedding(&t, word, position, type);
    const Value y =
        tape_linear(&t, x, tape_dense(&t, &name, 1, 9, 4), ACTIVATION_NONE); // x has 8 columns
    tape_output(&t, tape_columns(&t, y, 3, 99));
    cr_assert(tape_finish(&t, &err) == STATUS_INTERNAL);
    cr_assert(strstr(err.text, "another width") != NULL, "%s", err.text);
    arena_release(&arena);
}

Test(tape, wants_an_output)
{
    Arena arena = {0};
    Error err = {0};
    Tape t = tape_begin(&arena, LAYOUT_PANELS);
    cr_assert(tape_finish(&t, &err) == STATUS_INTERNAL && strstr(err.text, "no output"), "%s",
              err.text);
    arena_release(&arena);
}

Test(tape, refuses_parts_that_cut_a_panel)
{
    Arena arena = {0};
    Error err = {0};
    Tape t = tape_begin(&arena, LAYOUT_PANELS);
    static const char *const name = "a";
    const ParamId table = tape_table(&t, "t", 7, 8, -1);
    const Value x = tape_embedding(&t, table, table, table);
    tape_output(&t,
                tape_linear_part(&t, x, tape_dense(&t, &name, 1, 8, 40), 8, 40, ACTIVATION_NONE));
    cr_assert(tape_finish(&t, &err) == STATUS_INTERNAL && strstr(err.text, "panel"), "%s",
              err.text);
    arena_release(&arena);
}

Test(tape, names_parameters_as_the_checkpoint_does_and_stacks_them)
{
    Model *model = small_model(HEAD_SEQUENCE, 3, 1);
    Error err = {0};
    size_t rows = 0, cols = 0;
    want_ok(model_tensor_shape(model, SLICE("bert.encoder.layer.1.attention.self.key.weight"),
                               &rows, &cols, &err),
            &err);
    cr_assert(rows == 32 && cols == 32);
    want_ok(model_tensor_shape(model, SLICE("bert.encoder.layer.0.attention.self.value.bias"),
                               &rows, &cols, &err),
            &err);
    cr_assert(rows == 1 && cols == 32);
    float written[32], read[32];
    for (size_t i = 0; i < 32; i++) written[i] = (float)i;
    want_ok(model_tensor_write(model, SLICE("bert.encoder.layer.0.attention.self.key.bias"),
                               written, &err),
            &err);
    want_ok(
        model_tensor_read(model, SLICE("bert.encoder.layer.0.attention.self.key.bias"), read, &err),
        &err);
    cr_assert(memcmp(written, read, sizeof read) == 0);
    want_ok(model_tensor_read(model, SLICE("bert.encoder.layer.0.attention.self.value.bias"), read,
                              &err),
            &err);
    cr_assert(read[5] == 0.0f, "a neighbour in the same parameter stays");
    cr_assert(model_tensor_read(model, SLICE("bert.nothing"), read, &err) == STATUS_NOT_FOUND);
    model_close(&model);
}

// ---- slots ----

typedef struct Life {
    size_t first, last;
} Life;

static void see(Life *lives, const Operand *operand, size_t step)
{
    if (operand->kind != OPERAND_SLOT) return;
    Life *life = &lives[operand->index];
    if (life->first == SIZE_MAX) life->first = step;
    life->last = step;
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

// Lifetimes found anew from the steps, and compared pair by pair.
static void check_plan(const Program *p, const char *what)
{
    Life *lives = calloc(p->n_slots, sizeof *lives);
    for (size_t i = 0; i < p->n_slots; i++) lives[i].first = SIZE_MAX;
    for (size_t i = 0; i < p->n_steps; i++) {
        for (size_t k = 0; k < OP_MAX_IN; k++) see(lives, &p->steps[i].in[k], i);
        for (size_t k = 0; k < OP_MAX_OUT; k++) see(lives, &p->steps[i].out[k], i);
    }
    lives[p->output].last = p->n_steps; // read by the loss, and by whoever wants the answer
    for (size_t a = 0; a < p->n_slots; a++) {
        if (lives[a].first == SIZE_MAX) continue;
        const ProgramBuffer *buffer = &p->buffers[p->slots[a].buffer];
        const bool is_output_of_tokens = p->n_steps == p->n_forward &&
                                         p->slots[a].domain == ROWS_OUTPUTS &&
                                         buffer->domain == ROWS_TOKENS;
        cr_assert((buffer->domain == p->slots[a].domain || is_output_of_tokens) &&
                      buffer->cols >= p->slots[a].begin + p->slots[a].cols &&
                      buffer->cols >= p->slots[a].stride,
                  "%s: slot %zu does not fit its buffer", what, a);
        for (size_t b = a + 1; b < p->n_slots; b++) {
            if (lives[b].first == SIZE_MAX || p->slots[a].buffer != p->slots[b].buffer) continue;
            const bool before = lives[a].last < lives[b].first || lives[b].last < lives[a].first;
            // Some operations may write over their input (kernels/op.h).
            const bool in_place = (lives[a].last == lives[b].first &&
                                   writes_over_value(&p->steps[lives[a].last], b, a)) ||
                                  (lives[b].last == lives[a].first &&
                                   writes_over_value(&p->steps[lives[b].last], a, b));
            const bool over_columns = is_over_columns(p, lives, b, a) ||
                                      is_over_columns(p, lives, a, b) ||
                                      lie_apart(&p->slots[a], &p->slots[b]);
            cr_assert(before || in_place || over_columns,
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
    for (size_t b = 0; b < program->n_buffers; b++) {
        if (program->buffers[b].domain == ROWS_TOKENS) floats += program->buffers[b].cols;
    }
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
        for (size_t b = 0; b < program->n_buffers; b++) {
            if (program->buffers[b].domain == ROWS_TOKENS) floats += program->buffers[b].cols;
        }
        for (size_t s = 0; s < program->n_slots; s++)
            n_over += program->slots[s].first != SIZE_MAX && program->slots[s].root != s;
        // The residual, what a block takes and gives, and its widest product: gate and what is gated.
        const size_t widest = i == 4 ? 128 : 192;
        cr_expect(floats <= 96 + widest, "%s: %zu floats a token", types[i], floats);
        cr_expect(i == 4 || n_over > 0, "%s: nothing is written over columns", types[i]);
        // Logits part by part: the output layer, and Gemma's cap on what it makes, are apart from the rest.
        const ProgramOptions by_part = {.outputs_by_part = true};
        want_ok(program_build(&tape, &by_part, &arena, &program, &err), &err);
        check_plan(program, types[i]);
        cr_expect_eq(program->n_forward - program->n_body, i == 2 ? 2 : 1, "%s", types[i]);
        cr_expect_eq(program->slots[program->output].domain, ROWS_AT_ONCE, "%s", types[i]);
        const Extent all = {.n_tokens = 64, .n_sequences = 1, .n_outputs = 64};
        Extent some = all;
        some.n_at_once = 8;
        cr_expect_eq(program_buffer_floats(program, all) - program_buffer_floats(program, some),
                     (size_t)(64 - 8) * 64, "%s", types[i]);
        arena_release(&arena);
    }
}

// ---- gradients ----

static double loss_of(Model *model, Pool *pool, const SmallData *data, const TrainOptions *options)
{
    Error err = {0};
    double loss = 0;
    want_ok(model_loss(model, pool, data->examples, data->n, options, &loss, &err), &err);
    return loss;
}

// The change of the loss along a random direction of one tensor, by central differences, against gradient times direction.
static void check_slope(Model *model, Pool *pool, const SmallData *data,
                        const TrainOptions *options, Slice tensor)
{
    Error err = {0};
    size_t rows = 0, cols = 0;
    double norm = 0, slope = 0, length = 0;
    want_ok(model_tensor_shape(model, tensor, &rows, &cols, &err), &err);
    const size_t n = rows * cols;
    float *at = calloc(n, sizeof *at), *gradient = calloc(n, sizeof *gradient),
          *moved = calloc(n, sizeof *moved), *direction = calloc(n, sizeof *direction);
    Philox rng = philox_stream(5, n);
    want_ok(model_tensor_read(model, tensor, at, &err), &err);
    want_ok(model_gradient(model, pool, data->examples, data->n, options, tensor, gradient, &norm,
                           &err),
            &err);
    for (size_t i = 0; i < n; i++) direction[i] = (float)philox_normal(&rng);
    for (size_t i = 0; i < n; i++) length += (double)direction[i] * (double)direction[i];
    for (size_t i = 0; i < n; i++) direction[i] /= (float)sqrt(length);
    for (size_t i = 0; i < n; i++) slope += (double)direction[i] * (double)gradient[i];
    const double step = 0.02;
    double losses[2];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++)
            moved[i] = at[i] + (float)(side ? step : -step) * direction[i];
        want_ok(model_tensor_write(model, tensor, moved, &err), &err);
        losses[side] = loss_of(model, pool, data, options);
    }
    want_ok(model_tensor_write(model, tensor, at, &err), &err);
    const double measured = (losses[1] - losses[0]) / (2 * step);
    cr_assert(fabs(measured - slope) <= 2e-4 + 0.01 * fabs(slope),
              SLICE_FMT ": the loss changes by %.6g, the gradient says %.6g", SLICE_ARG(tensor),
              measured, slope);
    free(at);
    free(gradient);
    free(moved);
    free(direction);
}

Test(program, gives_the_gradient_of_the_loss_for_every_tensor)
{
    static const ModelHead heads[] = {HEAD_SEQUENCE, HEAD_TOKEN, HEAD_SPAN, HEAD_MASKED_LM};
    static const float class_weights[] = {0.5f, 2.0f, 1.0f};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        Error err = {0};
        Pool *pool = NULL;
        Model *model = small_model(heads[h], 3, 3);
        SmallData data = small_data(model, 6, 4);
        const bool classifies = heads[h] == HEAD_SEQUENCE || heads[h] == HEAD_TOKEN;
        const TrainOptions options = {.dropout = 0,
                                      .class_weights = classifies ? class_weights : NULL,
                                      .label_smoothing = heads[h] == HEAD_TOKEN ? 0.1f : 0};
        want_ok(pool_open(1, &pool, &err), &err);
        for (size_t i = 0; i < model_n_tensors(model); i++)
            check_slope(model, pool, &data, &options, model_tensor_name(model, i));
        small_data_release(&data);
        pool_close(&pool);
        model_close(&model);
    }
}
