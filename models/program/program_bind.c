// Puts a unit in place for a run: its arrays where the device reads them, and what follows from them: rows that are read, and the
// angles of rotary embeddings.
#include <math.h>

#include "base/size.h"
#include "models/program/program_internal.h"
#include "models/program/program_memory.h"
#include "models/program/rope.h"

static int32_t *staged_place(const ProgramRun *run, int which)
{
    return run->memory->staged + program_staged_begin(which, &run->memory->extent);
}

static Status stage(ProgramRun *run, int which, const void *from, const int32_t **out, Error *err)
{
    int32_t *to = staged_place(run, which);
    const Extent extent = extent_of_run(run);
    *out = to;
    if (!from) return STATUS_OK;
    return exec_upload(run->exec, to, from, program_staged_words(which, &extent) * sizeof *to, err);
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
    float scale = rope->scale;
    if (rope->growth > 0)
        scale *=
            1.0f + rope->growth * logf(1.0f + floorf((float)position / (float)rope->growth_from));
    for (size_t i = 0; i < half; i++) {
        const double angle = (double)((float)position * frequencies[i]);
        to[i] = (float)cos(angle) * scale;
        to[half + i] = (float)sin(angle) * scale;
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
    float *place = (float *)run->memory->staged + program_staged_begin(STAGED_COUNT, &extent);
    for (size_t k = 0; k < run->program->n_angles; k++) {
        const ProgramAngles *angles = &run->program->angles[k];
        const TapeRope *rope = &run->program->tape->ropes[angles->rope];
        const size_t n_rows = extent_rows(&extent, angles->domain),
                     begin = program_angles_begin(run->program, k, &extent);
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
    const int32_t words[STAGED_BATCH_WORDS] = {0, (int32_t)run->n_relative}, *batch = NULL;
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
    TRY(program_make_room(run->memory, run->program, run->exec, extent_of_run(run), err));
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
    float *base = (float *)run->memory->staged + program_staged_begin(STAGED_COUNT, &extent);
    Tensor t = tensor_f32(base + program_angles_begin(run->program, index, &extent),
                          extent_rows(&extent, angles->domain),
                          run->program->tape->ropes[angles->rope].n_dims);
    t.device = exec_device(run->exec);
    return t;
}
