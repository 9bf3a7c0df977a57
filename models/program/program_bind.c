// Puts a unit in place for a run: room for its values, its arrays where the device reads them, and what follows from them:
// rows that are read, and the angles of rotary embeddings.
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "models/program/program_internal.h"
#include "models/rope.h"

enum { FLOAT_ALIGNMENT = 16 }; // 64 bytes

size_t extent_rows(const Extent *extent, RowDomain domain)
{
    switch (domain) {
    case ROWS_TOKENS:
        return extent->n_tokens;
    case ROWS_OUTPUTS:
        return extent->n_outputs;
    case ROWS_TARGETS:
        return extent->n_targets;
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
                    .n_relative = run->n_relative};
}

size_t program_buffer_floats(const Program *program, Extent extent)
{
    size_t total = 0;
    for (size_t i = 0; i < program->n_buffers; i++) {
        const ProgramBuffer *buffer = &program->buffers[i];
        size_t floats = 0;
        if (!size_mul(extent_rows(&extent, buffer->domain), buffer->cols, &floats) ||
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
    STAGED_CHOSEN_POSITIONS,
    STAGED_KEYS,
    STAGED_OUTPUTS,
    STAGED_OUTPUT_OFFSETS,
    STAGED_OUTPUT_POSITIONS,
    STAGED_KEY_OFFSETS,
    STAGED_TARGET_IDS,
    STAGED_TARGET_POSITIONS,
    STAGED_TARGET_OFFSETS,
    STAGED_RELATIVE,
    STAGED_RELATIVE_BATCH,
    STAGED_COUNT
};

enum { BATCH_WORDS = 4 }; // offsets of one sequence, and its key

static size_t staged_words(int which, const Extent *extent)
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
        return BATCH_WORDS;
    default:
        return extent->n_tokens;
    }
}

static size_t staged_begin(int which, const Extent *extent)
{
    size_t at = 0;
    for (int i = 0; i < which; i++) at += size_round_up(staged_words(i, extent), FLOAT_ALIGNMENT);
    return at;
}

// Where the angles of an entry of Program.angles begin; all of them where `which` is their number.
static size_t angles_begin(const Program *program, size_t which, const Extent *extent)
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
    const size_t n_angle_floats = angles_begin(program, program->n_angles, extent);
    if (program->n_buffers + 1 > memory->n_offsets) {
        free(memory->offsets);
        memory->n_offsets = 0;
        memory->offsets = calloc(program->n_buffers + 1, sizeof *memory->offsets);
        if (!memory->offsets)
            return error_set_memory(err, program->n_buffers, sizeof *memory->offsets, "a worker");
        memory->n_offsets = program->n_buffers + 1;
    }
    for (size_t i = 0; i < program->n_buffers; i++) {
        const ProgramBuffer *buffer = &program->buffers[i];
        const size_t size = extent_rows(extent, buffer->domain) * buffer->cols;
        memory->offsets[i + 1] = memory->offsets[i] + size_round_up(size, FLOAT_ALIGNMENT);
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
           a->n_relative == b->n_relative;
}

// Room for a unit of this extent, and the place of each buffer. Buffers lie side by side whatever units came before: so no more
// pages are touched than the unit has values.
static Status make_room(WorkerMemory *memory, const Program *program, Exec *exec, Extent extent,
                        Error *err)
{
    if (memory->program == program && same_extent(&extent, &memory->extent)) return STATUS_OK;
    const size_t floats = program_buffer_floats(program, extent);
    const size_t words =
        staged_begin(STAGED_COUNT, &extent) + angles_begin(program, program->n_angles, &extent);
    size_t size_bytes = 0;
    if (!size_add(floats, words, &size_bytes) ||
        !size_mul(size_bytes, sizeof(float), &size_bytes)) {
        return error_set(err, STATUS_MEMORY, "a unit of %zu tokens is too large",
                         extent.n_tokens + extent.n_targets);
    }
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
    }
    memory->buffers = memory->block;
    memory->staged = (int32_t *)memory->block + floats;
    memory->extent = extent;
    memory->program = program;
    return STATUS_OK;
}

static int32_t *staged_place(const ProgramRun *run, int which)
{
    return run->memory->staged + staged_begin(which, &run->memory->extent);
}

static Status stage(ProgramRun *run, int which, const void *from, const int32_t **out, Error *err)
{
    int32_t *to = staged_place(run, which);
    const Extent extent = extent_of_run(run);
    *out = to;
    if (!from) return STATUS_OK;
    return exec_upload(run->exec, to, from, staged_words(which, &extent) * sizeof *to, err);
}

// first, first + 1, ...: n of them.
static Status stage_count_from(ProgramRun *run, int which, size_t first, size_t n,
                               const int32_t **out, Error *err)
{
    int32_t count[256];
    int32_t *to = staged_place(run, which);
    *out = to;
    for (size_t at = 0; at < n; at += 256) {
        const size_t here = size_min(256, n - at);
        for (size_t i = 0; i < here; i++) count[i] = (int32_t)(first + at + i);
        TRY(exec_upload(run->exec, to + at, count, here * sizeof *count, err));
    }
    return STATUS_OK;
}

static Status stage_count(ProgramRun *run, int which, size_t n, const int32_t **out, Error *err)
{
    return stage_count_from(run, which, 0, n, out, err);
}

// Position of a row of tokens or outputs.
static int32_t position_of(const Unit *unit, RowDomain domain, size_t row)
{
    if (domain == ROWS_OUTPUTS && unit->output_rows) row = (size_t)unit->output_rows[row];
    return unit->position_ids[row];
}

// Place of an output among its sequence's tokens, of which some may have come before; *sequence is that of the one before it.
static int32_t place_of(const Unit *unit, size_t output, size_t *sequence)
{
    if (unit->cache) return position_of(unit, ROWS_OUTPUTS, output);
    while ((size_t)unit->output_offsets[*sequence + 1] <= output) ++*sequence;
    return unit->output_rows[output] - unit->offsets[*sequence];
}

static Status stage_output_positions(ProgramRun *run, const int32_t **out, Error *err)
{
    int32_t some[256];
    size_t sequence = 0;
    int32_t *to = staged_place(run, STAGED_OUTPUT_POSITIONS);
    *out = to;
    for (size_t at = 0; at < run->n_outputs; at += 256) {
        const size_t here = size_min(256, run->n_outputs - at);
        for (size_t i = 0; i < here; i++) some[i] = place_of(&run->unit, at + i, &sequence);
        TRY(exec_upload(run->exec, to + at, some, here * sizeof *some, err));
    }
    return STATUS_OK;
}

// Where the chosen tokens stand, for biases by relative position.
static Status stage_chosen_positions(ProgramRun *run, const int32_t **out, Error *err)
{
    const Unit *unit = &run->unit;
    int32_t some[256];
    int32_t *to = staged_place(run, STAGED_CHOSEN_POSITIONS);
    *out = NULL;
    if (!unit->chosen) return STATUS_OK;
    *out = to;
    for (size_t at = 0; at < unit->n_sequences; at += 256) {
        const size_t here = size_min(256, unit->n_sequences - at);
        for (size_t i = 0; i < here; i++) some[i] = unit->chosen[at + i] - unit->offsets[at + i];
        TRY(exec_upload(run->exec, to + at, some, here * sizeof *some, err));
    }
    return STATUS_OK;
}

// Cosines and sines of one row. The angle is a product of floats, as in Transformers; what is made of it is exact.
static void fill_angles(const TapeRope *rope, const float *frequencies, int32_t position, float *to)
{
    const size_t half = rope->n_dims / 2;
    for (size_t i = 0; i < half; i++) {
        const double angle = (double)((float)position * frequencies[i]);
        to[i] = (float)cos(angle) * rope->scale;
        to[half + i] = (float)sin(angle) * rope->scale;
    }
}

// The frequencies of a sequence of so many positions; those that its length stretches into own.
static const float *frequencies_for(const TapeRope *rope, int32_t horizon, float *own)
{
    if (rope->long_from == 0 || (size_t)horizon <= rope->long_from) return rope->frequencies;
    if (rope->long_frequencies) return rope->long_frequencies;
    rope_stretched_frequencies(rope->theta, rope->stretch, rope->long_from, (size_t)horizon,
                               rope->n_dims, own);
    return own;
}

// The angles of every rotary embedding for the unit's rows.
static Status stage_angles(ProgramRun *run, Error *err)
{
    const size_t mark = exec_scratch_mark(run->exec);
    const Unit *unit = &run->unit;
    const Extent extent = extent_of_run(run);
    float *place = (float *)run->memory->staged + staged_begin(STAGED_COUNT, &extent);
    for (size_t k = 0; k < run->program->n_angles; k++) {
        const ProgramAngles *angles = &run->program->angles[k];
        const TapeRope *rope = &run->program->tape->ropes[angles->rope];
        const size_t n_rows = extent_rows(&extent, angles->domain),
                     begin = angles_begin(run->program, k, &extent);
        const int32_t *offsets = angles->domain == ROWS_OUTPUTS && unit->output_rows
                                     ? unit->output_offsets
                                     : unit->offsets;
        float *to = run->memory->angles + begin;
        float *own = exec_scratch(run->exec, rope->n_dims / 2 * sizeof *own);
        if (!own) return error_set_memory(err, rope->n_dims, sizeof *own, "frequencies");
        for (size_t s = 0; s < unit->n_sequences; s++) {
            const int32_t last = unit->offsets[s + 1] - 1;
            int32_t horizon = unit->horizons ? unit->horizons[s] : 0;
            if (!unit->horizons && last >= unit->offsets[s]) horizon = unit->position_ids[last] + 1;
            const float *frequencies = frequencies_for(rope, horizon, own);
            for (int32_t row = offsets[s]; row < offsets[s + 1]; row++) {
                fill_angles(rope, frequencies, position_of(unit, angles->domain, (size_t)row),
                            to + (size_t)row * rope->n_dims);
            }
        }
        exec_scratch_release(run->exec, mark);
        TRY(exec_upload(run->exec, place + begin, to, n_rows * rope->n_dims * sizeof *to, err));
    }
    return STATUS_OK;
}

// The rows that someone reads, and where they stand.
static Status stage_outputs(ProgramRun *run, const void *keys, Error *err)
{
    const Unit *unit = &run->unit;
    const Ragged *tokens = &run->ragged[ROWS_TOKENS];
    if (!unit->output_rows) {
        run->ragged[ROWS_OUTPUTS] = *tokens;
        return stage_count(run, STAGED_OUTPUTS, unit->n_tokens, &run->device_outputs, err);
    }
    const int32_t *offsets = NULL, *positions = NULL;
    TRY(stage(run, STAGED_OUTPUTS, unit->output_rows, &run->device_outputs, err));
    TRY(stage(run, STAGED_OUTPUT_OFFSETS, unit->output_offsets, &offsets, err));
    TRY(stage_output_positions(run, &positions, err));
    run->ragged[ROWS_OUTPUTS] = (Ragged){.n_sequences = unit->n_sequences,
                                         .offsets = offsets,
                                         .positions = positions,
                                         .sequence_keys = keys};
    return STATUS_OK;
}

// The buckets that distances within the unit's longest sequence reach.
static void find_relative(ProgramRun *run)
{
    const Tape *tape = run->program->tape;
    size_t longest = 1, last = 0;
    run->first_relative = run->n_relative = 0;
    if (tape->n_relative == 0) return;
    for (size_t s = 0; s < run->unit.n_sequences; s++)
        longest = size_max(longest, (size_t)(run->unit.offsets[s + 1] - run->unit.offsets[s]));
    const int64_t reach = tape->relative_reach, wanted = (int64_t)longest - 1;
    const int64_t furthest = wanted < reach ? wanted : reach;
    run->first_relative = SIZE_MAX;
    for (int64_t d = -furthest; d <= furthest; d++) {
        const size_t bucket = (size_t)tape->relative_bucket[d + reach];
        run->first_relative = size_min(run->first_relative, bucket);
        last = size_max(last, bucket);
    }
    run->n_relative = last + 1 - run->first_relative;
}

// Their rows as one sequence, whose dropout every unit of a step has alike.
static Status stage_relative(ProgramRun *run, Error *err)
{
    const int32_t words[BATCH_WORDS] = {0, (int32_t)run->n_relative}, *batch = NULL;
    TRY(stage_count_from(run, STAGED_RELATIVE, run->first_relative, run->n_relative,
                         &run->device_relative, err));
    TRY(stage(run, STAGED_RELATIVE_BATCH, words, &batch, err));
    const void *key = batch + 2; // staged at 64 bytes, so 64-bit keys are aligned
    run->ragged[ROWS_RELATIVE] = (Ragged){.n_sequences = 1, .offsets = batch, .sequence_keys = key};
    return STATUS_OK;
}

// What the steps read as it comes.
static Status stage_arrays(ProgramRun *run, Error *err)
{
    const Unit *unit = &run->unit;
    TRY(stage(run, STAGED_IDS, unit->ids, &run->device_ids, err));
    TRY(stage(run, STAGED_POSITIONS, unit->position_ids, &run->device_positions, err));
    TRY(stage(run, STAGED_TYPES, unit->type_ids, &run->device_types, err));
    TRY(stage(run, STAGED_ROWS, unit->row_of_token, &run->device_rows, err));
    TRY(stage(run, STAGED_CHOSEN, unit->chosen, &run->device_chosen, err));
    TRY(stage(run, STAGED_TARGET_IDS, unit->target_ids, &run->device_target_ids, err));
    TRY(stage(run, STAGED_TARGET_POSITIONS, unit->target_positions, &run->device_target_positions,
              err));
    if (!unit->cache) return STATUS_OK;
    return stage(run, STAGED_KEY_OFFSETS, unit->cache->key_offsets, &run->device_key_offsets, err);
}

Status program_bind(ProgramRun *run, Error *err)
{
    const Unit *unit = &run->unit;
    const int32_t *offsets = NULL, *target_offsets = NULL, *ones = NULL, *keys = NULL;
    const int32_t *chosen_positions = NULL;
    run->n_outputs = unit->output_rows ? unit->n_outputs : unit->n_tokens;
    find_relative(run);
    TRY(make_room(run->memory, run->program, run->exec, extent_of_run(run), err));
    TRY(stage_arrays(run, err));
    TRY(stage(run, STAGED_OFFSETS, unit->offsets, &offsets, err));
    TRY(stage(run, STAGED_KEYS, unit->sequence_keys, &keys, err));
    TRY(stage(run, STAGED_TARGET_OFFSETS, unit->target_offsets, &target_offsets, err));
    TRY(stage_count(run, STAGED_FIRST, unit->n_sequences + 1, &ones, err));
    TRY(stage_chosen_positions(run, &chosen_positions, err));
    const void *key_words = keys; // staged at 64 bytes, so 64-bit keys are aligned
    run->ragged[ROWS_TOKENS] = (Ragged){.n_sequences = unit->n_sequences,
                                        .offsets = offsets,
                                        .positions = unit->cache ? run->device_positions : NULL,
                                        .sequence_keys = key_words};
    run->ragged[ROWS_SEQUENCES] = (Ragged){.n_sequences = unit->n_sequences,
                                           .offsets = ones,
                                           .positions = chosen_positions,
                                           .sequence_keys = key_words};
    run->ragged[ROWS_TARGETS] =
        (Ragged){.n_sequences = unit->n_sequences,
                 .offsets = target_offsets,
                 .positions = unit->target_pages ? unit->target_places : NULL, // on the CPU
                 .sequence_keys = key_words};
    TRY(stage_outputs(run, key_words, err));
    if (run->n_relative > 0) TRY(stage_relative(run, err));
    return stage_angles(run, err);
}

Tensor program_angles(const ProgramRun *run, size_t index)
{
    const ProgramAngles *angles = &run->program->angles[index];
    const Extent extent = extent_of_run(run);
    float *base = (float *)run->memory->staged + staged_begin(STAGED_COUNT, &extent);
    Tensor t = tensor_f32(base + angles_begin(run->program, index, &extent),
                          extent_rows(&extent, angles->domain),
                          run->program->tape->ropes[angles->rope].n_dims);
    t.device = exec_device(run->exec);
    return t;
}
