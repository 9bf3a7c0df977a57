// What a worker keeps from unit to unit.
#include "models/program/program_memory.h"

#include <stdlib.h>

#include "base/size.h"
#include "models/program/program_internal.h"

enum { FLOAT_ALIGNMENT = 16 }; // 64 bytes

size_t extent_rows(const Extent *extent, RowDomain domain)
{
    switch (domain) {
    case ROWS_TOKENS:
        return extent->n_tokens;
    case ROWS_OUTPUTS:
        return extent->n_outputs;
    case ROWS_AT_ONCE:
        return extent->n_at_once > 0 ? size_min(extent->n_at_once, extent->n_outputs)
                                     : extent->n_outputs;
    case ROWS_TARGETS:
        return extent->n_targets;
    case ROWS_STRETCH:
        return program_stretch_rows(extent->n_tokens);
    case ROWS_RELATIVE:
        return extent->n_relative;
    case ROWS_SEQUENCES:
    case ROW_DOMAIN_COUNT:
        break;
    }
    return extent->n_sequences;
}

Extent extent_of_run(const ProgramRun *run)
{
    return (Extent){.n_tokens = run->unit.n_tokens,
                    .n_sequences = run->unit.n_sequences,
                    .n_outputs = run->n_outputs,
                    .n_targets = run->unit.n_targets,
                    .n_relative = run->n_relative,
                    .n_at_once = run->unit.outputs_at_once};
}

size_t program_buffer_size(const ProgramBuffer *buffer, const Extent *extent)
{
    size_t most = 0;
    for (int d = 0; d < ROW_DOMAIN_COUNT; d++) {
        const bool is_narrow = d == ROWS_STRETCH && program_is_narrow(extent);
        const size_t cols = is_narrow ? buffer->narrow_cols : buffer->cols[d];
        size_t floats;
        if (!size_mul(extent_rows(extent, (RowDomain)d), cols, &floats)) return SIZE_MAX;
        most = size_max(most, floats);
    }
    return most > SIZE_MAX - FLOAT_ALIGNMENT ? SIZE_MAX : size_round_up(most, FLOAT_ALIGNMENT);
}

size_t program_buffer_floats(const Program *program, Extent extent)
{
    size_t total = 0;
    for (size_t i = 0; i < program->n_buffers; i++) {
        if (!size_add(total, program_buffer_size(&program->buffers[i], &extent), &total))
            return SIZE_MAX / 64; // more than any machine has: the allocation fails and says so
    }
    return size_min(total, SIZE_MAX / 64);
}

size_t program_staged_words(int which, const Extent *extent)
{
    switch (which) {
    case STAGED_OFFSETS:
    case STAGED_FIRST:
    case STAGED_OUTPUT_OFFSETS:
    case STAGED_KEY_OFFSETS:
    case STAGED_TARGET_OFFSETS:
        return extent->n_sequences + 1;
    case STAGED_CHOSEN:
    case STAGED_CHOSEN_POSITIONS:
        return extent->n_sequences;
    case STAGED_KEYS:
        return 2 * extent->n_sequences;
    case STAGED_OUTPUTS:
    case STAGED_OUTPUT_POSITIONS:
        return extent->n_outputs;
    case STAGED_TARGET_IDS:
    case STAGED_TARGET_POSITIONS:
        return extent->n_targets;
    case STAGED_RELATIVE:
        return extent->n_relative;
    case STAGED_RELATIVE_BATCH:
        return STAGED_BATCH_WORDS;
    default:
        return extent->n_tokens;
    }
}

size_t program_staged_begin(int which, const Extent *extent)
{
    size_t at = 0;
    for (int i = 0; i < which; i++)
        at += size_round_up(program_staged_words(i, extent), FLOAT_ALIGNMENT);
    return at;
}

size_t program_angles_begin(const Program *program, size_t which, const Extent *extent)
{
    size_t at = 0;
    for (size_t i = 0; i < which; i++) {
        const ProgramAngles *angles = &program->angles[i];
        at += size_round_up(extent_rows(extent, angles->domain) *
                                program->tape->ropes[angles->rope].n_dims,
                            FLOAT_ALIGNMENT);
    }
    return at;
}

void worker_memory_release(WorkerMemory *memory, Exec *exec)
{
    if (memory->block) exec_free(exec, memory->block, memory->size_bytes);
    free(memory->offsets);
    free(memory->angles);
    *memory = (WorkerMemory){0};
}

// Places of the buffers and room for the angles of a unit of this extent.
static Status lay_out(WorkerMemory *memory, const Program *program, const Extent *extent,
                      Error *err)
{
    const size_t n_angle_floats = program_angles_begin(program, program->n_angles, extent);
    if (program->n_buffers + 1 > memory->n_offsets) {
        free(memory->offsets);
        memory->n_offsets = 0;
        memory->offsets = calloc(program->n_buffers + 1, sizeof *memory->offsets);
        if (!memory->offsets)
            return error_set_memory(err, program->n_buffers, sizeof *memory->offsets, "a worker");
        memory->n_offsets = program->n_buffers + 1;
    }
    for (size_t i = 0; i < program->n_buffers; i++) {
        memory->offsets[i + 1] =
            memory->offsets[i] + program_buffer_size(&program->buffers[i], extent);
    }
    if (n_angle_floats <= memory->n_angle_floats) return STATUS_OK;
    free(memory->angles);
    memory->n_angle_floats = 0;
    memory->angles = malloc(n_angle_floats * sizeof *memory->angles);
    if (!memory->angles)
        return error_set_memory(err, n_angle_floats, sizeof *memory->angles, "a worker");
    memory->n_angle_floats = n_angle_floats;
    return STATUS_OK;
}

static bool same_extent(const Extent *a, const Extent *b)
{
    return a->n_tokens == b->n_tokens && a->n_sequences == b->n_sequences &&
           a->n_outputs == b->n_outputs && a->n_targets == b->n_targets &&
           a->n_relative == b->n_relative && a->n_at_once == b->n_at_once;
}

// What larger units before this one took goes back where this one needs little of it: when prompts are read and texts are
// written on, the keys of a next page can have that memory. To take it again costs a long unit 0.3 % of its time.
static void forget_unused(WorkerMemory *memory, Exec *exec, size_t needed_bytes)
{
    enum { LEAST_BYTES = 1 << 20, FEW = 8 };
    if (memory->used_bytes >= LEAST_BYTES && memory->used_bytes / FEW >= needed_bytes) {
        exec_shrink(exec, memory->block, memory->size_bytes, needed_bytes);
        memory->used_bytes = 0;
    }
    memory->used_bytes = size_max(memory->used_bytes, needed_bytes);
}

Status program_make_room(WorkerMemory *memory, const Program *program, Exec *exec, Extent extent,
                         Error *err)
{
    if (memory->program == program && same_extent(&extent, &memory->extent)) return STATUS_OK;
    const size_t floats = program_buffer_floats(program, extent);
    const size_t words = program_staged_begin(STAGED_COUNT, &extent) +
                         program_angles_begin(program, program->n_angles, &extent);
    size_t size_bytes = 0;
    if (!size_add(floats, words, &size_bytes) ||
        !size_mul(size_bytes, sizeof(float), &size_bytes)) {
        return error_set(err, STATUS_MEMORY, "a unit of %zu tokens is too large",
                         extent.n_tokens + extent.n_targets);
    }
    const size_t needed = size_bytes;
    memory->program = NULL; // until all is in place
    TRY(lay_out(memory, program, &extent, err));
    if (size_bytes > memory->size_bytes) {
        // By a quarter at least, so that units that grow soon ask no more. What is beyond is not touched.
        size_bytes = size_max(size_bytes, memory->size_bytes + memory->size_bytes / 4);
        if (memory->block) exec_free(exec, memory->block, memory->size_bytes);
        memory->block = NULL;
        memory->size_bytes = 0;
        TRY(exec_alloc(exec, size_bytes, &memory->block, err));
        memory->size_bytes = size_bytes;
        memory->used_bytes = 0;
    }
    forget_unused(memory, exec, needed);
    memory->buffers = memory->block;
    memory->staged = (int32_t *)memory->block + floats;
    memory->extent = extent;
    memory->program = program;
    return STATUS_OK;
}
