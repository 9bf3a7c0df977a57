#include <assert.h>
#include <string.h>

#include "base/size.h"
#include "models/program.h"

enum { FLOAT_ALIGNMENT = 16 }; // 64 bytes
// Room is made for multiples of these, so that units a little larger than the last do not ask anew.
enum { ROOM_TOKENS = 128, ROOM_SEQUENCES = 32 };

static size_t rows_in(RowDomain domain, size_t n_tokens, size_t n_sequences)
{
    return domain == ROWS_TOKENS ? n_tokens : n_sequences;
}

size_t program_buffer_floats(const Program *program, size_t n_tokens, size_t n_sequences)
{
    size_t total = 0;
    for (size_t i = 0; i < program->n_buffers; i++) {
        const ProgramBuffer *buffer = &program->buffers[i];
        size_t floats = 0;
        if (!size_mul(rows_in(buffer->domain, n_tokens, n_sequences), buffer->cols, &floats) ||
            !size_add(total, size_round_up(floats, FLOAT_ALIGNMENT), &total)) {
            return SIZE_MAX / 64; // more than any machine has: the allocation fails and says so
        }
    }
    return total;
}

// Words (32 bits) of the arrays of a unit, each at a multiple of 64 bytes.
enum {
    STAGED_IDS,
    STAGED_POSITIONS,
    STAGED_TYPES,
    STAGED_ROWS,
    STAGED_OFFSETS,
    STAGED_FIRST,
    STAGED_CHOSEN,
    STAGED_KEYS,
    STAGED_COUNT
};

static size_t staged_words(int which, size_t n_tokens, size_t n_sequences)
{
    switch (which) {
    case STAGED_OFFSETS:
    case STAGED_FIRST:
        return n_sequences + 1;
    case STAGED_CHOSEN:
        return n_sequences;
    case STAGED_KEYS:
        return 2 * n_sequences;
    default:
        return n_tokens;
    }
}

static size_t staged_begin(int which, size_t n_tokens, size_t n_sequences)
{
    size_t at = 0;
    for (int i = 0; i < which; i++)
        at += size_round_up(staged_words(i, n_tokens, n_sequences), FLOAT_ALIGNMENT);
    return at;
}

void worker_memory_release(WorkerMemory *memory, Exec *exec)
{
    if (memory->block) exec_free(exec, memory->block, memory->size_bytes);
    free(memory->offsets);
    *memory = (WorkerMemory){0};
}

// Room for units of at least this size, and the place of each buffer.
static Status make_room(WorkerMemory *memory, const Program *program, Exec *exec, size_t n_tokens,
                        size_t n_sequences, Error *err)
{
    if (memory->program == program && n_tokens <= memory->max_tokens &&
        n_sequences <= memory->max_sequences)
        return STATUS_OK;
    if (memory->program == program) { // grows in both at once, so that it soon stops growing
        n_tokens = size_max(n_tokens, memory->max_tokens);
        n_sequences = size_max(n_sequences, memory->max_sequences);
    }
    n_tokens = size_round_up(n_tokens, ROOM_TOKENS);
    n_sequences = size_round_up(n_sequences, ROOM_SEQUENCES);
    const size_t floats = program_buffer_floats(program, n_tokens, n_sequences);
    const size_t words = staged_begin(STAGED_COUNT, n_tokens, n_sequences);
    size_t size_bytes = 0;
    if (!size_add(floats, words, &size_bytes) ||
        !size_mul(size_bytes, sizeof(float), &size_bytes)) {
        return error_set(err, STATUS_MEMORY, "a unit of %zu tokens is too large", n_tokens);
    }
    memory->program = NULL; // until all is in place
    free(memory->offsets);
    memory->offsets = calloc(program->n_buffers + 1, sizeof *memory->offsets);
    if (!memory->offsets)
        return error_set_memory(err, program->n_buffers, sizeof *memory->offsets, "a worker");
    if (size_bytes > memory->size_bytes) {
        if (memory->block) exec_free(exec, memory->block, memory->size_bytes);
        memory->block = NULL;
        memory->size_bytes = 0;
        TRY(exec_alloc(exec, size_bytes, &memory->block, err));
        memory->size_bytes = size_bytes;
    }
    memory->buffers = memory->block;
    memory->staged = (int32_t *)memory->block + floats;
    for (size_t i = 0; i < program->n_buffers; i++) {
        const ProgramBuffer *buffer = &program->buffers[i];
        const size_t size = rows_in(buffer->domain, n_tokens, n_sequences) * buffer->cols;
        memory->offsets[i + 1] = memory->offsets[i] + size_round_up(size, FLOAT_ALIGNMENT);
    }
    memory->max_tokens = n_tokens;
    memory->max_sequences = n_sequences;
    memory->program = program;
    return STATUS_OK;
}

static Status stage(ProgramRun *run, int which, const void *from, const int32_t **out, Error *err)
{
    const WorkerMemory *m = run->memory;
    int32_t *to = m->staged + staged_begin(which, m->max_tokens, m->max_sequences);
    *out = to;
    if (!from) return STATUS_OK;
    return exec_upload(run->exec, to, from,
                       staged_words(which, run->unit.n_tokens, run->unit.n_sequences) * sizeof *to,
                       err);
}

// Sequences of one row each: 0, 1, 2, ...
static Status stage_ones(ProgramRun *run, const int32_t **out, Error *err)
{
    int32_t ones[256];
    const WorkerMemory *m = run->memory;
    int32_t *to = m->staged + staged_begin(STAGED_FIRST, m->max_tokens, m->max_sequences);
    *out = to;
    for (size_t at = 0; at <= run->unit.n_sequences; at += 256) {
        const size_t n = size_min(256, run->unit.n_sequences + 1 - at);
        for (size_t i = 0; i < n; i++) ones[i] = (int32_t)(at + i);
        TRY(exec_upload(run->exec, to + at, ones, n * sizeof *ones, err));
    }
    return STATUS_OK;
}

Status program_bind(ProgramRun *run, Error *err)
{
    const Unit *unit = &run->unit;
    const int32_t *offsets = NULL, *ones = NULL, *keys = NULL;
    TRY(make_room(run->memory, run->program, run->exec, unit->n_tokens, unit->n_sequences, err));
    TRY(stage(run, STAGED_IDS, unit->ids, &run->device_ids, err));
    TRY(stage(run, STAGED_POSITIONS, unit->position_ids, &run->device_positions, err));
    TRY(stage(run, STAGED_TYPES, unit->type_ids, &run->device_types, err));
    TRY(stage(run, STAGED_ROWS, unit->row_of_token, &run->device_rows, err));
    TRY(stage(run, STAGED_OFFSETS, unit->offsets, &offsets, err));
    TRY(stage(run, STAGED_KEYS, unit->sequence_keys, &keys, err));
    TRY(stage(run, STAGED_CHOSEN, unit->chosen, &run->device_chosen, err));
    TRY(stage_ones(run, &ones, err));
    const void *key_words = keys; // staged at 64 bytes, so 64-bit keys are aligned
    run->ragged[ROWS_TOKENS] =
        (Ragged){.n_sequences = unit->n_sequences, .offsets = offsets, .sequence_keys = key_words};
    run->ragged[ROWS_SEQUENCES] =
        (Ragged){.n_sequences = unit->n_sequences, .offsets = ones, .sequence_keys = key_words};
    return STATUS_OK;
}

// ---- tensors of a step ----

static Tensor slot_tensor(const ProgramRun *run, size_t index, size_t begin, size_t end)
{
    const ProgramSlot *slot = &run->program->slots[index];
    Tensor t =
        tensor_f32(run->memory->buffers + run->memory->offsets[slot->buffer] + begin,
                   rows_in(slot->domain, run->unit.n_tokens, run->unit.n_sequences), end - begin);
    t.row_stride = slot->cols;
    t.device = exec_device(run->exec);
    return t;
}

// Rows begin .. end of a matrix (columns, of a vector) whose numbers start at base.
static Tensor param_tensor(const ProgramRun *run, const Param *param, float *base, size_t begin,
                           size_t end)
{
    Tensor t = param->is_vector ? tensor_f32(base + begin, 1, end - begin)
                                : tensor_f32(base + begin * param->cols, end - begin, param->cols);
    t.layout = param->layout;
    t.device = exec_device(run->exec);
    return t;
}

static Tensor operand_tensor(const ProgramRun *run, const Operand *operand)
{
    const Param *param = &run->program->tape->params[operand->index];
    switch (operand->kind) {
    case OPERAND_NONE:
        break;
    case OPERAND_SLOT:
        return slot_tensor(run, operand->index, operand->begin, operand->end);
    case OPERAND_PARAM:
        return param_tensor(run, param, run->weights + param->offset, operand->begin, operand->end);
    case OPERAND_GRADIENT:
        return param_tensor(run, param, run->gradients + run->gradient_offsets[operand->index],
                            operand->begin, operand->end);
    case OPERAND_ROWS: {
        Tensor t = tensor_f32(run->unit.row_gradients, run->unit.n_rows, param->cols);
        t.device = exec_device(run->exec);
        return t;
    }
    }
    return (Tensor){0};
}

Tensor program_output(const ProgramRun *run)
{
    const Value v = run->program->tape->output;
    return slot_tensor(run, run->program->output, v.begin, v.end);
}

Tensor program_output_gradient(const ProgramRun *run)
{
    return slot_tensor(run, run->program->output_gradient, 0,
                       run->program->slots[run->program->output_gradient].cols);
}

Tensor program_hidden(const ProgramRun *run, size_t index)
{
    const size_t slot = run->program->hidden[index];
    return slot_tensor(run, slot, 0, run->program->slots[slot].cols);
}

// ---- steps ----

static DropoutArgs dropout_args(const ProgramRun *run, const ProgramStep *step)
{
    return (DropoutArgs){.p = step->dropout,
                         .seed = run->seed,
                         .step = run->step,
                         .site = step->site,
                         .batch = run->ragged[step->rows]};
}

static void set_attention(const ProgramRun *run, const ProgramStep *step, const TapeNode *node,
                          OpArgs *args)
{
    const TapeAttention *a = &node->as.attention;
    args->as.attention = (AttentionArgs){.n_heads = a->n_heads,
                                         .n_kv_heads = a->n_kv_heads,
                                         .head_dim = a->head_dim,
                                         .scale = a->scale,
                                         .is_causal = a->is_causal,
                                         .window = a->window,
                                         .queries = run->ragged[step->rows],
                                         .keys = run->ragged[step->key_rows],
                                         .dropout = dropout_args(run, step)};
}

// The arguments of a step that are no tensors.
static void set_arguments(const ProgramRun *run, const ProgramStep *step, OpArgs *args)
{
    const TapeNode *node = &run->program->tape->nodes[step->node];
    const bool by_row = step->out[0].kind == OPERAND_ROWS;
    switch (step->op) {
    case OP_EMBEDDING:
    case OP_EMBEDDING_BACKWARD:
        args->as.embedding = (EmbeddingArgs){.ids = by_row ? run->device_rows : run->device_ids,
                                             .position_ids = run->device_positions,
                                             .type_ids = run->device_types};
        break;
    case OP_LINEAR:
    case OP_LINEAR_BACKWARD:
        args->as.linear.activation = node->as.activation;
        break;
    case OP_LAYER_NORM:
    case OP_LAYER_NORM_BACKWARD:
        args->as.norm.epsilon = node->as.epsilon;
        break;
    case OP_ATTENTION:
    case OP_ATTENTION_BACKWARD:
        set_attention(run, step, node, args);
        break;
    case OP_DROPOUT:
        args->as.dropout = dropout_args(run, step);
        break;
    case OP_SELECT_ROWS:
    case OP_SELECT_ROWS_BACKWARD:
        args->as.select.rows = run->device_chosen;
        break;
    case OP_MEAN_POOL:
    case OP_MEAN_POOL_BACKWARD:
        args->as.pool.batch = run->ragged[ROWS_TOKENS];
        break;
    case OP_ADD_SCALED:
        args->as.scale.factor = 1.0f;
        break;
    default:
        assert(step->op == OP_COUNT); // programs have no other operation
    }
}

static Status run_steps(ProgramRun *run, size_t begin, size_t end, Error *err)
{
    for (size_t i = begin; i < end; i++) {
        const ProgramStep *step = &run->program->steps[i];
        OpArgs args;
        memset(&args, 0, sizeof args);
        for (size_t k = 0; k < OP_MAX_IN; k++) {
            if (step->in[k].kind != OPERAND_NONE) args.in[k] = operand_tensor(run, &step->in[k]);
        }
        for (size_t k = 0; k < OP_MAX_OUT; k++) {
            if (step->out[k].kind != OPERAND_NONE) args.out[k] = operand_tensor(run, &step->out[k]);
        }
        set_arguments(run, step, &args);
        TRY(op_run(run->exec, step->op, DTYPE_F32, &args, err));
    }
    return STATUS_OK;
}

Status program_forward(ProgramRun *run, Error *err)
{
    return run_steps(run, 0, run->program->n_forward, err);
}

Status program_backward(ProgramRun *run, Error *err)
{
    return run_steps(run, run->program->n_forward, run->program->n_steps, err);
}
